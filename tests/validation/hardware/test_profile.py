"""Nsight Compute's table and messages."""

from pathlib import Path

import pytest

from validation.hardware.device import Facts
from validation.hardware.profile import ProfileError, Profiler, _clock_mhz, counters, parse, unknown_metrics
from validation.hardware.rows import context
from validation.kernels import case_id, load

TABLE = """\
==PROF== Connected to process 4711 (/usr/bin/python3.12)
==PROF== Profiling "vectoradd" - 0: 0%....50%....100% - 12 passes
"ID","Process ID","Kernel Name","gpu__time_duration.sum","smsp__inst_executed.sum"
"","","","ns","inst"
"0","4711","vectoradd","2,336","16,384"
"1","4711","vectoradd(const float *, float *, int)","1.5e3","n/a"
==PROF== Disconnected from process 4711
"""


def test_every_launch_is_a_row_with_text_and_unit() -> None:
    table = parse(TABLE)
    assert len(table) == 2
    assert table[0]["gpu__time_duration.sum"] == ("2,336", "ns")
    assert table[1]["smsp__inst_executed.sum"] == ("n/a", "inst")
    assert table[1]["Kernel Name"][0] == "vectoradd(const float *, float *, int)"


def test_output_without_a_table_is_told_with_its_error_line() -> None:
    with pytest.raises(ProfileError, match="ncu wrote no table: ==ERROR== The application returned an error code"):
        parse("==PROF== Connected\n==ERROR== The application returned an error code (11).\n")


def test_a_table_without_units_is_refused() -> None:
    lines = TABLE.splitlines()
    with pytest.raises(ProfileError, match="no line of units"):
        parse("\n".join(lines[:3] + lines[4:]))
    with pytest.raises(ProfileError, match="no line of units"):
        parse(lines[2])


@pytest.mark.parametrize(
    "said",
    [
        r"==ERROR== Failed to find metric regex:^dram__bytes_read\.(sum|min|max|avg|pct|ratio|max_rate)$",
        r"==ERROR== Failed to find metric regex:^dram__bytes_read\.sum",
        "==ERROR== Failed to find metric dram__bytes_read.sum",
    ],
)
def test_a_metric_that_ncu_does_not_know_is_recognised(said: str) -> None:
    asked = ["dram__bytes_read.sum", "dram__bytes_write.sum", "dram__bytes.sum"]
    assert unknown_metrics(said, asked) == {"dram__bytes_read.sum"}
    assert unknown_metrics("==PROF== all is well", asked) == set()


@pytest.mark.parametrize(
    ("text", "unit", "clock"),
    [
        ("1,755,000,000", "hz", 1755),
        ("1.755", "cycle/nsecond", 1755),
        ("1755", "Mhz", 1755),
        ("n/a", "hz", None),
        ("1755", "furlong", None),
    ],
)
def test_clocks_come_in_many_units(text: str, unit: str, clock: float | None) -> None:
    assert _clock_mhz(text, unit) == pytest.approx(clock) if clock else _clock_mhz(text, unit) is None


def test_counters_are_named_once_and_explained() -> None:
    known = counters()
    assert len(known) > 50
    assert all(meaning for meaning in known.values())
    wanted = (
        "sm__cycles_elapsed.max",
        "smsp__inst_executed.sum",
        "dram__bytes_read.sum",
        "lts__t_sectors_lookup_hit.sum",
    )
    assert set(wanted) <= set(known)


def profiled_rows(profiler: Profiler) -> list[tuple[str, str]]:
    kernel = load("vectoradd")
    facts = Facts("NVIDIA H200", (9, 0), 132, "580.159", "13.0", 60 << 20)
    bases = [context("0123abcd", facts, False, "nvcc 13.0.88", kernel, case_id(case)) for case in kernel.cases[:2]]
    rows = profiler.rows(kernel, kernel.cases[:2], bases, Path("k.cubin"), 30.0, 30.0)
    return [(row["status"], row["reason"]) for row in rows]


def test_without_the_profiler_every_case_has_a_row_that_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("validation.hardware.profile._PLACES", ())
    assert profiled_rows(Profiler(tmp_path)) == [("missing", "Nsight Compute (ncu) is not installed")] * 2


def test_after_two_failures_no_other_kernel_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried = []

    def fail(*_: object) -> None:
        tried.append(1)
        raise ProfileError("ncu: it broke")

    profiler = Profiler(tmp_path)
    monkeypatch.setattr(profiler, "_run", fail)
    assert profiled_rows(profiler) == [("failed", "ncu: it broke")] * 2
    told = ("missing", "not tried: the kernels before it failed (ncu: it broke)")
    assert profiled_rows(profiler) == [told] * 2
    assert profiled_rows(profiler) == [told] * 2
    assert len(tried) == 2
