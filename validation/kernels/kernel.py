"""Finds the kernels and opens one: NAME.cu, NAME.yaml and NAME.py in the folder of its suite.

The YAML holds what a reader wants to see at a glance (what it is, sizes, tolerance, first architecture) and, below the
line `resources:`, what the compiler reported; resources.py writes that part.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import yaml

from validation.kernels.model import Buffers, Case, Launch, Reading

HERE = Path(__file__).resolve().parent
INCLUDE = HERE / "include"
#: What the kernels are compiled for; a kernel starts at its own `first_architecture`.
ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)
#: libyaml where PyYAML was built with it: the reports below `resources:` are long.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: The suite of the micro-benchmarks.
MICRO = "micro"
_KEYS = {"about", "follows", "first_architecture", "tolerance", "flags", "cases", "checks", "profile", "resources"}


class KernelError(Exception):
    """A kernel's files do not fit together; the text says which file, what and what to do."""


class Definition(Protocol):
    """The functions of a kernel's Python file."""

    def inputs(self, case: Case, rng: np.random.Generator) -> Buffers:
        """Every buffer as it is before the first launch; those that are only written come from `poison`."""

    def launches(self, case: Case, buffers: Buffers) -> list[Launch]:
        """The launches of one run, in order."""

    def reference(self, case: Case, buffers: Buffers) -> Buffers:
        """What the buffers that the run writes must hold after it."""

    def readings(self, case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
        """What the buffers after the run, and the time it took, say of the hardware."""


@dataclass(frozen=True)
class Kernel:
    """One kernel of the catalogue."""

    suite: str
    name: str
    about: str
    follows: str  # the published kernel whose measured rows apply, or empty
    first_architecture: int
    tolerance: float
    flags: tuple[str, ...]  # compiler options beyond the common ones
    cases: tuple[Case, ...]  # measured
    checks: tuple[Case, ...]  # small and odd sizes, checked only
    profile: bool  # whether counters are wanted of its launches
    resources: dict[str, Any]

    @property
    def source(self) -> Path:
        """The CUDA source."""
        return HERE / self.suite / f"{self.name}.cu"

    @property
    def yaml(self) -> Path:
        """The file with sizes and reports."""
        return self.source.with_suffix(".yaml")

    @cached_property
    def definition(self) -> Definition:
        """The kernel's Python file; raises KernelError where it cannot be imported."""
        try:
            return cast(Definition, import_module(f"validation.kernels.{self.suite}.{self.name}"))
        except Exception as error:
            raise KernelError(f"{self.source.with_suffix('.py')}: {type(error).__name__}: {error}") from error

    @property
    def is_micro(self) -> bool:
        """Whether it is a micro-benchmark: it gives the model a parameter, and is no kernel to predict."""
        return self.suite == MICRO

    @property
    def has_reference(self) -> bool:
        """Whether outputs can be checked."""
        return hasattr(self.definition, "reference")

    @property
    def has_readings(self) -> bool:
        """Whether a run says something of the hardware beyond its time."""
        return hasattr(self.definition, "readings")

    @property
    def architectures(self) -> tuple[int, ...]:
        """Compute capabilities (86 = 8.6) that have the kernel's instructions."""
        return tuple(arch for arch in ARCHITECTURES if arch >= self.first_architecture)


def _read(path: Path) -> Kernel:
    try:
        text = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KernelError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror or error}") from error
    if not isinstance(text, dict):
        raise KernelError(f"{path}: expected keys such as `about` and `cases`")
    for key in text:
        if key not in _KEYS:
            raise KernelError(f"{path}: {key}: no such key; there are {', '.join(sorted(_KEYS))}")
    for key in ("about", "cases"):
        if not text.get(key):
            raise KernelError(f"{path}: {key} is missing")
    for suffix in (".cu", ".py"):
        if not path.with_suffix(suffix).is_file():
            raise KernelError(f"{path.with_suffix(suffix)} is missing beside {path.name}")
    for key in ("cases", "checks"):
        given = text.get(key, [])
        if not isinstance(given, list) or not all(isinstance(case, dict) for case in given):
            raise KernelError(f"{path}: {key}: expected a list of sizes, such as `- {{n: 1024, block: 256}}`")
    for key in ("tolerance", "first_architecture"):
        if not isinstance(text.get(key, 0), int | float):
            raise KernelError(f"{path}: {key}: expected a number, not {text[key]!r}")
    return Kernel(
        suite=path.parent.name,
        name=path.stem,
        about=text["about"],
        follows=text.get("follows", ""),
        first_architecture=int(text.get("first_architecture", ARCHITECTURES[0])),
        tolerance=float(text.get("tolerance", 0.0)),
        flags=tuple(text.get("flags", ())),
        cases=tuple(text["cases"]),
        checks=tuple(text.get("checks", ())),
        profile=bool(text.get("profile", True)),
        resources=text.get("resources") or {},
    )


def _files() -> Iterator[Path]:
    yield from sorted(HERE.glob("*/*.yaml"))


def catalogue() -> dict[str, Kernel]:
    """Every kernel by name, in the order of suites and names.

    Raises KernelError where files are missing, unreadable or share a name.
    """
    found: dict[str, Kernel] = {}
    for path in _files():
        kernel = _read(path)
        if kernel.name in found:
            raise KernelError(f"{path}: {kernel.name} exists already in {found[kernel.name].suite}")
        found[kernel.name] = kernel
    return found


def load(name: str) -> Kernel:
    """One kernel by name; raises KernelError if there is none."""
    for path in _files():
        if path.stem == name:
            return _read(path)
    near = get_close_matches(name, [path.stem for path in _files()], 1)
    hint = f"did you mean {near[0]}?" if near else "`python -m validation.hardware --list` shows them"
    raise KernelError(f"{name}: no such kernel; {hint}")
