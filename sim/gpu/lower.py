"""From a validated configuration to the one record that compiled code reads.

Policies become small integers here; adding one is one function, one row in its table and one test. Sizes that exceed
the register map's bounds are refused with the key's name.
"""

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.arch import Arch
from sim.errors import ArchError
from sim.gpu import state
from sim.gpu.decode import U_FP64_SHARED, U_MISC_QUEUE, U_SFU, U_TEXTURE
from sim.memory.cache import MAX_SECTORS, REPLACEMENT

if TYPE_CHECKING:
    from sim.arch.schema_tlb import Translation

CGGTY, GTO, LRR, TWO_LEVEL = range(4)
ISSUE_POLICIES = {"cggty": CGGTY, "gto": GTO, "lrr": LRR, "two_level": TWO_LEVEL}
GREEDY_YOUNGEST, YOUNGEST, OLDEST, ROUND_ROBIN = range(4)
FETCH_POLICIES = {
    "greedy_youngest": GREEDY_YOUNGEST,
    "youngest": YOUNGEST,
    "oldest": OLDEST,
    "round_robin": ROUND_ROBIN,
}
FREE_SLOTS, IN_ORDER = range(2)
READ_ORDERS = {"free_slots": FREE_SLOTS, "in_order": IN_ORDER}

CONFIG = np.dtype(
    [
        (name, np.int64)
        for name in (
            "sms", "sub_cores", "warps_per_sm",
            "buffer_entries", "decode_latency", "fetch_policy", "perfect_fetch", "l0_line", "l0_sets", "l0_ways",
            "l0_misses", "l1i_sets", "l1i_ways", "l1i_lookup", "l0_l1_latency", "l0_l1_requests", "prefetch_lines",
            "issue_policy", "counter_maximum", "two_level_active", "constant_hold", "visible", "scoreboard",
            "consumers",
            "banks", "read_ports", "write_ports", "ideal_registers", "merge_reads", "read_order", "result_queue",
            "rf_cache", "rf_slots",
            "memory_queue", "port_interval", "pending_requests",
            "l1d_sets", "l1d_ways", "l1d_replacement", "l1d_lookups", "l1d_sectors_per_cycle", "l1d_mshrs",
            "l1d_merges", "write_allocate", "line_bytes", "sector_bytes", "sectors_per_line", "lines_per_access",
            "l0c_sets", "l0c_ways", "l1c_sets", "l1c_ways", "constant_line", "ldc_line", "constant_miss",
            "barrier_latency",
            # Crossbar
            "request_latency", "reply_latency", "request_bytes", "reply_bytes", "header_bytes", "credits",
            # L2 (clock ratios: L2 or DRAM cycles = core cycles x num / den)
            "slices", "channels", "interleave", "hashed", "l2_sets", "l2_ways", "l2_replacement", "l2_latency",
            "l2_bytes", "port_bytes", "l2_mshrs", "l2_merges", "l2_atomic_rate", "l2_atomic_latency", "l2_num",
            "l2_den",
            # DRAM
            "dram_num", "dram_den", "dram_latency", "dram_slots", "sectors_per_atom",
            # Sizes of the simulator's own tables
            "partition_events", "partition_replies", "outbox", "inbox",
            "cta_latency", "warps_per_cta", "code_lines", "code_base", "skip_idle", "quantum",
        )
    ]
    + [("queue_entries", np.int64, (16,))],
    align=True,
)  # fmt: skip


def _sets(key: str, size: int, line: int, ways: int) -> int:
    sets = size // (line * ways)
    if sets < 1:
        raise ArchError(f"{key}: {size} B hold no set of {ways} ways of {line} B; lower the ways or raise the size")
    return sets


def _bounded(key: str, value: int, limit: int, least: int = 1) -> int:
    if not least <= value <= limit:
        raise ArchError(f"{key} = {value}: the core's register map takes {least} to {limit}; choose a value in it")
    return value


def lower(arch: Arch, *, l1d_bytes: int) -> npt.NDArray[np.void]:
    """The one-element `CONFIG` array of a chip; `l1d_bytes` is what shared memory leaves of the L1D array.

    Raises ArchError if a structure exceeds the bounds of the register map.
    """
    table = np.zeros(1, CONFIG)
    c = table[0]
    config = arch.config
    sm = config.sm
    c["sms"] = sm.count
    c["sub_cores"] = _bounded("sm.sub_cores", sm.sub_cores, 16)
    c["warps_per_sm"] = _bounded("sm.max_warps", sm.max_warps, state.MAX_WARPS)

    front = sm.frontend
    c["buffer_entries"] = _bounded("sm.frontend.instruction_buffer", front.instruction_buffer, state.MAX_BUFFER)
    c["decode_latency"] = front.decode_latency
    c["fetch_policy"] = FETCH_POLICIES[front.fetch_policy]
    c["perfect_fetch"] = front.perfect
    c["l0_line"] = front.l0.line
    c["l0_ways"] = front.l0.ways
    c["l0_sets"] = _sets("sm.frontend.l0", front.l0.size, front.l0.line, front.l0.ways)
    c["l0_misses"] = _bounded("sm.frontend.l0.mshrs", front.l0.mshrs, state.MAX_MISSES)
    c["l1i_ways"] = front.l1.ways
    c["l1i_sets"] = _sets("sm.frontend.l1", front.l1.size, front.l1.line, front.l1.ways)
    c["l1i_lookup"] = front.l1.lookup_latency
    c["l0_l1_latency"] = front.l0_l1_latency
    c["l0_l1_requests"] = front.l0_l1_requests_per_cycle
    c["prefetch_lines"] = _bounded("sm.frontend.prefetch_lines", front.prefetch_lines, state.MAX_STREAM, 0)

    issue = sm.issue
    c["issue_policy"] = ISSUE_POLICIES[issue.policy]
    c["counter_maximum"] = _bounded("sm.issue.counter_maximum", issue.counter_maximum, 126)
    c["two_level_active"] = issue.two_level_active
    c["constant_hold"] = issue.constant_miss_hold
    c["visible"] = _bounded("sm.issue.control_to_visible", issue.control_to_visible, 1, 0)
    _bounded("sm.issue.stall_zero_yield", issue.stall_zero_yield, 32_767, 0)
    c["scoreboard"] = issue.dependence == "scoreboard"
    c["consumers"] = issue.scoreboard_consumers

    file = sm.register_file
    c["banks"] = _bounded("sm.register_file.banks", file.banks, state.MAX_BANKS)
    c["read_ports"] = file.read_ports
    c["write_ports"] = file.write_ports
    c["ideal_registers"] = file.ideal
    c["merge_reads"] = file.merge_same_register
    c["read_order"] = READ_ORDERS[file.read_order]
    c["result_queue"] = file.result_queue
    c["rf_cache"] = file.cache.enabled
    c["rf_slots"] = _bounded("sm.register_file.cache.slots", file.cache.slots, state.MAX_SLOTS)
    _bounded("sm.register_file.wide_read_window", file.wide_read_window, 12)

    memory = sm.memory
    c["memory_queue"] = _bounded("sm.memory.queue", memory.queue, state.MAX_QUEUE)
    c["port_interval"] = memory.port_interval
    c["pending_requests"] = memory.pending_requests
    l1d = sm.l1d
    c["l1d_ways"] = l1d.ways
    c["l1d_sets"] = max(1, l1d_bytes // (l1d.line * l1d.ways))
    c["l1d_replacement"] = REPLACEMENT[l1d.replacement]
    c["l1d_lookups"] = l1d.tag_lookups
    c["l1d_sectors_per_cycle"] = max(1, l1d.bandwidth // l1d.sector)
    c["l1d_mshrs"] = _bounded("sm.l1d.mshrs", l1d.mshrs, 1 << 14, l1d.line // l1d.sector)
    c["l1d_merges"] = l1d.mshr_merges
    c["line_bytes"] = l1d.line
    c["sector_bytes"] = _bounded("sm.l1d.sector", l1d.sector, 32)
    c["sectors_per_line"] = _bounded("sm.l1d.line / sector", l1d.line // l1d.sector, MAX_SECTORS)
    c["write_allocate"] = l1d.allocate_on_write

    constant = sm.constant
    c["constant_line"] = constant.l0.line
    c["ldc_line"] = constant.l1.line
    c["l0c_ways"] = constant.l0.ways
    c["l0c_sets"] = _sets("sm.constant.l0", constant.l0.size, constant.l0.line, constant.l0.ways)
    c["l1c_ways"] = constant.l1.ways
    c["l1c_sets"] = _sets("sm.constant.l1", constant.l1.size, constant.l1.line, constant.l1.ways)
    c["constant_miss"] = constant.miss_latency

    c["barrier_latency"] = sm.barrier.latency
    _lower_memory(c, arch)
    c["cta_latency"] = _bounded("dispatch.cta_latency", config.dispatch.cta_latency, 1 << 20)
    c["skip_idle"] = 1
    c["quantum"] = min(int(c["request_latency"]), int(c["reply_latency"]), int(c["cta_latency"]))
    queues = c["queue_entries"]
    queues[U_SFU] = _bounded("sm.units.sfu.queue", sm.units.sfu.queue, state.MAX_QUEUE)
    queues[U_FP64_SHARED] = _bounded("sm.units.fp64.queue", sm.units.fp64.queue, state.MAX_QUEUE)
    queues[U_MISC_QUEUE] = _bounded("sm.units.misc_queue.queue", sm.units.misc_queue.queue, state.MAX_QUEUE)
    queues[U_TEXTURE] = _bounded("sm.units.texture.queue", sm.units.texture.queue, state.MAX_QUEUE)
    return table


def _lower_memory(c: np.void, arch: Arch) -> None:
    """Crossbar, L2 and the clocks of L2 and DRAM."""
    config = arch.config
    noc = config.noc
    c["request_latency"] = _bounded("noc.request_latency", noc.request_latency, 1 << 16)
    c["reply_latency"] = _bounded("noc.reply_latency", noc.reply_latency, 1 << 16)
    c["request_bytes"] = noc.request_bandwidth
    c["reply_bytes"] = noc.reply_bandwidth
    c["header_bytes"] = _bounded("noc.header", noc.header, 1 << 16, 0)
    c["credits"] = _bounded("noc.credits", noc.credits, 1 << 14)
    _bounded("noc.sm_spread", noc.sm_spread, 1 << 16, 0)
    _bounded("noc.slice_spread", noc.slice_spread, 1 << 16, 0)
    l2 = config.l2
    channels = _bounded("dram.channels", config.dram.channels, 1 << 12)
    if l2.slices % channels:
        raise ArchError(f"l2.slices = {l2.slices}: each of {channels} channels needs as many; give a multiple")
    c["slices"] = _bounded("l2.slices", l2.slices, 1 << 12)
    c["channels"] = channels
    line = config.sm.l1d.line
    if l2.interleave % line:
        raise ArchError(f"l2.interleave = {l2.interleave} B: a line of {line} B lies in one slice; give a multiple")
    c["interleave"] = l2.interleave
    c["hashed"] = l2.hashed
    c["l2_ways"] = l2.ways
    c["l2_sets"] = _sets("l2.size / slices", l2.size // l2.slices, line, l2.ways)
    c["l2_replacement"] = REPLACEMENT[l2.replacement]
    c["l2_latency"] = l2.latency
    _bounded("l2.far_latency", l2.far_latency, 1 << 16, 0)
    c["l2_bytes"] = l2.bandwidth
    c["port_bytes"] = l2.port_bandwidth
    c["l2_mshrs"] = _bounded("l2.mshrs", l2.mshrs, 1 << 14)
    c["l2_merges"] = _bounded("l2.mshr_merges", l2.mshr_merges, 1 << 14)
    c["l2_atomic_rate"] = l2.atomic_rate
    c["l2_atomic_latency"] = l2.atomic_latency
    c["l2_num"], c["l2_den"] = _ratio("l2.clock", l2.clock, config.sm.clock)
    c["dram_latency"] = config.dram.controller_latency


def lower_translation(arch: Arch) -> "Translation | None":
    """The keys of the chip's address translation, or None if it has none. Raises ArchError for sizes beyond bounds."""
    translation = arch.config.translation
    if translation is None or not translation.enabled:
        return None
    for name in ("l1", "l2", "l3"):
        level = getattr(translation, name)
        _bounded(f"translation.{name}.entries", level.entries, 1 << 20, 0)
        _bounded(f"translation.{name}.latency", level.latency, 1 << 16, 0)
    for name in ("count", "pages", "requests"):
        _bounded(f"translation.walkers.{name}", getattr(translation.walkers, name), 1 << 14)
    cache = translation.walk_cache
    _bounded("translation.walk_cache.entries", max(cache.entries), 1 << 20, 0)
    _bounded("translation.walk_cache.latency", cache.latency, 1 << 16, 0)
    _bounded("translation.walk_cache.miss_latency", cache.miss_latency, 1 << 16, 0)
    return translation


#: Clock ratios are kept as fractions whose products with a cycle number stay in 64 bits.
_LARGEST_TERM = 1 << 22


def _ratio(key: str, clock: int, core: int) -> tuple[int, int]:
    """`clock` / `core` as a reduced fraction of two small numbers (to a millionth, where the exact one is too long)."""
    ratio = Fraction(clock, core)
    if max(ratio.numerator, ratio.denominator) > _LARGEST_TERM:
        ratio = ratio.limit_denominator(_LARGEST_TERM // (1 + int(ratio)))
    if not 0 < ratio.numerator <= _LARGEST_TERM:
        raise ArchError(f"{key} = {clock} Hz: no sensible ratio to the SM clock of {core} Hz")
    return ratio.numerator, ratio.denominator


def lower_dram_clock(c: np.void, arch: Arch, command_clock: Fraction, atom: int, slots: int) -> None:
    """What the configuration record needs to know of the DRAM: its clock in hertz, bytes of an access, queue slots."""
    ratio = command_clock / arch.config.sm.clock
    ratio = ratio.limit_denominator(_LARGEST_TERM // (1 + int(ratio)))
    c["dram_num"], c["dram_den"] = ratio.numerator, ratio.denominator
    c["dram_slots"] = slots
    sector = arch.config.sm.l1d.sector
    line = arch.config.sm.l1d.line
    if atom % sector or atom > line:
        raise ArchError(f"dram: an access brings {atom} B, not a whole number of {sector}-B sectors of a {line}-B line")
    c["sectors_per_atom"] = atom // sector
