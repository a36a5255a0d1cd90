"""The compiled expansion against a small model in plain Python, written from the definitions alone."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from sim.isa.memory import MemorySpace, access_bytes, is_atomic, is_store, memory_space
from sim.trace.addresses import addresses_of, lanes_of
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace
from tests.trace.expanded import Expanded, expand
from tests.trace.random_kernels import LOCAL_BASE, SHARED_BASE, kernels

ROOT = Path(__file__).resolve().parents[2]
#: Every kind of access.
MIXED = """
.block 64 .grid 2
.repeat 3
LDG.E R1, [R2.64] {0x1010 + 4*lane + 128*warp}
LDG.E.128 R4, [R2.64] {0x100000 + 4096*lane}
LDG.E R1, [R2.64] {0x2000 0x1000 0x2020 0x7ffffffff000} {mask=0xf}
LDS.64 R4, [R2] {12*lane}
LDS.64 R4, [R2] {8*lane}
ATOMS.ADD RZ, [R2], R3 {8*lane}
STG.E.U16 [R2.64], R4 {0x3001 + 3*lane}
STL.128 [R2], R4 {20}
RED.E.ADD.STRONG.GPU [R2.64], R4 {0x1000 + 8*lane}
LDL.64 R4, [R2] {24}
LD.E R4, [R2.64] {0x7f0000000100 + 4*lane}
LDGSTS.E.128 [R2], [R4.64] {0x1000+16*lane | 80*lane}
.end
"""
Masks = tuple[int, int, int, int]


@dataclass
class Access:
    """What one access touches; `written` = bytes that a store writes in each sector of a line, None for the others."""

    lines: dict[int, int]
    bank_cycles: int
    space: MemorySpace
    whole: dict[int, int] = field(default_factory=dict)
    operations: dict[int, int] = field(default_factory=dict)
    written: dict[int, Masks] | None = field(default=None, compare=False)


def model(
    kernel: KernelTrace, line: int = 128, sector: int = 32, banks: int = 32, width: int = 4
) -> list[list[Access]]:
    """Accesses of each warp, by the definitions."""
    found: list[list[Access]] = []
    reference = 0
    for warp, path in enumerate(kernel.warp_path.tolist()):
        accesses: list[Access] = []
        stream = zip(*(table.tolist() for table in kernel.path(path)), strict=True) if path >= 0 else ()
        for row, mask in stream:
            instruction = kernel.static[int(row)].instruction
            if memory_space(instruction) in (MemorySpace.NONE, MemorySpace.CONSTANT) or not mask:
                continue
            access = Access({}, 0, memory_space(instruction))
            stored: dict[int, set[tuple[int, int]]] = {}
            operators: dict[int, set[int]] = {}
            for side in range(2 if instruction.opcode == "LDGSTS" else 1):
                lanes, addresses = lane_addresses(kernel, reference, int(mask))
                reference += 1
                if access.space is MemorySpace.GENERIC:
                    access.space = window(addresses[0] if addresses else 0)
                if access.space is MemorySpace.SHARED or side:
                    if instruction.opcode == "LDSM":
                        pairs = [(n, a) for n, a in zip(lanes, addresses, strict=True) if n < 16]
                        lanes, addresses = [n for n, _ in pairs], [a for _, a in pairs]
                    size, atomic = access_bytes(instruction), is_atomic(instruction)
                    access.bank_cycles = bank_cycles(lanes, addresses, size, atomic, banks, width)
                    if not addresses:
                        access.bank_cycles = int(not accesses_known(kernel, reference - 1))
                else:
                    for lane, address in zip(lanes, addresses, strict=True):
                        for byte in range(address, address + access_bytes(instruction)):
                            place = byte
                            if access.space is MemorySpace.LOCAL:
                                offset = byte - LOCAL_BASE if byte >= LOCAL_BASE else byte
                                threads = 32 * len(kernel.warp_path)
                                place = LOCAL_BASE + (offset // 4 * threads + 32 * warp + lane) * 4 + offset % 4
                            access.lines[place // line] = (
                                access.lines.get(place // line, 0) | 1 << place % line // sector
                            )
                            bit = place % sector // max(1, sector // 32)
                            stored.setdefault(place // line, set()).add((place % line // sector, bit))
                            operators.setdefault(place // line, set()).add(lane)
            if is_atomic(instruction):
                access.operations = {number: len(lanes) for number, lanes in operators.items()}
            elif is_store(instruction):
                access.written = {number: byte_masks(bits) for number, bits in stored.items()}
                full = (1 << min(32, sector)) - 1
                for number, written in access.written.items():
                    complete = sum(1 << i for i, bits in enumerate(written) if bits == full)
                    access.whole |= {number: complete} if complete else {}
            accesses.append(access)
        found.append(accesses)
    return found


def byte_masks(bits: set[tuple[int, int]]) -> Masks:
    first, second, third, fourth = (sum(1 << bit for at, bit in bits if at == sector) for sector in range(4))
    return first, second, third, fourth


def accesses_known(kernel: KernelTrace, reference: int) -> bool:
    return int(kernel.references.kind[reference]) != 4


def lane_addresses(kernel: KernelTrace, reference: int, mask: int) -> tuple[list[int], list[int]]:
    refs = kernel.references
    extra = refs.deltas[max(0, int(refs.extra[reference])) :].tolist()
    values = addresses_of(
        int(refs.kind[reference]), int(refs.base[reference]), int(refs.stride[reference]), extra, mask
    )
    return ([], []) if values is None else (list(lanes_of(mask)), values.tolist())


def window(address: int) -> MemorySpace:
    if SHARED_BASE <= address < LOCAL_BASE:
        return MemorySpace.SHARED
    return MemorySpace.LOCAL if LOCAL_BASE <= address < LOCAL_BASE + (1 << 24) else MemorySpace.GLOBAL


def bank_cycles(lanes: list[int], addresses: list[int], size: int, atomic: bool, banks: int, width: int) -> int:
    group = 32 if size <= width else 32 * width // size
    cycles = 0
    for start in range(0, 32, group):
        touched: dict[int, list[int]] = {}
        for lane, address in zip(lanes, addresses, strict=True):
            if start <= lane < start + group:
                for word in sorted({byte // width for byte in range(address, address + size)}):
                    touched.setdefault(word % banks, []).append(word)
        cycles += max((len(words) if atomic else len(set(words)) for words in touched.values()), default=0)
    return cycles


def as_access(op: Any, lines: NDArray[Any]) -> Access:
    """A row of MEMOP with its rows of LINE, as the model's."""
    rows = lines[int(op["first"]) : int(op["first"] + op["lines"])]
    touched = {int(r["line"]): int(r["sectors"]) for r in rows}
    assert len(touched) == op["lines"], "a line is listed twice"
    assert sum(bits.bit_count() for bits in touched.values()) == op["sectors"]
    written = {}
    for row in rows:
        first, second, third, fourth = (int(mask) & 0xFFFFFFFF for mask in row["bytes"])
        written[int(row["line"])] = (first, second, third, fourth)
    return Access(
        touched,
        int(op["bank_cycles"]),
        MemorySpace(op["space"]),
        {int(r["line"]): int(r["whole"]) for r in rows if r["whole"]},
        {int(r["line"]): int(r["operations"]) for r in rows if r["operations"]},
        written,
    )


def as_accesses(expanded: Expanded) -> list[list[Access]]:
    return [
        [as_access(op, expanded.lines) for op in expanded.memops[expanded.warp_memop[w] : expanded.warp_memop[w + 1]]]
        for w in range(len(expanded.warp_path))
    ]


def assert_same(found: list[list[Access]], expected: list[list[Access]]) -> None:
    assert found == expected
    for ours, theirs in zip(found, expected, strict=True):
        # dictionaries compare without order: lines in first touch
        assert [list(a.lines) for a in ours] == [list(a.lines) for a in theirs]
        stores = [(a.written, b.written) for a, b in zip(ours, theirs, strict=True) if b.written is not None]
        assert all(mine == right for mine, right in stores)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(kernels())
def test_expansion_is_what_the_definitions_say(kernel: KernelTrace) -> None:
    assert_same(as_accesses(expand(kernel)), model(kernel))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(kernels())
def test_other_geometries(kernel: KernelTrace) -> None:
    expanded = expand(kernel, line_bytes=64, sector_bytes=64, banks=16, bank_bytes=8)
    assert_same(as_accesses(expanded), model(kernel, 64, 64, 16, 8))


def accesses_of(text: str) -> list[Access]:
    return as_accesses(expand(parse_listing(text).kernels[0]))[0]


@pytest.mark.parametrize(
    ("line", "cycles"),
    [
        ("LDS R1, [R2] {4*lane}", 1),
        ("LDS R1, [R2] {8*lane}", 2),
        ("LDS R1, [R2] {128*lane}", 32),
        ("LDS R1, [R2] {132*lane}", 1),
        ("LDS R1, [R2] {64}", 1),
        ("LDS.64 R1, [R2] {8*lane}", 2),
        ("LDS.64 R1, [R2] {64}", 2),
        ("LDS.128 R4, [R2] {16*lane}", 4),
        ("LDS.128 R4, [R2] {16*lane} {mask=0xff}", 1),
        ("LDS.128 R4, [R2] {64} {mask=0x101}", 2),
        ("LDS.U8 R1, [R2] {lane}", 1),
        ("ATOMS.ADD RZ, [R2], R3 {64}", 32),
        ("ATOMS.ADD RZ, [R2], R3 {4*lane}", 1),
        ("LDSM.16.M88 R4, [R2] {16*lane}", 1),
        ("LDSM.16.M88.4 R4, [R2] {16*lane}", 4),
        ("LDSM.16.M88.4 R4, [R2] {80*lane}", 4),
        ("LDSM.16.M88.4 R4, [R2] {128*lane}", 32),
        ("LDGSTS.E.128 [R2], [R4.64] {0x1000+16*lane | 128*lane}", 32),
    ],
)
def test_bank_cycles(line: str, cycles: int) -> None:
    assert accesses_of(line)[0].bank_cycles == cycles


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("LDG.E R1, [R2.64] {0x1000 + 4*lane}", [(32, 15)]),
        ("LDG.E R1, [R2.64] {0x1000 + 4*lane} {mask=0xff}", [(32, 1)]),
        ("LDG.E R1, [R2.64] {0x1000}", [(32, 1)]),
        ("LDG.E R1, [R2.64] {0x1010 + 4*lane}", [(32, 15), (33, 1)]),
        ("LDG.E.128 R4, [R2.64] {0x1000 + 16*lane}", [(32, 15), (33, 15), (34, 15), (35, 15)]),
        ("LDG.E R1, [R2.64] {0x1200 - 128*lane} {mask=0x7}", [(36, 1), (35, 1), (34, 1)]),
        ("LDG.E R1, [R2.64] {0x2000 0x1000 0x2020} {mask=0x7}", [(64, 3), (32, 1)]),
        ("LDG.E.64 R2, [R2.64] {0x107c} {mask=0x1}", [(32, 8), (33, 1)]),
        ("LD.E R1, [R2.64] {0x1000}", [(32, 1)]),
    ],
)
def test_lines_and_sectors(line: str, lines: list[tuple[int, int]]) -> None:
    assert list(accesses_of(line)[0].lines.items()) == lines


@pytest.mark.parametrize(
    ("line", "whole", "written"),
    [
        ("STG.E [R2.64], R4 {0x1000 + 4*lane}", {32: 15}, {32: (2**32 - 1,) * 4}),
        ("STG.E [R2.64], R4 {0x1000 + 4*lane} {mask=0x1ff}", {32: 1}, {32: (2**32 - 1, 0xF, 0, 0)}),
        ("STG.E.U8 [R2.64], R4 {0x1000 + 2*lane}", {}, {32: (0x55555555, 0x55555555, 0, 0)}),
        ("STG.E.U16 [R2.64], R4 {0x103f} {mask=0x1}", {}, {32: (0, 1 << 31, 1, 0)}),
        ("STG.E.64 [R2.64], R4 {0x107c}", {}, {32: (0, 0, 0, 0xF0000000), 33: (0xF, 0, 0, 0)}),
        ("STG.E.128 [R2.64], R4 {0x1040 0x1050} {mask=0x3}", {32: 4}, {32: (0, 0, 2**32 - 1, 0)}),
    ],
)
def test_bytes_of_stores(line: str, whole: dict[int, int], written: dict[int, Masks]) -> None:
    access = accesses_of(line)[0]
    assert (access.whole, access.written, access.operations) == (whole, written, {})


@pytest.mark.parametrize(
    ("line", "operations"),
    [
        ("RED.E.ADD.STRONG.GPU [R2.64], R4 {0x1000}", {32: 32}),
        ("RED.E.ADD.STRONG.GPU [R2.64], R4 {0x1000 + 8*lane}", {32: 16, 33: 16}),
        ("ATOMG.E.ADD PT, R4, [R2.64], R6 {0x1000 0x2000 0x1004} {mask=0x7}", {32: 2, 64: 1}),
        ("ATOMG.E.ADD PT, R4, [R2.64], R6 {0x107e} {mask=0x3}", {32: 2, 33: 2}),
    ],
)
def test_operations_of_atomics(line: str, operations: dict[int, int]) -> None:
    access = accesses_of(line)[0]
    assert (access.operations, access.whole) == (operations, {})


def test_masked_out_accesses_have_no_row() -> None:
    kernel = parse_listing("LDG.E R1, [R2.64] {mask=0}\nLDG.E R1, [R2.64]").kernels[0]
    expanded = expand(kernel)
    assert expanded.path_lanes.tolist() == [0, 32, 32]
    assert expanded.path_memop.tolist() == [0, 1, 0]
    assert expanded.warp_memop.tolist() == [0, 1]


def test_windows_decide_generic_accesses() -> None:
    shared = accesses_of("LD.E R1, [R2.64] {0x7f0000000000 + 4*lane}")[0]
    local = accesses_of("LD.E R1, [R2.64] {0x7f0100000000}")[0]
    assert (shared.space, shared.bank_cycles, shared.lines) == (MemorySpace.SHARED, 1, {})
    assert local.space is MemorySpace.LOCAL and list(local.lines.values()) == [15]


def test_long_warps_of_gathers_fit() -> None:
    text = ".repeat 600\nLDG.E R1, [R2.64] {0x1000 + 4096*lane + 128*iter}\n.end"
    expanded = expand(parse_listing(text).kernels[0])
    assert len(expanded.lines) == 600 * 32
    assert expanded.memops["lines"].tolist() == [32] * 600
    assert (np.diff(expanded.memops["first"]) == 32).all()


@pytest.mark.parametrize("sizes", [{"line_bytes": 96}, {"line_bytes": 256}, {"banks": 0}, {"sector_bytes": 256}])
def test_sizes_are_checked(sizes: dict[str, int]) -> None:
    kernel = parse_listing("NOP").kernels[0]
    with pytest.raises(ValueError, match=r"power of two|sectors"):
        expand(kernel, **sizes)


def test_the_interpreter_gives_the_same_tables() -> None:
    script = "import sys; sys.path.insert(0, '.'); from tests.trace.test_expand import digest; print(digest())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == digest()


def digest() -> str:
    """Hash of the expansion of a listing with every kind of access."""
    expanded = expand(parse_listing(MIXED).kernels[0])
    tables = (expanded.memops, expanded.lines, expanded.warp_memop, expanded.path_memop, expanded.path_lanes)
    return hashlib.sha256(repr([table.tolist() for table in tables]).encode()).hexdigest()
