"""Miss registers (MSHRs): lines that are on their way, and who waits for which of their sectors.

Each cache has a table of `MISS` records, found by line through a chained hash, and a pool of `WAITER` records. Free
records form lists, so that taking and giving back cost the same however full the table is. Indices are absolute in
the arrays that all caches of a chip share.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.jit import njit

MISS = np.dtype(
    [
        ("line", np.int64),
        ("next", np.int32),  # next register of the same bucket, or of the free list; -1 = none
        ("waiters", np.int32),  # newest of those who wait, -1 = none
        ("merged", np.int32),  # how many wait
        ("sectors", np.int8),  # bit per sector that is still on its way
        ("index", np.int32),  # the cache record that was kept for the line, -1 = none
        ("cache", np.int32),  # whose register it is
    ],
    align=True,
)
WAITER = np.dtype(
    [
        ("owner", np.int64),  # whom the caller will serve
        ("next", np.int32),
        ("sectors", np.int8),  # bit per sector that this one still waits for
    ],
    align=True,
)
MISSES = np.dtype(
    [
        ("free", np.int32),  # first free register, -1 = none
        ("taken", np.int32),  # registers in use
        ("sectors", np.int32),  # sectors on their way
        ("free_waiter", np.int32),
        ("first_bucket", np.int64),
        ("buckets", np.int64),  # a power of two
    ],
    align=True,
)


def new_tables(
    caches: int, registers: int, waiters: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Empty `MISSES` [caches], `MISS` [caches x registers], `WAITER` [caches x waiters] and their hash buckets."""
    buckets = 1 << max(3, registers.bit_length())
    tables = np.zeros(caches, MISSES)
    tables["free"] = np.arange(caches) * registers
    tables["free_waiter"] = np.arange(caches) * waiters
    tables["first_bucket"] = np.arange(caches) * buckets
    tables["buckets"] = buckets
    misses = np.zeros(caches * registers, MISS)
    misses["next"] = np.arange(1, caches * registers + 1)
    misses["next"][registers - 1 :: registers] = -1
    misses["cache"] = np.arange(caches * registers) // registers
    pool = np.zeros(caches * waiters, WAITER)
    pool["next"] = np.arange(1, caches * waiters + 1)
    pool["next"][waiters - 1 :: waiters] = -1
    return tables, misses, pool, np.full(caches * buckets, -1, np.int32)


@njit
def _bucket(table, line):  # type: ignore[no-untyped-def]
    return int(table["first_bucket"]) + ((line ^ (line >> 9)) & (int(table["buckets"]) - 1))


@njit
def find_miss(table, misses, buckets, line):  # type: ignore[no-untyped-def]
    """Index of the register of `line`, or -1."""
    i = int(buckets[_bucket(table, line)])
    while i >= 0 and int(misses[i]["line"]) != line:
        i = int(misses[i]["next"])
    return i


@njit
def take_miss(table, misses, buckets, line, index):  # type: ignore[no-untyped-def]
    """A register for `line`, which has none yet, or -1 if all are taken; `index` = the cache record kept for it."""
    i = int(table["free"])
    if i < 0:
        return -1
    miss = misses[i]
    table["free"] = int(miss["next"])
    table["taken"] = int(table["taken"]) + 1
    bucket = _bucket(table, line)
    miss["line"] = line
    miss["next"] = int(buckets[bucket])
    miss["waiters"] = -1
    miss["merged"] = 0
    miss["sectors"] = 0
    miss["index"] = index
    buckets[bucket] = i
    return i


@njit
def drop_miss(table, misses, buckets, i):  # type: ignore[no-untyped-def]
    """Give a register back; nobody waits at it any more."""
    bucket = _bucket(table, int(misses[i]["line"]))
    if int(buckets[bucket]) == i:
        buckets[bucket] = int(misses[i]["next"])
    else:
        before = int(buckets[bucket])
        while int(misses[before]["next"]) != i:
            before = int(misses[before]["next"])
        misses[before]["next"] = int(misses[i]["next"])
    misses[i]["next"] = int(table["free"])
    table["free"] = i
    table["taken"] = int(table["taken"]) - 1


@njit
def wait_for(table, misses, waiters, i, owner, sectors):  # type: ignore[no-untyped-def]
    """Let `owner` wait at register `i` for `sectors`; False if the pool of waiters is empty."""
    k = int(table["free_waiter"])
    if k < 0:
        return False
    waiter = waiters[k]
    table["free_waiter"] = int(waiter["next"])
    waiter["owner"] = owner
    waiter["sectors"] = sectors
    waiter["next"] = int(misses[i]["waiters"])
    misses[i]["waiters"] = k
    misses[i]["merged"] = int(misses[i]["merged"]) + 1
    return True


@njit
def free_waiter(table, misses, waiters, i, before, k):  # type: ignore[no-untyped-def]
    """Take waiter `k` out of register `i`'s list, where it follows `before` (-1: it is first); returns the next."""
    following = int(waiters[k]["next"])
    if before < 0:
        misses[i]["waiters"] = following
    else:
        waiters[before]["next"] = following
    misses[i]["merged"] = int(misses[i]["merged"]) - 1
    waiters[k]["next"] = int(table["free_waiter"])
    table["free_waiter"] = k
    return following
