"""Random streams of requests and answers at caches with miss registers, through compiled code."""

import numpy as np
from numba import int32, int64

from sim.jit import njit
from sim.memory.cache import CACHE_LINE, DATA, find, install, popcount, touch, victim
from sim.memory.misses import (
    MISS,
    MISSES,
    WAITER,
    drop_miss,
    find_miss,
    free_waiter,
    new_tables,
    take_miss,
    wait_for,
)
from tests.memory.engines import Array, digest_of, table_of

REQUEST, ARRIVE = range(2)
# Events of the log: (event, owner or line, detail).
HIT, MISSED, NO_REGISTER, NO_WAITER, NO_WAY, WOKEN, DROPPED, NOTHING = range(8)
_ROWS = int64[:, ::1]


@njit(
    int64(
        _ROWS, _ROWS, table_of(CACHE_LINE), table_of(MISSES), table_of(MISS), table_of(WAITER), int32[::1], int64,
        int64, int64,
    )
)  # fmt: skip
def run_front(operations, log, lines, tables, misses, waiters, buckets, sets, ways, policy):  # type: ignore[no-untyped-def]
    """(operation, cache, line, sectors, owner): caches that share arrays; returns the rows of the log."""
    count = 0
    for n in range(operations.shape[0]):
        operation, cache, line, sectors = operations[n, 0], operations[n, 1], operations[n, 2], operations[n, 3]
        owner = operations[n, 4]
        table = tables[cache]
        first = (cache * sets + line % sets) * ways
        i = find(lines, first, ways, line)
        m = find_miss(table, misses, buckets, line)
        log[count, 1] = owner
        log[count, 2] = 0
        if operation == REQUEST:
            missing = sectors
            if i >= 0:
                touch(lines, i, policy, n + 1)
                missing = sectors & ~int(lines[i]["valid"])
            if missing == 0:
                log[count, 0] = HIT
                count += 1
                continue
            taken = -1
            if m < 0:
                index = i
                if int(table["free"]) >= 0 and index < 0:
                    index = victim(lines, first, ways, policy)
                    if index < 0:
                        log[count, 0] = NO_WAY
                        count += 1
                        continue
                taken = take_miss(table, misses, buckets, line, index)
                if taken < 0:
                    log[count, 0] = NO_REGISTER
                    count += 1
                    continue
                m = taken
            if not wait_for(table, misses, waiters, m, owner, missing):
                if taken >= 0:
                    drop_miss(table, misses, buckets, taken)
                log[count, 0] = NO_WAITER
                count += 1
                continue
            index = int(misses[m]["index"])
            if i < 0 and taken >= 0:
                install(lines, index, line, DATA, policy, n + 1)
            new = missing & ~int(misses[m]["sectors"])
            misses[m]["sectors"] = int(misses[m]["sectors"]) | new
            table["sectors"] = int(table["sectors"]) + popcount(new)
            lines[index]["waiting"] = int(lines[index]["waiting"]) | new
            log[count, 0] = MISSED
            log[count, 2] = new
            count += 1
        else:
            if m < 0 or sectors & int(misses[m]["sectors"]) == 0:
                log[count, 0] = NOTHING
                count += 1
                continue
            came = sectors & int(misses[m]["sectors"])
            index = int(misses[m]["index"])
            misses[m]["sectors"] = int(misses[m]["sectors"]) & ~came
            table["sectors"] = int(table["sectors"]) - popcount(came)
            lines[index]["waiting"] = int(lines[index]["waiting"]) & ~came
            lines[index]["valid"] = int(lines[index]["valid"]) | came
            before = -1
            k = int(misses[m]["waiters"])
            while k >= 0:
                waiter = waiters[k]
                left = int(waiter["sectors"]) & ~came
                waiter["sectors"] = left
                if left == 0:
                    log[count, 0] = WOKEN
                    log[count, 1] = int(waiter["owner"])
                    log[count, 2] = 0
                    count += 1
                    k = free_waiter(table, misses, waiters, m, before, k)
                else:
                    before = k
                    k = int(waiter["next"])
            if int(misses[m]["sectors"]) == 0:
                log[count, 0] = DROPPED
                log[count, 1] = line
                log[count, 2] = int(misses[m]["merged"])
                count += 1
                drop_miss(table, misses, buckets, m)
    return count


def front_stream(seed: int, size: int, caches: int, lines: int) -> Array:
    """Random operations for `run_front`."""
    rng = np.random.default_rng(seed)
    operations = np.zeros((size, 5), np.int64)
    operations[:, 0] = rng.random(size) < 0.5
    operations[:, 1] = rng.integers(0, caches, size)
    operations[:, 2] = rng.integers(0, lines, size) * rng.choice([1, 64, 4096], size)
    operations[:, 3] = rng.integers(1, 16, size)
    operations[:, 4] = np.arange(size)
    return operations


Front = tuple[Array, Array, Array, Array, Array, Array]


def front_run(operations: Array, caches: int, registers: int, waiters: int, sets: int, ways: int, policy: int) -> Front:
    """The log of `run_front`, and at the end the cache's lines, the tables, registers, waiters and buckets."""
    tables, misses, pool, buckets = new_tables(caches, registers, waiters)
    lines = np.zeros(caches * sets * ways, CACHE_LINE)
    log = np.zeros((3 * len(operations) + waiters, 3), np.int64)
    count = run_front(operations, log, lines, tables, misses, pool, buckets, sets, ways, policy)
    return log[:count], lines, tables, misses, pool, buckets


def digest() -> str:
    """A digest of short runs."""
    stream = front_stream(2, 400, 2, 12)
    return digest_of(*(part for policy in range(2) for part in front_run(stream, 2, 5, 9, 2, 2, policy)))


if __name__ == "__main__":
    print(digest())
