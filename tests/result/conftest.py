"""Kernels and results made by hand, so that these tests need no simulation."""

from collections.abc import Callable

import numpy as np
import pytest

from sim.energy import Activity, energy_of, load_table
from sim.energy.model import with_total
from sim.gpu.counters import (
    EVENT_NAMES,
    REASON_COUNT,
    REASON_NAMES,
    FollowEvent,
    Hotspots,
    IssueSlots,
    KernelCounters,
    Occupancy,
)
from sim.result import KernelResult, Result, Scale, Simulation, TraceInfo
from sim.trace import KernelHeader

#: 1.8 GHz; sectors of 32 B, bursts of 64 B, 36 GB/s: 20 bytes a cycle.
SCALE = Scale(1_800_000_000, 32, 64, 36_000_000_000)


def _counters(cycles: int, name: str = "add", follow: bool = False) -> KernelCounters:
    slots = cycles * 2 * 4
    stalls = {"wait": slots // 4, "long_scoreboard": slots // 2}
    issued = slots - sum(stalls.values())
    spots = np.zeros((2, REASON_COUNT), np.int64)
    spots[0, REASON_NAMES.index("selected")] = issued
    spots[0, REASON_NAMES.index("wait")] = stalls["wait"]
    spots[1, REASON_NAMES.index("long_scoreboard")] = stalls["long_scoreboard"]
    events = dict.fromkeys(EVENT_NAMES, 0)
    events.update({"sm.l1d.sector_reads": 40, "sm.l1d.sector_hits": 10, "sm.rf.reads": 3 * issued})
    return KernelCounters(
        header=KernelHeader(name, grid=(2, 1, 1), block=(64, 1, 1)),
        cycles=cycles,
        launch_cycles=1500,
        sm_active_cycles=2 * cycles - 10,
        sm_count=2,
        sub_cores=4,
        warp_instructions=issued,
        thread_instructions=32 * issued,
        events=events,
        issue_slots=IssueSlots(slots, issued, stalls),
        warp_states={"selected": issued, "wait": 5},
        warp_lifetime=issued + 5,
        hotspots=Hotspots(
            sass=["FADD R0, R1, R2", "LDG.E R2, [R4.64]"],
            pcs=np.array([0, 16], np.int64),
            issued=np.array([issued, 0], np.int64),
            threads=np.array([32 * issued, 0], np.int64),
            slot_stalls=spots,
            warp_states=spots.copy(),
        ),
        occupancy=Occupancy(1.0, 0.5, "registers", 4, 16, {"registers": 4, "ctas": 16}),
        follow=[FollowEvent(7, 0, 1, 16, "issue", "32 lanes")] if follow else [],
        warnings=["a remark"],
    )


@pytest.fixture
def make_kernel() -> Callable[..., KernelResult]:
    def make(cycles: int = 1000, index: int = 1, name: str = "add", follow: bool = False) -> KernelResult:
        counters = _counters(cycles, name, follow)
        activity = Activity(counters.events, cycles, 2, counters.sm_active_cycles, SCALE.clock_hz)
        energy = with_total(energy_of(activity, load_table("ampere_8nm")))
        return KernelResult(counters, 0, index, SCALE, energy)

    return make


@pytest.fixture
def make_result(make_kernel: Callable[..., KernelResult]) -> Callable[..., Result]:
    def make(*cycles: int, follow: bool = False) -> Result:
        kernels = tuple(make_kernel(n, i, f"kernel{i}", follow) for i, n in enumerate(cycles, 1))
        return Result(
            arch_name="test chip",
            arch_hash="0" * 64,
            traces=(TraceInfo("some.twt", "1" * 64, "tickwise"),),
            kernels=kernels,
            simulation=Simulation(0.25, 0.5, 2.0, 3.0, 1234.5, 99.0, 1),
            warnings=("--set x=1 changes nothing",),
            fudge={"l2.latency": "a reason"},
        )

    return make
