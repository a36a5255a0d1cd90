"""The `estimate` objects: what a sampled kernel, and a run with such kernels, would come to as a whole.

Cycles have bounds (`sim/gpu/extrapolate.py`). Instructions are those of the trace. Bytes and joules have none: they are
those of the sample, scaled by warp instructions, with static power over the estimated time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """Totals of a whole launch."""

    cycles: int
    #: 95 % bounds of the cycles, equal to them if all was simulated; None where the sample is too small for bounds.
    low: int | None
    high: int | None
    time_s: float
    warp_instructions: int
    thread_instructions: int
    dram_read_bytes: int
    dram_write_bytes: int
    energy_j: float

    @property
    def error(self) -> float | None:
        """The farther bound's distance from the cycles, as a part of them."""
        return error_of(self.cycles, self.low, self.high)

    @property
    def ipc(self) -> float:
        """Warp instructions per cycle of the whole chip."""
        return self.warp_instructions / self.cycles if self.cycles else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The `kernels.estimate` object."""
        return {
            "cycles": self.cycles,
            "low": self.low,
            "high": self.high,
            "time_us": self.time_s * 1e6,
            "warp_instructions": self.warp_instructions,
            "thread_instructions": self.thread_instructions,
            "ipc": self.ipc,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "energy_j": self.energy_j,
            "power_w": self.energy_j / self.time_s if self.time_s else 0.0,
        }


def error_of(cycles: int, low: int | None, high: int | None) -> float | None:
    """The farther bound's distance from the cycles, as a part of them; None without bounds."""
    if low is None or high is None:
        return None
    return max(high - cycles, cycles - low) / max(1, cycles)


def sum_of_estimates(wholes: Sequence[Estimate]) -> dict[str, Any]:
    """The `total.estimate` object; its bounds are the sums of the bounds, as if all kernels erred to the same side."""
    low, high = ([getattr(whole, side) for whole in wholes] for side in ("low", "high"))
    return {
        "cycles": sum(whole.cycles for whole in wholes),
        "low": None if None in low else sum(low),
        "high": None if None in high else sum(high),
        "time_us": math.fsum(whole.time_s for whole in wholes) * 1e6,
        "warp_instructions": sum(whole.warp_instructions for whole in wholes),
        "energy_j": math.fsum(whole.energy_j for whole in wholes),
    }
