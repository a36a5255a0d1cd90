"""The control word that the compiler puts into every 128-bit SASS instruction (core reference §1.1).

Three spellings meet here: the raw high word, the raw fields of a side file, and the text `[B--2---:R0:W1:Y:S04]`.
In all three a yield request is stored or drawn differently; in a `ControlWord` it is a boolean that is true when the
compiler asks for it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from sim.errors import TraceError

#: Value of a barrier field that names no dependence counter.
NO_BARRIER = 7
#: Dependence counters SB0..SB5 of a warp.
COUNTERS = 6
#: Bit of the high word at which the control field begins: bit 105 of the instruction.
_CONTROL_SHIFT = 105 - 64

_FIELDS = {"stall": 15, "yield": 1, "wrbar": 7, "rdbar": 7, "wait": 63, "reuse": 15}
_TEXT = re.compile(
    r"\[B(?P<wait>[-0-5]{6}):R(?P<read>[-0-5]):W(?P<write>[-0-5]):(?P<yield>[-Y]):S(?P<stall>\d{1,2})\]", re.ASCII
)


class ControlWord(NamedTuple):
    """Decoded control bits: stall 0..15, barriers 0..5 or 7 for none, `wait_mask` bit i = wait for SBi."""

    stall: int
    yield_requested: bool
    write_barrier: int
    read_barrier: int
    wait_mask: int
    reuse: int


def decode_high_word(word: int) -> ControlWord:
    """Control word in the upper 64 bits of an instruction; raises `TraceError` for barrier 6, which no counter has."""
    if not 0 <= word < 1 << 64:
        raise TraceError(f"high word {word:#x}: not a 64-bit value: give the upper half of the instruction")
    bits = word >> _CONTROL_SHIFT
    return _checked(
        ControlWord(
            stall=bits & 15,
            yield_requested=not (bits >> 4) & 1,
            write_barrier=(bits >> 5) & 7,
            read_barrier=(bits >> 8) & 7,
            wait_mask=(bits >> 11) & 63,
            reuse=(bits >> 17) & 15,
        ),
        f"high word {word:#018x}",
    )


def from_raw_fields(fields: Mapping[str, object]) -> ControlWord:
    """Control word from the raw bits of a side file: `stall yield wrbar rdbar wait reuse`, yield 0 = requested."""
    values = {}
    for name, largest in _FIELDS.items():
        value = fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
            raise TraceError(f"control bits: {name} is {value!r}: it must be an integer from 0 to {largest}")
        values[name] = value
    return _checked(
        ControlWord(
            stall=values["stall"],
            yield_requested=values["yield"] == 0,
            write_barrier=values["wrbar"],
            read_barrier=values["rdbar"],
            wait_mask=values["wait"],
            reuse=values["reuse"],
        ),
        "control bits",
    )


def parse_text(text: str) -> ControlWord:
    """Control word of `[B--2---:R0:W1:Y:S04]`; position i of the B field holds the digit i or a dash."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise TraceError(f"control text {text.strip()!r}: write it like [B--2---:R0:W1:Y:S04]")
    wait = 0
    for counter, sign in enumerate(match["wait"]):
        if sign == "-":
            continue
        if sign != str(counter):
            raise TraceError(f"control text {text.strip()!r}: place {counter} of the B field is {counter} or a dash")
        wait |= 1 << counter
    stall = int(match["stall"])
    if stall > 15:
        raise TraceError(f"control text {text.strip()!r}: the stall count has four bits, 0 to 15")
    return ControlWord(
        stall=stall,
        yield_requested=match["yield"] == "Y",
        write_barrier=NO_BARRIER if match["write"] == "-" else int(match["write"]),
        read_barrier=NO_BARRIER if match["read"] == "-" else int(match["read"]),
        wait_mask=wait,
        reuse=0,
    )


def format_text(control: ControlWord) -> str:
    """The text form of a control word; `.reuse` is printed with the operands, not here."""
    wait = "".join(str(i) if control.wait_mask >> i & 1 else "-" for i in range(COUNTERS))
    read = "-" if control.read_barrier == NO_BARRIER else str(control.read_barrier)
    write = "-" if control.write_barrier == NO_BARRIER else str(control.write_barrier)
    return f"[B{wait}:R{read}:W{write}:{'Y' if control.yield_requested else '-'}:S{control.stall:02d}]"


def _checked(control: ControlWord, where: str) -> ControlWord:
    for name, barrier in (("write", control.write_barrier), ("read", control.read_barrier)):
        if barrier == COUNTERS:
            raise TraceError(f"{where}: {name} barrier 6: only 0 to 5, or 7 for none, exist: are these SASS bits?")
    return control
