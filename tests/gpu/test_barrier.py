"""CTA barriers and memory barriers: who waits for whom, until which cycle, and what is left in L1D (§1, §6)."""

import pytest

from tests.gpu.conftest import Chip, OneSm, Run

ADD = "[B------:R-:W-:-:S01] FADD R8, R9, R10"
EXIT = "[B------:R-:W-:-:S01] EXIT"
NAP = "[B------:R-:W-:Y:S15] NOP"  # puts off what follows by 15 cycles


def bar(text: str = "SYNC.DEFER_BLOCKING 0x0") -> str:
    return f"[B------:R-:W-:-:S02] BAR.{text}"


def warps(*programs: tuple[str, ...]) -> str:
    """A CTA in which warp i runs the i-th program, each at code of its own; EXIT is added to each."""
    parts = [f".block {32 * len(programs)}"]
    for i, program in enumerate(programs):
        parts += [f".warp {i}", f"/*{0x400 * i:04x}*/ {program[0]}", *program[1:], EXIT]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def sm(chip: Chip) -> OneSm:
    return chip("rtx_a6000", {"sm.frontend.perfect": "true"})


def arrival(run: Run, warp: int) -> int:
    """Cycle in which a warp reached its only barrier."""
    (event,) = run.events("barrier arrived", warp=warp)
    return event.cycle


@pytest.mark.parametrize("latency", [2, 5, 20, 100])
@pytest.mark.parametrize("naps", [1, 4])
def test_everybody_goes_on_a_fixed_time_after_the_last_arrival_and_not_a_cycle_before(
    chip: Chip, latency: int, naps: int
) -> None:
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true", "sm.barrier.latency": f"{latency} cycles"})
    run = sm.listing(warps((bar(), ADD), (bar(), ADD), (*[NAP] * naps, bar(), ADD)))
    assert [arrival(run, warp) for warp in range(3)] == [2, 2, 2 + 15 * naps]
    release = arrival(run, 2) + latency
    for warp in range(3):
        assert run.issued("FADD", warp) == release
    for warp in range(2):
        assert run.blocked("FADD", at=release - 1, warp=warp) == "barrier"
    assert run.counters.events["sm.barriers"] == 3


def test_who_waits_is_in_the_state_barrier_from_its_stall_on(sm: OneSm) -> None:
    run = sm.listing(warps((bar(), ADD), (NAP, bar(), ADD)))
    start = arrival(run, 0)
    assert run.blocked("FADD", at=start + 1) == "wait"
    assert {run.blocked("FADD", at=c) for c in range(start + 2, arrival(run, 1) + 20)} == {"barrier"}
    assert run.issued("FADD") == arrival(run, 1) + 20


def test_the_barrier_is_used_again_and_again(sm: OneSm) -> None:
    run = sm.listing(f".block 64\n.repeat 3\n{bar()}\n{ADD}\n.end\n{EXIT}")
    for warp in range(2):
        assert run.issues("BAR", warp) == [2, 24, 46]
        assert run.issues("FADD", warp) == [22, 44, 66]


def test_the_other_cta_of_the_sm_is_not_waited_for(sm: OneSm) -> None:
    """The second CTA starts a cycle after the first and passes its barrier a cycle after it."""
    run = sm.listing(f".grid 2 .block 64\n{bar()}\n{ADD}\n{EXIT}")
    assert [run.issued("FADD", warp) for warp in range(4)] == [22, 22, 23, 23]


def test_who_only_arrives_goes_on_at_once_and_still_counts(sm: OneSm) -> None:
    run = sm.listing(warps((bar("ARV 0x1, 0x40"), ADD), (*[NAP] * 2, bar("SYNC 0x1, 0x40"), ADD)))
    assert run.issued("FADD", 0) == arrival(run, 0) + 2
    assert run.issued("FADD", 1) == arrival(run, 1) + 20


def test_who_only_arrives_releases_those_who_wait(sm: OneSm) -> None:
    run = sm.listing(warps((*[NAP] * 2, bar("ARV 0x1, 0x40"), ADD), (bar("SYNC 0x1, 0x40"), ADD)))
    assert run.issued("FADD", 0) == arrival(run, 0) + 2
    assert run.issued("FADD", 1) == arrival(run, 0) + 20
    assert run.blocked("FADD", at=arrival(run, 0) + 19, warp=1) == "barrier"
    assert not run.events("barrier released", warp=0)


def test_a_counted_barrier_waits_for_as_many_warps_as_it_says(sm: OneSm) -> None:
    """64 threads of 128: the two others never come and are not waited for."""
    meet = bar("SYNC 0x1, 0x40")
    long = (*[NAP] * 10, ADD)
    run = sm.listing(warps((meet, ADD), long, (*[NAP] * 2, meet, ADD), long))
    for warp in (0, 2):
        assert run.issued("FADD", warp) == arrival(run, 2) + 20 < run.issued("FADD", 1)


def test_a_count_that_is_no_multiple_of_a_warp_is_rounded_up(sm: OneSm) -> None:
    meet = bar("SYNC 0x1, 0x21")
    run = sm.listing(warps((meet, ADD), (NAP, meet, ADD)))
    assert run.issued("FADD", 0) == arrival(run, 1) + 20


def test_an_exit_does_not_stand_in_for_an_arrival_at_a_counted_barrier(sm: OneSm) -> None:
    meet = bar("SYNC 0x1, 0x40")
    run = sm.listing(warps((meet, ADD), (*[NAP] * 4, meet, ADD), (NAP, ADD)))
    assert run.issued("EXIT", 2) < arrival(run, 1)
    assert run.issued("FADD", 0) == arrival(run, 1) + 20


def test_who_arrived_and_ended_still_counts_and_counts_once(sm: OneSm) -> None:
    """Three warps expected: the end of the first one is no second arrival."""
    arrive, meet = bar("ARV 0x1, 0x60"), bar("SYNC 0x1, 0x60")
    run = sm.listing(warps((arrive,), (meet, ADD), (*[NAP] * 6, arrive, ADD)))
    assert run.issued("EXIT", 0) < arrival(run, 2)
    assert run.issued("FADD", 1) == arrival(run, 2) + 20


def test_named_barriers_do_not_mix(sm: OneSm) -> None:
    one, two = bar("SYNC 0x1, 0x40"), bar("SYNC 0x2, 0x40")
    run = sm.listing(warps((one, ADD), (two, ADD), (*[NAP] * 2, one, ADD), (*[NAP] * 4, two, ADD)))
    assert [run.issued("FADD", warp) for warp in (0, 2)] == [arrival(run, 2) + 20] * 2
    assert [run.issued("FADD", warp) for warp in (1, 3)] == [arrival(run, 3) + 20] * 2
    assert run.events("barrier arrived", warp=0)[0].detail == "barrier 1"
    assert run.events("barrier released", warp=1)[0].detail == "barrier 2"


def test_all_sixteen_barriers_are_different(sm: OneSm) -> None:
    """Warps 2 i and 2 i + 1 meet at barrier i, the second one i naps later."""
    programs = []
    for i in range(16):
        meet = bar(f"SYNC {i:#x}, 0x40")
        programs += [(meet, ADD), (*[NAP] * i, meet, ADD)]
    run = sm.listing(warps(*programs))
    for i in range(16):
        (first,), (second,) = (run.events("barrier released", warp=2 * i + n) for n in range(2))
        assert first.cycle == second.cycle == max(arrival(run, 2 * i), arrival(run, 2 * i + 1)) + 20
        assert first.detail == f"barrier {i}"


@pytest.mark.parametrize("count", [1, 2])
def test_a_warp_that_ends_without_coming_releases_the_others(sm: OneSm, count: int) -> None:
    run = sm.listing(warps((bar(), ADD), (bar(), ADD), *[(*[NAP] * (n + 2), ADD) for n in range(count)]))
    end = run.issued("EXIT", 1 + count)
    for warp in range(2):
        assert run.issued("FADD", warp) == end + 20
        assert run.blocked("FADD", at=end + 19, warp=warp) == "barrier"


def test_a_warp_that_has_ended_before_is_not_waited_for(sm: OneSm) -> None:
    run = sm.listing(warps((*[NAP] * 2, bar(), ADD), (*[NAP] * 3, bar(), ADD), (ADD,)))
    assert run.issued("EXIT", 2) < arrival(run, 0)
    for warp in range(2):
        assert run.issued("FADD", warp) == arrival(run, 1) + 20


def test_a_warp_alone_passes_its_barrier_after_the_latency(sm: OneSm) -> None:
    run = sm.listing(warps((bar(), ADD)))
    assert run.issued("FADD") == run.issued("BAR") + 20


SCOPES = {"CTA": "cta", "GPU": "gpu", "SYS": "sys"}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", ["rtx_a6000", "a100_sxm_80", "rtx_2080ti"])
def test_membar_holds_its_warp_by_scope(chip: Chip, name: str, scope: str) -> None:
    sm = chip(name)
    run = sm.listing(f".sm {sm.arch.config.isa[3:]}\n[B------:R-:W-:-:S02] MEMBAR.SC.{scope}\n{ADD}")
    cycles = getattr(sm.arch.config.sm.membar, SCOPES[scope])
    assert (scope, cycles) in (("CTA", 53), ("GPU", 186), ("SYS", 2900))
    assert run.issued("FADD") - run.issued("MEMBAR") == cycles
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "membar"


def test_membar_holds_nobody_else(sm: OneSm) -> None:
    """Warps 0 and 4 share a sub-core."""
    fence = "[B------:R-:W-:-:S02] MEMBAR.SC.GPU"
    run = sm.listing(warps((NAP, ADD), (ADD,), (ADD,), (ADD,), (fence, ADD)))
    assert run.issued("FADD", 0) == run.issued("NOP", 0) + 15
    assert run.issued("FADD", 4) == run.issued("MEMBAR", 4) + 186


@pytest.mark.parametrize("scope", ["CTA", "GPU"])
def test_membar_waits_for_every_counter_although_its_mask_names_none(sm: OneSm, scope: str) -> None:
    run = sm.listing(f"""
        [B------:R-:W1:-:S01] LDS R2, [R4]
        [B------:R0:W-:-:S02] STG.E [R6.64], R8 {{0x1000}}
        [B------:R-:W-:-:S02] MEMBAR.SC.{scope}
        {ADD}
    """)
    last = max(e.cycle for e in run.events("counter down"))
    assert run.issued("MEMBAR") == last == run.issued("LDS") + 24
    assert run.blocked("MEMBAR", at=last - 1) == "membar"
    assert run.issued("FADD") == last + sm.arch.config.sm.membar.cta + (133 if scope == "GPU" else 0)


LOAD = "[B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x1000}"


@pytest.mark.parametrize(("fence", "misses"), [("CTA", 1), ("GPU", 2), ("SYS", 2)])
def test_membar_empties_l1d_for_device_and_system_scope_only(sm: OneSm, fence: str, misses: int) -> None:
    run = sm.from_l2(f"""
        {LOAD}
        [B0-----:R-:W-:-:S02] MEMBAR.SC.{fence}
        {LOAD}
        [B0-----:R-:W-:-:S01] FADD R8, R2, R10
    """)
    assert run.counters.events["sm.l1d.sector_misses"] == misses
    assert run.issued("FADD") - run.issues("LDG")[1] == 32 + (sm.l2_trip() if misses == 2 else 0)


def test_a_cta_barrier_leaves_l1d_as_it_is(sm: OneSm) -> None:
    run = sm.listing(f"{LOAD}\n[B0-----:R-:W-:-:S02] BAR.SYNC 0x0\n{LOAD}")
    assert run.counters.events["sm.l1d.sector_misses"] == 1
