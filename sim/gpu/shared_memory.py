"""The shared-memory array of an SM: one access after the other, each for as long as its bank conflicts take (§7.3)."""

from sim.gpu.counters import SHARED_CYCLES, SHARED_REQUESTS
from sim.jit import njit

#: Memory space of a memory operation that the trace places in shared memory (sim.isa.opcodes.MemorySpace.SHARED).
SHARED_SPACE = 2


@njit
def shared_access(sm, cycles, cycle, events):  # type: ignore[no-untyped-def]
    """Start of an access to the shared-memory array, which conflicts keep busy for `cycles` (§7.3)."""
    start = max(cycle, int(sm["shared_free"]))
    sm["shared_free"] = start + max(1, cycles)
    events[SHARED_REQUESTS] += 1
    events[SHARED_CYCLES] += max(1, cycles)
    return start
