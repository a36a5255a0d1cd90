"""One kernel on one chip: allocate the state, run the compiled core in slices, collect what it counted."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from sim.arch import Arch
from sim.errors import CycleLimit, Deadlock, RunFailed
from sim.gpu import chip, state
from sim.gpu import counters as c
from sim.gpu.chip import DEADLOCKED, DONE, exchange_ctas, next_border
from sim.gpu.deadlock import wait_for_graph
from sim.gpu.decode import FIRST_QUEUED, U_TEXTURE, decode
from sim.gpu.island import run_sms
from sim.gpu.memory_side import MemorySide, chip_config
from sim.gpu.occupancy import Fit, fit
from sim.gpu.partition import run_memory
from sim.gpu.quanta import run_quanta
from sim.gpu.sample import conclude
from sim.gpu.sampling import Sampling
from sim.gpu.waves import Waves
from sim.memory.cache import CACHE_LINE
from sim.memory.misses import new_tables
from sim.trace.expand import Windows, refill
from sim.trace.live import BatchTables, Move
from sim.trace.model import KernelTrace
from sim.trace.stream import KernelStream
from sim.trace.window import LARGEST, LINE

#: Cycles between two looks at the clock, the limit and the keyboard.
SLICE = 20_000
LOG_LENGTH = 1 << 18
#: Threads share quanta while at least that many warp instructions for each thread are issued in one. A choice between
#: two kernels (benchmarks/NOTES.md): with 9,000 in a quantum two threads gain, with 1,100 they lose.
INSTRUCTIONS_PER_THREAD = 2000


class Follow(NamedTuple):
    """What `--follow` records: a warp slot of an SM (-1 = all of it), and one program counter or all (None)."""

    sm: int
    warp: int
    pc: int | None = None


Progress = Callable[[int, int, int], None]


class Counts:
    """What one worker counts, per static instruction (one row more: cycles without an instruction) and in all."""

    def __init__(self, rows: int) -> None:
        self.pc_states = np.zeros((rows + 1, c.REASON_COUNT), np.int64)
        self.pc_slots = np.zeros((rows + 1, c.REASON_COUNT), np.int64)
        self.pc_issued = np.zeros((rows + 1, 2), np.int64)
        self.events = np.zeros(c.EVENT_COUNT, np.int64)

    def add(self, other: "Counts") -> None:
        """Add what another worker counted."""
        for name in ("pc_states", "pc_slots", "pc_issued", "events"):
            getattr(self, name)[...] += getattr(other, name)


class Machine:
    """All state of a chip that runs one kernel; arrays of the records in `state.py`, plain data."""

    def __init__(
        self,
        kernel: KernelStream,
        arch: Arch,
        room: Fit,
        rows: Any,
        memory: MemorySide,
        follow: Follow | None,
        threads: int = 1,
    ) -> None:
        header = kernel.header
        self.cfg, _ = chip_config(arch, room.l1d_bytes)
        cfg = self.cfg[0]
        cfg["warps_per_cta"] = header.warps_per_cta
        if not header.has_control_bits:
            cfg["scoreboard"] = 1
        last = max((int(pc) for pc in rows["pc"]), default=0)
        cfg["code_lines"] = last // int(cfg["l0_line"]) + 1
        cfg["code_base"] = memory.code_line(kernel)
        sms, per_sm, subs = int(cfg["sms"]), int(cfg["warps_per_sm"]), int(cfg["sub_cores"])
        if int(cfg["scoreboard"]):
            rows["raise_write"] = rows["raise_read"] = -1  # it replaces the counters
            rows["tracked"] = 1  # readers are released when their operands are read (§9.4)
        self.rows = rows
        self.memory = memory
        self.tables = BatchTables(kernel)
        self.windows = Windows(
            sms * per_sm,
            kernel,
            line_bytes=arch.config.sm.l1d.line,
            sector_bytes=arch.config.sm.l1d.sector,
            banks=arch.config.sm.shared_memory.banks,
            bank_bytes=arch.config.sm.shared_memory.bank_width,
            workers=threads,
        )
        cfg["lines_per_access"] = LARGEST
        self.sms = np.zeros(sms, state.SM)
        for name in ("next_launch", "next_request", "next_reply", "idle_until"):
            self.sms[name] = state.NEVER
        self.sms["access_started"] = self.sms["blocked_since"] = -1
        self.sms["credits"] = int(cfg["credits"])
        self.subs = np.zeros(sms * subs, state.SUBCORE)
        self.subs["sm"] = np.arange(sms * subs) // subs
        for name in ("greedy", "fetch_greedy", "last_line", "stream_next", "raise_warp"):
            self.subs[name] = -1
        self.subs["hold"] = int(cfg["constant_hold"])
        self.subs["next_fill"] = state.NEVER
        self.subs["queue_last"] = -(1 << 20)
        for name in ("read_stamp", "last_read", "write_stamp"):
            self.subs[name] = -1
        self.warps = np.zeros(sms * per_sm, state.WARP)
        self.ctas = np.zeros(sms * per_sm, state.CTA)
        queued = (U_TEXTURE + 1 - FIRST_QUEUED) * state.MAX_QUEUE * subs
        # Instructions of fixed latency that something follows: at most one a cycle from Allocate to their end.
        fixed = subs * (int(rows["latency"].max(initial=0)) + int(rows["window"].max(initial=0)) + 32)
        places = int(cfg["pending_requests"])
        self.requests = np.zeros(sms * (places + fixed + queued), state.REQUEST)
        self.pendings = np.zeros(sms * places, state.PENDING)
        self.pendings["next"] = np.tile(np.append(np.arange(1, places), -1), sms)
        self.pendings["constant_line"] = -1
        self.accesses = np.zeros(sms * places, np.int32)
        self.held = np.zeros(sms * places * LARGEST, LINE)
        self.l0i = np.zeros(sms * subs * int(cfg["l0_sets"]) * int(cfg["l0_ways"]), state.PLAIN_LINE)
        self.l1i = np.zeros(sms * int(cfg["l1i_sets"]) * int(cfg["l1i_ways"]), state.PLAIN_LINE)
        self.l0c = np.zeros(sms * subs * int(cfg["l0c_sets"]) * int(cfg["l0c_ways"]), state.PLAIN_LINE)
        self.l1c = np.zeros(sms * int(cfg["l1c_sets"]) * int(cfg["l1c_ways"]), state.PLAIN_LINE)
        self.l1d = np.zeros(sms * int(cfg["l1d_sets"]) * int(cfg["l1d_ways"]), CACHE_LINE)
        misses = int(cfg["l1d_mshrs"])
        waiting = min(places * LARGEST, misses * int(cfg["l1d_merges"]))
        self.miss_tables, self.misses, self.waiters, self.buckets = new_tables(sms, misses, waiting)
        self.outbox = np.zeros(sms * int(cfg["outbox"]), state.MESSAGE)
        self.inbox = np.zeros(sms * int(cfg["inbox"]), state.REPLY)
        boards = len(self.warps) if int(cfg["scoreboard"]) else 1
        self.available = np.zeros((boards, state.SCOREBOARD_ENTRIES), np.int64)
        self.readers = np.zeros((boards, state.SCOREBOARD_ENTRIES), np.int16)
        self.counts = [Counts(len(rows)) for _ in range(threads)]
        self.log = np.zeros(LOG_LENGTH if follow else 1, state.LOG)
        self.logged = np.zeros(1, np.int64)
        self.follow = np.array([follow.sm, follow.warp] if follow else [-2, -2], np.int64)
        self.dispatch = np.zeros(16, np.int64)
        self.dispatch[chip.CTAS] = header.ctas
        self.dispatch[chip.CTAS_PER_SM] = room.ctas_per_sm
        self.dispatch[chip.MEMORY_NEXT] = state.NEVER
        self.waves: Waves | None = None
        self.window = np.zeros(1, np.int64)
        self._live: set[int] = set()
        self._assigned = 0
        self.load()
        chip.exchange_ctas(self.cfg, self.sms, self.ctas, self.dispatch)

    def watch(self, waves: Waves) -> None:
        """Let `waves` see how the launch goes and end it; before the first cycle."""
        self.waves = waves
        waves.start(self.dispatch)

    def load(self) -> None:
        """Read ahead: every CTA that could start within a quantum must be at hand; what has ended is dropped."""
        dispatch = self.dispatch
        following = int(dispatch[chip.NEXT_CTA])
        live = set(self.ctas[self.ctas["live"] != 0]["number"].tolist())
        self.tables.release(cta for cta in [*self._live, *range(self._assigned, following)] if cta not in live)
        self._live, self._assigned = live, following
        moves = self.tables.drop()
        if moves:
            self._shift(moves)
        wanted = min(following + len(self.sms) * int(dispatch[chip.CTAS_PER_SM]), int(dispatch[chip.CTAS]))
        while self.tables.loaded < wanted and self.tables.load_next():
            pass
        dispatch[chip.LOADED] = self.tables.loaded
        waiting = self.ctas[(self.ctas["live"] != 0) & (self.ctas["launched"] == 0)]["number"]
        first = min([following, *waiting.tolist()])
        if first < self.tables.loaded:
            self.window[0] = first - self.tables.first_row(first) // int(self.cfg[0]["warps_per_cta"])

    def _shift(self, moves: list[Move]) -> None:
        """Places of warps follow the batches that moved in the tables."""
        cta = self.warps["number"] // int(self.cfg[0]["warps_per_cta"])
        for move in moves:
            moved = (self.warps["life"] != state.FREE) & (cta >= move.first) & (cta < move.first + move.ctas)
            for name in ("position", "fetched", "end"):
                self.warps[name][moved] -= move.entries
        self.windows.shift(moves)

    def arguments(self, worker: int = 0) -> tuple[Any, ...]:
        """The arrays of SMs and of their windows, in the order of `island.run_sms`; each worker counts on its own."""
        t, c = self.tables, self.counts[worker]
        return (
            self.cfg, self.rows, t.path_row, t.path_lanes, t.path_memop, t.starts, self.window, self.sms, self.subs,
            self.warps, self.ctas, self.requests, self.pendings, self.accesses, self.held, self.l0i, self.l1i, self.l0c,
            self.l1c, self.l1d, self.miss_tables, self.misses, self.waiters, self.buckets, self.outbox, self.inbox,
            self.available, self.readers, c.pc_states, c.pc_slots, c.pc_issued, c.events, self.log, self.logged,
            self.follow, *self.windows.arguments(t, worker),
        )  # fmt: skip

    def run(self, limit: int, pool: ThreadPoolExecutor | None = None) -> int:
        """Advance to cycle `limit`; the outcome of `quanta.run_quanta`. With a pool, busy quanta are shared."""
        workers = len(self.counts)
        many = state.NEVER if pool is None or workers == 1 else INSTRUCTIONS_PER_THREAD * workers
        while True:
            outcome = int(
                run_quanta(
                    run_sms, run_memory, refill, *self.arguments(), *self.memory.arguments(), self.dispatch, limit, many
                )
            )
            if outcome == chip.BUSY and pool is not None:
                outcome = self._share_quanta(limit, pool, many)
            if outcome == chip.NEED_DATA:
                self.load()
            elif outcome == chip.PAUSED:
                self._resume()
            elif outcome != chip.BUSY:
                return outcome

    def _resume(self) -> None:
        """A wave has ended: let who watches decide, and bring the exchange of CTAs to its end."""
        paused = True
        while paused and self.waves is not None:
            self.waves.end_wave(self.dispatch)
            paused = int(exchange_ctas(self.cfg, self.sms, self.ctas, self.dispatch)) == chip.PAUSED

    def _share_quanta(self, limit: int, pool: ThreadPoolExecutor, many: int) -> int:
        """Run quanta with the SMs divided among the workers while at least `many` warp instructions issue in one."""
        workers, sms = len(self.counts), len(self.sms)
        arguments = [self.arguments(worker) for worker in range(workers)]
        memory = self.memory.arguments()
        while True:
            outcome = int(next_border(self.cfg, self.sms, self.dispatch, limit))
            if outcome != chip.BUSY:
                return outcome
            stop = int(self.dispatch[chip.BORDER])
            parts = [
                pool.submit(run_sms, *(refill, *arguments[i], sms * i // workers, sms * (i + 1) // workers, stop))
                for i in range(workers)
            ]
            issued = sum(int(part.result()) for part in parts)
            soonest = int(run_memory(self.cfg, self.sms, self.outbox, self.inbox, *memory, stop, 1))
            if soonest < 0:
                return chip.OVERFLOW
            self.dispatch[chip.MEMORY_NEXT] = soonest
            if int(exchange_ctas(self.cfg, self.sms, self.ctas, self.dispatch)) == chip.PAUSED:
                return chip.PAUSED
            if issued < many:
                return chip.BUSY


def simulate_kernel(
    kernel: KernelTrace | KernelStream,
    arch: Arch,
    *,
    memory: MemorySide | None = None,
    max_cycles: int | None = None,
    follow: Follow | None = None,
    unknown_op: str = "warn",
    progress: Progress | None = None,
    skip_idle: bool = True,
    quantum: int | None = None,
    threads: int = 1,
    sampling: Sampling | None = None,
) -> c.KernelCounters:
    """Replay a kernel on a chip and return everything that was counted.

    `memory` = what earlier kernels left in L2 (None: an empty one). `skip_idle`, `quantum` (cycles, at most the
    longest one that the chip allows) and `threads` change how the run goes, not its result. With `sampling` only a part
    of the CTAs is simulated, the counters are of that part, and `sample` says what follows for the whole launch. Raises
    TraceError (kernel does not fit, unknown opcode with `unknown_op="error"`), ArchError, CycleLimit, and Deadlock with
    a wait-for graph when nothing can move any more.
    """
    began = time.perf_counter()
    header = kernel.header
    room = fit(header, arch)
    rows, warnings = decode(kernel.static, arch, unknown_op=unknown_op, path=header.name)
    memory = memory or MemorySide(arch)
    memory.start_kernel()
    machine = Machine(kernel.stream(), arch, room, rows, memory, follow, threads)
    if sampling is not None:
        machine.watch(Waves(sampling, header.ctas, room.ctas_per_sm * len(machine.sms)))
    cfg = machine.cfg[0]
    cfg["skip_idle"] = skip_idle
    if quantum is not None:
        cfg["quantum"] = max(1, min(quantum, int(cfg["quantum"])))
    if int(cfg["scoreboard"]) and arch.config.sm.issue.dependence == "control_bits":
        warnings.append("the trace has no control bits: dependences are kept by the scoreboard")
    total = kernel.warp_instructions
    limit = max_cycles if max_cycles is not None else state.NEVER
    stop, done, last_progress = 0, 0, 0
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    try:
        while True:
            stop = min(stop + SLICE, limit)
            outcome = machine.run(stop, pool)
            before, done = done, int(machine.sms["issued"].sum())
            last_progress = stop if done > before else last_progress
            if progress is not None:
                progress(done, total * int(machine.dispatch[chip.CTAS]) // header.ctas, stop)
            if outcome == DONE:
                break
            if outcome == chip.OVERFLOW:
                raise RunFailed(f"kernel {header.name}: a table of messages overflows; this is a fault of Tickwise")
            if outcome == DEADLOCKED or stop - last_progress > arch.config.deadlock_cycles:
                raise Deadlock(wait_for_graph(machine, kernel))
            if stop >= limit:
                raise CycleLimit(
                    f"kernel {header.name}: cycle {limit} reached (--max-cycles) after {done} of {total} warp"
                    " instructions"
                )
    finally:
        if pool is not None:
            pool.shutdown()
    memory.drain(machine.cfg, machine.sms, machine.outbox, machine.inbox)
    result = _collect(machine, kernel, arch, room, warnings, follow)
    if machine.waves is not None:
        conclude(result, machine.waves, int(machine.dispatch[chip.CTAS]), kernel)
    result.time = time.perf_counter() - began
    return result


def _collect(
    machine: Machine,
    kernel: KernelTrace | KernelStream,
    arch: Arch,
    room: Fit,
    warnings: list[str],
    follow: Follow | None,
) -> c.KernelCounters:
    """Reduce the machine's arrays to the result's counters: sums of integers, whatever worker counted them."""
    header = kernel.header
    cycles = int(machine.dispatch[chip.LAST_END])
    sms, subs = int(machine.cfg[0]["sms"]), int(machine.cfg[0]["sub_cores"])
    active = int(machine.sms["active_cycles"].sum())
    counts = machine.counts[0]
    for other in machine.counts[1:]:
        counts.add(other)
    pc_slots, pc_states, pc_issued = counts.pc_slots, counts.pc_states, counts.pc_issued
    events = counts.events + machine.memory.events
    events[c.DRAM0 : c.DRAM0 + len(machine.memory.dram_events)] += machine.memory.dram_events
    pc_slots[-1, c.NO_CTA] += (cycles * sms - active) * subs
    by_reason = pc_slots.sum(axis=0)
    states = pc_states.sum(axis=0)
    lifetime = int(machine.sms["warp_cycles"].sum())
    stalls = {c.REASON_NAMES[i]: int(by_reason[i]) for i in range(c.REASON_COUNT) if i != c.SELECTED and by_reason[i]}
    slots = arch.config.sm.max_warps
    occupancy = c.Occupancy(
        theoretical=min(1.0, room.ctas_per_sm * header.warps_per_cta / slots),
        achieved=lifetime / (active * slots) if active else 0.0,
        limiter=room.limiter,
        ctas_per_sm=room.ctas_per_sm,
        warps_per_sm=room.ctas_per_sm * header.warps_per_cta,
        limits=room.limits,
    )
    hotspots = c.Hotspots(
        sass=[row.sass for row in kernel.static],
        pcs=machine.rows["pc"].astype(np.int64),
        issued=pc_issued[:-1, 0].copy(),
        threads=pc_issued[:-1, 1].copy(),
        slot_stalls=pc_slots[:-1].copy(),
        warp_states=pc_states[:-1].copy(),
    )
    return c.KernelCounters(
        header=header,
        cycles=cycles,
        launch_cycles=arch.config.dispatch.launch_latency,
        sm_active_cycles=active,
        sm_count=sms,
        sub_cores=subs,
        warp_instructions=int(machine.sms["issued"].sum()),
        thread_instructions=int(machine.sms["lanes"].sum()),
        events={name: int(events[i]) for i, name in enumerate(c.EVENT_NAMES)},
        issue_slots=c.IssueSlots(cycles * sms * subs, int(by_reason[c.SELECTED]), stalls),
        warp_states={c.REASON_NAMES[i]: int(states[i]) for i in range(c.REASON_COUNT) if states[i]},
        warp_lifetime=lifetime,
        hotspots=hotspots,
        occupancy=occupancy,
        follow=_events(machine, follow),
        warnings=[*header.warnings, *warnings, *_cut(machine)],
    )


def _cut(machine: Machine) -> list[str]:
    """A warning if the log of `--follow` was too short for everything that happened."""
    missing = int(machine.logged[0]) - len(machine.log)
    if missing <= 0 or int(machine.follow[0]) < -1:
        return []
    return [f"--follow: the last {missing} events are missing, the log holds {LOG_LENGTH}; follow a single warp"]


def _events(machine: Machine, follow: Follow | None) -> list[c.FollowEvent]:
    """The log as sentences, in order of time."""
    if follow is None:
        return []
    kept = min(int(machine.logged[0]), len(machine.log))
    entries = machine.log[:kept]
    found = []
    per_sm = int(machine.cfg[0]["warps_per_sm"])
    for i in np.argsort(entries["cycle"], kind="stable"):
        entry = entries[i]
        row = int(entry["row"])
        pc = int(machine.rows[row]["pc"]) if row >= 0 else -1
        if follow.pc is not None and pc != follow.pc:
            continue
        found.append(
            c.FollowEvent(
                cycle=int(entry["cycle"]),
                sm=int(entry["warp"]) // per_sm,
                warp=int(entry["warp"]) % per_sm,
                pc=pc,
                event=state.FOLLOW_EVENTS[int(entry["event"])],
                detail=_detail(int(entry["event"]), int(entry["value"])),
            )
        )
    return found


def _detail(event: int, value: int) -> str:
    if event in (state.EV_UP, state.EV_DOWN):
        return f"SB{value}"
    if event in (state.EV_RESULT, state.EV_REGISTER):
        return f"R{value}"
    if event == state.EV_ISSUE:
        return f"{value} lanes"
    if event in (state.EV_ARRIVE, state.EV_RELEASE):
        return f"barrier {value}"
    if event == state.EV_CONSTANT_MISS:
        return f"data in cycle {value}" if value < state.NEVER else "asked of L2"
    if event == state.EV_STATE:
        return c.REASON_NAMES[value]
    if event == state.EV_FETCH_MISS:
        return f"line {value}"
    return ""
