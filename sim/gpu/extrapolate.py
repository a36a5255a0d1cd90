"""From the simulated waves of a launch to the cycles of all of it, with an error bar.

A launch of more CTAs has more waves in its middle; its start and its drain are those of the sample. So its cycles are
those of the sample plus (CTAs left out / CTAs of a wave) x the mean cycles of a typical wave. If the CTAs left out
execute more or fewer warp instructions each, which the trace tells, their cycles are assumed to be more or fewer in
proportion.

The error bar holds, each added to the next:

- the 95 % prediction interval of the sum of the waves left out, given the cycles of the n typical ones (Student's t
  with n - 1 degrees of freedom; waves are taken as independent). Waves at which a run stopped because they were calm
  look calmer than the others: their standard deviation is taken to be at least what the stop allowed, and at least
  that of the later half of all waves until then (`Waves.scatter`);
- a last wave that is not full: it may take no time, or as long as a full one;
- the proportion of work: it may count in full, or not at all.

It does not hold what the simulated waves did not show: an L2 that fills, other data that other CTAs work on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist, fmean, stdev

#: Upper end of the two-sided 95 % interval, as a probability.
_UPPER = 0.975


@dataclass(frozen=True)
class Bar:
    """An estimate with its 95 % bounds in cycles; without bounds where there were too few waves to tell."""

    cycles: int
    low: int | None
    high: int | None


def extrapolate(
    cycles: int, left: int, wave: int, typical: Sequence[int], work: Fraction = Fraction(1), scatter: float = 0.0
) -> Bar:
    """Cycles of a launch of which `left` CTAs were not simulated, in `cycles` cycles the others.

    `wave` = CTAs that the chip holds, `typical` = cycles of the waves that stand for those left out, `work` = warp
    instructions of a CTA left out / of one that was simulated, `scatter` = the least standard deviation to assume of
    waves, as a part of their mean.
    """
    rate = fmean(typical)
    waves = Fraction(left, wave)
    best = cycles + float(waves * work) * rate
    n = len(typical)
    if n < 2:
        return Bar(round(best), None, None)
    spread = student_t(n - 1) * max(stdev(typical), scatter * rate)
    one = Fraction(1)
    least, most = float(left // wave * min(work, one)), float(-(-left // wave) * max(work, one))
    low = cycles + least * rate - spread * math.sqrt(least + least**2 / n)
    high = cycles + most * rate + spread * math.sqrt(most + most**2 / n)
    return Bar(round(best), max(cycles, math.floor(low)), math.ceil(high))


def student_t(freedom: int) -> float:
    """Upper 2.5 % point of Student's t with `freedom` degrees of freedom, to 0.2 %.

    Exact for 1 and 2; else Fisher's expansion about the normal distribution (Abramowitz and Stegun, 26.7.5).
    """
    if freedom == 1:
        return math.tan(math.pi * (_UPPER - 0.5))
    if freedom == 2:
        return (2 * _UPPER - 1) / math.sqrt(2 * _UPPER * (1 - _UPPER))
    z = NormalDist().inv_cdf(_UPPER)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(freedom) ** power for power, term in enumerate(terms, 1))
