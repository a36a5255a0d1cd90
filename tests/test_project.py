"""What a stranger relies on: the README's commands, one version, the public names."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sim

ROOT = Path(__file__).resolve().parent.parent


def commands() -> list[str]:
    """The commands of the README's first screen: one shell block each, the first two."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [block.strip() for block in blocks[:2]]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    assert commands()[1] in lines


def test_the_readmes_commands_are_one_line_of_valid_shell() -> None:
    for command in commands():
        assert "\n" not in command
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_the_readmes_main_job_is_a_committed_trace_on_a_shipped_chip() -> None:
    match = re.search(r"tickwise run (traces/\S+) --arch (\w+)", commands()[0])
    assert match is not None
    assert (ROOT / match[1]).is_file()
    assert (ROOT / "arch_configs" / "gpu" / f"{match[2]}.yaml").is_file()


def test_ci_stops_at_the_first_failure_and_reads_no_input() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in text
    assert "exec </dev/null" in text
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    for check in ("ruff check", "ruff format --check", "mypy --strict"):
        assert check in text


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "sim/_version.py"
    assert f"## {sim.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_public_names_are_these() -> None:
    assert sim.__all__ == ["Result", "Sampling", "TickwiseError", "__version__", "load_arch", "open_trace", "simulate"]
    for name in sim.__all__:
        assert getattr(sim, name) is not None
        assert name in dir(sim)
    with pytest.raises(AttributeError, match="no_such_name"):
        sim.no_such_name  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sim, sys; print(*sorted({'numpy', 'numba', 'pydantic', 'pandas', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_readme_shows_what_the_main_job_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All lines but the last (seconds) are as the command prints them; `…` stands for lines left out."""
    from sim.cli.app import main

    match = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    command = re.search(r"tickwise (run .*)", commands()[0])
    assert match is not None and command is not None
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["tickwise", *command[1].split()])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    printed = iter(capsys.readouterr().out.splitlines())
    shown = match[1].rstrip().splitlines()
    for line in shown[:-1]:
        assert line.strip() == "…" or line in printed, f"README shows a line that is not printed here: {line}"
    assert shown[-1].startswith("Simulated in ")
