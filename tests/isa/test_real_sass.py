"""Every distinct SASS text of the shared side files is read, and agrees with the registers that the traces list."""

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from sim.isa.control import from_raw_fields
from sim.isa.instruction import Instruction, parse_sass, reuse_mask
from sim.isa.opcodes import classify
from sim.isa.operand import ZERO_REGISTER, Operand, OperandKind

pytestmark = pytest.mark.shared
ARCHITECTURES = ("sm70", "sm80", "sm86")
KERNELS = (
    "chase_512",
    "ffmachain_16",
    "gather_16384",
    "hgemm_256x256x128",
    "reduce_65536",
    "sgemm_256x256x64",
    "vecadd_65536",
)


def side_file(folder: Path) -> dict[str, Any]:
    with gzip.open(folder / "static.json.gz") as stream:
        data: dict[str, Any] = json.load(stream)
    return data


def covered(operands: tuple[Operand, ...]) -> set[int]:
    """Regular registers that operands cover, RZ as 255."""
    registers: set[int] = set()
    for operand in operands:
        if operand.kind is OperandKind.REGISTER:
            single = operand.index == ZERO_REGISTER
            registers |= {operand.index} if single else set(range(operand.index, operand.index + operand.width))
    return registers


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("isa", ARCHITECTURES)
def test_side_file_is_read_completely(shared_dir: Path, isa: str, kernel: str) -> None:
    for pc, fields in side_file(shared_dir / "traces/sass" / isa / kernel)["control_bits"].items():
        instruction = parse_sass(fields["sass"])
        assert classify(instruction.opcode, f"sm_{isa[2:]}") is not None, pc
        assert reuse_mask(instruction) == from_raw_fields(fields).reuse, pc


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("isa", ARCHITECTURES)
def test_operands_contain_the_registers_of_the_trace(shared_dir: Path, isa: str, kernel: str) -> None:
    folder = shared_dir / "traces/sass" / isa / kernel
    code: dict[int, Instruction] = {
        int(pc, 16): parse_sass(fields["sass"]) for pc, fields in side_file(folder)["control_bits"].items()
    }
    seen: set[int] = set()
    with lzma.open(folder / "kernel-1.traceg.xz", "rt") as stream:
        for line in stream:
            words = line.split()
            if len(words) < 6 or len(words[0]) != 4 or len(words[1]) != 8 or int(words[0], 16) in seen:
                continue
            pc, results = int(words[0], 16), int(words[2])
            instruction = code[pc]
            seen.add(pc)
            assert words[3 + results] == instruction.mnemonic, line
            count = int(words[4 + results])
            written = {int(word[1:]) for word in words[3 : 3 + results]}
            read = {int(word[1:]) for word in words[5 + results : 5 + results + count]}
            assert written <= covered(instruction.destinations), (line, instruction)
            read.discard(ZERO_REGISTER)  # the recorder lists the RZ of `BMOV.32.CLEAR RZ, B0` as a source
            assert read <= covered(instruction.sources), (line, instruction)
    assert seen
