"""Every timing constraint of a channel, alone, and exact to the clock from both sides.

All timings are 1 but the one under test. The channel is stepped at every clock, so a command that issues at clock t was
refused at t - 1; and the same distance follows the key over several values, so nothing else causes it.
"""

from typing import Any

import pytest

from sim.memory import dram_state as state
from tests.memory.dram_driver import Request, Run, at, record, simulate

ACT, RD, WR, PRE = (state.ACTIVATE,), (state.READ,), (state.WRITE,), (state.PRECHARGE,)
R, W = 0, 1

#: HBM2's geometry (4 groups of 4 banks) with the shortest possible timings.
SHORTEST = {
    "rcd_read": 1, "rcd_write": 1, "rp": 1, "ras": 1, "rc": 1, "rrd_s": 1, "rrd_l": 1, "faw": 1, "ccd_s": 1, "ccd_l": 1,
    "ccd_l_write": 1, "cl": 1, "cwl": 1, "rtp": 1, "burst": 1, "read_to_write": 1, "wr": 0, "wtr_s": 0, "wtr_l": 0,
}  # fmt: skip


def fastest(**keys: Any) -> Any:
    return record("hbm2", **(SHORTEST | keys))


def run(dram: Any, *requests: Request) -> Run:
    return simulate(dram, at(dram, requests), every=1)


def between(run: Run, first: tuple[int, ...], second: tuple[int, ...], nth: int = 0) -> int:
    """Clocks from the first command of one kind to the last of another, or of the same."""
    return run.clocks(*second)[-1] - run.clocks(*first)[nth]


# (key, requests (arrival, bank, row, column, write), earlier command, later command, what is added to the key)
CASES: dict[str, tuple[list[Request], tuple[int, ...], tuple[int, ...], int]] = {
    "rcd_read": ([(0, 0, 0, 0, R)], ACT, RD, 0),
    "rcd_write": ([(0, 0, 0, 0, W)], ACT, WR, 0),
    "rp": ([(0, 0, 0, 0, R), (0, 0, 1, 0, R)], PRE, ACT, 0),
    "ras": ([(0, 0, 0, 0, R), (0, 0, 1, 0, R)], ACT, PRE, 0),
    "rc": ([(0, 0, 0, 0, R), (0, 0, 1, 0, R)], ACT, ACT, 0),
    "rtp": ([(0, 0, 0, 0, R), (0, 0, 1, 0, R)], (state.READ,), PRE, 0),
    "wr": ([(0, 0, 0, 0, W), (0, 0, 1, 0, W)], WR, PRE, 2),
    "rrd_s": ([(0, 0, 0, 0, R), (0, 4, 0, 0, R)], ACT, ACT, 0),
    "rrd_l": ([(0, 0, 0, 0, R), (0, 1, 0, 0, R)], ACT, ACT, 0),
    "faw": ([(0, bank, 0, 0, R) for bank in (0, 4, 8, 12, 1)], ACT, ACT, 0),
    "ccd_l": ([(0, 0, 0, 0, R), (0, 0, 0, 1, R)], RD, RD, 0),
    "ccd_l_write": ([(0, 0, 0, 0, W), (0, 0, 0, 1, W)], WR, WR, 0),
    "ccd_s": ([(0, 0, 0, 0, R), (0, 4, 0, 0, R)], RD, RD, 0),
    "burst": ([(0, 0, 0, 0, R), (0, 4, 0, 0, R)], RD, RD, 0),
    "read_to_write": ([(0, 0, 0, 0, R), (5, 4, 0, 0, W)], RD, WR, 0),
    "wtr_s": ([(0, 0, 0, 0, W), (5, 4, 0, 0, R)], WR, RD, 2),
    "wtr_l": ([(0, 0, 0, 0, W), (5, 1, 0, 0, R)], WR, RD, 2),
    "cwl": ([(0, 0, 0, 0, W), (5, 4, 0, 0, R)], WR, RD, 1),
}


@pytest.mark.parametrize("clocks", [20, 21, 57])
@pytest.mark.parametrize("key", CASES)
def test_a_constraint_holds_to_the_clock(key: str, clocks: int) -> None:
    requests, first, second, added = CASES[key]
    assert between(run(fastest(**{key: clocks}), *requests), first, second) == clocks + added


@pytest.mark.parametrize("key", ["ccd_l", "ccd_l_write", "rrd_l", "wtr_l"])
def test_a_constraint_of_a_group_spares_the_others(key: str) -> None:
    requests, first, second, added = CASES[key]
    elsewhere = [requests[0], (requests[1][0], 4, *requests[1][2:])]
    assert between(run(fastest(**{key: 50}), *elsewhere), first, second) < 20 + added


def test_four_activates_fit_into_the_window() -> None:
    four = [(0, bank, 0, 0, R) for bank in (0, 4, 8, 12)]
    assert between(run(fastest(faw=50), *four), ACT, ACT) < 10


def test_only_one_command_issues_in_a_clock() -> None:
    requests = [(0, bank, 0, column, R) for bank in (0, 4, 8, 12) for column in range(4)]
    clocks = [command.clock for command in run(fastest(), *requests).commands]
    assert len(clocks) == len(set(clocks)) == 20


def test_the_end_of_the_data_is_told() -> None:
    served = run(fastest(cl=17, burst=4), (0, 0, 0, 0, R))
    assert served.done[0] == served.clocks(*RD)[0] + 17 + 4
    written = run(fastest(cwl=9, burst=4), (0, 0, 0, 0, W))
    assert written.done[0] == written.clocks(*WR)[0] + 9 + 4


def test_auto_precharge_closes_when_a_precharge_could() -> None:
    """ACT at 0, RD with auto-precharge at 1; the row may close at tRAS = 30 and the next one open tRP = 7 later."""
    closed = fastest(page_policy="closed", ras=30, rp=7, rtp=5)
    served = run(closed, (0, 0, 0, 0, R), (10, 0, 1, 0, R))
    assert served.clocks(state.ACTIVATE) == [0, 37]
    assert served.clocks(state.READ_CLOSE) == [1, 38]
    late = run(fastest(page_policy="closed", rp=7, wr=40), (0, 0, 0, 0, W), (10, 0, 1, 0, R))
    assert late.clocks(state.ACTIVATE) == [0, 1 + 1 + 1 + 40 + 7]


def test_an_unloaded_read_of_a_closed_bank_is_activate_access_burst() -> None:
    dram = record("gddr6")
    served = simulate(dram, at(dram, [(100, 3, 7, 1, R)]), every=1)
    assert served.done[0] == 100 + int(dram["rcd_read"]) + int(dram["cl"]) + int(dram["burst"])


def test_a_row_conflict_adds_the_precharge() -> None:
    dram = record("gddr6")
    served = simulate(dram, at(dram, [(0, 3, 7, 1, R), (1000, 3, 8, 1, R)]), every=1)
    assert served.done[1] == 1000 + int(dram["rp"]) + int(dram["rcd_read"]) + int(dram["cl"]) + int(dram["burst"])
    assert served.events["row_misses"] == 1 and served.events["row_conflicts"] == 1


def test_a_row_hit_is_the_access_alone() -> None:
    dram = record("gddr6")
    served = simulate(dram, at(dram, [(0, 3, 7, 1, R), (1000, 3, 7, 2, R)]), every=1)
    assert served.done[1] == 1000 + int(dram["cl"]) + int(dram["burst"])
    assert served.events["row_hits"] == 1
