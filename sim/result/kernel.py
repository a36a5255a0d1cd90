"""One kernel's result: the core's counters with what follows from them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.result.estimate import Estimate

if TYPE_CHECKING:
    from sim.gpu.counters import KernelCounters

#: The reason of a cycle that lost nothing.
_ISSUED = "selected"
#: Counters of where the latency of answers is spent, in the order of their way.
_STAGE = "memory.stage."


@dataclass(frozen=True)
class Scale:
    """What of a chip turns counts into seconds and bytes."""

    #: Clock of the SMs.
    clock_hz: int
    #: Bytes of a sector of L1D and L2.
    sector: int
    #: Bytes of a DRAM burst.
    atom: int
    #: Peak of all DRAM channels together, in bytes per second.
    dram_peak: int


@dataclass(frozen=True)
class KernelResult:
    """Counters of one kernel, where it comes from, and its energy."""

    counters: "KernelCounters"
    #: Which trace of the result, from 0, and which kernel of that trace, from 1.
    trace: int
    index: int
    scale: Scale
    #: `energy_j`: the total and its components, in joules.
    energy: dict[str, float]
    #: Joules of the whole launch, estimated, where only a sample of it was simulated.
    whole_energy: float | None = None

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.counters.header.name

    @property
    def time_s(self) -> float:
        """Seconds at the SM clock, without the launch."""
        return self.counters.cycles / self.scale.clock_hz

    @property
    def ipc(self) -> float:
        """Warp instructions per cycle of the whole chip."""
        return _ratio(self.counters.warp_instructions, self.counters.cycles) or 0.0

    @property
    def power_w(self) -> float:
        """Mean power in watts."""
        return _ratio(self.energy["total"], self.time_s) or 0.0

    @property
    def whole(self) -> Estimate:
        """Totals of the whole launch: what follows from its sample, or just what was counted."""
        counters, sample = self.counters, self.counters.sample
        read, written = self.memory["dram_read_bytes"], self.memory["dram_write_bytes"]
        if sample is None:
            return Estimate(
                cycles=counters.cycles,
                low=counters.cycles,
                high=counters.cycles,
                time_s=self.time_s,
                warp_instructions=counters.warp_instructions,
                thread_instructions=counters.thread_instructions,
                dram_read_bytes=read,
                dram_write_bytes=written,
                energy_j=self.energy["total"],
            )
        return Estimate(
            cycles=sample.bar.cycles,
            low=sample.bar.low,
            high=sample.bar.high,
            time_s=sample.bar.cycles / self.scale.clock_hz,
            warp_instructions=sample.warp_instructions,
            thread_instructions=sample.thread_instructions,
            dram_read_bytes=sample.scaled(read),
            dram_write_bytes=sample.scaled(written),
            energy_j=self.whole_energy or 0.0,
        )

    @property
    def estimate(self) -> Estimate | None:
        """`whole` if it is an estimate; None if all of the launch was simulated."""
        return None if self.counters.sample is None else self.whole

    @property
    def memory(self) -> dict[str, Any]:
        """The `memory` object; rates and latencies are null where nothing was counted."""
        events, sector = self.counters.events, self.scale.sector
        dram = (events.get("dram.reads", 0) * self.scale.atom, events.get("dram.writes", 0) * self.scale.atom)
        opened = events.get("dram.row_misses", 0) + events.get("dram.row_conflicts", 0)
        row_hits = events.get("dram.row_hits", 0)
        return {
            "l1_hit_rate": _ratio(events.get("sm.l1d.sector_hits", 0), events.get("sm.l1d.sector_reads", 0)),
            "l1_read_bytes": events.get("sm.l1d.sector_reads", 0) * sector,
            "l1_write_bytes": events.get("sm.l1d.sector_writes", 0) * sector,
            "noc_read_bytes": events.get("noc.reply_bytes", 0),
            "noc_write_bytes": events.get("noc.request_bytes", 0),
            "l2_hit_rate": _ratio(events.get("l2.sector_hits", 0), events.get("l2.sector_reads", 0)),
            "l2_read_bytes": events.get("l2.sector_reads", 0) * sector,
            "l2_write_bytes": events.get("l2.sector_writes", 0) * sector,
            "dram_read_bytes": dram[0],
            "dram_write_bytes": dram[1],
            "dram_row_hit_rate": _ratio(row_hits, row_hits + opened),
            "dram_bandwidth_use": _ratio(sum(dram), self.time_s * self.scale.dram_peak),
            "latency": self.latency,
        }

    @property
    def latency(self) -> dict[str, Any]:
        """The `memory.latency` object: mean cycles of an answer, and how they are spent; the stages add up to it."""
        events = self.counters.events
        answers = events.get("memory.answers", 0)
        stages = {name.removeprefix(_STAGE): n for name, n in events.items() if name.startswith(_STAGE)}
        return {
            "mean": _ratio(events.get("memory.latency", 0), answers),
            "stages": {name: _ratio(cycles, answers) for name, cycles in stages.items()},
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
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
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
