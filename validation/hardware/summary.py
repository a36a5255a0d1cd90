"""A measured folder in a few lines: the figures that a datasheet also gives, and the rows to be doubted."""

from collections import Counter
from collections.abc import Iterable

from validation.hardware.record import Row

#: (kernel, reading) whose best value over the cases stands for the machine: the lowest time, the highest rate.
_PEAKS = (
    ("copy", "bandwidth"),
    ("bandwidth", "rate"),
    ("fp32_peak", "peak"),
    ("tensor_peak", "peak"),
    ("launch_cost", "launch"),
    ("cta_dispatch", "rate"),
)


def summarise(rows: Iterable[Row]) -> str:
    """Peaks, then counts by status and by flag."""
    table = list(rows)
    lines = []
    for kernel, metric in _PEAKS:
        found = [row for row in table if (row["kernel"], row["metric"], row["status"]) == (kernel, metric, "ok")]
        if found := [row for row in found if row["value"] is not None]:
            low, high = min(found, key=lambda row: row["value"]), max(found, key=lambda row: row["value"])
            best = low if high["unit"] in ("us", "cycles") else high
            lines.append(f"{kernel} {metric}: {best['value']:.4g} {best['unit']}  ({best['case']})")
    statuses = Counter(row["status"] for row in table)
    lines.append("rows: " + ", ".join(f"{count:,} {status}" for status, count in sorted(statuses.items())))
    flagged = Counter(flag for row in table for flag in (row["flags"] or "").split())
    lines.append("flagged: " + (", ".join(f"{count:,} {flag}" for flag, count in sorted(flagged.items())) or "none"))
    failed = [row for row in table if row["status"] == "failed"]
    lines += [f"failed: {row['kernel']} {row['case']}: {row['reason']}" for row in failed[:20]]
    return "\n".join(lines)
