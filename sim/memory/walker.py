"""Page walkers: a pool that reads page tables for the translations that no TLB has.

Requests for one page share one walk. A walk that finds every walker busy waits in a queue, first come, first served. A
walk reads the page table's levels one after the other, each read of its own latency through the memory below; entries
of the upper levels may be kept in walk caches, one per level, that are asked in the same order. So the latency of a
walk is its time in the queue, plus the lookups of walk caches, plus its reads.

Everything happens at events of the caller, whose clock only rises:

    walk = walk_request(...)                         at the time of the request
    walk >= 0: address = walk_step(...)              the caller reads `address` at `walks[walk]["time"]` ...
    address != DONE: walk_step(...) again            ... and steps again when the data has come
    address == DONE: walk_owner(...) until NOBODY    whom to wake; then at once, in the same event:
    following = walk_end(...)                        a walk that has got the free walker, to be stepped now, or NO_WALK

`WALK` records share their indices with the `MISS` registers of `misses.py`; a chip may have several pools.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.jit import njit
from sim.memory.misses import drop_miss, find_miss, free_waiter, take_miss, wait_for
from sim.memory.page_table import covered, entry_address, last_level
from sim.memory.tlb import tlb_fill, tlb_lookup

#: Answers of `walk_request` that are no walk to step: another walk brings the page; it waits for a walker; ask again
#: after a walk has ended, since every register or waiter is taken; no level of the table maps pages of this size.
MERGED, QUEUED, REFUSED, UNMAPPED = -1, -2, -3, -4
#: The answer of `walk_step` when the walk has read its last entry, of `walk_owner` when everybody has been named, and
#: of `walk_end` when no walk waits.
DONE = NOBODY = NO_WALK = -1

WALKER = np.dtype(
    [
        ("walkers", np.int64),  # walks that can read at once
        ("busy", np.int64),  # walkers at work
        ("queued", np.int64),  # walks that wait for a walker
        ("head", np.int64),  # the first of them, -1 = none
        ("tail", np.int64),  # the last of them
        ("hit_latency", np.int64),  # cycles of a walk cache that has the entry
        ("miss_latency", np.int64),  # cycles of a walk cache that has it not, before the read
    ],
    align=True,
)
WALK = np.dtype(
    [
        ("page", np.int64),  # key of the page
        ("asked", np.int64),  # time of the first request
        ("started", np.int64),  # time at which it got a walker
        ("time", np.int64),  # time at which the present read leaves; once done, the end
        ("next", np.int32),  # next in the queue, -1 = none
        ("level", np.int32),  # level that is being read, -1 = none yet
        ("last", np.int32),  # level whose entry maps the page
        ("reads", np.int32),  # entries read from memory
        ("cached", np.int32),  # entries found in walk caches
    ],
    align=True,
)


def new_walkers(
    pools: int, walkers: int, walks: int, hit_latency: int, miss_latency: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Idle `WALKER` [pools], and `WALK` [pools x walks] for as many pages as each pool keeps in mind."""
    table = np.zeros(pools, WALKER)
    table["walkers"] = walkers
    table["head"] = -1
    table["tail"] = -1
    table["hit_latency"] = hit_latency
    table["miss_latency"] = miss_latency
    return table, np.zeros(pools * walks, WALK)


@njit
def walk_request(walker, table, walks, misses, buckets, waiters, pt, page, owner, now):  # type: ignore[no-untyped-def]
    """Ask for a page for `owner` (0 or more): the walk that starts now, or MERGED, QUEUED, REFUSED, UNMAPPED."""
    last = last_level(pt, page)
    if last < 0:
        return UNMAPPED
    i = find_miss(table, misses, buckets, page)
    if i >= 0:
        return MERGED if wait_for(table, misses, waiters, i, owner, 1) else REFUSED
    if int(table["free_waiter"]) < 0:
        return REFUSED
    i = take_miss(table, misses, buckets, page, -1)
    if i < 0:
        return REFUSED
    wait_for(table, misses, waiters, i, owner, 1)
    walk = walks[i]
    walk["page"] = page
    walk["asked"] = now
    walk["started"] = now
    walk["time"] = now
    walk["next"] = -1
    walk["level"] = -1
    walk["last"] = last
    walk["reads"] = 0
    walk["cached"] = 0
    if int(walker["busy"]) < int(walker["walkers"]):
        walker["busy"] = int(walker["busy"]) + 1
        return i
    if int(walker["head"]) < 0:
        walker["head"] = i
    else:
        walks[int(walker["tail"])]["next"] = i
    walker["tail"] = i
    walker["queued"] = int(walker["queued"]) + 1
    return QUEUED


@njit
def walk_step(walker, walks, misses, waiters, pt, caches, lines, i, now):  # type: ignore[no-untyped-def]
    """Walk `i` starts, or its last read has come back, at time `now`: the address to read next, or DONE.

    The read leaves at `walks[i]["time"]`. `caches` [levels] are the walk caches, `TLB` records over `lines`.
    """
    walk = walks[i]
    page = int(walk["page"])
    last = int(walk["last"])
    level = int(walk["level"])
    time = now
    if level == last:
        walk["time"] = now
        _oldest_first(misses, waiters, i)
        return DONE
    if level >= 0:
        tlb_fill(caches[level], lines, int(caches[level]["first"]), covered(pt, page, level), now)
    level += 1
    while level < last and int(caches[level]["entries"]) > 0:
        if tlb_lookup(caches[level], lines, int(caches[level]["first"]), covered(pt, page, level), now) == 0:
            time += int(walker["miss_latency"])
            break
        time += int(walker["hit_latency"])
        walk["cached"] = int(walk["cached"]) + 1
        level += 1
    walk["level"] = level
    walk["time"] = time
    walk["reads"] = int(walk["reads"]) + 1
    return entry_address(pt, page, level)


@njit
def _oldest_first(misses, waiters, i):  # type: ignore[no-untyped-def]
    """Turn the list of those who wait, newest first, round."""
    before = -1
    k = int(misses[i]["waiters"])
    while k >= 0:
        following = int(waiters[k]["next"])
        waiters[k]["next"] = before
        before = k
        k = following
    misses[i]["waiters"] = before


@njit
def walk_owner(table, misses, waiters, i):  # type: ignore[no-untyped-def]
    """The next owner whom the walk, which is done, has answered, in the order of their requests, or NOBODY."""
    k = int(misses[i]["waiters"])
    if k < 0:
        return NOBODY
    owner = int(waiters[k]["owner"])
    free_waiter(table, misses, waiters, i, -1, k)
    return owner


@njit
def walk_end(walker, table, walks, misses, buckets, i, now):  # type: ignore[no-untyped-def]
    """Forget walk `i`, which has answered everybody; its walker takes the next walk of the queue, or is idle."""
    drop_miss(table, misses, buckets, i)
    following = int(walker["head"])
    if following < 0:
        walker["busy"] = int(walker["busy"]) - 1
        return NO_WALK
    walker["head"] = int(walks[following]["next"])
    walker["queued"] = int(walker["queued"]) - 1
    walks[following]["started"] = now
    return following
