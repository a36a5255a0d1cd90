"""Machine code out of an ELF file."""

import struct

import pytest

from validation.kernels.cubin import CubinError, functions, instructions, sass_hash

FADD, NOP = 0x221, 0x918


def word(opcode: int) -> bytes:
    return struct.pack("<QQ", 0x1234000 | opcode, 0x5678)


def elf(sections: dict[str, bytes]) -> bytes:
    """The smallest 64-bit ELF with these sections."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    blobs = [*sections.values(), names]
    offsets, at = [], 64
    for blob in blobs:
        offsets.append(at)
        at += len(blob)
    headers = [struct.pack("<IIQQQQIIQQ", *([0] * 10))]
    for name, blob, offset in zip([*sections, ".shstrtab"], blobs, offsets, strict=True):
        headers.append(
            struct.pack("<IIQQQQIIQQ", names.index(name.encode() + b"\0"), 1, 0, 0, offset, len(blob), 0, 0, 1, 0)
        )
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 1, 190, 1, 0, 0, at, 0, 64, 0, 0, 64, len(headers), len(headers) - 1)
    return header + b"".join(blobs) + b"".join(headers)


CODE = {".text.f": word(FADD) + word(NOP) + word(FADD) + word(NOP) * 2, ".nv.info": b"x", ".text.g": word(FADD)}


def test_code_is_found_by_function() -> None:
    assert functions(elf(CODE)) == {"f": CODE[".text.f"], "g": CODE[".text.g"]}


def test_padding_after_the_last_instruction_does_not_count() -> None:
    assert instructions(CODE[".text.f"]) == 3
    assert instructions(word(NOP) * 4) == 0


def test_the_hash_is_of_the_code_and_not_of_the_file() -> None:
    first, second = functions(elf(CODE)), functions(elf({".debug": b"line", **CODE}))
    assert sass_hash(first["f"]) == sass_hash(second["f"])
    assert sass_hash(first["f"]) != sass_hash(first["g"])
    assert sass_hash(b"ab", b"c") != sass_hash(b"a", b"bc")
    assert len(sass_hash(first["f"])) == 16


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF\x01\x01" + bytes(60)])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(CubinError, match="not a 64-bit"):
        functions(content)


def test_a_file_cut_off_is_refused() -> None:
    with pytest.raises(CubinError, match="cut off"):
        functions(elf(CODE)[:-200])
