"""`traces.sampled`: which kernels of a trace were simulated, and of those that were sampled, which CTAs and waves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.gpu.counters import KernelCounters
    from sim.gpu.sample import Sample
    from sim.result.kernel import KernelResult


def sampled_part(kernels: "Sequence[KernelResult]", held: int) -> dict[str, Any] | None:
    """The object, of the simulated kernels of a trace that holds so many; None if nothing was left out."""
    launches = [
        _launch(kernel.index, kernel.counters, kernel.counters.sample)
        for kernel in kernels
        if kernel.counters.sample is not None
    ]
    if len(kernels) == held and not launches:
        return None
    part: dict[str, Any] = {"kernels": [kernel.index for kernel in kernels], "of": held}
    if launches:
        part["launches"] = launches
    return part


def _launch(index: int, counters: "KernelCounters", sample: "Sample") -> dict[str, Any]:
    return {
        "kernel": index,
        "rule": sample.rule,
        "ctas": sample.ctas,
        "of_ctas": sample.of_ctas,
        "wave_ctas": sample.wave_ctas,
        "wave_cycles": list(sample.wave_cycles),
        "wave_ipc": list(sample.wave_ipc),
        "typical_waves": list(sample.typical),
        "simulated": {
            "cycles": counters.cycles,
            "warp_instructions": counters.warp_instructions,
            "thread_instructions": counters.thread_instructions,
        },
        "cycles": {"estimate": sample.bar.cycles, "low": sample.bar.low, "high": sample.bar.high},
    }
