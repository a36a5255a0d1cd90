import pytest

from sim.errors import TraceError
from sim.isa.instruction import parse_sass
from sim.isa.memory import (
    MemorySpace,
    access_bytes,
    address_lanes,
    is_atomic,
    is_load,
    is_store,
    memory_space,
    reference_count,
)
from sim.isa.opcodes import ARCHITECTURES, OpClass, classify, isa_of, opcode_table


@pytest.mark.parametrize(
    ("opcode", "isa", "expected"),
    [
        ("FFMA", "sm_86", OpClass.FP32),
        ("IMAD", "sm_86", OpClass.FP32),
        ("CS2R", "sm_86", OpClass.INT),
        ("HFMA2", "sm_80", OpClass.HALF),
        ("MUFU", "sm_80", OpClass.SFU),
        ("F2F", "sm_80", OpClass.FP64),
        ("F2F", "sm_70", OpClass.SFU),
        ("IMMA", "sm_70", OpClass.FP32),
        ("IMMA", "sm_75", OpClass.TENSOR),
        ("SHFL", "sm_70", OpClass.INT),
        ("SHFL", "sm_75", OpClass.MEMORY_MISC),
        ("S2R", "sm_70", OpClass.MISC_QUEUE),
        ("S2R", "sm_86", OpClass.MEMORY_MISC),
        ("ERRBAR", "sm_70", OpClass.MEMBAR),
        ("CALL", "sm_70", OpClass.BRANCH),
        ("CALL", "sm_75", OpClass.CALL),
        ("LDGSTS", "sm_75", None),
        ("LDGSTS", "sm_80", OpClass.LOAD),
        ("ULDC", "sm_70", None),
        ("ULDC", "sm_75", OpClass.UNIFORM),
        ("ATOMS", "sm_120", OpClass.ATOMIC),
        ("REDG", "sm_120", OpClass.ATOMIC),
        ("REDG", "sm_86", None),
        ("VIMNMX", "sm_90", OpClass.INT),
        ("HGMMA", "sm_90", OpClass.TENSOR),
        ("HGMMA", "sm_120", None),
        ("LDCU", "sm_120", OpClass.LOAD),
        ("UTCHMMA", "sm_100", OpClass.TENSOR),
        ("QMMA", "sm_89", OpClass.TENSOR),
        ("NOSUCH", "sm_86", None),
    ],
)
def test_classes_by_architecture(opcode: str, isa: str, expected: OpClass | None) -> None:
    assert classify(opcode, isa) is expected


def test_table_sizes_are_those_of_the_headers() -> None:
    # core reference §12: 174 opcodes in the modern Ampere header; Turing lacks nine of them
    assert len(opcode_table("sm_80")) == 174
    assert len(opcode_table("sm_75")) == 165
    assert opcode_table("sm_86") == opcode_table("sm_80")


_COMMON = "FFMA IADD3 LDG STG LDS STS BAR EXIT BRA ATOMG RED HMMA MUFU ISETP MEMBAR DEPBAR NOP SHFL"


@pytest.mark.parametrize("isa", ARCHITECTURES)
def test_every_architecture_knows_the_common_opcodes(isa: str) -> None:
    for opcode in _COMMON.split():
        assert classify(opcode, isa) is not None, opcode


def test_unknown_architectures_are_named() -> None:
    with pytest.raises(TraceError, match=r"sm_60.*sm_70"):
        classify("FFMA", "sm_60")
    assert isa_of(86) == "sm_86"
    assert isa_of(87) == "sm_86"
    assert isa_of(121) == "sm_120"
    with pytest.raises(TraceError, match="61"):
        isa_of(61)


@pytest.mark.parametrize(
    ("text", "space", "size", "references"),
    [
        ("LDG.E R1, [R2.64]", MemorySpace.GLOBAL, 4, 1),
        ("LDG.E.U8 R1, [R2.64]", MemorySpace.GLOBAL, 1, 1),
        ("LDG.E.S16 R1, [R2.64]", MemorySpace.GLOBAL, 2, 1),
        ("LDG.E.128 R4, [R2.64]", MemorySpace.GLOBAL, 16, 1),
        ("LDG.E.ENL2.256 R4, R8, desc[UR4][R2.64]", MemorySpace.GLOBAL, 32, 1),
        ("STS.64 [R2], R4", MemorySpace.SHARED, 8, 1),
        ("STL [R2], R4", MemorySpace.LOCAL, 4, 1),
        ("LDSM.16.M88.4 R4, [R2]", MemorySpace.SHARED, 16, 1),
        ("LDGSTS.E.BYPASS.LTC128B.128 [R2], [R4.64]", MemorySpace.GLOBAL, 16, 2),
        ("LDGSTS.E [R2], [R4.64]", MemorySpace.GLOBAL, 4, 2),
        ("LD.E R1, [R2.64]", MemorySpace.GENERIC, 4, 1),
        ("ATOMS.ADD.64 R2, [R4], R6", MemorySpace.SHARED, 8, 1),
        ("RED.E.ADD.F16x2.RN [R4.64], R6", MemorySpace.GENERIC, 4, 1),
        ("LDC R1, c[0x0][0x10]", MemorySpace.CONSTANT, 4, 0),
        ("FADD R1, R2, R3", MemorySpace.NONE, 0, 0),
        ("SHFL.IDX PT, R1, R2, R3, 0x1f", MemorySpace.NONE, 0, 0),
    ],
)
def test_memory_accesses(text: str, space: MemorySpace, size: int, references: int) -> None:
    instruction = parse_sass(text)
    assert (memory_space(instruction), access_bytes(instruction), reference_count(instruction)) == (
        space,
        size,
        references,
    )


def test_loads_and_stores() -> None:
    load, store = parse_sass("LDG.E R1, [R2.64]"), parse_sass("STS [R2], R1")
    atomic, reduction = parse_sass("ATOMG.E.ADD PT, R1, [R2.64], R4"), parse_sass("RED.E.ADD [R2.64], R4")
    assert [is_load(i) for i in (load, store, atomic, reduction)] == [True, False, True, False]
    assert [is_store(i) for i in (load, store, atomic, reduction)] == [False, True, True, True]
    assert [is_atomic(i) for i in (load, store, atomic, reduction)] == [False, False, True, True]
    assert is_load(parse_sass("LDGSTS.E [R2], [R4.64]"))
    assert not is_load(parse_sass("FADD R1, R2, R3"))


def test_matrix_loads_use_the_addresses_of_the_first_lanes() -> None:
    assert address_lanes(parse_sass("LDSM.16.M88 R4, [R2]")) == 8
    assert address_lanes(parse_sass("LDSM.16.M88.2 R4, [R2]")) == 16
    assert address_lanes(parse_sass("LDS R4, [R2]")) == 32
