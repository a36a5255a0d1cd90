"""Refresh: to the clock, what it costs, and that an idle channel ends where a watched one does."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.memory import dram_state as state
from tests.memory.dram_driver import ARRIVAL, KINDS, Request, at, record, simulate

R = 0
ALWAYS_THE_SAME = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def small(**keys: Any) -> Any:
    """HBM2 with a refresh every 1000 clocks, or of one bank every 100."""
    dram = record("hbm2", **{"refresh": "all_bank", **keys})
    dram["refi"] = 1000 if int(dram["refresh"]) == state.ALL_BANK else 100
    return dram


def busy(until: int, bank: int = 0) -> list[Request]:
    """A read every 20 clocks, all of one row."""
    return [(clock, bank, 0, clock // 20 % 32, R) for clock in range(0, until, 20)]


def test_a_refresh_closes_all_rows_and_holds_the_channel() -> None:
    """Owed at 1000; bank 4, opened at 999, may close tRAS later; tRP later the refresh; tRFC later the next ACT."""
    dram = small()
    run = simulate(dram, at(dram, [*busy(980), (985, 0, 0, 0, R), (999, 4, 0, 0, R)]), every=1)
    (closing,) = run.clocks(state.PRECHARGE_ALL)
    (refresh,) = run.clocks(state.REFRESH)
    opened = run.clocks(state.ACTIVATE)
    assert opened[:2] == [0, 999]
    assert closing == 999 + int(dram["ras"])
    assert refresh == closing + int(dram["rp"])
    assert opened[2] == refresh + int(dram["rfc"])
    assert run.events["precharges"] == 2


def test_an_owed_refresh_goes_before_everything_else() -> None:
    """The read that arrives when the refresh is owed waits for it, although its row is open."""
    dram = small()
    run = simulate(dram, at(dram, [*busy(980), (1000, 0, 0, 0, R)]), every=1)
    assert run.clocks(state.PRECHARGE_ALL) == [1000]
    assert run.clocks(state.REFRESH) == [1000 + int(dram["rp"])]
    assert run.clocks(state.READ)[-1] == 1000 + int(dram["rp"]) + int(dram["rfc"]) + int(dram["rcd_read"])


def test_a_per_bank_refresh_holds_its_bank_only() -> None:
    """Bank 0 is due at 100, bank 1 at 200; reads of bank 4 go on."""
    dram = small(refresh="per_bank")
    run = simulate(dram, at(dram, sorted(busy(300, bank=4) + busy(150, bank=0))), every=1)
    first, second = run.clocks(state.REFRESH_BANK)[:2]
    closing = run.clocks(state.PRECHARGE)[0]
    assert (closing, first, second) == (100, 100 + int(dram["rp"]), 200)
    reopened = [c.clock for c in run.commands if c.command == state.ACTIVATE and c.bank == 0]
    assert reopened[1] == first + int(dram["rfc"])
    assert any(c.command == state.READ and c.bank == 4 and first < c.clock < first + 60 for c in run.commands)


def test_the_ninth_refresh_is_of_the_ninth_bank() -> None:
    dram = small(refresh="per_bank")
    run = simulate(dram, at(dram, busy(2000)))
    banks = [c.bank for c in run.commands if c.command == state.REFRESH_BANK]
    assert banks == [i % 16 for i in range(len(banks))] and len(banks) >= 18


@ALWAYS_THE_SAME
@given(st.sampled_from(["all_bank", "per_bank"]), st.lists(st.integers(0, 9000), min_size=1, max_size=12), st.data())
def test_an_idle_channel_catches_up_with_its_refreshes(refresh: str, clocks: list[int], data: st.DataObject) -> None:
    """Looked at in every clock or only when a request comes: the same commands at the same clocks."""
    dram = small(refresh=refresh)
    requests: list[Request] = [
        (clock, data.draw(st.integers(0, 15)), data.draw(st.integers(0, 2)), 0, data.draw(st.integers(0, 1)))
        for clock in sorted(clocks)
    ]
    arrivals = at(dram, requests)
    seldom, often = simulate(dram, arrivals), simulate(dram, arrivals, every=1)
    assert seldom.done == often.done and seldom.events == often.events


@pytest.mark.parametrize("refresh", ["all_bank", "per_bank"])
def test_a_long_idle_time_costs_nothing_and_counts_all(refresh: str) -> None:
    dram = small(refresh=refresh)
    run = simulate(dram, at(dram, [(0, 3, 0, 0, R), (10**12 + 50, 3, 0, 1, R)]))
    assert abs(run.events["refreshes"] - 10**12 // int(dram["refi"])) <= 1
    assert run.events["activates"] == 2 and run.events["precharges"] == 1
    waited = run.done[1] - 10**12 - 50
    unloaded = int(dram["rcd_read"]) + int(dram["cl"]) + int(dram["burst"])
    assert unloaded <= waited <= unloaded + int(dram["rfc"])


@pytest.mark.parametrize("kind", KINDS)
def test_refresh_costs_its_share_of_the_bandwidth(kind: str) -> None:
    """All banks at once: tRFC out of tREFI, and what closing and opening the rows takes beside it."""
    ends = {}
    for refresh in ("none", "all_bank"):
        dram = record(kind, refresh=refresh)
        arrivals = np.zeros(25_000, ARRIVAL)
        arrivals["address"] = np.arange(25_000) * int(dram["atom"])
        ends[refresh] = max(simulate(dram, arrivals, log=1).done)
    share = int(dram["rfc"]) / int(dram["refi"])
    lost = 1 - ends["none"] / ends["all_bank"]
    aside = (int(dram["rp"]) + int(dram["rcd_read"]) + int(dram["rrd_l"])) / int(dram["refi"])
    assert share * 0.9 < lost < share + 1.5 * aside
