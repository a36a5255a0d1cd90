"""Reader of Accel-Sim traces: `kernelslist.g` and `kernel-N.traceg[.xz]` (core reference §11.1).

A side file beside the kernel gives control words and SASS text by pc; without it the instructions are made from opcode
and register lists, and the kernel has no control bits. The bodies of the warps are read in `accelsim_body.py`.
"""

import lzma
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from sim.errors import TraceError
from sim.trace.accelsim_body import BodyReader
from sim.trace.check import check_copy
from sim.trace.lazy import LazyKernels
from sim.trace.model import Dim3, KernelHeader, KernelTrace, Trace
from sim.trace.side import find_side_file

_CHUNK = 1 << 22  # bytes of text read at once
_END = b"#END_TB"
#: Threads that the CUDA programming model allows in a CTA; a larger header is damaged.
_MOST_THREADS = 1024
#: Header lines that hold a number, and the field of `KernelHeader` which each fills.
_NUMBERS = {
    "kernel id": "id",
    "shmem": "shared_bytes",
    "nregs": "registers",
    "binary version": "sm",
    "cuda stream id": "stream",
    "accelsim tracer version": "tracer_version",
    "shmem base_addr": "shared_base",
    "local mem base_addr": "local_base",
}
_NO_SIDE_FILE = "no side file: no control bits; predicates, uniform registers, constants and immediates are unknown"
_MEMCPY = re.compile(r"MemcpyHtoD,0x([0-9a-fA-F]+),(\d+)")
_DIM = re.compile(r"\((\d+),(\d+),(\d+)\)")


def open_list(path: Path) -> Trace:
    """The trace of a `kernelslist.g`: kernels in order, and the copies to the device among them."""
    kernels: list[Path] = []
    copies: list[tuple[int, int]] = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TraceError(f"{path}: not a text file: a kernelslist has one command per line") from None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("MemcpyHtoD"):
            match = _MEMCPY.fullmatch(line)
            if match is None:
                raise TraceError(f"{path}:{number}: {line!r}: a copy reads MemcpyHtoD,0xADDRESS,BYTES")
            copies.append((int(match[1], 16), int(match[2])))
            check_copy(*copies[-1], f"{path}:{number}")
        elif line.startswith("kernel"):
            kernels.append(_beside(path, number, line))
    if not kernels:
        raise TraceError(f"{path}: names no kernel: it needs lines like kernel-1.traceg")
    return Trace(str(path), "accel-sim", LazyKernels(len(kernels), lambda i: read_kernel(kernels[i])), copies)


def open_kernel(path: Path) -> Trace:
    """The trace of a single kernel file."""
    return Trace(str(path), "accel-sim", LazyKernels(1, lambda _: read_kernel(path)))


def _beside(list_path: Path, number: int, name: str) -> Path:
    for candidate in (name, f"{name}.xz", name.removesuffix(".xz")):
        path = list_path.parent / candidate
        if path.is_file():
            return path
    raise TraceError(f"{list_path}:{number}: {name}: not beside the list: put it there (.traceg or .traceg.xz)")


def read_kernel(path: Path) -> KernelTrace:
    """One kernel with its side file; raises `TraceError` with file and line where the text is wrong."""
    try:
        if path.suffix == ".xz":
            with lzma.open(path) as stream:
                return _read(path, stream)
        with path.open("rb") as stream:
            return _read(path, stream)
    except (lzma.LZMAError, EOFError):
        raise TraceError(f"{path}: the compressed file is damaged or cut off: copy or record it again") from None


def _read(path: Path, stream: IO[bytes]) -> KernelTrace:
    text = stream.read(_CHUNK)
    values, length = _header_values(path, text)
    header = _header(path, values)
    side, warnings = find_side_file(path, header)
    reader = BodyReader(
        path=path,
        header=header,
        rows=None if side is None else side.rows,
        line_numbers=values.get("enable lineinfo", ("0", 0))[0] == "1",
    )
    line = text.count(b"\n", 0, length) + 1
    seen = 0
    for start, block in _blocks(path, stream, text[length:], line):
        reader.read_block(block, start)
        seen += 1
    if seen < header.ctas:
        raise TraceError(
            f"{path}: the grid promises {header.ctas:,} CTAs, {seen:,} follow: the file is cut off; record it again"
        )
    if side is None:
        warnings.append(_NO_SIDE_FILE)
    return reader.finish(replace(header, has_control_bits=side is not None, warnings=(*warnings, *reader.warnings)))


def _header_values(path: Path, text: bytes) -> tuple[dict[str, tuple[str, int]], int]:
    """Header values with their lines, and the bytes that the header takes: it ends at the first line with a #."""
    values: dict[str, tuple[str, int]] = {}
    position = 0
    number = 0
    while position < len(text):
        number += 1
        end = text.find(b"\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].decode("utf-8", "replace").strip()
        if line.startswith("#"):
            return values, position
        if line:
            key, equals, value = line.removeprefix("-").partition("=")
            if not line.startswith("-") or not equals:
                raise TraceError(f"{path}:{number}: {line[:60]!r}: a header reads `-key = value`: is this a .traceg?")
            values[key.strip()] = (value.strip(), number)
        position = end + 1
    raise TraceError(f"{path}: no instructions follow the header: the file is cut off; record it again")


def _header(path: Path, values: dict[str, tuple[str, int]]) -> KernelHeader:
    numbers: dict[str, int] = {}
    for key, name in _NUMBERS.items():
        text, line = values.get(key, ("0", 0))
        try:
            numbers[name] = int(text, 16) if text.lower().startswith("0x") else int(text)
        except ValueError:
            raise TraceError(f"{path}:{line}: {key} = {text!r}: a number belongs here") from None
        if not 0 <= numbers[name] < 1 << 62:
            raise TraceError(f"{path}:{line}: {key} = {text}: out of range: the header is damaged")
    dims = {}
    for key in ("grid dim", "block dim"):
        text, line = values.get(key, ("", 0))
        match = _DIM.fullmatch(text.replace(" ", ""))
        if match is None or "0" in match.groups():
            raise TraceError(f"{path}:{line}: {key} = {text!r}: three sizes like (4,4,1) belong here")
        dims[key] = (int(match[1]), int(match[2]), int(match[3]))
    block: Dim3 = dims["block dim"]
    if block[0] * block[1] * block[2] > _MOST_THREADS:
        raise TraceError(
            f"{path}:{values['block dim'][1]}: block dim = {block}: a CTA has at most {_MOST_THREADS:,} threads: "
            "the header is damaged"
        )
    if not numbers["sm"]:
        raise TraceError(f"{path}: no binary version in the header: add a line like `-binary version = 86`")
    name = values.get("kernel name", ("", 0))[0] or path.stem
    header = KernelHeader(name=name, grid=dims["grid dim"], block=block, **numbers)  # type: ignore[arg-type]
    try:
        _ = header.isa
    except TraceError as error:
        raise TraceError(f"{path}:{values['binary version'][1]}: {error}") from None
    return header


def _blocks(path: Path, stream: IO[bytes], text: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """(first line, text) of each CTA, from `text` on, which begins at `line`; holds one CTA and one chunk at a time."""
    searched = 0
    while True:
        end = text.find(_END, searched)
        if end < 0:
            more = stream.read(_CHUNK)
            if not more:
                break
            searched = max(0, len(text) - len(_END))
            text += more
            continue
        start = 0
        while end >= 0:
            yield line, text[start:end]
            line += text.count(b"\n", start, end)
            start = end + len(_END)
            end = text.find(_END, start)
        text, searched = text[start:], 0
    if b"thread block" in text or b"#BEGIN_TB" in text:
        raise TraceError(
            f"{path}:{line + text.count(10)}: the file ends inside a CTA: it is cut off; copy or record it again"
        )
