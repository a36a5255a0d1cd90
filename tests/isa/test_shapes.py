"""Results and widths, one line for each form: the text, its results, the registers that each operand covers."""

import pytest

from sim.isa.instruction import parse_sass
from sim.isa.operand import OperandKind
from sim.isa.shapes import matrix_registers

RESULTS = [
    ("FADD R1, R2, R3", "R1"),
    ("ISETP.GE.AND P0, PT, R2, R3, PT", "P0 PT"),
    ("ISETP.GE.AND.EX P0, PT, R2, R3, PT, P1", "P0 PT"),
    ("UISETP.NE.AND UP0, UPT, UR4, URZ, UPT", "UP0 UPT"),
    ("PLOP3.LUT P0, PT, PT, PT, UP0, 0x80, 0x0", "P0 PT"),
    ("LOP3.LUT P0, RZ, R2, 0x1, RZ, 0xc0, !PT", "P0 RZ"),
    ("IADD3 R2, P1, R2, 0x40, RZ", "R2 P1"),
    ("IADD3 R2, P1, P2, R2, R3, R4", "R2 P1 P2"),
    ("IADD3.X R0, RZ, R0, RZ, P1, !PT", "R0"),
    ("IADD3.X R0, P2, RZ, R0, RZ, P1, !PT", "R0 P2"),
    ("IMAD.WIDE.U32 R2, P0, R4, R5, R6", "R2 P0"),
    ("LEA R12, P0, R8, R10, 0x3", "R12 P0"),
    ("LEA.HI.X R13, R8, R11, R9, 0x3, P0", "R13"),
    ("SEL R1, R2, R3, P0", "R1"),
    ("IMNMX R1, R2, R3, !PT", "R1"),
    ("FCHK P0, R2, R3", "P0"),
    ("SHFL.DOWN PT, R0, R5, 0x10, 0x1f", "PT R0"),
    ("VOTE.ANY R4, PT, P0", "R4 PT"),
    ("VOTE.ALL P1, P0", "P1"),
    ("MATCH.ANY R4, R5", "R4"),
    ("MATCH.ALL PT, R4, R5", "PT R4"),
    ("ATOMG.E.ADD.STRONG.GPU PT, R2, [R4.64], R6", "PT R2"),
    ("ATOMS.ADD RZ, [R2], R3", "RZ"),
    ("RED.E.ADD.STRONG.GPU [R2.64], R5", ""),
    ("LDG.E R2, [R4.64], P1", "R2"),
    ("LDG.E R2, desc[UR4][R4.64]", "R2"),
    ("LDC.64 R2, c[0x0][0x160]", "R2"),
    ("ULDC.64 UR4, c[0x0][0x118]", "UR4"),
    ("STG.E [R2.64], R9", ""),
    ("BRA P1, `(.L_x_1)", ""),
    ("BAR.SYNC.DEFER_BLOCKING 0x0", ""),
    ("BAR.RED.POPC.DEFER_BLOCKING 0x0, P0", ""),
    ("B2R.RESULT RZ, P0", "RZ P0"),
    ("BSSY B0, `(.L_x_4)", "B0"),
    ("BSYNC B0", ""),
    ("BMOV.32.CLEAR R4, B0", "R4"),
    ("WARPSYNC R2", ""),
    ("CALL.REL.NOINC `(f)", ""),
    ("S2R R0, SR_TID.X", "R0"),
    ("S2UR UR5, SR_CTAID.X", "UR5"),
    ("R2UR UR4, R2", "UR4"),
    ("R2UR.OR P1, UR4, R2", "P1 UR4"),
    ("REDUX.SUM UR4, R2", "UR4"),
    ("P2R R0, PR, RZ, 0x7f", "R0"),
    ("R2P PR, R0, 0x7f", "PR"),
    ("NANOSLEEP 0x10", ""),
    ("DEPBAR.LE SB0, 0x1", ""),
    ("SYNCS.PHASECHK.TRANS64.TRYWAIT P0, [UR4], R2", "P0"),
    ("ELECT P0, URZ, PT", "P0 URZ"),
    ("TEX.SCR.LL RZ, R2, R2, R4, 0x0, 0x5e, ARRAY_2D, 0x1", "RZ R2"),
    ("QSPC.E.G P0, RZ, [R2]", "P0 RZ"),
    ("NEWOPCODE R1, P0, R2, R3", "R1 P0"),
    ("EXIT", ""),
]

WIDTHS = [
    ("FFMA R1, R2, R3, R4", [1, 1, 1, 1]),
    ("IMAD.WIDE R2, R4, R5, R6", [2, 1, 1, 2]),
    ("IMAD.WIDE.U32 R2, P0, R4, R5, R6", [2, 1, 1, 1, 2]),
    ("IMAD.WIDE R2, R4, R5, c[0x0][0x160]", [2, 1, 1, 2]),
    ("IMAD.HI.U32 R3, R3, R5, R2", [1, 1, 1, 2]),
    ("UIMAD.WIDE UR4, UR6, UR7, UR8", [2, 1, 1, 2]),
    ("DFMA R2, R4, c[0x0][0x160], R6", [2, 2, 2, 2]),
    ("DSETP.GT.AND P0, PT, R2, R4, PT", [1, 1, 2, 2, 1]),
    ("F2F.F64.F32 R2, R4", [2, 1]),
    ("F2F.F32.F64 R2, R4", [1, 2]),
    ("I2F.F64 R2, R4", [2, 1]),
    ("I2F.S64 R2, R4", [1, 2]),
    ("I2F.F64.S64 R2, R4", [2, 2]),
    ("F2I.S64.F64.TRUNC R2, R4", [2, 2]),
    ("F2I.F64.TRUNC R2, R4", [1, 2]),
    ("FRND.F64 R2, R4", [2, 2]),
    ("MUFU.RCP64H R3, R5", [1, 1]),
    ("CS2R R2, SRZ", [2, 1]),
    ("CS2R.32 R2, SR_CLOCKLO", [1, 1]),
    ("LDG.E.128.CONSTANT R4, [R2.64]", [4, 1]),
    ("LDG.E.U8 R4, [R2.64]", [1, 1]),
    ("LDG.E.LTC128B.64 R4, [R2.64]", [2, 1]),
    ("LDG.E.ENL2.256 R4, R8, desc[UR4][R2.64]", [4, 4, 2, 1]),
    ("LDS.U.128 R4, [R2]", [4, 1]),
    ("STS.64 [R2], R4", [1, 2]),
    ("STG.E.128 [R2.64], RZ", [1, 1]),
    ("LDSM.16.M88 R4, [R2]", [1, 1]),
    ("LDSM.16.MT88.4 R4, [R2]", [4, 1]),
    ("STSM.16.M88.2 [R2], R4", [1, 2]),
    ("LDC.64 R2, c[0x0][0x10]", [2, 2]),
    ("LDCU.128 UR4, c[0x0][0x10]", [4, 4]),
    ("ATOMG.E.ADD.64.STRONG.GPU PT, R2, [R4.64], R6", [1, 2, 1, 2]),
    ("ATOMG.E.ADD.F64.RN.STRONG.GPU PT, R2, [R4.64], R6", [1, 2, 1, 2]),
    ("ATOMS.CAS R2, [R4], R6, R7", [1, 1, 1, 1]),
    ("REDG.E.ADD.F32x2.RN.STRONG.GPU desc[UR4][R2.64], R6", [2, 1, 2]),
    ("HMMA.884.F32.F32.STEP0 R12, R16.ROW, R8.ROW, R12", [2, 2, 2, 2]),
    ("HMMA.1688.F32 R4, R8, R10, R4", [4, 2, 1, 4]),
    ("HMMA.1688.F16 R4, R8, R10, R4", [2, 2, 1, 2]),
    ("HMMA.16816.F32 R4, R8, R12, R4", [4, 4, 2, 4]),
    ("HMMA.16816.F16 R4, R8, R12, R4", [2, 4, 2, 2]),
    ("HMMA.16816.F32.BF16 R4, R8, R12, R4", [4, 4, 2, 4]),
    ("HMMA.1688.F32.TF32 R4, R8, R12, R4", [4, 4, 2, 4]),
    ("HMMA.SP.16832.F32 R4, R8, R12, R4, R20, 0x0", [4, 4, 4, 4, 1, 1]),
    ("IMMA.8816.S8.S8 R4, R8.ROW, R9.COL, R4", [2, 1, 1, 2]),
    ("IMMA.16832.S8.S8 R4, R8.ROW, R12.COL, R4", [4, 4, 2, 4]),
    ("DMMA.884 R4, R8, R10, R4", [4, 2, 2, 4]),
    ("QMMA.16832.F32.E4M3.E4M3 R4, R8, R12, R4", [4, 4, 2, 4]),
    ("HGMMA.64x64x16.F32 R24, R4, gdesc[UR4], R24", [32, 4, 2, 32]),
    ("IADD.64 R2, R4, R6", [2, 2, 2]),
    ("FFMA2 R2, R4, R6, R8", [2, 2, 2, 2]),
    ("RET.REL.NODEC R20 0x0", [2, 1]),
    ("TEX.SCR.B.LL R4, R6, R12, R4, 2D", [2, 2, 1, 1, 1]),
    ("TLD.SCR.LZ RZ, R8, R18, 0x0, 0x64, 1D, 0x3", [1, 2, 1, 1, 1, 1, 1]),
]


@pytest.mark.parametrize(("text", "results"), RESULTS)
def test_results(text: str, results: str) -> None:
    assert " ".join(o.text for o in parse_sass(text).destinations) == results


@pytest.mark.parametrize(("text", "widths"), WIDTHS)
def test_widths(text: str, widths: list[int]) -> None:
    assert [o.width for o in parse_sass(text).operands] == widths


def test_places_skip_results_predicates_and_labels() -> None:
    places = {o.text: o.slot for o in parse_sass("IADD3.X R0, P2, R1, R2, 0x3, P1, !PT").operands}
    assert places == {"R0": -1, "P2": -1, "R1": 0, "R2": 1, "0x3": 2, "P1": -1, "!PT": -1}


def test_a_product_without_a_shape_has_no_widths() -> None:
    assert matrix_registers("HMMA", ("F32",)) is None
    assert matrix_registers("HGMMA", ("F32",)) is None
    assert [o.width for o in parse_sass("HMMA R0, R2, R4, R6").operands] == [1, 1, 1, 1]


def test_zero_registers_cover_one_place() -> None:
    assert all(o.width == 1 for o in parse_sass("DFMA RZ, RZ, RZ, RZ").operands if o.kind is OperandKind.REGISTER)
