"""The waves of a launch that is being simulated: when each one ended, and whether CTAs follow it.

Wave k has ended when k x (CTAs of a wave) CTAs have, whichever they were. The dispatcher pauses there, in the order of
its own time, so neither the ends nor the decision depend on quanta, threads or the skipping of idle time. When it is
decided to stop, no more CTAs are handed out and the chip drains: what was simulated is a whole launch of fewer CTAs,
every counter of it is exact, and the drain of a full chip is in its cycles once, as in those of the whole launch.
"""

import math
from fractions import Fraction
from statistics import fmean, stdev
from typing import Any

from sim.gpu.chip import CTAS, LAST_END, NEXT_CTA, PAUSE_AT
from sim.gpu.sampling import LEAST_WAVES, Sampling


class Waves:
    """Watches the dispatcher of a launch of `ctas` CTAs, of which the chip holds `wave` at once."""

    def __init__(self, sampling: Sampling, ctas: int, wave: int) -> None:
        self.sampling = sampling
        self.ctas = ctas
        self.wave = wave
        #: Cycle in which each wave ended.
        self.ends: list[int] = []
        #: Number of the wave, from 1, whose end was the last of a stable window; None: there is none.
        self.stable_at: int | None = None

    def start(self, dispatch: Any) -> None:
        """Limit the CTAs, and wait for the end of the first wave."""
        dispatch[CTAS] = self.limit
        dispatch[PAUSE_AT] = self.wave

    def end_wave(self, dispatch: Any) -> None:
        """Note that a wave has ended; no CTA follows those that were handed out if the last waves are stable."""
        self.ends.append(int(dispatch[LAST_END]))
        dispatch[PAUSE_AT] += self.wave
        if int(dispatch[NEXT_CTA]) < int(dispatch[CTAS]) and self._stable():
            self.stable_at = len(self.ends)
            dispatch[CTAS] = dispatch[NEXT_CTA]

    @property
    def limit(self) -> int:
        """CTAs that are simulated at most: whole waves, or all."""
        wanted = self.ctas
        if self.sampling.ctas is not None:
            wanted = self.sampling.ctas
        elif self.sampling.share is not None:
            wanted = math.ceil(Fraction(str(self.sampling.share)) * self.ctas)
        return min(self.ctas, -(-wanted // self.wave) * self.wave)

    @property
    def cycles(self) -> list[int]:
        """Cycles from the end of each wave to that of the next; the first wave's count from 0."""
        return [end - before for before, end in zip([0, *self.ends], self.ends, strict=False)]

    @property
    def typical(self) -> range:
        """Numbers, from 1, of the waves that stand for those left out.

        The stable ones; or the later half, but at least three, of those between the first wave, which fills caches, and
        the last, which drains the chip; where there is none between, the last.
        """
        if self.stable_at is not None:
            return range(self.stable_at - self.sampling.waves + 1, self.stable_at + 1)
        last = len(self.ends)
        between = range(2, last)
        return between[-max(LEAST_WAVES, -(-len(between) // 2)) :] or range(last, last + 1)

    @property
    def scatter(self) -> float:
        """Least standard deviation, as a part of the mean, to assume of waves.

        0 if the typical waves were not chosen for being calm. Else as much as the choice allowed, and as much as the
        later half of all waves up to there had: rates also drift slowly, which a short window does not show.
        """
        if self.stable_at is None or self.sampling.stable is None:
            return 0.0
        first = min(self.typical[0], 1 + self.stable_at // 2)
        later = self.cycles[first - 1 : self.stable_at]
        return max(self.sampling.stable, stdev(later) / fmean(later))

    @property
    def why_whole(self) -> str:
        """Why nothing was left out, if nothing was."""
        if self.limit == self.ctas and self.sampling.stable is None:
            return "the sample, in whole waves, holds them all"
        return f"no {self.sampling.waves} waves behind the first were stable before the last CTA was handed out"

    def _stable(self) -> bool:
        """Whether the last waves of the window took about the same time; the first wave fills caches and counts not."""
        count = self.sampling.waves
        if self.sampling.stable is None or len(self.ends) <= count:
            return False
        last = self.cycles[-count:]
        return stdev(last) <= self.sampling.stable * fmean(last)
