import pytest

from sim.errors import TraceError
from sim.isa.instruction import Guard, parse_sass, reuse_mask, synthesize, with_reuse
from sim.isa.operand import Operand, OperandKind


def only(text: str) -> Operand:
    """The last operand of an instruction."""
    return parse_sass(text).operands[-1]


def test_guard_opcode_and_modifiers() -> None:
    instruction = parse_sass("@!UP3 LDG.E.128.CONSTANT R4, [R2.64+0x10] ;")
    assert instruction.guard == Guard(3, negated=True, uniform=True)
    assert (instruction.opcode, instruction.modifiers) == ("LDG", ("E", "128", "CONSTANT"))
    assert instruction.mnemonic == "LDG.E.128.CONSTANT"
    assert parse_sass("@PT NOP").guard == Guard(7)
    assert parse_sass("NOP").guard is None


def test_registers_keep_signs_and_suffixes() -> None:
    operand = only("FADD R1, R2, -|R3.reuse|")
    assert (operand.kind, operand.index) == (OperandKind.REGISTER, 3)
    assert operand.negated and operand.absolute and operand.reuse and not operand.inverted
    assert only("LOP3 R1, R2, ~R3").inverted
    assert only("HMMA.884.F32.F32.STEP0 R0, R4, R8.reuse.COL").reuse
    assert only("MOV R1, RZ").index == 255
    assert only("UMOV UR4, URZ").kind is OperandKind.UNIFORM_REGISTER


def test_predicates() -> None:
    operand = only("SEL R1, R2, R3, !PT")
    assert (operand.kind, operand.index, operand.negated) == (OperandKind.PREDICATE, 7, True)
    assert only("PLOP3.LUT P0, PT, PT, PT, UP6").kind is OperandKind.UNIFORM_PREDICATE


def test_constants() -> None:
    operand = only("MOV R1, c[0x3][0x28]")
    assert (operand.kind, operand.bank, operand.offset, operand.base) == (OperandKind.CONSTANT, 3, 0x28, -1)
    operand = only("LDC R1, c[0x0][R4+0x10]")
    assert (operand.base, operand.base_width, operand.offset) == (4, 1, 0x10)
    operand = only("FADD R1, R2, -c[0x0][UR4+0x8]")
    assert (operand.uniform_base, operand.offset, operand.negated) == (4, 8, True)
    assert only("LDC R1, cx[UR6][0x10]").uniform_base == 6


@pytest.mark.parametrize(
    ("text", "base", "width", "uniform", "offset", "scale"),
    [
        ("LDG.E R1, [R2.64+0x10]", 2, 2, -1, 0x10, 1),
        ("LDG.E R1, [R2.64+-0x8]", 2, 2, -1, -8, 1),
        ("LDG.E R1, [R2.U32+UR4+0x10]", 2, 1, 4, 0x10, 1),
        ("LDG.E.SYS R1, [R2]", 2, 2, -1, 0, 1),
        ("LDS R1, [R2.X4+UR5+0x100]", 2, 1, 5, 0x100, 4),
        ("LDS R1, [UR4]", -1, 0, 4, 0, 1),
        ("LDS R1, [0x20]", -1, 0, -1, 0x20, 1),
        ("LDL R1, [R2]", 2, 1, -1, 0, 1),
        ("LD.E R1, desc[UR4][R2.64+0x10]", 2, 2, -1, 0x10, 1),
        ("LDS R1, [RZ]", 255, 1, -1, 0, 1),
    ],
)
def test_addresses(text: str, base: int, width: int, uniform: int, offset: int, scale: int) -> None:
    operand = only(text)
    assert operand.kind is OperandKind.ADDRESS
    assert (operand.base, operand.base_width, operand.uniform_base) == (base, width, uniform)
    assert (operand.offset, operand.scale) == (offset, scale)


@pytest.mark.parametrize(
    "text", ["LDGSTS.E.128 [R15][R4.64]", "LDGSTS.E.128 [R15], [R4.64]", "LDGSTS.E.128 [R15], desc[UR6][R4.64], P0"]
)
def test_both_addresses_of_an_asynchronous_copy(text: str) -> None:
    addresses = [o for o in parse_sass(text).operands if o.kind is OperandKind.ADDRESS]
    assert [(a.base, a.base_width) for a in addresses] == [(15, 1), (4, 2)]
    assert parse_sass(text).destinations == ()


def test_other_kinds() -> None:
    counter, immediate, others = parse_sass("DEPBAR.LE SB0, 0x1, {4,3}").operands
    assert (counter.kind, counter.index) == (OperandKind.DEPENDENCE_COUNTER, 0)
    assert (immediate.kind, immediate.offset) == (OperandKind.IMMEDIATE, 1)
    assert (others.kind, others.index) == (OperandKind.SET, 0b11000)
    assert only("S2R R0, SR_TID.X").kind is OperandKind.SPECIAL
    assert only("BSYNC B3").kind is OperandKind.CONVERGENCE_BARRIER
    assert only("BRA `(.L_x_1)").kind is OperandKind.LABEL
    assert only("MOV R0, 32@lo((kernel + .L@srel))").kind is OperandKind.LABEL
    assert only("IADD3 R0, R1, -0x1").offset == -1
    assert only("IADD3 R0, R1, -0x1").negated is False
    for number in ("1.5", "-0.5", "+INF", "-QNAN", "2.384185791015625e-07", "1e10", "0"):
        assert only(f"FADD R0, R1, {number}").kind is OperandKind.IMMEDIATE


def test_a_jump_through_a_register_has_two_operands() -> None:
    register, label = parse_sass("RET.REL.NODEC R20 `(sgemm)").operands
    assert (register.kind, register.width, register.is_destination) == (OperandKind.REGISTER, 2, False)
    assert label.kind is OperandKind.LABEL


def test_remarks_of_recent_disassemblers_are_dropped() -> None:
    assert parse_sass("FADD R1, R2, R3 &req={0,1} &wr=0x2 ?WAIT4_END_GROUP ;").text == "FADD R1, R2, R3"
    assert parse_sass('BRX R2 -0x10 (*"BRANCH_TARGETS .L_x_1,.L_x_2"*)').operands[1].offset == -0x10


@pytest.mark.parametrize(
    "text", ["", "fadd R1", "FADD R1, %r2", "FADD R1, R256", "FADD R1, P9", "LDS R1, [R2*4]", "@P0"]
)
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(TraceError, match="SASS"):
        parse_sass(text)


def test_sources_include_the_registers_of_addresses() -> None:
    instruction = parse_sass("STG.E.64 [R2.64+UR4], R8")
    registers = [(o.kind, o.index, o.width) for o in instruction.sources if o.kind is not OperandKind.ADDRESS]
    assert registers == [
        (OperandKind.REGISTER, 2, 2),
        (OperandKind.UNIFORM_REGISTER, 4, 1),
        (OperandKind.REGISTER, 8, 2),
    ]


def test_reuse_bits_count_places_not_registers() -> None:
    # real words of shared/traces/sass: the constant and the immediate take up place B
    assert reuse_mask(parse_sass("IMAD R0, R8.reuse, c[0x0][0x178], R5.reuse")) == 0b101
    assert reuse_mask(parse_sass("SHF.R.U32.HI R52, RZ, 0x2, R56.reuse")) == 0b100
    assert reuse_mask(parse_sass("LEA R2, P0, R15.reuse, R10, 0x1")) == 0b001


def test_reuse_bits_fill_in_where_the_text_has_none() -> None:
    instruction = with_reuse(parse_sass("IMAD R0, R8, c[0x0][0x178], R5"), 0b101)
    assert [o.text for o in instruction.operands if o.reuse] == ["R8", "R5"]
    printed = parse_sass("IMAD R0, R8.reuse, R9, R5")
    assert with_reuse(printed, 0b100) is printed
    assert not any(o.reuse for o in with_reuse(parse_sass("BRA 0x10"), 0b1).operands)


def test_source_slots_are_the_regular_registers_in_order() -> None:
    assert [o.text for o in parse_sass("IMAD R0, R8, c[0x0][0x178], R5").source_slots] == ["R8", "R5"]


def test_instructions_made_from_register_lists() -> None:
    load = synthesize("LDG.E.64", [4], [2])
    assert [(o.index, o.width) for o in load.destinations] == [(4, 2)]
    assert (load.operands[1].kind, load.operands[1].base, load.operands[1].base_width) == (OperandKind.ADDRESS, 2, 2)
    store = synthesize("STG.E.128", [], [2, 8])
    assert store.destinations == () and (store.operands[1].index, store.operands[1].width) == (8, 4)
    compare = synthesize("ISETP.GE.AND", [], [6])
    assert compare.destinations == () and compare.operands[0].index == 6
    assert [o.width for o in synthesize("IMAD.WIDE", [4], [6, 7, 8]).operands] == [2, 1, 1, 2]
    assert synthesize("EXIT", [], []).text == "EXIT"
