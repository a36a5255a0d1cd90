"""What the compiled drivers of this folder share: the digest of results, and the same digest from the interpreter.

A call from Python costs more than the function that is called, so each driver takes a whole stream of operations and
writes a row of results for each. Each file of a driver prints its digest when it is run as a module.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import from_dtype

Array = npt.NDArray[Any]
_ROOT = Path(__file__).resolve().parents[2]


def table_of(dtype: np.dtype[np.void]) -> Any:
    """Numba's type of a contiguous array of records."""
    return from_dtype(dtype)[::1]


def digest_of(*arrays: Array) -> str:
    """Digest of all values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.tolist()).encode())
    return digest.hexdigest()


def interpreted(module: str) -> str:
    """What a driver's module prints in a process without the compiler."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=_ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
