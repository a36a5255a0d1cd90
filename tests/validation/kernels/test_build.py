"""Compilers: ptxas' report, one-line errors, what the source hash covers."""

import os
import shutil
from pathlib import Path

import pytest

from tests.validation.tools import needs_nvcc
from validation.kernels import build, load
from validation.kernels.build import BuildError, Usage, find_compiler, parse_usage, source_hash
from validation.kernels.cubin import functions
from validation.kernels.kernel import INCLUDE

LOG = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_86'
ptxas info    : Function properties for first
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 8448 bytes smem, 380 bytes cmem[0]
ptxas info    : Compile time = 16.663 ms
ptxas info    : Compiling entry function 'second' for 'sm_86'
ptxas info    : Function properties for helper
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, 380 bytes cmem[0]
"""


def test_the_report_is_read_function_by_function() -> None:
    assert parse_usage(LOG) == {
        "first": Usage(registers=40, shared=8448, stack=8, spill_stores=4, spill_loads=12, barriers=1),
        "second": Usage(registers=12, shared=0, stack=0, spill_stores=0, spill_loads=0, barriers=0),
    }


@needs_nvcc
def test_nvcc_compiles_and_reports() -> None:
    made = find_compiler("nvcc").compile(load("vectoradd").source, (), 86)
    assert made.compiler.startswith("nvcc ")
    assert made.usage["vectoradd"].registers > 0
    assert set(functions(made.cubin)) == {"vectoradd"}
    assert made.warnings == ()


@needs_nvcc
def test_a_broken_source_is_one_line_that_names_file_and_fault(tmp_path: Path) -> None:
    broken = tmp_path / "broken.cu"
    broken.write_text('extern "C" __global__ void f(int *a) { a[0] = nonsense; }\n')
    with pytest.raises(BuildError, match=r'broken\.cu\(1\): error: identifier "nonsense" is undefined') as caught:
        find_compiler("nvcc").compile(broken, (), 86)
    assert "\n" not in str(caught.value)


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for key in ("CUDA_HOME", "CUDA_PATH"):
        monkeypatch.setenv(key, str(tmp_path))
    monkeypatch.setattr(build, "TOOLKIT", tmp_path)
    with pytest.raises(BuildError, match=r"no CUDA compiler: put nvcc on PATH or `pip install nvidia-cuda-nvrtc`"):
        find_compiler("nvcc")


def test_a_compiler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "nvcc"
    fake.write_text("#!/bin/sh\necho 'no licence' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(build, "TOOLKIT", tmp_path / "absent")
    with pytest.raises(BuildError, match="no licence"):
        find_compiler("nvcc")


def test_an_nvcc_without_a_host_compiler_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It answers --version and fails at the first source."""
    fake = tmp_path / "nvcc"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "release 13.0, V13.0.88" && exit 0\n'
        "echo 'nvcc fatal : Failed to preprocess host compiler properties.' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(build, "TOOLKIT", tmp_path / "absent")
    with pytest.raises(BuildError, match=r"does not compile \(nvcc fatal.*it needs a host compiler such as g\+\+"):
        find_compiler("nvcc")


def test_the_source_hash_covers_the_headers_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(INCLUDE, tmp_path / "include")
    monkeypatch.setattr(build, "INCLUDE", tmp_path / "include")
    kernel, other = load("gemm_mma"), load("vectoradd")
    before, unrelated = source_hash(kernel), source_hash(other)
    header = tmp_path / "include" / "ptx" / "mma.cuh"
    header.write_text(header.read_text() + "// changed\n")
    assert source_hash(kernel) != before
    assert source_hash(other) == unrelated
