"""Refresh of a DRAM channel: what is owed, when it may issue, and the refreshes of idle times.

A refresh command is owed every `refi` clocks. Once it is owed it goes first: the channel (or, per bank, the bank whose
turn it is) takes no other command, open rows are closed as soon as tRAS, tRTP and tWR allow, and the refresh issues
when tRP and tRC have passed. Refreshes are neither postponed nor pulled in (the standards allow eight of each).
Nobody wakes an idle channel for a refresh: the same commands are carried out at the same clocks when it is next asked.
"""

from sim.jit import njit
from sim.memory.dram_state import EV_REFRESHES, PER_BANK, PRECHARGE, PRECHARGE_ALL, REFRESH, REFRESH_BANK
from sim.memory.dram_timing import precharge


@njit
def refresh_next(dram, channel, banks, first_bank, now):  # type: ignore[no-untyped-def]
    """The next command of the refresh that is owed, and the first clock from `now` at which it may issue."""
    at = max(now, int(channel["refresh_due"]))
    if int(dram["refresh"]) == PER_BANK:
        bank = banks[first_bank + int(channel["refresh_bank"])]
        if int(bank["row"]) >= 0:
            return PRECHARGE, max(at, int(bank["next_precharge"]))
        return REFRESH_BANK, max(at, max(int(bank["next_activate"]), int(channel["next_activate"])))
    closed = at
    opened = False
    for i in range(first_bank, first_bank + int(dram["banks"])):
        if int(banks[i]["row"]) >= 0:
            opened = True
            at = max(at, int(banks[i]["next_precharge"]))
        closed = max(closed, int(banks[i]["next_activate"]))
    if opened:
        return PRECHARGE_ALL, at
    return REFRESH, closed


@njit
def refresh_issue(dram, channel, banks, first_bank, command, clock, events):  # type: ignore[no-untyped-def]
    """Carry out one command of `refresh_next`."""
    channel["last_clock"] = clock
    if command == PRECHARGE:
        precharge(dram, banks[first_bank + int(channel["refresh_bank"])], clock, events)
        return
    if command == PRECHARGE_ALL:
        for i in range(first_bank, first_bank + int(dram["banks"])):
            if int(banks[i]["row"]) >= 0:
                precharge(dram, banks[i], clock, events)
        return
    events[EV_REFRESHES] += 1
    channel["last_refresh"] = clock
    channel["refresh_due"] = int(channel["refresh_due"]) + int(dram["refi"])
    if command == REFRESH_BANK:
        at = int(channel["refresh_bank"])
        banks[first_bank + at]["next_activate"] = clock + int(dram["rfc"])
        channel["next_activate"] = max(int(channel["next_activate"]), clock + int(dram["rrefd"]))
        channel["refresh_bank"] = (at + 1) % int(dram["banks"])
        return
    for i in range(first_bank, first_bank + int(dram["banks"])):
        banks[i]["next_activate"] = clock + int(dram["rfc"])


@njit
def refresh_idle(dram, channel, banks, first_bank, until, events):  # type: ignore[no-untyped-def]
    """Carry out the refresh commands that an idle channel has issued before the clock `until`.

    As soon as a whole round of them was punctual, every later one is, and all but the last round is only counted.
    """
    count = int(dram["refresh_round"])
    span = count * int(dram["refi"])
    punctual = 0
    while int(channel["refresh_due"]) < until:
        due = int(channel["refresh_due"])
        command, at = refresh_next(dram, channel, banks, first_bank, int(channel["last_clock"]) + 1)
        if at >= until:
            return
        refresh_issue(dram, channel, banks, first_bank, command, at, events)
        punctual = punctual + 1 if at == due else 0
        rounds = (until - int(channel["refresh_due"])) // span - 1
        if punctual == count and rounds > 0:
            channel["refresh_due"] = int(channel["refresh_due"]) + rounds * span
            events[EV_REFRESHES] += rounds * count
