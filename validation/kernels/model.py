"""The vocabulary of a kernel's Python file: cases, buffers, launches, readings.

Such a file defines `inputs(case, rng)`, `launches(case, buffers)` and at least one of `reference(case, buffers)` and
`readings(case, buffers, seconds)`; kernel.py loads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Sizes and block shape of one run: the keys are the kernel's own (`n`, `block` …).
Case = Mapping[str, Any]
#: Device buffers by name.
Buffers = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Launch:
    """One kernel launch: a buffer is an argument by its name, a scalar by a NumPy scalar of the parameter's type."""

    function: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    arguments: tuple[str | np.generic, ...]
    shared: int = 0  # bytes of dynamic shared memory


@dataclass(frozen=True)
class Reading:
    """A quantity that a kernel reports about the hardware."""

    value: float
    unit: str


def _triple(extent: int | Sequence[int]) -> tuple[int, int, int]:
    given = (extent,) if isinstance(extent, int) else tuple(extent)
    x, y, z = (*given, 1, 1, 1)[:3]
    return int(x), int(y), int(z)


def launch(
    function: str,
    grid: int | Sequence[int],
    block: int | Sequence[int],
    *arguments: str | np.generic,
    shared: int = 0,
) -> Launch:
    """A launch whose grid and block may be given with fewer than three extents."""
    return Launch(function, _triple(grid), _triple(block), arguments, shared)


def ceil_div(dividend: int, divisor: int) -> int:
    """The quotient, rounded up: blocks that cover `dividend` elements."""
    return -(-dividend // divisor)


def poison(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """A buffer that a kernel must write: NaN in floats, an unlikely pattern in integers."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.full(shape, np.nan, kind)
    filled = np.empty(shape, kind)
    filled.reshape(-1).view(np.uint8)[:] = 0xA5
    return filled


def case_id(case: Case) -> str:
    """The case as one word of a table, keys in the YAML's order: `n=1024 block=8`."""
    return " ".join(f"{key}={value}" for key, value in case.items())
