"""Each kernel's own CUDA source, compiled for the CPU, computes what its NumPy reference says."""

from pathlib import Path

import numpy as np
import pytest

from tests.validation import on_cpu
from validation.kernels import Kernel, case_id, catalogue, mismatch

#: Kernels whose source holds inline PTX of their own cannot be compiled for a CPU.
KERNELS = [k for k in catalogue().values() if k.has_reference and not k.is_micro]

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


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_the_source_computes_its_reference(kernel: Kernel, tmp_path: Path) -> None:
    assert kernel.checks, "give it small sizes under `checks`"
    assert on_cpu.in_a_fork(_problems, kernel, tmp_path) == []
