"""The cache array against a model of dicts and sets of bytes, and against what is known of LRU and SRRIP."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.memory.cache import (
    CACHE_LINE,
    FARTHEST,
    LINE_KINDS,
    LRU,
    MAX_SECTORS,
    REPLACEMENT,
    SRRIP,
    TRANSLATIONS,
    install,
    popcount,
)
from tests.memory.cache_driver import ACCESS, CLEAN, FETCH, RETURN, WRITE, cache_run, cache_stream, digest
from tests.memory.engines import Array, digest_of, interpreted

ALWAYS_THE_SAME = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@dataclass
class Line:
    """A line of the model, which knows every byte."""

    number: int
    used: int
    bytes: list[set[int]] = field(default_factory=lambda: [set() for _ in range(MAX_SECTORS)])
    dirty: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)

    def valid(self) -> set[int]:
        return {sector for sector in range(MAX_SECTORS) if len(self.bytes[sector]) == 32}


class Model:
    """Sets of ways, each None or a `Line`."""

    def __init__(self, sets: int, ways: int, policy: int) -> None:
        self.sets: list[list[Line | None]] = [[None] * ways for _ in range(sets)]
        self.policy = policy
        self.clock = 0

    def way(self, number: int) -> int:
        ways = self.sets[number % len(self.sets)]
        return next((i for i, line in enumerate(ways) if line is not None and line.number == number), -1)

    def victim(self, number: int) -> int:
        ways = self.sets[number % len(self.sets)]
        if None in ways:
            return ways.index(None)
        lines = [line for line in ways if line is not None]
        candidates = [i for i, line in enumerate(lines) if not line.waiting]
        if not candidates:
            return -1
        if self.policy == LRU:
            return min(candidates, key=lambda i: lines[i].used)
        while True:  # as SRRIP is told: look for the farthest, else let all age and look again
            for i in candidates:
                if lines[i].used == FARTHEST:
                    return i
            for line in lines:
                line.used = min(FARTHEST, line.used + 1)

    def access(self, number: int) -> tuple[int, int]:
        """The way, and the line that was there before (+ 1)."""
        ways = self.sets[number % len(self.sets)]
        i = self.way(number)
        if i >= 0:
            line = ways[i]
            assert line is not None
            line.used = 0 if self.policy == SRRIP else self.clock
            return i, number + 1
        i = self.victim(number)
        if i < 0:
            return -1, -1
        old = ways[i]
        ways[i] = Line(number, FARTHEST - 1 if self.policy == SRRIP else self.clock)
        return i, 0 if old is None else old.number + 1

    def step(self, operation: int, number: int, sector: int, mask: int) -> list[int]:
        self.clock += 1
        before = -1
        if operation == ACCESS:
            i, before = self.access(number)
        else:
            i = self.way(number)
        index = number % len(self.sets) * len(self.sets[0]) + i
        line = self.sets[number % len(self.sets)][i] if i >= 0 else None
        if line is None:
            return [-1, before, 0, 0, 0, 0]
        if operation == WRITE:
            line.bytes[sector] |= {byte for byte in range(32) if mask >> byte & 1}
            line.dirty.add(sector)
        elif operation == FETCH:
            line.waiting.add(sector)
        elif operation == RETURN and sector in line.waiting:
            line.waiting.remove(sector)
            line.bytes[sector] = set(range(32))
        elif operation == CLEAN:
            line.dirty.clear()
            for each in range(MAX_SECTORS):
                if each not in line.valid():
                    line.bytes[each] = set()  # written in part: the bytes are in memory now
        part = sum(1 << byte for byte in line.bytes[sector]) if sector not in line.valid() else 0
        part -= (part >> 31) << 32  # signed, as the records keep it
        return [index, before, bits(line.valid()), bits(line.dirty), bits(line.waiting), part]


def bits(sectors: set[int]) -> int:
    return sum(1 << sector for sector in sectors)


@ALWAYS_THE_SAME
@given(
    seed=st.integers(0, 2**32),
    sets=st.sampled_from([1, 2, 3, 8]),
    ways=st.sampled_from([1, 2, 4, 7, 16]),
    load=st.sampled_from([1, 2, 4]),
    policy=st.sampled_from([LRU, SRRIP]),
)
def test_every_operation_gives_what_a_model_of_bytes_gives(
    seed: int, sets: int, ways: int, load: int, policy: int
) -> None:
    operations = cache_stream(seed, 600, max(2, sets * ways * load))
    results, lines = cache_run(operations, sets, ways, policy)
    model = Model(sets, ways, policy)
    for n, (operation, result) in enumerate(zip(operations.tolist(), results.tolist(), strict=True)):
        expected = model.step(*operation)
        result[0] -= 3 if result[0] >= 0 else 0  # the cache does not lie at the start of its array
        assert result == expected, f"operation {n}: {operation}"
    for i, line in enumerate(line for ways_of in model.sets for line in ways_of):
        assert int(lines[i]["tag"]) == (0 if line is None else line.number + 1)
        if line is not None:
            assert int(lines[i]["used"]) == line.used


def accesses(numbers: list[int]) -> Array:
    """A stream of plain accesses."""
    return np.array([(ACCESS, number, 0, 0) for number in numbers], np.int64)


def hits(numbers: list[int], ways: int, policy: int) -> list[bool]:
    """Which accesses hit in one set."""
    results, _ = cache_run(accesses(numbers), 1, ways, policy)
    return [tag == number + 1 for tag, number in zip(results[:, 1].tolist(), numbers, strict=True)]


@pytest.mark.parametrize("ways", [1, 2, 4, 16])
@pytest.mark.parametrize("policy", [LRU, SRRIP])
def test_as_many_lines_as_ways_miss_once_each(ways: int, policy: int) -> None:
    assert hits(list(range(ways)) * 5, ways, policy) == [False] * ways + [True] * ways * 4


@pytest.mark.parametrize("policy", [LRU, SRRIP])
@pytest.mark.parametrize("ways", [1, 2, 4, 16])
def test_one_line_too_many_in_a_circle_never_hits(ways: int, policy: int) -> None:
    """SRRIP with nothing used twice is first in, first out: it resists scans, not thrashing (Jaleel et al.)."""
    assert not any(hits(list(range(ways + 1)) * 50, ways, policy))


@pytest.mark.parametrize(("ways", "used"), [(4, 3), (4, 1), (8, 5), (16, 12)])
def test_a_scan_through_the_other_ways_drives_used_lines_out_at_once_with_lru_and_in_the_third_round_with_srrip(
    ways: int, used: int
) -> None:
    """Every round of the scan through the ways that are left ages the used lines by one, from 0 to the farthest, 3."""
    warm, left = list(range(used)) * 2, ways - used
    for policy, rounds in ((LRU, 1), (SRRIP, FARTHEST)):
        survived = [100 + n for n in range(rounds * left)]
        assert all(hits(warm + survived + warm[:used], ways, policy)[-used:])
        assert not hits([*warm, *survived, 99, 0], ways, policy)[-1]


def test_lines_that_are_used_between_scans_stay_with_srrip_and_never_with_lru() -> None:
    stream = [line for turn in range(20) for line in (0, 1, 0, 1, *range(100 + 4 * turn, 104 + 4 * turn))]
    first_use = [n for n in range(8, len(stream)) if n % 8 < 2]
    lru, srrip = hits(stream, 4, LRU), hits(stream, 4, SRRIP)
    assert not any(lru[n] for n in first_use)
    assert all(srrip[n] for n in first_use)


def test_srrip_takes_the_first_of_the_farthest_and_ages_the_rest() -> None:
    """Lines 0 to 3 come in at 2; line 1 is used (0); line 4 takes the place of 0, the first at the farthest."""
    results, lines = cache_run(accesses([0, 1, 2, 3, 1, 4]), 1, 4, SRRIP)
    assert results[-1].tolist()[:2] == [3 + 0, 0 + 1]
    assert lines["used"].tolist() == [FARTHEST - 1, 1, FARTHEST, FARTHEST]


@pytest.mark.parametrize("policy", [LRU, SRRIP])
def test_a_line_that_waits_is_no_victim_and_a_set_of_them_has_none(policy: int) -> None:
    stream = [(ACCESS, 0, 0, 0), (FETCH, 0, 3, 0), (ACCESS, 1, 0, 0), (ACCESS, 2, 0, 0)]
    results, _ = cache_run(np.array(stream, np.int64), 1, 2, policy)
    assert results[-1, 1] == 1 + 1, "line 0 is older but waits"
    stream += [(FETCH, 2, 0, 0), (ACCESS, 3, 0, 0)]
    results, _ = cache_run(np.array(stream, np.int64), 1, 2, policy)
    assert results[-1, 0] == -1
    stream += [(RETURN, 0, 3, 0), (ACCESS, 3, 0, 0)]
    results, _ = cache_run(np.array(stream, np.int64), 1, 2, policy)
    assert results[-1, 1] == 0 + 1


def test_a_sector_becomes_valid_with_its_last_byte_and_not_before() -> None:
    all_but_one = ~(1 << 17)
    stream = [(ACCESS, 5, 0, 0), (WRITE, 5, 2, all_but_one), (WRITE, 5, 2, all_but_one), (WRITE, 5, 2, 1 << 17)]
    results, _ = cache_run(np.array(stream, np.int64), 1, 1, LRU)
    assert results[:, 2].tolist() == [0, 0, 0, 1 << 2]
    assert results[:, 3].tolist() == [0, 1 << 2, 1 << 2, 1 << 2]
    assert results[:, 5].tolist() == [0, all_but_one, all_but_one, 0]


@pytest.mark.parametrize("between", [[(ACCESS, 6, 0, 0), (ACCESS, 5, 0, 0)], [(CLEAN, 5, 0, 0)]])
def test_bytes_of_a_line_that_left_or_was_written_back_do_not_count_for_the_next(
    between: list[tuple[int, int, int, int]],
) -> None:
    """The two halves of a sector make it whole only if nothing happened in between."""
    low, high = 0xFFFF, ~0xFFFF
    together = [(ACCESS, 5, 0, 0), (WRITE, 5, 1, low), (WRITE, 5, 1, high)]
    apart = [*together[:2], *between, together[2]]
    assert cache_run(np.array(together, np.int64), 1, 1, LRU)[0][-1, 2] == 1 << 1
    assert cache_run(np.array(apart, np.int64), 1, 1, LRU)[0][-1].tolist() == [3, -1, 0, 1 << 1, 0, high]


def test_a_new_line_has_its_kind_and_nothing_of_the_old_one() -> None:
    lines = np.ones(1, CACHE_LINE)
    install(lines, 0, 7, TRANSLATIONS, LRU, 99)
    assert lines[0].tolist() == (8, 99, 0, 0, 0, TRANSLATIONS)
    assert LINE_KINDS[TRANSLATIONS] == "translations"
    assert REPLACEMENT == {"lru": LRU, "srrip": SRRIP}


def test_set_bits_of_every_sector_mask() -> None:
    assert [popcount(mask) for mask in range(16)] == [mask.bit_count() for mask in range(16)]


def test_compiled_and_interpreted_code_agree() -> None:
    assert digest() == interpreted("tests.memory.cache_driver")
    assert digest() != digest_of(), "something was run"
