"""The command as a whole: help, exit codes, quick start, quiet ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import __version__
from sim.cli.app import COMMANDS

Tickwise = Callable[..., Any]
COMMAND = [sys.executable, "-m", "sim"]


def test_help_lists_every_command_and_loads_none() -> None:
    code = (
        "import sys; sys.argv = ['tickwise', '--help']\n"
        "from sim.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numba', 'pandas', 'numpy', 'matplotlib', 'pyarrow', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_help_is_there_at_once() -> None:
    best = 9.0
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([*COMMAND, "--help"], capture_output=True, check=True)
        best = min(best, time.perf_counter() - start)
    assert best <= 0.3


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tickwise: Tickwise, name: str) -> None:
    ended = tickwise(name, "--help")
    assert ended.code == 0
    assert "Usage: tickwise" in ended.out
    if name != "arch":
        assert "--json" in ended.out


@pytest.mark.parametrize("sub", ["list", "show", "check", "schema"])
def test_every_command_of_arch_has_json(tickwise: Tickwise, sub: str) -> None:
    assert "--json" in tickwise("arch", sub, "--help").out


def test_an_unknown_command_is_bad_input(tickwise: Tickwise) -> None:
    ended = tickwise("rum")
    assert ended.code == 2
    assert "rum" in ended.err


def test_version(tickwise: Tickwise) -> None:
    assert tickwise("version").out == tickwise("--version").out == f"tickwise {__version__}\n"
    assert json.loads(tickwise("version", "--json").out)["tickwise"] == __version__


def test_an_interrupt_ends_with_130(tickwise: Tickwise, monkeypatch: pytest.MonkeyPatch, listing: Path) -> None:
    import sim.run

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sim.run, "run", interrupted)
    assert tickwise("run", listing, "--arch", "rtx_a6000").code == 130


def test_a_running_simulation_can_be_interrupted(listing: Path) -> None:
    listing.write_text(listing.read_text().replace(".repeat 8", ".repeat 500").replace(".grid 2", ".grid 20000"))
    command = [*COMMAND, "run", str(listing), "--arch", "rtx_a6000", "--set", "sm.count=2", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "")


def test_our_own_mistakes_are_owned_in_one_line(
    tickwise: Tickwise, monkeypatch: pytest.MonkeyPatch, listing: Path
) -> None:
    import sim.run

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("one by nothing")

    monkeypatch.setattr(sim.run, "run", broken)
    monkeypatch.delenv("TICKWISE_DEBUG", raising=False)
    ended = tickwise("run", listing, "--arch", "rtx_a6000")
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "ZeroDivisionError: one by nothing" in ended.err


def test_a_reader_that_leaves_is_no_reason_to_shout() -> None:
    with subprocess.Popen([*COMMAND, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(timeout=60)
    assert errors == b""
    assert process.returncode == 1


def test_a_terminal_without_unicode_still_gets_its_tables(listing: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*COMMAND, "run", str(listing), "--arch", "rtx_a6000", "--set", "sm.count=1"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"issue slots" in done.stdout


def test_nothing_but_the_object_is_on_stdout_and_no_progress_in_a_pipe(listing: Path) -> None:
    command = [*COMMAND, "run", str(listing), "--arch", "rtx_a6000", "--set", "sm.count=1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["schema"] == 1
    assert done.stderr == "" or done.stderr.startswith("compiling")
