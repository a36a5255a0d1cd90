"""The compiler behind the clocked core: Numba, with a cache that notices every change.

Numba's file cache is keyed by the source file of the cached function alone: a changed callee in another file goes
unnoticed. So each compiled island (a module with entry points) has a cache directory of its own, named by a hash of all
of the project's modules that it imports, Numba's version and the CPU; it is chosen before the decorator of an entry
point runs. `NUMBA_DISABLE_JIT=1` leaves the same source to the interpreter.
"""

import ast
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

F = TypeVar("F", bound=Callable[..., Any])
_compile_seconds = 0.0


@cache
def sources_of(file: Path) -> frozenset[Path]:
    """The modules of this package that `file` imports when it is loaded, directly or not, and itself."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(module)
    return frozenset(found)


@cache
def _imports(file: Path) -> list[Path]:
    """Files of this package that a file's top-level `from sim... import` statements name."""
    named = []
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == _ROOT.name:
            module = _ROOT.parent.joinpath(*str(node.module).split("."))
            named += [module / f"{alias.name}.py" for alias in node.names] + [module.with_suffix(".py")]
    return [path for path in named if path.is_file()]


@cache
def source_hash(file: Path) -> str:
    """Hash of all sources of an island, the Numba version and the CPU (16 hex digits)."""
    import numba

    digest = hashlib.sha256()
    for source in sorted(sources_of(file)):
        digest.update(os.path.relpath(source, _ROOT).encode())
        digest.update(source.read_bytes())
    digest.update(numba.__version__.encode())
    digest.update(f"{platform.machine()} {platform.processor()} {_cpu_model()}".encode())
    return digest.hexdigest()[:16]


@cache
def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line for line in lines if line.startswith("model name")), "")
    except OSError:
        return ""


@cache
def cache_root() -> Path:
    """Where compiled code is kept: `TICKWISE_CACHE`, else the user's cache, else the temporary folder."""
    root = os.environ.get("TICKWISE_CACHE")
    if root:
        return Path(root) / "compiled"
    directory = Path()
    for place in (_user_cache() / "tickwise", Path(tempfile.gettempdir()) / f"tickwise-{os.getuid()}"):
        directory = place / "compiled"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(directory, os.W_OK):
            return directory
    return directory


def island_directory(file: Path) -> Path:
    """The cache directory of the island whose entry points are in `file`."""
    return cache_root() / f"{file.stem}-{source_hash(file)}"


def _user_cache() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home folder
        return Path(tempfile.gettempdir())


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
        """Compile an entry point now, or read it from its island's cache directory."""
        global _compile_seconds
        start = time.perf_counter()
        disabled = numba.config.DISABLE_JIT  # type: ignore[attr-defined]
        if not disabled:
            numba.config.CACHE_DIR = str(island_directory(Path(function.__code__.co_filename)))  # type: ignore[attr-defined]
        compile_with: Any = numba.njit
        compiled = compile_with(*signature, cache=True, nogil=True, **options)(function)
        _compile_seconds += time.perf_counter() - start
        return compiled

    return decorate


def stage(function: Callable[..., Any]) -> Any:
    """`njit` for a stage that is called in one place: it becomes part of its caller.

    A call passes an array as seven words, all on the stack. A pipeline stage takes tens of arrays, and handing them
    over costs as much as what the stage does in most cycles: a third of the core's time where every stage was a call.
    """
    return njit(function, forceinline=True)


def table(dtype: Any) -> Any:
    """Type of a C-contiguous array of records, for the signatures of entry points."""
    from numba import from_dtype

    return from_dtype(dtype)[::1]


def compile_seconds() -> float:
    """Seconds spent so far in compiling, or in loading compiled code from the cache."""
    return _compile_seconds
