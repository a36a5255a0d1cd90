"""Control bits cycle by cycle: stall, yield, dependence counters, DEPBAR (core reference §1.3-1.5, Fig. 2)."""

import pytest

from tests.gpu.conftest import OneSm


def test_ffma_feeds_ffma_after_four_cycles(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S04] FADD R8, R9, R10
        [B------:R-:W-:-:S01] FFMA R12, R8, R8, R8
    """)
    assert run.issued("FFMA") - run.issued("FADD") == 4
    assert run.blocked("FFMA", at=run.issued("FFMA") - 1) == "wait"


@pytest.mark.parametrize(
    ("control", "distance"),
    [("-:S00", 1), ("-:S01", 1), ("-:S02", 2), ("-:S11", 11), ("Y:S01", 2), ("Y:S02", 2), ("Y:S15", 15)],
)
def test_stall_and_yield_set_the_distance_to_the_next_issue(ampere_sm: OneSm, control: str, distance: int) -> None:
    run = ampere_sm.listing(f"""
        [B------:R-:W-:-:S04] MOV R1, R2
        [B------:R-:W-:{control}] NOP
        [B------:R-:W-:-:S01] FADD R8, R9, R10
    """)
    assert run.issued("FADD") - run.issued("NOP") == distance
    if distance > 1:
        reason = "yield" if control == "Y:S01" else "wait"
        assert run.blocked("FADD", at=run.issued("FADD") - 1) == reason


def test_stall_zero_with_yield_sleeps_45_cycles(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:Y:S00] NOP
        [B------:R-:W-:-:S01] FADD R8, R9, R10
    """)
    assert run.issued("FADD") - run.issued("NOP") == 45
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "sleeping"


def test_a_long_stall_without_yield_hardly_stalls(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S12] NOP
        [B------:R-:W-:-:S01] FADD R8, R9, R10
    """)
    assert run.issued("FADD") - run.issued("NOP") == 2


def test_a_waiter_one_cycle_behind_its_producer_does_not_see_the_counter(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W0:-:S01] LDS R2, [R4]
        [B0-----:R-:W-:-:S01] IADD3 R9, R2, 0x1, RZ
    """)
    assert run.issued("IADD3") - run.issued("LDS") == 1


@pytest.mark.parametrize("control", ["-:S02", "Y:S01"])
def test_a_waiter_two_cycles_behind_waits_for_the_load(ampere_sm: OneSm, control: str) -> None:
    run = ampere_sm.listing(f"""
        [B------:R-:W0:{control}] LDS R2, [R4]
        [B0-----:R-:W-:-:S01] IADD3 R9, R2, 0x1, RZ
    """)
    assert run.issued("IADD3") - run.issued("LDS") == 24
    assert run.blocked("IADD3", at=run.issued("IADD3") - 1) == "short_scoreboard"


def test_the_counter_rises_in_control_and_counts_two_producers(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W3:-:S01] LDS R2, [R4]
        [B------:R-:W3:-:S02] LDS R3, [R4]
        [B---3--:R-:W-:-:S01] IADD3 R9, R2, R3, RZ
    """)
    first, second = run.issues("LDS")
    ups = [e.cycle for e in run.events("counter up", "LDS")]
    assert ups == [first + 1, second + 1]
    downs = [e.cycle for e in run.events("counter down", "LDS")]
    assert run.issued("IADD3") == downs[-1] > downs[0]


FIGURE_2 = """
    /*0030*/ [B------:R-:W3:-:S01] LDG.E R2, [R10.64]  {0x1000}
    /*0040*/ [B------:R0:W3:-:S01] LDG.E R3, [R12.64]  {0x1000}
    /*0050*/ [B------:R0:W4:-:S02] LDG.E R4, [R14.64]  {0x900000}
    /*0060*/ [B------:R-:W-:-:S01] IADD3 R20, R21, R22, RZ
    /*0070*/ [B------:R-:W-:-:S04] DEPBAR.LE SB0, 0x1
    /*0080*/ [B------:R-:W-:-:S01] FADD R12, R30, R31
    /*0090*/ [B0--3--:R-:W-:-:S01] FMUL R14, R2, R30
    /*00a0*/ [B----4-:R-:W-:-:S01] FADD R6, R4, R4
"""


def test_figure_2_of_the_paper(ampere_sm: OneSm) -> None:
    """Loads in consecutive cycles, SB3 twice up, an extra cycle for stall 2, DEPBAR after one of two source reads."""
    run = ampere_sm.from_l2(
        "[B------:R-:W5:-:S02] LDG.E R2, [R10.64] {0x1000}\n[B-----5:R-:W-:-:S01] MOV R99, R98\n" + FIGURE_2
    )
    start = run.events("issued")[2].cycle
    at = {e.pc: e.cycle - start for e in run.events("issued")[2:]}
    assert (at[0x30], at[0x40], at[0x50]) == (0, 1, 2)
    ups = [(e.pc, e.cycle - start) for e in run.events("counter up") if e.cycle > start and e.detail == "SB3"]
    assert ups == [(0x30, 1), (0x40, 2)]
    assert at[0x60] == 4  # one cycle later than without the stall count of 2
    reads = [e.cycle - start for e in run.events("counter down") if e.detail == "SB0"]
    assert at[0x70] == reads[0] < reads[1]  # DEPBAR.LE SB0, 1 passes with one read left
    raw = [e.cycle - start for e in run.events("counter down") if e.detail == "SB3" and e.cycle > start]
    assert at[0x90] == max(raw[-1], reads[1])
    late = [e.cycle - start for e in run.events("counter down") if e.detail == "SB4"]
    assert at[0x90] < late[0] == at[0xA0]  # SB4 was still up
    assert late[0] == 32 + 8 + ampere_sm.l2_trip()  # third in a queue in which addresses take four cycles, from L2


def test_depbar_waits_for_its_threshold_and_not_before(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W0:-:S01] LDS R2, [R4]
        [B------:R-:W0:-:S02] LDS R3, [R4]
        [B------:R-:W-:-:S04] DEPBAR.LE SB0, 0x1
        [B------:R-:W-:-:S01] FADD R8, R2, R9
    """)
    first, _ = run.issues("LDS")
    assert run.issued("DEPBAR") == first + 24
    assert run.blocked("DEPBAR", at=first + 23) == "short_scoreboard"


def test_depbar_with_stall_one_does_not_wait(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W0:-:S04] LDS R2, [R4]
        [B------:R-:W-:-:S01] DEPBAR.LE SB0, 0x0
    """)
    assert run.issued("DEPBAR") == run.issued("LDS") + 4
