"""A run: traces replayed kernel by kernel on one chip, timed, and put into a `Result`.

The kernels of a trace run one after the other, as on a stream: each finds in L2 what the ones before it, and the host's
copies, have left there. Each trace begins with an empty L2. Threads share the SMs of a kernel; the result does not
depend on their number.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from sim.errors import BadInput
from sim.result.kernel import KernelResult, Scale
from sim.result.result import Result, TraceInfo
from sim.result.sampled import sampled_part
from sim.stopwatch import Stopwatch

if TYPE_CHECKING:
    from sim.arch import Arch
    from sim.energy import Activity, EnergyTable
    from sim.gpu.counters import KernelCounters
    from sim.gpu.memory_side import MemorySide
    from sim.gpu.sample import Sample
    from sim.gpu.sampling import Sampling
    from sim.trace import KernelTrace, Trace
    from sim.trace.stream import KernelStream


@dataclass(frozen=True)
class Progress:
    """How far a run is: kernel `number` of `count` has issued `done` of `total` warp instructions in `cycles`."""

    number: int
    count: int
    name: str
    done: int
    total: int
    cycles: int


@dataclass(frozen=True)
class Options:
    """What `tickwise run` can be told about the simulation."""

    #: Places in each trace as (first, last), from 1; None = all kernels.
    kernels: tuple[tuple[int, int], ...] | None = None
    #: Cycles that each kernel may take.
    max_cycles: int | None = None
    #: SM, warp slot of it (-1 = all), pc (None = all).
    follow: tuple[int, int, int | None] | None = None
    unknown_op: Literal["warn", "error"] = "warn"
    threads: int = 1
    #: Which part of each kernel is simulated; None = all of it.
    sampling: "Sampling | None" = None


@dataclass(frozen=True)
class _Job:
    """One kernel to simulate: trace (from 0), place in the trace (from 1), place and number in the run."""

    trace: int
    index: int
    number: int
    count: int


@dataclass(frozen=True)
class _Fingerprint:
    """What a trace's hash needs of a kernel that was read, simulated and let go."""

    content_hash: str


def run(
    inputs: Sequence["str | Path | Trace"],
    arch: "Arch",
    options: Options | None = None,
    *,
    watch: Stopwatch | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_compile: Callable[[], None] | None = None,
) -> Result:
    """Simulate the traces in order on `arch`.

    `on_compile` is called before the core has to be compiled, which takes a while. Raises BadInput for what cannot be
    read or selected and RunFailed for a run that cannot end.
    """
    options = options or Options()
    watch = watch or Stopwatch()
    if options.threads < 1:
        raise BadInput(f"threads: {options.threads}: give at least 1")
    if not inputs:
        raise BadInput("no trace: give at least one input")
    with watch.importing():
        from sim.energy import load_table
        from sim.trace import Trace, open_trace

    # What the user gave is checked before the compiler is loaded.
    table = load_table(arch.config.energy.table)
    scale = _scale(arch)
    with watch.simulating():
        traces = [item if isinstance(item, Trace) else open_trace(item) for item in inputs]
        jobs = _jobs(traces, options)
    with watch.importing():
        load_core(on_compile)
    with watch.simulating():
        work = _Work(traces, arch, options, table, scale, on_progress)
        kernels, hashes = [], []
        for kernel, content_hash in work.in_order(jobs):
            kernels.append(kernel)
            hashes.append(content_hash)
        infos = tuple(
            _info(trace, [pair for pair in zip(kernels, hashes, strict=True) if pair[0].trace == i])
            for i, trace in enumerate(traces)
        )
    instructions = sum(kernel.counters.warp_instructions for kernel in kernels)
    return Result(
        arch_name=arch.name,
        arch_hash=arch.hash,
        traces=infos,
        kernels=tuple(kernels),
        simulation=watch.report(instructions, options.threads),
        warnings=arch.warnings,
        fudge=dict(arch.fudge),
    )


def load_core(on_compile: Callable[[], None] | None = None) -> None:
    """Load the clocked core; calls `on_compile` first if some of it has to be compiled."""
    from sim.islands import is_warm

    if on_compile is not None and not is_warm():
        on_compile()
    import sim.gpu.simulate  # noqa: F401


def _scale(arch: "Arch") -> Scale:
    """Clock, and bytes of the units in which the chip counts. Raises ArchError."""
    from sim.arch.dram import load_dram

    dram = arch.config.dram
    device = load_dram(dram.kind).device
    peak = dram.channels * device.width * dram.data_rate // 8
    return Scale(arch.config.sm.clock, arch.config.sm.l1d.sector, device.atom, peak)


def _jobs(traces: "Sequence[Trace]", options: Options) -> list[_Job]:
    """The selected kernels of all traces, in order. Raises BadInput."""
    chosen: list[tuple[int, int]] = []
    for i, trace in enumerate(traces):
        held = len(trace.kernels)
        ranges = ((1, held),) if options.kernels is None else options.kernels
        for first, last in ranges:
            if not 1 <= first <= last <= held and held:
                wanted = str(first) if first == last else f"{first}-{last}"
                raise BadInput(f"--kernels {wanted}: {trace.path} has kernels 1 to {held}")
        chosen += [(i, k) for k in range(1, held + 1) if any(first <= k <= last for first, last in ranges)]
    if not chosen:
        raise BadInput(f"{traces[0].path}: holds no kernel to simulate")
    return [_Job(trace, place, number, len(chosen)) for number, (trace, place) in enumerate(chosen, 1)]


def _info(trace: "Trace", kernels: list[tuple[KernelResult, str]]) -> TraceInfo:
    """The trace's entry in the result; its hash is made from those of the simulated kernels, none is read again."""
    from sim.trace import Trace

    held = len(trace.kernels)
    fingerprints = cast("Sequence[KernelTrace]", [_Fingerprint(digest) for _, digest in kernels])
    digest = Trace(trace.path, trace.source, fingerprints, trace.memcpys).hash
    return TraceInfo(str(trace.path), digest, trace.source, sampled_part([kernel for kernel, _ in kernels], held))


class _Work:
    """Simulates jobs one after the other and hands the results out in order."""

    def __init__(
        self,
        traces: "Sequence[Trace]",
        arch: "Arch",
        options: Options,
        table: "EnergyTable",
        scale: Scale,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.traces = traces
        self.arch = arch
        self.options = options
        self.table = table
        self.scale = scale
        self.on_progress = on_progress

    def in_order(self, jobs: list[_Job]) -> Iterator[tuple[KernelResult, str]]:
        """Result and content hash of each job's kernel; one kernel is read at a time."""
        from sim.gpu.memory_side import MemorySide

        memory: MemorySide | None = None
        before = -1
        for job in jobs:
            trace = self.traces[job.trace]
            if memory is None or job.trace != before:
                memory = MemorySide(self.arch)
                if self.arch.config.l2.host_copies:
                    memory.copy(trace.memcpys)
                before = job.trace
            yield self.simulate(job, trace.streams[job.index - 1], memory)

    def simulate(self, job: _Job, kernel: "KernelStream", memory: "MemorySide") -> tuple[KernelResult, str]:
        """One kernel from trace to joules."""
        from sim.energy import energy_of
        from sim.energy.model import with_total
        from sim.gpu.simulate import Follow, simulate_kernel

        def progress(done: int, total: int, cycles: int) -> None:
            if self.on_progress is not None:
                self.on_progress(Progress(job.number, job.count, kernel.header.name, done, total, cycles))

        counters = simulate_kernel(
            kernel,
            self.arch,
            memory=memory,
            max_cycles=self.options.max_cycles,
            follow=Follow(*self.options.follow) if self.options.follow else None,
            unknown_op=self.options.unknown_op,
            progress=progress,
            threads=self.options.threads,
            sampling=self.options.sampling,
        )
        energy = with_total(energy_of(_activity(counters, self.scale), self.table))
        whole = None
        if counters.sample is not None:
            whole = with_total(energy_of(_whole_activity(counters, counters.sample, self.scale), self.table))["total"]
        return KernelResult(counters, job.trace, job.index, self.scale, energy, whole), kernel.content_hash


def _activity(counters: "KernelCounters", scale: Scale) -> "Activity":
    """What was simulated, for the energy model."""
    from sim.energy import Activity

    events = {
        **counters.events,
        "warp_instructions": counters.warp_instructions,
        "thread_instructions": counters.thread_instructions,
    }
    return Activity(events, counters.cycles, counters.sm_count, counters.sm_active_cycles, scale.clock_hz)


def _whole_activity(counters: "KernelCounters", sample: "Sample", scale: Scale) -> "Activity":
    """What the whole launch of a sampled kernel does: events in proportion; all SMs are active while it is left out."""
    part = _activity(counters, scale)
    left_out = sample.bar.cycles - counters.cycles
    return replace(
        part,
        events={name: sample.scaled(count) for name, count in part.events.items()},
        cycles=sample.bar.cycles,
        sm_active_cycles=part.sm_active_cycles + left_out * part.sm_count,
    )
