"""`tickwise import`, `warmup` and `bench`."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Tickwise = Callable[..., Any]


def test_import_makes_a_trace_that_runs_alike(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    ended = tickwise("import", listing, "-o", tmp_path / "triad.twt", "--json")
    assert ended.code == 0, ended.err
    written = json.loads(ended.out)
    assert written["kernels"][0]["warp_instructions"] == 52
    chip = ("--arch", "rtx_a6000", "--set", "sm.count=2", "--json")
    from_text, from_container = (
        json.loads(tickwise("run", path, *chip).out) for path in (listing, tmp_path / "triad.twt")
    )
    assert from_text["kernels"] == from_container["kernels"]
    assert from_text["traces"][0]["hash"] == from_container["traces"][0]["hash"] == written["hash"]
    assert "triad" in tickwise("import", listing, "-o", tmp_path / "triad.twt").out


def test_import_refuses_what_it_cannot_read_or_name(tickwise: Tickwise, listing: Path, tmp_path: Path) -> None:
    assert tickwise("import", tmp_path / "absent.g", "-o", tmp_path / "x.twt").code == 2
    ended = tickwise("import", listing, "-o", tmp_path / "x.zip")
    assert ended.code == 2
    assert ".twt" in ended.err
    assert not (tmp_path / "x.twt").exists()


def test_warmup_builds_nothing_twice(tickwise: Tickwise) -> None:
    assert tickwise("warmup").code == 0
    again = tickwise("warmup", "--json")
    assert json.loads(again.out)["compiled"] == []
    assert "nothing to compile" in tickwise("warmup").out


def test_warmup_says_why_it_cannot(tickwise: Tickwise, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim import islands

    monkeypatch.setattr(islands, "ISLANDS", {"sim.no_such_island": ("gpu/lines.py", "island")})
    ended = tickwise("warmup")
    assert ended.code == 1
    assert "sim.no_such_island" in ended.err


def test_warmup_needs_a_place_to_write(tickwise: Tickwise, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sim import jit

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(jit, "cache_root", jit.cache_root.__wrapped__)  # this process knows its cache already
    monkeypatch.setenv("TICKWISE_CACHE", str(tmp_path / "file"))
    ended = tickwise("warmup")
    assert ended.code == 1
    assert "TICKWISE_CACHE" in ended.err


def test_bench_measures_repeated_traces(tickwise: Tickwise, listing: Path) -> None:
    ended = tickwise("bench", listing, "--size", 5_200, "--rounds", 1, "--json")
    assert ended.code == 0, ended.err
    (row,) = json.loads(ended.out)["traces"]
    assert row["times"] == 100
    assert row["warp_instructions"] == 5_200
    assert math.isclose(row["warp_instructions_per_s"], 5_200 / row["simulate_s"], rel_tol=1e-6)
    assert "warp instructions/s" in tickwise("bench", listing, "--size", 1, "--rounds", 1).out


def test_bench_brings_its_own_traces(tickwise: Tickwise) -> None:
    ended = tickwise("bench", "--size", 1, "--rounds", 1, "--json")
    assert ended.code == 0, ended.err
    assert len(json.loads(ended.out)["traces"]) == 2


def test_islands_are_where_the_table_says() -> None:
    from importlib import import_module
    from inspect import getsourcefile

    from sim.islands import ISLANDS

    for file, entry in ISLANDS.values():
        module = import_module("sim." + file.removesuffix(".py").replace("/", "."))
        source = getsourcefile(module)
        assert source is not None and source.endswith(file)
        assert hasattr(module, entry)
