"""`tickwise explain` knows every name that a result shows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sim.energy import COMPONENTS
from sim.gpu.counters import COUNTERS, REASONS
from sim.report import catalogue, lookup
from sim.result import FIELDS

Tickwise = Callable[..., Any]


def test_every_counter_and_reason_is_explained() -> None:
    for counter in COUNTERS:
        assert counter.meaning in [entry.meaning for entry in lookup(counter.name)]
    for reason in REASONS:
        for name in (f"sm.stall.{reason.name}", reason.name, f"kernels.issue_slots.stalls.{reason.name}"):
            (entry,) = lookup(name)
            assert entry.meaning.startswith(reason.meaning)
    for part in COMPONENTS:
        assert part.meaning in [entry.meaning for entry in lookup(f"energy_j.{part.name}")]
    for field in FIELDS:
        assert field.meaning in [entry.meaning for entry in lookup(field.name)]


def test_names_are_unique_and_complete() -> None:
    names = [entry.name for entry in catalogue()]
    assert len(names) == len(set(names)) == len(COUNTERS) + len(REASONS) + len(COMPONENTS) + len(FIELDS)


def test_a_name_is_explained_to_people(tickwise: Tickwise) -> None:
    ended = tickwise("explain", "sm.stall.long_scoreboard")
    assert ended.code == 0
    assert "global, local or constant memory" in ended.out
    assert "issue.py" in ended.out
    assert "priority" in ended.out


def test_the_end_of_a_name_is_enough(tickwise: Tickwise) -> None:
    assert "sm.l1d.sector_hits" in tickwise("explain", "sector_hits").out
    assert "kernels.occupancy.limiter" in tickwise("explain", "limiter").out


def test_without_a_name_everything_is_listed(tickwise: Tickwise) -> None:
    listed = tickwise("explain").out.splitlines()
    assert len(listed) == len(catalogue())
    assert len(json.loads(tickwise("explain", "--json").out)["entries"]) == len(catalogue())


def test_json_of_one_name(tickwise: Tickwise) -> None:
    (entry,) = json.loads(tickwise("explain", "sm.rf.reads", "--json").out)["entries"]
    assert entry["unit"] == "warp registers"
    assert entry["kind"] == "counter"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("sm.rf.raeds", "sm.rf.reads"),
        ("long_scorebord", "sm.stall.long_scoreboard"),
        ("powr_w", "kernels.power_w"),
        ("sm.stall.wiat", "sm.stall.wait"),
    ],
)
def test_a_wrong_name_gets_the_nearest(tickwise: Tickwise, name: str, suggested: str) -> None:
    ended = tickwise("explain", name)
    assert ended.code == 2
    assert ended.out == ""
    assert suggested in ended.err


@pytest.mark.parametrize("name", ["", "  ", "xyzzy" * 50])
def test_nonsense_is_refused(tickwise: Tickwise, name: str) -> None:
    ended = tickwise("explain", name)
    assert ended.code == 2
    assert "lists all names" in ended.err
