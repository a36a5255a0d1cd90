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

#: Module of each island -> the file of its entry point, and the entry point. The last one binds the others together.
ISLANDS = {
    "sim.trace.expand": ("trace/expand.py", "refill"),
    "sim.gpu.translate": ("gpu/translate.py", "run_translation"),
    "sim.gpu.partition": ("gpu/partition.py", "run_memory"),
    "sim.gpu.island": ("gpu/island.py", "run_sms"),
    "sim.gpu.quanta": ("gpu/quanta.py", "run_quanta"),
}


def is_warm() -> bool:
    """Whether all islands are in the cache, or nothing is compiled at all (`NUMBA_DISABLE_JIT=1`)."""
    import numba

    return bool(getattr(numba.config, "DISABLE_JIT", 0)) or not _missing()


def warm_up() -> list[str]:
    """Compile the islands that are missing from the cache; returns their modules. Raises RunFailed."""
    if is_warm():
        return []
    from sim import jit

    with _locked(jit.cache_root()):
        missing = _missing()
        together = [module for module in missing if module != "sim.gpu.quanta"]
        _build(together)
        _build([module for module in missing if module not in together])
    return missing


def _build(modules: list[str]) -> None:
    """Import modules in processes side by side; Numba compiles them and keeps the code."""
    workers = [
        subprocess.Popen([sys.executable, "-c", f"import {module}"], env=_environment(), stderr=subprocess.PIPE)
        for module in modules
    ]
    for module, worker in zip(modules, workers, strict=True):
        _, errors = worker.communicate()
        if worker.returncode:
            last = errors.decode(errors="replace").strip().splitlines()
            raise RunFailed(f"{module}: cannot be compiled: {last[-1] if last else 'no message'}")


def _missing() -> list[str]:
    """Modules of the islands that are not in the cache; a copy of the same source elsewhere has its own entries."""
    from numba.core.caching import _CacheLocator

    from sim import jit

    missing = []
    for module, (file, entry) in ISLANDS.items():
        source = _PACKAGE / file
        subpath = _CacheLocator.get_suitable_cache_subpath(str(source))  # type: ignore[no-untyped-call]
        folder = jit.island_directory(source) / subpath
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
