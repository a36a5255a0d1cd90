"""The order of address bits inside a DRAM channel: pieces of bank group, column and bank, as a chip's file lists them.

`column:2` is a piece of two bits; a field's entry without a number holds all bits that its numbered ones leave.
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

from sim.arch.schema_dram import AddressField, DramDevice


class Piece(NamedTuple):
    """Neighbouring address bits that are neighbouring bits of one field."""

    field: AddressField
    bits: int
    #: Bit of the field at which the piece begins.
    position: int


def pieces_of(order: Sequence[str], device: DramDevice) -> list[Piece]:
    """The pieces of `dram.mapping.order`, the least significant first; a field is filled from its lowest bit on.

    Raises ValueError if they do not use up every field of the device exactly.
    """
    counts: dict[AddressField, int] = {
        "group": device.bank_groups,
        "column": device.row // device.atom,
        "bank": device.banks_per_group,
    }
    free = {field: count.bit_length() - 1 for field, count in counts.items()}
    entries = [_entry(text) for text in order]
    rest = dict(free)
    for field, bits in entries:
        rest[field] -= bits or 0
    for field in free:
        if field not in (name for name, _ in entries):
            raise ValueError(f"needs each of group, column and bank; {field} is missing")
    for field in free:
        open_ended = entries.count((field, None))
        if open_ended > 1:
            raise ValueError(f"{field} stands {open_ended} times without a number of bits; one takes all that are left")
        if rest[field] < 0 or (rest[field] > 0 and not open_ended):
            given = free[field] - rest[field]
            raise ValueError(f"{field} has {free[field]} bits in {device.kind}; its pieces hold {given}")
    pieces, used = [], dict.fromkeys(free, 0)
    for field, given_bits in entries:
        bits = rest[field] if given_bits is None else given_bits
        pieces.append(Piece(field, bits, used[field]))
        used[field] += bits
    return pieces


def _entry(text: str) -> tuple[AddressField, int | None]:
    """An entry of the list, which the schema has checked: its field, and its bits if it says so."""
    name, _, bits = text.partition(":")
    field = next(field for field in get_args(AddressField) if field == name)
    return field, int(bits) if bits else None
