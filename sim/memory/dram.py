"""One DRAM channel, command by command: scheduler and page policy (queues, timings, refresh in their own files).

Event-driven: after each command the channel works out its next one, and the clock at which it can issue, from what each
bank offers to do next; nothing happens in between. The scheduler is FR-FCFS (Rixner et al., ISCA 2000): a ready access
to an open row goes first, then the oldest request whose next command is ready; a row that queued requests of the same
kind still want stays open, unless the oldest request has waited for too long. Reads go first; writes are collected and
drained between two watermarks. Left out: forwarding from queued writes to reads, several ranks, error correction.
"""

from sim.jit import njit
from sim.memory.dram_offer import first_offer, renew_offer, renew_offers
from sim.memory.dram_queue import admit, enter, find_hits, leave
from sim.memory.dram_refresh import refresh_idle, refresh_issue, refresh_next
from sim.memory.dram_state import (
    ACTIVATE,
    ALL_BANK,
    CLOSED_PAGE,
    CONFLICT,
    EV_ROW_CONFLICTS,
    EV_ROW_HITS,
    EV_ROW_MISSES,
    FCFS,
    HIT,
    MISS,
    NEVER,
    NO_COMMAND,
    NO_SLOT,
    PRECHARGE,
    READ,
    READ_CLOSE,
    READS,
    WRITE,
    WRITE_CLOSE,
    WRITES,
)
from sim.memory.dram_timing import activate, activate_ready, column_ready, precharge, read_burst, write_burst
from sim.memory.mapping import decode


@njit
def dram_room(dram, channel, write):  # type: ignore[no-untyped-def]
    """How many more requests of a kind (`write` 0 or 1) the channel's queue takes."""
    if write != 0:
        return int(dram["write_queue"]) - int(channel["queued"][WRITES])
    return int(dram["read_queue"]) - int(channel["queued"][READS])


@njit
def dram_push(dram, channel, queue, first, address, write, tag, clock):  # type: ignore[no-untyped-def]
    """Queue a request for the atom at the channel-local byte address `address`, which arrives at `clock`.

    `queue[first]` is the channel's first slot; `tag` is not negative. The caller has seen to it that there is room.
    """
    kind = WRITES if write != 0 else READS
    request = queue[first + enter(channel, queue, first, kind)]
    group, bank, row, column = decode(dram, address)
    request["live"] = 1
    request["write"] = kind
    request["cost"] = HIT
    request["group"] = group
    request["bank"] = bank
    request["row"] = row
    request["column"] = column
    request["arrived"] = clock
    request["order"] = int(channel["order"])
    request["tag"] = tag
    channel["order"] = int(channel["order"]) + 1
    channel["next"] = min(int(channel["next"]), clock)


@njit
def dram_step(dram, channel, banks, first_bank, queue, first, clock, events):  # type: ignore[no-untyped-def]
    """Issue at most one command at `clock`, the channel's `next`.

    Returns the tag of the request whose data burst this schedules, or -1; `channel["done"]` is then the clock at which
    its last beat has been transferred. Afterwards `channel["next"]` is the clock of the next command, NEVER if nothing
    is queued. `events` is counted in the order of DRAM_EVENTS.
    """
    channel["last_command"] = NO_COMMAND
    oldest_are_fresh = int(channel["oldest"][READS]) == int(channel["fresh"][READS])
    if oldest_are_fresh and int(channel["oldest"][WRITES]) == int(channel["fresh"][WRITES]):  # the queues were empty
        refresh_idle(dram, channel, banks, first_bank, clock, events)
    planned = True
    if int(channel["fresh"][READS]) != NO_SLOT or int(channel["fresh"][WRITES]) != NO_SLOT:
        writing = int(channel["writing"])
        changed = admit(dram, channel, banks, first_bank, queue, first)
        _choose_kind(dram, channel)
        # What no new request has changed holds at a later clock as well, as long as the planned one has not passed.
        planned = not changed and int(channel["writing"]) == writing and clock <= int(channel["planned_at"])
        channel["next"] = int(channel["planned_at"])
    now = max(clock, int(channel["last_clock"]) + 1)
    issued = False
    tag = -1
    while True:  # plan, issue, plan: in a loop, because the compiler copies a function to each of its calls
        if planned:
            if issued or int(channel["next"]) > clock:
                return tag
            tag = _issue(dram, channel, banks, first_bank, queue, first, clock, events)
            issued = True
            now = clock + 1
            _choose_kind(dram, channel)
        _plan(dram, channel, banks, first_bank, queue, first, now)
        channel["next"] = int(channel["planned_at"])
        planned = True


@njit
def _plan(dram, channel, banks, first_bank, queue, first, now):  # type: ignore[no-untyped-def]
    """Choose the next command from `now` on: sets `planned_at`, and `planned_slot` or `planned_refresh`."""
    if int(channel["queued"][READS]) + int(channel["queued"][WRITES]) == 0:
        channel["planned_at"] = NEVER
        return
    oldest = queue[first + int(channel["oldest"][int(channel["writing"])])]
    due = int(channel["refresh_due"])
    while True:
        before = due
        held = -1
        if now >= due:
            command, before = refresh_next(dram, channel, banks, first_bank, now)
            channel["planned_at"] = before
            channel["planned_slot"] = NO_SLOT
            channel["planned_refresh"] = command
            if int(dram["refresh"]) == ALL_BANK:
                return
            held = int(channel["refresh_bank"])
        at, slot = _schedule(dram, channel, banks, first_bank, oldest, now, held)
        if at < before:
            channel["planned_at"] = at
            channel["planned_slot"] = slot
            return
        if held >= 0:
            return
        now = due  # no request can be served before the next refresh is owed


@njit
def _choose_kind(dram, channel):  # type: ignore[no-untyped-def]
    """Reads or writes: writes from the high watermark, or when there are no reads, down to the low one."""
    reads = int(channel["queued"][READS])
    writes = int(channel["queued"][WRITES])
    if int(channel["writing"]) != 0:
        if reads > 0 and writes <= int(dram["write_low"]):
            channel["writing"] = 0
    elif writes > 0 and (reads == 0 or writes >= int(dram["write_high"])):
        channel["writing"] = 1


@njit
def _schedule(dram, channel, banks, first_bank, oldest, now, held):  # type: ignore[no-untyped-def]
    """FR-FCFS: when to serve which request next: (clock, slot); NEVER or later if no request can be served.

    If `oldest`, the channel's oldest request, is starving it goes first, and its bank works for nobody else; FCFS
    serves it alone. Bank `held` waits for a refresh (-1 = none does).
    """
    kind = int(channel["writing"])
    urgent = int(oldest["arrived"]) + int(dram["starvation"])
    if int(dram["scheduler"]) == FCFS:
        urgent = now
    while True:
        starving = urgent <= now
        alone = int(oldest["bank"]) if starving else -1
        best = 2 * NEVER
        slot = NO_SLOT
        if int(dram["scheduler"]) != FCFS:
            best, slot = first_offer(dram, channel, banks, first_bank, kind, now, held, alone)
        if starving and alone != held:
            bank = banks[first_bank + alone]
            if int(bank["row"]) == int(oldest["row"]):
                at = column_ready(channel, bank, int(oldest["group"]), kind)
            elif int(bank["row"]) < 0:
                at = activate_ready(channel, bank, int(oldest["group"]))
            else:
                at = int(bank["next_precharge"])
            if 2 * max(at, now) <= best:
                best = 2 * max(at, now)
                slot = int(channel["oldest"][kind])
        if starving or best >> 1 < urgent:
            return best >> 1, slot
        now = urgent


@njit
def _issue(dram, channel, banks, first_bank, queue, first, clock, events):  # type: ignore[no-untyped-def]
    """Carry out the planned command. Returns the tag of the request that it serves, or -1."""
    channel["last_clock"] = clock
    slot = int(channel["planned_slot"])
    if slot == NO_SLOT:
        channel["last_command"] = int(channel["planned_refresh"])
        turn = int(channel["refresh_bank"])
        whole = int(dram["refresh"]) == ALL_BANK
        channel["last_bank"] = -1 if whole else turn
        channel["last_row"] = -1 if whole else int(banks[first_bank + turn]["row"])
        refresh_issue(dram, channel, banks, first_bank, int(channel["planned_refresh"]), clock, events)
        renew_offers(dram, channel, banks, first_bank, queue, first)
        return -1
    request = queue[first + slot]
    bank = banks[first_bank + int(request["bank"])]
    row = int(bank["row"])
    channel["last_bank"] = int(request["bank"])
    channel["last_row"] = int(request["row"])
    tag = -1
    if row == int(request["row"]):
        leave(channel, bank, queue, first, slot)
        _access(dram, channel, bank, request, clock, events)
        tag = int(request["tag"])
    elif row >= 0:
        channel["last_command"] = PRECHARGE
        channel["last_row"] = row
        precharge(dram, bank, clock, events)
        request["cost"] = CONFLICT
    else:
        channel["last_command"] = ACTIVATE
        activate(dram, channel, bank, int(request["group"]), int(request["row"]), clock, events)
        request["cost"] = max(int(request["cost"]), MISS)
        find_hits(bank, queue, first, int(request["row"]))
    for kind in range(2):
        if int(bank["oldest"][kind]) != NO_SLOT:
            renew_offer(dram, channel, bank, int(request["bank"]), kind, queue, first)
    return tag


@njit
def _access(dram, channel, bank, request, clock, events):  # type: ignore[no-untyped-def]
    """RD or WR for a request that has left its queue, auto-precharge included; `done` is the end of its data."""
    kind = int(request["write"])
    cost = int(request["cost"])
    events[EV_ROW_HITS if cost == HIT else (EV_ROW_MISSES if cost == MISS else EV_ROW_CONFLICTS)] += 1
    if kind == WRITES:
        channel["done"] = write_burst(dram, channel, bank, int(request["group"]), clock, events)
    else:
        channel["done"] = read_burst(dram, channel, bank, int(request["group"]), clock, events)
    close = int(dram["page"]) == CLOSED_PAGE
    close = close and int(bank["first_hit"][READS]) == NO_SLOT and int(bank["first_hit"][WRITES]) == NO_SLOT
    if close:
        precharge(dram, bank, int(bank["next_precharge"]), events)
    if kind == WRITES:
        channel["last_command"] = WRITE_CLOSE if close else WRITE
    else:
        channel["last_command"] = READ_CLOSE if close else READ
