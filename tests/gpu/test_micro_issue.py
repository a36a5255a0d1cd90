"""CGGTY: the four scheduling experiments of Fig. 4 (core reference §4), and the constant-cache rule."""

import itertools

import pytest

from tests.gpu.conftest import Chip, OneSm, Run

#: Warps 0, 4, 8, 12 share sub-core 0: W0 is the oldest, W3 the youngest.
SLOTS = (0, 4, 8, 12)


def program(second: str, body: int = 30) -> str:
    """32 independent instructions a warp; the second one carries `second`."""
    lines = ["[B------:R-:W-:-:S01] FADD R2, R3, R5", f"[B------:R-:W-:{second}] FADD R4, R5, R6"]
    lines += ["[B------:R-:W-:-:S01] FADD R8, R9, R10"] * body
    return ".block 416\n" + "\n".join(lines)


def from_barrier(text: str) -> str:
    """The same program behind a barrier to which W3 comes last: all buffers are full and W3 is the greedy warp."""
    body = text.partition("\n")[2]
    barrier = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x0"
    late = "[B------:R-:W-:Y:S15] NOP\n" * 4
    return f".block 416\n.warp 0-11\n{barrier}\n{body}\n.warp 12\n{late}{barrier}\n{body}"


def order(run: Run) -> list[int]:
    """Warps (0 oldest to 3 youngest) of sub-core 0 in the order of their issues."""
    cycles = sorted((c, i) for i, slot in enumerate(SLOTS) for c in run.issues(", R", warp=slot))
    return [warp for _, warp in cycles]


def runs(sequence: list[int]) -> list[tuple[int, int]]:
    """(warp, length) of consecutive equal warps."""
    found: list[tuple[int, int]] = []
    for warp in sequence:
        if found and found[-1][0] == warp:
            found[-1] = (warp, found[-1][1] + 1)
        else:
            found.append((warp, 1))
    return found


def ported(chip: Chip, width: int) -> OneSm:
    """One SM whose answers pass ports of so many bytes a cycle."""
    return chip("rtx_a6000", {key: f"{width} B/cycle" for key in ("l2.port_bandwidth", "noc.reply_bandwidth")})


OVERTAKEN = [(3, 8), (2, 32), (3, 24), (1, 32), (0, 32)]


def test_without_stalls_the_youngest_goes_until_it_misses_and_each_runs_greedily(chip: Chip) -> None:
    """W3 up to its first instruction miss; W2 starts, overtakes and runs to the end; then W3 to the end, W1, W0.

    The experiment's miss is short: the second line comes while W2 runs its first. That is so where the code comes from
    DRAM, as that of a kernel that runs for the first time does, with the chip's own ports.
    """
    run = chip("rtx_a6000").listing(program("-:S01"))
    assert runs(order(run)) == OVERTAKEN
    assert [e.detail for e in run.events("fetch miss", warp=SLOTS[3])] == ["line 0", "line 1"]


@pytest.mark.parametrize("width", [20, 23, 27])
def test_code_in_l2_that_passes_a_narrow_port_gives_the_same_order(chip: Chip, width: int) -> None:
    """A line then takes six or seven cycles of the ports on its way."""
    run = ported(chip, width).from_l2(program("-:S01"))
    assert runs(order(run)) == OVERTAKEN
    assert [e.detail for e in run.events("fetch miss", warp=SLOTS[3])] == ["line 0", "line 1"]


@pytest.mark.parametrize("width", [20, 23, 27])
def test_code_of_dram_behind_a_narrow_port_comes_too_late_for_that_order(chip: Chip, width: int) -> None:
    """DEVIATIONS, GA10x-1: W2 misses its second line too, and W1 goes on."""
    assert runs(order(ported(chip, width).listing(program("-:S01"))))[:2] == [(3, 8), (2, 8)]


@pytest.mark.parametrize("width", [28, 40])
def test_where_a_line_of_l2_passes_in_five_cycles_the_stream_buffer_is_ahead_of_the_warps(
    chip: Chip, width: int
) -> None:
    """The crossbar's ports as they are, 40 B per cycle, take four cycles for a line: nobody misses a second time."""
    assert chip().arch.config.noc.reply_bandwidth == chip().arch.config.l2.port_bandwidth == 40
    run = ported(chip, width).from_l2(program("-:S01"))
    assert runs(order(run)) == [(3, 32), (2, 32), (1, 32), (0, 32)]
    assert [e.detail for e in run.events("fetch miss", warp=SLOTS[3])] == ["line 0"]


def test_with_a_warm_cache_each_warp_runs_to_its_end_youngest_first(chip: Chip) -> None:
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    sequence = runs(order(sm.listing(program("-:S01"))))
    assert [warp for warp, length in sequence if length > 3] == [3, 2, 1, 0]


def test_a_stall_of_four_hands_the_port_to_the_next_youngest(chip: Chip) -> None:
    """W3 two instructions, W2 two, W1 two, back to W3; W0 last, with bubbles behind its second instruction."""
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    run = sm.listing(from_barrier(program("-:S04")))
    sequence = runs(order(run))
    # Two of each of the three youngest cover the stall of four, then W3 is ready again.
    assert sequence == [(3, 2), (2, 2), (1, 2), (3, 30), (2, 30), (1, 30), (0, 32)]
    oldest = run.issues(", R", warp=SLOTS[0])
    assert [b - a for a, b in itertools.pairwise(oldest[:4])] == [1, 4, 1]


def test_yield_goes_to_the_youngest_other_warp_even_the_one_just_left(chip: Chip) -> None:
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    sequence = runs(order(sm.listing(from_barrier(program("Y:S01")))))
    # W2 runs its two, yields, and the youngest other warp is W3, which had just been left.
    assert sequence[:3] == [(3, 2), (2, 2), (3, 30)]
    assert [warp for warp, _ in sequence[3:]] == [2, 1, 0]


def test_a_lone_warp_that_yields_leaves_one_bubble(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:Y:S01] MOV R2, R3
        [B------:R-:W-:-:S01] FADD R8, R9, R11
    """)
    assert run.issued("FADD") - run.issued("MOV") == 2
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "yield"


def test_back_to_back_int_needs_two_cycles_per_half_warp_unit(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S01] MOV R2, R3
        [B------:R-:W-:-:S01] IADD3 R4, R5, R6, RZ
    """)
    assert run.issued("IADD3") - run.issued("MOV") == 2
    assert run.blocked("IADD3", at=run.issued("IADD3") - 1) == "math_pipe_throttle"


@pytest.mark.parametrize(("name", "distance"), [("rtx_a6000", 1), ("rtx_2080ti", 2), ("a100_sxm_80", 2)])
def test_fp32_every_cycle_only_where_the_int_pipe_helps(chip: Chip, name: str, distance: int) -> None:
    run = chip(name).listing("""
        [B------:R-:W-:-:S01] FADD R2, R3, R4
        [B------:R-:W-:-:S01] FMUL R6, R7, R8
    """)
    assert run.issued("FMUL") - run.issued("FADD") == distance


def test_the_port_is_kept_for_a_greedy_warp_that_misses_a_constant_then_given_away(chip: Chip) -> None:
    """Three evaluations without issue, the fourth may go to another warp (§4.7)."""
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    run = sm.listing("""
        .block 160
        .warp 0
        [B------:R-:W-:-:S15] NOP
        [B------:R-:W-:Y:S15] NOP
        [B------:R-:W-:-:S01] MOV R2, R3
        [B------:R-:W-:-:S01] MOV R5, R6
        [B------:R-:W-:-:S01] MOV R2, R3
        [B------:R-:W-:-:S01] MOV R5, R6
        [B------:R-:W-:-:S01] MOV R2, R3
        [B------:R-:W-:-:S01] MOV R5, R6
        .warp 1-3
        [B------:R-:W-:-:S01] NOP
        .warp 4
        [B------:R-:W-:Y:S15] NOP
        [B------:R-:W-:Y:S05] NOP
        [B------:R-:W-:-:S01] FADD R8, R9, R11
        [B------:R-:W-:-:S01] FADD R8, R9, c[0x0][0x160]
    """)
    assert run.counters.events["sm.constant_holds"] == 3
    miss = run.events("constant miss", "c[0x0]", warp=4)[0].cycle
    others = [c for c in run.issues(warp=0) if c >= miss]
    assert others[0] == miss + 3
