"""Options that several commands share, and texts of options turned into values."""

import json
from typing import Annotated, Any

import typer

from sim.errors import BadInput

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Arch = Annotated[
    str, typer.Option("--arch", metavar="NAME|FILE", help="Chip: a name from `tickwise arch list`, or a .yaml file.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace one value of the configuration; repeatable."),
]


def print_json(value: dict[str, Any]) -> None:
    """One object on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def parse_ranges(text: str | None) -> tuple[tuple[int, int], ...] | None:
    """`1,3-5` as ((1, 1), (3, 5)). Raises BadInput."""
    if text is None:
        return None
    ranges = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise BadInput(f"--kernels {text}: write places in the trace, from 1, such as 1,3-5")
        ranges.append((int(first), int(last) if dash else int(first)))
    for low, high in ranges:
        if not 1 <= low <= high:
            raise BadInput(f"--kernels {text}: {low}-{high} is no range: places count from 1, the smaller one first")
    return tuple(ranges)


def parse_follow(text: str | None) -> tuple[int, int, int | None] | None:
    """`SM:WARP[:PC]` as numbers; the PC may be hexadecimal (0x2f0). Raises BadInput."""
    if text is None:
        return None
    parts = text.split(":")
    try:
        numbers = [int(part, 0) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or any(number < 0 for number in numbers):
        raise BadInput(f"--follow {text}: write SM:WARP or SM:WARP:PC, such as 0:3 or 0:3:0x2f0")
    return numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else None
