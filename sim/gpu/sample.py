"""What a sampled kernel's result says about itself: which CTAs and waves it rests on, and what follows for the launch.

The counters stay those of the simulated CTAs, as they were counted, so that every sum that holds between them still
holds. For the whole launch only totals are given, marked as estimates: scaling each counter would claim more than is
known, and its rounding would break the sums.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sim.gpu.extrapolate import Bar, extrapolate

if TYPE_CHECKING:
    from sim.gpu.counters import KernelCounters
    from sim.gpu.waves import Waves
    from sim.trace.model import KernelTrace
    from sim.trace.stream import KernelStream


@dataclass(frozen=True)
class Sample:
    """What was simulated of a launch, and its cycles and instructions as a whole."""

    #: CTAs that were simulated, that the launch has, and that the chip holds at once.
    ctas: int
    of_ctas: int
    wave_ctas: int
    #: Which rule ended the sample: `cta_sample` or `stop_when_stable`.
    rule: str
    #: Cycles of each simulated wave; the last one is the drain of the chip.
    wave_cycles: tuple[int, ...]
    #: Numbers, from 1, of the first and the last wave that stand for those left out.
    typical: tuple[int, int]
    #: Cycles of the whole launch.
    bar: Bar
    #: Warp and thread instructions of the whole launch, as the trace tells.
    warp_instructions: int
    thread_instructions: int
    #: By what events are multiplied for the whole launch: warp instructions of it / those simulated.
    scale: Fraction

    @property
    def wave_ipc(self) -> tuple[float, ...]:
        """Warp instructions per cycle of each wave, at the launch's mean of warp instructions per CTA."""
        work = self.warp_instructions * self.wave_ctas / self.of_ctas
        return tuple(work / cycles if cycles else 0.0 for cycles in self.wave_cycles)

    def scaled(self, count: int) -> int:
        """A count of the sample, for the whole launch, rounded."""
        return round(count * self.scale)


def conclude(result: "KernelCounters", waves: "Waves", ctas: int, kernel: "KernelTrace | KernelStream") -> None:
    """Say in `result`, which is of the first `ctas` CTAs, what follows for the whole launch, or that it is whole."""
    left = waves.ctas - ctas
    if left == 0:
        result.warnings.append(
            f"not sampled: all {waves.ctas} CTAs were simulated ({waves.wave} are a wave): {waves.why_whole}"
        )
        return
    scale, work = Fraction(waves.ctas, ctas), Fraction(1)
    if result.warp_instructions:
        scale = Fraction(kernel.warp_instructions, result.warp_instructions)
        work = (scale - 1) * ctas / left
    numbers = waves.typical
    typical = [waves.cycles[number - 1] for number in numbers]
    bar = extrapolate(result.cycles, left, waves.wave, typical, work, waves.scatter)
    result.sample = Sample(
        ctas=ctas,
        of_ctas=waves.ctas,
        wave_ctas=waves.wave,
        rule="cta_sample" if waves.stable_at is None else "stop_when_stable",
        wave_cycles=tuple(waves.cycles),
        typical=(numbers[0], numbers[-1]),
        bar=bar,
        warp_instructions=kernel.warp_instructions,
        thread_instructions=kernel.thread_instructions,
        scale=scale,
    )
    result.warnings.append(
        f"sampled: the first {ctas} of {waves.ctas} CTAs were simulated: all counters are theirs, and L2 keeps for the"
        " next kernel what they left there; `estimate` is of the whole launch"
    )
    if bar.low is None:
        result.warnings.append(
            f"sampled: no error bar: {len(waves.ends)} waves were simulated and it takes 4 (a first one, two to"
            " compare, the drain)"
        )
    if 2 * result.events["l2.write_backs"] < result.events["l2.sector_writes"]:
        result.warnings.append(
            "sampled: L2 had written back less than half of what was stored when the sample ended: if it was still"
            " filling, later waves take longer than the error bar says"
        )
