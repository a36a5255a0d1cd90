"""A GPU that is none: a driver, NVML and profiler of our own, and kernels compiled for the CPU (fake_gpu/)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.validation import on_cpu
from tests.validation.tools import NVCC
from validation.kernels import load

HERE = Path(__file__).resolve().parent / "fake_gpu"
ROOT = HERE.parent.parent.parent.parent
CUDA_INCLUDE = next(
    (p for p in map(Path, (os.environ.get("CUDA_HOME", "") + "/include", "/usr/local/cuda/include"))
     if (p / "cuda.h").is_file()),
    None,
)  # fmt: skip
#: What the kit's tests measure on it: one launch, in place, two launches.
KERNELS = ("vectoradd", "saxpy", "reduce")


def kit(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The kit's command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "validation.hardware", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def fake_gpu(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the fake driver, NVML and ncu are found; skips where they cannot be compiled."""
    if on_cpu.COMPILER is None or CUDA_INCLUDE is None or not NVCC:
        pytest.skip("needs g++, nvcc and cuda.h")
    folder = tmp_path_factory.mktemp("fake_gpu")
    shared = ["-shared", "-fPIC", "-O1"]
    driver = [on_cpu.COMPILER, "-std=c++17", *shared, f"-I{CUDA_INCLUDE}", str(HERE / "libcuda.cpp"), "-ldl"]
    subprocess.run([*driver, "-o", str(folder / "libcuda.so.1")], check=True)
    nvml = [on_cpu.COMPILER, "-x", "c", *shared, str(HERE / "libnvml.c")]
    subprocess.run([*nvml, "-o", str(folder / "libnvidia-ml.so.1")], check=True)
    tools = folder / "bin"
    tools.mkdir()
    shutil.copy(HERE / "ncu", tools / "ncu")
    kernels = folder / "kernels"
    kernels.mkdir()
    for name in KERNELS:
        on_cpu.build(load(name), kernels)
    return {
        "LD_LIBRARY_PATH": str(folder),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "FAKE_GPU_KERNELS": str(kernels),
    }
