"""The address maps: bijections with their inverses, and an even spread of power-of-two strides."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@ALWAYS_THE_SAME
@given(
    st.sampled_from(KINDS),
    st.sampled_from(["xor", "plain"]),
    st.permutations(["group", "column", "bank"]),
    st.integers(0, 2**33),
)
def test_an_atom_is_found_again_in_its_channel(kind: str, hashing: str, order: list[str], atom: int) -> None:
    dram = record(kind, mapping={"order": order, "hash": hashing})
    address = atom * int(dram["atom"])
    group, bank, row, column = (int(value) for value in decode(dram, address))
    assert 0 <= group < int(dram["groups"]) and 0 <= bank < int(dram["banks"]) and 0 <= column < int(dram["columns"])
    assert group == bank >> int(dram["bank_bits"])
    assert encode(dram, bank, row, column) == address
    assert [int(value) for value in decode(dram, address + int(dram["atom"]) - 1)] == [group, bank, row, column]


@pytest.mark.parametrize("hashing", ["xor", "plain"])
def test_a_stretch_of_addresses_fills_whole_rows_of_all_banks(hashing: str) -> None:
    dram = record("hbm2", mapping={"order": ["group", "column", "bank"], "hash": hashing})
    atoms = int(dram["banks"]) * int(dram["columns"])
    places = {tuple(int(v) for v in decode(dram, (7 * atoms + i) * 32)[1:]) for i in range(atoms)}
    assert places == {(b, 7, c) for b in range(int(dram["banks"])) for c in range(int(dram["columns"]))}


def test_the_default_order_alternates_bank_groups() -> None:
    dram = record("gddr6")
    places = [tuple(int(v) for v in decode(dram, i * 32)) for i in (0, 1, 2, 3, 4, 256, 1024)]
    assert places == [
        (0, 0, 0, 0), (1, 4, 0, 0), (2, 8, 0, 0), (3, 12, 0, 0), (0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 0),
    ]  # fmt: skip


def test_the_hash_moves_neighbouring_rows_to_other_banks() -> None:
    """Sixteen rows that share all other address bits lie in sixteen banks."""

    def banks(dram: Any) -> set[int]:
        return {int(decode(dram, row << int(dram["row_shift"]))[1]) for row in range(16)}

    assert len(banks(record("gddr6"))) == 1
    assert len(banks(record("gddr6", mapping={"order": ["group", "column", "bank"], "hash": "xor"}))) == 16
