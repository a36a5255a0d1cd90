"""Register file and its cache, cycle by cycle (core reference §5; Listings 1 and 4 of the MICRO'25 paper)."""

import itertools

import pytest

from tests.gpu.conftest import Chip, OneSm

CLOCK = "[B------:R-:W-:-:S01] CS2R.32 R{}, SR_CLOCKLO\n[B------:R-:W-:-:S01] NOP\n"


def window(sm: OneSm, *instructions: str) -> int:
    """Cycles between two clock reads around the instructions, one NOP on each side."""
    body = "\n".join(f"[B------:R-:W-:-:S01] {text}" for text in instructions)
    nop = "[B------:R-:W-:-:S01] NOP"
    clock = "[B------:R-:W-:-:S01] CS2R.32 R{}, SR_CLOCKLO"
    return sm.listing("\n".join([clock.format(40), nop, body, nop, clock.format(42)])).window()


@pytest.mark.parametrize(("x", "y", "elapsed"), [("R5", "R7", 5), ("R6", "R7", 6), ("R6", "R8", 7)])
def test_listing_1_two_ffma_with_bank_conflicts(ampere_sm: OneSm, x: str, y: str, elapsed: int) -> None:
    assert window(ampere_sm, "FFMA R11, R10, R12, R14", f"FFMA R13, R16, {x}, {y}") == elapsed


@pytest.mark.parametrize(
    ("first", "x", "y", "elapsed"),
    [
        ("FFMA", "R5", "R7", 6), ("FFMA", "R6", "R7", 6), ("FFMA", "R6", "R8", 7),
        ("IADD3", "R5", "R7", 5), ("IADD3", "R6", "R7", 6), ("IADD3", "R6", "R8", 7),
    ],
)  # fmt: skip
def test_listing_1_on_an_a100(chip: Chip, first: str, x: str, y: str, elapsed: int) -> None:
    assert window(chip("a100_sxm_80"), f"{first} R9, R4, R6, R8", f"FFMA R12, R10, {x}, {y}") == elapsed


@pytest.mark.parametrize(("instruction", "bubbles"), [("FMUL R{0}, R4, R6", 1), ("FFMA R{0}, R4, R6, R8", 2)])
def test_a_stream_with_all_sources_in_one_bank_loses_a_cycle_per_extra_read(
    ampere_sm: OneSm, instruction: str, bubbles: int
) -> None:
    count = 24
    run = ampere_sm.listing("\n".join(f"[B------:R-:W-:-:S01] {instruction.format(11 + 2 * i)}" for i in range(count)))
    issues = run.issues("R4")
    assert [b - a for a, b in itertools.pairwise(issues[12:])] == [1 + bubbles] * (count - 13)
    assert run.counters.events["sm.rf.conflict_cycles"] > 0


def test_two_read_ports_or_an_ideal_file_remove_the_conflicts(chip: Chip) -> None:
    for override in ({"sm.register_file.read_ports": "3"}, {"sm.register_file.ideal": "true"}):
        sm = chip("rtx_a6000", override)
        assert window(sm, "FFMA R11, R10, R12, R14", "FFMA R13, R16, R6, R8") == 5


# Listing 4: what the second instruction leaves in the cache for the third, which reads R10 in slot 0.
CASES = {
    "used without reuse: hit, then gone": ("FFMA R12, R10, R6, R8", 1),
    "used with reuse: stays": ("FFMA R12, R10.reuse, R6, R8", 2),
    "another slot, other bank in slot 0: miss, the entry stays": ("FFMA R12, R5, R10, R8", 1),
    "another register of its bank in slot 0: evicted": ("FFMA R12, R4, R6, R8", 0),
}


@pytest.mark.parametrize("name", CASES)
def test_listing_4_register_file_cache(ampere_sm: OneSm, name: str) -> None:
    second, hits = CASES[name]
    run = ampere_sm.listing(f"""
        [B------:R-:W-:-:S04] IADD3 R9, R10.reuse, R5, R7
        [B------:R-:W-:-:S04] {second}
        [B------:R-:W-:-:S04] IADD3 R13, R10, R6, R8
    """)
    assert run.counters.events["sm.rfc.hits"] == hits


@pytest.mark.parametrize(
    ("second", "third", "cycles"),
    [
        ("FFMA R12, R10, R6, R8", "", 6),  # same slot: hit
        ("FFMA R12, R6, R10, R8", "", 7),  # other slot: miss
        ("FFMA R12, R10, R6, R8", "IADD3 R9, R10, R6, R8", 9),  # consumed
        ("FFMA R12, R10.reuse, R6, R8", "IADD3 R9, R10, R6, R8", 8),  # retained
        ("FFMA R12, R5, R6, R8", "IADD3 R9, R10, R6, R8", 8),  # other bank
        ("FFMA R12, R4, R6, R8", "IADD3 R9, R10, R6, R8", 10),  # same bank
    ],
)
def test_register_file_cache_windows_on_an_a100(chip: Chip, second: str, third: str, cycles: int) -> None:
    lines = ["CS2R.32 R40, SR_CLOCKLO", "NOP", "IADD3 R9, R10.reuse, R5, R7", second, third or "NOP"]
    text = "\n".join(f"[B------:R-:W-:-:S01] {line}" for line in [*lines, "CS2R.32 R42, SR_CLOCKLO"])
    assert chip("a100_sxm_80").listing(text).window() == cycles


def test_the_cache_is_per_warp_and_slot(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S04] IADD3 R9, R5, R10.reuse, R7
        [B------:R-:W-:-:S04] FFMA R12, R10, R6, R9
    """)
    assert run.counters.events["sm.rfc.hits"] == 0
    assert run.counters.events["sm.rfc.fills"] == 1


def test_both_registers_of_a_pair_are_cached(chip: Chip) -> None:
    run = chip("a100_sxm_80").listing("""
        [B------:R-:W-:-:S08] DADD R8, R10.reuse, R14
        [B------:R-:W-:-:S08] DADD R12, R10, R16
    """)
    assert run.counters.events["sm.rfc.hits"] == 2


def test_results_of_one_cycle_and_bank_wait_in_the_queue_unseen(ampere_sm: OneSm) -> None:
    """HADD2 (5 cycles) then FFMA (4) reach the same bank together; the consumers of both go on time (§5)."""
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S01] HADD2 R8, R9, R11
        [B------:R-:W-:-:S04] FMUL R10, R13, R15
        [B------:R-:W-:-:S01] FADD R20, R8, R10
    """)
    results = [e.cycle for e in run.events("result written")][:2]
    assert results[0] == results[1]  # due in the same cycle, written into the same bank
    assert run.counters.events["sm.rf.write_delays"] == 1
    assert run.issued("FADD") - run.issued("FMUL") == 4


def test_a_load_gives_way_to_a_fixed_latency_result_for_one_cycle(ampere_sm: OneSm) -> None:
    """The result of a FADD that is due in the bank in the load's cycle delays the load by one (§5)."""

    def loaded(stall: int, target: int) -> tuple[int, int]:
        run = ampere_sm.listing(
            f"""
            [B------:R-:W0:-:S15] LDS R2, [R4]
            [B------:R-:W-:-:S01] FADD R{target}, R9, R11
            [B0-----:R-:W-:-:S01] FMUL R6, R2, R5
        """.replace("S15] LDS", f"S{stall:02d}] LDS")
        )
        return run.issued("FMUL") - run.issued("LDS"), run.counters.events["sm.rf.write_delays"]

    delays = [loaded(stall, 8)[0] - 24 for stall in range(2, 12)]
    assert all(d == 0 for d in delays)  # a FADD that issues early writes long before the load
    found = [
        ampere_sm.listing(f"""
            [B------:R-:W0:-:S{stall:02d}] LDS R2, [R4]
            [B------:R-:W-:-:S0{gap}] NOP
            [B------:R-:W-:-:S01] FADD R{target}, R9, R11
            [B0-----:R-:W-:-:S01] FMUL R6, R2, R5
        """)
        for target in (8, 13)
        for stall, gap in ((9, 4),)
    ]
    same, other = (run.issued("FMUL") - run.issued("LDS") for run in found)
    assert (same, other) == (25, 24)
