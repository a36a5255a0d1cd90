"""From a configuration to the records of translation: contradictions are named."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.arch.schema_base import keys
from sim.arch.schema_tlb import Translation
from sim.errors import ArchError
from tests.memory.chips import small_chip, small_config


def test_the_state_has_the_sizes_of_the_configuration() -> None:
    state = small_chip(clients=9)
    assert state.shift == 16
    assert state.tlbs["sets"].tolist() == [1, 4, 4]
    assert state.tlb_lines.size == 5 * 4 + 3 * 8 + 2 * 16
    assert state.caches["ways"].tolist() == [2, 2, 2, 2, 1]
    assert len(state.walks) == len(state.misses) == 6 and len(state.waiters) == 12
    assert int(state.walker[0]["walkers"]) == 2


def test_a_level_without_entries_is_absent_and_a_small_walk_cache_is_fully_associative() -> None:
    state = small_chip(l3={"entries": 0}, walk_cache={"entries": [1, 2, 8, 0, 0], "ways": 4})
    assert state.tlbs["entries"].tolist() == [4, 8, 0]
    assert state.caches["ways"].tolist() == [1, 2, 4, 1, 1]
    assert state.caches["sets"].tolist() == [1, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"page": "4 KiB"},
            r"translation\.page: no level of the page table maps 4096 B; the levels map 65536, 2097152",
        ),
        ({"page": "96 KiB"}, r"translation\.page: 98304 B is no power of two"),
        ({"l2": {"entries": 9}}, r"translation\.l2: 9 entries are no whole sets of 2 ways"),
        ({"walk_cache": {"entries": [1, 1]}}, r"translation\.walk_cache\.entries: 2 numbers for 5 levels"),
        ({"walk_cache": {"entries": [3, 0, 0, 0, 0]}}, r"translation\.walk_cache, level 0: 3 entries"),
        ({"table": {"reserved": "4 KiB"}}, r"translation\.table\.reserved: 4096 B do not hold one table per level"),
        ({"table": {"smallest_page": "65 KiB"}}, r"translation\.table\.smallest_page: 66560 B is no power of two"),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_their_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchError, match=message):
        small_chip(**changes)


def test_every_key_is_described_and_an_unknown_one_is_refused() -> None:
    assert all(field.description for _, field in keys(Translation))
    with pytest.raises(ValidationError, match=r"l1\.port"):
        small_config(l1={"port": 1})
