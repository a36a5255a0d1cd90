"""A memory side in small: accesses that go through TLBs and page walkers, event by event, through compiled code."""

import numpy as np
from numba import int32, int64

from sim.jit import njit
from sim.memory.cache import CACHE_LINE
from sim.memory.heap import EVENT, pop, push
from sim.memory.misses import MISS, MISSES, WAITER
from sim.memory.page_table import PAGE_TABLE
from sim.memory.tlb import TLB, page_of, search_latency, tlb_bring, tlb_search
from sim.memory.translation import TranslationState
from sim.memory.walker import (
    DONE,
    NO_WALK,
    NOBODY,
    REFUSED,
    UNMAPPED,
    WALK,
    WALKER,
    walk_end,
    walk_owner,
    walk_request,
    walk_step,
)
from tests.memory.chips import small_chip
from tests.memory.engines import Array, digest_of, table_of

_ROWS = int64[:, ::1]


@njit
def read_latency(address, base, spread):  # type: ignore[no-untyped-def]
    """Cycles of a read of the page table, by some rule that spreads addresses."""
    return base + (address >> 3) % 65_537 * 7_919 % spread


# Events of `run_translation`, in the order of their ranks at one time: a walk starts or its data is there; a request to
# the walkers; an access.
_STEP, _ASK, _ACCESS = range(3)
#: Above it stands an event's kind in the rank; below it a page's key or an access's number.
_RANK_BITS = 59


@njit(
    int64(
        _ROWS, _ROWS, _ROWS, table_of(EVENT), int64[::1], int64[::1], table_of(TLB), table_of(CACHE_LINE),
        table_of(PAGE_TABLE), table_of(WALKER), table_of(WALK), table_of(TLB), table_of(CACHE_LINE), table_of(MISSES),
        table_of(MISS), table_of(WAITER), int32[::1], int64, int64,
    )
)  # fmt: skip
def run_translation(  # type: ignore[no-untyped-def]
    accesses, answers, finished, heap, refused, reading, tlbs, lines, pts, walkers, walks, caches, cache_lines, tables,
    misses, waiters, buckets, base, spread,
):  # fmt: skip
    """A memory side in small: (time, client, address, shift) -> (time, level that had it, answers, order).

    Accesses that the walkers refuse wait in their order and ask again when a walk has ended. `finished` gets one row
    per walk: (page, asked, started, end, reads, cached, cycles of reads). Returns the number of walks.
    """
    pt, walker, table = pts[0], walkers[0], tables[0]
    levels = tlbs.shape[0]
    head, tail = 0, 0  # refused accesses that still wait
    done = 0
    count = 0
    order = 0
    for n in range(accesses.shape[0]):
        push(heap, 0, count, accesses[n, 0], (_ACCESS << _RANK_BITS) + n, _ACCESS, n, 0)
        count += 1
    while count > 0:
        now, kind, item = int(heap[0]["time"]), int(heap[0]["kind"]), int(heap[0]["item"])
        pop(heap, 0, count)
        count -= 1
        if kind == _ACCESS:
            client = accesses[item, 1]
            page = page_of(accesses[item, 2], accesses[item, 3])
            level = tlb_search(tlbs, lines, client, page, now)
            time = now + search_latency(tlbs, level)
            if level < levels:
                tlb_bring(tlbs, lines, client, page, level, now)
                answers[item, 0] = time
                answers[item, 1] = level
                answers[item, 2] += 1
                answers[item, 3] = order
                order += 1
            else:
                push(heap, 0, count, time, (_ASK << _RANK_BITS) + item, _ASK, item, 0)
                count += 1
            continue
        if kind == _STEP:
            walk = walks[item]
            page = int(walk["page"])
            reading[item] = 0 if int(walk["level"]) < 0 else reading[item] + now - int(walk["time"])
            address = walk_step(walker, walks, misses, waiters, pt, caches, cache_lines, item, now)
            if address != DONE:
                time = int(walk["time"]) + read_latency(address, base, spread)
                push(heap, 0, count, time, (_STEP << _RANK_BITS) + page, _STEP, item, 0)
                count += 1
                continue
            owner = walk_owner(table, misses, waiters, item)
            while owner != NOBODY:
                tlb_bring(tlbs, lines, accesses[owner, 1], page, levels, now)
                answers[owner, 0] = now
                answers[owner, 1] = levels
                answers[owner, 2] += 1
                answers[owner, 3] = order
                order += 1
                owner = walk_owner(table, misses, waiters, item)
            finished[done, 0] = page
            finished[done, 1] = int(walk["asked"])
            finished[done, 2] = int(walk["started"])
            finished[done, 3] = int(walk["time"])
            finished[done, 4] = int(walk["reads"])
            finished[done, 5] = int(walk["cached"])
            finished[done, 6] = reading[item]
            done += 1
            following = walk_end(walker, table, walks, misses, buckets, item, now)
            if following != NO_WALK:
                rank = (_STEP << _RANK_BITS) + int(walks[following]["page"])
                push(heap, 0, count, now, rank, _STEP, following, 0)
                count += 1
        else:
            refused[tail] = item
            tail += 1
            if tail - head > 1:  # others wait already
                continue
        while head < tail:
            owner = refused[head]
            page = page_of(accesses[owner, 2], accesses[owner, 3])
            state = walk_request(walker, table, walks, misses, buckets, waiters, pt, page, owner, now)
            if state == REFUSED:
                break
            head += 1
            if state == UNMAPPED:
                answers[owner, 0] = now
                answers[owner, 1] = UNMAPPED
                answers[owner, 2] += 1
            elif state >= 0:
                push(heap, 0, count, now, (_STEP << _RANK_BITS) + page, _STEP, state, 0)
                count += 1
    return done


def access_stream(seed: int, size: int, clients: int, shifts: list[int], pages: int, gap: int) -> Array:
    """Random accesses for `run_translation`, with some locality, about `gap` cycles apart."""
    rng = np.random.default_rng(seed)
    accesses = np.zeros((size, 4), np.int64)
    accesses[:, 0] = np.cumsum(rng.integers(0, 2 * gap + 1, size))
    accesses[:, 1] = rng.integers(0, clients, size)
    shift = rng.choice(shifts, size)
    page = np.minimum(rng.integers(0, pages, size), rng.integers(0, pages, size))
    far = rng.choice([0, 0, 0, 1 << 40], size)
    accesses[:, 2] = far + (page << shift) + rng.integers(0, 1 << 12, size)
    accesses[:, 3] = shift
    return accesses


def translation_run(state: TranslationState, accesses: Array, base: int, spread: int) -> tuple[Array, Array]:
    """The answers of `run_translation`, and one row for each walk."""
    size = len(accesses)
    answers = np.zeros((size, 4), np.int64)
    finished = np.zeros((size, 7), np.int64)
    count = run_translation(
        accesses, answers, finished, np.zeros(2 * size + 1, EVENT), np.zeros(size, np.int64),
        np.zeros(len(state.walks), np.int64), state.tlbs, state.tlb_lines, state.page_table, state.walker, state.walks,
        state.caches, state.cache_lines, state.table, state.misses, state.waiters, state.buckets, base, spread,
    )  # fmt: skip
    return answers, finished[:count]


def digest() -> str:
    """A digest of a short run, of its state at the end too."""
    state = small_chip()
    parts = translation_run(state, access_stream(4, 200, 6, [16, 21], 60, 30), 100, 37)
    records = (state.tlb_lines, state.cache_lines, state.walker, state.walks, state.misses, state.waiters)
    return digest_of(*parts, *records)


if __name__ == "__main__":
    print(digest())
