"""The queues of a DRAM channel: where its requests wait, as linked lists in order of age.

Each kind (reads, writes) has its slots, a list of the free ones and a list of all its requests, oldest first; each bank
has a list of its own for each kind, and knows where in it the oldest hit of its open row and the oldest other request
are. So a request comes and goes in a few steps however many wait; only opening a row looks through its bank's lists.
Slots are counted from the channel's first one, `queue[first]`; NO_SLOT ends a list.
"""

from sim.jit import njit
from sim.memory.dram_offer import leave_seat, renew_offer, take_seat
from sim.memory.dram_state import NO_SLOT


@njit
def enter(channel, queue, first, kind):  # type: ignore[no-untyped-def]
    """Take a free slot for the youngest request of a kind. Its bank learns of it in the next step."""
    slot = int(channel["free"][kind])
    request = queue[first + slot]
    channel["free"][kind] = int(request["younger"])
    before = int(channel["youngest"][kind])
    request["older"] = before
    request["younger"] = NO_SLOT
    channel["youngest"][kind] = slot
    if before == NO_SLOT:
        channel["oldest"][kind] = slot
    else:
        queue[first + before]["younger"] = slot
    if int(channel["fresh"][kind]) == NO_SLOT:
        channel["fresh"][kind] = slot
    channel["queued"][kind] = int(channel["queued"][kind]) + 1
    return slot


@njit
def admit(dram, channel, banks, first_bank, queue, first):  # type: ignore[no-untyped-def]
    """Give the requests pushed since the last step to their banks; True if an offer changes.

    Only offers for the kind that is served at present count.
    """
    changed = False
    for kind in range(2):
        slot = int(channel["fresh"][kind])
        channel["fresh"][kind] = NO_SLOT
        while slot != NO_SLOT:
            request = queue[first + slot]
            bank = banks[first_bank + int(request["bank"])]
            before = int(bank["youngest"][kind])
            request["bank_older"] = before
            request["bank_younger"] = NO_SLOT
            bank["youngest"][kind] = slot
            if before == NO_SLOT:
                bank["oldest"][kind] = slot
                take_seat(channel, int(request["bank"]), kind)
            else:
                queue[first + before]["bank_younger"] = slot
            better = before == NO_SLOT
            if int(request["row"]) == int(bank["row"]):
                if int(bank["first_hit"][kind]) == NO_SLOT:
                    bank["first_hit"][kind] = slot
                    better = True
            elif int(bank["first_other"][kind]) == NO_SLOT:
                bank["first_other"][kind] = slot
            if better:
                renew_offer(dram, channel, bank, int(request["bank"]), kind, queue, first)
                changed = changed or kind == int(channel["writing"])
            slot = int(request["younger"])
    return changed


@njit
def leave(channel, bank, queue, first, slot):  # type: ignore[no-untyped-def]
    """Take a request that hits the open row of its bank out of all lists; what it was stays in its slot."""
    request = queue[first + slot]
    kind = int(request["write"])
    older = int(request["older"])
    younger = int(request["younger"])
    if older == NO_SLOT:
        channel["oldest"][kind] = younger
    else:
        queue[first + older]["younger"] = younger
    if younger == NO_SLOT:
        channel["youngest"][kind] = older
    else:
        queue[first + younger]["older"] = older
    older = int(request["bank_older"])
    younger = int(request["bank_younger"])
    if older == NO_SLOT:
        bank["oldest"][kind] = younger
    else:
        queue[first + older]["bank_younger"] = younger
    if younger == NO_SLOT:
        bank["youngest"][kind] = older
    else:
        queue[first + younger]["bank_older"] = older
    if older == younger:  # both are NO_SLOT: it was the last one
        leave_seat(channel, int(request["bank"]), kind)
    row = int(request["row"])
    while younger != NO_SLOT and int(queue[first + younger]["row"]) != row:
        younger = int(queue[first + younger]["bank_younger"])
    bank["first_hit"][kind] = younger
    request["live"] = 0
    request["younger"] = int(channel["free"][kind])
    channel["free"][kind] = slot
    channel["queued"][kind] = int(channel["queued"][kind]) - 1


@njit
def find_hits(bank, queue, first, row):  # type: ignore[no-untyped-def]
    """Find a bank's oldest hits of the row that it has just opened, and its oldest others."""
    for kind in range(2):
        hit = NO_SLOT
        other = NO_SLOT
        slot = int(bank["oldest"][kind])
        while slot != NO_SLOT and (hit == NO_SLOT or other == NO_SLOT):
            if int(queue[first + slot]["row"]) != row:
                if other == NO_SLOT:
                    other = slot
            elif hit == NO_SLOT:
                hit = slot
            slot = int(queue[first + slot]["bank_younger"])
        bank["first_hit"][kind] = hit
        bank["first_other"][kind] = other
