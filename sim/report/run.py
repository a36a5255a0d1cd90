"""What `tickwise run` shows a person: the kernels, where their cycles and joules went, and how fast that was found."""

from sim.report.sampled import SAMPLED, about, cycles_about, launch_rows, total_about
from sim.report.table import bar, clip, count, percent, si, size, table
from sim.result import KernelResult, Result, Simulation

#: Up to this many kernels are shown in full; of more, the one that took the most cycles.
_IN_FULL = 3
#: Columns of reasons in the hot-spot table.
_REASONS = 4


def run_report(result: Result, hot: int = 10, width: int = 120) -> str:
    """All tables of a run; `hot` rows of the hot-spot table, lines of about `width` characters."""
    lines = [f"{result.arch_name}   {', '.join(clip(trace.path, 70) for trace in result.traces)}"]
    kernels = list(result.kernels)
    if any(kernel.estimate for kernel in kernels):
        lines.append(SAMPLED)
    if len(kernels) > 1:
        lines += ["", *_list(result, width)]
    if len(kernels) > _IN_FULL:
        slowest = max(kernels, key=lambda kernel: kernel.whole.cycles)
        lines += ["", "The kernel with the most cycles in full (others: --kernels N):"]
        kernels = [slowest]
    for kernel in kernels:
        lines += ["", *_kernel(kernel, hot, width)]
    remarks = [*result.warnings, *(f"{key}: {reason}" for key, reason in result.fudge.items())]
    if remarks:
        lines += ["", "Remarks", *(f"  {remark}" for remark in remarks)]
    return "\n".join([*lines, "", _simulation(result.simulation)])


def _list(result: Result, width: int) -> list[str]:
    rows = [["kernel", "name", "grid", "block", "cycles", "time", "warp instr.", "IPC", "energy"]]
    for kernel in result.kernels:
        header, whole = kernel.counters.header, kernel.whole
        mark = about(kernel.estimate is not None)
        rows.append(
            [
                f"{kernel.trace + 1}:{kernel.index}" if len(result.traces) > 1 else str(kernel.index),
                clip(kernel.name, max(12, width - 90)),
                _shape(header.grid),
                _shape(header.block),
                cycles_about(kernel),
                mark + si(whole.time_s, "s"),
                count(whole.warp_instructions),
                f"{mark}{whole.ipc:.2f}",
                mark + si(whole.energy_j, "J"),
            ]
        )
    estimate = result.total["estimate"]
    total, mark = estimate or result.total, about(estimate is not None)
    rows.append(
        [
            "total",
            "",
            "",
            "",
            total_about(result),
            mark + si(total["time_us"] / 1e6, "s"),
            count(total["warp_instructions"]),
            "",
            mark + si(total["energy_j"], "J"),
        ]
    )
    return table(rows, "><<<>>>>>", indent=0)


def _kernel(kernel: KernelResult, hot: int, width: int) -> list[str]:
    counters, occupancy = kernel.counters, kernel.counters.occupancy
    header = counters.header
    title = f"Kernel {kernel.index}: {clip(kernel.name, width - 60)}   grid {_shape(header.grid)}"
    lines = [f"{title}   block {_shape(header.block)}   {header.registers} registers   {header.shared_bytes} B shared"]
    lines += table(
        [
            *launch_rows(kernel),
            [
                "cycles",
                count(counters.cycles),
                f"{si(kernel.time_s, 's')}, and {count(counters.launch_cycles)} cycles of launch before",
            ],
            [
                "warp instructions",
                count(counters.warp_instructions),
                f"IPC {kernel.ipc:.2f} of the chip, {_lanes(kernel):.1f} active lanes",
            ],
            [
                "occupancy",
                f"{100 * occupancy.achieved:.1f} %",
                f"of {100 * occupancy.theoretical:.1f} % possible: {occupancy.ctas_per_sm} CTAs an SM, limited by"
                f" {occupancy.limiter}",
            ],
            ["energy", si(kernel.energy["total"], "J"), f"{kernel.power_w:.1f} W on average (first figure)"],
        ],
        "<><",
    )
    lines += ["", *_slots(kernel), "", *_hotspots(kernel, hot, width), "", *_memory(kernel), "", *_energy(kernel)]
    if counters.follow:
        lines += ["", *_follow(kernel)]
    return lines + [f"  warning: {text}" for text in counters.warnings]


def _slots(kernel: KernelResult) -> list[str]:
    slots = kernel.counters.issue_slots
    parts = {"issued": slots.issued, **dict(sorted(slots.stalls.items(), key=lambda item: -item[1]))}
    rows = [["issue slots", count(slots.total), "100.0 %", ""]]
    rows += [[f"  {name}", count(n), percent(n, slots.total), bar(n, slots.total)] for name, n in parts.items()]
    return table(rows, "<>><")


def _hotspots(kernel: KernelResult, hot: int, width: int) -> list[str]:
    hottest = kernel.hottest(hot)
    if not hottest:
        return ["  no hot spots"]
    lost = {row: kernel.lost(row) for row in hottest}
    sums: dict[str, int] = {}
    for reasons in lost.values():
        for reason, cycles in reasons.items():
            sums[reason] = sums.get(reason, 0) + cycles
    top = sorted(sums, key=lambda reason: -sums[reason])[:_REASONS]
    spots = kernel.counters.hotspots
    sass_width = max(24, width - 36 - sum(max(len(reason), 9) + 2 for reason in top))
    rows = [["pc", "hot spots: cycles of sub-cores", "issued", "lost", *top, "other" if len(sums) > len(top) else ""]]
    for row in hottest:
        others = sum(cycles for reason, cycles in lost[row].items() if reason not in top)
        rows.append(
            [
                f"{int(spots.pcs[row]):#06x}",
                clip(spots.sass[row], sass_width),
                count(int(spots.issued[row])),
                count(sum(lost[row].values())),
                *(count(lost[row].get(reason, 0)) if lost[row].get(reason) else "." for reason in top),
                count(others) if others else "",
            ]
        )
    return table(rows, "<<" + ">" * (len(top) + 3))


def _memory(kernel: KernelResult) -> list[str]:
    memory, events = kernel.memory, kernel.counters.events
    remarks = {
        "l1": _share(memory["l1_hit_rate"], "of sectors hit"),
        "noc": "with headers",
        "l2": _share(memory["l2_hit_rate"], "of sectors hit (one that is on its way is a miss)"),
        "dram": _share(memory["dram_bandwidth_use"], "of the bandwidth"),
    }
    if memory["dram_row_hit_rate"] is not None:
        remarks["dram"] += ", " + _share(memory["dram_row_hit_rate"], "row hits")
    rows = [["memory", "read", "written", ""]]
    for level, name in (("l1", "L1D"), ("noc", "network"), ("l2", "L2"), ("dram", "DRAM")):
        read, written = memory[f"{level}_read_bytes"], memory[f"{level}_write_bytes"]
        rows.append([f"  {name}", size(read), size(written), remarks[level]])
    shared = events.get("sm.shared.requests", 0)
    if shared:
        cycles = events.get("sm.shared.cycles", 0)
        rows.insert(1, ["  shared", "", "", f"{count(shared)} requests, {cycles / shared:.2f} cycles each"])
    return table(rows, "<>><") + _latency(kernel)


def _latency(kernel: KernelResult) -> list[str]:
    """One line: how long it takes until what L1D has asked for is there, and where that time goes."""
    latency = kernel.latency
    if latency["mean"] is None:
        return []
    stages = " + ".join(f"{name} {cycles:.1f}" for name, cycles in latency["stages"].items() if cycles)
    return [f"    latency  {latency['mean']:.1f} cycles behind L1D: {stages}"]


def _share(rate: float | None, meaning: str) -> str:
    return "" if rate is None else f"{100 * rate:.1f} % {meaning}"


def _energy(kernel: KernelResult) -> list[str]:
    parts = {name: joules for name, joules in kernel.energy.items() if name != "total"}
    total = kernel.energy["total"]
    rows = [["energy (first figure)", si(total, "J"), "100.0 %", ""]]
    for name, joules in sorted(parts.items(), key=lambda item: -item[1]):
        if joules:
            rows.append([f"  {name}", si(joules, "J"), percent(joules, total), bar(joules, total)])
    return table(rows, "<>><")


def _follow(kernel: KernelResult) -> list[str]:
    rows = [["cycle", "SM", "warp", "pc", "event", "detail"]]
    for event in kernel.counters.follow:
        pc = f"{event.pc:#06x}" if event.pc >= 0 else "-"
        rows.append([count(event.cycle), str(event.sm), str(event.warp), pc, event.event, event.detail])
    return table(rows, ">>>><<")


def _simulation(simulation: Simulation) -> str:
    threads = f"{simulation.threads} thread" + ("s" if simulation.threads > 1 else "")
    return (
        f"Simulated in {simulation.simulate_s:.2f} s: {count(simulation.warp_instructions_per_s)} warp instructions/s"
        f"   (import {simulation.import_s:.2f} s, compile {simulation.compile_s:.2f} s,"
        f" in all {simulation.wall_s:.2f} s, {simulation.peak_rss_mb:.0f} MB, {threads})"
    )


def _lanes(kernel: KernelResult) -> float:
    counters = kernel.counters
    return counters.thread_instructions / counters.warp_instructions if counters.warp_instructions else 0.0


def _shape(extent: tuple[int, int, int]) -> str:
    """`16x4` for (16, 4, 1)."""
    kept = list(extent)
    while len(kept) > 1 and kept[-1] == 1:
        kept.pop()
    return "x".join(map(str, kept))
