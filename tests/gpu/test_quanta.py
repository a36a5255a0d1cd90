"""Exactness: whatever the quantum, the number of threads and the skipping of idle time, every counter is the same.

(architecture, rule 6.) The kernels are small listings of each kind that stresses another border: arithmetic, streams,
gathers, atomics, barriers, divergence, several waves of CTAs; and random listings. The chip is small, so that places
are filled again, slices are contended and a quantum holds many messages.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from sim.arch import Arch, load_arch
from sim.errors import ArchError, RunFailed
from sim.gpu import simulate
from sim.gpu.counters import KernelCounters
from sim.gpu.memory_side import MemorySide, chip_config
from tests.gpu.test_laws import LIMIT, examples, facts, kernel_of, listings, run

KERNELS = {
    "compute": """
        .block 128 .grid 6
        .repeat 20
        [B------:R-:W-:-:S01] FFMA R2, R3, R4, R5
        [B------:R-:W-:-:S02] MUFU.RCP R6, R7
        [B------:R-:W0:-:S04] DADD R8, R10, R12
        .end
        [B0-----:R-:W-:-:S05] EXIT
    """,
    "streaming": """
        .block 256 .grid 24
        [B------:R-:W0:-:S01] LDG.E R2, [R4.64] {0x100000 + 4*lane + 128*warp + 1024*cta}
        [B------:R-:W1:-:S01] LDG.E R3, [R6.64] {0x900000 + 4*lane + 128*warp + 1024*cta}
        [B01----:R-:W-:-:S05] FADD R8, R2, R3
        [B------:R2:W-:-:S01] STG.E [R10.64], R8 {0x1100000 + 4*lane + 128*warp + 1024*cta}
        [B--2---:R-:W-:-:S05] EXIT
    """,
    "gather": """
        .block 64 .grid 8
        .repeat 3
        [B------:R-:W0:-:S01] LDG.E R2, [R4.64] {0x100000 + 12416*lane + 544*warp + 99968*cta + 704*iter}
        [B0-----:R-:W1:-:S01] LDG.E R3, [R2.64] {0x800000 + 8288*lane + 32*warp + 1664*cta + 160*iter}
        .end
        [B01----:R-:W-:-:S05] EXIT
    """,
    "atomic": """
        .block 64 .grid 12
        .repeat 3
        [B------:R-:W-:-:S02] RED.E.ADD.STRONG.GPU [R2.64], R4 {0x2000 + 4*lane}
        [B------:R-:W0:-:S02] ATOMG.E.ADD.STRONG.GPU PT, R6, [R2.64], R4 {0x8000 + 64*lane + 32*iter}
        .end
        [B0-----:R-:W1:-:S02] LDG.E.STRONG.GPU R8, [R2.64] {0x2000 + 4*lane}
        [B-1----:R-:W-:-:S05] EXIT
    """,
    "barrier": """
        .block 192 .grid 8 .shared 8192
        .repeat 3
        [B------:R-:W0:-:S01] LDG.E R2, [R4.64] {0x100000 + 4*lane + 128*warp + 4096*cta + 32768*iter}
        [B0-----:R1:W-:-:S02] STS [R6], R2 {4*lane + 128*warp}
        [B-1----:R-:W-:-:S05] BAR.SYNC.DEFER_BLOCKING 0x0
        [B------:R-:W2:-:S02] LDS R8, [R6] {4*lane}
        [B--2---:R-:W-:-:S04] FADD R9, R8, R8
        [B------:R-:W-:-:S05] BAR.SYNC.DEFER_BLOCKING 0x0
        .end
        [B------:R-:W-:-:S05] EXIT
    """,
    "divergent": """
        .block 128 .grid 7
        .warp 0-1
        .repeat 4
        [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x100000 + 36*lane + 640*iter + 4096*cta} {mask=0x0000ffff}
        [B0-----:R-:W-:-:S02] FADD R3, R2, R2 {mask=0x0f0f0f0f}
        .end
        [B------:R-:W-:-:S05] EXIT
        .warp 2-3
        /*0800*/ [B------:R-:W0:-:S02] LDG.E.128 R8, [R4.64] {0x300000 + 16*lane + 512*warp} {mask=0x80000001}
        /*0810*/ [B0-----:R-:W-:-:S05] BRA 0xa00
        /*0a00*/ [B------:R-:W-:-:S05] STG.E.U8 [R4.64], R8 {0x500001 + 3*lane}
        /*0a10*/ [B------:R-:W-:-:S05] EXIT
    """,
}  # fmt: skip
WAYS: list[dict[str, Any]] = [
    {"quantum": 1},
    {"quantum": 2},
    {"quantum": 7},
    {"skip_idle": False},
    {"threads": 2},
    {"threads": 4, "quantum": 13},
]


def small_chip(**overrides: str) -> Arch:
    """Three SMs with two places each before two channels, with few miss registers and credits."""
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    few = {
        "sm.count": "3", "sm.max_ctas": "2", "l2.slices": "4", "dram.channels": "2", "l2.size": "64 KiB",
        "sm.l1d.mshrs": "32", "noc.credits": "4", "l2.mshrs": "4", "dram.refresh": "all_bank",
    }  # fmt: skip
    return load_arch("rtx_a6000", {**few, **keys})


@pytest.fixture
def eager_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads share even a quantum in which a single SM has something to do."""
    monkeypatch.setattr(simulate, "INSTRUCTIONS_PER_THREAD", 0)


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("name", KERNELS)
def test_every_counter_is_the_same_for_any_quantum_any_threads_and_without_skipping(name: str) -> None:
    kernel, arch = kernel_of(KERNELS[name]), small_chip()
    expected = facts(run(kernel, arch))
    for way in WAYS:
        assert facts(run(kernel, arch, **way)) == expected, way


@pytest.mark.usefixtures("eager_threads")
@examples(25)
@given(listings())
def test_random_listings_do_not_depend_on_how_they_are_run(text: str) -> None:
    kernel, arch = kernel_of(text), small_chip()
    expected = facts(run(kernel, arch))
    ways: list[dict[str, Any]] = [{"quantum": 1}, {"quantum": 7, "skip_idle": False}, {"threads": 2}]
    for way in ways:
        assert facts(run(kernel, arch, **way)) == expected, way


@pytest.mark.parametrize("name", KERNELS)
def test_stages_of_memory_requests_add_up_to_their_latency(name: str) -> None:
    events = run(kernel_of(KERNELS[name]), small_chip()).events
    stages = sum(value for key, value in events.items() if key.startswith("memory.stage."))
    assert stages == events["memory.latency"]
    assert (events["memory.answers"] > 0) == (name != "compute")


def waves(times: int) -> KernelCounters:
    text = KERNELS["streaming"].replace(".grid 24", f".grid {24 * times}")
    return run(kernel_of(text), small_chip())


def test_twice_the_ctas_take_about_twice_as_long() -> None:
    once, twice = waves(2), waves(4)
    assert twice.warp_instructions == 2 * once.warp_instructions
    assert 1.6 * once.cycles < twice.cycles < 2.4 * once.cycles


def test_l2_keeps_what_the_kernel_before_has_read() -> None:
    arch = small_chip(l2__size="1 MiB")
    kernel = kernel_of(KERNELS["streaming"])
    memory = MemorySide(arch)
    cold = simulate.simulate_kernel(kernel, arch, memory=memory, max_cycles=LIMIT)
    warm = simulate.simulate_kernel(kernel, arch, memory=memory, max_cycles=LIMIT)
    assert cold.events["dram.reads"] > 0
    assert warm.events["dram.reads"] == 0
    assert warm.cycles < cold.cycles
    fresh = simulate.simulate_kernel(kernel, arch, memory=MemorySide(arch), max_cycles=LIMIT)
    assert facts(fresh) == facts(cold)


def test_host_copies_are_found_in_l2_and_written_back_when_they_go() -> None:
    arch = small_chip(l2__size="1 MiB")
    memory = MemorySide(arch)
    memory.copy([(0x100000, 24 * 1024), (0x900000, 24 * 1024)])
    warm = simulate.simulate_kernel(kernel_of(KERNELS["streaming"]), arch, memory=memory, max_cycles=LIMIT)
    data = 2 * 24 * 1024 // 32
    code = warm.events["l2.sector_reads"] - data
    assert warm.events["l2.sector_misses"] <= code  # nothing but the code comes from DRAM
    assert int(np.count_nonzero(memory.lines["dirty"])) > 0


def test_an_l2_that_is_emptied_between_kernels_still_has_the_host_copies_for_the_first() -> None:
    arch = small_chip(l2__size="1 MiB", l2__keep_between_kernels="false")
    memory = MemorySide(arch)
    memory.copy([(0x100000, 24 * 1024), (0x900000, 24 * 1024)])
    kernel = kernel_of(KERNELS["streaming"])
    first = simulate.simulate_kernel(kernel, arch, memory=memory, max_cycles=LIMIT)
    second = simulate.simulate_kernel(kernel, arch, memory=memory, max_cycles=LIMIT)
    cold = simulate.simulate_kernel(kernel, arch, max_cycles=LIMIT)
    assert first.events["l2.sector_misses"] < cold.events["l2.sector_misses"]
    assert facts(second) == facts(cold)


@pytest.mark.parametrize("policy", ["lru", "srrip"])
def test_a_copy_that_is_read_survives_a_bigger_one_that_is_not(policy: str) -> None:
    """Lines of a copy come like any others: with SRRIP far in the future, with LRU as the newest."""
    arch = small_chip(l2__replacement=policy)
    memory = MemorySide(arch)
    memory.copy([(0, 64 * 1024)])
    used = memory.lines["used"]
    assert memory.lines["tag"].all()
    if policy == "srrip":
        assert set(used.tolist()) == {2}
    else:
        assert len(set(used[: len(used) // 4].tolist())) == len(used) // 4


@pytest.mark.parametrize("stall", [1, 5, 10])
def test_a_load_does_not_wait_for_an_instruction_line_that_is_still_on_its_way_to_the_port(stall: int) -> None:
    """A code miss is 39 cycles away from L1 when it is noted; the load of another warp passes the port meanwhile."""
    text = f"""
        .block 64
        .warp 0
        [B------:R-:W-:-:S12] MOV R2, R3
        [B------:R-:W0:-:S02] LDG.E R4, [R6.64] {{0x100000}}
        [B0-----:R-:W-:-:S01] FADD R8, R4, R4
        [B------:R-:W-:-:S05] EXIT
        .warp 1
        [B------:R-:W-:Y:S{stall:02}] NOP
        [B------:R-:W-:-:S05] BRA 0x4000
        /*4000*/ [B------:R-:W-:-:S05] EXIT
    """
    arch = load_arch("rtx_a6000", {"sm.count": "1"})
    kernel = kernel_of(text)
    memory = MemorySide(arch)
    simulate.simulate_kernel(kernel, arch, memory=memory)
    warm = simulate.simulate_kernel(kernel, arch, memory=memory, follow=simulate.Follow(0, 0))
    sass = {row.pc: row.sass.split()[0] for row in kernel.static}
    issued = {sass[event.pc]: event.cycle for event in warm.follow if event.event == "issued"}
    assert issued["FADD"] - issued["LDG.E"] == 250


def test_too_many_messages_end_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of messages are sized by what can wait; if that were wrong, nothing would be written past them."""
    monkeypatch.setattr("sim.gpu.memory_side._fetches", lambda config: 2)
    arch = small_chip(sm__l1d__mshrs="4", noc__credits="1")
    with pytest.raises(RunFailed, match="a table of messages overflows"):
        run(kernel_of(KERNELS["divergent"]), arch)


@pytest.mark.parametrize("key", ["l2__far_latency", "noc__sm_spread", "noc__slice_spread"])
def test_distances_that_no_chip_has_are_refused(key: str) -> None:
    with pytest.raises(ArchError, match=key.replace("__", ".")):
        MemorySide(small_chip(**{key: "70000 cycles"}))


def test_a_quantum_is_never_longer_than_the_shortest_way_over_a_border() -> None:
    for key in ("noc__request_latency", "noc__reply_latency"):
        arch = small_chip(**{key: "9 cycles"})
        assert int(chip_config(arch, 1 << 15)[0][0]["quantum"]) == 9
