"""The listing form `.sass`: a kernel's dynamic stream written by hand, for tests and for people.

    .kernel saxpy  .block 64          directives, all optional
    .warp 0-1                         the instructions below belong to these warps of each CTA
    [B------:R-:W0:-:S01] LDG.E R2, [R4.64]  {0x1000 + 4*lane + 128*warp}
    .repeat 4
    [B0-----:R-:W-:-:S04] FADD R8, R8, R2   {mask=0x0000ffff}
    .end

Lines are executed as they stand; `.repeat N` runs its block N times at the same pcs. Braces hold the active mask, or
the addresses: a sum of numbers and `number*lane`, `*warp`, `*cta`, `*iter` (the innermost repeat's turn), or a list of
hex addresses, one per active lane; for LDGSTS the global ones first, then `| shared ones`. `/*0040*/` sets the pc. An
EXIT is added where a warp has none. Without any control text the kernel counts as one without control bits.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sim.errors import TraceError
from sim.isa.control import ControlWord, parse_text
from sim.isa.instruction import parse_sass, reuse_mask
from sim.isa.memory import MemorySpace, access_bytes, memory_space, reference_count
from sim.trace.addresses import Descriptor, describe, lanes_of
from sim.trace.builder import KernelBuilder
from sim.trace.model import Dim3, KernelHeader, StaticRow, Trace

#: Where the generic windows of a listing stand, and its default global array: below both windows, far from 0.
SHARED_BASE = 0x7F00_0000_0000
LOCAL_BASE = 0x7F01_0000_0000
DEFAULT_GLOBAL = 0x1000_0000
_PC_STEP = 16

_DIRECTIVES = ".kernel .sm .grid .block .registers .shared .warp .repeat .end"
_DIRECTIVE = re.compile(r"\.(\w+)((?:\s+[^.\s]\S*)*)")
_PC = re.compile(r"/\*\s*(?:0x)?([0-9a-fA-F]+)\s*\*/")
_CONTROL = re.compile(r"\[B[^]]*\]")
_TERM = re.compile(r"([+-]?)\s*(?:(0x[0-9a-fA-F]+|\d+)\s*\*\s*)?(lane|warp|cta|iter|0x[0-9a-fA-F]+|\d+)\s*")
_DEFAULT_CONTROL = parse_text("[B------:R-:W-:-:S01]")

#: (lane, warp of the CTA, CTA, turn) -> address
_Address = Callable[[int, int, int, int], int]


@dataclass
class _Line:
    """An instruction as written: its static row, its mask (None = all threads), its address sources."""

    row: int
    mask: int | None
    places: tuple[_Address | tuple[int, ...], ...]
    where: str


@dataclass
class _Block:
    """Lines and repeated blocks in order."""

    items: list["_Line | _Block"] = field(default_factory=list)
    times: int = 1


@dataclass
class _Listing:
    """What has been read so far."""

    path: str
    facts: dict[str, str] = field(default_factory=dict)
    rows: list[StaticRow] = field(default_factory=list)
    row_of_pc: dict[int, int] = field(default_factory=dict)
    controlled: bool = False
    warps: list[tuple[tuple[int, ...] | None, _Block]] = field(default_factory=list)


def parse_listing(text: str, path: str = "<listing>") -> Trace:
    """The one-kernel trace of a listing; raises `TraceError` with file and line."""
    listing = _Listing(path)
    stack: list[_Block] = []
    pc = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        where = f"{path}:{number}"
        line = raw.split("//")[0].strip()
        if not line:
            continue
        if line.startswith("."):
            _directives(listing, stack, line, where)
            continue
        if not listing.warps:
            listing.warps.append((None, _Block()))
            stack = [listing.warps[-1][1]]
        pc = _instruction(listing, stack[-1], line, where, pc)
    if len(stack) > 1:
        raise TraceError(f"{path}: a .repeat has no .end: close it")
    if not listing.warps:
        raise TraceError(f"{path}: no instructions: a listing needs at least one line of SASS")
    return _build(listing)


def _directives(listing: _Listing, stack: list[_Block], line: str, where: str) -> None:
    position = 0
    while position < len(line):
        match = _DIRECTIVE.match(line, position)
        if match is None:
            raise TraceError(f"{where}: {line[position:]!r}: not a directive: write it like `.block 128`")
        position = match.end()
        while position < len(line) and line[position].isspace():
            position += 1
        name, value = match[1], match[2].strip()
        if name == "warp":
            if len(stack) > 1:
                raise TraceError(f"{where}: .warp inside .repeat: close the block with .end first")
            listing.warps.append((_numbers(value, where), _Block()))
            stack[:] = [listing.warps[-1][1]]
        elif name == "repeat":
            if not listing.warps:
                listing.warps.append((None, _Block()))
                stack[:] = [listing.warps[-1][1]]
            block = _Block(times=_integer(value, where))
            stack[-1].items.append(block)
            stack.append(block)
        elif name == "end":
            if len(stack) < 2:
                raise TraceError(f"{where}: .end without .repeat: remove it")
            stack.pop()
        elif name in ("kernel", "sm", "grid", "block", "registers", "shared"):
            if not value:
                raise TraceError(f"{where}: .{name} needs a value")
            listing.facts[name] = value
            if name not in ("kernel",):
                _dim(value, where)
        else:
            raise TraceError(f"{where}: .{name}: no such directive: use one of {_DIRECTIVES}")


def _instruction(listing: _Listing, block: _Block, line: str, where: str, pc: int) -> int:
    """Read one instruction line into the block; returns the pc that follows."""
    match = _PC.match(line)
    if match is not None:
        pc = int(match[1], 16)
        line = line[match.end() :].strip()
    control = None
    match = _CONTROL.match(line)
    try:
        if match is not None:
            control = parse_text(match[0])
            line = line[match.end() :].strip()
            listing.controlled = True
        notes = re.findall(r"\{[^}]*\}", line)
        sass, mask, places = line, None, []
        for note in notes:
            inner = note[1:-1].strip()
            if re.fullmatch(r"[\d,\s]*", inner) and "DEPBAR" in line:
                continue
            sass = sass.replace(note, "", 1)
            if inner.startswith("mask"):
                mask = _integer(inner.split("=", 1)[-1].strip(), where)
                if not 0 <= mask < 1 << 32:
                    raise TraceError(f"mask {mask:#x} has more than 32 lanes")
            else:
                places += [_place(part.strip()) for part in inner.split("|")]
        instruction = parse_sass(sass)
    except TraceError as error:
        text = str(error)
        raise TraceError(text if text.startswith(where) else f"{where}: {text}") from None
    if control is not None:
        control = control._replace(reuse=reuse_mask(instruction))
    if len(places) > reference_count(instruction):
        raise TraceError(f"{where}: {instruction.mnemonic} takes {reference_count(instruction)} address annotations")
    known = listing.row_of_pc.get(pc)
    if known is None:
        known = listing.row_of_pc[pc] = len(listing.rows)
        listing.rows.append(StaticRow(pc, instruction.text, instruction, control, None))
    else:
        other = listing.rows[known]
        if other.sass != instruction.text or other.control != control:
            raise TraceError(f"{where}: pc {pc:#x} holds {other.sass!r} already: give this line another pc")
    block.items.append(_Line(known, mask, tuple(places), where))
    return pc + _PC_STEP


def _place(text: str) -> _Address | tuple[int, ...]:
    """An address annotation: a sum of terms as a function, or a list of hex addresses."""
    if re.fullmatch(r"(0x)?[0-9a-fA-F]+(?:[\s,]+(0x)?[0-9a-fA-F]+)+", text):
        return tuple(int(word, 16) for word in re.split(r"[\s,]+", text))
    factors = {"lane": 0, "warp": 0, "cta": 0, "iter": 0, "": 0}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (position and not match[1]):
            raise TraceError(f"address {text!r}: write it like 0x1000 + 4*lane, or as a list of hex addresses")
        sign = -1 if match[1] == "-" else 1
        factor = int(match[2], 0) if match[2] else 1
        if match[3] in factors:
            factors[match[3]] += sign * factor
        else:
            factors[""] += sign * factor * int(match[3], 0)
        position = match.end()
    base, a, b, c, d = factors[""], factors["lane"], factors["warp"], factors["cta"], factors["iter"]
    return lambda lane, warp, cta, turn: base + a * lane + b * warp + c * cta + d * turn


def _build(listing: _Listing) -> Trace:
    facts, path = listing.facts, listing.path
    named = [w for numbers, _ in listing.warps if numbers is not None for w in numbers]
    count = max(named, default=0) + 1
    block = _dim(facts["block"], path) if "block" in facts else (32 * count, 1, 1)
    header = KernelHeader(
        name=facts.get("kernel", "listing"),
        grid=_dim(facts.get("grid", "1"), path),
        block=block,
        shared_bytes=_integer(facts.get("shared", "0"), path),
        registers=_integer(facts.get("registers", "32"), path),
        sm=_integer(facts.get("sm", "86"), path),
        shared_base=SHARED_BASE,
        local_base=LOCAL_BASE,
        has_control_bits=listing.controlled,
    )
    rows = [
        StaticRow(row.pc, row.sass, row.instruction, _control(row.control, listing.controlled), row.line)
        for row in listing.rows
    ]
    _add_exits(listing, rows)
    builder = KernelBuilder()
    for cta in range(header.ctas):
        for numbers, body in listing.warps:
            for warp in range(header.warps_per_cta) if numbers is None else numbers:
                if warp >= header.warps_per_cta:
                    raise TraceError(f"{path}: .warp {warp}: a CTA has {header.warps_per_cta} warps: raise .block")
                number = cta * header.warps_per_cta + warp
                if builder.has_warp(number):
                    raise TraceError(f"{path}: warp {warp} has two instruction lists: give each warp one")
                threads = min(32, header.threads_per_cta - 32 * warp)
                stream = _Stream(rows, warp, cta, (1 << threads) - 1)
                stream.run(body, 0)
                route = builder.add_path(stream.rows, stream.masks)
                builder.set_warp(number, route, stream.descriptors)
    return Trace(path, "listing", [builder.finish(header, rows)])


def _control(control: ControlWord | None, controlled: bool) -> ControlWord | None:
    return (control or _DEFAULT_CONTROL) if controlled else None


def _add_exits(listing: _Listing, rows: list[StaticRow]) -> None:
    """Let every warp end with an EXIT; those that lack one share a row behind the code."""
    added = -1
    for _, body in listing.warps:
        last = body.items[-1] if body.items else None
        if isinstance(last, _Line) and rows[last.row].instruction.opcode == "EXIT":
            continue
        if added < 0:
            added = len(rows)
            pc = max((row.pc for row in rows), default=-_PC_STEP) + _PC_STEP
            rows.append(StaticRow(pc, "EXIT", parse_sass("EXIT"), _control(None, listing.controlled)))
        body.items.append(_Line(added, None, (), listing.path))


class _Stream:
    """The dynamic stream of one warp."""

    def __init__(self, rows: list[StaticRow], warp: int, cta: int, threads: int) -> None:
        self.static, self.warp, self.cta, self.threads = rows, warp, cta, threads
        self.rows: list[int] = []
        self.masks: list[int] = []
        self.descriptors: list[Descriptor] = []

    def run(self, block: _Block, turn: int) -> None:
        """Append a block's instructions, `turn` being the innermost repeat's."""
        for i in range(block.times):
            inner = i if block.times > 1 else turn
            for item in block.items:
                if isinstance(item, _Block):
                    self.run(item, inner)
                else:
                    self._line(item, inner)

    def _line(self, line: _Line, turn: int) -> None:
        mask = self.threads if line.mask is None else line.mask & self.threads
        self.rows.append(line.row)
        self.masks.append(mask)
        instruction = self.static[line.row].instruction
        references = reference_count(instruction)
        if not references or not mask:
            return
        lanes = lanes_of(mask)
        for i in range(references):
            shared = i == 1 or memory_space(instruction) is MemorySpace.SHARED
            place = line.places[i] if i < len(line.places) else _default(shared, access_bytes(instruction))
            if isinstance(place, tuple):
                if len(place) != len(lanes):
                    raise TraceError(
                        f"{line.where}: {len(place)} addresses for {len(lanes)} active lanes: give one for each"
                    )
                addresses = list(place)
            else:
                addresses = [place(lane, self.warp, self.cta, turn) for lane in lanes]
            if min(addresses) < 0:
                raise TraceError(f"{line.where}: address {min(addresses)} is negative")
            self.descriptors.append(describe(addresses, mask))


def _default(shared: bool, size: int) -> _Address:
    """Consecutive lanes, consecutive values: 4 bytes apart in global memory, packed in shared memory."""
    if shared:
        return lambda lane, warp, cta, turn: lane * max(4, size)
    return lambda lane, warp, cta, turn: DEFAULT_GLOBAL + 4 * lane


def _numbers(text: str, where: str) -> tuple[int, ...]:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise TraceError(f"{where}: .warp {text}: give one warp, or a range like 0-3")
    return tuple(range(int(match[1]), int(match[2] or match[1]) + 1))


def _integer(text: str, where: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        raise TraceError(f"{where}: {text!r}: a number belongs here") from None
    return value


def _dim(text: str, where: str) -> Dim3:
    parts = [_integer(part, where) for part in re.split(r"[\s,]+", text.strip("()"))]
    if not 1 <= len(parts) <= 3 or min(parts) < 0:
        raise TraceError(f"{where}: {text!r}: give one to three sizes, like 16 or 4,4,1")
    x, y, z = (*parts, 1, 1)[:3]
    return x, y, z
