"""The run folder is there as a whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet

from sim.errors import BadInput
from sim.result import Result, folder

Make = Callable[..., Result]
FILES = {"result.json", "kernels.parquet", "hotspots.parquet", "counters.parquet"}


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_the_folder_holds_the_object_and_its_tables(make_result: Make, tmp_path: Path) -> None:
    result = make_result(1000, 36)
    assert result.save(tmp_path / "deep" / "run") == tmp_path / "deep" / "run"
    run = tmp_path / "deep" / "run"
    assert names(run) == FILES
    assert json.loads((run / "result.json").read_text()) == result.to_dict()
    kernels = parquet.read_table(run / "kernels.parquet").to_pylist()
    assert [row["cycles"] for row in kernels] == [1000, 36]
    assert kernels[0]["energy_j.total"] == result.kernels[0].energy["total"]
    spots = parquet.read_table(run / "hotspots.parquet").to_pylist()
    assert [(row["kernel"], row["pc"]) for row in spots] == [(1, 0), (1, 16), (2, 0), (2, 16)]
    assert spots[1]["stall.long_scoreboard"] == 4000
    assert "stall.selected" not in spots[0]
    assert spots[0]["state.selected"] == spots[0]["issued"]
    counters = parquet.read_table(run / "counters.parquet").to_pylist()
    assert {"trace": 0, "kernel": 2, "counter": "sm.l1d.sector_hits", "value": 10, "unit": "sectors"} in counters


def test_the_event_log_is_a_table_of_its_own(make_result: Make, tmp_path: Path) -> None:
    make_result(1000, follow=True).save(tmp_path / "run")
    assert names(tmp_path / "run") == FILES | {"follow.parquet"}
    assert parquet.read_table(tmp_path / "run" / "follow.parquet").to_pylist()[0]["event"] == "issue"


def test_a_former_result_is_replaced_as_a_whole(make_result: Make, tmp_path: Path) -> None:
    make_result(1000, follow=True).save(tmp_path / "run")
    make_result(36).save(tmp_path / "run")
    assert names(tmp_path / "run") == FILES
    assert json.loads((tmp_path / "run" / "result.json").read_text())["total"]["cycles"] == 36
    assert names(tmp_path) == {"run"}


def test_an_empty_folder_is_taken(make_result: Make, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    make_result(36).save(tmp_path / "run")
    assert names(tmp_path / "run") == FILES


def test_other_folders_are_left_alone(make_result: Make, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(BadInput, match=r"thesis\.txt"):
        make_result(36).save(tmp_path)
    assert names(tmp_path) == {"thesis.txt"}
    with pytest.raises(BadInput, match="is a file"):
        make_result(36).save(tmp_path / "thesis.txt")


def test_a_failure_half_way_leaves_nothing_behind(
    make_result: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(result: Result) -> folder.Columns:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "_counters", full_disk)
    with pytest.raises(BadInput, match="No space left"):
        make_result(36).save(tmp_path / "run")
    assert names(tmp_path) == set()


def test_a_failure_half_way_keeps_the_former_result(
    make_result: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_result(1000).save(tmp_path / "run")

    def interrupted(result: Result) -> folder.Columns:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "_counters", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_result(36).save(tmp_path / "run")
    assert names(tmp_path) == {"run"}
    assert json.loads((tmp_path / "run" / "result.json").read_text())["total"]["cycles"] == 1000


def test_a_folder_that_cannot_be_written_is_bad_input(make_result: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        make_result(36).save(tmp_path / "file" / "run")
