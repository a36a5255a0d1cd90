"""Address translation of a chip, from its configuration to the records that the TLBs, the table and walkers work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from sim.errors import ArchError
from sim.memory.misses import new_tables
from sim.memory.page_table import new_page_table
from sim.memory.tlb import new_tlbs
from sim.memory.walker import new_walkers

if TYPE_CHECKING:
    from sim.arch.schema_tlb import Translation

_KEY = "translation"
_LEVELS = ("l1", "l2", "l3")


@dataclass(frozen=True)
class TranslationState:
    """All records of a chip's translation, empty; the names are the arguments of the compiled functions."""

    #: Page size of the data as a number of address bits, for `page_of`.
    shift: int
    tlbs: npt.NDArray[Any]
    tlb_lines: npt.NDArray[Any]
    page_table: npt.NDArray[Any]
    walker: npt.NDArray[Any]
    walks: npt.NDArray[Any]
    caches: npt.NDArray[Any]
    cache_lines: npt.NDArray[Any]
    table: npt.NDArray[Any]
    misses: npt.NDArray[Any]
    waiters: npt.NDArray[Any]
    buckets: npt.NDArray[Any]


def new_translation(config: Translation, clients: int, base: int = -1) -> TranslationState:
    """The empty state for `clients` SMs, with the page table at `base` (`new_page_table`).

    Raises ArchError, with the key, where values contradict each other.
    """
    table = config.table
    shift = _shift(f"{_KEY}.page", config.page)
    page_table = new_page_table(
        table.bits,
        table.entry,
        _shift(f"{_KEY}.table.smallest_page", table.smallest_page),
        table.reserved,
        base,
        f"{_KEY}.table",
    )
    mapped = [int(each) for each in page_table["shift"][0][: len(table.bits)]]
    if shift not in mapped:
        sizes = ", ".join(str(1 << each) for each in reversed(mapped))
        raise ArchError(f"{_KEY}.page: no level of the page table maps {config.page} B; the levels map {sizes} B")
    levels = [(each.entries, each.ways, each.latency, each.sharers) for each in (config.l1, config.l2, config.l3)]
    tlbs, tlb_lines = new_tlbs(levels, clients, [f"{_KEY}.{name}" for name in _LEVELS])
    cache = config.walk_cache
    if len(cache.entries) != len(table.bits):
        raise ArchError(f"{_KEY}.walk_cache.entries: {len(cache.entries)} numbers for {len(table.bits)} levels")
    kept = [(entries, min(cache.ways, max(1, entries)), 0, 1) for entries in cache.entries]
    caches, cache_lines = new_tlbs(kept, 1, [f"{_KEY}.walk_cache, level {i}" for i in range(len(kept))])
    pool = config.walkers
    walker, walks = new_walkers(1, pool.count, pool.pages, cache.latency, cache.miss_latency)
    registers, misses, waiters, buckets = new_tables(1, pool.pages, pool.requests)
    return TranslationState(
        shift, tlbs, tlb_lines, page_table, walker, walks, caches, cache_lines, registers, misses, waiters, buckets
    )


def _shift(key: str, size: int) -> int:
    if size & (size - 1):
        raise ArchError(f"{key}: {size} B is no power of two; give one, such as 64 KiB")
    return size.bit_length() - 1
