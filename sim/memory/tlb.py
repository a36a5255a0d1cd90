"""Translation look-aside buffers (TLBs): which pages' translations are at hand, and how long asking takes.

A TLB is a set-associative array of `CACHE_LINE` records that hold translations, with LRU replacement; one set makes it
fully associative. Several levels stand behind each other, and at each level a number of clients (the SMs of a GPU, the
cores of a CPU) share one instance. A page is one number, its key, that holds the page's size too: translations of
several page sizes live in one array without meeting each other.

Left out: ports (any number of lookups starts per cycle), entries that cover several neighbouring pages, and address
spaces (one process runs).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import ArchError
from sim.jit import njit
from sim.memory.cache import CACHE_LINE, LRU, TRANSLATIONS, find, install, touch, victim

#: Low bits of a page's key that hold its number; the bits above hold the page size as a shift.
_NUMBER_BITS = 52

TLB = np.dtype(
    [
        ("entries", np.int64),  # translations of one instance, 0 = there is no such level
        ("ways", np.int64),  # entries of one set
        ("sets", np.int64),
        ("latency", np.int64),  # cycles of a lookup, whatever it finds
        ("sharers", np.int64),  # clients with consecutive numbers that share one instance
        ("first", np.int64),  # index of the first entry of the first instance
    ],
    align=True,
)


def new_tlbs(
    levels: Sequence[tuple[int, int, int, int]], clients: int, names: Sequence[str] = ()
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """`TLB` [levels] and the empty `CACHE_LINE` records of all their instances.

    Each level is (entries of an instance, ways, latency, clients that share an instance); `names` are the keys that an
    error shows. Raises ArchError if a level's ways do not divide its entries.
    """
    tlbs = np.zeros(len(levels), TLB)
    first = 0
    for i, (entries, ways, latency, sharers) in enumerate(levels):
        if entries % ways:
            key = names[i] if i < len(names) else f"TLB level {i + 1}"
            raise ArchError(f"{key}: {entries} entries are no whole sets of {ways} ways; change either")
        tlbs[i] = (entries, ways, entries // ways, latency, sharers, first)
        first += entries * -(-clients // sharers)
    return tlbs, np.zeros(max(1, first), CACHE_LINE)


@njit
def page_of(address, shift):  # type: ignore[no-untyped-def]
    """Key of the page of 2**`shift` bytes that holds `address`."""
    return (shift << _NUMBER_BITS) | (address >> shift)


@njit
def page_shift(page):  # type: ignore[no-untyped-def]
    """The page's size, as the number of address bits within it."""
    return page >> _NUMBER_BITS


@njit
def page_start(page):  # type: ignore[no-untyped-def]
    """Address of the page's first byte."""
    return (page & ((1 << _NUMBER_BITS) - 1)) << (page >> _NUMBER_BITS)


@njit
def tlb_first(tlb, client):  # type: ignore[no-untyped-def]
    """Index of the first entry of the instance that serves `client`."""
    return int(tlb["first"]) + client // int(tlb["sharers"]) * int(tlb["entries"])


@njit
def _set(tlb, first, page):  # type: ignore[no-untyped-def]
    number = page & ((1 << _NUMBER_BITS) - 1)
    return first + number % int(tlb["sets"]) * int(tlb["ways"])


@njit
def tlb_lookup(tlb, lines, first, page, now):  # type: ignore[no-untyped-def]
    """1 if the instance that starts at `first` holds the page's translation, which now counts as used; else 0."""
    if int(tlb["entries"]) == 0:
        return 0
    i = find(lines, _set(tlb, first, page), int(tlb["ways"]), page)
    if i < 0:
        return 0
    touch(lines, i, LRU, now)
    return 1


@njit
def tlb_fill(tlb, lines, first, page, now):  # type: ignore[no-untyped-def]
    """Keep the page's translation in the instance that starts at `first`; returns the page that had to go, or -1."""
    if tlb_lookup(tlb, lines, first, page, now) == 1 or int(tlb["entries"]) == 0:
        return -1
    i = victim(lines, _set(tlb, first, page), int(tlb["ways"]), LRU)
    gone = int(lines[i]["tag"]) - 1
    install(lines, i, page, TRANSLATIONS, LRU, now)
    return gone


@njit
def tlb_search(tlbs, lines, client, page, now):  # type: ignore[no-untyped-def]
    """Ask level after level for a page of `client`: the level that has it, or the number of levels.

    `search_latency` says when the answer is there. All levels answer with what they hold at `now`; where the cycles
    between them matter, the caller asks each level with `tlb_lookup` at an event of its own.
    """
    for level in range(tlbs.shape[0]):
        tlb = tlbs[level]
        if tlb_lookup(tlb, lines, tlb_first(tlb, client), page, now) == 1:
            return level
    return tlbs.shape[0]


@njit
def search_latency(tlbs, level):  # type: ignore[no-untyped-def]
    """Cycles until `level` has answered, or until the last level has failed if `level` is the number of levels."""
    total = 0
    for i in range(min(level + 1, tlbs.shape[0])):
        total += int(tlbs[i]["latency"])
    return total


@njit
def tlb_bring(tlbs, lines, client, page, level, now):  # type: ignore[no-untyped-def]
    """Fill the levels before `level`, which had the translation, on the way back to `client`."""
    for i in range(level):
        tlb = tlbs[i]
        tlb_fill(tlb, lines, tlb_first(tlb, client), page, now)
