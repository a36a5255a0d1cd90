"""The event log behind `--follow`: compiled stages append to a fixed array, Python makes sentences of it."""

from numba import from_dtype, int64, void

from sim.gpu.state import LOG
from sim.jit import njit


# The signature keeps Numba from compiling a version for each literal event number.
@njit(void(from_dtype(LOG)[::1], int64[::1], int64, int64, int64, int64, int64))
def note(log, count, cycle, warp, row, event, value):  # type: ignore[no-untyped-def]
    """Append one event; a full log keeps counting, so that the reader can say how much is missing."""
    n = int(count[0])
    if n < log.shape[0]:
        entry = log[n]
        entry["cycle"] = cycle
        entry["warp"] = warp
        entry["row"] = row
        entry["event"] = event
        entry["value"] = value
    count[0] = n + 1
