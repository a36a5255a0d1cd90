"""How a report shows that a kernel was sampled: `≈` before every estimate, and the error bar beside the cycles."""

from sim.report.table import count, si, size
from sim.result import KernelResult, Result
from sim.result.estimate import Estimate, error_of

#: The line under the title of a run in which a kernel was sampled.
SAMPLED = (
    "SAMPLED: only some CTAs were simulated. ≈ marks estimates of whole launches; other figures are of those CTAs."
)


def about(estimated: bool) -> str:
    """The mark of an estimate, or nothing."""
    return "≈ " if estimated else ""


def cycles_about(kernel: KernelResult) -> str:
    """Cycles of the launch: as counted, or estimated with their error bar."""
    if kernel.estimate is None:
        return count(kernel.counters.cycles)
    return f"≈ {count(kernel.estimate.cycles)} {_error(kernel.estimate.error)}"


def total_about(result: Result) -> str:
    """Cycles of all kernels: as counted, or estimated with their error bar."""
    total = result.total["estimate"]
    if total is None:
        return count(result.total["cycles"])
    return f"≈ {count(total['cycles'])} {_error(error_of(total['cycles'], total['low'], total['high']))}"


def launch_rows(kernel: KernelResult) -> list[list[str]]:
    """Rows of the kernel's first table about its launch as a whole; none if it was simulated as a whole."""
    estimate, sample = kernel.estimate, kernel.counters.sample
    if estimate is None or sample is None:
        return []
    first, last = sample.typical
    waves = f"wave {first}" if first == last else f"waves {first} to {last}"
    read, written = size(estimate.dram_read_bytes), size(estimate.dram_write_bytes)
    return [
        ["whole launch", f"≈ {count(estimate.cycles)}", f"cycles {_error(estimate.error)}{_bounds(estimate)}"],
        [
            "",
            count(estimate.warp_instructions),
            f"warp instructions, ≈ {si(estimate.time_s, 's')}, IPC ≈ {estimate.ipc:.2f},"
            f" ≈ {si(estimate.energy_j, 'J')}, DRAM ≈ {read} read, ≈ {written} written",
        ],
        [
            "simulated",
            count(sample.ctas),
            f"of {count(sample.of_ctas)} CTAs ({100 * sample.ctas / sample.of_ctas:.1f} %), in waves of"
            f" {count(sample.wave_ctas)}; the others are taken to go on like {waves}",
        ],
    ]


def _error(error: float | None) -> str:
    return "± unknown" if error is None else f"± {100 * error:.1f} %"


def _bounds(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ": too few waves for an error bar"
    return f" (95 %: {count(estimate.low)} to {count(estimate.high)})"
