"""One case on one device: outputs against the reference, then time, readings and energy, as rows.

A case whose outputs are wrong is not timed. Two states of the caches are timed: `warm` repeats on the same buffers;
`rotated` takes other buffers each time, enough of them to be more than twice the L2, or, where that would take too
many, `flushed` reads three times the L2 in between.
"""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from validation.hardware.device import Device, DeviceError, Program, Session, Timing
from validation.hardware.record import Row
from validation.hardware.rows import Context, launch_columns, row, state_columns
from validation.hardware.spread import flags, summary
from validation.kernels import Case, Kernel, KernelError, case_id, error, mismatch

#: Inputs of every timed row, so that a prediction can be made for the very same data.
TIMED_SEED = 1
REPETITIONS = 25
MOST_SETS = 32
_WARM_UP_S, _WARM_UP_RUNS = 0.05, 3
ENERGY_S = 2.5
#: Buffers of a micro-benchmark that are put back before every run, whatever its reference names: tickets, clocks.
SMALL_BYTES = 16 << 20


@dataclass(frozen=True)
class Work:
    """What is asked of `measure`."""

    kernel: Kernel
    case: Case
    base: Context
    cubin: bytes
    check_only: bool = False
    energy: bool = False


def _fresh_seed() -> int:
    return int.from_bytes(os.urandom(4), "little")


def _set_count(footprint: int, l2_bytes: int) -> int:
    """Sets that together exceed twice the L2, or 1 where that would be too many."""
    wanted = 2 * l2_bytes // max(1, footprint) + 2
    return wanted if wanted <= MOST_SETS else 1


def check(device: Device, work: Work, seed: int) -> tuple[Row, set[str]]:
    """Runs once and compares every buffer that the reference names; the row and those names."""
    kernel, base = work.kernel, work.base
    columns: Row = {"seed": seed, "unit": "of the largest magnitude"}
    if not kernel.has_reference:
        reason = "the kernel has no reference; it reports readings"
        return row(base, "check", "relative_error", "skipped", reason, **columns), set()
    program = Program.of(kernel, work.case, work.cubin, seed)
    expected = kernel.definition.reference(work.case, program.buffers)
    session = device.session(program, set(), 1)
    try:
        columns |= launch_columns(program.launches, session.functions(), None)
        session.run(0)
        got = session.download(0)
        errors = {name: error(array, got[name]) for name, array in expected.items()}
        problems = [f"{n}: {p}" for n, a in expected.items() if (p := mismatch(a, got[n], kernel.tolerance))]
    finally:
        session.close()
    worst = max(errors.values(), default=0.0)
    columns |= {"value": worst if math.isfinite(worst) else None, "repetitions": 1}
    told = ("failed", f"wrong result: {problems[0]}") if problems else ("ok", None)
    return row(base, "check", "relative_error", *told, **columns), set(expected)


class _Case:
    """A loaded case and what its rows share."""

    def __init__(self, device: Device, work: Work, program: Program, session: Session, changed: set[str]) -> None:
        self.device, self.work, self.session, self.changed = device, work, session, changed
        functions = session.functions()
        self.columns: Row = {"seed": TIMED_SEED, **launch_columns(program.launches, functions, None)}
        self.restores = True

    def rows(
        self, method: str, cache: str | None, values: dict[str, tuple[list[float], str]], timings: list[Timing]
    ) -> Iterator[Row]:
        """A row for each quantity: name -> (one value a repetition, unit)."""
        state = self.device.state()
        clocks = [one.sm_clock_mhz for one in timings if one.sm_clock_mhz is not None]
        late = sum(one.late for one in timings)
        doubt = f"in {late} repetitions the host submitted more slowly than the device ran" if late else None
        for metric, (series, unit) in values.items():
            columns = {**self.columns, **state_columns(state), "cache": cache, "unit": unit}
            if not series or not all(math.isfinite(value) for value in series):
                yield row(self.work.base, method, metric, "failed", "not a finite number", **columns)
                continue
            columns |= summary(series)
            columns["sm_clock_mhz"] = float(np.median(clocks)) if clocks else None
            columns["flags"] = flags(columns, clocks, state.throttled)
            yield row(self.work.base, method, metric, "ok", doubt, **columns)

    def warm_up(self) -> None:
        """Until clocks have risen and the first-launch costs are paid; then: does a run have to be put back?

        It does not if a second run on what the first one left gives the same, as of a kernel that only writes what it
        does not read. Putting back goes through the L2, so it is left out where it can be.
        """
        begin, runs = time.perf_counter(), 0
        while runs < _WARM_UP_RUNS or (time.perf_counter() - begin < _WARM_UP_S and not self.device.dry):
            self.session.timed(0)
            runs += 1
        if self.work.kernel.is_micro:
            return  # they are reset each time: what is reset is small, and they warm the caches themselves
        self.session.reset(0)
        self.session.run(0)
        first = {name: self.session.download(0)[name].copy() for name in self.changed}
        self.session.run(0)
        second = self.session.download(0)
        tolerance = self.work.kernel.tolerance
        self.restores = any(mismatch(array, second[name], tolerance) for name, array in first.items())

    def reset(self, which: int) -> None:
        """Puts a set back if a run has to be put back."""
        if self.restores:
            self.session.reset(which)

    def repetitions(self) -> int:
        """Fewer only where nothing is measured."""
        return 2 if self.device.dry else REPETITIONS

    def timed_rows(self, cache: str) -> Iterator[Row]:
        """Time and cycles in one state of the caches."""
        session = self.session
        timings: list[Timing] = []
        count = session.sets() if cache == "rotated" else 1
        if cache == "warm":
            self.reset(0)
            session.run(0)
        while len(timings) < self.repetitions():
            for which in range(count):
                self.reset(which)
            if cache == "rotated" and self.restores:
                session.flush()  # no dirty line of a reset is left to be written back
            for which in range(count):
                if cache == "flushed":
                    session.flush()
                timings.append(session.timed(which))
        yield from self.rows("events", cache, _times(timings), timings)

    def reading_rows(self) -> Iterator[Row]:
        """What the kernel itself reports, and the time of its runs."""
        if self.device.dry:
            reason = "no GPU: the kernel was not run"
            yield row(self.work.base, "readings", "readings", "dry-run", reason, **self.columns)
            return
        values: dict[str, tuple[list[float], str]] = {}
        timings: list[Timing] = []
        for _ in range(self.repetitions()):
            self.reset(0)
            timing = self.session.timed(0)
            timings.append(timing)
            read = self.work.kernel.definition.readings(self.work.case, self.session.download(0), timing.seconds)
            for name, reading in read.items():
                values.setdefault(name, ([], reading.unit))[0].append(reading.value)
        if not values:
            reason = "the instruction does not exist on this architecture"
            yield row(self.work.base, "readings", "readings", "missing", reason, **self.columns)
        yield from self.rows("readings", "warm", values, timings)
        if self.work.kernel.is_micro:
            yield from self.rows("events", "warm", _times(timings), timings)

    def energy_rows(self) -> Iterator[Row]:
        """Joules a run and watts, from the board's counter over seconds of repetition."""
        columns = {**self.columns, "cache": "warm"}
        if self.device.energy_joules() is None:
            reason = "no GPU" if self.device.dry else "NVML gives no energy counter for this board"
            yield row(self.work.base, "nvml", "energy", "dry-run" if self.device.dry else "missing", reason, **columns)
            return
        copied = f"each run includes a copy of {self.session.restored_bytes():,} bytes that puts its buffers back"
        doubt = copied if self.restores else None
        before = self.device.energy_joules()
        done = self.session.repeat(ENERGY_S, self.restores)
        after = self.device.energy_joules()
        if before is None or after is None or after <= before:
            yield row(self.work.base, "nvml", "energy", "missing", "the energy counter did not move", **columns)
            return
        joules = after - before
        columns |= state_columns(done.state) | {"repetitions": done.runs}
        columns["flags"] = "throttled" if done.state.throttled else None
        for metric, value, unit in (("energy", joules / done.runs, "J"), ("power", joules / done.seconds, "W")):
            yield row(self.work.base, "nvml", metric, "ok", doubt, unit=unit, value=value, **columns)


def _times(timings: list[Timing]) -> dict[str, tuple[list[float], str]]:
    """Microseconds, and SM cycles where the clock was read."""
    values = {"time": ([one.seconds * 1e6 for one in timings], "us")}
    if all(one.sm_clock_mhz is not None for one in timings):
        values["cycles"] = ([one.seconds * 1e6 * (one.sm_clock_mhz or 0.0) for one in timings], "cycles")
    return values


def _restored(work: Work, program: Program, changed: set[str]) -> set[str]:
    """What a reset puts back: what the reference says changes; of a micro-benchmark also every small buffer."""
    if not work.kernel.is_micro:
        return changed
    return changed | {name for name, array in program.buffers.items() if array.nbytes <= SMALL_BYTES}


def measure(device: Device, work: Work) -> Iterator[Row]:
    """All rows of one case; raises DeviceError where the device is lost."""
    checked, changed = check(device, work, _fresh_seed())
    yield checked
    if work.check_only:
        return
    if checked["status"] == "failed":
        yield row(work.base, "events", "time", "failed", "not timed: its outputs are wrong")
        return
    kernel = work.kernel
    program = Program.of(kernel, work.case, work.cubin, TIMED_SEED)
    sets = 1 if kernel.is_micro else _set_count(program.footprint, device.facts.l2_bytes)
    session = device.session(program, _restored(work, program, changed), sets)
    try:
        case = _Case(device, work, program, session, changed)
        case.warm_up()
        if kernel.has_readings:
            yield from case.reading_rows()
        if not kernel.is_micro or device.dry:
            yield from case.timed_rows("warm")
        if not kernel.is_micro:
            yield from case.timed_rows("rotated" if session.sets() > 1 else "flushed")
        if work.energy:
            yield from case.energy_rows()
    finally:
        session.close()


def lost(work: Work, failure: BaseException) -> Row:
    """The row of a case that could not be measured to its end."""
    text = str(failure)
    if not isinstance(failure, DeviceError | KernelError):
        text = f"{work.kernel.name}.py with {case_id(work.case)}: {type(failure).__name__}: {failure}"
    return row(work.base, "check" if work.check_only else "events", "time", "failed", text)
