"""The address space of an opcode."""

from enum import IntEnum

from sim.isa.groups import group


class MemorySpace(IntEnum):
    """Where an access goes; GENERIC is decided by each address."""

    NONE = 0
    GLOBAL = 1
    SHARED = 2
    LOCAL = 3
    CONSTANT = 4
    GENERIC = 5


_SPACE_OF = {opcode: space for space in list(MemorySpace)[1:] for opcode in group(space.name.lower())}


def space_of(opcode: str) -> MemorySpace:
    """Address space of an opcode, NONE for one that has no addresses of its own."""
    return _SPACE_OF.get(opcode, MemorySpace.NONE)
