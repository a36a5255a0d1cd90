"""One operand of a SASS instruction as plain integers, and the reading of its text.

An operand's own text says which register, constant or address it is. How many registers it covers and whether it is
written depends on the opcode; `shapes.py` decides that afterwards.
"""

import re
from dataclasses import dataclass, replace
from enum import IntEnum

from sim.errors import TraceError

#: RZ and URZ: read as zero, writes vanish, no register file access.
ZERO_REGISTER = 255
#: PT and UPT: always true.
TRUE_PREDICATE = 7


class OperandKind(IntEnum):
    """What an operand names."""

    REGISTER = 0
    UNIFORM_REGISTER = 1
    PREDICATE = 2
    UNIFORM_PREDICATE = 3
    CONSTANT = 4
    ADDRESS = 5
    IMMEDIATE = 6
    SPECIAL = 7
    DEPENDENCE_COUNTER = 8
    CONVERGENCE_BARRIER = 9
    LABEL = 10
    DESCRIPTOR = 11
    SET = 12


_DOTTED = (OperandKind.REGISTER, OperandKind.UNIFORM_REGISTER)


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand; fields that do not apply keep their defaults.

    `index` is the register, predicate, counter or barrier number (RZ and URZ 255, PT and UPT 7), the uniform register
    of a descriptor, or the bit mask of a set. `offset` is the byte offset of a constant or an address and the value of
    an integer immediate. `base` is the regular register of an address or of an indexed constant and `uniform_base` the
    uniform one, -1 where there is none. Widths count 32-bit registers. `slot` is the place among the source operands
    (0, 1, 2 = A, B, C) to which a reuse bit of the control word belongs, -1 for a destination or a predicate.
    """

    kind: OperandKind
    text: str
    index: int = -1
    width: int = 1
    is_destination: bool = False
    negated: bool = False
    absolute: bool = False
    inverted: bool = False
    reuse: bool = False
    bank: int = -1
    offset: int = 0
    base: int = -1
    base_width: int = 0
    uniform_base: int = -1
    scale: int = 1
    slot: int = -1

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Words behind the dots of a register: `R4.reuse.H0_H0` has `reuse` and `H0_H0`."""
        return tuple(self.text.strip("|").split(".")[1:]) if self.kind in _DOTTED else ()


_REGISTER = re.compile(r"(U?)R(\d+|Z)")
_PREDICATE = re.compile(r"(U?)P(\d+|T)")
_NUMBER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|\d+)")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+|\d+[eE][-+]?\d+|(?:INF|QNAN|SNAN|NAN)(?:\.\w+)?)")
_CONSTANT = re.compile(r"c(x?)\[([^][]+)\]\[([^][]*)\]")
_MEMORY = re.compile(r"[a-z]*\[([^][]*)\]")
_DESCRIBED = re.compile(r"(g?desc|idesc|sdesc)\[UR(\d+|Z)\](\[[^][]*\])?")
_TWO_ADDRESSES = re.compile(r"(\[[^][]*\])(\[[^][]*\])")
_COUNTER = re.compile(r"SB(\d)")
_BARRIER = re.compile(r"B(\d+)")
_SET = re.compile(r"\{\s*(?:\d+\s*(?:,\s*\d+\s*)*)?\}")
_LABEL = re.compile(r"`?\(.*\)|\.L\S*|\d+@(?:hi|lo|h|l)?\(.*\)|\S*@\S+")
_WORD = re.compile(r"[A-Za-z_0-9][A-Za-z_0-9.]*")

#: Text of an operand without signs, bars and suffixes.
_BODY = re.compile(r"(?P<sign>[-!~]*)(?P<bar>\|?)(?P<sign2>-?)(?P<body>[^|]+)(?P<close>\|?)(?P<rest>(?:\.\w+)*)")


def split_operands(text: str) -> list[str]:
    """Pieces of an operand list, split at commas outside brackets, braces and parentheses."""
    pieces, depth, start = [], 0, 0
    for position, sign in enumerate(text):
        if sign in "[{(":
            depth += 1
        elif sign in "]})":
            depth -= 1
        elif sign == "," and depth == 0:
            pieces.append(text[start:position].strip())
            start = position + 1
    last = text[start:].strip()
    if last:
        pieces.append(last)
    return pieces


def read_operand(text: str) -> tuple[Operand, ...]:
    """Operands of one comma-separated piece: one, or two for `desc[UR4][R2.64]`; raises `TraceError`."""
    pair = _TWO_ADDRESSES.fullmatch(text)
    if pair is not None:  # sm_8x prints LDGSTS without a comma between its two addresses
        return _address(pair[1], pair[1]), _address(pair[2], pair[2])
    described = _DESCRIBED.fullmatch(text)
    if described is not None:
        descriptor = Operand(OperandKind.DESCRIPTOR, text, index=_number_of(described[2]), width=2)
        if described[3] is None:
            return (descriptor,)
        return descriptor, _address(described[3], text)
    if _SET.fullmatch(text):
        mask = 0
        for item in re.findall(r"\d+", text):
            mask |= 1 << int(item)
        return (Operand(OperandKind.SET, text, index=mask),)
    if _FLOAT.fullmatch(text):
        return (Operand(OperandKind.IMMEDIATE, text),)
    if _NUMBER.fullmatch(text):
        return (Operand(OperandKind.IMMEDIATE, text, offset=int(text, 0) if "x" in text else int(text)),)
    match = _BODY.fullmatch(text)
    if match is not None and bool(match["bar"]) == bool(match["close"]):
        operand = _body(match["body"] + match["rest"], text)
        if operand is not None:
            signs = match["sign"] + match["sign2"]
            return (
                _replaced(
                    operand,
                    negated="-" in signs or "!" in signs,
                    inverted="~" in signs,
                    absolute=bool(match["bar"]),
                ),
            )
    if _LABEL.fullmatch(text):
        return (Operand(OperandKind.LABEL, text),)
    raise TraceError(f"operand {text!r}: not a SASS operand: check the spelling")


def _body(body: str, text: str) -> Operand | None:
    constant = _CONSTANT.match(body)
    if constant is not None:
        return _constant(constant, text)
    memory = _MEMORY.match(body)
    if memory is not None:
        return _address(body[: memory.end()], text)
    head, *suffixes = body.split(".")
    register = _REGISTER.fullmatch(head)
    if register is not None:
        kind = OperandKind.UNIFORM_REGISTER if register[1] else OperandKind.REGISTER
        index = _number_of(register[2])
        if index > ZERO_REGISTER:
            raise TraceError(f"operand {text!r}: registers go from R0 to R254")
        return Operand(kind, text, index=index, reuse="reuse" in suffixes)
    predicate = _PREDICATE.fullmatch(head)
    if predicate is not None:
        kind = OperandKind.UNIFORM_PREDICATE if predicate[1] else OperandKind.PREDICATE
        index = TRUE_PREDICATE if predicate[2] == "T" else int(predicate[2])
        if index > TRUE_PREDICATE:
            raise TraceError(f"operand {text!r}: predicates go from P0 to P6")
        return Operand(kind, text, index=index)
    counter = _COUNTER.fullmatch(body)
    if counter is not None:
        return Operand(OperandKind.DEPENDENCE_COUNTER, text, index=int(counter[1]))
    barrier = _BARRIER.fullmatch(body)
    if barrier is not None:
        return Operand(OperandKind.CONVERGENCE_BARRIER, text, index=int(barrier[1]))
    if _WORD.fullmatch(body) and not body[0].islower():
        return Operand(OperandKind.SPECIAL, text)
    return None


def _constant(match: re.Match[str], text: str) -> Operand:
    if match[1]:
        register = _REGISTER.fullmatch(match[2])
        bank, uniform = -1, _number_of(register[2]) if register is not None else -1
    else:
        bank, uniform = int(match[2], 0), -1
    base, _, uniform_base, offset, scale = _terms(match[3], text)
    return Operand(
        OperandKind.CONSTANT,
        text,
        bank=bank,
        offset=offset,
        base=base,
        base_width=int(base >= 0),
        uniform_base=max(uniform, uniform_base),
        scale=scale,
    )


def _address(bracket: str, text: str) -> Operand:
    inner = bracket[bracket.index("[") + 1 : -1]
    base, base_width, uniform_base, offset, scale = _terms(inner, text)
    return Operand(
        OperandKind.ADDRESS,
        text,
        base=base,
        base_width=base_width,
        uniform_base=uniform_base,
        offset=offset,
        scale=scale,
    )


def _terms(inner: str, text: str) -> tuple[int, int, int, int, int]:
    """(base, width of the base, uniform base, offset, scale) of a sum like `R2.64+UR4+0x10`."""
    base, base_width, uniform_base, offset, scale = -1, 0, -1, 0, 1
    for term in re.findall(r"[+-]*[^+-]+", inner.replace(" ", "")):
        body = term.lstrip("+")
        head, *suffixes = body.lstrip("-").split(".")
        register = _REGISTER.fullmatch(head)
        if register is None:
            if not _NUMBER.fullmatch(body):
                if _WORD.fullmatch(body):
                    continue
                raise TraceError(f"operand {text!r}: {term!r} is neither a register nor an offset")
            offset += int(body, 0) if "x" in body else int(body)
        elif register[1]:
            uniform_base = _number_of(register[2])
        else:
            base = _number_of(register[2])
            base_width = 2 if "64" in suffixes else 1
            scale = next((int(s[1:]) for s in suffixes if re.fullmatch(r"X\d+", s)), 1)
    return base, base_width, uniform_base, offset, scale


def _number_of(text: str) -> int:
    return ZERO_REGISTER if text == "Z" else int(text)


def _replaced(operand: Operand, *, negated: bool, inverted: bool, absolute: bool) -> Operand:
    if not (negated or inverted or absolute):
        return operand
    return replace(operand, negated=negated, inverted=inverted, absolute=absolute)
