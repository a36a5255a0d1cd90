"""What holds for every micro-benchmark: its two files agree."""

import pytest

from tests.validation.kernels.source import constants
from validation.kernels import Kernel, catalogue

KERNELS = {kernel.name: kernel for kernel in catalogue().values() if kernel.suite == "micro"}

#: Numbers that the Python file repeats from the source.
REPEATED = {
    "async_copy": ("LATENCY_STEPS", "THROUGHPUT_STEPS", "GROUP", "THREADS"),
    "atomics": ("SHARED_WORDS", "UNROLLED"),
    "bandwidth": ("THREADS",),
    "bandwidth_stride": ("THREADS", "LOADS", "MOST_THREADS"),
    "barriers": ("STEPS",),
    "constant_latency": ("WORDS",),
    "fp32_peak": ("CHAINS", "STEPS"),
    "instructions": ("LATENCY_STEPS", "THROUGHPUT_STEPS", "CHAINS"),
    "ldmatrix_rate": ("LATENCY_STEPS", "THROUGHPUT_STEPS", "CHAINS"),
    "mma_shapes": ("LATENCY_STEPS", "THROUGHPUT_STEPS", "SUMS"),
    "shared_conflicts": ("THREADS", "UNROLLED"),
    "tensor_peak": ("TILES_A", "TILES_B", "STEPS"),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_the_measured_cases_launch_every_function_of_the_source_and_no_other(kernel: Kernel) -> None:
    """By the compiler's report, which a test of its own keeps fresh: most names come out of macros."""
    launched = {step.function for case in kernel.cases for step in kernel.definition.launches(case, {})}
    assert launched == set(kernel.resources["sm_90"])


@pytest.mark.parametrize("name", REPEATED)
def test_python_and_cuda_agree_on_constants(name: str) -> None:
    source = constants(KERNELS[name])
    for key in REPEATED[name]:
        assert getattr(KERNELS[name].definition, key) == source[key], key
