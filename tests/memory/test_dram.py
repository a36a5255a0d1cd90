"""The scheduler of a DRAM channel: laws on random streams, and the policies, each in a case worked out by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.memory import dram_state as state
from tests.memory.dram_driver import IDLE_REFRESH, KINDS, Request, Run, at, digest, mixed, record, simulate
from tests.memory.dram_protocol import Checker, Violation
from tests.memory.dram_reference import Reference
from tests.memory.engines import interpreted

R, W = 0, 1
ALWAYS_THE_SAME = settings(max_examples=60, deadline=None, derandomize=True, database=None)

STREAMS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "gap": st.sampled_from([0, 1, 4, 30, 200]),
        "rows": st.sampled_from([1, 2, 6]),
        "writes": st.sampled_from([0, 30, 100]),
    }
)
POLICIES = st.fixed_dictionaries(
    {
        "scheduler": st.sampled_from(["fr_fcfs", "fr_fcfs", "fcfs"]),
        "page_policy": st.sampled_from(["open", "closed"]),
        "starvation": st.sampled_from(["4000 clocks", "90 clocks", "33 clocks", "1 clock"]),
        "read_queue": st.sampled_from([1, 5, 40]),
        "write_queue": st.sampled_from([8, 30]),
        "write_high": st.just(8),
        "write_low": st.sampled_from([0, 3]),
    }
)


def run_of(dram: Any, stream: dict[str, Any], count: int = 120) -> Run:
    return simulate(dram, mixed(dram, count, **stream))


@ALWAYS_THE_SAME
@given(st.sampled_from(KINDS), st.sampled_from(["none", "all_bank"]), STREAMS, POLICIES)
def test_no_command_breaks_the_protocol(
    kind: str, refresh: str, stream: dict[str, Any], policies: dict[str, Any]
) -> None:
    dram = record(kind, refresh=refresh, **policies)
    assert Checker(dram).check(run_of(dram, stream, 120).commands) == 120  # every request, and none too early


@ALWAYS_THE_SAME
@given(st.sampled_from(["gddr6", "hbm2", "hbm3"]), STREAMS, POLICIES)
def test_no_command_breaks_the_protocol_with_frequent_refreshes(
    kind: str, stream: dict[str, Any], policies: dict[str, Any]
) -> None:
    for refresh, interval in (("all_bank", 900), ("per_bank", 90)):
        dram = record(kind, refresh=refresh, **policies)
        dram["refi"] = interval
        arrivals = mixed(dram, 120, **stream)
        if refresh == "per_bank":
            arrivals["clock"] = 0  # never idle: the log of idle times does not name banks
        assert Checker(dram).check(simulate(dram, arrivals).commands) == 120


@ALWAYS_THE_SAME
@given(st.sampled_from(KINDS), st.sampled_from(["none", "all_bank"]), STREAMS, POLICIES)
def test_every_request_is_served_once_and_counted_once(
    kind: str, refresh: str, stream: dict[str, Any], policies: dict[str, Any]
) -> None:
    dram = record(kind, refresh=refresh, **policies)
    arrivals = mixed(dram, 120, **stream)
    run = simulate(dram, arrivals)
    events = run.events
    served = [c.tag for c in run.commands if c.tag not in (-1, IDLE_REFRESH)]
    assert sorted(served) == list(range(120))
    assert events["writes"] == int(arrivals["write"].sum())
    assert events["reads"] + events["writes"] == 120
    assert events["row_hits"] + events["row_misses"] + events["row_conflicts"] == 120
    assert events["bus_busy"] == 120 * int(dram["burst"])
    assert 0 <= events["activates"] - events["precharges"] <= int(dram["banks"])
    ready = arrivals["clock"] + np.where(arrivals["write"] == 0, int(dram["cl"]), int(dram["cwl"])) + int(dram["burst"])
    assert all(np.array(run.done) >= ready)


@ALWAYS_THE_SAME
@given(st.sampled_from(KINDS), st.sampled_from(["none", "all_bank", "per_bank"]), STREAMS, POLICIES)
def test_stepping_when_there_is_nothing_to_do_changes_nothing(
    kind: str, refresh: str, stream: dict[str, Any], policies: dict[str, Any]
) -> None:
    if refresh == "per_bank" and kind in ("ddr4", "ddr5", "gddr5"):
        refresh = "all_bank"
    dram = record(kind, refresh=refresh, **policies)
    arrivals = mixed(dram, 60, **stream)
    runs = [simulate(dram, arrivals, every=every) for every in (0, 1, 37)]
    for run in runs:
        run.commands = [command for command in run.commands if command.tag != IDLE_REFRESH]
        run.steps = 0
    assert runs[0] == runs[1] == runs[2]


@ALWAYS_THE_SAME
@given(STREAMS, POLICIES)
def test_a_channel_asks_only_for_steps_that_issue_a_command(stream: dict[str, Any], policies: dict[str, Any]) -> None:
    """With all requests there from the start, no step is in vain."""
    dram = record("gddr6", **{**policies, "read_queue": 100, "write_queue": 100})
    arrivals = mixed(dram, 100, **stream)
    arrivals["clock"] = 0
    run = simulate(dram, arrivals)
    assert run.steps == len(run.commands)


def test_the_interpreter_computes_the_same() -> None:
    assert interpreted("tests.memory.dram_driver") == digest()


#: Timings that bind somewhere in a mixed run of HBM2.
RULED = (
    "rcd_read", "rcd_write", "rp", "ras", "rrd_s", "ccd_l", "ccd_l_write", "wr", "wtr_l", "rtp", "read_to_write", "faw",
    "burst", "rfc",
)  # fmt: skip


def test_the_checker_finds_a_command_that_is_too_early() -> None:
    """Each timing of the record is raised by one behind the model's back: somewhere that must show."""
    dram = record("hbm2", refresh="all_bank", page_policy="open", write_high=8, write_low=2, write_queue=16)
    dram["refi"] = 700
    dram["faw"] = 22  # more than four tRRD, or it never binds
    runs = [simulate(dram, mixed(dram, 400, seed, gap=gap, rows=2, writes=40)) for seed, gap in ((1, 0), (2, 8))]
    for key in RULED:
        stricter = dram.copy()
        stricter[key] = int(dram[key]) + 1
        assert any(breaks(stricter, run) for run in runs), key


def breaks(dram: Any, run: Run) -> bool:
    """Whether the checker objects to a run."""
    try:
        Checker(dram).check(run.commands)
    except Violation:
        return True
    return False


# Policies


def alternating(rows: Sequence[int], bank: int = 0) -> list[Request]:
    """Reads of one bank, all there at the start, in the given order of rows."""
    return [(0, bank, row, column, R) for column, row in enumerate(rows)]


def order_of(run: Run) -> list[int]:
    """The requests in the order in which their data was scheduled."""
    return [command.tag for command in run.commands if command.tag >= 0]


def test_fr_fcfs_gathers_the_hits_of_a_row() -> None:
    run = simulate(record("hbm2"), at(record("hbm2"), alternating([0, 1] * 6)))
    assert order_of(run) == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
    assert run.events["activates"] == 2 and run.events["row_hits"] == 10


def test_fcfs_serves_in_order_of_arrival() -> None:
    dram = record("hbm2", scheduler="fcfs")
    run = simulate(dram, at(dram, alternating([0, 1] * 6)))
    assert order_of(run) == list(range(12))
    assert run.events["activates"] == 12 and run.events["row_conflicts"] == 11


def test_fr_fcfs_beats_fcfs_on_interleaved_rows() -> None:
    requests = alternating([0, 1] * 16)
    ends = {
        name: max(simulate(record("gddr6", scheduler=name), at(record("gddr6"), requests)).done)
        for name in ("fr_fcfs", "fcfs")
    }
    assert ends["fr_fcfs"] * 5 < ends["fcfs"]


def test_another_bank_is_prepared_while_hits_are_served() -> None:
    """The ACT of bank 5 does not wait for the twenty hits of bank 0 that are older."""
    dram = record("hbm2")
    run = simulate(dram, at(dram, [*alternating([0] * 20), (0, 5, 3, 0, R)]))
    assert run.clocks(state.ACTIVATE) == [0, int(dram["rrd_s"])]
    assert order_of(run)[0] == 0 and order_of(run).index(20) < 5


def test_a_row_that_queued_reads_want_stays_open_for_them_only() -> None:
    """A read of row 1 waits for the hits of row 0; queued writes to row 0 do not count, because they may wait long."""
    dram = record("hbm2")
    reads = [(0, 0, 0, 0, R), (40, 0, 1, 0, R), (40, 0, 0, 1, R)]
    assert order_of(simulate(dram, at(dram, reads))) == [0, 2, 1]
    writes = [(0, 0, 0, 0, R), (14, 0, 0, 1, W), (14, 0, 1, 0, R)]
    run = simulate(dram, at(dram, writes))
    assert order_of(run) == [0, 2, 1] and run.events["row_conflicts"] == 2


@pytest.mark.parametrize(("cap", "starves"), [("150 clocks", False), ("4000 clocks", True)])
def test_a_request_starves_no_longer_than_the_cap(cap: str, starves: bool) -> None:
    """A stream of hits, one every four clocks, and one request for another row of the same bank at clock 50."""
    dram = record("hbm2", starvation=cap)
    hits: list[Request] = [(4 * i, 0, 0, i % 32, R) for i in range(300)]
    requests = sorted([*hits, (50, 0, 1, 0, R)])
    victim = requests.index((50, 0, 1, 0, R))
    done = simulate(dram, at(dram, requests)).done[victim]
    if starves:
        assert done > 1200
    else:
        longest = int(dram["rtp"]) + int(dram["rp"]) + int(dram["rcd_read"]) + int(dram["cl"]) + int(dram["burst"])
        assert 200 < done <= 50 + 150 + longest


def test_patience_ends_at_its_clock_and_not_one_later() -> None:
    """Caps that end in every phase of a dense stream of hits, against brute force."""
    hits: list[Request] = [(0, 4 * (i % 4), 0, i // 4, R) for i in range(24)]
    for cap in range(20, 56):
        dram = record("hbm2", starvation=f"{cap} clocks")
        arrivals = at(dram, [*hits[:4], (0, 0, 1, 0, R), (0, 4, 1, 0, R), *hits[4:]])
        reference = Reference(dram)
        reference.run(arrivals)
        assert simulate(dram, arrivals).commands == reference.log, cap


def test_writes_wait_for_the_high_watermark_and_stop_at_the_low_one() -> None:
    dram = record("hbm2", write_queue=16, write_high=8, write_low=3, read_queue=4)
    reads: list[Request] = [(2 * i, 0, 0, i % 32, R) for i in range(200)]
    writes: list[Request] = [(100 + i, 4, 0, i, W) for i in range(8)]
    run = simulate(dram, at(dram, sorted(reads + writes)))
    kinds = [command.command for command in run.commands if command.command in (state.READ, state.WRITE)]
    first = kinds.index(state.WRITE)
    assert kinds[first : first + 5] == [state.WRITE] * 5  # 8 down to 3
    assert kinds[first + 5] == state.READ
    assert kinds[-3:] == [state.WRITE] * 3  # the rest goes when no reads are left
    assert run.clocks(state.WRITE)[0] > 107  # the eighth arrives at 107
    assert run.events["read_to_write"] == 2


def test_without_reads_writes_go_at_once() -> None:
    dram = record("hbm2")
    run = simulate(dram, at(dram, [(10, 0, 0, 0, W)]))
    assert run.clocks(state.ACTIVATE, state.WRITE) == [10, 10 + int(dram["rcd_write"])]


def test_a_closed_page_is_closed_by_its_last_access() -> None:
    dram = record("hbm2", page_policy="closed")
    run = simulate(dram, at(dram, alternating([0, 0, 0])))
    assert [c.command for c in run.commands] == [state.ACTIVATE, state.READ, state.READ, state.READ_CLOSE]
    assert run.events["precharges"] == 1


def test_room_is_what_the_queue_has_left() -> None:
    from sim.memory.dram import dram_push, dram_room

    dram = record("hbm2", read_queue=3, write_queue=2, write_high=2, write_low=0)
    channels, _, queue = state.dram_state(dram, 2)
    assert (dram_room(dram, channels[1], R), dram_room(dram, channels[1], W)) == (3, 2)
    dram_push(dram, channels[1], queue, int(dram["slots"]), 64, W, 0, 5)
    dram_push(dram, channels[1], queue, int(dram["slots"]), 96, R, 1, 7)
    assert (dram_room(dram, channels[1], R), dram_room(dram, channels[1], W)) == (2, 1)
    assert int(channels[1]["next"]) == 5 and int(channels[0]["next"]) == state.NEVER
    assert [int(i) for i in np.flatnonzero(queue["live"])] == [5, 8]


def test_channels_of_a_chip_do_not_share_state() -> None:
    """The third channel of a chip behaves as one alone and leaves the others as they were."""
    dram = record("hbm2", refresh="all_bank")
    arrivals = mixed(dram, 300, 1, gap=20, rows=2, writes=30)
    assert simulate(dram, arrivals) == simulate(dram, arrivals, channel=2)


#: What the model's log leaves out when it catches up with an idle time.
_REFRESHING = (state.PRECHARGE_ALL, state.REFRESH, state.REFRESH_BANK, state.NO_COMMAND)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(["none", "all_bank", "per_bank"]), STREAMS, POLICIES)
def test_each_command_is_the_one_that_brute_force_finds(
    refresh: str, stream: dict[str, Any], policies: dict[str, Any]
) -> None:
    """Same commands, same clocks as a controller that tries every request in every clock."""
    dram = record("hbm2", refresh=refresh, **policies)
    dram["refi"] = {"none": 0, "all_bank": 150, "per_bank": 30}[refresh]
    dram["rfc"] = 60
    dram["faw"] = 22
    arrivals = mixed(dram, 40, **stream)
    run = simulate(dram, arrivals)
    reference = Reference(dram)
    reference.run(arrivals)
    found = [command for command in run.commands if command.command not in _REFRESHING]
    expected = [command for command in reference.log if command.command not in _REFRESHING]
    if refresh == "per_bank":  # its precharges may belong to an idle time
        found = [command for command in found if command.command != state.PRECHARGE]
        expected = [command for command in expected if command.command != state.PRECHARGE]
    assert found == expected
    assert run.done == [reference.done[tag] for tag in range(40)]
