import pytest

from sim.errors import TraceError
from sim.isa.control import ControlWord
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace


def kernel(text: str) -> KernelTrace:
    return parse_listing(text).kernels[0]


def stream(trace: KernelTrace, warp: int = 0) -> list[str]:
    rows, _ = trace.path(int(trace.warp_path[warp]))
    return [trace.static[row].sass for row in rows.tolist()]


def test_plain_lines_become_one_warp() -> None:
    trace = kernel("[B------:R-:W-:-:S04] FADD R8, R9, R10 // comment\n\n[B0-----:R-:W1:Y:S02] MUFU.RCP R1, R8.reuse ;")
    assert stream(trace) == ["FADD R8, R9, R10", "MUFU.RCP R1, R8.reuse", "EXIT"]
    assert [row.pc for row in trace.static] == [0, 16, 32]
    assert trace.static[1].control == ControlWord(2, True, 1, 7, 1, 1)
    assert trace.header.has_control_bits
    assert (trace.header.block, trace.header.grid, trace.header.sm) == ((32, 1, 1), (1, 1, 1), 86)
    assert (trace.warp_instructions, trace.thread_instructions) == (3, 96)


def test_without_control_text_there_are_no_control_bits() -> None:
    trace = kernel("FADD R8, R9, R10\nEXIT")
    assert not trace.header.has_control_bits
    assert [row.control for row in trace.static] == [None, None]


def test_directives() -> None:
    trace = kernel(".kernel saxpy  .sm 80 .grid 4,2 .block 16,8\n.registers 40\n.shared 1024\nNOP")
    header = trace.header
    assert (header.name, header.sm, header.grid, header.block) == ("saxpy", 80, (4, 2, 1), (16, 8, 1))
    assert (header.registers, header.shared_bytes, header.isa) == (40, 1024, "sm_80")
    assert (trace.cta_count, trace.warps_per_cta) == (8, 4)
    assert trace.warp_path.tolist() == [0] * 32


def test_warps_have_their_own_lists() -> None:
    trace = kernel(".grid 2\n.warp 0-1\nFADD R1, R2, R3\n.warp 3\nNOP\nEXIT")
    assert trace.header.block == (128, 1, 1)
    assert trace.warp_path.tolist() == [0, 0, -1, 1] * 2
    assert stream(trace, 3) == ["NOP", "EXIT"]
    assert [row.pc for row in trace.static] == [0, 16, 32, 48]


def test_repeats_nest_and_keep_their_pcs() -> None:
    trace = kernel(".repeat 2\nNOP\n.repeat 3\nFADD R1, R2, R3\n.end\n.end")
    assert stream(trace) == (["NOP"] + ["FADD R1, R2, R3"] * 3) * 2 + ["EXIT"]
    assert len(trace.static) == 3


def test_masks_and_partial_warps() -> None:
    trace = kernel(".block 40\nNOP {mask=0xffff}\nNOP {mask=0}")
    assert trace.path(0)[1].tolist() == [0xFFFF, 0, 0xFFFFFFFF]
    assert trace.path(1)[1].tolist() == [0xFF, 0, 0xFF]
    assert trace.thread_instructions == 16 + 32 + 8 + 8


def test_addresses_vary_by_lane_warp_cta_and_turn() -> None:
    trace = kernel(
        ".block 64 .grid 2\n.repeat 2\nLDG.E R1, [R2.64] {0x1000 + 4*lane + 128*warp + 0x100*cta + 0x10000*iter}\n.end"
    )
    assert trace.references.base.tolist() == [
        0x1000 + 0x80 * warp + 0x100 * cta + 0x10000 * turn for cta in (0, 1) for warp in (0, 1) for turn in (0, 1)
    ]
    assert set(trace.references.stride.tolist()) == {4}


def test_default_addresses() -> None:
    trace = kernel("LDG.E.128 R4, [R2.64]\nLDS R4, [R2]\nLDS.128 R4, [R2]")
    assert trace.references.base.tolist() == [0x10000000, 0, 0]
    assert trace.references.stride.tolist() == [4, 4, 16]


def test_depbar_sets_are_no_annotations() -> None:
    trace = kernel("DEPBAR.LE SB0, 0x1, {4,3}")
    assert trace.static[0].instruction.operands[2].index == 0b11000


def test_explicit_pcs() -> None:
    trace = kernel(".warp 0\n/*0040*/ NOP\nEXIT\n.warp 1\n/*0040*/ NOP\n/*0100*/ EXIT")
    assert [row.pc for row in trace.static] == [0x40, 0x50, 0x100]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FADD R1, %2", r"k\.sass:1: SASS"),
        ("NOP\n[B------] NOP", r"k\.sass:2: control text"),
        ("/*0*/ NOP\n/*0*/ EXIT", r"k\.sass:2: pc 0x0"),
        (".block", "needs a value"),
        (".blok 32", "no such directive"),
        (".block x", "a number belongs here"),
        (".repeat 2\nNOP", "no .end"),
        ("NOP\n.end", "without .repeat"),
        (".repeat 2\n.warp 1", "inside .repeat"),
        (".warp 3-1\nNOP", "give one warp"),
        (".warp 0\nNOP\n.warp 0\nEXIT", "two instruction lists"),
        (".block 32\n.warp 1\nNOP", "a CTA has 1 warps"),
        ("", "no instructions"),
        ("FADD R1, R2, R3 {4*lane}", "takes 0 address annotations"),
        ("LDG.E R1, [R2.64] {4*lines}", "address"),
        ("LDG.E R1, [R2.64] {0x10 0x20}", "2 addresses for 32 active lanes"),
        ("LDG.E R1, [R2.64] {0 - 4*lane}", "negative"),
        ("NOP {mask=0x1ffffffff}", "more than 32 lanes"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        parse_listing(text, "k.sass")


def test_equal_listings_have_equal_hashes() -> None:
    first, second = kernel("NOP\nLDG.E R1, [R2.64]"), kernel("// other layout\nNOP ;\n  LDG.E R1, [R2.64]\nEXIT")
    assert first.content_hash == second.content_hash
    assert first.content_hash != kernel("NOP\nLDG.E R1, [R2.64] {0x20}").content_hash
