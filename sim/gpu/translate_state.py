"""The state of a GPU's address translation, and the type of the function that runs it (`translate.py`)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import int32, int64

from sim.gpu.lower import CONFIG
from sim.gpu.state import MESSAGE, PARTITION, REPLY, SM
from sim.jit import table
from sim.memory.cache import CACHE_LINE
from sim.memory.heap import EVENT
from sim.memory.misses import MISS, MISSES, WAITER, new_tables
from sim.memory.page_table import PAGE_TABLE
from sim.memory.tlb import TLB
from sim.memory.translation import new_translation
from sim.memory.walker import WALK, WALKER

if TYPE_CHECKING:
    from sim.arch.schema_tlb import Translation

#: The translation as a whole.
UNIT = np.dtype(
    [
        ("shift", np.int64),  # page size of the data, as a number of address bits
        ("first", np.int64),  # the first TLB level that the chip has, or the number of levels
        ("events", np.int64),  # lookups and steps of walks that are to come
        ("reads", np.int64),  # page-table entries asked of L2 so far: the order of such messages
        ("free", np.int64),  # first free record for a request, -1 = none
        ("head", np.int64),  # oldest request that waits for room at the walkers, -1 = none
        ("tail", np.int64),  # the newest
    ],
    align=True,
)

#: What the translation is made of, in the order of `run_translation`'s arguments between replies and counters. The
#: chip has one unit, page table, pool of walkers and table of their misses, or none (arrays without a record).
TRANSLATION_ARGUMENTS = (
    table(UNIT), table(TLB), table(CACHE_LINE), table(PAGE_TABLE), table(WALKER), table(WALK), table(TLB),
    table(CACHE_LINE), table(MISSES), table(MISS), table(WAITER), int32[::1], table(MISSES), table(MISS),
    table(WAITER), int32[::1], table(MESSAGE), table(EVENT),
)  # fmt: skip
TRANSLATE_SIGNATURE = int64(
    table(CONFIG), table(SM), table(MESSAGE), table(PARTITION), table(REPLY), *TRANSLATION_ARGUMENTS, int64[::1], int64
)


class TranslationUnit:
    """TLBs, walkers and the requests that wait for them; nothing at all on a chip without translation."""

    def __init__(self, config: "Translation | None", sms: int, per_sm: int, base: int) -> None:
        """`per_sm`: requests that an SM may have on their way; `base`: where the page table lies.

        Raises ArchError where the configuration's values contradict each other.
        """
        self.unit = np.zeros(0 if config is None else 1, UNIT)
        if config is None:
            kinds = (TLB, CACHE_LINE, PAGE_TABLE, WALKER, WALK, TLB, CACHE_LINE, MISSES, MISS, WAITER, np.int32)
            self._arrays: tuple[Any, ...] = tuple(
                np.zeros(0, kind) for kind in (*kinds, MISSES, MISS, WAITER, np.int32, MESSAGE, EVENT)
            )
            return
        state = new_translation(config, sms, base)
        self.unit["shift"] = state.shift
        self.unit["first"] = np.append(np.flatnonzero(state.tlbs["entries"]), len(state.tlbs))[0]
        self.tlb_lines, self.cache_lines = state.tlb_lines, state.cache_lines
        sharers = min(config.l1.sharers, sms)
        # Every request may want a page of its own, and any number of them the same one.
        asked = new_tables(-(-sms // sharers), sharers * per_sm, sharers * per_sm)
        self.waiting = np.zeros(sms * per_sm, MESSAGE)
        lookups = np.zeros(len(self.waiting) + len(state.walks), EVENT)
        self._arrays = (
            state.tlbs, state.tlb_lines, state.page_table, state.walker, state.walks, state.caches, state.cache_lines,
            state.table, state.misses, state.waiters, state.buckets, *asked, self.waiting, lookups,
        )  # fmt: skip

    def arguments(self) -> tuple[Any, ...]:
        """The arrays in the order of `TRANSLATION_ARGUMENTS`."""
        return (self.unit, *self._arrays)

    def restart(self) -> None:
        """Cycle 0 of a kernel, nothing on its way; what TLBs and walk caches hold was used before it."""
        if not len(self.unit):
            return
        for name in ("events", "reads", "free"):
            self.unit[name] = 0
        self.unit["head"] = self.unit["tail"] = -1
        self.waiting["next"] = np.append(np.arange(1, len(self.waiting)), -1)
        for lines in (self.tlb_lines, self.cache_lines):
            lines["used"] -= lines["used"].max() + 1

    def forget(self) -> None:
        """Empty TLBs and walk caches."""
        if len(self.unit):
            for lines in (self.tlb_lines, self.cache_lines):
                lines[:] = np.zeros(1, CACHE_LINE)
