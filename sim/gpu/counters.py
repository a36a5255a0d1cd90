"""Every counter and every warp state of the GPU model, declared once: name, unit, meaning, where it is counted.

`tickwise explain NAME`, the result and the report read these tables; there is no second list. The order of `REASONS`
is the written priority of a sub-core cycle's single reason: when warps wait for different things, the lowest index
wins, because that warp was nearest to issuing. Names of warp states are Nsight Compute's where it has one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.memory.dram_state import DRAM_EVENTS

if TYPE_CHECKING:
    from sim.gpu.sample import Sample
    from sim.trace.model import KernelHeader


class Counter(NamedTuple):
    """One counter: its name, its unit, what it means and where in the model it is counted."""

    name: str
    unit: str
    meaning: str
    where: str


(
    SELECTED,
    DISPATCH_STALL,
    MATH_PIPE_THROTTLE,
    IMC_MISS,
    LG_THROTTLE,
    MIO_THROTTLE,
    TEX_THROTTLE,
    WAIT,
    YIELD,
    SHORT_SCOREBOARD,
    LONG_SCOREBOARD,
    BARRIER,
    MEMBAR,
    BRANCH_RESOLVING,
    NO_INSTRUCTION,
    SLEEPING,
    DRAIN,
    NOT_SELECTED,
    NO_WARP,
    NO_CTA,
) = range(20)

REASONS: tuple[Counter, ...] = (
    Counter("selected", "cycles", "the warp issued its next instruction", "issue.py"),
    Counter(
        "dispatch_stall",
        "cycles",
        "the warp was ready, but the issue port was taken: the Issue/Control latch was full behind an instruction"
        " held in Control or Allocate (register-port conflict, full unit queue), or the last opcode keeps the port",
        "issue.py",
    ),
    Counter("math_pipe_throttle", "cycles", "the input latch of the execution unit was still taken", "issue.py"),
    Counter("imc_miss", "cycles", "a constant operand missed in the sub-core's L0 constant cache", "issue.py"),
    Counter("lg_throttle", "cycles", "the sub-core's memory queue was full (global or local access)", "issue.py"),
    Counter("mio_throttle", "cycles", "the sub-core's memory queue was full (shared, shuffle, S2R, ...)", "issue.py"),
    Counter("tex_throttle", "cycles", "the texture queue was full", "issue.py"),
    Counter("wait", "cycles", "the stall count of the warp's last instruction had not run out", "issue.py"),
    Counter(
        "yield",
        "cycles",
        "the warp's last instruction asked to let others go first (Nsight counts this cycle under wait)",
        "issue.py",
    ),
    Counter("short_scoreboard", "cycles", "waited for a result of shared memory, SFU, shuffle, S2R, ...", "issue.py"),
    Counter("long_scoreboard", "cycles", "waited for a result of global, local or constant memory", "issue.py"),
    Counter("barrier", "cycles", "waited at BAR.SYNC for the other warps of the CTA", "issue.py"),
    Counter("membar", "cycles", "waited for a memory barrier", "issue.py"),
    Counter("branch_resolving", "cycles", "waited for the first instruction behind a taken branch", "issue.py"),
    Counter("no_instruction", "cycles", "the instruction buffer was empty: start of the warp, or a miss", "issue.py"),
    Counter("sleeping", "cycles", "stalled by S=0 with yield (the encoding that sleeps tens of cycles)", "issue.py"),
    Counter("drain", "cycles", "the warp had issued its last instruction and waited for outstanding work", "issue.py"),
    Counter("not_selected", "cycles", "the warp was eligible, another one was issued (no slot is lost)", "issue.py"),
    Counter("no_warp", "cycles", "the SM had a CTA, but this sub-core no live warp", "sm.py"),
    Counter("no_cta", "cycles", "the SM had no CTA", "simulate.py"),
)
REASON_COUNT = len(REASONS)
REASON_NAMES = tuple(reason.name for reason in REASONS)

#: Instruction classes that are counted apart, in the order of the event arrays.
INSTRUCTION_CLASSES = ("int", "fp32", "half", "fp64", "sfu", "tensor", "uniform", "branch", "memory", "misc")

_EVENTS: tuple[Counter, ...] = (
    *(
        Counter(f"sm.inst.{name}", "warp instructions", f"issued instructions of class {name}", "issue.py")
        for name in INSTRUCTION_CLASSES
    ),
    *(
        Counter(f"sm.lanes.{name}", "thread instructions", f"active lanes of issued {name} instructions", "issue.py")
        for name in INSTRUCTION_CLASSES
    ),
    Counter("sm.rf.reads", "warp registers", "register-file reads that took a port (128 B each)", "regfile.py"),
    Counter("sm.rf.writes", "warp registers", "register-file writes (128 B each)", "regfile.py, write_back.py"),
    Counter("sm.rf.conflict_cycles", "cycles", "cycles that Allocate held an instruction for read ports", "regfile.py"),
    Counter("sm.rf.write_delays", "cycles", "cycles that results waited for a write port", "regfile.py, write_back.py"),
    Counter("sm.rfc.hits", "warp registers", "operands served by the register-file cache", "regfile.py"),
    Counter("sm.rfc.fills", "warp registers", "operands put into the register-file cache (reuse bit)", "regfile.py"),
    Counter("sm.fetch.instructions", "instructions", "fetched from L0, wrong path included", "frontend.py"),
    Counter("sm.fetch.wrong_path", "instructions", "fetched behind a taken branch and flushed", "frontend.py"),
    Counter("sm.l0i.misses", "lines", "demand misses of the L0 instruction caches", "frontend.py"),
    Counter("sm.l0i.prefetches", "lines", "lines requested by the stream buffers", "frontend.py"),
    Counter("sm.l0i.stream_hits", "lines", "L0 misses served by the head of a stream buffer", "frontend.py"),
    Counter("sm.l1i.accesses", "lines", "lookups of the L1 instruction/constant cache", "frontend.py"),
    Counter("sm.l1i.misses", "lines", "misses of the L1 instruction/constant cache", "frontend.py"),
    Counter("sm.l0c.hits", "accesses", "constant operands found in the L0 constant cache", "constant.py"),
    Counter("sm.l0c.misses", "lines", "lines requested by the L0 constant caches", "constant.py"),
    Counter("sm.l1c.accesses", "accesses", "LDC lookups of the L1 constant cache", "constant.py"),
    Counter("sm.l1c.misses", "lines", "LDC misses", "constant.py"),
    Counter("sm.l1d.requests", "warp instructions", "global and local memory instructions at L1D", "l1d.py"),
    Counter("sm.l1d.tag_lookups", "lines", "cache lines looked up in L1D", "l1d.py"),
    Counter("sm.l1d.sector_reads", "sectors", "32-B sectors read", "l1d.py"),
    Counter("sm.l1d.sector_hits", "sectors", "sectors read that were present or already on their way", "l1d.py"),
    Counter("sm.l1d.sector_misses", "sectors", "sectors requested from L2", "l1d.py"),
    Counter("sm.l1d.sector_writes", "sectors", "sectors written through", "l1d.py"),
    Counter("sm.l1d.stalls", "cycles", "cycles that L1D waited for a miss register, or a store's credit", "l1d.py"),
    Counter("sm.shared.requests", "warp instructions", "shared-memory instructions", "shared_memory.py"),
    Counter(
        "sm.shared.cycles", "cycles", "cycles of the shared-memory array, bank conflicts included", "shared_memory.py"
    ),
    Counter("sm.barriers", "warp instructions", "warps that arrived at a CTA barrier", "barrier.py"),
    Counter("sm.constant_holds", "cycles", "cycles kept for a greedy warp whose constant missed", "issue.py"),
    Counter("noc.requests", "messages", "messages from SMs and page walkers to L2 slices", "border.py, translate.py"),
    Counter("noc.request_bytes", "bytes", "their bytes, headers included", "border.py, translate.py"),
    Counter("noc.replies", "messages", "messages from L2 slices to SMs and page walkers", "partition.py"),
    Counter("noc.reply_bytes", "bytes", "their bytes, headers included", "partition.py"),
    Counter("memory.answers", "answers", "answers to loads and atomics that came back to an SM", "arrivals.py"),
    Counter(
        "memory.latency",
        "cycles",
        "sum over answers: from the lookup in L1D that asked to the arrival at the SM; = the sum of the stages",
        "arrivals.py",
    ),
    Counter(
        "memory.stage.inject",
        "cycles",
        "hit pipeline of L1D, then the wait for the SM's request port",
        "partition.py",
    ),
    Counter(
        "memory.stage.translation",
        "cycles",
        "waited for the translation of the address: TLBs and page walks",
        "partition.py",
    ),
    Counter(
        "memory.stage.request",
        "cycles",
        "on the way to the slice",
        "partition.py",
    ),
    Counter(
        "memory.stage.slice",
        "cycles",
        "waited for its lookup in the L2 slice",
        "partition.py",
    ),
    Counter(
        "memory.stage.hit",
        "cycles",
        "lookup to data of what L2 had",
        "partition.py",
    ),
    Counter(
        "memory.stage.miss",
        "cycles",
        "lookup to data of what came from DRAM, queueing included",
        "partition.py",
    ),
    Counter(
        "memory.stage.port",
        "cycles",
        "waited for the slice's port to the crossbar, and passed it",
        "partition.py",
    ),
    Counter(
        "memory.stage.reply",
        "cycles",
        "on the way to the SM and through its reply port",
        "noc.py",
    ),
    Counter(
        "l2.sector_reads", "sectors", "sectors that loads, fetches, atomics and page walks wanted from L2", "l2.py"
    ),
    Counter("l2.sector_hits", "sectors", "of these, sectors that L2 had", "l2.py"),
    Counter("l2.sector_misses", "sectors", "of these, sectors that it lacked or that were on their way", "l2.py"),
    Counter("l2.sector_writes", "sectors", "sectors that stores wrote", "l2.py"),
    Counter("l2.write_backs", "sectors", "dirty sectors of lines that went", "l2.py"),
    Counter("l2.atomics", "lane operations", "lane operations of atomics and reductions", "l2.py"),
    Counter("l2.stalls", "lookups", "lookups that found no miss register, line or DRAM room and came again", "l2.py"),
    *(
        counter
        for level in ("l1", "l2", "l3")
        for counter in (
            Counter(
                f"tlb.{level}.hits", "lookups", f"lookups in {level.upper()} TLBs that found the page", "translate.py"
            ),
            Counter(f"tlb.{level}.misses", "lookups", "lookups that did not", "translate.py"),
        )
    ),
    Counter("translation.requests", "requests", "requests of SMs whose addresses were translated", "translate.py"),
    Counter("translation.cycles", "cycles", "sum over them: from the SM's port to the crossbar", "translate.py"),
    Counter(
        "translation.merged",
        "requests",
        "requests that waited for a page which their first TLB had already asked for",
        "translate.py",
    ),
    Counter("walker.walks", "walks", "page walks that have ended", "translate.py"),
    Counter("walker.cycles", "cycles", "sum over walks: from the first request to the translation", "translate.py"),
    Counter("walker.queue_cycles", "cycles", "of these, cycles without a walker", "translate.py"),
    Counter("walker.reads", "reads", "page-table entries that walks read through L2", "translate.py"),
    Counter("walker.cached", "entries", "page-table entries that walks found in the walk caches", "translate.py"),
    Counter(
        "walker.merged",
        "requests",
        "misses of all TLBs that found a walk of their page on its way, or just ended",
        "translate.py",
    ),
    Counter(
        "walker.refused", "requests", "misses of all TLBs that found no room at the walkers and waited", "translate.py"
    ),
    *(Counter(f"dram.{name}", unit, meaning, "sim/memory/dram.py") for name, unit, meaning in DRAM_EVENTS),
)

COUNTERS: tuple[Counter, ...] = (
    Counter("cycles", "cycles", "kernel launch accepted to last CTA drained, without launch_cycles", "simulate.py"),
    Counter("launch_cycles", "cycles", "before the launch is accepted (`dispatch.launch_latency`)", "simulate.py"),
    Counter("sm_active_cycles", "cycles", "sum over SMs of the cycles with at least one CTA", "sm.py"),
    Counter("warp_instructions", "warp instructions", "issued instructions, mask 0 included", "issue.py"),
    Counter("thread_instructions", "thread instructions", "sum of active lanes of issued instructions", "issue.py"),
    *_EVENTS,
)

EVENT_NAMES = tuple(event.name for event in _EVENTS)
EVENT_COUNT = len(EVENT_NAMES)
_INDEX = {name: i for i, name in enumerate(EVENT_NAMES)}


# Indices of the event array, as plain integers that compiled code can use.
INST0 = _INDEX["sm.inst.int"]
LANES0 = _INDEX["sm.lanes.int"]
RF_READS = _INDEX["sm.rf.reads"]
RF_WRITES = _INDEX["sm.rf.writes"]
RF_CONFLICTS = _INDEX["sm.rf.conflict_cycles"]
RF_WRITE_DELAYS = _INDEX["sm.rf.write_delays"]
RFC_HITS = _INDEX["sm.rfc.hits"]
RFC_FILLS = _INDEX["sm.rfc.fills"]
FETCHES = _INDEX["sm.fetch.instructions"]
WRONG_PATH = _INDEX["sm.fetch.wrong_path"]
L0I_MISSES = _INDEX["sm.l0i.misses"]
L0I_PREFETCHES = _INDEX["sm.l0i.prefetches"]
L0I_STREAM_HITS = _INDEX["sm.l0i.stream_hits"]
L1I_ACCESSES = _INDEX["sm.l1i.accesses"]
L1I_MISSES = _INDEX["sm.l1i.misses"]
L0C_HITS = _INDEX["sm.l0c.hits"]
L0C_MISSES = _INDEX["sm.l0c.misses"]
L1C_ACCESSES = _INDEX["sm.l1c.accesses"]
L1C_MISSES = _INDEX["sm.l1c.misses"]
L1D_REQUESTS = _INDEX["sm.l1d.requests"]
L1D_TAG_LOOKUPS = _INDEX["sm.l1d.tag_lookups"]
L1D_READS = _INDEX["sm.l1d.sector_reads"]
L1D_HITS = _INDEX["sm.l1d.sector_hits"]
L1D_MISSES = _INDEX["sm.l1d.sector_misses"]
L1D_WRITES = _INDEX["sm.l1d.sector_writes"]
L1D_STALLS = _INDEX["sm.l1d.stalls"]
SHARED_REQUESTS = _INDEX["sm.shared.requests"]
SHARED_CYCLES = _INDEX["sm.shared.cycles"]
BARRIERS = _INDEX["sm.barriers"]
CONSTANT_HOLDS = _INDEX["sm.constant_holds"]
NOC_REQUESTS = _INDEX["noc.requests"]
NOC_REQUEST_BYTES = _INDEX["noc.request_bytes"]
NOC_REPLIES = _INDEX["noc.replies"]
NOC_REPLY_BYTES = _INDEX["noc.reply_bytes"]
NOC_ANSWERS = _INDEX["memory.answers"]
NOC_LATENCY = _INDEX["memory.latency"]
STAGE_INJECT = _INDEX["memory.stage.inject"]
STAGE_TRANSLATION = _INDEX["memory.stage.translation"]
STAGE_REQUEST = _INDEX["memory.stage.request"]
STAGE_SLICE = _INDEX["memory.stage.slice"]
STAGE_HIT = _INDEX["memory.stage.hit"]
STAGE_MISS = _INDEX["memory.stage.miss"]
STAGE_PORT = _INDEX["memory.stage.port"]
STAGE_REPLY = _INDEX["memory.stage.reply"]
L2_READS = _INDEX["l2.sector_reads"]
L2_READ_HITS = _INDEX["l2.sector_hits"]
L2_READ_MISSES = _INDEX["l2.sector_misses"]
L2_WRITES = _INDEX["l2.sector_writes"]
L2_WRITE_BACKS = _INDEX["l2.write_backs"]
L2_ATOMICS = _INDEX["l2.atomics"]
L2_STALLS = _INDEX["l2.stalls"]
#: Hits of the first TLB level, then its misses, then those of the next levels.
TLB0 = _INDEX["tlb.l1.hits"]
TRANSLATIONS_DONE = _INDEX["translation.requests"]
TRANSLATION_CYCLES = _INDEX["translation.cycles"]
TRANSLATIONS_MERGED = _INDEX["translation.merged"]
WALKS = _INDEX["walker.walks"]
WALK_CYCLES = _INDEX["walker.cycles"]
WALK_QUEUED = _INDEX["walker.queue_cycles"]
WALK_READS = _INDEX["walker.reads"]
WALK_CACHED = _INDEX["walker.cached"]
WALKS_MERGED = _INDEX["walker.merged"]
WALKS_REFUSED = _INDEX["walker.refused"]
#: First of the DRAM's events, which come in its own order.
DRAM0 = _INDEX[f"dram.{DRAM_EVENTS[0][0]}"]


IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class IssueSlots:
    """Where the issue slots went: `total` = cycles x sub-cores of the chip = `issued` + sum of `stalls`."""

    total: int
    issued: int
    stalls: dict[str, int]


@dataclass(frozen=True)
class Hotspots:
    """Per static instruction (n rows): what was issued and what its next issue waited for.

    `slot_stalls[n, R]` counts sub-core cycles whose single reason was this instruction's; `warp_states[n, R]` counts
    warp cycles spent in each state while this instruction was the warp's next.
    """

    sass: list[str]
    pcs: IntArray
    issued: IntArray
    threads: IntArray
    slot_stalls: IntArray
    warp_states: IntArray
    reasons: tuple[str, ...] = REASON_NAMES


@dataclass(frozen=True)
class Occupancy:
    """Warps that fit and warps that were there, as fractions of the SM's warp slots, and what limits them."""

    theoretical: float
    achieved: float
    limiter: str
    ctas_per_sm: int
    warps_per_sm: int
    limits: dict[str, int]


@dataclass(frozen=True)
class FollowEvent:
    """One line of `--follow`: what happened to a warp's instruction, and when."""

    cycle: int
    sm: int
    warp: int
    pc: int
    event: str
    detail: str


@dataclass
class KernelCounters:
    """All that the clocked core reports about one kernel, or about the CTAs of it in a sample (units in `COUNTERS`)."""

    header: "KernelHeader"
    cycles: int
    launch_cycles: int
    sm_active_cycles: int
    sm_count: int
    sub_cores: int
    warp_instructions: int
    thread_instructions: int
    events: dict[str, int]
    issue_slots: IssueSlots
    warp_states: dict[str, int]
    warp_lifetime: int
    hotspots: Hotspots
    occupancy: Occupancy
    follow: list[FollowEvent] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: What follows for the whole launch if only a part of it was simulated.
    sample: "Sample | None" = None
    time: float = 0.0
