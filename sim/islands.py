"""The compiled islands: which modules hold compiled entry points, whether they are in the cache, and how to build them.

Numba compiles an island when its module is imported. `warm_up` imports the islands in processes of their own, side by
side, under a lock, so that several commands that start at once do not compile the same code several times.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.errors import RunFailed

_PACKAGE = Path(__file__).resolve().parent

#: Module of each island -> the file of its entry point, and the entry point.
ISLANDS = {"sim.gpu.simulate": ("gpu/chip.py", "run_chip"), "sim.trace.expand": ("trace/expand.py", "_expand")}


def is_warm() -> bool:
    """Whether all islands are in the cache, or nothing is compiled at all (`NUMBA_DISABLE_JIT=1`)."""
    import numba

    from sim import jit

    return bool(getattr(numba.config, "DISABLE_JIT", 0)) or not _missing(jit.cache_directory())


def warm_up() -> list[str]:
    """Compile the islands that are missing from the cache; returns their modules. Raises RunFailed."""
    if is_warm():
        return []
    from sim import jit

    directory = jit.cache_directory()
    with _locked(directory):
        missing = _missing(directory)
        workers = [
            subprocess.Popen([sys.executable, "-c", f"import {module}"], env=_environment(), stderr=subprocess.PIPE)
            for module in missing
        ]
        for module, worker in zip(missing, workers, strict=True):
            _, errors = worker.communicate()
            if worker.returncode:
                last = errors.decode(errors="replace").strip().splitlines()
                raise RunFailed(f"{module}: cannot be compiled: {last[-1] if last else 'no message'}")
    return missing


def _missing(directory: Path) -> list[str]:
    """Modules of the islands that are not in the cache; a copy of the same source elsewhere has its own entries."""
    from numba.core.caching import _CacheLocator

    missing = []
    for module, (file, entry) in ISLANDS.items():
        source = _PACKAGE / file
        subpath = _CacheLocator.get_suitable_cache_subpath(str(source))  # type: ignore[no-untyped-call]
        folder = directory / subpath
        if not any(folder.glob(f"{source.stem}.{entry}-*.nbi")):
            missing.append(module)
    return missing


def _environment() -> dict[str, str]:
    """This process's environment, with this `sim` first on the path."""
    root = str(_PACKAGE.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root}


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Only one process compiles into `directory` at a time; others wait."""
    import fcntl

    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = open(directory / "lock", "w", encoding="utf-8")  # noqa: SIM115  (the file is the lock; closed below)
    except OSError as error:
        raise RunFailed(f"{directory}: cannot keep compiled code: {error.strerror}; set TICKWISE_CACHE") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
