"""The state of crossbar, L2 and DRAM: made once for a run, and kept from kernel to kernel."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from sim.arch import Arch
from sim.arch.dram import load_dram
from sim.gpu import counters, state
from sim.gpu.lower import lower, lower_dram_clock, lower_translation
from sim.gpu.partition import copy_in, run_memory
from sim.gpu.translate import run_translation
from sim.gpu.translate_state import TranslationUnit
from sim.memory import cache, heap
from sim.memory.dram_lower import lower_dram
from sim.memory.dram_state import DRAM_EVENT_COUNT, dram_state
from sim.memory.misses import new_tables
from sim.trace.check import ADDRESS_SPACE
from sim.trace.stream import KernelStream

#: Where code and constants lie: behind every data address (sim.trace.check.ADDRESS_SPACE); and how far two kernels are
#: apart.
CODE_SPACE = ADDRESS_SPACE
CODE_STRIDE = 1 << 42
#: Where page tables lie: behind all code.
TABLE_SPACE = 2 * ADDRESS_SPACE


def chip_config(arch: Arch, l1d_bytes: int) -> tuple[Any, Any]:
    """The `CONFIG` and `DRAM` records of a chip (arrays of one). Raises ArchError."""
    config = lower(arch, l1d_bytes=l1d_bytes)
    dram = lower_dram(load_dram(arch.config.dram.kind), arch.config.dram)
    record = dram[0]
    clock = Fraction(int(record["data_rate"]), int(record["clock_ratio"]))
    lower_dram_clock(config[0], arch, clock, int(record["atom"]), int(record["slots"]))
    c = config[0]
    per_sm = int(c["l1d_mshrs"]) + int(c["credits"]) + _fetches(c)
    translation = lower_translation(arch)
    if translation is not None:  # a read of each walk may travel beside the requests of any SM
        per_sm += translation.walkers.count
    c["outbox"] = per_sm
    c["inbox"] = 2 * per_sm  # an answer can come in two parts
    slices = int(c["slices"]) // int(c["channels"])
    # A slice's port sends at most one reply a cycle.
    c["partition_replies"] = slices * (int(c["quantum"]) * int(c["l2_num"]) // int(c["l2_den"]) + 2)
    # Messages and their answers, sectors that come from DRAM, and one lookup for each slice.
    c["partition_events"] = int(c["sms"]) * c["inbox"] + slices * (int(c["l2_mshrs"]) * cache.MAX_SECTORS + 1)
    return config, dram


def _fetches(c: Any) -> int:
    """Instruction and constant lines that an SM may have asked L2 for and not got: twice what waits for one.

    A stream buffer that starts anew leaves its old lines on their way; the factor covers them, and more than that is
    refused when it happens (`noc.collect`).
    """
    per_sub = int(c["l0_misses"]) + int(c["prefetch_lines"]) + int(c["l0c_sets"]) * int(c["l0c_ways"])
    waiting = int(c["sub_cores"]) * per_sub + int(c["pending_requests"])
    return 2 * waiting * max(1, int(c["l0_line"]) // int(c["line_bytes"]))


class MemorySide:
    """Everything behind the SMs' borders, plain data; times start at 0 with every kernel."""

    def __init__(self, arch: Arch) -> None:
        config, self.dram = chip_config(arch, arch.config.sm.l1d.size)
        c = config[0]
        self._config = config
        sms, slices, channels = int(c["sms"]), int(c["slices"]), int(c["channels"])
        self.parts = np.zeros(channels, state.PARTITION)
        self.slices = np.zeros(slices, state.SLICE)
        messages = sms * int(c["outbox"])
        self.pool = np.zeros(messages, state.MESSAGE)
        self.free = np.zeros(1, np.int64)
        self.heap = np.zeros(channels * int(c["partition_events"]), heap.EVENT)
        self.emitted = np.zeros(channels * int(c["partition_replies"]), state.REPLY)
        lines = slices * int(c["l2_sets"]) * int(c["l2_ways"])
        self.lines = np.zeros(lines, cache.CACHE_LINE)
        self.written = np.zeros((lines, cache.MAX_SECTORS), np.int32)
        merges = min(int(c["l2_mshrs"]) * int(c["l2_merges"]), messages)
        self.tables, self.misses, self.waiters, self.buckets = new_tables(slices, int(c["l2_mshrs"]), merges)
        self.hops = _hops(arch, sms, slices)
        self.events = np.zeros(counters.EVENT_COUNT, np.int64)
        self.dram_events = np.zeros(DRAM_EVENT_COUNT, np.int64)
        self.translation = TranslationUnit(lower_translation(arch), sms, int(c["outbox"]), TABLE_SPACE)
        self._channels = channels
        self._codes: dict[Any, int] = {}
        self._keep = arch.config.l2.keep_between_kernels
        self._used = False
        self._reset()

    def start_kernel(self) -> None:
        """Begin a kernel; L2 and TLBs forget what the one before has left if the configuration says so."""
        if self._used and not self._keep:
            self.lines[:] = np.zeros(1, cache.CACHE_LINE)
            self.translation.forget()
        self._used = True
        self._reset()

    def _reset(self) -> None:
        """Cycle 0, nothing on its way, banks closed and counters at 0."""
        self.parts[:] = np.zeros(1, state.PARTITION)
        self.parts["next"] = state.NEVER
        for name in ("free", "out_free", "scheduled", "blocked"):
            self.slices[name] = 0
        self.slices["head"] = -1
        self.pool["next"] = np.arange(1, len(self.pool) + 1)
        self.free[0] = 0
        self.channels, self.banks, self.queue = dram_state(self.dram[0], self._channels)
        self.events[:] = 0
        self.dram_events[:] = 0
        self.translation.restart()

    def code_line(self, kernel: KernelStream) -> int:
        """First line of the kernel's code, far above its data; launches of the same code share it."""
        code = tuple((row.pc, row.sass) for row in kernel.static)
        number = self._codes.setdefault(code, len(self._codes))
        return (CODE_SPACE + number * CODE_STRIDE) // int(self._config[0]["line_bytes"])

    def copy(self, copies: Iterable[tuple[int, int]]) -> None:
        """Host-to-device copies (address, bytes) leave their lines in L2, the last ones where there is no room."""
        room = 2 * len(self.lines) * int(self._config[0]["line_bytes"])
        for address, size in copies:
            skipped = max(0, size - room)
            if size > 0:
                copy_in(self._config, self.slices, self.lines, address + skipped, size - skipped)

    def arguments(self) -> tuple[Any, ...]:
        """The arrays in the order of `partition.MEMORY_ARGUMENTS`."""
        return (
            self.dram, self.parts, self.slices, self.pool, self.free, self.heap, self.emitted, self.lines, self.written,
            self.tables, self.misses, self.waiters, self.buckets, self.channels, self.banks, self.queue, self.hops,
            self.events, self.dram_events, run_translation, *self.translation.arguments(),
        )  # fmt: skip

    def drain(self, config: Any, sms: Any, outbox: Any, inbox: Any) -> None:
        """The kernel is over: let everything that is still on its way come to its end; nobody waits for it."""
        arguments = self.arguments()
        quantum = int(self._config[0]["quantum"])
        soonest = run_memory(config, sms, outbox, inbox, *arguments, 0, 0)
        while soonest < state.NEVER:
            soonest = run_memory(config, sms, outbox, inbox, *arguments, soonest + quantum, 0)


def _hops(arch: Arch, sms: int, slices: int) -> Any:
    """Extra cycles of a request from each SM to each slice: the far partition, and an SM and a slice term."""
    noc, l2 = arch.config.noc, arch.config.l2
    sm = np.arange(sms) * noc.sm_spread // max(1, sms - 1)
    piece = np.arange(slices) * noc.slice_spread // max(1, slices - 1)
    far = (np.arange(sms) * l2.partitions // sms)[:, None] != (np.arange(slices) * l2.partitions // slices)[None, :]
    return (sm[:, None] + piece[None, :] + far * l2.far_latency).astype(np.int32)
