"""One SASS instruction, read once from its text: guard, opcode, operands as integers.

The same parser serves listings, side files of traces and disassembly. It accepts what nvdisasm prints, with or without
the trailing semicolon and the scheduling remarks (`&req=`, `?trans`) that recent versions append.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sim.errors import TraceError
from sim.isa.operand import TRUE_PREDICATE, Operand, OperandKind, read_operand, split_operands
from sim.isa.shapes import shaped
from sim.isa.space import MemorySpace, space_of

_REMARKS = re.compile(r"\s(?:&\w+=\S*|\?\w+)|\(\*.*?\*\)|/\*.*?\*/")
_GUARD = re.compile(r"@(!?)(U?)P(\d|T)\s+")
_OPCODE = re.compile(r"([A-Z][A-Z0-9_]*)((?:\.[A-Za-z0-9_]+)*)(?=\s|$)")
_PAIRED = re.compile(r"(U?R(?:\d+|Z)(?:\.\w+)*)\s+(\S.*)")


@dataclass(frozen=True, slots=True)
class Guard:
    """The predicate before an instruction: `@!P0` is (0, negated, not uniform)."""

    index: int
    negated: bool = False
    uniform: bool = False


@dataclass(frozen=True)
class Instruction:
    """A parsed instruction; `opcode` is the first token of the mnemonic, `modifiers` the rest."""

    text: str
    guard: Guard | None
    opcode: str
    modifiers: tuple[str, ...]
    operands: tuple[Operand, ...]

    @property
    def mnemonic(self) -> str:
        """Opcode with its modifiers, as printed."""
        return ".".join((self.opcode, *self.modifiers))

    @cached_property
    def destinations(self) -> tuple[Operand, ...]:
        """Operands that the instruction writes."""
        return tuple(o for o in self.operands if o.is_destination)

    @cached_property
    def sources(self) -> tuple[Operand, ...]:
        """Operands that it reads; the registers of an address or an indexed constant stand after it."""
        found: list[Operand] = []
        for operand in self.operands:
            if operand.is_destination:
                continue
            found.append(operand)
            found += address_registers(operand)
        return tuple(found)

    @cached_property
    def source_slots(self) -> tuple[Operand, ...]:
        """Regular-register source operands in printed order, RZ included (core reference §5, register file cache)."""
        return tuple(o for o in self.operands if o.kind is OperandKind.REGISTER and not o.is_destination)


def address_registers(operand: Operand) -> list[Operand]:
    """The registers inside an address or a constant reference, as operands of their own."""
    found = []
    if operand.kind in (OperandKind.ADDRESS, OperandKind.CONSTANT):
        if operand.base >= 0:
            found.append(Operand(OperandKind.REGISTER, operand.text, index=operand.base, width=operand.base_width))
        if operand.uniform_base >= 0:
            width = 2 if operand.kind is OperandKind.CONSTANT else max(1, operand.base_width if operand.base < 0 else 1)
            found.append(Operand(OperandKind.UNIFORM_REGISTER, operand.text, index=operand.uniform_base, width=width))
    return found


def parse_sass(text: str) -> Instruction:
    """Read one line of SASS; raises `TraceError` that names the piece which could not be read."""
    body = _REMARKS.sub("", text).strip().rstrip(";").strip()
    rest = body
    guard = None
    match = _GUARD.match(rest)
    if match is not None:
        guard = Guard(
            index=TRUE_PREDICATE if match[3] == "T" else int(match[3]),
            negated=bool(match[1]),
            uniform=bool(match[2]),
        )
        rest = rest[match.end() :]
    match = _OPCODE.match(rest)
    if match is None:
        raise TraceError(f"SASS {text.strip()!r}: no opcode found: write it like `FADD R8, R9, R10`")
    opcode, modifiers = match[1], tuple(match[2].split(".")[1:])
    operands: list[Operand] = []
    try:
        for piece in split_operands(rest[match.end() :].strip()):
            pair = _PAIRED.fullmatch(piece)
            for part in pair.groups() if pair is not None else (piece,):
                operands += read_operand(part)
    except TraceError as error:
        raise TraceError(f"SASS {text.strip()!r}: {error}") from None
    return Instruction(body, guard, opcode, modifiers, shaped(opcode, modifiers, tuple(operands)))


def with_reuse(instruction: Instruction, reuse: int) -> Instruction:
    """The instruction with the reuse bits of a control word, where its text shows none.

    Bit i belongs to source place i (A, B, C), which constants and immediates take up too; a bit on anything but a
    register means something else for that opcode and is left alone (core reference §1.1).
    """
    if not reuse or any(o.reuse for o in instruction.operands):
        return instruction
    operands = tuple(
        replace(o, reuse=True) if o.kind is OperandKind.REGISTER and o.slot >= 0 and reuse >> o.slot & 1 else o
        for o in instruction.operands
    )
    return replace(instruction, operands=operands)


def reuse_mask(instruction: Instruction) -> int:
    """Reuse bits as the control word holds them, from the operands."""
    mask = 0
    for operand in instruction.operands:
        if operand.reuse and operand.slot >= 0:
            mask |= 1 << operand.slot
    return mask


def synthesize(opcode_text: str, destinations: Sequence[int], sources: Sequence[int]) -> Instruction:
    """An instruction from an opcode and bare register lists, for traces without SASS text.

    Predicates, uniform registers, constants and immediates are unknown. The first source of a memory access is taken
    as its address, as SASS prints it first; the others follow in order.
    """
    opcode, *modifiers = opcode_text.split(".")
    operands = [Operand(OperandKind.REGISTER, f"R{n}" if n != 255 else "RZ", index=n) for n in destinations]
    rest = list(sources)
    if space_of(opcode) not in (MemorySpace.NONE, MemorySpace.CONSTANT):
        base = rest.pop(0) if rest else -1
        text = "[?]" if base < 0 else f"[R{base}]" if base != 255 else "[RZ]"
        operands.append(Operand(OperandKind.ADDRESS, text, base=base, base_width=int(base >= 0)))
    operands += [Operand(OperandKind.REGISTER, f"R{n}" if n != 255 else "RZ", index=n) for n in rest]
    result = shaped(opcode, tuple(modifiers), tuple(operands), results=len(destinations))
    text = f"{opcode_text} {', '.join(o.text for o in operands)}".strip()
    return Instruction(text, None, opcode, tuple(modifiers), result)
