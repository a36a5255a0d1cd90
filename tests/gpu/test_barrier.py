"""CTA barriers and memory barriers, from both sides of the cycle."""

from tests.gpu.conftest import Chip, OneSm

BAR = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x0"
AFTER = "[B------:R-:W-:-:S01] FADD R8, R9, R10"


def late(cycles: int) -> str:
    return "\n".join(["[B------:R-:W-:Y:S15] NOP"] * cycles)


def test_all_go_on_a_latency_after_the_last_arrival_and_not_before(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing(f".block 64\n.warp 0\n{BAR}\n{AFTER}\n.warp 1\n{late(8)}\n{BAR}\n{AFTER}")
    last = run.issues("BAR", warp=1)[0]
    latency = ampere_sm.arch.config.sm.barrier.latency
    assert run.issues("BAR", warp=0)[0] < last
    for warp in (0, 1):
        assert run.issues("FADD", warp=warp) == [last + latency]
        states = [e for e in run.events("state", warp=warp) if e.cycle < last + latency]
        assert states[-1].detail == "barrier"


def test_a_warp_that_ends_early_lets_the_others_go(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing(f".block 64\n.warp 0\n{BAR}\n{AFTER}\n.warp 1\n{late(8)}\nEXIT")
    left = run.events("finished", warp=1)[0].cycle
    assert run.issues("FADD", warp=0) == [left + ampere_sm.arch.config.sm.barrier.latency]


def test_an_arrival_does_not_block_and_counts(ampere_sm: OneSm) -> None:
    arrive = "[B------:R-:W-:-:S06] BAR.ARV 0x1, 0x40"
    sync = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x1, 0x40"
    run = ampere_sm.listing(f".block 64\n.warp 0\n{arrive}\n{AFTER}\n.warp 1\n{late(8)}\n{sync}\n{AFTER}")
    arrived, synced = run.issues("BAR.ARV", warp=0)[0], run.issues("BAR.SYNC", warp=1)[0]
    assert run.issues("FADD", warp=0) == [arrived + 6]
    assert run.issues("FADD", warp=1) == [synced + ampere_sm.arch.config.sm.barrier.latency]


def test_a_thread_count_waits_for_so_many_warps_and_names_do_not_mix(ampere_sm: OneSm) -> None:
    first = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x1, 0x40"
    second = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x2, 0x40"
    run = ampere_sm.listing(
        f".block 128\n.warp 0\n{first}\n{AFTER}\n.warp 1\n{second}\n{AFTER}\n"
        f".warp 2\n{late(6)}\n{first}\n{AFTER}\n.warp 3\n{late(12)}\n{second}\n{AFTER}"
    )
    latency = ampere_sm.arch.config.sm.barrier.latency
    for early, closer in ((0, 2), (1, 3)):
        last = run.issues("BAR", warp=closer)[0]
        assert run.issues("FADD", warp=early) == [last + latency]
        assert run.issues("FADD", warp=closer) == [last + latency]


def test_an_early_arrival_that_ended_still_counts_once(ampere_sm: OneSm) -> None:
    """BAR.ARV for three warps: the waiter goes on with the third arrival, not when the first warp ends."""
    arrive = "[B------:R-:W-:-:S06] BAR.ARV 0x1, 0x60"
    sync = "[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x1, 0x60"
    run = ampere_sm.listing(
        f".block 96\n.warp 0\n{arrive}\n.warp 1\n{sync}\n{AFTER}\n.warp 2\n{late(20)}\n{arrive}\n{AFTER}"
    )
    last = run.issues("BAR.ARV", warp=2)[0]
    assert run.issues("FADD", warp=1) == [last + ampere_sm.arch.config.sm.barrier.latency]


def test_memory_barriers_by_scope_and_what_they_empty(chip: Chip) -> None:
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    fences = sm.arch.config.sm.membar
    for scope, cycles, misses in (("CTA", fences.cta, 1), ("GPU", fences.gpu, 2), ("SYS", fences.sys, 2)):
        run = sm.listing(f"""
            [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {{0x1000}}
            [B0-----:R-:W-:-:S02] MEMBAR.SC.{scope}
            [B------:R-:W0:-:S02] LDG.E R6, [R4.64] {{0x1000}}
            [B0-----:R-:W-:-:S01] FADD R8, R6, R9
        """)
        assert run.issues("LDG")[1] - run.issued("MEMBAR") == cycles
        assert run.counters.events["sm.l1d.sector_misses"] == misses


def test_a_memory_barrier_waits_for_all_counters(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W3:-:S02] LDG.E R2, [R4.64] {0x1000}
        [B------:R-:W-:-:S02] MEMBAR.SC.CTA
    """)
    (down,) = (e.cycle for e in run.events("counter down"))
    assert run.issued("MEMBAR") == down
    assert run.blocked("MEMBAR", at=down - 1) == "membar"
