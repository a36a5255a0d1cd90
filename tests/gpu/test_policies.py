"""Issue and fetch policies on listings whose order can be worked out by hand (§3, §4)."""

import pytest

from tests.gpu.conftest import Chip, Run

#: Four warps of sub-core 0, oldest to youngest.
SLOTS = (0, 4, 8, 12)


def issue_order(run: Run, text: str = "FADD") -> list[int]:
    cycles = sorted((c, i) for i, slot in enumerate(SLOTS) for c in run.issues(text, warp=slot))
    return [warp for _, warp in cycles]


def work(count: int, control: str = "-:S01") -> str:
    """A barrier that fills all buffers, then independent FADD."""
    barrier = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x0"
    body = "\n".join([f"[B------:R-:W-:{control}] FADD R8, R9, R10"] * count)
    return f".block 416\n{barrier}\n{body}"


def order(chip: Chip, policy: str, control: str = "-:S01", **more: str) -> list[int]:
    overrides = {"sm.issue.policy": policy, "sm.frontend.perfect": "true", **more}
    return issue_order(chip("rtx_a6000", overrides).listing(work(3, control)))


def test_cggty_stays_with_the_last_and_then_takes_the_youngest(chip: Chip) -> None:
    """The warp that issued BAR last is the oldest here; then youngest first."""
    assert order(chip, "cggty") == [0] * 3 + [3] * 3 + [2] * 3 + [1] * 3


def test_gto_stays_with_the_last_and_then_takes_the_oldest(chip: Chip) -> None:
    first, *rest = list(dict.fromkeys(order(chip, "gto")))
    assert rest == sorted(rest)
    assert order(chip, "gto").count(first) == 3


def test_loose_round_robin_gives_each_its_turn(chip: Chip) -> None:
    sequence = order(chip, "lrr")
    start = sequence[0]
    assert sequence[:4] == [(start + i) % 4 for i in range(4)]
    assert sequence[4:8] == sequence[:4]


def test_two_level_keeps_to_its_active_set(chip: Chip) -> None:
    sequence = order(chip, "two_level", **{"sm.issue.two_level_active": "1"})
    # With a set of one, nothing but the end of its warp makes room for another.
    assert [len(set(sequence[i : i + 3])) for i in range(0, 12, 3)] == [1, 1, 1, 1]
    assert len(set(sequence)) == 4


@pytest.mark.parametrize("policy", ["cggty", "gto", "lrr", "two_level"])
def test_a_stalled_warp_never_keeps_the_others_from_issuing(chip: Chip, policy: str) -> None:
    sequence = order(chip, policy, "-:S04")
    assert sorted(sequence) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert len(set(sequence[:4])) == 4  # three others cover the stall of four


def fetch_order(chip: Chip, policy: str) -> list[int]:
    run = chip("rtx_a6000", {"sm.frontend.fetch_policy": policy, "sm.frontend.perfect": "true"}).listing(
        ".block 416\n" + "\n".join(["[B------:R-:W-:Y:S15] NOP"] * 4)
    )
    events = sorted((e.cycle, i) for i, slot in enumerate(SLOTS) for e in run.events("fetched", warp=slot))
    return [warp for _, warp in events]


def test_fetch_policies(chip: Chip) -> None:
    assert fetch_order(chip, "youngest")[:4] == [3, 3, 3, 3]  # its first instruction issues and frees an entry
    assert fetch_order(chip, "oldest")[:4] == [0, 0, 0, 0]
    assert fetch_order(chip, "round_robin")[:8] == [3, 2, 1, 0, 3, 2, 1, 0]
    assert fetch_order(chip, "greedy_youngest")[:4] == [3, 3, 3, 3]
