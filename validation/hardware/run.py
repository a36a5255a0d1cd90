"""The run: deals the jobs, records their rows, keeps the time.

This process never touches the device. Rows of a job go to `develop.csv` or `validate.csv` together; whatever goes wrong
with one job is a row with its reason, and the next job goes on. A job that the end of the run cuts short leaves no row.
"""

import contextlib
import os
import re
import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from validation.hardware.builds import SUPPORT, Builder, Built
from validation.hardware.client import Late, Worker, WorkerLost
from validation.hardware.device import Facts
from validation.hardware.plan import MAIN_METHOD, METHODS, Done, Job, jobs_of
from validation.hardware.profile import Profiler, dry_rows
from validation.hardware.record import RecordError, Row, Table, only_writer
from validation.hardware.rows import Context, context, row, told
from validation.kernels import Kernel, case_id
from validation.kernels.build import BuildError, Compiler

#: A job is ended after this time, or when the run's time is over.
LIMIT_S = {"check": 60.0, "measure": 90.0, "profile": 90.0}
#: Time that a job is expected to take before any of its kind was seen.
_FIRST_GUESS_S = {"check": 2.0, "measure": 5.0, "profile": 8.0}


class HardwareError(Exception):
    """The run cannot start or go on; one line."""


@dataclass
class Options:
    """What the command line says."""

    out: Path | None
    dry: bool
    minutes: float
    quick: bool  # the first case of each kernel only
    retry: bool
    profile: bool
    say: Callable[[str], None]


@dataclass
class Outcome:
    """How the run ended."""

    done: int = 0
    failed: int = 0
    held: int = 0  # jobs that the table held already
    left: int = 0  # jobs that time did not suffice for
    out: Path = field(default_factory=Path)


def slug(gpu: str) -> str:
    """`NVIDIA H100 80GB HBM3` -> `h100_80gb_hbm3`: the folder's name."""
    return re.sub(r"[^a-z0-9]+", "_", gpu.lower().removeprefix("nvidia ")).strip("_")


class Run:
    """One invocation."""

    def __init__(self, worker: Worker, compiler: Compiler | None, no_compiler: str, options: Options) -> None:
        """`no_compiler` is the reason where `compiler` is None."""
        self._worker, self._compiler, self._no_compiler, self._options = worker, compiler, no_compiler, options
        self._begin = time.monotonic()
        self._id = secrets.token_hex(4)
        self._taken: dict[str, list[float]] = {kind: [] for kind in METHODS}
        self.outcome = Outcome()

    def __call__(self, kernels: Sequence[Kernel]) -> Outcome:
        """Does what there is time for; raises HardwareError or RecordError, with everything before it recorded."""
        self._facts = facts = self._asked_facts()
        self.outcome.out = out = self._options.out or _default_folder(facts, self._options.dry)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(only_writer(out))
                self._tables = self._opened(out)
            except RecordError as error:
                raise HardwareError(f"{error}; another folder can be given with --out") from error
            self._measure(kernels, facts, out)
        return self.outcome

    def _measure(self, kernels: Sequence[Kernel], facts: Facts, out: Path) -> None:
        builder = Builder(self._compiler, self._no_compiler, facts.architecture, out)
        self._open_worker(builder)
        held = [row_ for table in self._tables.values() for row_ in table.rows]
        self._done = Done(held, facts.gpu, self._options.retry)
        with ThreadPoolExecutor(max_workers=max(1, min(4, (os.cpu_count() or 2) - 1))) as pool:
            builds = {kernel.name: pool.submit(builder.kernel, kernel) for kernel in kernels}
            try:
                self._rounds(kernels, builds)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                self._worker.close()

    def _rounds(self, kernels: Sequence[Kernel], builds: "dict[str, Future[Built]]") -> None:
        """Checks and times first, counters last: what the profiler may break is measured by then."""
        for profiling in (False, True):
            for number, kernel in enumerate(kernels, 1):
                jobs = jobs_of(kernel, profile=self._options.profile, first_case_only=self._options.quick)
                for job in jobs:
                    if (job.kind == "profile") is profiling:
                        self._job(job, f"[{number}/{len(kernels)}]", builds[kernel.name])

    def _asked_facts(self) -> Facts:
        try:
            answer = self._worker.ask({"do": "facts"}, LIMIT_S["check"])
        except WorkerLost as error:
            raise HardwareError(str(error)) from error
        if "error" in answer:
            raise HardwareError(f"{answer['error']}; `--dry-run` goes through everything without a GPU")
        facts = answer["facts"]
        return Facts(**{**facts, "compute_capability": tuple(facts["compute_capability"])})

    def _opened(self, out: Path) -> dict[str, Table]:
        tables = {name: Table(out / f"{name}.csv") for name in ("develop", "validate")}
        for table in tables.values():
            if table.repaired:
                self._options.say(f"{table.path}: ended in half a row; its job is done again")
        return tables

    def _open_worker(self, builder: Builder) -> None:
        support: Path | None = None
        if not self._options.dry:
            try:
                support = builder.support()
            except BuildError as error:
                raise HardwareError(f"{SUPPORT}: {error}") from error
            self._profiler = Profiler(support)
        self._worker.opening = {"do": "open", "support": str(support or "")}
        self._worker.close()

    def _left_s(self) -> float:
        return self._options.minutes * 60 - (time.monotonic() - self._begin)

    def _expected_s(self, kind: str) -> float:
        taken = self._taken[kind]
        return statistics.median(taken) if taken else 0.0 if self._options.dry else _FIRST_GUESS_S[kind]

    def _job(self, job: Job, place: str, building: "Future[Built]") -> None:
        if self._left_s() <= 0 and not building.done():
            self.outcome.left += 1
            return
        built = building.result()
        pending = self._done.pending(job, built.sass) if built.sass or self._options.dry else job
        if pending is None:
            self.outcome.held += 1
            return
        if self._left_s() <= self._expected_s(job.kind):
            self.outcome.left += 1
            return
        bases = [self._base(job.kernel, case_id(case), built) for case in pending.cases]
        begin = time.monotonic()
        try:
            rows = self._rows(pending, bases, built)
        except Late:
            self.outcome.left += 1
            return
        self._taken[job.kind].append(time.monotonic() - begin)
        self._record(pending, rows)
        failures = [one for one in rows if one["status"] == "failed"]
        self.outcome.done += 1
        self.outcome.failed += bool(failures)
        self._options.say(f"{place} {pending.label}: {told(rows)}")

    def _base(self, kernel: Kernel, case: str, built: Built) -> Context:
        plain = context(self._id, self._facts, self._options.dry, built.compiler, kernel, case)
        return replace(plain, sass_hash=built.sass, cubin=built.path.name if built.path else None)

    def _rows(self, job: Job, bases: list[Context], built: Built) -> list[Row]:
        """What the job gives; raises Late where the run's time ended it."""
        dry_without_code = self._options.dry and self._compiler is None and not built.absent
        if built.reason is not None and not dry_without_code:
            status = "skipped" if built.absent else "failed"
            return [row(base, MAIN_METHOD[job.kind], "build", status, built.reason) for base in bases]
        limit = LIMIT_S[job.kind]
        if job.kind == "profile":
            if self._options.dry:
                return dry_rows(bases)
            assert built.path is not None
            return self._profiler.rows(job.kernel, job.cases, bases, built.path, min(limit, self._left_s()), limit)
        request: dict[str, Any] = {"do": "measure", "case": dict(job.cases[0]), "context": bases[0].to_dict()}
        request |= {"cubin": str(built.path or ""), "check_only": job.kind == "check", "energy": job.energy}
        try:
            answer = self._worker.ask(request, min(limit, self._left_s()), limit)
        except WorkerLost as error:
            return [row(bases[0], MAIN_METHOD[job.kind], "time", "failed", str(error))]
        rows: list[Row] = answer["rows"]
        if dry_without_code:
            rows.insert(0, row(bases[0], "build", "build", "missing", built.reason))
        return rows

    def _record(self, job: Job, rows: list[Row]) -> None:
        """Adds the rows in the place of what an earlier run held of the job.

        What was measured before is kept where nothing was measured now, as when the kernel does not compile any more.
        """
        cases = {case_id(case) for case in job.cases}
        measured = any(one["status"] in ("ok", "dry-run") for one in rows)
        keys = {_key(one) for one in rows}

        def earlier(one: Row) -> bool:
            same = one["kernel"] == job.kernel.name and one["gpu"] == self._facts.gpu and one["case"] in cases
            if not same or one["method"] not in METHODS[job.kind]:
                return False
            return measured or one["status"] != "ok" or _key(one) in keys

        for name, table in self._tables.items():
            table.drop(earlier)
            table.add([one for one in rows if one["split"] == name])


def _key(one: Row) -> tuple[Any, ...]:
    names = ("case", "launch", "method", "cache", "metric", "sass_hash")
    return tuple(one.get(name) for name in names)


def _default_folder(facts: Facts, dry: bool) -> Path:
    root = Path(__file__).resolve().parent.parent
    return root.parent / "results" / "hardware-dry-run" if dry else root / "measured" / slug(facts.gpu)
