"""Options that several commands share, and texts of options turned into values."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.errors import BadInput

if TYPE_CHECKING:
    from sim.gpu.sampling import Sampling

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Arch = Annotated[
    str, typer.Option("--arch", metavar="NAME|FILE", help="Chip: a name from `tickwise arch list`, or a .yaml file.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace one value of the configuration; repeatable."),
]
CtaSample = Annotated[
    str | None,
    typer.Option(
        "--cta-sample",
        metavar="N|P%",
        help="Simulate the first N CTAs of each kernel, or P % of them, in whole waves, and estimate the whole.",
    ),
]
StopWhenStable = Annotated[
    bool,
    typer.Option(
        "--stop-when-stable",
        help="Simulate each kernel until its last waves of CTAs take about the same time, and estimate the whole.",
    ),
]
Stability = Annotated[
    str | None,
    typer.Option("--stability", metavar="P%", help="Stable: the waves' standard deviation is P % of their mean (2%)."),
]
StableWaves = Annotated[
    int | None, typer.Option("--stable-waves", metavar="N", help="Stable over the last N waves, 3 or more (3).")
]
#: What `--stop-when-stable` takes as stable unless told otherwise.
_STABILITY = "2%"


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


def parse_sampling(
    cta_sample: str | None, stop_when_stable: bool, stability: str | None, stable_waves: int | None
) -> "Sampling | None":
    """The options of sampling as one choice; None if there is none. Raises BadInput."""
    from sim.gpu.sampling import LEAST_WAVES, Sampling

    if not stop_when_stable and (stability is not None or stable_waves is not None):
        option = "--stability" if stability is not None else "--stable-waves"
        raise BadInput(f"{option}: says when to stop; give --stop-when-stable as well")
    ctas, share = None, None
    if cta_sample is not None and cta_sample.isdecimal():
        ctas = int(cta_sample)
    elif cta_sample is not None:
        share = _percent("--cta-sample", cta_sample, "write a number of CTAs such as 512, or a share such as 10%")
    if cta_sample is None and not stop_when_stable:
        return None
    stable = None
    if stop_when_stable:
        stable = _percent("--stability", stability or _STABILITY, "write a share such as 2%")
    return Sampling(ctas, share, stable, LEAST_WAVES if stable_waves is None else stable_waves)


def _percent(option: str, text: str, advice: str) -> float:
    """`2.5%` as 0.025. Raises BadInput."""
    number = text.removesuffix("%").rstrip()
    try:
        value = float(number) / 100
    except ValueError:
        value = 0.0
    if number == text or not 0 < value < 1:
        raise BadInput(f"{option} {text}: {advice}, above 0 % and below 100 %")
    return value
