"""Each kernel's own CUDA source, compiled for the CPU, computes what its NumPy reference says."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from tests.validation import on_cpu
from validation.kernels import Kernel, case_id, catalogue, mismatch

#: Kernels whose source holds inline PTX of their own cannot be compiled for a CPU.
KERNELS = [k for k in catalogue().values() if k.has_reference and k.suite != "micro"]

pytestmark = pytest.mark.skipif(on_cpu.COMPILER is None, reason="needs g++")


def _problems(kernel: Kernel, folder: Path) -> list[str]:
    library = on_cpu.build(kernel, folder)
    found = []
    for case in kernel.checks:
        buffers = kernel.definition.inputs(case, np.random.default_rng(7))
        expected = kernel.definition.reference(case, buffers)
        for backwards in (False, True):
            got = on_cpu.run(kernel, case, buffers, library, backwards)
            where = f"{case_id(case)}{' backwards' if backwards else ''}"
            for name, array in expected.items():
                problem = mismatch(array, got[name], kernel.tolerance)
                if problem:
                    found.append(f"{where}: {name}: {problem}")
            for name, array in buffers.items():
                if name not in expected and not np.array_equal(array, got[name], equal_nan=array.dtype.kind == "f"):
                    found.append(f"{where}: {name} was changed, and the reference does not say so")
    return found


def _child(kernel: Kernel, folder: Path, answers: "multiprocessing.Queue[list[str]]") -> None:
    answers.put(_problems(kernel, folder))


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_the_source_computes_its_reference(kernel: Kernel, tmp_path: Path) -> None:
    """In a process of its own: a wild write or a deadlock ends that process, not the suite."""
    assert kernel.checks, "give it small sizes under `checks`"
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[list[str]] = context.Queue()
    child = context.Process(target=_child, args=(kernel, tmp_path, answers))
    child.start()
    child.join(timeout=120)
    if child.is_alive():
        child.kill()
        pytest.fail("still running after 120 s")
    assert child.exitcode == 0, f"the run ended with {child.exitcode}"
    assert answers.get(timeout=10) == []
