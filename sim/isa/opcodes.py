"""Opcode to class tables (core reference §12), one data file per architecture in `data/`.

A file lists the opcodes of each class. `extends` names the architecture that it starts from, `remove` the opcodes which
that one has and this one lacks; an opcode that is listed again moves to its new class.
"""

from enum import IntEnum
from functools import cache
from importlib.resources import files

import yaml

from sim.errors import TraceError

#: Architectures with a table.
ARCHITECTURES = ("sm_70", "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")


class OpClass(IntEnum):
    """The unit or mechanism that executes an opcode."""

    INT = 0
    FP32 = 1
    HALF = 2
    SFU = 3
    FP64 = 4
    TENSOR = 5
    PREDICATE = 6
    UNIFORM = 7
    BRANCH = 8
    CALL = 9
    RET = 10
    EXIT = 11
    BARRIER = 12
    DEPBAR = 13
    LDGDEPBAR = 14
    MEMBAR = 15
    LOAD = 16
    STORE = 17
    ATOMIC = 18
    MEMORY_MISC = 19
    MISC_QUEUE = 20
    MISC = 21
    TEXTURE = 22
    SURFACE = 23


def classify(opcode: str, isa: str) -> OpClass | None:
    """Class of the first token of a mnemonic on an architecture such as `sm_86`; None if the table does not know it."""
    return opcode_table(isa).get(opcode)


@cache
def opcode_table(isa: str) -> dict[str, OpClass]:
    """All opcodes of an architecture; raises `TraceError` for an architecture without a table."""
    if isa not in ARCHITECTURES:
        raise TraceError(f"{isa}: no opcode table: known architectures are {', '.join(ARCHITECTURES)}")
    data = yaml.safe_load((files("sim.isa") / "data" / f"{isa}.yaml").read_text(encoding="utf-8"))
    table = dict(opcode_table(data["extends"])) if "extends" in data else {}
    for opcode in str(data.get("remove", "")).split():
        del table[opcode]
    for name, opcodes in data["classes"].items():
        for opcode in opcodes.split():
            table[opcode] = OpClass[name]
    return table


def isa_of(sm: int) -> str:
    """Name of the table for a binary version as traces give it: 86 is `sm_86`; 121 falls back to its family's 120."""
    name = f"sm_{sm}"
    if name in ARCHITECTURES:
        return name
    family = [a for a in ARCHITECTURES if int(a[3:]) // 10 == sm // 10 and int(a[3:]) <= sm]
    if not family:
        raise TraceError(f"binary version {sm}: no opcode table: known architectures are {', '.join(ARCHITECTURES)}")
    return family[-1]
