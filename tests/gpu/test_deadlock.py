"""Nothing hangs: a machine that cannot move says who waits for what, and a limit of cycles is kept."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.arch import load_arch
from sim.cli.app import app
from sim.errors import CycleLimit, Deadlock
from sim.gpu.counters import LONG_SCOREBOARD
from sim.gpu.simulate import Machine, simulate_kernel
from sim.trace.listing import parse_listing

NEVER_MET = """
.block 64
.warp 0
[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x1, 0x40
.warp 1
[B------:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x2, 0x40
"""


def test_a_barrier_that_is_never_met_ends_with_the_wait_for_graph() -> None:
    arch = load_arch("rtx_a6000", {"sm.count": "1"})
    with pytest.raises(Deadlock) as stopped:
        simulate_kernel(parse_listing(NEVER_MET).kernels[0], arch)
    text = str(stopped.value)
    assert "\n" not in text
    assert "deadlock at cycle" in text
    assert "CTA 0 warp 0" in text and "CTA 0 warp 1" in text
    assert "waits at barrier 1: 1 of 2 warps have arrived, missing warps [1]" in text
    assert "waits at barrier 2: 1 of 2 warps have arrived, missing warps [0]" in text


def test_a_counter_that_nobody_lowers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace cannot make one, so the machine starts with a counter up."""
    original = Machine.run

    def run(self: Machine, stop: int) -> int:
        if stop > 400:
            self.warps[0]["pending"][2] = 1
            self.warps[0]["producer"][2] = LONG_SCOREBOARD
            self.warps[0]["raised"] = 1 << 2
        return original(self, stop)

    monkeypatch.setattr(Machine, "run", run)
    monkeypatch.setattr("sim.gpu.simulate.SLICE", 400)
    kernel = parse_listing(
        ".repeat 400\n[B------:R-:W-:-:S01] NOP\n.end\n[B--2---:R-:W-:-:S01] FADD R2, R3, R4"
    ).kernels[0]
    with pytest.raises(Deadlock, match=r"pc 0x0010, FADD R2, R3, R4\) is in long_scoreboard with SB2=1"):
        simulate_kernel(kernel, load_arch("rtx_a6000", {"sm.count": "1"}))


def test_the_limit_of_cycles_says_how_far_it_came() -> None:
    kernel = parse_listing("\n".join(["[B------:R-:W-:Y:S15] NOP"] * 200)).kernels[0]
    arch = load_arch("rtx_a6000", {"sm.count": "1"})
    full = simulate_kernel(kernel, arch)
    assert simulate_kernel(kernel, arch, max_cycles=full.cycles + 1).cycles == full.cycles
    with pytest.raises(CycleLimit, match=r"cycle 600 reached .* after \d+ of 201 warp instructions"):
        simulate_kernel(kernel, arch, max_cycles=600)


def test_the_command_shows_it_in_one_line_and_exits_with_1(tmp_path: Path) -> None:
    listing = tmp_path / "stuck.sass"
    listing.write_text(NEVER_MET)
    result = CliRunner().invoke(app, ["run", str(listing), "--arch", "rtx_a6000"])
    assert isinstance(result.exception, Deadlock)
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", str(listing), "--arch", "rtx_a6000"],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tickwise: kernel") and "deadlock at cycle" in last
    assert "Traceback" not in done.stderr
