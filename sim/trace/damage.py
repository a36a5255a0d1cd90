"""What a damaged `.twt` file makes the libraries raise becomes one sentence."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from sim.errors import TraceError

ADVICE = "write it again with `tickwise import`"


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Reading of `path` inside this block raises `TraceError` where the file is cut off or damaged."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError, OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).split("\n")[0]
        raise TraceError(f"{path}: not a whole .twt file ({reason}): {ADVICE}") from None
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise TraceError(f"{path}: a table of the file is damaged ({reason}): {ADVICE}") from None
