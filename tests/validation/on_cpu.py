"""Compiles a kernel's CUDA source for the CPU (cuda_on_cpu/) and runs its launches there.

Needs g++. Buffers stand between guard zones, so that a write outside of one is found.
"""

import ctypes
import multiprocessing
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.kernels import Buffers, Case, Kernel

HERE = Path(__file__).resolve().parent / "cuda_on_cpu"
INCLUDE = HERE.parent.parent.parent / "validation" / "kernels" / "include"
COMPILER = shutil.which("g++")
#: Fused multiply-add, as GPUs have it, must be asked for on x86.
FUSED = ("-mfma",) if platform.machine() == "x86_64" else ()
GUARD = 4096
#: Quiet NaNs as floats: what is read from outside a buffer spoils the result.
GUARD_BYTE = 0xFF


def build(kernel: Kernel, folder: Path) -> ctypes.CDLL:
    """The kernel as a library with a function `run_NAME` for each `__global__` function."""
    text = kernel.source.read_text(encoding="utf-8")
    functions = re.findall(r'extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)', text)
    assert functions, f'{kernel.source}: no `extern "C" __global__ void NAME`'
    entries = "\n".join(f"CUDA_ENTRY({name})" for name in functions)
    wrapper = folder / f"{kernel.name}.cpp"
    wrapper.write_text(f'#include "cuda_on_cpu.h"\n#include "{kernel.source}"\n{entries}\n')
    library = folder / f"{kernel.name}.so"
    defines = [flag for flag in kernel.flags if flag.startswith("-D")]
    command = [
        str(COMPILER), "-std=c++17", "-O1", "-shared", "-fPIC", "-w", "-ffp-contract=fast",
        *FUSED, *defines, f"-I{HERE}", f"-I{INCLUDE}", str(wrapper),
        "-x", "c", str(HERE / "dynamic_shared.c"), "-o", str(library),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return ctypes.CDLL(str(library))


class Guarded:
    """A copy of an array between two guard zones."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.memory = np.full(array.nbytes + 2 * GUARD, GUARD_BYTE, np.uint8)
        self.inside = self.memory[GUARD : GUARD + array.nbytes]
        self.inside[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.shape, self.dtype = array.shape, array.dtype

    @property
    def address(self) -> int:
        return int(self.inside.ctypes.data)

    @property
    def value(self) -> NDArray[Any]:
        return self.inside.view(self.dtype).reshape(self.shape)

    @property
    def intact(self) -> bool:
        return bool((self.memory[:GUARD] == GUARD_BYTE).all() and (self.memory[-GUARD:] == GUARD_BYTE).all())


def run(kernel: Kernel, case: Case, buffers: Buffers, library: ctypes.CDLL, backwards: bool = False) -> Buffers:
    """What the buffers hold after the kernel's launches; fails if anything was written outside them.

    `backwards`: the last thread and the last CTA run first.
    """
    library.set_backwards(int(backwards))
    guarded = {name: Guarded(array) for name, array in buffers.items()}
    for step in kernel.definition.launches(case, buffers):
        cells: list[Any] = []
        for argument in step.arguments:
            if isinstance(argument, str):
                cells.append(ctypes.c_uint64(guarded[argument].address))
            else:
                cells.append(ctypes.create_string_buffer(argument.tobytes(), max(8, argument.itemsize)))
        pointers = (ctypes.c_void_p * len(cells))(*[ctypes.addressof(cell) for cell in cells])
        extents = (ctypes.c_uint * 3)(*step.grid), (ctypes.c_uint * 3)(*step.block)
        getattr(library, f"run_{step.function}")(*extents, pointers)
    for name, guard in guarded.items():
        assert guard.intact, f"{kernel.name}: something was written outside {name}"
    return {name: guard.value for name, guard in guarded.items()}


def in_a_fork(find: Callable[..., list[str]], *arguments: Any, seconds: float = 120) -> list[str]:
    """What `find` finds in a process of its own: a wild write or a deadlock ends that process and is reported."""
    context = multiprocessing.get_context("fork")
    answer, teller = context.Pipe(duplex=False)
    child = context.Process(target=lambda: teller.send(find(*arguments)))
    child.start()
    teller.close()
    found: list[str] = []
    if answer.poll(seconds):
        with suppress(EOFError):  # it ended without an answer
            found = answer.recv()
        child.join(10)
    if child.is_alive():
        child.kill()
        child.join()
        found.append(f"the run did not end in {seconds:g} s")
    elif child.exitcode:
        found.append(f"the run ended with {child.exitcode}")
    return found
