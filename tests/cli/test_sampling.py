"""The options of sampling: what a sampled result looks like in JSON, in tables, in a folder, and in Python."""

import json
import math
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyarrow import parquet

import sim

Tickwise = Callable[..., Any]
#: Two SMs that hold two CTAs each: four CTAs are a wave.
CHIP = ("--arch", "rtx_a6000", "--set", "sm.count=2", "--set", "sm.max_ctas=2")
CTAS = 42


@pytest.fixture
def long(listing: Path) -> Path:
    """The small kernel with more CTAs than ten waves hold."""
    listing.write_text(listing.read_text().replace(".grid 2", f".grid {CTAS}"))
    return listing


def run_json(tickwise: Tickwise, *arguments: object) -> dict[str, Any]:
    ended = tickwise("run", *arguments, "--json")
    assert ended.code == 0, ended.err
    value: dict[str, Any] = json.loads(ended.out)
    jsonschema.validate(value, json.loads((files("sim.result") / "schema.json").read_text()))
    return value


def test_the_object_says_what_was_simulated_and_what_follows(tickwise: Tickwise, long: Path) -> None:
    full = run_json(tickwise, long, *CHIP)
    value = run_json(tickwise, long, *CHIP, "--cta-sample", 18)
    kernel, sampled = value["kernels"][0], value["traces"][0]["sampled"]
    (launch,) = sampled.pop("launches")
    assert sampled == {"kernels": [1], "of": 1}
    assert (launch["kernel"], launch["rule"]) == (1, "cta_sample")
    assert (launch["ctas"], launch["of_ctas"], launch["wave_ctas"]) == (20, CTAS, 4)
    assert len(launch["wave_cycles"]) == len(launch["wave_ipc"]) == 5
    assert launch["typical_waves"] == [2, 4]
    # What was counted is of the sample, and adds up.
    assert launch["simulated"] == {key: kernel[key] for key in ("cycles", "warp_instructions", "thread_instructions")}
    slots = kernel["issue_slots"]
    assert slots["issued"] + sum(slots["stalls"].values()) == slots["total"] == kernel["cycles"] * 8
    assert kernel["warp_instructions"] == 20 * 2 * 13
    # The estimate is of the whole launch.
    estimate, whole = kernel["estimate"], full["kernels"][0]
    assert launch["cycles"] == {"estimate": estimate["cycles"], "low": estimate["low"], "high": estimate["high"]}
    assert kernel["cycles"] < estimate["low"] <= whole["cycles"] <= estimate["high"]
    for key in ("warp_instructions", "thread_instructions"):
        assert estimate[key] == whole[key]
    assert estimate["energy_j"] == pytest.approx(whole["energy_j"]["total"], rel=0.15)
    assert estimate["power_w"] == pytest.approx(estimate["energy_j"] / estimate["time_us"] * 1e6)
    assert estimate["dram_read_bytes"] == round(kernel["memory"]["dram_read_bytes"] * CTAS / 20)
    assert any("the first 20 of 42 CTAs" in warning for warning in kernel["warnings"])


def test_total_adds_estimates_to_what_was_simulated_whole(tickwise: Tickwise, long: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.sass"
    short.write_text(long.read_text().replace(f".grid {CTAS}", ".grid 3").replace("triad", "short"))
    value = run_json(tickwise, long, short, *CHIP, "--stop-when-stable", "--stability", "25%")
    sampled, whole = value["kernels"]
    assert whole["estimate"] is None and value["traces"][1]["sampled"] is None
    assert any("not sampled: all 3 CTAs" in warning for warning in whole["warnings"])
    total, estimate = value["total"], value["total"]["estimate"]
    assert total["cycles"] == sampled["cycles"] + whole["cycles"]
    for key in ("cycles", "low", "high"):
        assert estimate[key] == sampled["estimate"][key] + whole["cycles"]
    assert estimate["energy_j"] == math.fsum([sampled["estimate"]["energy_j"], whole["energy_j"]["total"]])
    assert estimate["warp_instructions"] == (CTAS + 3) * 2 * 13


def test_without_options_nothing_is_sampled(tickwise: Tickwise, long: Path) -> None:
    value = run_json(tickwise, long, *CHIP)
    assert value["traces"][0]["sampled"] is None
    assert value["kernels"][0]["estimate"] is None and value["total"]["estimate"] is None
    assert value["kernels"][0]["warnings"] == []
    everything = run_json(tickwise, long, *CHIP, "--cta-sample", CTAS)
    assert everything["traces"][0]["sampled"] is None
    del value["kernels"][0]["warnings"], everything["kernels"][0]["warnings"]
    assert everything["kernels"] == value["kernels"]


def test_the_tables_mark_estimates_and_show_the_bar_beside_the_cycles(tickwise: Tickwise, long: Path) -> None:
    text = tickwise("run", long, *CHIP, "--cta-sample", "40%").out
    estimate = run_json(tickwise, long, *CHIP, "--cta-sample", "40%")["kernels"][0]["estimate"]
    assert text.splitlines()[1].startswith("SAMPLED: only some CTAs were simulated")
    (line,) = re.findall(r"^  whole launch .*$", text, re.MULTILINE)
    bounds = f"(95 %: {estimate['low']:,} to {estimate['high']:,})"
    assert re.search(rf"≈ {estimate['cycles']:,}  cycles ± \d+\.\d % {re.escape(bounds)}", line)
    assert "of 42 CTAs (47.6 %), in waves of 4; the others are taken to go on like waves 2 to 4" in text
    assert "warning: sampled: the first 20 of 42 CTAs" in text
    few = tickwise("run", long, *CHIP, "--cta-sample", 1).out
    assert "± unknown: too few waves for an error bar" in few
    assert "≈" not in tickwise("run", long, *CHIP).out


def test_a_list_marks_the_sampled_kernels_and_the_total(tickwise: Tickwise, long: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.sass"
    short.write_text(long.read_text().replace(f".grid {CTAS}", ".grid 3").replace("triad", "short"))
    lines = tickwise("run", long, short, *CHIP, "--cta-sample", 18).out.splitlines()
    rows = {name: next(line for line in lines if name in line.split()[:3]) for name in ("triad", "short", "total")}
    assert re.search(r"≈ [\d,]+ ± \d+\.\d %", rows["triad"])
    assert "≈" not in rows["short"]
    assert re.search(r"≈ [\d,]+ ± \d+\.\d %", rows["total"])


def test_a_folder_has_the_estimate_of_each_kernel(tickwise: Tickwise, long: Path, tmp_path: Path) -> None:
    value = run_json(tickwise, long, *CHIP, "--cta-sample", 18, "-o", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == value
    (row,) = parquet.read_table(tmp_path / "run" / "kernels.parquet").to_pylist()
    assert row["estimate.cycles"] == value["kernels"][0]["estimate"]["cycles"]
    assert row["cycles"] == value["kernels"][0]["cycles"]
    run_json(tickwise, long, *CHIP, "-o", tmp_path / "run")
    (row,) = parquet.read_table(tmp_path / "run" / "kernels.parquet").to_pylist()
    assert not [name for name in row if name.startswith("estimate")]


def test_a_selection_of_kernels_and_a_sample_are_told_together(tickwise: Tickwise, long: Path) -> None:
    value = run_json(tickwise, long, *CHIP, "--kernels", 1, "--cta-sample", 18)
    assert value["traces"][0]["sampled"]["kernels"] == [1]
    assert len(value["traces"][0]["sampled"]["launches"]) == 1


def test_threads_do_not_change_a_sampled_result(tickwise: Tickwise, long: Path) -> None:
    one, two = (
        run_json(tickwise, long, *CHIP, "--stop-when-stable", "--stability", "25%", "--threads", n) for n in (1, 2)
    )
    assert one["kernels"] == two["kernels"] and one["traces"] == two["traces"]
    assert one["traces"][0]["sampled"]["launches"][0]["rule"] == "stop_when_stable"


def test_python_has_the_same_choice(tickwise: Tickwise, long: Path) -> None:
    chip = {"sm.count": 2, "sm.max_ctas": 2}
    result = sim.simulate(long, "rtx_a6000", sampling=sim.Sampling(ctas=18), **chip)
    assert result.to_dict()["kernels"] == run_json(tickwise, long, *CHIP, "--cta-sample", 18)["kernels"]
    assert result.kernels[0].estimate is not None
    share = sim.simulate(long, "rtx_a6000", sampling=sim.Sampling(share=0.4), **chip)
    assert share.to_dict()["kernels"] == result.to_dict()["kernels"]
    with pytest.raises(sim.TickwiseError, match=r"give a sim\.Sampling, not str"):
        sim.simulate(long, "rtx_a6000", sampling="10%", **chip)
