"""Kernels of our own: a CUDA source, its sizes (YAML) and its inputs, launches and NumPy reference (Python), by suite.

`catalogue()` lists them, `load(name)` opens one; the other names are what a kernel's Python file is made of. README.md
beside this file says how to add one.
"""

from validation.kernels.check import error, mismatch
from validation.kernels.kernel import Kernel, KernelError, catalogue, load
from validation.kernels.model import Buffers, Case, Launch, Reading, case_id, ceil_div, launch, poison

__all__ = [
    "Buffers",
    "Case",
    "Kernel",
    "KernelError",
    "Launch",
    "Reading",
    "case_id",
    "catalogue",
    "ceil_div",
    "error",
    "launch",
    "load",
    "mismatch",
    "poison",
]
