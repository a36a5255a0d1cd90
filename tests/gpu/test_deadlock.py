"""Runs that cannot end are found and told in one line: who waits for what. Nothing hangs (architecture, rule 9)."""

import dataclasses
import sys
from pathlib import Path

import pytest

from sim.arch import load_arch
from sim.errors import CycleLimit, Deadlock
from sim.gpu.chip import DEADLOCKED, DONE, MEMORY_NEXT, STOPPED
from sim.gpu.deadlock import wait_for_graph
from sim.gpu.decode import decode
from sim.gpu.memory_side import MemorySide
from sim.gpu.occupancy import fit
from sim.gpu.simulate import Machine, simulate_kernel
from sim.gpu.state import NEVER
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace
from tests.gpu.conftest import Chip, OneSm

LOST = """
    .kernel lost
    .block 96
    .warp 0-1
    /*0000*/ [B------:R-:W-:-:S02] BAR.SYNC.DEFER_BLOCKING 0x0
    [B------:R-:W-:-:S01] FADD R8, R9, R10
    [B------:R-:W-:-:S01] EXIT
    .warp 2
    /*0200*/ [B------:R-:W-:-:S02] BAR.SYNC 0x1, 0x40
    [B------:R-:W-:-:S01] FMUL R8, R9, R11
    [B------:R-:W-:-:S01] EXIT
"""


def kernel_of(text: str) -> KernelTrace:
    return parse_listing(text).kernels[0]


def end_of(sm: OneSm, text: str) -> str:
    """The message of a run that has to end in a deadlock."""
    with pytest.raises(Deadlock) as caught:
        sm.listing(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_barrier_that_one_warp_never_reaches_is_a_deadlock_that_names_it(ampere_sm: OneSm) -> None:
    message = end_of(ampere_sm, LOST)
    assert message.startswith("kernel lost: deadlock at cycle ")
    assert " on SM 0: " in message
    for warp in (0, 1):
        waits = f"CTA 0 warp {warp} (pc 0x0010, FADD R8, R9, R10) waits at barrier 0: 2 of 3 warps have arrived"
        assert f"{waits}, missing warps [2]" in message
    assert "CTA 0 warp 2 (pc 0x0210, FMUL R8, R9, R11) waits at barrier 1: 1 of 2 warps have arrived" in message


def test_a_barrier_for_more_warps_than_the_cta_has_is_a_deadlock(ampere_sm: OneSm) -> None:
    message = end_of(ampere_sm, ".block 64\n[B------:R-:W-:-:S02] BAR.SYNC 0x3, 0x60")
    assert message.count("waits at barrier 3: 2 of 3 warps have arrived") == 2
    assert "missing" not in message


def test_the_message_names_the_warps_cta(ampere_sm: OneSm) -> None:
    """The first CTA's two warps come first in the list, then those of the second."""
    message = end_of(ampere_sm, ".grid 2 .block 64\n[B------:R-:W-:-:S02] BAR.SYNC 0x3, 0x60")
    assert [message.count(f"CTA {cta} warp {warp} (") for cta in range(2) for warp in range(2)] == [1] * 4


def test_a_long_list_is_cut_and_says_so(ampere_sm: OneSm) -> None:
    message = end_of(ampere_sm, ".block 640\n[B------:R-:W-:-:S02] BAR.SYNC 0x1, 0x400")
    assert message.count("waits at barrier 1") == 12
    assert message.endswith("and 8 more warps")


def test_the_deadlock_is_found_at_once(ampere_sm: OneSm) -> None:
    """Nothing is under way: the cycle is the end of the quantum of the last event, not one of a watchdog."""
    message = end_of(ampere_sm, LOST)
    cycle = int(message.partition("deadlock at cycle ")[2].partition(" ")[0])
    lines = 3 * (2 * ampere_sm.arch.config.sm.frontend.l0_l1_latency + 600)  # of code, one after the other from DRAM
    assert cycle < lines


def machine_of(kernel: KernelTrace, **overrides: str) -> Machine:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    arch = load_arch("rtx_a6000", {"sm.count": "1", "sm.frontend.perfect": "true", **keys})
    rows, _ = decode(kernel.static, arch)
    machine = Machine(kernel.stream(), arch, fit(kernel.header, arch), rows, MemorySide(arch), None)
    machine.cfg[0]["quantum"] = 1
    return machine


WAITER = """
    .kernel forlorn
    [B------:R-:W-:Y:S15] NOP
    [B--2---:R-:W-:-:S01] FADD R8, R9, R10
"""


@pytest.mark.parametrize(("reason", "name"), [(9, "short_scoreboard"), (10, "long_scoreboard")])
def test_a_counter_that_nobody_lowers_is_a_deadlock_that_names_it(reason: int, name: str) -> None:
    """No trace can say this: every instruction that raises a counter lowers it. So it is put into the state by hand."""
    kernel = kernel_of(WAITER)
    machine = machine_of(kernel)
    assert machine.run(5) == STOPPED
    machine.warps[0]["pending"][2] = 1
    machine.warps[0]["raised"] = 1 << 2
    machine.warps[0]["producer"][2] = reason
    assert machine.run(10_000) == DEADLOCKED
    message = wait_for_graph(machine, kernel)
    assert "\n" not in message
    assert message.startswith("kernel forlorn: deadlock at cycle ")
    assert message.endswith(f"CTA 0 warp 0 (pc 0x0010, FADD R8, R9, R10) is in {name} with SB2=1")
    # The warp's stall of 15 cycles ends, it looks at the counter, and that is the last that happens.
    assert int(machine.sms[0]["clock"]) == 18


def test_the_same_state_without_the_raised_counter_ends() -> None:
    kernel = kernel_of(WAITER)
    machine = machine_of(kernel)
    assert machine.run(5) == STOPPED
    assert machine.run(10_000) == DONE


LOAD = """
    .kernel bereft
    [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x1000}
    [B0-----:R-:W-:-:S01] FADD R8, R2, R9
"""


@pytest.mark.parametrize("lost", [False, True])
def test_an_answer_that_never_comes_is_a_deadlock_of_the_warp_that_waits_for_it(lost: bool) -> None:
    """The load's message leaves the SM in cycle 32; on its way to the slice it is taken away by hand."""
    kernel = kernel_of(LOAD)
    machine = machine_of(kernel)
    assert machine.run(40) == STOPPED
    assert machine.memory.parts["events"].tolist().count(1) == 1
    assert int(machine.dispatch[MEMORY_NEXT]) == 32 + 64
    if lost:
        machine.memory.parts["events"] = 0
        machine.memory.parts["next"] = NEVER
        machine.dispatch[MEMORY_NEXT] = NEVER
    assert machine.run(10_000) == (DEADLOCKED if lost else DONE)
    if lost:
        # Cycle 13 is the last one in which something happened: the load left its sub-core for L1D.
        waits = "CTA 0 warp 0 (pc 0x0010, FADD R8, R2, R9) is in long_scoreboard with SB0=1"
        assert wait_for_graph(machine, kernel) == f"kernel bereft: deadlock at cycle 15 on SM 0: {waits}"


SLOW = """
    .block 64
    .warp 0
    /*0000*/ [B------:R-:W-:-:S01] NOP
    [B------:R-:W-:-:S01] EXIT
    .warp 1
    /*0100*/ [B------:R-:W0:-:S02] LDG.E R2, [R4.64]
    [B0-----:R-:W-:-:S01] FADD R8, R2, R9
    [B------:R-:W-:-:S01] EXIT
"""


@pytest.mark.parametrize("sms", [1, 2])
def test_a_run_that_moves_too_slowly_is_stopped_with_the_same_message(sms: int) -> None:
    """`deadlock_cycles` without an issue; the SM that is told about is one that has not ended."""
    kernel = kernel_of(SLOW)
    if sms == 2:  # one CTA for each warp: SM 0 ends, SM 1 waits
        kernel = dataclasses.replace(
            kernel, header=dataclasses.replace(kernel.header, grid=(2, 1, 1), block=(32, 1, 1))
        )
    overrides = {"sm.count": str(sms), "sm.frontend.perfect": "true", "l2.latency": "60000 cycles"}
    arch = load_arch("rtx_a6000", {"deadlock_cycles": "1000", **overrides})
    with pytest.raises(Deadlock) as caught:
        simulate_kernel(kernel, arch)
    cta, warp = (0, 1) if sms == 1 else (1, 0)
    expected = f"on SM {sms - 1}: CTA {cta} warp {warp} (pc 0x0110, FADD R8, R2, R9) is in long_scoreboard with SB0=1"
    assert str(caught.value).endswith(expected)
    assert simulate_kernel(kernel, load_arch("rtx_a6000", overrides)).cycles > 60_000


COUNT = ".kernel counting\n" + "[B------:R-:W-:-:S01] NOP\n" * 100


def test_the_cycle_limit_says_how_far_the_run_came(chip: Chip) -> None:
    """The first instruction issues in cycle 2, then one a cycle: cycles 0 to 49 hold 48 of them."""
    arch = chip("rtx_a6000", {"sm.frontend.perfect": "true"}).arch
    with pytest.raises(CycleLimit) as caught:
        simulate_kernel(kernel_of(COUNT), arch, max_cycles=50)
    message = str(caught.value)
    assert message == "kernel counting: cycle 50 reached (--max-cycles) after 48 of 101 warp instructions"


def test_the_cycle_limit_is_exact(ampere_sm: OneSm) -> None:
    kernel = kernel_of(COUNT)
    cycles = simulate_kernel(kernel, ampere_sm.arch).cycles
    assert simulate_kernel(kernel, ampere_sm.arch, max_cycles=cycles).cycles == cycles
    with pytest.raises(CycleLimit, match=f"cycle {cycles - 1} reached"):
        simulate_kernel(kernel, ampere_sm.arch, max_cycles=cycles - 1)


def test_a_deadlock_before_the_limit_is_told_as_one(ampere_sm: OneSm) -> None:
    with pytest.raises(Deadlock):
        simulate_kernel(kernel_of(LOST), ampere_sm.arch, max_cycles=30_000)
    with pytest.raises(CycleLimit, match="cycle 100 reached"):
        simulate_kernel(kernel_of(LOST), ampere_sm.arch, max_cycles=100)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (LOST, (), ("kernel lost", "deadlock", "warp 2", "0x0210", "FMUL R8, R9, R11", "barrier 1")),
        (COUNT, ("--max-cycles", "300"), ("kernel counting", "cycle 300", "of 101 warp instructions")),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_command_line_shows_it_in_one_line_and_ends_with_1(
    compiled: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: tuple[str, ...],
    words: tuple[str, ...],
    form: tuple[str, ...],
) -> None:
    from sim.cli.app import main

    path = tmp_path / "stuck.sass"
    path.write_text(text)
    arguments = ["run", str(path), "--arch", "rtx_a6000", "--set", "sm.count=1", *options, *form]
    monkeypatch.setattr(sys, "argv", ["tickwise", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    written = capsys.readouterr()
    assert end.value.code == 1
    assert written.out == ""
    assert written.err.count("\n") == 1 and written.err.startswith("tickwise: ")
    for word in words:
        assert word in written.err
