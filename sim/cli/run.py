"""`tickwise run`: simulate traces on a chip."""

import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.app import STARTED
from sim.cli.options import (
    Arch,
    CtaSample,
    Json,
    Set,
    Stability,
    StableWaves,
    StopWhenStable,
    parse_follow,
    parse_ranges,
    parse_sampling,
    print_json,
)
from sim.errors import BadInput
from sim.stopwatch import Stopwatch

if TYPE_CHECKING:
    from sim.cli.progress import ProgressLine

app = typer.Typer(rich_markup_mode=None, add_completion=False)

#: Rows of the hot-spot table unless `--hot` says otherwise.
_HOT = 10


class UnknownOp(StrEnum):
    """What to do about an opcode that the tables do not know."""

    warn = "warn"
    error = "error"


@app.command()
def run(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Traces: .twt, kernelslist.g, .traceg[.xz], .sass")
    ],
    arch: Arch,
    overrides: Set = None,
    as_json: Json = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Also write the result and its tables there.")
    ] = None,
    kernels: Annotated[
        str | None, typer.Option("--kernels", metavar="LIST", help="Places in each trace, such as 1,3-5; default: all.")
    ] = None,
    max_cycles: Annotated[
        int | None, typer.Option("--max-cycles", metavar="N", min=1, help="Give up when a kernel takes more cycles.")
    ] = None,
    follow: Annotated[
        str | None, typer.Option("--follow", metavar="SM:WARP[:PC]", help="Log what happens to one warp slot.")
    ] = None,
    unknown_op: Annotated[
        UnknownOp, typer.Option("--unknown-op", help="Opcodes that no table knows: simulate as MISC and warn, or stop.")
    ] = UnknownOp.warn,
    cta_sample: CtaSample = None,
    stop_when_stable: StopWhenStable = False,
    stability: Stability = None,
    stable_waves: StableWaves = None,
    hot: Annotated[
        int | None,
        typer.Option("--hot", metavar="N", min=0, help=f"Rows of the hot-spot table ({_HOT}; with --json: 0)."),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", metavar="N", min=1, help="Threads that share the SMs of a kernel.")
    ] = 1,
) -> None:
    """Simulate traces on a chip: cycles, stalls, hot spots, energy."""
    from sim.run import Options
    from sim.run import run as simulate

    watch = Stopwatch(STARTED)
    options = Options(
        parse_ranges(kernels),
        max_cycles,
        parse_follow(follow),
        unknown_op.value,
        threads,
        parse_sampling(cta_sample, stop_when_stable, stability, stable_waves),
    )
    if output is not None:
        from sim.result.folder import check_target

        check_target(output)
    with watch.importing():
        from sim.arch import load_arch, parse_overrides
    chip = load_arch(arch, parse_overrides(overrides or []))
    if options.follow is not None and not options.follow[0] < chip.config.sm.count:
        raise BadInput(f"--follow {follow}: {chip.name} has SMs 0 to {chip.config.sm.count - 1}")
    if options.follow is not None and not options.follow[1] < chip.config.sm.max_warps:
        raise BadInput(f"--follow {follow}: an SM of {chip.name} has warp slots 0 to {chip.config.sm.max_warps - 1}")
    with _progress() as report:
        result = simulate(inputs, chip, options, watch=watch, on_progress=report, on_compile=announce_compiling)
    if output is not None:
        result.save(output)
    if as_json:
        print_json(result.to_dict(hot or 0))
        return
    from sim.report import run_report

    # What is piped goes to a file or a pager: nothing is cut to the width of a terminal that is not there.
    width = max(100, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 160
    typer.echo(run_report(result, _HOT if hot is None else hot, width))
    if output is not None:
        typer.echo(f"Written to {output}")


def announce_compiling() -> None:
    """One line on stderr before the wait for the compiler."""
    typer.echo("compiling the simulator's core, once for this version and machine ...", err=True)


def _progress() -> "AbstractContextManager[ProgressLine | None]":
    """The progress line on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(None)
    from sim.cli.progress import ProgressLine

    return ProgressLine()
