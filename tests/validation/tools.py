"""Marks for tests that need compilers: skipped, and counted by pytest, where they are absent or do not work."""

import shutil

import pytest

from validation.kernels.build import BuildError, find_compiler


def _nvcc_works() -> bool:
    """Not only there: it also needs a host compiler."""
    try:
        find_compiler("nvcc")
    except BuildError:
        return False
    return True


NVCC = _nvcc_works()
needs_nvcc = pytest.mark.skipif(not NVCC, reason="needs nvcc and a host compiler")
needs_gxx = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
