"""What SASS says about itself: control words, operands, and the unit of an opcode (core reference §1, §12).

Use `parse_sass`, `ControlWord`, `classify`, `memory_space`, `access_bytes`, `is_load` and `is_store`; nothing here
knows of traces or timing.
"""

from sim.isa.control import ControlWord, decode_high_word, format_text, from_raw_fields, parse_text
from sim.isa.instruction import Guard, Instruction, parse_sass
from sim.isa.memory import MemorySpace, access_bytes, is_load, is_store, memory_space, reference_count
from sim.isa.opcodes import ARCHITECTURES, OpClass, classify
from sim.isa.operand import Operand, OperandKind

__all__ = [
    "ARCHITECTURES",
    "ControlWord",
    "Guard",
    "Instruction",
    "MemorySpace",
    "OpClass",
    "Operand",
    "OperandKind",
    "access_bytes",
    "classify",
    "decode_high_word",
    "format_text",
    "from_raw_fields",
    "is_load",
    "is_store",
    "memory_space",
    "parse_sass",
    "parse_text",
    "reference_count",
]
