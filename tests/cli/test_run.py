"""`tickwise run`, from a trace to tables, JSON, folders and exit codes."""

import json
import math
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

Tickwise = Callable[..., Any]
CHIP = ("--arch", "rtx_a6000", "--set", "sm.count=2")


def run_json(tickwise: Tickwise, *arguments: object) -> dict[str, Any]:
    ended = tickwise("run", *arguments, "--json")
    assert ended.code == 0, ended.err
    value: dict[str, Any] = json.loads(ended.out)
    jsonschema.validate(value, json.loads((files("sim.result") / "schema.json").read_text()))
    return value


def check_sums(value: dict[str, Any]) -> None:
    """The equalities that every result keeps."""
    for kernel in value["kernels"]:
        slots = kernel["issue_slots"]
        assert slots["issued"] + sum(slots["stalls"].values()) == slots["total"]
        assert slots["total"] % kernel["cycles"] == 0
        assert sum(kernel["warp_states"].values()) == kernel["warp_lifetime"]
        energy = dict(kernel["energy_j"])
        assert energy.pop("total") == math.fsum(energy.values())
        assert kernel["counters"]["sm.inst.fp32"] <= kernel["warp_instructions"] == slots["issued"]
    total = value["total"]
    for key in ("cycles", "warp_instructions"):
        assert total[key] == sum(kernel[key] for kernel in value["kernels"])
    assert total["energy_j"] == math.fsum(kernel["energy_j"]["total"] for kernel in value["kernels"])


def test_json_prints_one_object_and_its_sums_hold(tickwise: Tickwise, listing: Path) -> None:
    value = run_json(tickwise, listing, *CHIP)
    check_sums(value)
    kernel = value["kernels"][0]
    assert kernel["name"] == "triad"
    assert kernel["warp_instructions"] == 4 * 13
    assert value["arch"]["name"] == "RTX A6000"
    assert value["traces"][0]["source"] == "listing"
    assert value["traces"][0]["sampled"] is None
    assert value["simulation"]["threads"] == 1
    simulation = value["simulation"]
    assert simulation["wall_s"] >= simulation["simulate_s"] > 0
    assert "hotspots" not in kernel and "follow" not in kernel


def test_the_same_run_gives_the_same_result(tickwise: Tickwise, listing: Path) -> None:
    first, second = (run_json(tickwise, listing, *CHIP) for _ in range(2))
    assert first["kernels"] == second["kernels"]
    assert first["traces"] == second["traces"]


def test_people_get_tables(tickwise: Tickwise, listing: Path) -> None:
    ended = tickwise("run", listing, *CHIP)
    assert ended.code == 0
    for word in ("RTX A6000", "triad", "occupancy", "limited by", "issue slots", "long_scoreboard", "FFMA R8, R9"):
        assert word in ended.out
    for word in ("memory", "energy", "network", "DRAM", "behind L1D", "warp instructions/s", "compile", "MB"):
        assert word in ended.out
    assert "%" in ended.out and "█" in ended.out


def test_several_inputs_are_one_list_in_order(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sass"
    other.write_text(listing.read_text().replace("triad", "other").replace(".repeat 8", ".repeat 800"))
    value = run_json(tickwise, listing, other, listing, *CHIP)
    check_sums(value)
    assert [kernel["name"] for kernel in value["kernels"]] == ["triad", "other", "triad"]
    assert [kernel["trace"] for kernel in value["kernels"]] == [0, 1, 2]
    cycles = [kernel["cycles"] for kernel in value["kernels"]]
    assert cycles[0] == cycles[2] < cycles[1]
    assert value["traces"][0]["hash"] == value["traces"][2]["hash"] != value["traces"][1]["hash"]


def test_threads_change_nothing(tickwise: Tickwise, listing: Path) -> None:
    one = run_json(tickwise, *[listing] * 5, *CHIP)
    two = run_json(tickwise, *[listing] * 5, *CHIP, "--threads", 2)
    assert one["kernels"] == two["kernels"]
    assert (one["simulation"]["threads"], two["simulation"]["threads"]) == (1, 2)


def test_a_list_of_many_kernels_is_shown_as_a_list(tickwise: Tickwise, listing: Path) -> None:
    ended = tickwise("run", *[listing] * 5, *CHIP)
    assert ended.code == 0
    assert ended.out.count("issue slots") == 1
    assert "total" in ended.out and "5:1" in ended.out


def test_more_work_takes_more_cycles_and_joules(tickwise: Tickwise, listing: Path) -> None:
    less = run_json(tickwise, listing, *CHIP)["total"]
    listing.write_text(listing.read_text().replace(".repeat 8", ".repeat 400"))
    more = run_json(tickwise, listing, *CHIP)["total"]
    assert more["cycles"] > less["cycles"]
    assert more["energy_j"] > less["energy_j"]


def test_overrides_reach_the_chip(tickwise: Tickwise, listing: Path) -> None:
    plain = run_json(tickwise, listing, *CHIP)
    slow = run_json(tickwise, listing, *CHIP, "--set", "l2.latency=2000 cycles")
    assert slow["arch"]["hash"] != plain["arch"]["hash"]
    assert slow["total"]["cycles"] > plain["total"]["cycles"]


def test_an_override_without_effect_is_told(tickwise: Tickwise, listing: Path) -> None:
    value = run_json(tickwise, listing, *CHIP, "--set", "sm.issue.policy=cggty")
    assert any("changes nothing" in warning for warning in value["warnings"])
    assert "changes nothing" in tickwise("run", listing, *CHIP, "--set", "sm.issue.policy=cggty").out


def test_what_stands_in_for_something_is_told(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    assert run_json(tickwise, listing, *CHIP)["fudge"] == {}
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: rtx_a6000\nsm: {count: 2}\nfudge: {l2.latency: stands for a queue}\n")
    assert run_json(tickwise, listing, "--arch", mine)["fudge"] == {"l2.latency": "stands for a queue"}
    assert "l2.latency: stands for a queue" in tickwise("run", listing, "--arch", mine).out


def test_memory_traffic_is_in_the_object(tickwise: Tickwise, listing: Path) -> None:
    """Every warp loads one sector, the same for all, and stores 128 bytes of its own or of others."""
    kernel = run_json(tickwise, listing, *CHIP)["kernels"][0]
    memory, counters = kernel["memory"], kernel["counters"]
    assert memory["l1_write_bytes"] == memory["l2_write_bytes"] == 4 * 128
    assert memory["l2_read_bytes"] >= memory["dram_read_bytes"] > 0
    assert memory["noc_read_bytes"] > memory["l2_read_bytes"]
    assert 0 < memory["dram_bandwidth_use"] < 1
    assert 0 <= memory["dram_row_hit_rate"] <= 1
    latency = memory["latency"]
    assert latency["mean"] == pytest.approx(sum(latency["stages"].values()))
    assert counters["memory.answers"] > 0
    energy = kernel["energy_j"]
    assert energy["dram"] > energy["l2"] > 0


def test_hot_adds_rows_to_the_json(tickwise: Tickwise, listing: Path) -> None:
    kernel = run_json(tickwise, listing, *CHIP, "--hot", 3)["kernels"][0]
    assert len(kernel["hotspots"]) == 3
    every = run_json(tickwise, listing, *CHIP, "--hot", 100)["kernels"][0]
    assert sum(row["issued"] for row in every["hotspots"]) == kernel["warp_instructions"]
    assert all("selected" not in row["slot_stalls"] for row in every["hotspots"])


def test_follow_tells_the_story_of_one_warp(tickwise: Tickwise, listing: Path) -> None:
    kernel = run_json(tickwise, listing, *CHIP, "--follow", "0:0")["kernels"][0]
    events = kernel["follow"]
    assert {event["warp"] for event in events} == {0}
    assert [event["cycle"] for event in events] == sorted(event["cycle"] for event in events)
    one = run_json(tickwise, listing, *CHIP, "--follow", "0:0:0x10")["kernels"][0]["follow"]
    assert one == [event for event in events if event["pc"] == 16]
    assert "LDG" not in tickwise("run", listing, *CHIP, "--hot", 0, "--follow", "1:5").out


def test_a_folder_gets_the_result(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    ended = tickwise("run", listing, *CHIP, "-o", tmp_path / "run", "--json")
    assert ended.code == 0
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == json.loads(ended.out)
    assert (tmp_path / "run" / "kernels.parquet").is_file()


def test_kernels_are_selected_by_place(tickwise: Tickwise, listing: Path) -> None:
    value = run_json(tickwise, listing, *CHIP, "--kernels", "1")
    assert value["traces"][0]["sampled"] is None
    assert tickwise("run", listing, *CHIP, "--kernels", "2").code == 2


def test_the_cycle_limit_is_a_failed_run_that_says_how_far_it_came(tickwise: Tickwise, listing: Path) -> None:
    ended = tickwise("run", listing, *CHIP, "--max-cycles", 20, "--json")
    assert ended.code == 1
    assert ended.out == ""
    assert "20" in ended.err and "triad" in ended.err and "--max-cycles" in ended.err


def test_an_unknown_opcode_is_simulated_with_a_warning_or_refused(tickwise: Tickwise, listing: Path) -> None:
    listing.write_text(listing.read_text().replace("MOV R1, 0x4", "FROB R1, R2"))
    value = run_json(tickwise, listing, *CHIP)
    assert any("FROB" in warning for warning in value["kernels"][0]["warnings"])
    ended = tickwise("run", listing, *CHIP, "--unknown-op", "error")
    assert ended.code == 2
    assert "FROB" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernels", "0"], "count from 1"),
        (["--kernels", "3-2"], "no range"),
        (["--kernels", "one"], "such as 1,3-5"),
        (["--kernels", "7"], "kernels 1 to 1"),
        (["--follow", "0"], "SM:WARP"),
        (["--follow", "0:x"], "SM:WARP"),
        (["--follow", "2:0"], "SMs 0 to 1"),
        (["--follow", "0:48"], "warp slots 0 to 47"),
        (["--set", "sm.issue.polcy=gto"], "sm.issue.policy"),
        (["--set", "sm.issue.policy=best"], "needs one of"),
        (["--set", "nonsense"], "key=value"),
        (["--threads", "0"], "--threads"),
        (["--max-cycles", "0"], "--max-cycles"),
        (["--unknown-op", "maybe"], "maybe"),
        (["--frobnicate"], "--frobnicate"),
        (["--cta-sample", "0"], "0 CTAs: give 1 or more"),
        (["--cta-sample", "0.1"], "a share such as 10%"),
        (["--cta-sample", "100%"], "below 100 %"),
        (["--cta-sample", "nan%"], "below 100 %"),
        (["--cta-sample=-3"], "a number of CTAs"),
        (["--stop-when-stable", "--stability", "2"], "a share such as 2%"),
        (["--stop-when-stable", "--stable-waves", "2"], "give 3 or more"),
        (["--stability", "2%"], "give --stop-when-stable as well"),
        (["--stable-waves", "3"], "give --stop-when-stable as well"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    tickwise: Tickwise, listing: Path, arguments: list[str], message: str
) -> None:
    ended = tickwise("run", listing, *CHIP, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert message in ended.err


def test_bad_files_end_with_2_and_a_sentence(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    for trace, message in (
        (tmp_path / "absent.twt", "absent.twt"),
        (tmp_path, str(tmp_path)),
        (tmp_path / "x.pdf", "x.pdf"),
    ):
        ended = tickwise("run", trace, *CHIP)
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err
    assert "rtx_a6000" in tickwise("run", listing, "--arch", "rtx_a600").err
    (tmp_path / "mine.yaml").write_text("extends: rtx_a6000\nsm: {count: many}\n")
    ended = tickwise("run", listing, "--arch", tmp_path / "mine.yaml")
    assert ended.code == 2
    assert "mine.yaml:2" in ended.err
    for target in (listing, tmp_path):
        ended = tickwise("run", listing, *CHIP, "-o", target)
        assert (ended.code, ended.out) == (2, "")
    listing.write_text("[B------:R-:W-:-:S04] FADD R8, R9, R10\nhello?\n")
    ended = tickwise("run", listing, *CHIP)
    assert ended.code == 2
    assert f"{listing}:2" in ended.err


def test_one_line_is_all_that_an_error_takes(tickwise: Tickwise, tmp_path: Path) -> None:
    ended = tickwise("run", tmp_path / "absent.sass", "--arch", "rtx_a6000")
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("tickwise: ")


@pytest.mark.shared
def test_a_real_kernel_runs(tickwise: Tickwise, shared_dir: Path) -> None:
    folder = shared_dir / "traces" / "sass" / "sm86" / "reduce_65536"
    value = run_json(tickwise, folder / "kernelslist.g", "--arch", "rtx_a6000")
    check_sums(value)
    assert value["total"]["warp_instructions"] == 41_536
    assert value["kernels"][0]["warnings"] == []


@pytest.mark.shared
def test_parts_of_a_list_can_be_run(tickwise: Tickwise, shared_dir: Path) -> None:
    trace = shared_dir / "traces" / "accelsim" / "bfs-rodinia-2.0-ft_sm80" / "kernelslist.g"
    value = run_json(tickwise, trace, "--arch", "a100_sxm_80", "--kernels", "1,3-4", "--threads", 2)
    check_sums(value)
    assert [kernel["index"] for kernel in value["kernels"]] == [1, 3, 4]
    assert value["traces"][0]["sampled"] == {"kernels": [1, 3, 4], "of": 13}
    assert any("control bits" in warning for warning in value["kernels"][0]["warnings"])
