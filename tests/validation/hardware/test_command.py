"""The command without a GPU: the dry run, what is refused, and what a full disk leaves."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.validation.hardware.conftest import ROOT, kit
from tests.validation.hardware.rows import assert_valid
from validation.hardware import command
from validation.hardware.record import Row, read
from validation.hardware.run import slug
from validation.hardware.split import split_of
from validation.hardware.summary import summarise
from validation.kernels import catalogue
from validation.kernels.build import BuildError, Compiler

SMALL = ("empty", "vectoradd", "mandelbrot", "barriers")


def table(folder: Path) -> list[Row]:
    rows = []
    for name in ("develop", "validate"):
        side = read(folder / f"{name}.csv")
        assert {row["split"] for row in side} <= {name}
        rows += side
    assert_valid(rows)
    return rows


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A dry run of every kernel, on a machine without a CUDA compiler."""
    out = tmp_path_factory.mktemp("dry")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "find_compiler", no_compiler)
        patch.setattr(command, "to_stderr", said.append)
        assert command.main(["--dry-run", "--out", str(out)]) == 0
    return out, "\n".join(said)


def no_compiler(wanted: str) -> Compiler:
    raise BuildError("no CUDA compiler: put nvcc on PATH or `pip install nvidia-cuda-nvrtc`")


def test_a_dry_run_has_rows_of_every_kernel_and_none_is_a_measurement(dry: tuple[Path, str]) -> None:
    rows = table(dry[0])
    assert {row["kernel"] for row in rows} == set(catalogue())
    assert {row["status"] for row in rows} <= {"dry-run", "missing", "skipped"}
    assert {row["gpu"] for row in rows} == {"dry run"}
    assert {"check", "events", "readings", "ncu", "nvml"} <= {row["method"] for row in rows}


def test_in_a_dry_run_every_reference_agrees_with_itself(dry: tuple[Path, str]) -> None:
    checks = [row for row in table(dry[0]) if row["method"] == "check" and row["status"] == "dry-run"]
    assert len(checks) > 100
    assert {row["value"] for row in checks} == {0.0}


def test_a_progress_line_stands_for_every_job(dry: tuple[Path, str]) -> None:
    lines = dry[1].splitlines()
    assert lines[-1].endswith("jobs done")
    assert len(lines) - 1 == int(lines[-1].split(": ")[-1].split()[0])
    assert all(line.startswith("[") for line in lines[:-1])


def test_a_missing_compiler_is_a_row_with_what_to_install(dry: tuple[Path, str]) -> None:
    missing = [row for row in table(dry[0]) if row["method"] == "build"]
    assert {row["kernel"] for row in missing} == set(catalogue())
    assert {row["status"] for row in missing} == {"missing"}
    assert all("put nvcc on PATH" in row["reason"] for row in missing)


def test_the_table_resumes(tmp_path: Path) -> None:
    arguments = ("--dry-run", "--out", str(tmp_path), "--only")
    assert kit(*arguments, *SMALL[:2]).returncode == 0
    first = table(tmp_path)
    again = kit(*arguments, *SMALL)
    assert again.returncode == 0
    assert "held already" in again.stderr
    both = table(tmp_path)
    assert [row["date"] for row in both if row["kernel"] in SMALL[:2]] == [row["date"] for row in first]
    assert {row["kernel"] for row in both} == set(SMALL)


def test_parts_complete_each_other(tmp_path: Path) -> None:
    for part in ("1/2", "2/2"):
        assert kit("--dry-run", "--out", str(tmp_path), "--part", part, "--only", *SMALL).returncode == 0
    assert {row["kernel"] for row in table(tmp_path)} == set(SMALL)


def test_time_over_leaves_jobs_and_says_so(tmp_path: Path) -> None:
    done = kit("--dry-run", "--minutes", "1e-9", "--out", str(tmp_path), "--only", *SMALL)
    assert done.returncode == 0
    assert "left for want of time: run the command again" in done.stderr
    assert table(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "absent"), "absent: no kernel or suite of that name"),
        (("--part", "3/2"), "--part 3/2: expected k/n"),
        (("--part", "2/2", "--only", "empty"), "this part has none"),
        (("--out", ""), "--out: expected a folder of its own"),
        (("--minutes", "0"), "--minutes 0: expected a number above 0"),
        (("--minutes", "nan"), "--minutes nan: expected a number above 0"),
        (("--summary", "/nowhere"), "/nowhere/develop.csv: No such file or directory"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = kit("--dry-run", "--out", str(tmp_path / "out"), *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
        pytest.skip("there is a driver")
    except OSError:
        pass
    done = kit("--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "no NVIDIA driver here" in done.stderr
    assert "--dry-run" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["another,table\n1,2\n", None])
def test_a_folder_that_cannot_be_used_is_refused_and_kept(tmp_path: Path, content: str | None) -> None:
    if content is None:
        out = tmp_path / "file"
        out.write_text("mine")
    else:
        out = tmp_path
        (out / "develop.csv").write_text(content)
    done = kit("--dry-run", "--only", "empty", "--out", str(out))
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr
    assert (out if content is None else out / "develop.csv").read_text() == (content or "mine")


WITHOUT_COMPILER = """\
import sys
from tests.validation.hardware.test_command import no_compiler
from validation.hardware import command
command.find_compiler = no_compiler
sys.exit(command.main(sys.argv[1:]))
"""


def test_a_full_disk_ends_the_run_with_a_valid_table(tmp_path: Path) -> None:
    """A limit on file size stands for the disk; it holds for the whole process tree."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    script = [sys.executable, "-c", WITHOUT_COMPILER, "--dry-run", "--out", str(tmp_path), "--only", "basics"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        script, cwd=ROOT, env=environment, preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(str(tmp_path))
    assert "Traceback" not in done.stderr
    rows = table(tmp_path)
    assert len(rows) > 20
    assert all(path.suffix in (".csv", "") for path in tmp_path.iterdir())


def test_a_closed_pipe_is_no_traceback() -> None:
    script = f"{sys.executable} -m validation.hardware --list | true"
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_ctrl_c_leaves_whole_rows_and_exit_code_130(tmp_path: Path) -> None:
    script = [sys.executable, "-c", WITHOUT_COMPILER, "--dry-run", "--out", str(tmp_path)]
    process = subprocess.Popen(script, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for _ in range(20):
        process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 130
    assert "interrupted; what was measured is recorded" in rest
    assert "Traceback" not in rest
    assert len(table(tmp_path)) >= 20


def test_the_list_names_every_kernel() -> None:
    done = kit("--list")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(catalogue())


def test_a_summary_counts_rows_and_shows_peaks(dry: tuple[Path, str]) -> None:
    done = kit("--summary", str(dry[0]))
    assert done.returncode == 0
    assert "dry-run" in done.stdout
    ok = {"kernel": "copy", "metric": "bandwidth", "status": "ok", "unit": "GB/s", "flags": "spread", "case": "n=1"}
    text = summarise([{**ok, "value": 2900.0}, {**ok, "value": 3000.0, "case": "n=2", "flags": None}])
    assert "copy bandwidth: 3000 GB/s  (n=2)" in text
    assert "rows: 2 ok" in text
    assert "flagged: 1 spread" in text


@pytest.mark.parametrize(
    ("gpu", "folder"),
    [
        ("NVIDIA H200", "h200"),
        ("NVIDIA H100 80GB HBM3", "h100_80gb_hbm3"),
        ("NVIDIA GeForce RTX 4090", "geforce_rtx_4090"),
    ],
)
def test_the_folder_is_named_after_the_gpu(gpu: str, folder: str) -> None:
    assert slug(gpu) == folder


def test_rows_of_a_configuration_stand_on_one_side(dry: tuple[Path, str]) -> None:
    assert all(row["split"] == split_of(row["suite"], row["kernel"], row["case"]) for row in table(dry[0]))


def test_without_numpy_it_says_what_to_install(tmp_path: Path) -> None:
    """`-S` leaves site-packages out: nothing but Python's own library can be imported."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "validation.hardware"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "the kit needs NumPy and PyYAML: python3 -m pip install numpy pyyaml\n"
