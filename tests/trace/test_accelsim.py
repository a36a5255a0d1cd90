"""The reader of Accel-Sim text, on small files written here: what it reads, and how it refuses damaged ones."""

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from sim.errors import TraceError
from sim.isa.control import ControlWord
from sim.trace import KernelTrace, open_trace
from sim.trace.addresses import AFFINE, TWO_SEGMENT, UNIFORM, UNKNOWN, addresses_of

HEADER = """-kernel name = tiny
-kernel id = 3
-grid dim = (2,1,1)
-block dim = (32,1,1)
-shmem = 128
-nregs = 16
-binary version = 86
-cuda stream id = 0
-shmem base_addr = 0x00007f5e00000000
-local mem base_addr = 0x00007f5e02000000
-nvbit version = 1.7
-accelsim tracer version = 5
-enable lineinfo = 0

#traces format = [line_num] PC mask dest_num ...
"""
FULL = "ffffffff"
LINES = [
    f"0000 {FULL} 1 R1 MOV 0 0 0 ",
    f"0010 {FULL} 1 R4 LDG.E 1 R2 4 1 0x7f1000000000 4 0 ",
    "0020 00000000 1 R4 LDG.E 1 R2 4 1 0x0 0 ",
    "0030 0000000b 0 STG.E 2 R2 R4 4 2 0x7f1000000010 -16 64 7 ",
    "0040 00000003 1 R5 LDS 1 R3 4 0 0x7f5e00000000 0x7f5e00000040 0 ",
    "0050 80000000 0 RED.E.ADD 2 R2 R4 4 2 0x7f1000000100 0 ",
    f"0060 {FULL} 0 EXIT 0 0 0 ",
]


def block(cta: str, lines: list[str], warp: int = 0, count: int | None = None) -> str:
    body = "\n".join(lines)
    number = len(lines) if count is None else count
    return f"\n\n#BEGIN_TB\n\nthread block = {cta}\n\nwarp = {warp}\ninsts = {number}\n{body}\n\n#END_TB\n"


def write(folder: Path, text: str, name: str = "kernel-1.traceg") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def read(path: Path) -> KernelTrace:
    return open_trace(path).kernels[0]


def whole(folder: Path) -> Path:
    return write(folder, HEADER + block("0,0,0", LINES) + block("1,0,0", LINES))


def test_header_and_streams(tmp_path: Path) -> None:
    kernel = read(whole(tmp_path))
    header = kernel.header
    assert (header.name, header.id, header.grid, header.block) == ("tiny", 3, (2, 1, 1), (32, 1, 1))
    assert (header.shared_bytes, header.registers, header.sm, header.tracer_version) == (128, 16, 86, 5)
    assert (header.shared_base, header.local_base) == (0x7F5E00000000, 0x7F5E02000000)
    assert not header.has_control_bits and "no control bits" in header.warnings[0]
    assert kernel.warp_path.tolist() == [0, 0]
    assert kernel.warp_instructions == 14
    assert kernel.path(0)[1].tolist() == [0xFFFFFFFF, 0xFFFFFFFF, 0, 0xB, 3, 1 << 31, 0xFFFFFFFF]
    assert [row.pc for row in kernel.static] == [16 * i for i in range(7)]


def test_addresses_in_all_three_modes(tmp_path: Path) -> None:
    kernel = read(whole(tmp_path))
    refs = kernel.references
    assert refs.kind[:4].tolist() == [AFFINE, TWO_SEGMENT, AFFINE, UNIFORM]
    assert (int(refs.base[0]), int(refs.stride[0])) == (0x7F1000000000, 4)
    deltas = refs.deltas[int(refs.extra[1]) :].tolist()
    found = addresses_of(TWO_SEGMENT, int(refs.base[1]), int(refs.stride[1]), deltas, 0xB)
    assert found is not None  # each delta is relative to the previous active lane, and the last word is an immediate
    assert found.tolist() == [0x7F1000000010, 0x7F1000000000, 0x7F1000000040]
    assert (int(refs.base[2]), int(refs.stride[2])) == (0x7F5E00000000, 0x40)
    assert int(refs.base[3]) == 0x7F1000000100


def test_compressed_files_and_lists(tmp_path: Path) -> None:
    plain = read(whole(tmp_path))
    (tmp_path / "kernel-2.traceg.xz").write_bytes(lzma.compress((tmp_path / "kernel-1.traceg").read_bytes()))
    listed = write(
        tmp_path, "MemcpyHtoD,0x00007f1000000000,4096\nkernel-1.traceg\n\nMemcpyDtoH,0x1,2\nkernel-2.traceg\n", "l.g"
    )
    trace = open_trace(listed)
    assert (trace.source, trace.memcpys) == ("accel-sim", [(0x7F1000000000, 4096)])
    assert [kernel.content_hash for kernel in trace] == [plain.content_hash] * 2
    assert trace.kernels[-1] is trace.kernels[1]
    assert len(trace.kernels[0:2]) == 2
    assert len(trace.hash) == 64


def test_old_tracers_repeat_coordinates_and_have_no_immediate(tmp_path: Path) -> None:
    header = HEADER.replace("tracer version = 5", "tracer version = 2")
    lines = [f"0 0 0 0 {line.rstrip()[:-2] if line.rstrip().endswith(' 0') else line.rstrip()}" for line in LINES[:2]]
    kernel = read(write(tmp_path, header.replace("(2,1,1)", "(1,1,1)") + block("0,0,0", lines)))
    assert [row.sass for row in kernel.static] == ["MOV R1", "LDG.E R4, [R2]"]


def test_line_numbers(tmp_path: Path) -> None:
    header = HEADER.replace("lineinfo = 0", "lineinfo = 1").replace("(2,1,1)", "(1,1,1)")
    kernel = read(write(tmp_path, header + block("0,0,0", [f"{40 + i} {line}" for i, line in enumerate(LINES)])))
    assert [row.line for row in kernel.static] == list(range(40, 47))


def test_launch_order_does_not_depend_on_the_order_in_the_file(tmp_path: Path) -> None:
    other = [LINES[0], f"0010 {FULL} 1 R4 LDG.E 1 R2 4 1 0x7f1000000080 4 0", LINES[-1]]
    forwards = read(write(tmp_path, HEADER + block("0,0,0", LINES) + block("1,0,0", other), "a.traceg"))
    backwards = read(write(tmp_path, HEADER + block("1,0,0", other) + block("0,0,0", LINES), "b.traceg"))
    assert forwards.content_hash == backwards.content_hash
    assert forwards.warp_path.tolist() == [0, 1]


def test_asynchronous_copies_have_an_unknown_shared_side(tmp_path: Path) -> None:
    line = f"0000 {FULL} 0 LDGSTS.E.128 2 R2 R4 16 1 0x7f1000000000 16 0"
    kernel = read(write(tmp_path, HEADER.replace("(2,1,1)", "(1,1,1)") + block("0,0,0", [line])))
    assert kernel.references.kind.tolist() == [AFFINE, UNKNOWN]
    assert any("LDGSTS" in warning for warning in kernel.header.warnings)


# --- side file ---

SASS = {
    0x00: "MOV R1, c[0x0][0x28]",
    0x10: "LDG.E R4, [R2.64]",
    0x20: "@P0 LDG.E R4, [R2.64]",
    0x30: "STG.E [R2.64], R4",
    0x40: "LDS R5, [R3]",
    0x50: "RED.E.ADD [R2.64], R4",
    0x60: "EXIT",
}


def side(**changes: Any) -> dict[str, Any]:
    bits = {"stall": 2, "yield": 0, "wrbar": 7, "rdbar": 7, "wait": 0, "reuse": 0}
    rows = {f"{pc:04x}": {**bits, "sass": text, "line": 3} for pc, text in SASS.items()}
    return {"kernel": "tiny", "arch": 86, "control_bits": rows, **changes}


def test_side_files_are_joined_by_pc(tmp_path: Path) -> None:
    path = whole(tmp_path)
    (tmp_path / "static.json.gz").write_bytes(gzip.compress(json.dumps(side()).encode()))
    kernel = read(path)
    assert kernel.header.has_control_bits and kernel.header.warnings == ()
    assert [row.sass for row in kernel.static] == list(SASS.values())
    assert kernel.static[0].control == ControlWord(2, True, 7, 7, 0, 0)
    assert kernel.static[0].line == 3


def test_a_side_file_of_another_kernel_is_left_alone(tmp_path: Path) -> None:
    path = whole(tmp_path)
    (tmp_path / "static.json").write_text(json.dumps(side(kernel="other")))
    kernel = read(path)
    assert not kernel.header.has_control_bits
    assert "static.json is for other" in kernel.header.warnings[0]
    (tmp_path / "kernel-1.static.json").write_text(json.dumps(side()))
    assert read(path).header.has_control_bits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a readable side file"),
        ("{}", "no control_bits"),
        (json.dumps(side(control_bits={"zz": {}})), "not a hex number|no SASS"),
        (json.dumps(side(control_bits={"0": {"sass": "NOP"}})), "pc 0: control bits: stall"),
        (json.dumps(side(control_bits={})), r"kernel-1\.traceg:\d+: pc 0x0 is not in the side file"),
    ],
)
def test_damaged_side_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = whole(tmp_path)
    (tmp_path / "static.json").write_text(text)
    with pytest.raises(TraceError, match=message):
        read(path)


def test_a_side_file_of_other_code_is_refused(tmp_path: Path) -> None:
    path = whole(tmp_path)
    other = side()
    other["control_bits"]["0010"]["sass"] = "FADD R1, R2, R3"
    (tmp_path / "static.json").write_text(json.dumps(other))
    with pytest.raises(TraceError, match=r"pc 0x10 is LDG\.E here, FADD in the side file"):
        read(path)


# --- damaged files ---


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    text = whole(tmp_path).read_text()
    path = tmp_path / "cut.traceg"
    last = text.rindex("#END_TB") + len("#END_TB")
    for length in range(0, last, 7):
        path.write_text(text[:length])
        with pytest.raises(TraceError, match=r"cut\.traceg"):
            read(path)
    path.write_text(text[:last])
    assert read(path).warp_instructions == 14


def test_a_cut_or_damaged_archive_is_named(tmp_path: Path) -> None:
    data = lzma.compress(whole(tmp_path).read_bytes())
    path = tmp_path / "k.traceg.xz"
    for damaged in (data[: len(data) // 2], data[:40] + bytes(8) + data[48:], b"not xz at all"):
        path.write_bytes(damaged)
        with pytest.raises(TraceError, match=r"k\.traceg\.xz: the compressed file is damaged"):
            read(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("insts = 7", "insts = 1204", r"kernel-1\.traceg:\d+: warp 0 promises 1,204 instructions, 7 follow"),
        ("insts = 7", "insts = -1", "a warp begins with"),
        ("insts = 7", "count = 7", "a warp begins with"),
        ("warp = 0", "warp = 9", "warp 9: a CTA has 1 warps"),
        ("thread block = 1,0,0", "thread block = 5,0,0", r"CTA \(5,0,0\) lies outside the grid"),
        ("thread block = 1,0,0", "thread block = x", "a CTA begins with"),
        ("thread block = 1,0,0", "thread block = 0,0,0", "comes twice"),
        ("(2,1,1)", "(3,1,1)", "promises 3 CTAs, 2 follow"),
        ("(2,1,1)", "(2000000000,60000,60000)", "promises .* CTAs, 2 follow"),
        ("(2,1,1)", "(0,1,1)", "three sizes"),
        ("(32,1,1)", "(4096,1,1)", "at most 1,024 threads"),
        ("-nregs = 16", "-nregs = many", r"kernel-1\.traceg:6: nregs = 'many': a number"),
        ("-nregs = 16", "nregs 16", "a header line reads|a header reads"),
        ("-binary version = 86", "-binary version = 61", "no opcode table"),
        ("-binary version = 86", "-cubin = 1", "no binary version"),
        (f"0000 {FULL} 1 R1 MOV", f"00g0 {FULL} 1 R1 MOV", r"kernel-1\.traceg:\d+: '00g0"),
        (f"0000 {FULL} 1 R1 MOV", "0000 fffffffff 1 R1 MOV", "not an instruction line"),
        (f"0000 {FULL} 1 R1 MOV", f"0000 {FULL} 1 X1 MOV", "not an instruction line"),
        (f"0000 {FULL} 1 R1 MOV", f"0000 {FULL} 1 R999 MOV", "not an instruction line"),
        (f"0000 {FULL} 1 R1 MOV 0 0 0", f"0000 {FULL} 1", "not an instruction line"),
        ("4 1 0x7f1000000000 4 0", "4 3 0x7f1000000000 4 0", "not an instruction line"),
        ("4 1 0x7f1000000000 4 0", "4 1 0xzz 4 0", "not an instruction line"),
        ("4 1 0x7f1000000000 4 0", "4 1 0xffffffffffffffff 4 0", "not an instruction line"),
        ("4 1 0x7f1000000000 4 0", "4 1 0x7f1000000000 4 0 9 9", "not an instruction line"),
        ("0x7f5e00000000 0x7f5e00000040 0 ", "0x7f5e00000000", "not an instruction line"),
        ("0030 0000000b", "0010 0000000b", r"pc 0x10 is STG\.E here, LDG\.E before"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = whole(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(TraceError, match=message):
        read(path)


def test_the_line_of_an_error_is_right(tmp_path: Path) -> None:
    text = HEADER + block("0,0,0", LINES) + block("1,0,0", [*LINES[:3], "0030 nonsense"])
    path = write(tmp_path, text)
    number = text.splitlines().index("0030 nonsense") + 1
    with pytest.raises(TraceError, match=rf"kernel-1\.traceg:{number}: '0030 nonsense'"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no kernel"),
        ("kernel-9.traceg", r"l\.g:1: kernel-9\.traceg: not beside the list"),
        ("MemcpyHtoD,7f,x", r"l\.g:1: .*a copy reads"),
        ("MemcpyHtoD,0xffffffffffffff00,4096\nkernel-1", r"l\.g:1: a copy of 4096 bytes to 0xffffffffffffff00: no GPU"),
        (f"MemcpyHtoD,0x10,{1 << 60}\nkernel-1", r"l\.g:1: a copy of .* bytes to 0x10: no GPU"),
    ],
)
def test_damaged_lists_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        open_trace(write(tmp_path, text, "l.g"))


def test_accesses_without_addresses_are_kept_and_reported(tmp_path: Path) -> None:
    line = f"0000 {FULL} 1 R4 LDG.E 1 R2 0 0"
    kernel = read(write(tmp_path, HEADER.replace("(2,1,1)", "(1,1,1)") + block("0,0,0", [line])))
    assert kernel.references.kind.tolist() == [UNKNOWN]
    assert any("LDG without addresses" in warning for warning in kernel.header.warnings)
