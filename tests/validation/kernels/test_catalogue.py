"""Every kernel of the catalogue fits together; files that do not are refused with file and reason."""

from pathlib import Path

import numpy as np
import pytest

from validation.kernels import Kernel, KernelError, case_id, catalogue, load
from validation.kernels.kernel import ARCHITECTURES

KERNELS = list(catalogue().values())

#: The kernels that the project set out with; more are welcome.
PLANNED = {
    *("vectoradd", "saxpy", "copy", "transpose_naive", "transpose_tiled", "transpose_padded", "reduce", "scan"),
    *("histogram", "conv2d", "conv3d", "stencil5", "stencil7", "gemm_memory", "gemm_tiled", "gemm_register"),
    *("gemm_wmma", "gemm_mma", "mm2", "mm3", "syrk", "atax", "gesummv", "spmv_scalar", "spmv_vector", "bfs", "nbody"),
    *("blackscholes", "mandelbrot", "bitonic_sort", "oddeven_sort", "fast_walsh", "softmax", "layernorm"),
    *("layernorm_half2", "flash_attention", "kmeans", "hotspot", "needleman_wunsch", "lud", "pathfinder", "srad"),
    *("backprop", "gaussian", "pointer_chase", "ffma_chain", "empty"),
    *("memory_latency", "tlb_latency", "l2_distance", "bandwidth", "bandwidth_stride", "shared_conflicts", "atomics"),
    *("instructions", "mma_shapes", "barriers", "launch_cost", "cta_dispatch", "clock_rate", "fp32_peak"),
}


def names(kernel: Kernel) -> str:
    return kernel.name


def test_every_planned_kernel_is_there() -> None:
    assert PLANNED - {kernel.name for kernel in KERNELS} == set()


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_a_kernel_says_what_it_is_and_can_be_judged(kernel: Kernel) -> None:
    assert kernel.about
    assert kernel.first_architecture in ARCHITECTURES
    assert kernel.has_reference or kernel.has_readings
    assert kernel.source.read_text(encoding="utf-8").startswith("//")
    ids = [case_id(case) for case in kernel.cases]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_launches_are_legal_and_their_functions_and_buffers_exist(kernel: Kernel) -> None:
    """Checks and the first case; the limits are those of the CUDA programming guide for all architectures."""
    for case in (*kernel.checks, *kernel.cases[:1]):
        buffers = kernel.definition.inputs(case, np.random.default_rng(0))
        launches = kernel.definition.launches(case, buffers)
        assert launches
        for step in launches:
            assert step.function in kernel.resources[f"sm_{kernel.architectures[-1]}"]
            assert 1 <= int(np.prod(step.block)) <= 1024
            assert step.block[2] <= 64
            assert all(extent >= 1 for extent in step.grid)
            assert max(step.grid[1:]) < 1 << 16
            assert step.shared <= 227 * 1024
            for argument in step.arguments:
                assert isinstance(argument, np.generic) or argument in buffers


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_inputs_are_those_of_the_seed(kernel: Kernel) -> None:
    case = (kernel.checks or kernel.cases)[0]
    first, again = (kernel.definition.inputs(case, np.random.default_rng(5)) for _ in range(2))
    assert list(first) == list(again)
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("validation.kernels.kernel.HERE", tmp_path)
    (tmp_path / "suite").mkdir()
    for suffix in (".cu", ".py"):
        (tmp_path / "suite" / f"k{suffix}").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about: [", "not YAML"),
        ("just text", "expected keys"),
        ("about: x\ncases: [{n: 1}]\nspeed: 3", "speed: no such key; there are about"),
        ("about: x", "cases is missing"),
        ("cases: [{n: 1}]", "about is missing"),
        ("about: x\ncases: 16384", "cases: expected a list of sizes"),
        ("about: x\ncases: [16384, 5]", "cases: expected a list of sizes"),
        ("about: x\ncases: [{n: 1}]\nchecks: {n: 1}", "checks: expected a list of sizes"),
        ("about: x\ncases: [{n: 1}]\ntolerance: abc", "tolerance: expected a number, not 'abc'"),
        ("about: x\ncases: [{n: 1}]\nfirst_architecture: sm_80", "first_architecture: expected a number"),
    ],
)
def test_a_wrong_description_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "suite" / "k.yaml").write_text(text)
    with pytest.raises(KernelError, match=message) as caught:
        catalogue()
    assert str(folder / "suite" / "k.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_description_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "suite" / "k.yaml").write_bytes(b"about: \xff\xfe")
    with pytest.raises(KernelError, match="not YAML"):
        catalogue()


def test_a_python_file_that_cannot_be_imported_is_told(folder: Path) -> None:
    (folder / "suite" / "k.yaml").write_text("about: x\ncases: [{n: 1}]\n")
    with pytest.raises(KernelError, match=r"k\.py: ModuleNotFoundError"):
        catalogue()["k"].has_reference  # noqa: B018


def test_a_missing_source_and_a_name_used_twice_are_refused(folder: Path) -> None:
    (folder / "suite" / "k.yaml").write_text("about: x\ncases: [{n: 1}]\n")
    assert list(catalogue()) == ["k"]
    (folder / "other").mkdir()
    for suffix in (".cu", ".py", ".yaml"):
        (folder / "other" / f"k{suffix}").write_text((folder / "suite" / f"k{suffix}").read_text())
    with pytest.raises(KernelError, match="k exists already in other"):
        catalogue()
    (folder / "other" / "k.cu").unlink()
    with pytest.raises(KernelError, match=r"k\.cu is missing"):
        catalogue()


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(KernelError, match=r"absent: no such kernel; `python -m .* --list` shows them"):
        load("absent")
    with pytest.raises(KernelError, match=r"vectorad: no such kernel; did you mean vectoradd\?"):
        load("vectorad")
