"""Where entries of the page table lie, against the address written in bits."""

import random
from itertools import pairwise

import pytest

from sim.errors import ArchError
from sim.memory.page_table import covered, entry_address, last_level, new_page_table
from sim.memory.tlb import page_of, page_shift, page_start

BITS, ENTRY, LEAF = [2, 9, 9, 8, 5], [8, 8, 8, 16, 8], 16
MIB = 1 << 20


def test_two_mebibyte_pages_end_one_level_before_pages_of_64_kibibytes() -> None:
    pt = new_page_table(BITS, ENTRY, LEAF, 64 * MIB)[0]
    assert [last_level(pt, page_of(0, shift)) for shift in (16, 21, 29, 38, 47)] == [4, 3, 2, 1, 0]
    assert last_level(pt, page_of(0, 12)) == -1


def test_a_walk_reads_at_each_level_the_entry_that_the_address_bits_of_the_level_select() -> None:
    """Tables are told apart by the bits above: entries of one table follow each other, and never leave the range."""
    size = 64 * MIB
    pt = new_page_table(BITS, ENTRY, LEAF, size)[0]
    rng = random.Random(1)
    owner: dict[int, tuple[int, str]] = {}
    for _ in range(2000):
        address = rng.randrange(int(pt["reach"])) & ~rng.choice([0, 0xFFFF_FFFF, 0xF_FFFF])
        page = page_of(address, rng.choice([16, 21]))
        text = f"{page_start(page):049b}"
        at = 0
        for level in range(last_level(pt, page) + 1):
            prefix, index = text[: at + BITS[level]], int(text[at : at + BITS[level]], 2)
            at += BITS[level]
            entry = entry_address(pt, page, level)
            assert (1 << 49) <= entry < (1 << 49) + size
            assert owner.setdefault(entry, (level, prefix)) == (level, prefix), "an entry of its own for each prefix"
            table = page_of(page_start(page) >> page_shift(page) << page_shift(page), 16)
            first = int(f"{prefix[: -BITS[level]]}".ljust(49, "0") or "0", 2)
            assert entry - entry_address(pt, page_of(first, 16), level) == index * ENTRY[level]
            assert covered(pt, table, level) == page_of(int(prefix.ljust(49, "0"), 2), int(pt["shift"][level]))


def test_addresses_a_reach_apart_share_the_entries_of_the_lower_levels() -> None:
    small, large = (new_page_table(BITS, ENTRY, LEAF, size)[0] for size in (16 * MIB, 64 * MIB))
    assert int(small["reach"]) == 64 << 30 and int(large["reach"]) == 256 << 30
    a, b = page_of(5 << 21, 21), page_of((5 << 21) + (64 << 30), 21)
    assert entry_address(small, a, 3) == entry_address(small, b, 3)
    assert entry_address(large, a, 3) != entry_address(large, b, 3)


def test_levels_do_not_overlap_and_start_at_multiples_of_their_sizes() -> None:
    for size in (8 * MIB, 1 << 30, 1 << 40):
        pt = new_page_table(BITS, ENTRY, LEAF, size, base=1 << 50)[0]
        ranges = sorted((int(pt["base"][i]), int(pt["entries"][i]) * ENTRY[i]) for i in range(5))
        assert all(base % length == 0 for base, length in ranges)
        assert all(a + length <= b for (a, length), (b, _) in pairwise(ranges))
        assert ranges[0][0] == 1 << 50 and sum(ranges[-1]) <= (1 << 50) + size


def test_a_range_with_room_for_every_table_folds_nothing() -> None:
    pt = new_page_table([9, 9], [8, 8], 12, 1 << 30)[0]
    assert int(pt["reach"]) == 1 << 30


@pytest.mark.parametrize(
    ("bits", "entry", "size", "message"),
    [
        ([], [], MIB, r"table\.bits: 0 levels"),
        ([9] * 7, [8] * 7, MIB, r"table\.bits: 7 levels"),
        ([9, 9], [8], MIB, r"table\.entry: 1 sizes for 2 levels"),
        ([9, 9, 9, 9, 9], [8] * 5, MIB, r"table\.bits: with the page they make 61 address bits"),
        ([9, 9], [8, 12], MIB, r"table\.entry: 12 B \(level 1\) is no power of two"),
        ([9, 9], [8, 8], 8191, r"table\.reserved: 8191 B do not hold one table per level \(8192 B\)"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_its_key(
    bits: list[int], entry: list[int], size: int, message: str
) -> None:
    with pytest.raises(ArchError, match=message):
        new_page_table(bits, entry, LEAF, size, key="table")
    new_page_table([9, 9], [8, 8], LEAF, 8192)
