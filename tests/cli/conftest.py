"""The command line, called in this process, and a small trace to call it with."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

LISTING = """\
.kernel triad
.sm 86
.grid 2
.block 64
.registers 16
[B------:R-:W-:-:S04] MOV R1, 0x4
[B------:R-:W0:-:S02] LDG.E R2, [R4.64]
.repeat 8
[B------:R-:W-:-:S04] FFMA R8, R9, R10, R8
.end
[B0-----:R-:W-:-:S04] FADD R3, R2, R8
[B------:R0:W-:-:S02] STG.E [R6.64], R3  {0x20000000 + 4*lane}
[B------:R-:W-:-:S05] EXIT
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code and what it wrote."""

    code: int
    out: str
    err: str


Tickwise = Callable[..., Ended]


@pytest.fixture(scope="session", autouse=True)
def _compiled(compiled: None) -> None:
    """Commands that run in processes of their own find compiled code."""


@pytest.fixture
def tickwise(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tickwise:
    """`tickwise ARGUMENTS`, without a new process."""
    from sim.cli.app import main

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tickwise", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        assert "Traceback" not in written.err
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, written.out, written.err)

    return call


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """A kernel of 4 warps in 2 CTAs."""
    path = tmp_path / "triad.sass"
    path.write_text(LISTING)
    return path
