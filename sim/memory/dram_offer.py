"""What each bank of a DRAM channel offers to do next, and which offer comes first.

A bank offers one command for each kind of request (reads, writes): an access to its open row for the oldest request
that hits it, or else the PRE or the ACT that the oldest of its requests needs. The bank's own part of an offer changes
only with a command to the bank or when a request arrives, so it is kept with the bank; what the bank group and the
channel add is the same for many banks and is worked out once for each choice.
"""

from sim.jit import njit
from sim.memory.dram_state import MAX_GROUPS, NEVER, NO_SLOT

# Which limit of the channel an offer has to keep, beside its group.
_ACCESS = 0
_ACTIVATE = MAX_GROUPS
_PRECHARGE = 2 * MAX_GROUPS


@njit
def take_seat(channel, number, kind):  # type: ignore[no-untyped-def]
    """Enter bank `number`, which has its first request of a kind, among those that offer something."""
    seat = int(channel["busy"][kind])
    channel["busy"][kind] = seat + 1
    channel["seat"][kind, number] = seat
    channel["offer_bank"][kind, seat] = number


@njit
def leave_seat(channel, number, kind):  # type: ignore[no-untyped-def]
    """Take bank `number`, which has no request of a kind any more, out of them; the last one takes its seat."""
    seat = int(channel["seat"][kind, number])
    last = int(channel["busy"][kind]) - 1
    moved = int(channel["offer_bank"][kind, last])
    channel["busy"][kind] = last
    channel["seat"][kind, moved] = seat
    channel["offer_bank"][kind, seat] = moved
    channel["offer_limit"][kind, seat] = int(channel["offer_limit"][kind, last])
    channel["offer_key"][kind, seat] = int(channel["offer_key"][kind, last])
    channel["offer_age"][kind, seat] = int(channel["offer_age"][kind, last])


@njit
def renew_offer(dram, channel, bank, number, kind, queue, first):  # type: ignore[no-untyped-def]
    """Bring the offer of bank `number` for a kind of request up to date; it has at least one."""
    seat = int(channel["seat"][kind, number])
    group = number >> int(dram["bank_bits"])
    slot = int(bank["first_hit"][kind])
    if slot != NO_SLOT:
        key = 2 * int(bank["next_column"][kind])
        limit = _ACCESS + group
    else:
        slot = int(bank["first_other"][kind])
        if int(bank["row"]) < 0:
            key = 2 * int(bank["next_activate"]) + 1
            limit = _ACTIVATE + group
        else:
            key = 2 * int(bank["next_precharge"]) + 1
            limit = _PRECHARGE
    channel["offer_limit"][kind, seat] = limit
    channel["offer_key"][kind, seat] = key
    channel["offer_age"][kind, seat] = int(queue[first + slot]["order"])


@njit
def renew_offers(dram, channel, banks, first_bank, queue, first):  # type: ignore[no-untyped-def]
    """Bring the offers of all banks up to date, after a refresh command."""
    for kind in range(2):
        for i in range(int(channel["busy"][kind])):
            number = int(channel["offer_bank"][kind, i])
            renew_offer(dram, channel, banks[first_bank + number], number, kind, queue, first)


@njit
def first_offer(dram, channel, banks, first_bank, kind, now, held, alone):  # type: ignore[no-untyped-def]
    """The offer that comes first: (key, slot of its request); key 2 x NEVER if there is none.

    The key is twice the clock, plus 1 for a row command: of two commands in one clock the access goes first, and of
    two equal ones the older. The banks `held` and `alone` do not take part (-1 = all do).
    """
    access = 2 * max(now, int(channel["next_column"][kind]))
    opening = 2 * max(now, int(channel["next_activate"])) + 1
    for group in range(int(dram["groups"])):
        channel["limit"][_ACCESS + group] = max(access, 2 * int(channel["group_column"][kind, group]))
        channel["limit"][_ACTIVATE + group] = max(opening, 2 * int(channel["group_activate"][group]) + 1)
    channel["limit"][_PRECHARGE] = 2 * now + 1
    best = 2 * NEVER
    age = NEVER
    chosen = -1
    for i in range(int(channel["busy"][kind])):
        key = max(int(channel["offer_key"][kind, i]), int(channel["limit"][int(channel["offer_limit"][kind, i])]))
        order = int(channel["offer_age"][kind, i])
        if key < best or (key == best and order < age):
            number = int(channel["offer_bank"][kind, i])
            if number != held and number != alone:
                best = key
                age = order
                chosen = number
    if chosen < 0:
        return best, NO_SLOT
    slot = int(banks[first_bank + chosen]["first_hit"][kind])
    if slot == NO_SLOT:
        slot = int(banks[first_bank + chosen]["first_other"][kind])
    return best, slot
