"""One DRAM channel, command by command: queues, scheduler, page policy (timings and refresh in their own files).

Event-driven: after each command the channel works out its next one, and the clock at which it can issue, in one scan of
its queue; nothing happens in between. The scheduler is FR-FCFS (Rixner et al., ISCA 2000): a ready access to an open
row goes first, then the oldest request whose next command is ready; a row that queued requests of the same kind still
want stays open, unless the oldest request has waited for too long. Reads go first; writes are collected and drained
between two watermarks. Left out: forwarding from queued writes to reads, several ranks, error correction.
"""

from sim.jit import njit
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
    start = first + (int(dram["read_queue"]) if write != 0 else 0)
    request = queue[start + int(channel["queued"][kind])]
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
    channel["queued"][kind] = int(channel["queued"][kind]) + 1
    channel["fresh"][kind] = int(channel["fresh"][kind]) + 1
    channel["next"] = min(int(channel["next"]), clock)


@njit
def dram_step(dram, channel, banks, first_bank, queue, first, clock, events):  # type: ignore[no-untyped-def]
    """Issue at most one command at `clock`, the channel's `next`.

    Returns the tag of the request whose data burst this schedules, or -1; `channel["done"]` is then the clock at which
    its last beat has been transferred. Afterwards `channel["next"]` is the clock of the next command, NEVER if nothing
    is queued. `events` is counted in the order of DRAM_EVENTS.
    """
    channel["last_command"] = NO_COMMAND
    queued = int(channel["queued"][READS]) + int(channel["queued"][WRITES])
    fresh = int(channel["fresh"][READS]) + int(channel["fresh"][WRITES])
    if queued == fresh:  # nothing was queued before this clock
        refresh_idle(dram, channel, banks, first_bank, clock, events)
    planned = fresh == 0
    if not planned:
        _admit(dram, channel, banks, first_bank, queue, first)
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
        _plan(dram, channel, banks, first_bank, queue, first, now)
        planned = True


@njit
def _admit(dram, channel, banks, first_bank, queue, first):  # type: ignore[no-untyped-def]
    """Bring the banks up to date with the requests pushed since the last step."""
    for kind in range(2):
        end = first + kind * int(dram["read_queue"]) + int(channel["queued"][kind])
        for i in range(end - int(channel["fresh"][kind]), end):
            bank = banks[first_bank + int(queue[i]["bank"])]
            _enter(bank, int(queue[i]["row"]) == int(bank["row"]), kind, int(queue[i]["order"]))
        channel["fresh"][kind] = 0


@njit
def _enter(bank, hit, kind, order):  # type: ignore[no-untyped-def]
    """Count a queued request, younger than all before it, among the hits or the others of its bank."""
    if hit:
        if int(bank["hits"][kind]) == 0:
            bank["first_hit"][kind] = order
        bank["hits"][kind] = int(bank["hits"][kind]) + 1
    else:
        if int(bank["others"][kind]) == 0:
            bank["first_other"][kind] = order
        bank["others"][kind] = int(bank["others"][kind]) + 1


@njit
def _plan(dram, channel, banks, first_bank, queue, first, now):  # type: ignore[no-untyped-def]
    """Choose the next command from `now` on: sets `next`, and `planned_order` or `planned_refresh`."""
    if int(channel["queued"][READS]) + int(channel["queued"][WRITES]) == 0:
        channel["next"] = NEVER
        return
    _choose_kind(dram, channel)
    due = int(channel["refresh_due"])
    while True:
        before = due
        held = -1
        if now >= due:
            command, before = refresh_next(dram, channel, banks, first_bank, now)
            channel["next"] = before
            channel["planned_order"] = -1
            channel["planned_refresh"] = command
            if int(dram["refresh"]) == ALL_BANK:
                return
            held = int(channel["refresh_bank"])
        at, order = _schedule(dram, channel, banks, first_bank, queue, first, now, held)
        if at < before:
            channel["next"] = at
            channel["planned_order"] = order
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
    elif reads == 0 or writes >= int(dram["write_high"]):
        channel["writing"] = 1


@njit
def _schedule(dram, channel, banks, first_bank, queue, first, now, held):  # type: ignore[no-untyped-def]
    """The request to serve next and when: (clock, age); bank `held` waits for a refresh (-1 = none does)."""
    kind = int(channel["writing"])
    oldest = queue[first + kind * int(dram["read_queue"])]
    urgent = int(oldest["arrived"]) + int(dram["starvation"])
    start = 0
    end = int(dram["banks"])
    if int(dram["scheduler"]) == FCFS:  # the oldest request alone, whatever its row
        urgent = now
        start = int(oldest["bank"])
        end = start + 1
    while True:
        starving = urgent <= now
        at, order = _scan(dram, channel, banks, first_bank, start, end, oldest, kind, now, held, starving)
        if starving or at < urgent:
            return at, order
        now = urgent


@njit
def _scan(dram, channel, banks, first_bank, start, end, oldest, kind, now, held, starving):  # type: ignore[no-untyped-def]
    """FR-FCFS over the banks start ... end - 1: (clock, age of the request); NEVER if no request can be served.

    A bank offers one command: an access to its open row for the oldest request that hits it, or else what the oldest
    of its requests needs. If the request `oldest` is starving it goes first, and its bank works for nobody else.
    """
    bits = int(dram["bank_bits"])
    best = 2 * NEVER  # twice the clock, plus 1 for a row command: the smaller, the better
    chosen = NEVER  # of two equals the older one
    for number in range(start, end):
        bank = banks[first_bank + number]
        hit = int(bank["hits"][kind]) > 0
        order = int(bank["first_hit"][kind] if hit else bank["first_other"][kind])
        row_command = 0 if hit else 1
        if starving and number == int(oldest["bank"]):
            hit = int(bank["row"]) == int(oldest["row"])
            order = int(oldest["order"])
            row_command = 0
        elif not hit and int(bank["others"][kind]) == 0:
            continue
        if number == held:
            continue
        if hit:
            at = column_ready(channel, bank, number >> bits, kind)
        elif int(bank["row"]) < 0:
            at = activate_ready(channel, bank, number >> bits)
        else:
            at = int(bank["next_precharge"])
        key = 2 * max(at, now) + row_command
        if key < best or (key == best and order < chosen):
            best = key
            chosen = order
    return best >> 1, chosen


@njit
def _issue(dram, channel, banks, first_bank, queue, first, clock, events):  # type: ignore[no-untyped-def]
    """Carry out the planned command. Returns the tag of the request that it serves, or -1."""
    channel["last_clock"] = clock
    order = int(channel["planned_order"])
    if order < 0:
        channel["last_command"] = int(channel["planned_refresh"])
        turn = int(channel["refresh_bank"])
        whole = int(dram["refresh"]) == ALL_BANK
        channel["last_bank"] = -1 if whole else turn
        channel["last_row"] = -1 if whole else int(banks[first_bank + turn]["row"])
        refresh_issue(dram, channel, banks, first_bank, int(channel["planned_refresh"]), clock, events)
        return -1
    slot = first + int(channel["writing"]) * int(dram["read_queue"])
    while int(queue[slot]["order"]) != order:
        slot += 1
    request = queue[slot]
    bank = banks[first_bank + int(request["bank"])]
    row = int(bank["row"])
    channel["last_bank"] = int(request["bank"])
    channel["last_row"] = int(request["row"])
    if row == int(request["row"]):
        return _serve(dram, channel, bank, queue, first, slot, clock, events)
    if row >= 0:
        channel["last_command"] = PRECHARGE
        channel["last_row"] = row
        precharge(dram, bank, clock, events)
        request["cost"] = CONFLICT
        return -1
    channel["last_command"] = ACTIVATE
    activate(dram, channel, bank, int(request["group"]), int(request["row"]), clock, events)
    request["cost"] = max(int(request["cost"]), MISS)
    for kind in range(2):
        bank["others"][kind] = 0
        start = first + kind * int(dram["read_queue"])
        for i in range(start, start + int(channel["queued"][kind])):
            if int(queue[i]["bank"]) == int(request["bank"]):
                _enter(bank, int(queue[i]["row"]) == int(request["row"]), kind, int(queue[i]["order"]))
    return -1


@njit
def _serve(dram, channel, bank, queue, first, slot, clock, events):  # type: ignore[no-untyped-def]
    """RD or WR for a request, auto-precharge included. Returns its tag; `done` is the end of its data."""
    request = queue[slot]
    kind = int(request["write"])
    cost = int(request["cost"])
    events[EV_ROW_HITS if cost == HIT else (EV_ROW_MISSES if cost == MISS else EV_ROW_CONFLICTS)] += 1
    if kind == WRITES:
        channel["done"] = write_burst(dram, channel, bank, int(request["group"]), clock, events)
    else:
        channel["done"] = read_burst(dram, channel, bank, int(request["group"]), clock, events)
    tag = int(request["tag"])
    _leave(dram, channel, bank, queue, first, slot)
    close = int(dram["page"]) == CLOSED_PAGE and int(bank["hits"][READS]) + int(bank["hits"][WRITES]) == 0
    if close:
        precharge(dram, bank, int(bank["next_precharge"]), events)
    if kind == WRITES:
        channel["last_command"] = WRITE_CLOSE if close else WRITE
    else:
        channel["last_command"] = READ_CLOSE if close else READ
    return tag


@njit
def _leave(dram, channel, bank, queue, first, slot):  # type: ignore[no-untyped-def]
    """Take a served request out of its queue and its bank; younger ones move up and stay in order of age."""
    kind = int(queue[slot]["write"])
    number = int(queue[slot]["bank"])
    row = int(queue[slot]["row"])
    left = int(channel["queued"][kind]) - 1
    last = first + kind * int(dram["read_queue"]) + left
    found = False
    for i in range(slot, last):
        queue[i] = queue[i + 1]
        if not found and int(queue[i]["bank"]) == number and int(queue[i]["row"]) == row:
            bank["first_hit"][kind] = int(queue[i]["order"])
            found = True
    queue[last]["live"] = 0
    bank["hits"][kind] = int(bank["hits"][kind]) - 1
    channel["queued"][kind] = left
