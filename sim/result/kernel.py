"""One kernel's result: the core's counters with what follows from them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.gpu.counters import KernelCounters

_SECTOR_BYTES = 32
#: The reason of a cycle that lost nothing.
_ISSUED = "selected"


@dataclass(frozen=True)
class KernelResult:
    """Counters of one kernel, where it comes from, and its energy."""

    counters: "KernelCounters"
    #: Which trace of the result, from 0, and which kernel of that trace, from 1.
    trace: int
    index: int
    clock_hz: int
    #: `energy_j`: the total and its components, in joules.
    energy: dict[str, float]

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.counters.header.name

    @property
    def time_s(self) -> float:
        """Seconds at the SM clock, without the launch."""
        return self.counters.cycles / self.clock_hz

    @property
    def ipc(self) -> float:
        """Warp instructions per cycle of the whole chip."""
        return _ratio(self.counters.warp_instructions, self.counters.cycles) or 0.0

    @property
    def power_w(self) -> float:
        """Mean power in watts."""
        return _ratio(self.energy["total"], self.time_s) or 0.0

    @property
    def memory(self) -> dict[str, float | int | None]:
        """The `memory` object; null where the part is not modelled or was not used."""
        events = self.counters.events
        return {
            "l1_hit_rate": _ratio(events.get("sm.l1d.sector_hits", 0), events.get("sm.l1d.sector_reads", 0)),
            "l2_hit_rate": None,
            "l2_read_bytes": None,
            "dram_read_bytes": None,
            "dram_write_bytes": None,
            "l1_read_bytes": events.get("sm.l1d.sector_reads", 0) * _SECTOR_BYTES,
            "l1_write_bytes": events.get("sm.l1d.sector_writes", 0) * _SECTOR_BYTES,
            "behind_l1_read_bytes": events.get("behind_l1.read_bytes", 0),
            "behind_l1_write_bytes": events.get("behind_l1.write_bytes", 0),
        }

    def lost(self, row: int) -> dict[str, int]:
        """Sub-core cycles without issue that count against a row of the hot-spot table, by reason."""
        spots = self.counters.hotspots
        return _named(spots.reasons, spots.slot_stalls[row], without=_ISSUED)

    def hottest(self, count: int) -> list[int]:
        """Rows of the hot-spot table with the most sub-core cycles (issued and lost), at most `count` of them."""
        spots = self.counters.hotspots
        stalls = [i for i, reason in enumerate(spots.reasons) if reason != _ISSUED]
        cost = (spots.issued + spots.slot_stalls[:, stalls].sum(axis=1)).tolist()
        order = sorted(range(len(cost)), key=lambda row: (-cost[row], int(spots.pcs[row])))
        return [row for row in order[:count] if cost[row] > 0]

    def hotspot(self, row: int) -> dict[str, Any]:
        """One row of the hot-spot table as an object; only reasons that occurred are listed."""
        spots = self.counters.hotspots
        return {
            "pc": int(spots.pcs[row]),
            "sass": spots.sass[row],
            "issued": int(spots.issued[row]),
            "threads": int(spots.threads[row]),
            "slot_stalls": self.lost(row),
            "warp_states": _named(spots.reasons, spots.warp_states[row]),
        }

    def to_dict(self, hot: int = 0) -> dict[str, Any]:
        """The kernel's object; `hot` adds that many rows of the hot-spot table."""
        counters, occupancy = self.counters, self.counters.occupancy
        kernel: dict[str, Any] = {
            "name": self.name,
            "trace": self.trace,
            "index": self.index,
            "grid": list(counters.header.grid),
            "block": list(counters.header.block),
            "cycles": counters.cycles,
            "launch_cycles": counters.launch_cycles,
            "sm_active_cycles": counters.sm_active_cycles,
            "time_us": self.time_s * 1e6,
            "warp_instructions": counters.warp_instructions,
            "thread_instructions": counters.thread_instructions,
            "ipc": self.ipc,
            "occupancy": {
                "theoretical": occupancy.theoretical,
                "achieved": occupancy.achieved,
                "limiter": occupancy.limiter,
                "ctas_per_sm": occupancy.ctas_per_sm,
                "warps_per_sm": occupancy.warps_per_sm,
                "limits": dict(occupancy.limits),
            },
            "issue_slots": {
                "total": counters.issue_slots.total,
                "issued": counters.issue_slots.issued,
                "stalls": dict(counters.issue_slots.stalls),
            },
            "warp_states": dict(counters.warp_states),
            "warp_lifetime": counters.warp_lifetime,
            "memory": self.memory,
            "counters": dict(counters.events),
            "energy_j": dict(self.energy),
            "power_w": self.power_w,
            "warnings": list(counters.warnings),
        }
        if hot:
            kernel["hotspots"] = [self.hotspot(row) for row in self.hottest(hot)]
        if counters.follow:
            kernel["follow"] = [
                {
                    "cycle": event.cycle,
                    "sm": event.sm,
                    "warp": event.warp,
                    "pc": event.pc,
                    "event": event.event,
                    "detail": event.detail,
                }
                for event in counters.follow
            ]
        return kernel


def _named(names: tuple[str, ...], values: Any, without: str = "") -> dict[str, int]:
    return {name: int(value) for name, value in zip(names, values, strict=True) if int(value) and name != without}


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
