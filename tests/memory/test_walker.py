"""Page walkers behind TLBs: exact latencies, merging, queues, and random accesses against an independent model."""

import csv
import heapq
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.memory.translation import TranslationState
from sim.memory.walker import UNMAPPED
from tests.memory.chips import BITS, small_chip, small_config
from tests.memory.engines import Array, interpreted
from tests.memory.translation_driver import access_stream, digest, translation_run

ALWAYS_THE_SAME = settings(max_examples=60, deadline=None, derandomize=True, database=None)

#: Cycles of a read of the page table, and of the small chip's three TLB levels together.
READ, TLBS = 100, 3 + 20 + 50
K64, M2 = 16, 21
NO_CACHE = {"entries": [0, 0, 0, 0, 0]}


def run(state: TranslationState, *accesses: tuple[int, int, int, int]) -> tuple[list[int], Array]:
    """(time, client, address, shift) -> the latency of each, and the walks; every read takes `READ` cycles."""
    stream = np.array(accesses, np.int64)
    answers, walks = translation_run(state, stream, READ, 1)
    check_books(state, answers, walks)
    return (answers[:, 0] - stream[:, 0]).tolist(), walks


def check_books(state: TranslationState, answers: Array, walks: Array) -> None:
    """Everybody was answered once, walks took what their parts took, and everything is free again."""
    assert (answers[:, 2] == 1).all()
    hit, miss = int(state.walker[0]["hit_latency"]), int(state.walker[0]["miss_latency"])
    cached = state.caches["entries"] > 0
    for page, asked, started, end, reads, found, reading in walks.tolist():
        last = [int(each) for each in state.page_table[0]["shift"]].index(page >> 52)
        assert reads + found == last + 1
        missed = int(cached[:last].sum()) - found
        assert end - asked == (started - asked) + found * hit + missed * miss + reading
    assert state.walker[0].tolist()[1:5] == (0, 0, -1, int(state.walker[0]["tail"]))
    assert not state.table["taken"].any()


def test_a_hit_takes_the_levels_that_were_asked() -> None:
    state = small_chip(walk_cache=NO_CACHE)
    page = 7 << K64
    far = 1_000
    latencies, walks = run(
        state,
        (0, 0, page, K64),  # a walk
        (1 * far, 0, page + 5, K64),  # L1
        (2 * far, 1, page, K64),  # client 1 shares client 0's L1
        (3 * far, 2, page, K64),  # L2 is shared by 0 to 3
        (4 * far, 3, page, K64),  # and has just filled the L1 of 2 and 3
        (5 * far, 4, page, K64),  # L3 is shared by 0 to 7
        (6 * far, 6, page, K64),  # and has just filled the L2 of 4 to 7
        (7 * far, 7, page, K64),
    )
    assert latencies == [TLBS + 5 * READ, 3, 3, 23, 3, 73, 23, 3]
    assert len(walks) == 1


@pytest.mark.parametrize(("shift", "levels"), [(K64, 5), (M2, 4), (29, 3), (47, 1)])
def test_a_miss_reads_one_entry_per_level_and_fewer_for_larger_pages(shift: int, levels: int) -> None:
    latencies, walks = run(small_chip(walk_cache=NO_CACHE), (10, 0, 3 << shift, shift))
    assert latencies == [TLBS + levels * READ]
    assert walks[0, 4:].tolist() == [levels, 0, levels * READ]


def test_entries_of_upper_levels_come_from_the_walk_caches_and_that_of_the_page_is_read() -> None:
    """A cold walk asks four caches in vain (1 cycle each); its neighbour finds four entries (4 cycles each)."""
    latencies, walks = run(small_chip(), (0, 0, 0, K64), (2_000, 0, 1 << K64, K64), (4_000, 0, 1 << M2, K64))
    assert latencies[0] == TLBS + 4 * 1 + 5 * READ
    assert latencies[1] == TLBS + 4 * 4 + 1 * READ
    assert latencies[2] == TLBS + 3 * 4 + 1 * 1 + 2 * READ, "another 2 MiB: its table is not known yet"
    assert walks[:, 5].tolist() == [0, 4, 3]


def test_a_level_without_a_walk_cache_is_read_at_once() -> None:
    state = small_chip(walk_cache={"entries": [0, 0, 4, 0, 0]})
    latencies, walks = run(state, (0, 0, 0, K64), (2_000, 0, 1 << K64, K64))
    assert latencies == [TLBS + 1 + 5 * READ, TLBS + 4 + 4 * READ]
    assert walks[1, 4:6].tolist() == [4, 1]


def test_misses_of_one_page_share_a_walk_and_are_answered_together_in_the_order_of_asking() -> None:
    accesses = [(0, 0, 9 << K64, K64), (50, 4, 9 << K64, K64), (300, 2, 9 << K64, K64), (572, 6, 9 << K64, K64)]
    stream = np.array([accesses[i] for i in (2, 0, 3, 1)], np.int64)
    state = small_chip(walk_cache=NO_CACHE)
    answers, walks = translation_run(state, stream, READ, 1)
    check_books(state, answers, walks)
    end = TLBS + 5 * READ
    assert answers[[1, 3, 0], 0].tolist() == [end, end, end]
    assert answers[[1, 3, 0], 3].tolist() == [0, 1, 2]
    assert answers[2, :2].tolist() == [572 + TLBS + 5 * READ, 3], "it asked the TLBs one cycle before the walk ended"
    assert len(walks) == 2


@pytest.mark.parametrize("walkers", [1, 2, 3])
def test_walks_wait_for_a_walker_first_come_first_served(walkers: int) -> None:
    state = small_chip(walkers={"count": walkers}, walk_cache=NO_CACHE)
    latencies, walks = run(state, *[(n, n, (n << 30) + (1 << 21), M2) for n in range(6)])
    walk = 4 * READ
    arrived = [TLBS + n for n in range(6)]
    started: list[int] = []
    for n in range(6):
        started.append(arrived[n] if n < walkers else max(arrived[n], started[n - walkers] + walk))
    assert latencies == [started[n] + walk - n for n in range(6)]
    assert walks[:, 1].tolist() == arrived and walks[:, 2].tolist() == started


@pytest.mark.parametrize(("pages", "requests"), [(1, 12), (6, 1), (2, 3)])
def test_requests_that_find_no_room_are_answered_later_and_once(pages: int, requests: int) -> None:
    state = small_chip(walkers={"count": 2, "pages": pages, "requests": requests}, walk_cache=NO_CACHE)
    latencies, walks = run(state, *[(0, n % 8, n % 3 << 30, M2) for n in range(12)])
    assert max(latencies) > TLBS + 4 * READ
    assert 3 <= len(walks) <= 12


def test_a_page_that_no_level_maps_is_reported_and_takes_nothing() -> None:
    state = small_chip()
    answers, walks = translation_run(state, np.array([(0, 0, 0, 12)], np.int64), READ, 1)
    assert answers[0, 1] == UNMAPPED and len(walks) == 0
    assert not state.table["taken"].any() and state.walker[0]["busy"] == 0


def test_random_pages_hit_as_often_as_the_tlb_covers_them() -> None:
    """16 entries for 40 pages: two hits in five, whatever the replacement does."""
    state = small_chip(1, page="2 MiB", l1={"entries": 16, "ways": 16}, l2={"entries": 64, "ways": 64})
    pages = np.random.default_rng(5).integers(0, 40, 20_000)
    stream = np.zeros((len(pages), 4), np.int64)
    stream[:, 0], stream[:, 2], stream[:, 3] = np.arange(len(pages)) * 2_000, pages << M2, M2
    answers, _ = translation_run(state, stream, READ, 1)
    assert (answers[1_000:, 1] == 0).mean() == pytest.approx(16 / 40, abs=0.01)
    assert (answers[1_000:, 1] <= 1).all()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("gpu", "least", "entries", "cycles"),
    [("V100", 12, 16, 9), ("A100-SXM-80GB", 80, 16, 10), ("RTX4090", 110, 16, 11), ("H100-SXM5-80GB", 80, 128, 10)],
)
def test_the_tail_of_a_measured_pointer_chase_is_a_first_level_that_covers_16_or_128_large_pages(
    shared_dir: Path, gpu: str, least: int, entries: int, cycles: int
) -> None:
    """From `least` MiB on, where everything misses L2, only translation makes a larger working set slower."""
    size = 1_000 if numba.config.DISABLE_JIT else 8_000  # type: ignore[attr-defined]
    with open(shared_dir / "reference" / "ubench_latency_curves.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["gpu"] == gpu]
    points = [(int(row["working_set_bytes"]) >> 20, float(row["latency_cycles"])) for row in rows]
    points = [point for point in points if point[0] > least]
    l1 = {"entries": entries, "ways": entries, "latency": "0 cycles"}
    l2 = {"entries": 1024, "ways": 8, "latency": f"{cycles} cycles"}
    differences = []
    for mebibytes, measured in points:
        state = small_chip(1, page="2 MiB", l1=l1, l2=l2, walk_cache=NO_CACHE)
        stream = np.zeros((size, 4), np.int64)
        stream[:, 0], stream[:, 3] = np.arange(size) * 2_000, M2
        stream[:, 2] = np.random.default_rng(mebibytes).integers(0, mebibytes << 20, size)
        answers, _ = translation_run(state, stream, READ, 1)
        warm = answers[:, 1] < 3  # the first access to a page walks, which a chase does before it measures
        differences.append(measured - (answers[:, 0] - stream[:, 0])[warm][size // 8 :].mean())
    assert len(differences) >= 9
    assert np.std(differences) < 0.5
    assert np.std([measured for _, measured in points]) > 0.8, "without TLBs the tail would be flat"


# The model: lists and dicts, times and pages as plain tuples.


class Ways:
    """A set-associative memory of (page, time of use); the earliest use goes, ties by place."""

    def __init__(self, entries: int, ways: int) -> None:
        self.sets = [[(-1, -1, -1)] * ways for _ in range(entries // ways)] if entries else []

    def has(self, page: tuple[int, int], now: int) -> bool:
        if self.sets:
            held = self.sets[page[0] % len(self.sets)]
            for i, (number, shift, _) in enumerate(held):
                if (number, shift) == page:
                    held[i] = (number, shift, now)
                    return True
        return False

    def keep(self, page: tuple[int, int], now: int) -> None:
        if self.sets and not self.has(page, now):
            held = self.sets[page[0] % len(self.sets)]
            empty = [i for i, entry in enumerate(held) if entry[0] < 0]
            i = empty[0] if empty else min(range(len(held)), key=lambda i: held[i][2])
            held[i] = (*page, now)


class Machine:
    """TLBs, walkers and the caller around them; one event after the other."""

    def __init__(self, config: Any, entries: dict[tuple[int, int], int], base: int, spread: int) -> None:
        self.levels = [config.l1, config.l2, config.l3]
        self.tlbs: dict[tuple[int, int], Ways] = {}
        self.kept = [Ways(n, min(config.walk_cache.ways, max(1, n))) for n in config.walk_cache.entries]
        self.config = config
        self.entries, self.base, self.spread = entries, base, spread
        self.events: list[tuple[int, int, int, Any]] = []
        self.walks: dict[tuple[int, int], dict[str, Any]] = {}
        self.running: list[tuple[int, int]] = []
        self.queue: list[tuple[int, int]] = []
        self.refused: list[int] = []
        self.answers: dict[int, tuple[int, int, int]] = {}
        self.finished: list[list[int]] = []

    def tlb(self, level: int, client: int) -> Ways:
        shape = self.levels[level]
        return self.tlbs.setdefault((level, client // shape.sharers), Ways(shape.entries, shape.ways))

    def answer(self, item: int, level: int, now: int, time: int) -> None:
        _, client, address, shift = self.accesses[item]
        for i in range(level):
            self.tlb(i, client).keep((address >> shift, shift), now)
        assert item not in self.answers
        self.answers[item] = (time, level, len(self.answers))

    def run(self, accesses: list[tuple[int, int, int, int]]) -> None:
        self.accesses = accesses
        for n, access in enumerate(accesses):
            heapq.heappush(self.events, (access[0], 2, n, ("access", n)))
        while self.events:
            now, _, _, (what, item) = heapq.heappop(self.events)
            getattr(self, what)(item, now)

    def access(self, item: int, now: int) -> None:
        _, client, address, shift = self.accesses[item]
        time = now
        for level, shape in enumerate(self.levels):
            found = self.tlb(level, client).has((address >> shift, shift), now)
            time += shape.latency
            if found:
                self.answer(item, level, now, time)
                return
        heapq.heappush(self.events, (time, 1, item, ("ask", item)))

    def ask(self, item: int, now: int) -> None:
        self.refused.append(item)
        if len(self.refused) == 1:
            self.retry(now)

    def retry(self, now: int) -> None:
        while self.refused:
            item = self.refused[0]
            _, _, address, shift = self.accesses[item]
            page = (address >> shift, shift)
            waiting = sum(len(walk["owners"]) for walk in self.walks.values())
            new = page not in self.walks
            if waiting == self.config.walkers.requests or (new and len(self.walks) == self.config.walkers.pages):
                return
            self.refused.pop(0)
            if not new:
                self.walks[page]["owners"].append(item)
                continue
            self.walks[page] = {"owners": [item], "asked": now, "level": -1, "reads": 0, "found": 0, "reading": 0}
            if len(self.running) < self.config.walkers.count:
                self.start(page, now)
            else:
                self.queue.append(page)

    def start(self, page: tuple[int, int], now: int) -> None:
        self.running.append(page)
        self.walks[page]["started"] = now
        self.post_step(page, now)

    def post_step(self, page: tuple[int, int], time: int) -> None:
        heapq.heappush(self.events, (time, 0, page[1] << 52 | page[0], ("step", page)))

    def step(self, page: tuple[int, int], now: int) -> None:
        walk = self.walks[page]
        address = page[0] << page[1]
        below = [16 + sum(BITS[i + 1 :]) for i in range(5)]
        last = below.index(page[1])
        if walk["level"] == last:
            self.running.remove(page)
            del self.walks[page]
            for item in walk["owners"]:
                self.answer(item, 3, now, now)
            parts = [walk[key] for key in ("asked", "started")]
            self.finished.append([page[1] << 52 | page[0], *parts, now, walk["reads"], walk["found"], walk["reading"]])
            if self.queue:
                self.start(self.queue.pop(0), now)
            self.retry(now)
            return
        if walk["level"] >= 0:
            shift = below[walk["level"]]
            self.kept[walk["level"]].keep((address >> shift, shift), now)
        time = now
        for level in range(walk["level"] + 1, last + 1):
            walk["level"] = level
            if level < last and self.kept[level].sets:
                if self.kept[level].has((address >> below[level], below[level]), now):
                    time += self.config.walk_cache.latency
                    walk["found"] += 1
                    continue
                time += self.config.walk_cache.miss_latency
            break
        index = address >> below[walk["level"]]
        entry = self.entries.setdefault((walk["level"], index), len(self.entries))
        latency = self.base + self.latency_of(walk["level"], index, entry)
        walk["reads"] += 1
        walk["reading"] += latency
        self.post_step(page, time + latency)

    def latency_of(self, level: int, index: int, entry: int) -> int:
        """Of the entry at its place: root first, the tables of each level side by side, the largest level first."""
        sizes = [8, 8, 8, 16, 8]
        reach = 38  # of 64 MiB for tables: 256 GiB
        counts = [1 << max(BITS[i], reach - (16 + sum(BITS[i + 1 :]))) for i in range(5)]
        order = sorted(range(5), key=lambda i: -counts[i] * sizes[i])
        base = 1 << 49
        for i in order[: order.index(level)]:
            base += counts[i] * sizes[i]
        address = base + index % counts[level] * sizes[level]
        return (address >> 3) % 65_537 * 7_919 % self.spread


_shape = st.tuples(st.integers(0, 3), st.sampled_from([1, 2, 4]), st.integers(0, 9), st.integers(1, 8))


@ALWAYS_THE_SAME
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 250),
    shapes=st.lists(_shape, min_size=3, max_size=3),
    count=st.integers(1, 4),
    pages=st.integers(1, 8),
    requests=st.integers(1, 20),
    kept=st.lists(st.sampled_from([0, 1, 2, 8]), min_size=5, max_size=5),
    hit=st.integers(0, 4),
    miss=st.integers(0, 2),
    shifts=st.sampled_from([[16], [21], [16, 21], [16, 21, 29]]),
    gap=st.sampled_from([0, 3, 100]),
    spread=st.sampled_from([1, 97]),
)
def test_random_accesses_go_as_in_an_independent_model(
    seed: int,
    size: int,
    shapes: list[tuple[int, int, int, int]],
    count: int,
    pages: int,
    requests: int,
    kept: list[int],
    hit: int,
    miss: int,
    shifts: list[int],
    gap: int,
    spread: int,
) -> None:
    changes: dict[str, Any] = {
        f"l{i + 1}": {"entries": sets * ways, "ways": ways, "latency": f"{latency} cycles", "sharers": sharers}
        for i, (sets, ways, latency, sharers) in enumerate(shapes)
    }
    changes["walkers"] = {"count": count, "pages": pages, "requests": requests}
    changes["walk_cache"] = {"entries": kept, "latency": f"{hit} cycles", "miss_latency": f"{miss} cycles"}
    stream = access_stream(seed, size, 8, shifts, 40, gap)
    state = small_chip(8, **changes)
    answers, walks = translation_run(state, stream, 20, spread)
    check_books(state, answers, walks)
    machine = Machine(small_config(**changes), {}, 20, spread)
    machine.run([(a, b, c, d) for a, b, c, d in stream.tolist()])
    assert [tuple(row) for row in answers[:, [0, 1, 3]].tolist()] == [machine.answers[n] for n in range(size)]
    assert walks.tolist() == machine.finished


def test_compiled_and_interpreted_code_agree() -> None:
    assert digest() == interpreted("tests.memory.translation_driver")
