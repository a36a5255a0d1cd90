"""The warps of an Accel-Sim kernel: `#BEGIN_TB` to `#END_TB`, one line per executed instruction (core reference §11.1).

The text repeats itself: warps of regular kernels differ only in their addresses, and loops repeat whole lines. So a
warp's body that was seen before is not read again, and a line that was seen before is a dictionary lookup.
"""

from pathlib import Path

import numpy as np

from sim.errors import TraceError
from sim.isa.instruction import Instruction, synthesize
from sim.isa.memory import reference_count
from sim.trace.addresses import AFFINE, NO_ADDRESS, UNIFORM, Descriptor, describe, lanes_of
from sim.trace.builder import KernelBuilder
from sim.trace.model import KernelHeader, KernelTrace, StaticRow

#: The trailing immediate of a line exists from this tracer version on.
_IMMEDIATE_SINCE = 5
#: Below this version each line begins with the CTA's coordinates and the warp.
_COORDINATES_BEFORE = 3
_COORDINATES = 4
#: Remembered lines with addresses, and remembered bodies; both are forgotten when they are this many.
_REMEMBERED = 1 << 15
#: A line as one integer: mask in the low 32 bits, row above, and this bit where addresses follow.
_HAS_ADDRESS = 1 << 62
_ADDRESS_LIMIT = 1 << 62
_SHOWN = 60  # characters of a wrong line that a message repeats

_LIST, _STRIDE, _DELTA = 0, 1, 2


class BodyReader:
    """Reads CTA after CTA into a `KernelBuilder`; `rows` are those of a side file, None without one."""

    def __init__(self, path: Path, header: KernelHeader, rows: list[StaticRow] | None, line_numbers: bool) -> None:
        """`line_numbers`: each line begins with the number of its source line."""
        self._path, self._header = path, header
        self._skipped = _COORDINATES if header.tracer_version < _COORDINATES_BEFORE else 0
        self._skipped += int(line_numbers)
        self._has_line_numbers = line_numbers
        self._immediates = int(header.tracer_version >= _IMMEDIATE_SINCE)
        self._has_side = rows is not None
        self._static = list(rows or ())
        self._row_of_pc = {row.pc: i for i, row in enumerate(self._static)}
        self._names: dict[int, bytes] = {}
        self._builder = KernelBuilder()
        self._lines: dict[bytes, int] = {}
        self._described: dict[bytes, tuple[Descriptor, ...]] = {}
        self._bodies: dict[bytes, tuple[int, int, int]] = {}
        self._warnings: dict[str, None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the trace leaves unsaid, one sentence each."""
        return tuple(self._warnings)

    def finish(self, header: KernelHeader) -> KernelTrace:
        """The kernel, its static rows in order of their pc."""
        return self._builder.finish(header, self._static)

    def read_block(self, block: bytes, line: int) -> None:
        """Read one CTA whose text begins at `line` of the file."""
        head, *warps = block.split(b"warp = ")
        line += head.count(b"\n")
        cta = self._cta(head, line)
        for segment in warps:
            self._read_warp(segment, line, cta)
            line += segment.count(b"\n")

    def _cta(self, head: bytes, line: int) -> int:
        _, found, coordinates = head.partition(b"thread block =")
        try:
            if not found:
                raise ValueError
            x, y, z = (int(part) for part in coordinates.split(b","))
        except ValueError:
            raise TraceError(
                f"{self._path}:{line}: a CTA begins with `thread block = x,y,z`: is the file cut?"
            ) from None
        grid = self._header.grid
        if not (0 <= x < grid[0] and 0 <= y < grid[1] and 0 <= z < grid[2]):
            raise TraceError(
                f"{self._path}:{line}: CTA ({x},{y},{z}) lies outside the grid {grid}: the header is wrong"
            )
        return x + grid[0] * (y + grid[1] * z)

    def _read_warp(self, segment: bytes, line: int, cta: int) -> None:
        """One warp: its number, `insts = n`, and n lines; `line` is where the segment begins."""
        first, _, rest = segment.partition(b"\n")
        second, _, body = rest.partition(b"\n")
        name, _, promised = second.partition(b"=")
        try:
            warp, count = int(first), int(promised)
            if name.strip() != b"insts" or count < 0:
                raise ValueError
        except ValueError:
            raise TraceError(f"{self._path}:{line}: a warp begins with `warp = w` and `insts = n`") from None
        if not 0 <= warp < self._header.warps_per_cta:
            raise TraceError(
                f"{self._path}:{line}: warp {warp}: a CTA has {self._header.warps_per_cta} warps: the header is wrong"
            )
        number = cta * self._header.warps_per_cta + warp
        if self._builder.has_warp(number):
            raise TraceError(f"{self._path}:{line}: warp {warp} of this CTA comes twice: remove one")
        body = body.strip(b"\r\n")
        known = self._bodies.get(body)
        if known is not None and body.count(b"\n") + 1 == count:
            self._builder.copy_warp(number, *known)
            return
        path, descriptors = self._stream(body, count, warp, line + 2)
        start, stop = self._builder.set_warp(number, path, descriptors)
        if len(self._bodies) >= _REMEMBERED:
            self._bodies.clear()
        self._bodies[body] = (path, start, stop)

    def _stream(self, body: bytes, count: int, warp: int, line: int) -> tuple[int, list[Descriptor]]:
        """Path number and references of a body whose first line is `line`."""
        lines = body.split(b"\n") if body else []
        if b"" in lines:
            lines = [text for text in lines if text.strip()]
        if len(lines) != count:
            raise TraceError(
                f"{self._path}:{line}: warp {warp} promises {count:,} instructions, {len(lines):,} follow: "
                "the file is cut off or edited; record it again"
            )
        codes = list(map(self._lines.get, lines))
        described = self._described
        for i, code in enumerate(codes):
            if code is None:
                codes[i] = self._new_line(lines[i], line + i)
        table = np.array(codes, dtype=np.int64)
        places = np.nonzero(table & _HAS_ADDRESS)[0]
        descriptors: list[Descriptor] = []
        for i in places.tolist():
            descriptors += described[lines[i]]
        if len(described) > _REMEMBERED:
            for text in described:
                self._lines.pop(text, None)
            described.clear()
        table &= _HAS_ADDRESS - 1
        return self._builder.add_path(table >> 32, table & 0xFFFFFFFF), descriptors

    def _new_line(self, text: bytes, line: int) -> int:
        """Read a line that was not seen before, and remember it."""
        known = self._lines.get(text)
        if known is not None:
            return known
        try:
            code, references = self._parse(text, line)
        except (ValueError, IndexError):
            shown = text.decode("utf-8", "replace").strip()[:_SHOWN]
            raise TraceError(
                f"{self._path}:{line}: {shown!r}: not an instruction line of tracer version "
                f"{self._header.tracer_version}: the file is damaged; record it again"
            ) from None
        self._lines[text] = code
        if references:
            self._described[text] = references
        return code

    def _parse(self, text: bytes, line: int) -> tuple[int, tuple[Descriptor, ...]]:
        words = text.split()
        place = self._skipped
        pc, mask, results = int(words[place], 16), int(words[place + 1], 16), int(words[place + 2])
        if not 0 <= mask < 1 << 32 or not 0 <= pc < 1 << 31:
            raise ValueError
        place += 3
        destinations = [_register(word) for word in words[place : place + results]]
        name = words[place + results]
        place += results + 1
        inputs = int(words[place])
        sources = [_register(word) for word in words[place + 1 : place + 1 + inputs]]
        place += inputs + 1
        width = int(words[place])
        row = self._row_of_pc.get(pc)
        if row is None or self._names.get(pc) != name:
            row = self._row(pc, name, destinations, sources, words, line)
        instruction = self._static[row].instruction
        code = row << 32 | mask
        wanted = reference_count(instruction) if mask else 0
        if not width:
            if len(words) - place - 1 > self._immediates:
                raise ValueError
            if wanted:
                self._note(f"{instruction.opcode} without addresses: they take one bank cycle and touch no line")
                return code | _HAS_ADDRESS, (NO_ADDRESS,) * wanted
            return code, ()
        if not wanted:
            if mask:
                self._note(f"{instruction.opcode}: addresses of this opcode are not used")
            return code, ()
        first = _descriptor(words, place + 1, mask, self._immediates)
        if wanted == 2:
            self._note("LDGSTS: the trace holds only the global address; the shared one counts one bank cycle")
            return code | _HAS_ADDRESS, (first, NO_ADDRESS)
        return code | _HAS_ADDRESS, (first,)

    def _row(
        self, pc: int, name: bytes, destinations: list[int], sources: list[int], words: list[bytes], line: int
    ) -> int:
        """Static row of a pc whose opcode was not compared yet."""
        mnemonic = name.decode("ascii")
        row = self._row_of_pc.get(pc)
        if self._has_side:
            if row is None:
                raise TraceError(f"{self._path}:{line}: pc {pc:#x} is not in the side file: it belongs to other code")
            opcode = self._static[row].instruction.opcode
            if opcode != mnemonic.split(".")[0]:
                raise TraceError(
                    f"{self._path}:{line}: pc {pc:#x} is {mnemonic} here, {opcode} in the side file: "
                    "it belongs to other code"
                )
        elif row is None:
            row = len(self._static)
            instruction: Instruction = synthesize(mnemonic, destinations, sources)
            source = int(words[self._skipped - 1]) if self._has_line_numbers else None
            self._static.append(StaticRow(pc, instruction.text, instruction, None, source))
            self._row_of_pc[pc] = row
        else:
            before = self._static[row].instruction.mnemonic
            if before != mnemonic:
                raise TraceError(f"{self._path}:{line}: pc {pc:#x} is {mnemonic} here, {before} before: damaged trace")
        self._names[pc] = name
        return row

    def _note(self, text: str) -> None:
        self._warnings[text] = None


def _register(word: bytes) -> int:
    """Number in `R12`."""
    number = int(word[1:])
    if word[:1] != b"R" or not 0 <= number <= 255:
        raise ValueError
    return number


def _descriptor(words: list[bytes], place: int, mask: int, immediates: int) -> Descriptor:
    """The addresses from word `place` on: a mode, then what that mode needs."""
    mode = int(words[place])
    lanes = lanes_of(mask)
    if mode == _LIST:
        end = place + 1 + len(lanes)
        addresses = [int(word, 16) for word in words[place + 1 : end]]
        if len(addresses) != len(lanes):
            raise ValueError
    elif mode == _STRIDE:
        base, stride = int(words[place + 1], 16), int(words[place + 2])
        end = place + 3
        if lanes[-1] - lanes[0] != len(lanes) - 1:
            raise ValueError
        addresses = [base, base + stride * (len(lanes) - 1)]
    elif mode == _DELTA:
        end = place + 1 + len(lanes)
        address = int(words[place + 1], 16)
        addresses = [address]
        for word in words[place + 2 : end]:
            address += int(word)
            addresses.append(address)
        if len(addresses) != len(lanes):
            raise ValueError
    else:
        raise ValueError
    if len(words) - end > immediates or min(addresses) < 0 or max(addresses) >= _ADDRESS_LIMIT:
        raise ValueError
    if mode == _STRIDE:
        return (AFFINE, base, stride, ()) if stride and len(lanes) > 1 else (UNIFORM, base, 0, ())
    return describe(addresses, mask)
