"""What each DRAM command makes its successors wait for: the timing constraints of JEDEC's standards.

A command moves the "first clock" fields of its bank, its bank group and its channel; a command may issue when its own
three fields have passed. So each constraint stands in one place: where its earlier command issues.
Left out: tPPD, power-down, clock start and stop (WCK, RCK), the second half of two-clock commands, rank switches.
"""

from sim.jit import njit
from sim.memory.dram_state import (
    ACTIVATES_IN_WINDOW,
    EV_ACTIVATES,
    EV_BUS_BUSY,
    EV_PRECHARGES,
    EV_READ_TO_WRITE,
    EV_READS,
    EV_WRITES,
    NO_SLOT,
    READS,
    WRITES,
)


@njit
def activate_ready(channel, bank, group):  # type: ignore[no-untyped-def]
    """First clock at which a closed bank may open a row."""
    at = max(int(channel["next_activate"]), int(channel["group_activate"][group]))
    return max(at, int(bank["next_activate"]))


@njit
def column_ready(channel, bank, group, kind):  # type: ignore[no-untyped-def]
    """First clock at which the open row of a bank may be read (kind READS) or written (WRITES)."""
    at = max(int(channel["next_column"][kind]), int(channel["group_column"][kind, group]))
    return max(at, int(bank["next_column"][kind]))


@njit
def activate(dram, channel, bank, group, row, clock, events):  # type: ignore[no-untyped-def]
    """ACT: tRCD, tRAS and tRC of the bank; tRRD_L of the group; tRRD_S and tFAW of the channel."""
    events[EV_ACTIVATES] += 1
    bank["row"] = row
    bank["next_column"][READS] = clock + int(dram["rcd_read"])
    bank["next_column"][WRITES] = clock + int(dram["rcd_write"])
    bank["next_precharge"] = clock + int(dram["ras"])
    bank["next_activate"] = clock + int(dram["rc"])
    channel["group_activate"][group] = clock + int(dram["rrd_l"])
    oldest = int(channel["window_at"])
    channel["window"][oldest] = clock
    oldest = (oldest + 1) % ACTIVATES_IN_WINDOW
    channel["window_at"] = oldest
    channel["next_activate"] = max(clock + int(dram["rrd_s"]), int(channel["window"][oldest]) + int(dram["faw"]))


@njit
def precharge(dram, bank, clock, events):  # type: ignore[no-untyped-def]
    """PRE: tRP of the bank. Also what a refresh or an auto-precharge does to a bank at `clock`."""
    events[EV_PRECHARGES] += 1
    bank["row"] = -1
    for kind in range(2):
        bank["first_hit"][kind] = NO_SLOT
        bank["first_other"][kind] = int(bank["oldest"][kind])
    bank["next_activate"] = max(int(bank["next_activate"]), clock + int(dram["rp"]))


@njit
def read_burst(dram, channel, bank, group, clock, events):  # type: ignore[no-untyped-def]
    """RD: tCCD, turnaround and tRTP. Returns the clock at which the last beat has arrived."""
    burst = int(dram["burst"])
    events[EV_READS] += 1
    events[EV_BUS_BUSY] += burst
    channel["bus_wrote"] = 0
    channel["next_column"][READS] = clock + max(burst, int(dram["ccd_s"]))
    channel["group_column"][READS, group] = clock + int(dram["ccd_l"])
    channel["next_column"][WRITES] = max(int(channel["next_column"][WRITES]), clock + int(dram["read_to_write"]))
    bank["next_precharge"] = max(int(bank["next_precharge"]), clock + int(dram["rtp"]))
    return clock + int(dram["cl"]) + burst


@njit
def write_burst(dram, channel, bank, group, clock, events):  # type: ignore[no-untyped-def]
    """WR: tCCD, tWTR and tWR. Returns the clock at which the last beat has been taken."""
    burst = int(dram["burst"])
    events[EV_WRITES] += 1
    events[EV_BUS_BUSY] += burst
    if int(channel["bus_wrote"]) == 0:
        events[EV_READ_TO_WRITE] += 1
    channel["bus_wrote"] = 1
    end = clock + int(dram["cwl"]) + burst
    channel["next_column"][WRITES] = clock + max(burst, int(dram["ccd_s"]))
    channel["group_column"][WRITES, group] = clock + int(dram["ccd_l_write"])
    channel["next_column"][READS] = max(int(channel["next_column"][READS]), end + int(dram["wtr_s"]))
    channel["group_column"][READS, group] = max(int(channel["group_column"][READS, group]), end + int(dram["wtr_l"]))
    bank["next_precharge"] = max(int(bank["next_precharge"]), end + int(dram["wr"]))
    return end
