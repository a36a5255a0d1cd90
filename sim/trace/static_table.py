"""Static rows as an Arrow table: pc, SASS, control word, guard and operands as integers.

Operands are stored, not only text, because traces without SASS have none that could be parsed again.
"""

from dataclasses import fields
from typing import Any

import pyarrow as pa

from sim.isa.control import ControlWord
from sim.isa.instruction import Guard, Instruction
from sim.isa.operand import Operand, OperandKind
from sim.trace.model import StaticRow

#: Fields of `Operand` that are stored as one tuple of integers, in this order.
OPERAND_FIELDS = tuple(f.name for f in fields(Operand) if f.name != "text")
_FLAGS = frozenset(["is_destination", "negated", "absolute", "inverted", "reuse"])
_CONTROL = pa.struct([(name, pa.int8()) for name in ControlWord._fields])
_GUARD = pa.struct([(name, pa.int8()) for name in ("index", "negated", "uniform")])

SCHEMA = pa.schema(
    [
        ("pc", pa.int64()),
        ("sass", pa.string()),
        ("text", pa.string()),
        ("mnemonic", pa.string()),
        ("control", _CONTROL),
        ("guard", _GUARD),
        ("operands", pa.list_(pa.list_(pa.int64(), len(OPERAND_FIELDS)))),
        ("operand_text", pa.list_(pa.string())),
        ("line", pa.int32()),
    ]
)


def to_batch(rows: list[StaticRow]) -> pa.RecordBatch:
    """The rows as one record batch."""
    return pa.RecordBatch.from_pylist([_record(row) for row in rows], schema=SCHEMA)


def from_table(table: pa.Table) -> list[StaticRow]:
    """The rows of a table; raises `ValueError` or `KeyError` where a value cannot be one."""
    return [_row(record) for record in table.to_pylist()]


def _record(row: StaticRow) -> dict[str, Any]:
    instruction = row.instruction
    guard, control = instruction.guard, row.control
    return {
        "pc": row.pc,
        "sass": row.sass,
        "text": instruction.text,
        "mnemonic": instruction.mnemonic,
        "control": None if control is None else {name: int(value) for name, value in control._asdict().items()},
        "guard": None
        if guard is None
        else {"index": guard.index, "negated": int(guard.negated), "uniform": int(guard.uniform)},
        "operands": [[int(getattr(o, name)) for name in OPERAND_FIELDS] for o in instruction.operands],
        "operand_text": [o.text for o in instruction.operands],
        "line": row.line,
    }


def _row(record: dict[str, Any]) -> StaticRow:
    opcode, *modifiers = record["mnemonic"].split(".")
    guard, control = record["guard"], record["control"]
    operands = []
    for values, text in zip(record["operands"], record["operand_text"], strict=True):
        named: dict[str, Any] = dict(zip(OPERAND_FIELDS, values, strict=True))
        for flag in _FLAGS:
            named[flag] = bool(named[flag])
        named["kind"] = OperandKind(named["kind"])
        operands.append(Operand(text=text, **named))
    if control is not None:
        control = ControlWord(**{**control, "yield_requested": bool(control["yield_requested"])})
    return StaticRow(
        pc=record["pc"],
        sass=record["sass"],
        instruction=Instruction(
            record["text"],
            None if guard is None else Guard(guard["index"], bool(guard["negated"]), bool(guard["uniform"])),
            opcode,
            tuple(modifiers),
            tuple(operands),
        ),
        control=control,
        line=record["line"],
    )
