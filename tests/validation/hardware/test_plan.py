"""Jobs, parts and what is held already."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.hardware.plan import Done, Job, PlanError, jobs_of, parse_part, part_of, select
from validation.kernels import case_id, catalogue, load

KERNELS = catalogue()


@given(st.integers(1, 12))
def test_parts_hold_every_kernel_exactly_once(count: int) -> None:
    kernels = list(KERNELS.values())
    dealt = [kernel.name for number in range(1, count + 1) for kernel in part_of(kernels, (number, count))]
    assert sorted(dealt) == sorted(KERNELS)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "", "²/3", "1/3/5"])
def test_a_part_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="expected k/n"):
        parse_part(text)


def test_names_suites_and_wildcards_select() -> None:
    assert [kernel.name for kernel in select(KERNELS, ["vectoradd"])] == ["vectoradd"]
    assert {kernel.suite for kernel in select(KERNELS, ["polybench"])} == {"polybench"}
    assert {kernel.name for kernel in select(KERNELS, ["transpose_*"])} == {
        "transpose_naive",
        "transpose_tiled",
        "transpose_padded",
    }
    assert [kernel.name for kernel in select(KERNELS, ["basics/copy"])] == ["copy"]
    assert len(select(KERNELS, [])) == len(KERNELS)
    with pytest.raises(PlanError, match="absent: no kernel or suite"):
        select(KERNELS, ["vectoradd", "absent"])


def test_checks_come_first_and_the_largest_case_gets_energy() -> None:
    kernel = load("vectoradd")
    jobs = jobs_of(kernel, profile=True, first_case_only=False)
    kinds = [job.kind for job in jobs]
    assert kinds == ["check"] * len(kernel.checks) + ["measure"] * len(kernel.cases) + ["profile"]
    assert [job.energy for job in jobs if job.kind == "measure"] == [False] * (len(kernel.cases) - 1) + [True]
    assert jobs[-1].cases == kernel.cases


def test_micro_benchmarks_are_not_profiled_where_they_say_so() -> None:
    silent = next(kernel for kernel in KERNELS.values() if not kernel.profile)
    assert "profile" not in [job.kind for job in jobs_of(silent, profile=True, first_case_only=False)]


def held(status: str = "ok", **changes: Any) -> dict[str, Any]:
    case = case_id(load("vectoradd").cases[0])
    row = {"gpu": "G", "kernel": "vectoradd", "case": case, "method": "events", "sass_hash": "aa", "status": status}
    row["metric"] = "counters" if changes.get("method") == "ncu" else "time"
    return {**row, **changes}


FIRST = Job(load("vectoradd"), "measure", load("vectoradd").cases[:1])


def test_a_job_is_done_only_for_the_same_gpu_code_and_method() -> None:
    assert Done([held()], "G", retry=False).pending(FIRST, "aa") is None
    assert Done([held()], "H", retry=False).pending(FIRST, "aa") == FIRST
    assert Done([held()], "G", retry=False).pending(FIRST, "bb") == FIRST
    assert Done([held(method="check")], "G", retry=False).pending(FIRST, "aa") == FIRST


def test_what_failed_is_pending_only_with_retry() -> None:
    assert Done([held("failed")], "G", retry=False).pending(FIRST, "aa") is None
    assert Done([held("failed")], "G", retry=True).pending(FIRST, "aa") == FIRST
    assert Done([held("missing")], "G", retry=True).pending(FIRST, "aa") is None


def test_counters_that_could_not_be_had_are_pending_with_retry() -> None:
    """The profiler can be installed, or allowed, later."""
    job = Job(load("vectoradd"), "profile", load("vectoradd").cases[:1])
    assert Done([held("missing", method="ncu")], "G", retry=False).pending(job, "aa") is None
    assert Done([held("missing", method="ncu")], "G", retry=True).pending(job, "aa") == job
    one_absent = held("missing", method="ncu", metric="dram__bytes_read.sum")
    assert Done([one_absent], "G", retry=True).pending(job, "aa") is None


def test_of_a_profile_the_cases_that_lack_rows_are_left() -> None:
    kernel = load("vectoradd")
    job = Job(kernel, "profile", kernel.cases)
    left = Done([held(method="ncu")], "G", retry=False).pending(job, "aa")
    assert left is not None
    assert left.cases == kernel.cases[1:]
