"""What an instruction does to memory: the space, the bytes of a lane, and how many addresses a trace gives for it."""

from sim.isa.groups import group
from sim.isa.instruction import Instruction
from sim.isa.shapes import data_registers
from sim.isa.space import MemorySpace as MemorySpace
from sim.isa.space import space_of as space_of

_ATOMICS = group("atomic")
_STORES = group("store")
_MATRIX_TRANSFERS = group("matrix_transfer")
_SMALL = {"U8": 1, "S8": 1, "8": 1, "U16": 2, "S16": 2, "16": 2}
#: An 8 x 8 matrix of 16-bit elements is eight rows of this many bytes; each row has its own address.
_MATRIX_ROW_BYTES = 16
_MATRIX_ROWS = 8
_LANES = 32


def memory_space(instruction: Instruction) -> MemorySpace:
    """Address space that the instruction accesses; LDGSTS counts as GLOBAL, its shared side is the second reference."""
    return space_of(instruction.opcode)


def access_bytes(instruction: Instruction) -> int:
    """Bytes that one address stands for: a lane's value, or a matrix row of LDSM and STSM; 0 without an access."""
    opcode = instruction.opcode
    if space_of(opcode) is MemorySpace.NONE:
        return 0
    if opcode in _MATRIX_TRANSFERS:
        return _MATRIX_ROW_BYTES
    if opcode == "LDGSTS":
        return next((int(m) // 8 for m in instruction.modifiers if m in ("32", "64", "128")), 4)
    small = next((_SMALL[m] for m in instruction.modifiers if m in _SMALL), 0)
    return small or 4 * data_registers(opcode, instruction.modifiers)


def address_lanes(instruction: Instruction) -> int:
    """Lanes whose addresses count: LDSM and STSM of one or two matrices use those of the first 8 or 16 lanes."""
    if instruction.opcode in _MATRIX_TRANSFERS:
        return _MATRIX_ROWS * data_registers(instruction.opcode, instruction.modifiers)
    return _LANES


def reference_count(instruction: Instruction) -> int:
    """Address references of an executed instance: 1 for an access, 2 for LDGSTS (global, then shared), else 0."""
    if space_of(instruction.opcode) in (MemorySpace.NONE, MemorySpace.CONSTANT):
        return 0
    return 2 if instruction.opcode == "LDGSTS" else 1


def is_atomic(instruction: Instruction) -> bool:
    """Whether it reads, changes and writes memory in one step."""
    return instruction.opcode in _ATOMICS


def is_load(instruction: Instruction) -> bool:
    """Whether it brings a value from memory to the SM: loads, LDGSTS, and atomics that return the old value."""
    opcode = instruction.opcode
    if opcode in _ATOMICS:
        return bool(instruction.destinations)
    return space_of(opcode) is not MemorySpace.NONE and opcode not in _STORES


def is_store(instruction: Instruction) -> bool:
    """Whether it changes memory outside the registers: stores, atomics and reductions."""
    return instruction.opcode in _STORES or instruction.opcode in _ATOMICS
