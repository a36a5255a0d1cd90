"""Plain-text tables: aligned columns, bars, and numbers with the right prefix."""

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"
_PREFIXES = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "µ": 1e-6, "n": 1e-9}


def table(rows: Sequence[Sequence[str]], align: str, indent: int = 2, gap: int = 2) -> list[str]:
    """Lines of aligned columns; `align` has one of `<` and `>` per column."""
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(align))]
    lines = []
    for row in rows:
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)]
        lines.append((" " * indent + (" " * gap).join(cells)).rstrip())
    return lines


def bar(part: float, whole: float, width: int = 24) -> str:
    """`part` of `whole` as a share of `width` characters, in steps of an eighth of a character."""
    eighths = round(part / whole * width * 8) if whole else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def percent(part: float, whole: float) -> str:
    """`part` of `whole` with one decimal; `-` if there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def si(value: float, unit: str) -> str:
    """`value` with three or four digits and a prefix from pico to tera."""
    if value == 0:
        return f"0 {unit}"
    for prefix, factor in _PREFIXES.items():
        if abs(value) >= factor:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value / 1e-12:.4g} p{unit}"


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{round(value):,}"


def size(value: float) -> str:
    """Bytes with a binary prefix."""
    for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= factor:
            return f"{value / factor:.4g} {unit}"
    return f"{value:.0f} B"


def clip(text: str, width: int) -> str:
    """`text` in at most `width` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
