"""The event log of `--follow`: what happens to an instruction, in order and with exact distances (§2, §6)."""

import itertools
from collections import Counter

import pytest

from sim.arch import load_arch
from sim.gpu import simulate
from sim.gpu.counters import FollowEvent, KernelCounters
from sim.gpu.simulate import Follow, simulate_kernel
from sim.gpu.state import FOLLOW_EVENTS
from sim.trace.listing import parse_listing
from tests.gpu.conftest import Chip, OneSm

S1 = "[B------:R-:W-:-:S01] "


@pytest.fixture(scope="module")
def warm(chip: Chip) -> OneSm:
    return chip("rtx_a6000", {"sm.frontend.perfect": "true"})


def follow(text: str, who: Follow | None, sms: int = 1) -> KernelCounters:
    """A run on an A6000 with as many SMs, of which somebody is followed."""
    arch = load_arch("rtx_a6000", {"sm.count": str(sms), "sm.frontend.perfect": "true"})
    return simulate_kernel(parse_listing(text).kernels[0], arch, follow=who)


def story(events: list[FollowEvent], pc: int) -> dict[str, int]:
    """Event -> cycle of an instruction that runs once; its warp's states left out."""
    mine = [e for e in events if e.pc == pc and e.event != "state"]
    assert len({e.event for e in mine}) == len(mine)
    return {e.event: e.cycle for e in mine}


def test_an_fadd_passes_every_stage_at_its_distance(warm: OneSm) -> None:
    """Fetch, two cycles to issue, one to Control, one to Allocate, three of reading, four of latency, the write."""
    run = warm.listing(f"{S1}FADD R8, R9, R10")
    assert story(run.counters.follow, 0) == {
        "fetched": 0, "issued": 2, "control": 3, "allocated": 4, "executes": 7, "result written": 12,
    }  # fmt: skip
    (written,) = run.events("result written")
    assert written.detail == "R8"


@pytest.mark.parametrize(("sass", "latency"), [("FADD R8, R9, R10", 4), ("HADD2 R8, R9, R10", 5), ("MOV R8, R9", 4)])
def test_a_result_is_written_its_latency_and_a_cycle_after_execution_began(
    warm: OneSm, sass: str, latency: int
) -> None:
    at = story(warm.listing(f"{S1}{sass}").counters.follow, 0)
    assert at["result written"] - at["executes"] == latency + 1


def test_a_consumer_at_its_distance_executes_when_the_result_is_there(warm: OneSm) -> None:
    run = warm.listing("[B------:R-:W-:-:S04] FADD R8, R9, R10\n" + f"{S1}FFMA R12, R8, R8, R8")
    first, second = story(run.counters.follow, 0), story(run.counters.follow, 16)
    assert second["executes"] - first["executes"] == 4
    assert second["executes"] == first["result written"] - 1  # the bypass serves it in the cycle before the write


def test_a_miss_of_the_instruction_cache_stands_before_the_fetch(chip: Chip) -> None:
    run = chip().listing(f"{S1}FADD R8, R9, R10")
    (miss,) = run.events("fetch miss")
    assert (miss.cycle, miss.detail) == (0, "line 0")
    at = story(run.counters.follow, 0)
    assert at["fetched"] > miss.cycle + 2 * 39
    assert at["issued"] - at["fetched"] == 2


def test_an_instruction_held_in_allocate_says_so_and_everything_behind_it_moves_by_a_cycle(warm: OneSm) -> None:
    """Six reads of one bank do not fit in the windows of two instructions a cycle apart."""
    run = warm.listing(f"{S1}FFMA R2, R4, R6, R8\n{S1}FFMA R3, R4, R6, R8\n" + f"{S1}NOP\n" * 8)
    second = [e for e in run.counters.follow if e.pc == 16 and e.event != "state"]
    held = [e.cycle for e in second if e.event == "held in allocate"]
    allocated = next(e.cycle for e in second if e.event == "allocated")
    issued = next(e.cycle for e in second if e.event == "issued")
    assert held == [issued + 2, issued + 3]
    assert allocated == issued + 2 + len(held)
    assert run.counters.events["sm.rf.conflict_cycles"] == len(held)


def test_a_load_is_followed_from_its_registers_to_its_last_write(warm: OneSm) -> None:
    run = warm.listing("""
        [B------:R-:W5:-:S02] LDG.E R40, [R2.64] {0x1000}
        [B-----5:R-:W-:-:S15] NOP
        [B------:R1:W0:-:S02] LDG.E.64 R8, [R2.64] {0x1000}
        [B0-----:R-:W-:-:S01] FADD R12, R8, R9
    """)
    mine = [(e.event, e.cycle, e.detail) for e in run.counters.follow if e.pc == 0x20 and e.event != "state"]
    at = run.issues("LDG.E.64")[0]
    assert mine[0][0] == "fetched"
    assert mine[1:] == [
        ("issued", at, "32 lanes"),
        ("control", at + 1, ""),
        ("counter up", at + 1, "SB0"),
        ("counter up", at + 1, "SB1"),
        ("registers read", at + 3, ""),
        ("left the memory unit", at + 11, ""),
        ("counter down", at + 11, "SB1"),  # Table 2: WAR 11
        ("L1D hit", at + 11, ""),
        ("data ready", at + 30, ""),
        ("register written", at + 31, "R8"),
        ("register written", at + 33, "R9"),
        ("counter down", at + 34, "SB0"),  # Table 2: RAW 34
    ]
    assert run.issued("FADD") == at + 34


@pytest.mark.parametrize(("stride", "sectors"), [(0, 1), (1, 2), (2, 3), (4, 4)])
def test_the_data_of_a_miss_is_ready_a_trip_to_l2_later_than_that_of_a_hit(
    warm: OneSm, stride: int, sectors: int
) -> None:
    """Words that lie 0, 1, 2 and 4 bytes apart touch 1 to 4 sectors."""
    run = warm.from_l2(f"""
        [B------:R-:W0:-:S02] LDG.E R8, [R2.64] {{0x1000 + {stride}*lane}}
        [B0-----:R-:W0:-:S02] LDG.E R9, [R2.64] {{0x1000 + {stride}*lane}}
    """)
    (miss,) = run.events("L1D miss")
    (hit,) = run.events("L1D hit")
    missing, there = (e.cycle for e in run.events("data ready"))
    assert there - hit.cycle == 19  # Table 2: 32 less 11 to the lookup and two of the link
    assert missing - miss.cycle == 19 + warm.l2_trip(sectors)


def test_a_variable_latency_unit_and_a_clock_read_are_in_the_log(warm: OneSm) -> None:
    run = warm.listing("[B------:R2:W3:-:S02] MUFU.RCP R8, R9\n[B------:R-:W-:-:S02] CS2R R10, SR_CLOCKLO")
    at = story([e for e in run.counters.follow if not e.event.startswith("counter")], 0)
    start = at["issued"]
    assert (at["control"], at["executes"], at["register written"]) == (start + 1, start + 2, start + 15)
    (clock,) = run.events("clock read")
    assert clock.cycle == run.issued("CS2R") + 1  # in Control
    downs = [(e.cycle - start, e.detail) for e in run.events("counter down")]
    assert downs == [(5, "SB2"), (16, "SB3")]


EVERYTHING = """
    .block 64
    .shared 1024
    .repeat 3
    [B------:R0:W1:-:S02] LDG.E R8, [R2.64] {0x1000 + 4*lane + 512*iter}
    [B------:R0:W2:-:S02] LDS R9, [R4]
    [B------:R3:W4:-:S02] MUFU.RCP R10, R11
    [B012-4-:R-:W-:-:S04] FFMA R12, R8, R9, R10
    [B------:R5:W-:-:S02] STG.E [R2.64], R12 {0x8000 + 4*lane}
    [B------:R3:W1:-:S02] @P0 LDG.E R20, [R2.64] {mask=0x00000000}
    [B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x0
    [B012345:R-:W-:-:S02] FADD R13, R12, c[0x0][0x160]
    .end
"""


@pytest.mark.parametrize("warp", [0, 1])
def test_counters_go_up_and_down_in_pairs_and_never_below_zero(warm: OneSm, warp: int) -> None:
    run = warm.listing(EVERYTHING)
    value: Counter[str] = Counter()
    pairs: Counter[tuple[int, str]] = Counter()
    for event in run.counters.follow:
        if event.warp != warp or not event.event.startswith("counter"):
            continue
        step = 1 if event.event == "counter up" else -1
        value[event.detail] += step
        pairs[event.pc, event.detail] += step
        assert 0 <= value[event.detail] <= 63
    assert set(value.values()) == set(pairs.values()) == {0}
    assert len(pairs) == 7  # of the guarded-off load nothing was raised


def test_every_issue_is_in_the_log_and_states_fill_the_life_of_a_warp(warm: OneSm) -> None:
    run = warm.listing(EVERYTHING)
    for warp in (0, 1):
        assert len(run.issues(warp=warp)) == run.counters.warp_instructions / 2
        assert len(run.events("finished", warp=warp)) == 1
        states = [e for e in run.counters.follow if e.event == "state" and e.warp == warp]
        for one, following in itertools.pairwise(states):
            assert one.cycle < following.cycle
            assert (one.detail, one.pc) != (following.detail, following.pc)
        assert states[-1].detail == "drain"
        selected = {e.cycle for e in states if e.detail == "selected"}
        assert selected <= set(run.issues(warp=warp))
    arrived = [(e.warp, e.detail) for e in run.counters.follow if e.event == "barrier arrived"]
    released = [(e.warp, e.detail) for e in run.counters.follow if e.event == "barrier released"]
    assert sorted(arrived) == sorted(released) == [(w, "barrier 0") for w in (0, 0, 0, 1, 1, 1)]


def test_the_log_is_in_order_of_time_and_knows_only_declared_events(warm: OneSm) -> None:
    events = warm.listing(EVERYTHING).counters.follow
    assert [e.cycle for e in events] == sorted(e.cycle for e in events)
    assert {e.event for e in events} <= set(FOLLOW_EVENTS)
    assert {e.sm for e in events} == {0}


def test_one_warp_and_one_pc_can_be_singled_out() -> None:
    everything = follow(EVERYTHING, Follow(0, -1)).follow
    one = follow(EVERYTHING, Follow(0, 1)).follow
    assert one == [e for e in everything if e.warp == 1]
    load = follow(EVERYTHING, Follow(0, 1, 0x10)).follow
    assert load == [e for e in one if e.pc == 0x10]
    assert sum(e.event == "issued" for e in load) == 3
    assert follow(EVERYTHING, Follow(0, 1, 0x5000)).follow == []


def test_only_the_chosen_sm_is_followed() -> None:
    text = f".grid 2\n{S1}FADD R8, R9, R10"
    for sm in (0, 1):
        events = follow(text, Follow(sm, 0), sms=2).follow
        assert {e.sm for e in events} == {sm}
        assert [e.event for e in events if e.pc == 0].count("issued") == 1


def test_without_follow_there_is_no_log() -> None:
    assert follow(EVERYTHING, None).follow == []


def test_a_log_that_is_too_short_keeps_the_beginning_and_says_how_much_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = follow(EVERYTHING, Follow(0, -1))
    assert whole.warnings == []
    monkeypatch.setattr(simulate, "LOG_LENGTH", 100)
    cut = follow(EVERYTHING, Follow(0, -1))
    assert len(cut.follow) == 100
    assert set(cut.follow) <= set(whole.follow)
    (warning,) = cut.warnings
    assert warning.startswith(f"--follow: the last {len(whole.follow) - 100} events are missing")
    assert (cut.cycles, cut.events) == (whole.cycles, whole.events)


def test_a_short_log_is_no_matter_to_those_who_did_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "LOG_LENGTH", 100)
    assert follow(EVERYTHING, None).warnings == []
