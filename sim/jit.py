"""The compiler behind the clocked core: Numba, with a cache that notices every change.

Numba's file cache is keyed by the source file of the cached function alone: a changed callee in another file goes
unnoticed. So each cache directory is named by a hash of all compiled sources, Numba's version and the CPU, and it is
chosen here, before the first decorator runs. `NUMBA_DISABLE_JIT=1` leaves the same source to the interpreter.
"""

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

_ROOT = Path(__file__).parent
#: Packages whose files hold compiled code; any change in them opens a new cache directory.
_COMPILED = ("gpu", "trace", "memory", "isa")

F = TypeVar("F", bound=Callable[..., Any])
_compile_seconds = 0.0


@cache
def source_hash() -> str:
    """Hash of every file that may hold compiled code, the Numba version and the CPU (16 hex digits)."""
    import numba

    digest = hashlib.sha256()
    files = [_ROOT / "jit.py"]
    for package in _COMPILED:
        files += sorted((_ROOT / package).glob("*.py"))
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    digest.update(numba.__version__.encode())
    digest.update(f"{platform.machine()} {platform.processor()} {_cpu_model()}".encode())
    return digest.hexdigest()[:16]


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line for line in lines if line.startswith("model name")), "")
    except OSError:
        return ""


def cache_directory() -> Path:
    """Where compiled code is kept: `TICKWISE_CACHE`, else the user's cache, else the temporary folder."""
    root = os.environ.get("TICKWISE_CACHE")
    if root:
        return Path(root) / "compiled" / source_hash()
    directory = Path()
    for place in (_user_cache() / "tickwise", Path(tempfile.gettempdir()) / f"tickwise-{os.getuid()}"):
        directory = place / "compiled" / source_hash()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(directory, os.W_OK):
            return directory
    return directory


def _user_cache() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home folder
        return Path(tempfile.gettempdir())


def _configure() -> None:
    import numba

    if not numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        numba.config.CACHE_DIR = str(cache_directory())  # type: ignore[attr-defined]


_configure()


def njit(*signature: Any, allocates: bool = False, **options: Any) -> Any:
    """`numba.njit` with this project's options; with a signature the time that compiling took is counted.

    Compiled code works on arrays that the caller owns, so reference counting is off: counting every record and array
    that a stage touches took a quarter to a half of the core's time. `allocates=True` switches it on for code that
    makes arrays.

    Entry points give their signature (compiled, or read from the cache, when the module is imported); helpers give
    none and are compiled into their callers.
    """
    import numba

    options["_nrt"] = allocates
    options["error_model"] = "numpy"  # no test for a zero divisor before each division
    if len(signature) == 1 and isinstance(signature[0], FunctionType):
        return numba.njit(signature[0], nogil=True, **options)

    def decorate(function: F) -> Any:
        global _compile_seconds
        start = time.perf_counter()
        compile_with: Any = numba.njit
        compiled = compile_with(*signature, cache=True, nogil=True, **options)(function)
        _compile_seconds += time.perf_counter() - start
        return compiled

    return decorate


def compile_seconds() -> float:
    """Seconds spent so far in compiling, or in loading compiled code from the cache."""
    return _compile_seconds
