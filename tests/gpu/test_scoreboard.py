"""Dependence by scoreboard: who waits for whom, and for how long, without control bits (core reference §9.4)."""

import dataclasses

import pytest

from sim.gpu.simulate import simulate_kernel
from sim.trace.listing import parse_listing
from tests.gpu.conftest import Chip, OneSm, Run


def board(chip: Chip, consumers: int = 63) -> OneSm:
    overrides = {"sm.issue.dependence": "scoreboard", "sm.issue.scoreboard_consumers": str(consumers)}
    return chip("rtx_a6000", {"sm.frontend.perfect": "true", **overrides})


@pytest.fixture(scope="module")
def sm(chip: Chip) -> OneSm:
    return board(chip)


def listing(sm: OneSm, *instructions: str) -> Run:
    """Instructions with control words that order nothing; what they load is in L2."""
    return sm.from_l2("\n".join(f"[B------:R-:W-:-:S01] {text}" for text in instructions))


def distances(sm: OneSm, *instructions: str) -> list[int]:
    """Issue cycles of the instructions, the first at 0; EXIT is left out."""
    issues = listing(sm, *instructions).issues()[: len(instructions)]
    return [cycle - issues[0] for cycle in issues]


@pytest.mark.parametrize(
    ("producer", "consumer", "cycles", "reason"),
    [
        ("FMUL R8, R9, R11", "FADD R20, R8, R21", 4, "wait"),
        ("IADD3 R8, R9, R11, RZ", "FADD R20, R21, R8", 4, "wait"),
        ("HADD2 R8, R9, R11", "FADD R20, R8, R21", 5, "wait"),
        ("IMAD.WIDE R8, R10, R11, R12", "FADD R20, R9, R21", 4, "wait"),  # the upper half of the pair
        ("MUFU.RCP R8, R9", "FADD R20, R8, R21", 16, "short_scoreboard"),
        ("S2R R8, SR_TID.X", "FADD R20, R8, R21", 20, "short_scoreboard"),
        ("LDS R8, [R4]", "FADD R20, R8, R21", 24, "short_scoreboard"),
        ("LDS.64 R8, [R4]", "FADD R20, R9, R21", 24, "short_scoreboard"),
        ("LDS.128 R8, [R4]", "FADD R20, R11, R21", 26, "short_scoreboard"),
        ("LDG.E R8, [R4.64] {0x1000}", "FADD R20, R8, R21", 32 + 218, "long_scoreboard"),
        ("LDG.E.64 R8, [R4.64] {0x1000}", "FADD R20, R9, R21", 34 + 218, "long_scoreboard"),
    ],
)
def test_a_consumer_waits_for_its_source(sm: OneSm, producer: str, consumer: str, cycles: int, reason: str) -> None:
    """RAW: the latency of the class, or Table 2 (and the trip to L2 for a line that L1D lacks)."""
    assert sm.l2_trip() == 218
    run = listing(sm, producer, consumer)
    start = run.issues()[0]
    assert run.issued("FADD") == start + cycles
    assert {run.blocked("FADD", at=start + n) for n in range(1, cycles)} == {reason}


@pytest.mark.parametrize(
    ("first", "cycles"),
    [
        ("FMUL R8, R9, R11", 4),
        ("HADD2 R8, R9, R11", 5),
        ("MUFU.RCP R8, R9", 16),
        ("LDS R8, [R4]", 24),
        ("LDS.64 R8, [R4]", 24),
        ("LDG.E R8, [R4.64] {0x1000}", 250),
    ],
)
def test_a_second_writer_waits_for_the_first(sm: OneSm, first: str, cycles: int) -> None:
    """WAW; the register beside it is free."""
    assert distances(sm, first, "MOV R8, R13") == [0, cycles]
    assert distances(sm, first, "FADD R10, R13, R15") == [0, 1]


@pytest.mark.parametrize(
    ("reader", "register", "cycles"),
    [
        ("LDG.E R20, [R4.64] {0x1000}", "R4", 11),
        ("LDG.E R20, [R4.64] {0x1000}", "R5", 11),
        ("LDS R20, [R4]", "R4", 9),
        ("STG.E [R4.64], R8 {0x1000}", "R8", 14),
        ("STG.E.128 [R4.64], R8 {0x1000}", "R11", 20),
        ("STS [R4], R8", "R8", 12),
        ("STS.64 [R4], R8", "R9", 14),
        ("LDGSTS.E [R10], [R4.64] {0x1000}", "R10", 13),
    ],
)
def test_a_writer_waits_for_the_readers_of_its_register_as_table_2_has_it(
    sm: OneSm, reader: str, register: str, cycles: int
) -> None:
    """WAR; a reader of the same register does not wait."""
    assert distances(sm, reader, f"MOV {register}, R33") == [0, cycles]
    assert distances(sm, reader, f"MOV R30, {register}") == [0, 1]


def test_a_reader_of_fixed_latency_frees_its_register_when_its_reads_are_reserved(sm: OneSm) -> None:
    """Issue, Control, Allocate: from the third cycle on nothing can overtake the reads."""
    run = listing(sm, "FMUL R8, R9, R11", "MOV R9, R13")
    assert run.issued("MOV") - run.issued("FMUL") == 3


@pytest.mark.parametrize(
    ("consumers", "issues"),
    [
        # LDS n leaves the unit 9 cycles after its issue and 2 after the one before; a place is free from then on.
        (1, [0, 9, 18, 27, 36, 45]),
        (2, [0, 1, 9, 11, 18, 20]),
        (3, [0, 1, 2, 9, 11, 13]),
        (4, [0, 1, 2, 3, 9, 11]),
        (63, [0, 1, 2, 3, 4, 9]),  # the sixth waits for the memory queue
    ],
)
def test_loads_that_read_one_register_wait_for_a_place_in_its_count(
    chip: Chip, consumers: int, issues: list[int]
) -> None:
    loads = [f"LDS R{20 + n}, [R8]" for n in range(6)]
    assert distances(board(chip, consumers), *loads) == issues
    others = [f"LDS R{20 + n}, [R{8 + n}]" for n in range(6)]
    assert distances(board(chip, consumers), *others) == [0, 1, 2, 3, 4, 9]


@pytest.mark.parametrize(
    ("consumers", "issues"),
    [(1, [0, 3, 6, 9, 12, 15]), (2, [0, 1, 3, 4, 6, 7]), (3, [0, 1, 2, 3, 4, 5]), (63, [0, 1, 2, 3, 4, 5])],
)
def test_readers_of_fixed_latency_are_three_at_a_time_at_most(chip: Chip, consumers: int, issues: list[int]) -> None:
    adds = [f"FADD R{20 + n}, R8, R{31 + 2 * n}" for n in range(6)]
    assert distances(board(chip, consumers), *adds) == issues


def test_an_instruction_that_names_a_register_twice_is_one_reader(chip: Chip) -> None:
    assert distances(board(chip, 1), "FMUL R20, R8, R8", "FMUL R21, R8, R8") == [0, 3]


def test_a_writer_waits_for_the_last_of_several_readers(sm: OneSm) -> None:
    assert distances(sm, "LDS R20, [R8]", "LDS R21, [R8]", "LDS R22, [R8]", "MOV R8, R9") == [0, 1, 2, 13]


def test_warps_have_entries_of_their_own(sm: OneSm) -> None:
    """Warps 0 and 4 share sub-core 0; what W4 has under way holds W4 alone."""
    run = sm.from_l2("""
        .block 160
        .warp 0-3
        /*0100*/ [B------:R-:W-:Y:S15] NOP
        [B------:R-:W-:-:S01] FADD R20, R8, R21
        [B------:R-:W-:-:S01] EXIT
        .warp 4
        /*0000*/ [B------:R-:W-:-:S01] LDG.E R8, [R4.64] {0x1000}
        [B------:R-:W-:-:S01] FMUL R20, R8, R21
        [B------:R-:W-:-:S01] EXIT
    """)
    assert run.issued("FADD", warp=0) == run.issued("NOP", warp=0) + 15
    assert run.issued("FMUL", warp=4) == run.issued("LDG", warp=4) + 250


@pytest.mark.parametrize(
    "consumer",
    [
        "@P0 FADD R20, R9, R21",
        "@!P0 FADD R20, R9, R21",
        "SEL R20, R9, R21, P0",
        "ISETP.GE.AND P1, PT, R1, R2, P0",
        "@P0 LDS R20, [R4]",
        "@P0 BRA 0x40",
        "ISETP.GE.AND P0, PT, R1, R2, PT",
    ],
)
def test_a_predicate_takes_thirteen_cycles(sm: OneSm, consumer: str) -> None:
    """As a guard, as a source and as a destination."""
    for producer in ("ISETP.GE.AND P0, PT, R3, R5, PT", "FSETP.GT.AND P0, PT, R3, R5, PT"):
        run = listing(sm, producer, "FMUL R30, R31, R33", consumer)
        first, beside, second = run.issues()[:3]
        assert second - first == 13
        assert beside - first <= 2  # who does not use it goes at once


def test_other_predicates_and_registers_that_hold_nothing_are_never_waited_for(sm: OneSm) -> None:
    setp = "ISETP.GE.AND P0, PT, R3, R5, PT"
    assert distances(sm, setp, "@P1 FADD R20, R9, R21") == [0, 1]
    assert distances(sm, setp, "@PT FADD R20, R9, R21") == [0, 1]
    assert distances(sm, "LDS RZ, [R4]", "FADD R20, RZ, R21") == [0, 1]
    assert distances(sm, "LDS RZ, [RZ]", "FADD RZ, RZ, R21") == [0, 1]


@pytest.mark.parametrize(
    ("producer", "consumer", "cycles"),
    [
        ("UIADD3 UR4, UR5, UR6, URZ", "FADD R20, R9, UR4", 4),
        ("UIADD3 UR4, UR5, UR6, URZ", "UIADD3 UR8, UR4, UR6, URZ", 4),
        ("UIADD3 UR4, UR5, UR6, URZ", "LDS R20, [UR4]", 4),
        ("UIADD3 UR4, UR5, UR6, URZ", "UMOV UR4, UR7", 4),
        ("R2UR UR4, R3", "LDS R20, [UR4]", 4),
        ("LDS R20, [UR4]", "UMOV UR4, UR7", 9),
        ("UISETP.GE.AND UP0, UPT, UR5, UR6, UPT", "@UP0 UIADD3 UR8, UR4, UR6, URZ", 4),
        ("UISETP.GE.AND UP0, UPT, UR5, UR6, UPT", "USEL UR8, UR4, UR6, UP0", 4),
    ],
)
def test_uniform_registers_have_entries_too(sm: OneSm, producer: str, consumer: str, cycles: int) -> None:
    assert distances(sm, producer, consumer) == [0, cycles]
    assert distances(sm, producer, "FADD R30, R9, R4") == [0, 1]  # R4 is not UR4


def test_control_bits_order_nothing(sm: OneSm) -> None:
    """A wait mask does not hold, counters do not rise, and a missing one is no harm."""
    run = sm.listing("""
        [B------:R1:W0:-:S01] LDS R8, [R4]
        [B01----:R-:W-:-:S01] FMUL R30, R31, R33
        [B------:R-:W-:-:S01] FADD R20, R8, R21
    """)
    assert run.issued("FMUL") - run.issued("LDS") == 1
    assert run.issued("FADD") - run.issued("LDS") == 24
    assert not run.events("counter up")


def test_a_load_that_no_lane_executes_holds_nobody(sm: OneSm) -> None:
    assert distances(sm, "@P0 LDG.E R8, [R4.64] {mask=0x00000000}", "MOV R4, R9", "FADD R20, R8, R21") == [0, 1, 2]


def test_depbar_waits_for_everything_under_way(sm: OneSm) -> None:
    """There are no counters to look at: LDS in 24 cycles, LDG (behind it in the queue by four cycles) in 252."""
    run = listing(sm, "LDS R8, [R4]", "LDG.E R10, [R6.64] {0x1000}", "DEPBAR.LE SB0, 0x1", "FADD R20, R30, R21")
    done = max(e.cycle for e in run.events("register written", "LDG")) + 1
    assert run.issued("DEPBAR") == done == run.issued("LDS") + 9 + 4 + 21 + sm.l2_trip()
    assert run.issued("FADD") == done + 1


def test_depbar_with_nothing_under_way_does_not_wait(sm: OneSm) -> None:
    assert distances(sm, "DEPBAR.LE SB0, 0x0", "FADD R20, R30, R21") == [0, 1]


def test_ldgdepbar_and_depbar_wait_for_the_copy(sm: OneSm) -> None:
    """LDGSTS is done after 39 cycles and the trip to L2; LDGDEPBAR ends one cycle after it."""
    copy = "LDGSTS.E [R8], [R4.64] {0x1000}"
    assert distances(sm, copy, "LDGDEPBAR", "DEPBAR.LE SB0, 0x0", "LDS R20, [R9]") == [0, 1, 258, 259]
    assert distances(sm, copy, "LDGDEPBAR", "LDS R20, [R9]") == [0, 1, 2]  # without DEPBAR nothing waits


def test_membar_waits_for_everything_under_way_and_then_its_time(sm: OneSm) -> None:
    run = listing(sm, "LDS R8, [R4]", "MEMBAR.SC.CTA", "FADD R20, R30, R21")
    assert run.issued("MEMBAR") - run.issued("LDS") == 24
    assert run.issued("FADD") - run.issued("MEMBAR") == 53
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "membar"


BARE = """
    LDS R8, [R4]
    FADD R20, R8, R21
    FMUL R22, R20, R23
    STG.E [R6.64], R22 {0x1000}
    MOV R22, R24
"""


def test_a_trace_without_control_bits_uses_it_and_says_so(chip: Chip, sm: OneSm) -> None:
    plain = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    assert plain.arch.config.sm.issue.dependence == "control_bits"
    run = plain.listing(BARE)
    (warning,) = run.counters.warnings
    assert "no control bits" in warning and "scoreboard" in warning
    assert [c - run.issues()[0] for c in run.issues()[:5]] == [0, 24, 28, 32, 46]
    chosen = sm.listing(BARE)
    assert chosen.issues() == run.issues()
    assert chosen.counters.warnings == []  # it was asked for


def test_a_trace_that_lost_its_control_bits_runs_as_one_that_asks_for_the_scoreboard(chip: Chip, sm: OneSm) -> None:
    """The control bits of this listing forget that FMUL needs R8."""
    text = "[B------:R-:W-:-:S01] FADD R8, R9, R10\n[B------:R-:W-:-:S01] FMUL R12, R8, R13"
    kernel = parse_listing(text).kernels[0]
    bare = dataclasses.replace(
        kernel,
        header=dataclasses.replace(kernel.header, has_control_bits=False),
        static=[dataclasses.replace(row, control=None) for row in kernel.static],
    )
    arch = chip("rtx_a6000", {"sm.frontend.perfect": "true"}).arch
    lost, asked, obeyed = (simulate_kernel(k, a) for k, a in ((bare, arch), (kernel, sm.arch), (kernel, arch)))
    assert lost.cycles == asked.cycles > obeyed.cycles
    assert len(lost.warnings) == 1
    assert asked.warnings == obeyed.warnings == []
