"""One kernel on one chip: allocate the state, run the compiled core in slices, collect what it counted."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sim.arch import Arch
from sim.errors import CycleLimit, Deadlock
from sim.gpu import counters as c
from sim.gpu import state
from sim.gpu.chip import DEADLOCKED, DONE, run_chip
from sim.gpu.deadlock import wait_for_graph
from sim.gpu.decode import FIRST_QUEUED, U_TEXTURE, decode
from sim.gpu.lower import lower
from sim.gpu.occupancy import Fit, fit
from sim.trace.expand import expand
from sim.trace.model import KernelTrace

#: Cycles between two looks at the clock, the limit and the keyboard.
SLICE = 20_000
LOG_LENGTH = 1 << 18


class Follow(NamedTuple):
    """What `--follow` records: a warp slot of an SM (-1 = all of it), and one program counter or all (None)."""

    sm: int
    warp: int
    pc: int | None = None


Progress = Callable[[int, int, int], None]


class Machine:
    """All state of a chip that runs one kernel; arrays of the records in `state.py`, plain data."""

    def __init__(self, kernel: KernelTrace, arch: Arch, room: Fit, rows: Any, follow: Follow | None) -> None:
        header = kernel.header
        self.cfg = lower(arch, l1d_bytes=room.l1d_bytes)
        cfg = self.cfg[0]
        cfg["warps_per_cta"] = header.warps_per_cta
        if not header.has_control_bits:
            cfg["scoreboard"] = 1
        last = max((int(pc) for pc in rows["pc"]), default=0)
        cfg["code_lines"] = last // int(cfg["l0_line"]) + 1
        sms, per_sm, subs = int(cfg["sms"]), int(cfg["warps_per_sm"]), int(cfg["sub_cores"])
        if int(cfg["scoreboard"]):
            rows["raise_write"] = rows["raise_read"] = -1  # it replaces the counters
            rows["tracked"] = 1  # readers are released when their operands are read (§9.4)
        self.rows = rows
        self.expanded = expand(
            kernel,
            line_bytes=arch.config.sm.l1d.line,
            sector_bytes=arch.config.sm.l1d.sector,
            banks=arch.config.sm.shared_memory.banks,
            bank_bytes=arch.config.sm.shared_memory.bank_width,
        )
        self.sms = np.zeros(sms, state.SM)
        self.sms["next_launch"] = state.NEVER
        self.sms["next_request"] = state.NEVER
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
        in_unit = int(cfg["pending_requests"]) + fixed + queued
        self.requests = np.zeros(sms * in_unit, state.REQUEST)
        self.l0i = np.zeros(sms * subs * int(cfg["l0_sets"]) * int(cfg["l0_ways"]), state.PLAIN_LINE)
        self.l1i = np.zeros(sms * int(cfg["l1i_sets"]) * int(cfg["l1i_ways"]), state.PLAIN_LINE)
        self.l0c = np.zeros(sms * subs * int(cfg["l0c_sets"]) * int(cfg["l0c_ways"]), state.PLAIN_LINE)
        self.l1c = np.zeros(sms * int(cfg["l1c_sets"]) * int(cfg["l1c_ways"]), state.PLAIN_LINE)
        self.l1d = np.zeros(sms * int(cfg["l1d_sets"]) * int(cfg["l1d_ways"]), state.LINE)
        self.fills = np.zeros(sms * int(cfg["l1d_mshrs"]), np.int64)
        boards = len(self.warps) if int(cfg["scoreboard"]) else 1
        self.available = np.zeros((boards, state.SCOREBOARD_ENTRIES), np.int64)
        self.readers = np.zeros((boards, state.SCOREBOARD_ENTRIES), np.int16)
        # One row more than the program: cycles that belong to no instruction.
        self.pc_states = np.zeros((len(rows) + 1, c.REASON_COUNT), np.int64)
        self.pc_slots = np.zeros((len(rows) + 1, c.REASON_COUNT), np.int64)
        self.pc_issued = np.zeros((len(rows) + 1, 2), np.int64)
        self.events = np.zeros(c.EVENT_COUNT, np.int64)
        self.log = np.zeros(LOG_LENGTH if follow else 1, state.LOG)
        self.logged = np.zeros(1, np.int64)
        self.follow = np.array([follow.sm, follow.warp] if follow else [-2, -2], np.int64)
        self.clock = np.zeros(sms, np.int64)
        self.owed = np.zeros(sms, np.int64)
        self.dispatch = np.array([0, header.ctas, room.ctas_per_sm, 0, -1], np.int64)
        self.started = False

    def run(self, stop: int) -> int:
        """Advance every SM to cycle `stop`; the outcome of `chip.run_chip`."""
        x = self.expanded
        first, self.started = not self.started, True
        outcome = run_chip(
            self.cfg, self.rows, x.path_row, x.path_offset, x.path_lanes, x.path_memop, x.warp_path, x.warp_memop,
            x.memops, x.lines, self.sms, self.subs, self.warps, self.ctas, self.requests, self.l0i, self.l1i, self.l0c,
            self.l1c, self.l1d, self.fills, self.available, self.readers, self.pc_states, self.pc_slots, self.pc_issued,
            self.events, self.log, self.logged, self.follow, self.clock, self.owed, self.dispatch, stop, first,
        )  # fmt: skip
        return int(outcome)


def simulate_kernel(
    kernel: KernelTrace,
    arch: Arch,
    *,
    max_cycles: int | None = None,
    follow: Follow | None = None,
    unknown_op: str = "warn",
    progress: Progress | None = None,
    skip_idle: bool = True,
) -> c.KernelCounters:
    """Replay a kernel on a chip and return everything that was counted.

    Raises TraceError (kernel does not fit, unknown opcode with `unknown_op="error"`), ArchError, CycleLimit, and
    Deadlock with a wait-for graph when nothing can move any more.
    """
    began = time.perf_counter()
    header = kernel.header
    room = fit(header, arch)
    rows, warnings = decode(kernel.static, arch, unknown_op=unknown_op, path=header.name)
    machine = Machine(kernel, arch, room, rows, follow)
    machine.cfg[0]["skip_idle"] = skip_idle
    if int(machine.cfg[0]["scoreboard"]) and arch.config.sm.issue.dependence == "control_bits":
        warnings.append("the trace has no control bits: dependences are kept by the scoreboard")
    total = kernel.warp_instructions
    limit = max_cycles if max_cycles is not None else state.NEVER
    stop, done, last_progress = 0, 0, 0
    while True:
        stop = min(stop + SLICE, limit)
        outcome = machine.run(stop)
        before, done = done, int(machine.sms["issued"].sum())
        last_progress = stop if done > before else last_progress
        if progress is not None:
            progress(done, total, stop)
        if outcome == DONE:
            break
        if outcome == DEADLOCKED or stop - last_progress > arch.config.deadlock_cycles:
            raise Deadlock(wait_for_graph(machine, kernel))
        if stop >= limit:
            raise CycleLimit(
                f"kernel {header.name}: cycle {limit} reached (--max-cycles) after {done} of {total} warp instructions"
            )
    result = _collect(machine, kernel, arch, room, warnings, follow)
    result.time = time.perf_counter() - began
    return result


def _collect(
    machine: Machine, kernel: KernelTrace, arch: Arch, room: Fit, warnings: list[str], follow: Follow | None
) -> c.KernelCounters:
    """Reduce the machine's arrays, in SM order, to the result's counters."""
    header = kernel.header
    cycles = int(machine.dispatch[3])
    sms, subs = int(machine.cfg[0]["sms"]), int(machine.cfg[0]["sub_cores"])
    active = int(machine.sms["active_cycles"].sum())
    pc_slots = machine.pc_slots
    pc_slots[-1, c.NO_CTA] += (cycles * sms - active) * subs
    by_reason = pc_slots.sum(axis=0)
    states = machine.pc_states.sum(axis=0)
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
        issued=machine.pc_issued[:-1, 0].copy(),
        threads=machine.pc_issued[:-1, 1].copy(),
        slot_stalls=pc_slots[:-1].copy(),
        warp_states=machine.pc_states[:-1].copy(),
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
        events={name: int(machine.events[i]) for i, name in enumerate(c.EVENT_NAMES)},
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
    if event in (state.EV_MISS, state.EV_CONSTANT_MISS):
        return f"data in cycle {value}"
    if event == state.EV_STATE:
        return c.REASON_NAMES[value]
    if event == state.EV_FETCH_MISS:
        return f"line {value}"
    return ""
