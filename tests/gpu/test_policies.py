"""Which warp issues and which one fetches, policy by policy; every order is worked out by hand (§3, §4).

One sub-core, four warps: W0 is the oldest, W3 the youngest. A barrier to which W1 comes last fills all instruction
buffers, releases everybody in one cycle and leaves W1 as the greedy warp.
"""

import pytest

from tests.gpu.conftest import Chip, OneSm, Run

NOP = "[B------:R-:W-:-:S01] NOP"
EXIT = "[B------:R-:W-:-:S01] EXIT"
BARRIER = "[B------:R-:W-:-:S02] BAR.SYNC.DEFER_BLOCKING 0x0"
LATE = "\n".join(["[B------:R-:W-:Y:S15] NOP"] * 4)


def one_sub_core(chip: Chip, **overrides: str) -> OneSm:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    return chip("rtx_a6000", {"sm.sub_cores": "1", "sm.frontend.perfect": "true", **keys})


def released_together(instruction: str) -> str:
    """Four times `instruction` and EXIT, behind a barrier to which W1 comes last; each group has code of its own."""
    body = "\n".join([BARRIER, *[instruction] * 4, EXIT])
    return f".block 128\n.warp 0\n{body}\n.warp 1\n/*0200*/ {LATE}\n{body}\n.warp 2-3\n/*0400*/ {body}"


def sequence(run: Run, warps: int = 4) -> tuple[list[int], list[int]]:
    """(warps, cycles since the first) of all issues behind the barrier, in order of time."""
    (start,) = {e.cycle for w in range(warps) for e in run.events("barrier released", warp=w)}
    issues = sorted((cycle, w) for w in range(warps) for cycle in run.issues(warp=w) if cycle >= start)
    return [w for _, w in issues], [cycle - start for cycle, _ in issues]


FREE = "[B------:R-:W-:-:S01] FADD R8, R9, R10"
STALLS = "[B------:R-:W-:-:S02] FADD R8, R9, R10"
YIELDS = "[B------:R-:W-:Y:S01] FADD R8, R9, R10"


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("cggty", [1] * 5 + [3] * 5 + [2] * 5 + [0] * 5),
        ("gto", [1] * 5 + [0] * 5 + [2] * 5 + [3] * 5),
        ("lrr", [2, 3, 0, 1] * 5),
        ("two_level", [1] * 5 + [0] * 5 + [2] * 5 + [3] * 5),
    ],
)
def test_with_nothing_in_the_way_every_policy_fills_every_slot_in_its_own_order(
    chip: Chip, policy: str, order: list[int]
) -> None:
    run = one_sub_core(chip, sm__issue__policy=policy).listing(released_together(FREE))
    assert sequence(run) == (order, list(range(20)))


@pytest.mark.parametrize("instruction", [STALLS, YIELDS])
@pytest.mark.parametrize(
    ("policy", "order", "cycles"),
    [
        # The greedy W1 leaves the port, the two youngest take turns to their ends, then W1 and W0; W0 ends alone.
        ("cggty", [1, *[3, 2] * 5, *[1, 0] * 4, 0], [*range(19), 20]),
        # The two oldest that can take turns first.
        ("gto", [1, 0] * 5 + [2, 3] * 5, [*range(20)]),
        ("lrr", [2, 3, 0, 1] * 5, [*range(20)]),
    ],
)
def test_a_stall_of_two_hands_the_port_on(
    chip: Chip, policy: str, order: list[int], cycles: list[int], instruction: str
) -> None:
    run = one_sub_core(chip, sm__issue__policy=policy).listing(released_together(instruction))
    assert sequence(run) == (order, cycles)


@pytest.mark.parametrize(
    ("policy", "round_"),
    [("cggty", [1, 3, 2, 0]), ("gto", [1, 0, 2, 3]), ("lrr", [2, 3, 0, 1]), ("two_level", [1, 0, 2, 3])],
)
def test_four_warps_cover_a_stall_of_four_under_every_policy(chip: Chip, policy: str, round_: list[int]) -> None:
    stalls = "[B------:R-:W-:-:S04] FADD R8, R9, R10"
    run = one_sub_core(chip, sm__issue__policy=policy).listing(released_together(stalls))
    assert sequence(run) == (round_ * 5, list(range(20)))


def test_lrr_passes_over_who_cannot_and_comes_back_a_round_later(chip: Chip) -> None:
    """W2 stalls for four cycles behind its first instruction; it is ready in cycle 5, when W1 stands before it."""
    text = ".block 96\n" + "\n".join(
        f".warp {w}\n/*{0x200 * w:04x}*/ {BARRIER}\n[B------:R-:W-:-:S{4 if w == 2 else 1:02d}] NOP\n"
        + "\n".join([NOP] * 3)
        + f"\n{EXIT}"
        for w in range(3)
    )
    found, cycles = sequence(one_sub_core(chip, sm__issue__policy="lrr").listing(text), warps=3)
    # W0 was fetched last and came to the barrier last, so W1 is the first.
    assert found == [1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 2]
    assert cycles == list(range(15))


def test_two_level_leaves_slots_empty_when_its_active_set_stalls(chip: Chip) -> None:
    """A stall count is no reason to leave the set: the only active warp goes to its end, then the next comes in."""
    text = ".block 64\n" + "\n".join([STALLS] * 4) + f"\n{EXIT}"
    run = one_sub_core(chip, sm__issue__policy="two_level", sm__issue__two_level_active="1").listing(text)
    first = run.issues(warp=1)
    assert first == [2, 4, 6, 8, 10]
    assert run.issues(warp=0) == [11, 13, 15, 17, 19]
    both = one_sub_core(chip, sm__issue__policy="two_level", sm__issue__two_level_active="2").listing(text)
    assert both.issues(warp=0)[0] < both.issues(warp=1)[-1]


def waiting_for(load: str, filler: int = 100) -> str:
    """W1 loads and waits; W0 has work for longer than the load takes."""
    return (
        f".block 64\n.warp 0\n/*1000*/ {STALLS}\n" + "\n".join([STALLS] * filler) + f"\n{EXIT}\n"
        f".warp 1\n/*0000*/ [B------:R-:W0:-:S02] {load}\n[B0-----:R-:W-:-:S01] FMUL R20, R2, R2\n{EXIT}"
    )


@pytest.mark.parametrize("active", [1, 2])
def test_two_level_a_long_wait_leaves_the_active_set(chip: Chip, active: int) -> None:
    """With a set of one, W0 takes the place of the waiting W1 and keeps it although the load comes back."""
    sm = one_sub_core(chip, sm__issue__policy="two_level", sm__issue__two_level_active=str(active))
    run = sm.from_l2(waiting_for("LDG.E R2, [R4.64] {0x1000}", filler=200))
    (back,) = [e.cycle for e in run.events("counter down", "LDG", warp=1)]
    last = run.issues(warp=0)[-1]
    assert back < last - 10
    if active == 1:
        assert run.issued("FMUL", warp=1) == last + 1
    else:
        assert run.issued("FMUL", warp=1) in (back, back + 1)  # every second slot is free


def test_two_level_a_short_wait_keeps_its_place(chip: Chip) -> None:
    sm = one_sub_core(chip, sm__issue__policy="two_level", sm__issue__two_level_active="1")
    run = sm.listing(waiting_for("LDS R2, [R4]"))
    assert run.issued("FMUL", warp=1) - run.issued("LDS", warp=1) == 24
    assert run.issues(warp=0)[0] == run.issues(warp=1)[-1] + 1


def test_each_sub_core_has_a_scheduler_of_its_own(chip: Chip) -> None:
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    run = sm.listing(".block 128\n" + "\n".join([FREE] * 4))
    assert [run.issues("FADD", warp=w) for w in range(4)] == [[2, 3, 4, 5]] * 4


def fetches(run: Run, warps: int, until: int) -> list[tuple[int, int]]:
    """(cycle, warp) of all fetches up to a cycle."""
    found = sorted((e.cycle, w) for w in range(warps) for e in run.events("fetched", warp=w))
    return [(cycle, w) for cycle, w in found if cycle <= until]


def test_a_fetched_instruction_may_issue_decode_latency_later_and_not_before(chip: Chip) -> None:
    for latency in (1, 2, 5):
        run = one_sub_core(chip, sm__frontend__decode_latency=f"{latency} cycles").listing(FREE)
        assert run.issued("FADD") == run.events("fetched", "FADD")[0].cycle + latency
        assert run.counters.warp_states["no_instruction"] == latency


# Each warp sleeps 15 cycles behind its first instruction, so three fetches more than it issues fill its buffer.
SLEEPY = "[B------:R-:W-:Y:S15] NOP\n" + "\n".join([NOP] * 4) + f"\n{EXIT}"


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("greedy_youngest", [2] * 4 + [1] * 4 + [0] * 4),
        ("youngest", [2] * 4 + [1] * 4 + [0] * 4),
        ("oldest", [0] * 4 + [1] * 4 + [2] * 4),
        ("round_robin", [2, 1, 0] * 4),
    ],
)
def test_fetch_policies_fill_the_buffers_in_their_order(chip: Chip, policy: str, order: list[int]) -> None:
    run = one_sub_core(chip, sm__frontend__fetch_policy=policy).listing(f".block 96\n{SLEEPY}")
    assert fetches(run, 3, until=14) == list(enumerate(order))


@pytest.mark.parametrize("entries", [1, 2, 3, 5])
def test_a_warp_that_cannot_issue_fetches_as_much_as_its_buffer_holds(chip: Chip, entries: int) -> None:
    sleep = "[B------:R-:W-:Y:S00] NOP"
    run = one_sub_core(chip, sm__frontend__instruction_buffer=str(entries)).listing("\n".join([sleep, *[NOP] * 8]))
    before = [e for e in run.events("fetched") if e.cycle < 45]
    assert len(before) == 1 + entries


@pytest.mark.parametrize(("entries", "distance"), [(1, 2), (3, 1), (4, 1)])
def test_one_issue_per_cycle_needs_more_than_one_buffer_entry(chip: Chip, entries: int, distance: int) -> None:
    """Two stages lie between fetch and issue (§3): a lone entry is filled and emptied every second cycle."""
    run = one_sub_core(chip, sm__frontend__instruction_buffer=str(entries)).listing("\n".join([NOP] * 12))
    assert run.issues("NOP") == [2 + distance * i for i in range(12)]


def behind_a_branch(brancher: int) -> str:
    """One of two warps takes a branch and empties its buffer; the other has much to issue and then keeps the port."""
    return (
        f".block 64\n.warp {1 - brancher}\n/*1000*/ {BARRIER}\n" + "\n".join([NOP] * 40) + f"\n{EXIT}\n"
        f".warp {brancher}\n/*0000*/ {LATE}\n{BARRIER}\n[B------:R-:W-:-:S01] BRA 0x200\n"
        f"/*0200*/ [B------:R-:W-:-:S01] MOV R2, R3\n[B------:R-:W-:-:S01] FMUL R4, R5, R6\n"
        f"[B------:R-:W-:-:S01] FADD R7, R8, R9\n{EXIT}"
    )


@pytest.mark.parametrize("brancher", [0, 1])
@pytest.mark.parametrize("policy", ["greedy_youngest", "youngest", "oldest", "round_robin"])
def test_who_fetches_when_one_warp_has_branched_and_another_one_issues(chip: Chip, policy: str, brancher: int) -> None:
    """Only who goes by age takes the next two cycles too; the others wait for the warp that issues, or for a turn."""
    run = one_sub_core(chip, sm__frontend__fetch_policy=policy).listing(behind_a_branch(brancher))
    branch = run.issued("BRA", warp=brancher)
    targets = [e.cycle for name in ("MOV", "FMUL", "FADD") for e in run.events("fetched", name, warp=brancher)]
    last = run.events("fetched", warp=1 - brancher)[-1].cycle
    if policy == "round_robin":
        assert targets == [branch, branch + 2, branch + 4]
    elif (policy, brancher) in (("youngest", 1), ("oldest", 0)):
        assert targets == [branch, branch + 1, branch + 2]
    else:
        assert last > branch + 30
        assert targets == [branch, last + 1, last + 2]
