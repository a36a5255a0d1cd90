"""Tensor-core timing by shape and type (§6).

The opcode names the shape (`HMMA.16816` is 16x8x16) and the operand type. Initiation follows from the multiply-adds
of the shape and the unit's rate; a dependent instruction waits for the pipeline depth on top. Volta issues one
m8n8k4 product as two or four steps, each an instruction of its own.
"""

from typing import TYPE_CHECKING

from sim.isa.instruction import Instruction

if TYPE_CHECKING:
    from sim.arch.schema_units import TensorUnit

#: Bits of one element of A by the opcode's type word; FP16 where none is given.
_BITS = {
    "F16": 16, "BF16": 16, "TF32": 32, "F32": 32, "S8": 8, "U8": 8, "E4M3": 8, "E5M2": 8, "QMMA": 8,
    "S4": 4, "U4": 4, "B1": 1,
}  # fmt: skip


def shape(word: str) -> tuple[int, int, int]:
    """(M, N, K) of a shape word: M is 8 or 16, N is 8, K the rest; (16, 8, 16) if it is none."""
    if word.isdigit() and len(word) >= 3:
        m = 16 if word.startswith("16") else 8
        rest = word[2:] if m == 16 else word[1:]
        if rest.startswith("8") and len(rest) > 1:
            return m, 8, int(rest[1:])
    return 16, 8, 16


def tensor_timing(instruction: Instruction, unit: "TensorUnit") -> tuple[int, int]:
    """(latency, initiation) in cycles of a warp-wide matrix instruction on one sub-core."""
    modifiers = instruction.modifiers
    word = next((m for m in modifiers if m.isdigit()), "16816")
    m, n, k = shape(word)
    products = m * n * k
    if word == "884":
        # Four quad-pair products of 8x8x4 in four steps (FP32 accumulate) or two (FP16).
        products = 4 * m * n * k // (4 if "F32" in modifiers else 2)
    types = [m for m in modifiers if m in _BITS]
    if instruction.opcode in ("IMMA", "BMMA"):
        operand = types[0] if types else ("B1" if instruction.opcode == "BMMA" else "S8")
    else:
        # HMMA.16816.F32[.BF16|.TF32]: the first type is the accumulator's, a second one the operands'.
        operand = types[1] if len(types) > 1 and types[1] in ("BF16", "TF32") else "F16"
    rate = unit.fma_per_cycle * unit.reference_bits / _BITS[operand]
    if "F32" in modifiers and instruction.opcode == "HMMA":
        rate *= unit.fp32_accumulate_rate
    if "SP" in modifiers:
        rate *= unit.sparse_rate
    initiation = max(1, round(products / rate))
    return initiation + unit.pipeline, initiation
