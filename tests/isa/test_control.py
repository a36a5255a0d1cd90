import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import TraceError
from sim.isa.control import NO_BARRIER, ControlWord, decode_high_word, format_text, from_raw_fields, parse_text

# core reference §1.1: (opcode, high word, stall, yield, W, R, wait mask)
VECTORS = [
    ("LDC", 0x000FE20000000800, 1, 0, 7, 7, 0b000000),
    ("S2R", 0x000E2E0000002100, 7, 0, 0, 7, 0b000000),
    ("S2UR", 0x000E220000002500, 1, 0, 0, 7, 0b000000),
    ("LDCU.64", 0x000E6E0008000A00, 7, 0, 1, 7, 0b000000),
    ("LDC.64", 0x000EB00000000A00, 8, 0, 2, 7, 0b000000),
    ("IMAD", 0x001FC8000F8E0203, 4, 1, 7, 7, 0b000001),
    ("IMAD.WIDE", 0x004FCC00078E0204, 6, 1, 7, 7, 0b000100),
    ("LDG.E", 0x002EA2000C1E1900, 1, 0, 2, 7, 0b000010),
]

control_words = st.builds(
    ControlWord,
    stall=st.integers(0, 15),
    yield_requested=st.booleans(),
    write_barrier=st.sampled_from([0, 1, 2, 3, 4, 5, NO_BARRIER]),
    read_barrier=st.sampled_from([0, 1, 2, 3, 4, 5, NO_BARRIER]),
    wait_mask=st.integers(0, 63),
    reuse=st.just(0),
)


@pytest.mark.parametrize(("opcode", "word", "stall", "yields", "write", "read", "wait"), VECTORS)
def test_published_high_words_decode(
    opcode: str, word: int, stall: int, yields: int, write: int, read: int, wait: int
) -> None:
    assert decode_high_word(word) == ControlWord(stall, yields == 1, write, read, wait, 0), opcode


def test_raw_yield_zero_means_requested() -> None:
    fields = {"stall": 2, "yield": 0, "wrbar": 7, "rdbar": 7, "wait": 5, "reuse": 3}
    assert from_raw_fields(fields) == ControlWord(2, True, 7, 7, 5, 3)
    assert from_raw_fields({**fields, "yield": 1}).yield_requested is False


def test_text_places_counters_by_their_digit() -> None:
    assert parse_text("[B--2---:R0:W1:Y:S04]") == ControlWord(4, True, 1, 0, 0b100, 0)


@given(control_words)
def test_text_round_trip(control: ControlWord) -> None:
    assert parse_text(format_text(control)) == control


@given(control_words, st.integers(0, 15))
def test_high_word_round_trip(control: ControlWord, reuse: int) -> None:
    bits = control.stall | (not control.yield_requested) << 4 | control.write_barrier << 5
    bits |= control.read_barrier << 8 | control.wait_mask << 11 | reuse << 17
    assert decode_high_word(bits << 41 | 0x1FF) == control._replace(reuse=reuse)


@pytest.mark.parametrize(
    "text", ["", "[B------:R-:W-:-:S4a]", "[B2-----:R-:W-:-:S04]", "[B------:R6:W-:-:S04]", "[B------:R-:W-:-:S16]"]
)
def test_wrong_text_is_named(text: str) -> None:
    with pytest.raises(TraceError, match="control text"):
        parse_text(text)


@pytest.mark.parametrize("change", [{"stall": 16}, {"wrbar": 6}, {"wait": "3"}, {"yield": True}, {"reuse": -1}])
def test_wrong_raw_fields_are_named(change: dict[str, object]) -> None:
    with pytest.raises(TraceError, match="control bits"):
        from_raw_fields({"stall": 1, "yield": 1, "wrbar": 7, "rdbar": 7, "wait": 0, "reuse": 0, **change})


def test_a_high_word_with_barrier_six_is_not_sass() -> None:
    with pytest.raises(TraceError, match="barrier 6"):
        decode_high_word(6 << 46)
    with pytest.raises(TraceError, match="64-bit"):
        decode_high_word(1 << 64)
