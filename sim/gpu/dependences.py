"""How instructions of variable latency let go of what waits for them: dependence counters and the scoreboard (§1.5)."""

from sim.gpu.log import note
from sim.gpu.scoreboard import release_readers
from sim.gpu.state import EV_DOWN
from sim.jit import njit


@njit
def sources_read(cfg, row, warp, readers, w, r, cycle, log, logged):  # type: ignore[no-untyped-def]
    """The source registers are read: the WAR counter falls and is seen by issue in this cycle (§1.5)."""
    counter = int(row["raise_read"])
    if counter >= 0:
        lower_counter(warp, w, r, counter, cycle, log, logged)
    if int(cfg["scoreboard"]) != 0:
        release_readers(row, readers, w)
        warp["wake"] = 0


@njit
def lower_counter(warp, w, r, counter, cycle, log, logged):  # type: ignore[no-untyped-def]
    """One dependence counter falls by one; the warp looks again."""
    left = int(warp["pending"][counter]) - 1
    warp["pending"][counter] = left
    if left == 0:
        warp["raised"] = int(warp["raised"]) & ~(1 << counter)
    warp["wake"] = 0
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_DOWN, counter)


@njit
def finish(row, warp, w, r, cycle, log, logged):  # type: ignore[no-untyped-def]
    """An instruction of variable latency has done everything: its write counter falls."""
    counter = int(row["raise_write"])
    if counter >= 0:
        lower_counter(warp, w, r, counter, cycle, log, logged)
    warp["in_flight"] = int(warp["in_flight"]) - 1
    warp["wake"] = 0
