"""Reads a cubin: an ELF file whose section `.text.NAME` holds the code of function NAME, 16 bytes an instruction.

Only what the project needs of ELF64, little endian (System V ABI, "Object Files"): the section table.
"""

import hashlib
import struct

INSTRUCTION_BYTES = 16
#: Low 12 bits of the first word of a NOP; functions are padded with them.
_NOP = 0x918


class CubinError(Exception):
    """The bytes are not a cubin."""


def _sections(cubin: bytes) -> dict[str, bytes]:
    if cubin[:6] != b"\x7fELF\x02\x01":
        raise CubinError("not a 64-bit little-endian ELF file")
    try:
        (table,) = struct.unpack_from("<Q", cubin, 0x28)
        entry_bytes, count, names_index = struct.unpack_from("<HHH", cubin, 0x3A)
        headers = [struct.unpack_from("<IIQQQQ", cubin, table + i * entry_bytes) for i in range(count)]
        names_at, names_bytes = headers[names_index][4:6]
    except (struct.error, IndexError) as error:
        raise CubinError(f"the section table is cut off: {error}") from error
    names = cubin[names_at : names_at + names_bytes]
    found: dict[str, bytes] = {}
    for name_at, kind, _flags, _address, at, size in headers:
        name = names[name_at : names.index(b"\0", name_at)].decode()
        found[name] = b"" if kind == 8 else cubin[at : at + size]  # 8: no bytes in the file
    return found


def functions(cubin: bytes) -> dict[str, bytes]:
    """Machine code by function name; raises CubinError."""
    return {name[6:]: text for name, text in _sections(cubin).items() if name.startswith(".text.")}


def sass_hash(*texts: bytes) -> str:
    """16 hexadecimal digits that name machine code, whatever file it stands in."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()[:16]


def instructions(text: bytes) -> int:
    """Number of instructions, without the padding after the last one."""
    count = len(text) // INSTRUCTION_BYTES
    while count and int.from_bytes(text[(count - 1) * 16 : (count - 1) * 16 + 2], "little") & 0xFFF == _NOP:
        count -= 1
    return count
