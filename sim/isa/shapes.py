"""Which operands an opcode writes, and how many 32-bit registers each covers (core reference §6, last paragraph).

SASS prints results first. Most opcodes write one register, some with predicates before it (`LOP3 P0, R0, …`) or carry
predicates behind it (`IADD3 R2, P1, …`); the exceptions stand in `data/groups.yaml`. Opcodes that are not listed follow
the common form, so a new one is read sensibly before anyone describes it.
"""

import re
from dataclasses import replace

from sim.isa.groups import group
from sim.isa.operand import ZERO_REGISTER, Operand, OperandKind

_NO_RESULT = group("no_result")
_RESULTS_BEFORE_ADDRESS = group("results_before_address")
_ONE_PREDICATE = group("one_predicate")
_TEXTURE = group("texture")
_TWO_RESULTS = group("two_predicates") | group("predicate_and_value") | _TEXTURE
_ALL_BUT_LAST = group("all_but_last")
_ALL_BUT_IMMEDIATES = group("all_but_immediates")
_DOUBLE = group("double") | group("packed_float")
_WIDE_WITH_64 = group("wide_with_64")
_CONVERSION = group("conversion")
_MATRIX = group("matrix")
_WARPGROUP_MATRIX = group("warpgroup_matrix")
_JUMP = group("jump")
_SIZED_BY_MODIFIER = group("sized_by_modifier")
_MATRIX_TRANSFER = group("matrix_transfer")
_WIDE_ADDRESS = group("wide_address")

_PREDICATES = (OperandKind.PREDICATE, OperandKind.UNIFORM_PREDICATE)
_REGISTERS = (OperandKind.REGISTER, OperandKind.UNIFORM_REGISTER)
_SIZED = (*_REGISTERS, OperandKind.CONSTANT)
#: Lanes of a warp times bits of a register: what one register of a whole warp holds.
_WARP_REGISTER_BITS = 32 * 32
_WARPS_OF_GROUP = 4

#: Bits of one element by the name of its type in the mnemonic of a matrix product.
_ELEMENT_BITS = {
    "F16": 16,
    "BF16": 16,
    "TF32": 32,
    "F32": 32,
    "F64": 64,
    "S8": 8,
    "U8": 8,
    "S4": 4,
    "U4": 4,
    "B1": 1,
    "E4M3": 8,
    "E5M2": 8,
    "E3M2": 8,
    "E2M3": 8,
    "E2M1": 4,
}
#: Bits of one element of A and B where the mnemonic does not name the type, by the first letter of the opcode.
_USUAL_BITS = {"H": 16, "I": 8, "B": 1, "D": 64, "Q": 8, "O": 4}
_SHAPE = re.compile(r"(16|8)(8)(\d+)")
_GROUP_SHAPE = re.compile(r"(\d+)x(\d+)x(\d+)")
_SIZE = re.compile(r"[FSUB]?(64|128|256)")
_VECTOR = re.compile(r"B?F(16|32)x(\d)")


def shaped(
    opcode: str, modifiers: tuple[str, ...], operands: tuple[Operand, ...], results: int | None = None
) -> tuple[Operand, ...]:
    """The operands with `is_destination`, `width`, `base_width` and `slot` filled in.

    `results` = number of leading results where the caller knows it; else the opcode tells.
    """
    if results is None:
        results = result_count(opcode, operands)
    marked = [replace(o, is_destination=True) if i < results else o for i, o in enumerate(operands)]
    widths = _widths(opcode, modifiers, marked)
    wide_address = opcode in _WIDE_ADDRESS and "E" in modifiers
    addresses, slot = 0, 0
    for i, operand in enumerate(marked):
        width, base_width, place = operand.width, operand.base_width, -1
        if operand.kind in _SIZED and operand.index != ZERO_REGISTER:
            width = widths[i]
        if operand.kind is OperandKind.ADDRESS:
            shared_side = opcode == "LDGSTS" and addresses == 0
            if operand.base >= 0 and wide_address and not shared_side:
                base_width = 1 if ".U32" in operand.text else 2
            addresses += 1
        if not operand.is_destination and operand.kind not in (*_PREDICATES, OperandKind.LABEL):
            place = slot
            slot += 1
        marked[i] = replace(operand, width=width, base_width=base_width, slot=place)
    return tuple(marked)


def result_count(opcode: str, operands: tuple[Operand, ...]) -> int:
    """How many leading operands the instruction writes."""
    if opcode in _NO_RESULT:
        return 0
    if opcode in _ONE_PREDICATE:
        return min(1, len(operands))
    if opcode in _TWO_RESULTS:
        return min(2, len(operands))
    if opcode in _ALL_BUT_LAST:
        return max(0, len(operands) - 1)
    if opcode in _ALL_BUT_IMMEDIATES:
        return sum(o.kind is not OperandKind.IMMEDIATE for o in operands)
    if opcode in _RESULTS_BEFORE_ADDRESS:
        for i, operand in enumerate(operands):
            if operand.kind in (OperandKind.ADDRESS, OperandKind.CONSTANT, OperandKind.DESCRIPTOR):
                return i
        return min(1, len(operands))
    return _common_results(operands)


def _common_results(operands: tuple[Operand, ...]) -> int:
    """Predicates, one register (or what stands in its place), and the carry predicates right behind it."""

    def is_predicate(place: int) -> bool:
        return operands[place].kind in _PREDICATES and not operands[place].negated

    count = 0
    while count < len(operands) and is_predicate(count):
        count += 1
    if count < len(operands) - 1 and operands[count].kind in _REGISTERS:
        count += 1
        while count < len(operands) - 1 and is_predicate(count):
            count += 1
        return count
    if count:
        return 1
    if not operands:
        return 0
    others = (*_REGISTERS, OperandKind.CONVERGENCE_BARRIER, OperandKind.SPECIAL)
    return int(operands[0].kind in others)


def data_registers(opcode: str, modifiers: tuple[str, ...]) -> int:
    """Registers that hold one lane's value of a load, store or atomic; 1 for other opcodes."""
    if opcode in _MATRIX_TRANSFER:
        return next((int(m) for m in modifiers if m in ("2", "4")), 1)
    if opcode in _SIZED_BY_MODIFIER:
        for modifier in modifiers:
            size, vector = _SIZE.fullmatch(modifier), _VECTOR.fullmatch(modifier)
            if size is not None:
                return int(size[1]) // 32
            if vector is not None:
                return max(1, int(vector[1]) * int(vector[2]) // 32)
    return 1


def matrix_registers(opcode: str, modifiers: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Registers of A, of B, and of C and D of a matrix product, None where the mnemonic gives no shape.

    An operand of m * k elements is spread over the 32 lanes of a warp; a warp group shares the rows of its product.
    """
    names = [m for m in modifiers if m in _ELEMENT_BITS]
    inputs = [_ELEMENT_BITS[m] for m in names if m not in ("F16", "F32", "F64")]
    bits = inputs[0] if inputs else _USUAL_BITS[opcode[0]]
    accumulator = 64 if opcode == "DMMA" else _ELEMENT_BITS[names[0]] if names[:1] == ["F16"] else 32
    sparse = 2 if "SP" in modifiers else 1
    if opcode in _WARPGROUP_MATRIX:
        group_shape = next((s for s in map(_GROUP_SHAPE.fullmatch, modifiers) if s is not None), None)
        if group_shape is None:
            return None
        m, n, k = (int(part) for part in group_shape.groups())
        m //= _WARPS_OF_GROUP
    else:
        shape = next((s for s in map(_SHAPE.fullmatch, modifiers) if s is not None), None)
        if shape is None:
            return None
        m, n, k = (int(part) for part in shape.groups())
        if opcode == "HMMA" and (m, n, k) == (8, 8, 4):
            return 2, 2, 2  # Volta: four products of lane groups at once; each STEP yields one pair of result registers
    a, b, c = m * k * bits // sparse, k * n * bits, m * n * accumulator
    return tuple(max(1, part // _WARP_REGISTER_BITS) for part in (a, b, c))  # type: ignore[return-value]


def _widths(opcode: str, modifiers: tuple[str, ...], operands: list[Operand]) -> list[int]:
    """Registers of each operand; only those of registers and constants count."""
    widths = [2 if "64" in o.suffixes else 1 for o in operands]
    targets = [i for i, o in enumerate(operands) if o.is_destination and o.kind in _REGISTERS]
    sources = [i for i, o in enumerate(operands) if not o.is_destination and o.kind not in _PREDICATES]

    def fill(places: list[int], width: int) -> None:
        for place in places:
            widths[place] = width

    if opcode in _MATRIX or opcode in _WARPGROUP_MATRIX:
        registers = matrix_registers(opcode, modifiers)
        if registers is not None:
            a, b, c = registers
            fill(targets, c)
            if opcode in _MATRIX:
                for place, width in zip(sources, (a, b, c), strict=False):
                    widths[place] = width
            else:  # B is always a descriptor; the accumulator is the register of the result
                for place in sources:
                    widths[place] = c if operands[place].index == operands[0].index else a
    elif opcode in _DOUBLE or (opcode in _WIDE_WITH_64 and "64" in modifiers):
        fill(targets + sources, 2)
    elif opcode in ("IMAD", "UIMAD"):
        if "WIDE" in modifiers:
            fill(targets, 2)
        if "WIDE" in modifiers or "HI" in modifiers:
            fill(sources[2:3], 2)  # the addend is 64 bits wide, for HI too: the upper half of a*b + c is kept
    elif opcode in _CONVERSION:
        target, source = _conversion(opcode, modifiers)
        fill(targets, target)
        fill(sources, source)
    elif opcode in ("CS2R", "CS2UR"):
        fill(targets, 1 if "32" in modifiers else 2)
    elif (opcode in ("ISETP", "UISETP") and ("S64" in modifiers or "U64" in modifiers)) or opcode in _JUMP:
        fill(sources, 2)
    elif opcode == "LEPC":
        fill(targets, 2)
    elif opcode in _TEXTURE:
        for place, width in zip(targets, _texel_registers(operands), strict=False):
            widths[place] = width
    elif (width := data_registers(opcode, modifiers)) > 1:
        fill(targets, max(1, width // max(1, len(targets))))  # a 256-bit load prints two results of 128 bits
        fill(sources, width)
    return widths


def _conversion(opcode: str, modifiers: tuple[str, ...]) -> tuple[int, int]:
    """Registers of (result, source) of a conversion; the mnemonic names the result's type first."""
    floats = [m for m in modifiers if m in ("F16", "BF16", "F32", "F64")]
    wide_integer = 2 if any(m in ("S64", "U64") for m in modifiers) else 1
    wide_float = 2 if "F64" in floats else 1
    if opcode == "F2F":
        return (2 if floats[:1] == ["F64"] else 1), (2 if floats[1:2] == ["F64"] else 1)
    if opcode == "I2F":
        return wide_float, wide_integer
    if opcode == "F2I":
        return wide_integer, wide_float
    return (wide_float, wide_float) if opcode == "FRND" else (wide_integer, wide_integer)


def _texel_registers(operands: list[Operand]) -> tuple[int, int]:
    """Registers of the two results of a texture fetch: the components of its mask, the second pair filled first."""
    last = operands[-1]
    components = last.offset.bit_count() if last.kind is OperandKind.IMMEDIATE and 0 < last.offset < 16 else 4
    return max(1, components - 2), min(2, components)
