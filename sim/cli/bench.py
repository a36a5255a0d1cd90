"""`tickwise bench`: how fast the simulator is, on big traces made from small ones."""

import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import Json, Set, print_json
from sim.errors import BadInput

if TYPE_CHECKING:
    from sim.arch import Arch
    from sim.trace import Trace

app = typer.Typer(rich_markup_mode=None, add_completion=False)

#: Shipped traces that are measured unless others are given: arithmetic, and arithmetic with shared memory and barriers.
_DEFAULT = ("ffmachain_16_sm86.twt", "sgemm_256x256x64_sm86.twt")
#: How far apart the copies of a CTA work in global memory: farther than a kernel's data reaches, so that they share no
#: cache line, and no power of two, so that they do not meet in few banks.
STRIDE = 3 * (1 << 33) + 5 * (1 << 21)


@app.command()
def bench(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="TRACE...", help="Traces to repeat; default: two shipped ones.")
    ] = None,
    arch: Annotated[str, typer.Option("--arch", metavar="NAME|FILE", help="Chip to simulate.")] = "rtx_a6000",
    overrides: Set = None,
    size: Annotated[
        int, typer.Option("--size", metavar="N", min=1, help="Warp instructions of each trace, about.")
    ] = 8_000_000,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=1, help="Runs of each trace; the best counts.")
    ] = 3,
    as_json: Json = False,
) -> None:
    """Measure the simulator's speed in warp instructions per second.

    The CTAs of each trace's first kernel are repeated, each copy on other addresses, until the trace is big; then it is
    written, read and simulated like any trace (`simulate_s` of `tickwise run`). Compiling does not count.
    """
    from sim.arch import load_arch, parse_overrides
    from sim.cli.run import announce_compiling
    from sim.run import load_core
    from sim.trace import open_trace

    chip = load_arch(arch, parse_overrides(overrides or []))
    traces = [open_trace(path) for path in inputs or _shipped()]
    load_core(announce_compiling)
    rows = [_measure(trace, chip, size, rounds) for trace in traces]
    if as_json:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "processor": _processor()}
        print_json({"arch": {"name": chip.name, "hash": chip.hash}, "machine": machine, "traces": rows})
        return
    from sim.report.table import count, table

    cells = [["trace", "warp instructions", "cycles", "seconds", "warp instructions/s"]]
    for row in rows:
        figures = [count(row["warp_instructions"]), count(row["cycles"])]
        cells.append([row["name"], *figures, f"{row['simulate_s']:.2f}", count(row["warp_instructions_per_s"])])
    typer.echo("\n".join(table(cells, "<>>>>", indent=0)))
    typer.echo(f"{chip.name}, best of {rounds}, 1 thread, {_processor()}, Python {platform.python_version()}")


def _shipped() -> list[Path]:
    """The default traces, in a checkout or an installed package."""
    from sim.arch import config_root

    return [config_root().parent / "traces" / name for name in _DEFAULT]


def _measure(trace: "Trace", chip: "Arch", size: int, rounds: int) -> dict[str, Any]:
    """The best of `rounds` runs of the trace's first kernel, repeated to about `size` warp instructions."""
    from sim.run import run
    from sim.trace import Trace
    from sim.trace.container import write_twt
    from sim.trace.repeat import repeat_stream

    if not len(trace.streams) or not trace.streams[0].warp_instructions:
        raise BadInput(f"{trace.path}: holds no instruction to repeat")
    kernel = trace.streams[0]
    times = max(1, round(size / kernel.warp_instructions))
    with tempfile.TemporaryDirectory(prefix="tickwise-bench-") as folder:
        path = Path(folder) / "bench.twt"
        write_twt(Trace.of_streams(trace.path, trace.source, [repeat_stream(kernel, times, STRIDE)]), path)
        best = min((run([path], chip) for _ in range(rounds)), key=lambda result: result.simulation.simulate_s)
    return {
        "name": f"{kernel.header.name} x {times}",
        "path": str(trace.path),
        "times": times,
        "warp_instructions": best.total["warp_instructions"],
        "cycles": best.total["cycles"],
        "simulate_s": best.simulation.simulate_s,
        "warp_instructions_per_s": best.simulation.warp_instructions_per_s,
        "peak_rss_mb": best.simulation.peak_rss_mb,
    }


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
