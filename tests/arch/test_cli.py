"""`tickwise arch ...`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.arch import load_arch
from sim.cli.arch import arch_app

from .conftest import Write


def arch(*arguments: str) -> Result:
    return CliRunner().invoke(arch_app, list(arguments))


def test_list_names_chips_and_families() -> None:
    result = arch("list")
    assert result.exit_code == 0
    assert "rtx_a6000" in result.stdout
    assert "1.8 GHz" in result.stdout
    assert "Families, to be extended: ampere, ampere_ga100, hopper" in result.stdout


def test_list_as_json_is_one_object() -> None:
    found = json.loads(arch("list", "--json").stdout)
    assert found["configurations"]["rtx_a6000"]["clock_hz"] == 1_800_000_000
    assert "ampere" in found["families"]


def test_show_has_every_value_with_its_unit() -> None:
    result = arch("show", "rtx_a6000")
    assert result.exit_code == 0
    lines = {
        line.split()[0]: line.split(maxsplit=1)[1].strip()
        for line in result.stdout.splitlines()
        if len(line.split()) > 1
    }
    assert lines["sm.clock"] == "1.8 GHz"
    assert lines["sm.l1d.size"] == "128 KiB"
    assert lines["sm.memory.stage_offset"] == "0 cycles"
    assert lines["sm.register_file.cache.enabled"] == "true"
    assert lines["sm.shared_memory.carve_outs"] == "[0 B, 8 KiB, 16 KiB, 32 KiB, 64 KiB, 100 KiB]"
    assert set(load_arch("rtx_a6000").values) <= set(lines)
    assert "fudge" not in result.stdout


def test_show_tells_what_stands_in_for_something(write: Write) -> None:
    path = str(write("extends: rtx_a6000\nname: Mine\nfudge: {l2.latency: stands for a queue}\n"))
    assert "fudge: l2.latency: stands for a queue\n" in arch("show", path).stdout
    assert json.loads(arch("show", path, "--json").stdout)["fudge"] == {"l2.latency": "stands for a queue"}


def test_what_show_prints_can_be_set(write: Write) -> None:
    """Every value survives the way through its text."""
    from sim.arch.show import displayed

    base = load_arch("a100_sxm_80")
    overrides = dict(displayed(base))
    again = load_arch("a100_sxm_80", overrides)
    assert again.hash == base.hash
    assert len(again.warnings) == len(overrides)


def test_show_with_sources_and_overrides() -> None:
    result = arch("show", "rtx_a6000", "--sources", "--set", "sm.count=1", "--set", "sm.clock=1800 MHz")
    assert result.exit_code == 0
    assert "set by --set sm.count=1; configured: MICRO'25 Table 4" in result.stdout
    assert result.stderr == "warning: --set sm.clock=1800 MHz changes nothing: the configuration says so already\n"


def test_show_as_json_is_one_object_in_base_units() -> None:
    result = arch("show", "rtx_a6000", "--json", "--set", "sm.count=84", "--sources")
    shown = json.loads(result.stdout)
    assert result.stderr == ""
    assert shown["config"]["sm"]["clock"] == 1_800_000_000
    assert shown["hash"] == load_arch("rtx_a6000").hash
    assert shown["warnings"] == ["--set sm.count=84 changes nothing: the configuration says so already"]
    assert shown["fudge"] == {}
    assert shown["sources"]["sm.clock"].startswith("MICRO'25")
    assert "sources" not in json.loads(arch("show", "rtx_a6000", "--json").stdout)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "rtx_a600"], "rtx_a600: no such configuration; did you mean rtx_a6000?\n"),
        (["show", "rtx_a600", "--json"], "rtx_a600: no such configuration; did you mean rtx_a6000?\n"),
        (
            ["show", "rtx_a6000", "--set", "sm.cont=1"],
            "--set sm.cont=1: sm.cont: no such key; did you mean sm.count?\n",
        ),
        (["show", "rtx_a6000", "--set", "x"], "--set x: write key=value, such as --set sm.issue.policy=gto\n"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(arguments: list[str], expected: str) -> None:
    result = arch(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", expected)


def test_check_names_every_mistake(write: Write) -> None:
    good = write("extends: rtx_a6000\nname: A\n", "good.yaml")
    bad = write("extends: rtx_a6000\nname: B\nsm: {cont: 1, count: x}\n", "bad.yaml")
    assert arch("check", str(good), "hopper").stdout == "good.yaml: good\nhopper: good\n"
    result = arch("check", str(good), str(bad))
    assert result.exit_code == 2
    assert result.stdout == "good.yaml: good\n"
    assert result.stderr.splitlines() == [
        "bad.yaml:3: sm.cont: no such key; did you mean sm.count?",
        "bad.yaml:3: sm.count: needs a whole number without unit, not 'x'",
    ]
    result = arch("check", "--json", str(good), str(bad))
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert not report["ok"]
    assert [len(lines) for lines in report["problems"].values()] == [0, 2]
    assert json.loads(arch("check", "--json", str(good)).stdout) == {"ok": True, "problems": {"good.yaml": []}}


def test_schema_prints_the_committed_schema() -> None:
    root = Path(__file__).resolve().parents[2]
    committed = (root / "arch_configs" / "schema.json").read_text(encoding="utf-8")
    assert arch("schema").stdout == committed
    assert arch("schema", "--json").stdout == committed
