"""The address maps: bijections with their inverses, and an even spread of power-of-two strides."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.arch import load_arch, names
from sim.arch.dram import load_dram
from sim.arch.load import is_family
from sim.memory.dram_lower import lower_dram
from sim.memory.mapping import address_of, decode, encode, mix, place_of
from tests.memory.dram_driver import KINDS, record

ALWAYS_THE_SAME = settings(max_examples=150, deadline=None, derandomize=True, database=None)
SLICES = st.integers(1, 200)
INTERLEAVES = st.sampled_from([32, 256, 512, 1024, 4096])


@ALWAYS_THE_SAME
@given(st.integers(0, 2**48), INTERLEAVES, SLICES, st.integers(0, 1))
def test_an_address_is_found_again_in_its_slice(address: int, interleave: int, slices: int, hashed: int) -> None:
    slice_, local = place_of(address, interleave, slices, hashed)
    assert 0 <= slice_ < slices and local >= 0
    assert address_of(slice_, local, interleave, slices, hashed) == address


@ALWAYS_THE_SAME
@given(SLICES, st.integers(0, 2**44), INTERLEAVES, st.integers(0, 1), st.integers(0, 199))
def test_every_local_address_has_an_address(slices: int, local: int, interleave: int, hashed: int, slice_: int) -> None:
    address = address_of(slice_ % slices, local, interleave, slices, hashed)
    assert place_of(address, interleave, slices, hashed) == (slice_ % slices, local)


@ALWAYS_THE_SAME
@given(st.integers(0, 2**30), INTERLEAVES, SLICES, st.integers(0, 1))
def test_a_group_of_blocks_covers_every_slice_once(group: int, interleave: int, slices: int, hashed: int) -> None:
    first = group * slices * interleave
    places = [place_of(first + i * interleave, interleave, slices, hashed) for i in range(slices)]
    assert sorted(slice_ for slice_, _ in places) == list(range(slices))
    assert {local for _, local in places} == {group * interleave}


def test_consecutive_bytes_stay_together_up_to_the_interleave() -> None:
    assert place_of(511, 256, 40, 0) == (1, 255)
    assert place_of(40 * 256, 256, 40, 0) == (0, 256)
    assert [int(mix(group)) for group in (0, 1, 46, 47)] == [0, 11, 506, 517 & 511 ^ 517 >> 9]


def largest_share(slices: int, stride: int, interleave: int, count: int = 4096) -> float:
    """Accesses of the busiest slice over the mean."""
    blocks = np.arange(count, dtype=np.int64) * stride // interleave
    # the same as place_of, for an array
    groups = blocks // slices
    turns = np.zeros_like(groups)
    rest = groups * 11
    while rest.any():
        turns ^= rest & 511
        rest >>= 9
    busiest = np.bincount((blocks + turns) % slices, minlength=slices).max()
    return float(busiest) * slices / count


def test_the_array_form_is_the_same_map() -> None:
    for block in (0, 5, 39, 40, 12345, 10**9):
        assert place_of(block * 256, 256, 40, 1)[0] == (block + int(mix(block // 40))) % 40
    counted = [place_of(i * 8192, 256, 48, 1)[0] for i in range(512)]
    assert max(counted.count(s) for s in range(48)) * 48 / 512 == largest_share(48, 8192, 256, 512)


@pytest.mark.parametrize("interleave", [256, 512, 1024])
@pytest.mark.parametrize("slices", [32, 40, 48, 64, 80, 96])
def test_power_of_two_strides_spread_evenly(slices: int, interleave: int) -> None:
    for exponent in range(8, 23):  # 256 B to 4 MiB
        assert largest_share(slices, 1 << exponent, interleave) < 1.35, exponent


def test_without_the_hash_a_stride_of_the_slice_count_meets_in_one_slice() -> None:
    assert {place_of(i * 32 * 256, 256, 32, 0)[0] for i in range(100)} == {0}


# Inside a channel


@st.composite
def orders(draw: st.DrawFn, kind: str) -> list[str]:
    """At most eight pieces that use up the fields of a device; some entries take all that the others leave."""
    device = load_dram(kind).device
    free = {"group": device.bank_groups, "column": device.row // device.atom, "bank": device.banks_per_group}
    order = []
    for field, count in free.items():
        left = count.bit_length() - 1
        cuts = draw(st.sets(st.integers(1, left - 1), max_size=2 if field == "column" else 1)) if left > 1 else set()
        ends = [0, *sorted(cuts), left]
        pieces = [f"{field}:{end - start}" for start, end in pairwise(ends) if end > start]
        if not pieces or draw(st.booleans()):
            pieces[:1] = [field]
        order += pieces
    return draw(st.permutations(order))


@ALWAYS_THE_SAME
@given(st.data(), st.sampled_from(KINDS), st.sampled_from(["xor", "plain"]), st.integers(0, 2**33))
def test_an_atom_is_found_again_in_its_channel(data: st.DataObject, kind: str, hashing: str, atom: int) -> None:
    dram = record(kind, mapping={"order": data.draw(orders(kind)), "hash": hashing})
    address = atom * int(dram["atom"])
    group, bank, row, column = (int(value) for value in decode(dram, address))
    assert 0 <= group < int(dram["groups"]) and 0 <= bank < int(dram["banks"]) and 0 <= column < int(dram["columns"])
    assert group == bank >> int(dram["bank_bits"])
    assert encode(dram, bank, row, column) == address
    assert [int(value) for value in decode(dram, address + int(dram["atom"]) - 1)] == [group, bank, row, column]


@ALWAYS_THE_SAME
@given(st.data(), st.sampled_from(KINDS), st.sampled_from(["xor", "plain"]), st.integers(0, 2**20))
def test_every_place_of_a_channel_has_an_address(data: st.DataObject, kind: str, hashing: str, row: int) -> None:
    dram = record(kind, mapping={"order": data.draw(orders(kind)), "hash": hashing})
    bank = data.draw(st.integers(0, int(dram["banks"]) - 1))
    column = data.draw(st.integers(0, int(dram["columns"]) - 1))
    address = int(encode(dram, bank, row, column))
    assert address % int(dram["atom"]) == 0
    assert tuple(int(value) for value in decode(dram, address)[1:]) == (bank, row, column)


@ALWAYS_THE_SAME
@given(st.data(), st.sampled_from(KINDS), st.integers(0, 2**33))
def test_pieces_take_the_bits_of_an_address_in_their_order(data: st.DataObject, kind: str, atom: int) -> None:
    """Without the hash, against the bits of the address dealt out one by one."""
    order = data.draw(orders(kind))
    dram = record(kind, mapping={"order": order, "hash": "plain"})
    free = {"group": int(dram["groups"]), "column": int(dram["columns"])}
    free["bank"] = int(dram["banks"]) // free["group"]
    left = {field: count.bit_length() - 1 for field, count in free.items()}
    for entry in order:
        field, _, bits = entry.partition(":")
        left[field] -= int(bits or 0)
    found = {"group": "", "column": "", "bank": ""}
    rest = f"{atom:064b}"
    for entry in order:
        field, _, text = entry.partition(":")
        end = len(rest) - (int(text) if text else left[field])
        found[field] = rest[end:] + found[field]
        rest = rest[:end]
    group, column, inside, row = (int("0" + text, 2) for text in (found["group"], found["column"], found["bank"], rest))
    expected = [group, group * free["bank"] + inside, row, column]
    assert [int(value) for value in decode(dram, atom * int(dram["atom"]))] == expected


SHIPPED = ["column:2", "group:1", "column", "group", "bank"]


@pytest.mark.parametrize("hashing", ["xor", "plain"])
@pytest.mark.parametrize("order", [["group", "column", "bank"], SHIPPED])
def test_a_stretch_of_addresses_fills_whole_rows_of_all_banks(order: list[str], hashing: str) -> None:
    dram = record("hbm2", mapping={"order": order, "hash": hashing})
    atoms = int(dram["banks"]) * int(dram["columns"])
    places = {tuple(int(v) for v in decode(dram, (7 * atoms + i) * 32)[1:]) for i in range(atoms)}
    assert places == {(b, 7, c) for b in range(int(dram["banks"])) for c in range(int(dram["columns"]))}


def test_the_plain_order_alternates_bank_groups() -> None:
    dram = record("gddr6")
    places = [tuple(int(v) for v in decode(dram, i * 32)) for i in (0, 1, 2, 3, 4, 256, 1024)]
    assert places == [
        (0, 0, 0, 0), (1, 4, 0, 0), (2, 8, 0, 0), (3, 12, 0, 0), (0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in names() if not is_family(name)])
def test_a_line_of_every_shipped_chip_lies_in_one_row(name: str) -> None:
    """And the next line in another bank group: the order above a sector is two column bits and a bank bit."""
    config = load_arch(name).config
    dram = lower_dram(load_dram(config.dram.kind), config.dram)[0]
    line, atom = config.sm.l1d.line, int(dram["atom"])
    for first in range(0, 1 << 20, 2 * line):
        places = [[int(v) for v in decode(dram, first + i * atom)] for i in range(2 * line // atom)]
        one, other = places[: line // atom], places[line // atom :]
        for half in (one, other):
            assert [place[:3] for place in half] == [half[0][:3]] * len(half)
            assert [place[3] - half[0][3] for place in half] == list(range(len(half)))
        assert one[0][0] ^ other[0][0] == 1 and one[0][2] == other[0][2]


def test_the_shipped_order_is_the_published_one() -> None:
    """`RRRRRRRRRBBBCCCCBCCSSSSS` of Accel-Sim's sm_86 configuration, whose two low bank bits choose the group."""
    dram = record("gddr6", mapping={"order": SHIPPED, "hash": "plain"})
    letters = "RRRRRRRRRBBBCCCCBCCSSSSS"
    for address in (1 << bit for bit in range(5, len(letters))):
        bits = {letter: "" for letter in "RBCS"}
        for letter, bit in zip(letters, f"{address:0{len(letters)}b}", strict=True):
            bits[letter] += bit
        row, bank, column = (int(bits[letter], 2) for letter in "RBC")
        group, inside = bank & 3, bank >> 2
        assert [int(value) for value in decode(dram, address)] == [group, group * 4 + inside, row, column]


def test_the_hash_moves_neighbouring_rows_to_other_banks() -> None:
    """Sixteen rows that share all other address bits lie in sixteen banks."""

    def banks(dram: Any) -> set[int]:
        return {int(decode(dram, row << int(dram["row_shift"]))[1]) for row in range(16)}

    assert len(banks(record("gddr6"))) == 1
    assert len(banks(record("gddr6", mapping={"order": ["group", "column", "bank"], "hash": "xor"}))) == 16
