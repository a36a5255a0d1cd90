"""TLBs against lists of pages, page keys, and the levels one after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import ArchError
from sim.memory.cache import TRANSLATIONS
from sim.memory.tlb import new_tlbs, page_of, page_shift, page_start, search_latency
from tests.memory.engines import Array
from tests.memory.tlb_driver import FILL, LOOKUP, tlb_run, tlb_stream

ALWAYS_THE_SAME = settings(max_examples=40, deadline=None, derandomize=True, database=None)

Page = tuple[int, int]


class TlbModel:
    """One TLB: sets of pages, the least recently used first."""

    def __init__(self, entries: int, ways: int) -> None:
        self.sets: list[list[Page]] = [[] for _ in range(entries // ways)]
        self.ways = ways

    def lookup(self, page: Page) -> bool:
        if not self.sets:
            return False
        held = self.sets[page[0] % len(self.sets)]
        if page not in held:
            return False
        held.remove(page)
        held.append(page)
        return True

    def fill(self, page: Page) -> Page | None:
        """The page that goes."""
        if self.lookup(page) or not self.sets:
            return None
        held = self.sets[page[0] % len(self.sets)]
        held.append(page)
        return held.pop(0) if len(held) > self.ways else None


@ALWAYS_THE_SAME
@given(
    seed=st.integers(0, 2**32),
    levels=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([1, 2, 3, 8, 16]), st.integers(1, 4)), min_size=1, max_size=3
    ),
    clients=st.integers(1, 6),
    pages=st.sampled_from([4, 40]),
)
def test_lookups_and_fills_are_those_of_a_list_in_order_of_use(
    seed: int, levels: list[tuple[int, int, int]], clients: int, pages: int
) -> None:
    shapes = [(sets * ways, ways, 1, sharers) for sets, ways, sharers in levels]
    tlbs, lines = new_tlbs(shapes, clients)
    operations = tlb_stream(seed, 500, len(levels), clients, [16, 21], pages)
    results = tlb_run(operations, tlbs, lines)
    models: dict[tuple[int, int], TlbModel] = {}
    for (operation, level, client, address, shift), result in zip(operations.tolist(), results.tolist(), strict=True):
        entries, ways, _, sharers = shapes[level]
        model = models.setdefault((level, client // sharers), TlbModel(entries, ways))
        page = (address >> shift, shift)
        if operation == LOOKUP:
            assert result == model.lookup(page)
        else:
            gone = model.fill(page)
            assert result == (-1 if gone is None else page_of(gone[0] << gone[1], gone[1]))
    assert all(kind == TRANSLATIONS for kind in lines["kind"][lines["tag"] != 0])


def stream(*rows: tuple[int, int, int]) -> Array:
    """(operation, address, page size as a shift) at the only TLB."""
    return np.array([(operation, 0, 0, address, shift) for operation, address, shift in rows], np.int64)


def test_pages_of_two_sizes_with_one_number_or_one_address_are_two_translations() -> None:
    tlbs, lines = new_tlbs([(4, 4, 1, 1)], 1)
    small, large = 3 << 16, 3 << 21
    rows = stream((FILL, small, 16), (LOOKUP, large, 21), (LOOKUP, small, 21), (FILL, large, 21), (LOOKUP, small, 16))
    assert tlb_run(rows, tlbs, lines).tolist() == [-1, 0, 0, -1, 1]


def test_a_page_is_found_by_its_first_and_its_last_byte_and_not_by_the_bytes_around_it() -> None:
    tlbs, lines = new_tlbs([(2, 2, 1, 1)], 1)
    start = 5 << 21
    rows = [(FILL, start, 21)] + [(LOOKUP, start + byte, 21) for byte in (-1, 0, (1 << 21) - 1, 1 << 21)]
    assert tlb_run(stream(*rows), tlbs, lines).tolist() == [-1, 0, 1, 1, 0]


@pytest.mark.parametrize(("entries", "ways", "hits"), [(8, 8, 1), (8, 1, 0), (8, 2, 0)])
def test_pages_a_set_apart_collide_unless_the_tlb_is_fully_associative(entries: int, ways: int, hits: int) -> None:
    tlbs, lines = new_tlbs([(entries, ways, 1, 1)], 1)
    pages = [n * (entries // ways) for n in range(ways + 1 if ways < entries else entries)]
    rows = [(FILL, page << 16, 16) for page in pages] + [(LOOKUP, 0, 16)]
    assert tlb_run(stream(*rows), tlbs, lines)[-1] == hits


@pytest.mark.parametrize("shift", [12, 16, 21, 29])
def test_a_key_gives_back_the_size_and_the_start_of_its_page(shift: int) -> None:
    for address in (0, 1, 0x7F12_3456_789A, (1 << 57) - 1):
        page = page_of(address, shift)
        assert page_shift(page) == shift
        assert page_start(page) == address >> shift << shift
        assert 0 < page < 2**62


def test_the_latency_of_a_search_is_that_of_all_levels_that_were_asked() -> None:
    tlbs, _ = new_tlbs([(4, 4, 3, 1), (8, 2, 20, 2), (16, 4, 50, 4)], 4)
    assert [search_latency(tlbs, level) for level in range(4)] == [3, 23, 73, 73]


def test_instances_lie_side_by_side_and_a_last_one_serves_the_clients_that_are_left() -> None:
    tlbs, lines = new_tlbs([(4, 4, 1, 2), (6, 3, 1, 5)], 7)
    assert tlbs["first"].tolist() == [0, 16] and lines.size == 16 + 12


def test_ways_that_do_not_divide_the_entries_are_refused_with_the_key() -> None:
    with pytest.raises(ArchError, match=r"translation\.l2: 10 entries are no whole sets of 4 ways"):
        new_tlbs([(4, 4, 1, 1), (10, 4, 1, 1)], 1, ["translation.l1", "translation.l2"])
