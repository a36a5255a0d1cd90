"""The whole kit, from the command line to the table, on a fake driver that runs the kernels' own source on the CPU.

What is real: nvcc, the cubins, every call of the driver interface, the worker process, the profiler's command line.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.validation.hardware.conftest import kit
from tests.validation.hardware.rows import assert_valid
from tests.validation.test_measured import assert_sound
from validation.hardware.profile import counters
from validation.hardware.record import Row, only_writer, read
from validation.kernels import load
from validation.kernels.cubin import functions, sass_hash


def table(folder: Path) -> list[Row]:
    rows = [row for name in ("develop", "validate") for row in read(folder / f"{name}.csv")]
    assert_valid(rows)
    return rows


def pick(rows: Sequence[Row], **wanted: object) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


@pytest.fixture(scope="module")
def measured(fake_gpu: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("measured")
    done = kit("--only", "vectoradd", "--quick", "--out", str(out), environment=fake_gpu)
    assert done.returncode == 0, done.stderr
    return out


def test_every_case_is_checked_timed_and_profiled(measured: Path) -> None:
    rows, kernel = table(measured), load("vectoradd")
    assert {row["status"] for row in rows} == {"ok"}
    assert len(pick(rows, method="check")) == 1 + len(kernel.checks)
    assert all(row["value"] == 0.0 for row in pick(rows, method="check"))
    for metric in ("time", "cycles"):
        timed = pick(rows, method="events", metric=metric)
        assert len(timed) == 2
        assert all(row["repetitions"] >= 20 and row["spread"] >= 0 for row in timed)
    assert [row["metric"] for row in pick(rows, method="ncu")] == list(counters())


def test_the_folder_is_fit_to_be_committed(measured: Path, tmp_path: Path) -> None:
    assert_sound(measured)
    copy = tmp_path / "copy"
    shutil.copytree(measured, copy)
    next((copy / "cubins").glob("vectoradd.*")).unlink()
    with pytest.raises(FileNotFoundError):
        assert_sound(copy)


def test_buffers_rotate_until_they_exceed_twice_the_l2(measured: Path) -> None:
    """The fake GPU has 1 MiB of L2, a set of the case 192 KiB."""
    rows = table(measured)
    caches = {row["cache"] for row in pick(rows, method="events")}
    assert caches == {"warm", "rotated"}


def test_cycles_are_time_by_the_clock_that_the_spinning_kernel_read(measured: Path) -> None:
    rows = table(measured)
    for row in pick(rows, method="events", metric="cycles"):
        time = pick(rows, method="events", metric="time", case=row["case"], cache=row["cache"])[0]
        assert row["sm_clock_mhz"] == 1700
        assert row["value"] == pytest.approx(time["value"] * 1700, rel=1e-6)


def test_rows_name_device_code_and_launch(measured: Path) -> None:
    row = pick(table(measured), method="events", metric="time", case="n=16384 block=256", cache="warm")[0]
    assert (row["gpu"], row["compute_capability"], row["sms"]) == ("NVIDIA Fake 90", "9.0", 132)
    assert (row["driver"], row["cuda"]) == ("580.0", "13.0")
    assert (row["grid"], row["block"], row["registers"], row["shared_bytes"]) == ("64x1x1", "256x1x1", 40, 1024)
    assert (row["memory_clock_mhz"], row["temperature_c"], row["power_w"]) == (3201, 61, 350)
    cubin = (measured / "cubins" / row["cubin"]).read_bytes()
    assert sass_hash(functions(cubin)["vectoradd"]) == row["sass_hash"]


def test_energy_is_what_the_board_counted(measured: Path) -> None:
    """The fake board burns 350 W."""
    power = pick(table(measured), method="nvml", metric="power")
    assert len(power) == 1
    assert power[0]["value"] == pytest.approx(350, rel=0.02)


def test_a_second_run_holds_everything_and_adds_nothing(measured: Path, fake_gpu: dict[str, str]) -> None:
    before = [(measured / f"{name}.csv").read_bytes() for name in ("develop", "validate")]
    done = kit("--only", "vectoradd", "--quick", "--out", str(measured), environment=fake_gpu)
    assert done.returncode == 0
    assert "0 jobs done, 4 held already" in done.stderr
    assert [(measured / f"{name}.csv").read_bytes() for name in ("develop", "validate")] == before


def test_two_launches_are_profiled_one_by_one(fake_gpu: dict[str, str], tmp_path: Path) -> None:
    done = kit("--only", "reduce", "--quick", "--out", str(tmp_path), environment=fake_gpu)
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path)
    time = pick(rows, method="ncu", metric="gpu__time_duration.sum", case=rows[-1]["case"])
    assert [row["launch"] for row in time] == [0, 1]
    assert [row["unit"] for row in time] == ["ns", "ns"]
    assert time[0]["launches"] == 2


def test_a_kernel_in_place_is_reset_before_every_repetition(fake_gpu: dict[str, str], tmp_path: Path) -> None:
    done = kit("--only", "saxpy", "--quick", "--out", str(tmp_path), environment=fake_gpu)
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in table(tmp_path)} == {"ok"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("launch vectoradd", "CUDA_ERROR_ILLEGAL_ADDRESS"),
        ("crash vectoradd", "signal 6"),
        ("wrong vectoradd", "wrong result: c: element 0"),
    ],
)
def test_a_broken_kernel_is_a_row_and_the_next_one_is_measured(
    fake_gpu: dict[str, str], tmp_path: Path, fault: str, reason: str
) -> None:
    environment = {**fake_gpu, "FAKE_GPU_FAULT": fault}
    chosen = ("--only", "vectoradd", "reduce", "--quick", "--no-counters")
    done = kit(*chosen, "--out", str(tmp_path), environment=environment)
    assert done.returncode == 1
    assert "FAILED" in done.stderr
    assert "Traceback" not in done.stderr
    rows = table(tmp_path)
    failed = pick(rows, kernel="vectoradd", status="failed")
    assert failed
    reasons = {row["reason"] for row in failed if not row["reason"].startswith("not timed")}
    assert [told for told in reasons if reason not in told] == []
    assert not pick(rows, kernel="vectoradd", method="events", status="ok")
    assert {row["status"] for row in pick(rows, kernel="reduce")} == {"ok"}


def test_what_failed_is_tried_again_only_with_retry(fake_gpu: dict[str, str], tmp_path: Path) -> None:
    arguments = ("--only", "vectoradd", "--quick", "--no-counters", "--out", str(tmp_path))
    broken = {**fake_gpu, "FAKE_GPU_FAULT": "wrong vectoradd"}
    assert kit(*arguments, environment=broken).returncode == 1
    again = kit(*arguments, environment=fake_gpu)
    assert "0 jobs done" in again.stderr
    retried = kit(*arguments, "--retry", environment=fake_gpu)
    assert retried.returncode == 0
    assert {row["status"] for row in table(tmp_path)} == {"ok"}


@pytest.fixture(scope="module")
def timed(fake_gpu: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measured, but not profiled."""
    out = tmp_path_factory.mktemp("timed")
    done = kit("--only", "vectoradd", "--quick", "--no-counters", "--out", str(out), environment=fake_gpu)
    assert done.returncode == 0, done.stderr
    return out


def profile(timed: Path, folder: Path, environment: dict[str, str], *options: str) -> tuple[str, int, Path]:
    """Profiles what was measured, into a copy."""
    out = folder / "out"
    if not out.exists():
        shutil.copytree(timed, out)
    done = kit("--only", "vectoradd", "--quick", "--out", str(out), *options, environment=environment)
    assert "Traceback" not in done.stderr
    return done.stderr, done.returncode, out


@pytest.mark.parametrize(
    ("fault", "metric", "status", "reason"),
    [
        ("unknown dram__bytes_read.sum", "dram__bytes_read.sum", "missing", "does not know it"),
        ("absent dram__bytes_read.sum", "dram__bytes_read.sum", "missing", "gives n/a"),
        ("permission", "counters", "missing", "does not let this user"),
        ("other impostor", "counters", "failed", "ncu shows impostor"),
        ("skip", "counters", "missing", "fewer launches than were made"),
    ],
)
def test_an_absent_counter_is_a_row_with_its_reason(
    fake_gpu: dict[str, str], timed: Path, tmp_path: Path, fault: str, metric: str, status: str, reason: str
) -> None:
    said, code, out = profile(timed, tmp_path, {**fake_gpu, "FAKE_NCU": fault})
    assert code == (1 if status == "failed" else 0), said
    rows = table(out)
    absent = pick(rows, method="ncu", metric=metric)
    assert [row["status"] for row in absent] == [status]
    assert reason in absent[0]["reason"]
    if metric != "counters":
        others = [row for row in pick(rows, method="ncu") if row["metric"] != metric]
        assert {row["status"] for row in others} == {"ok"}
    assert {row["status"] for row in rows if row["method"] != "ncu"} == {"ok"}


def test_counters_that_could_not_be_had_come_with_retry(fake_gpu: dict[str, str], timed: Path, tmp_path: Path) -> None:
    profile(timed, tmp_path, {**fake_gpu, "FAKE_NCU": "permission"})
    said, _, _ = profile(timed, tmp_path, fake_gpu)
    assert "0 jobs done" in said
    said, code, out = profile(timed, tmp_path, fake_gpu, "--retry")
    assert code == 0
    assert [row["metric"] for row in pick(table(out), method="ncu", status="ok")] == list(counters())


def processes() -> str:
    return subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout


def test_a_profiler_that_hangs_is_ended_with_the_run_and_the_job_is_left(
    fake_gpu: dict[str, str], timed: Path, tmp_path: Path
) -> None:
    said, code, out = profile(timed, tmp_path, {**fake_gpu, "FAKE_NCU": "hang"}, "--minutes", "0.2")
    assert code == 0
    assert "1 left for want of time" in said
    assert pick(table(out), method="ncu") == []
    assert str(Path(fake_gpu["FAKE_GPU_KERNELS"]).parent) not in processes()


def test_a_kernel_that_hangs_is_ended_with_the_run_and_leaves_no_row(fake_gpu: dict[str, str], tmp_path: Path) -> None:
    chosen = ("--only", "vectoradd", "--quick", "--no-counters", "--minutes", "0.15", "--out", str(tmp_path))
    done = kit(*chosen, environment={**fake_gpu, "FAKE_GPU_FAULT": "hang vectoradd"})
    assert done.returncode == 0, done.stderr
    assert "left for want of time" in done.stderr
    assert table(tmp_path) == []


def test_a_device_without_memory_is_told_for_every_job(fake_gpu: dict[str, str], tmp_path: Path) -> None:
    chosen = ("--only", "vectoradd", "--quick", "--no-counters", "--out", str(tmp_path))
    done = kit(*chosen, environment={**fake_gpu, "FAKE_GPU_FAULT": "memory"})
    assert done.returncode == 1
    assert all("CUDA_ERROR_OUT_OF_MEMORY" in row["reason"] for row in table(tmp_path))


def test_what_was_measured_is_kept_when_the_kernel_compiles_no_more(
    fake_gpu: dict[str, str], timed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(timed, out)
    before = table(out)
    broken = tmp_path / "bin" / "nvcc"
    broken.parent.mkdir()
    real = shutil.which("nvcc")
    broken.write_text(
        '#!/bin/sh\ncase "$*" in *vectoradd.cu*) echo "vectoradd.cu(3): error: broken" >&2; exit 1;; esac\n'
        f'exec {real} "$@"\n'
    )
    broken.chmod(0o755)
    environment = {**fake_gpu, "PATH": f"{broken.parent}:{fake_gpu['PATH']}"}
    done = kit("--only", "vectoradd", "--quick", "--no-counters", "--out", str(out), environment=environment)
    assert done.returncode == 1
    after = table(out)
    assert [row for row in after if row["status"] == "ok"] == before
    failed = [row for row in after if row["status"] == "failed"]
    assert failed
    assert {row["reason"] for row in failed} == {"vectoradd.cu(3): error: broken"}


def test_a_second_run_on_the_same_folder_is_refused(fake_gpu: dict[str, str], timed: Path, tmp_path: Path) -> None:
    with only_writer(tmp_path):
        done = kit("--only", "vectoradd", "--quick", "--out", str(tmp_path), environment=fake_gpu)
    assert done.returncode == 2
    assert "another run writes here" in done.stderr
