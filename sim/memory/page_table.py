"""The radix page table: at which physical address a walk reads the entry of a page at each level.

The levels, their index bits and the size of their entries are configuration. A page is mapped by the entry of the
level whose entries cover just that page, so walks for larger pages end earlier: NVIDIA's table since Pascal, for
example, splits an address into 2 + 9 + 9 + 8 + 5 index bits and a 64 KiB page, and maps a 2 MiB page one level before
the last (published in the driver source open-gpu-kernel-modules, `uvm_pascal_mmu.c`; Hopper adds a sixth level,
`uvm_hopper_mmu.c`).

All tables of a level lie side by side in a reserved range of physical addresses, in the order of the addresses that
they map. The range holds the tables of `reach` bytes; addresses that lie a multiple of that apart share their entries.
Entries have no content: data is translated to itself, since traces carry addresses as they are, so only the time and
the traffic of a translation are modelled. Page faults and the allocation of tables are left out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import ArchError
from sim.jit import njit
from sim.memory.tlb import page_of, page_shift, page_start

#: Levels of a page table at most.
MAX_LEVELS = 6

PAGE_TABLE = np.dtype(
    [
        ("levels", np.int64),
        ("reach", np.int64),  # bytes of virtual addresses whose tables have their own place
        ("shift", np.int64, (MAX_LEVELS,)),  # an entry of the level covers 2**shift bytes; the root comes first
        ("entries", np.int64, (MAX_LEVELS,)),  # entries of the level that have their own place, a power of two
        ("entry_bytes", np.int64, (MAX_LEVELS,)),  # size of an entry
        ("base", np.int64, (MAX_LEVELS,)),  # physical address of the level's first entry
    ],
    align=True,
)


def new_page_table(
    bits: Sequence[int], entry_bytes: Sequence[int], leaf_shift: int, size: int, base: int = -1, key: str = "page table"
) -> npt.NDArray[Any]:
    """The one-element `PAGE_TABLE` with `bits` index bits per level, root first, in a range of `size` bytes.

    `leaf_shift` is the size of the smallest pages. The range starts at `base`, by default behind the last virtual
    address, where no data can be. Raises ArchError, which shows `key`, for a table that cannot be.
    """
    levels = len(bits)
    if not 1 <= levels <= MAX_LEVELS:
        raise ArchError(f"{key}.bits: {levels} levels; a page table has 1 to {MAX_LEVELS}")
    if len(entry_bytes) != levels:
        raise ArchError(f"{key}.entry: {len(entry_bytes)} sizes for {levels} levels; give one per level")
    address_bits = leaf_shift + sum(bits)
    if address_bits > 60:
        raise ArchError(f"{key}.bits: with the page they make {address_bits} address bits; at most 60 can be simulated")
    for i, each in enumerate(entry_bytes):
        if each & (each - 1):
            raise ArchError(f"{key}.entry: {each} B (level {i}) is no power of two")
    shifts = [leaf_shift + sum(bits[i + 1 :]) for i in range(levels)]
    reach_bits = address_bits
    while True:
        entries = [1 << max(bits[i], reach_bits - shifts[i]) for i in range(levels)]
        needed = sum(count * each for count, each in zip(entries, entry_bytes, strict=True))
        if needed <= size:
            break
        reach_bits -= 1
        if reach_bits < leaf_shift + bits[-1]:
            raise ArchError(f"{key}.reserved: {size} B do not hold one table per level ({needed} B)")
    table = np.zeros(1, PAGE_TABLE)
    pt = table[0]
    pt["levels"] = levels
    pt["reach"] = 1 << reach_bits
    place = 1 << address_bits if base < 0 else base
    for i in sorted(range(levels), key=lambda i: entries[i] * entry_bytes[i], reverse=True):
        pt["shift"][i] = shifts[i]
        pt["entries"][i] = entries[i]
        pt["entry_bytes"][i] = entry_bytes[i]
        pt["base"][i] = place  # the largest level first: each starts at a multiple of its own size
        place += entries[i] * entry_bytes[i]
    return table


@njit
def last_level(pt, page):  # type: ignore[no-untyped-def]
    """The level whose entry maps the page, or -1 if no level maps pages of its size."""
    for level in range(int(pt["levels"])):
        if int(pt["shift"][level]) == page_shift(page):
            return level
    return -1


@njit
def entry_address(pt, page, level):  # type: ignore[no-untyped-def]
    """Physical address of the entry that a walk for `page` reads at `level`."""
    index = (page_start(page) >> int(pt["shift"][level])) & (int(pt["entries"][level]) - 1)
    return int(pt["base"][level]) + index * int(pt["entry_bytes"][level])


@njit
def covered(pt, page, level):  # type: ignore[no-untyped-def]
    """Key of all that the entry of `page` at `level` covers: a page of the level's size."""
    return page_of(page_start(page), int(pt["shift"][level]))
