"""The report shows what the result holds, however odd the kernel."""

import json
import math
import re
from pathlib import Path

import pytest

import sim
from sim.report import run_report

LISTING = """\
.kernel {name}
.block 64
[B------:R-:W0:-:S02] LDG.E R2, [R4.64]
[B0-----:R-:W-:-:S04] FADD R3, R2, R8
"""


def simulate(folder: Path, name: str) -> sim.Result:
    path = folder / "kernel.sass"
    path.write_text(LISTING.format(name=name))
    return sim.simulate(path, "rtx_a6000", sm__count=1)


def test_shares_of_the_shown_table_add_up(tmp_path: Path) -> None:
    text = run_report(simulate(tmp_path, "load"))
    block = text[text.index("issue slots") : text.index("hot spots")]
    shares = [float(share) for share in re.findall(r"(\d+\.\d) %", block)]
    assert shares[0] == 100.0
    assert math.isclose(sum(shares[1:]), 100.0, abs_tol=0.1 * len(shares))
    assert shares[2:] == sorted(shares[2:], reverse=True)


def test_long_names_do_not_break_lines(tmp_path: Path) -> None:
    result = simulate(tmp_path, "_Z" + "a_very_long_mangled_name" * 40)
    assert all(len(line) <= 200 for line in run_report(result, width=120).splitlines())
    assert len(result.kernels[0].name) > 900


@pytest.mark.parametrize("hot", [0, 1, 1000])
def test_the_hot_spot_table_has_the_rows_asked_for(tmp_path: Path, hot: int) -> None:
    text = run_report(simulate(tmp_path, "load"), hot)
    assert text.count("0x0") == min(hot, 3)


def test_a_result_is_json_whatever_the_name(tmp_path: Path) -> None:
    result = simulate(tmp_path, "größer<float>")
    assert json.loads(json.dumps(result.to_dict()))["kernels"][0]["name"] == "größer<float>"
    assert "größer<float>" in run_report(result)


def test_the_memory_table_goes_from_sm_to_dram_and_its_latency_adds_up(tmp_path: Path) -> None:
    result = simulate(tmp_path, "load")
    text = run_report(result)
    block = text[text.index("  memory ") : text.index("  energy (first figure)  ")].splitlines()
    assert [line.split()[0] for line in block[1:] if line.strip()] == ["L1D", "network", "L2", "DRAM", "latency"]
    memory = result.kernels[0].memory
    assert f"{memory['dram_read_bytes']} B" in block[4] or "KiB" in block[4]
    assert "of the bandwidth" in block[4] and "row hits" in block[4]
    mean, *stages = (float(number) for number in re.findall(r"\d+\.\d", block[5]))
    assert mean == pytest.approx(sum(stages), abs=0.05 * (1 + len(stages)))
    assert mean == pytest.approx(memory["latency"]["mean"], abs=0.05)
    assert all(len(line) <= 120 for line in block)


def test_what_was_not_used_has_no_rate(tmp_path: Path) -> None:
    path = tmp_path / "kernel.sass"
    path.write_text("[B------:R-:W-:-:S04] FADD R8, R9, R10\n")
    result = sim.simulate(path, "rtx_a6000", sm__count=1, sm__frontend__perfect=True)
    text = run_report(result)
    assert "latency" not in text and "row hits" not in text and "sectors hit" not in text
    assert re.search(r"^    DRAM +0 B +0 B  0\.0 % of the bandwidth$", text, re.MULTILINE)
