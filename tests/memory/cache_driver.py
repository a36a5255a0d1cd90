"""Random streams of operations on one cache, through compiled code."""

import numpy as np
from numba import int32, int64

from sim.jit import njit
from sim.memory.cache import CACHE_LINE, DATA, MAX_SECTORS, find, install, touch, victim, write_sector
from tests.memory.engines import Array, digest_of, table_of

# Look up and allocate; write bytes; a sector's fetch leaves; it is back; write the whole line back.
ACCESS, WRITE, FETCH, RETURN, CLEAN = range(5)
_ROWS = int64[:, ::1]


@njit(int64(_ROWS, _ROWS, table_of(CACHE_LINE), int32[:, ::1], int64, int64, int64, int64))
def run_cache(operations, results, lines, written, base, sets, ways, policy):  # type: ignore[no-untyped-def]
    """(operation, line, sector, mask) -> (index, tag before, valid, dirty, waiting, mask of a sector in part)."""
    for n in range(operations.shape[0]):
        operation, line, sector, mask = operations[n, 0], operations[n, 1], operations[n, 2], operations[n, 3]
        first = base + line % sets * ways
        i = find(lines, first, ways, line)
        results[n, 1] = -1
        if operation == ACCESS:
            if i >= 0:
                touch(lines, i, policy, n + 1)
                results[n, 1] = int(lines[i]["tag"])
            else:
                i = victim(lines, first, ways, policy)
                if i >= 0:
                    results[n, 1] = int(lines[i]["tag"])
                    install(lines, i, line, DATA, policy, n + 1)
        elif i >= 0:
            entry = lines[i]
            bit = 1 << sector
            if operation == WRITE:
                write_sector(lines, written, i, sector, mask)
            elif operation == FETCH:
                entry["waiting"] = int(entry["waiting"]) | bit
            elif operation == RETURN and int(entry["waiting"]) & bit != 0:
                entry["waiting"] = int(entry["waiting"]) & ~bit
                entry["valid"] = int(entry["valid"]) | bit
            elif operation == CLEAN:
                entry["dirty"] = 0
        results[n, 0] = i
        if i >= 0:
            entry = lines[i]
            results[n, 2] = int(entry["valid"])
            results[n, 3] = int(entry["dirty"])
            results[n, 4] = int(entry["waiting"])
            if int(entry["dirty"]) & ~int(entry["valid"]) & (1 << sector) != 0:
                results[n, 5] = int(written[i, sector])
    return operations.shape[0]


def cache_stream(seed: int, size: int, lines: int) -> Array:
    """Random operations for `run_cache` over a few lines."""
    rng = np.random.default_rng(seed)
    operations = np.zeros((size, 4), np.int64)
    operations[:, 0] = rng.choice(5, size, p=[0.4, 0.35, 0.1, 0.1, 0.05])
    operations[:, 1] = rng.integers(0, lines, size)
    operations[:, 2] = rng.integers(0, MAX_SECTORS, size)
    masks = rng.integers(0, 2**32, size) | rng.integers(0, 2**32, size)  # three bits of four
    masks[rng.random(size) < 0.1] = 2**32 - 1
    operations[:, 3] = masks.astype(np.uint32).astype(np.int32)
    return operations


def cache_run(operations: Array, sets: int, ways: int, policy: int) -> tuple[Array, Array]:
    """Results of `run_cache` and the cache's records at the end; the cache lies somewhere in a larger array."""
    base = 3
    lines = np.zeros(base + sets * ways + 2, CACHE_LINE)
    written = np.zeros((lines.size, MAX_SECTORS), np.int32)
    results = np.zeros((len(operations), 6), np.int64)
    run_cache(operations, results, lines, written, base, sets, ways, policy)
    assert not lines["tag"][:base].any() and not lines["tag"][base + sets * ways :].any()
    return results, lines[base : base + sets * ways]


def digest() -> str:
    """A digest of short runs."""
    return digest_of(*(part for policy in range(2) for part in cache_run(cache_stream(1, 400, 12), 2, 4, policy)))


if __name__ == "__main__":
    print(digest())
