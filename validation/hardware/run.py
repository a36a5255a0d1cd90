"""The run: builds, deals the jobs, records rows, keeps the time.

This process never touches the device. Rows of a job go to `develop.csv` or `validate.csv` together; whatever goes wrong
with one job is a row with its reason, and the next job goes on.
"""

import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from validation.hardware.device import Facts
from validation.hardware.plan import METHODS, Done, Job, jobs_of
from validation.hardware.pool import Worker, WorkerLost
from validation.hardware.profile import ProfileError, Profiler, counters, find_ncu
from validation.hardware.record import RecordError, Row, Table
from validation.hardware.rows import Context, context, row
from validation.hardware.split import split_of
from validation.kernels import Kernel, case_id
from validation.kernels.build import Build, BuildError, Compiler
from validation.kernels.cubin import CubinError, functions, sass_hash

SUPPORT = Path(__file__).with_name("support.cu")
JOB_TIMEOUT_S, PROFILE_TIMEOUT_S = 90.0, 240.0
#: A job that was begun gets at least this long.
_SHORTEST_S = 30.0
#: Time that a job is expected to take before any of its kind was seen.
_FIRST_GUESS_S = {"check": 2.0, "measure": 8.0, "profile": 30.0}


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


@dataclass(frozen=True)
class _Built:
    """A kernel's machine code, or why there is none."""

    build: Build | None
    reason: str | None
    sass: str = ""
    path: Path | None = None


class Run:
    """One invocation."""

    def __init__(self, worker: Worker, compiler: Compiler | None, no_compiler: str, options: Options) -> None:
        """`no_compiler` is the reason where `compiler` is None."""
        self._worker, self._compiler, self._no_compiler, self._options = worker, compiler, no_compiler, options
        self._begin = time.monotonic()
        self._run = secrets.token_hex(4)
        self._seen: dict[str, float] = {}
        self._profiler: Profiler | None = None
        self._no_profile: str | None = None
        self._support: Path | None = None

    def _left_s(self) -> float:
        return self._options.minutes * 60 - (time.monotonic() - self._begin)

    def _facts(self) -> Facts:
        try:
            answer = self._worker.ask({"do": "facts"}, JOB_TIMEOUT_S)
        except WorkerLost as error:
            raise HardwareError(str(error)) from error
        if "error" in answer:
            raise HardwareError(f"{answer['error']}; `--dry-run` goes through everything without a GPU")
        facts = answer["facts"]
        return Facts(**{**facts, "compute_capability": tuple(facts["compute_capability"])})

    def _open(self, facts: Facts, out: Path) -> None:
        if not self._options.dry:
            if self._compiler is None:
                raise HardwareError(self._no_compiler)
            try:
                support = self._compiler.compile(SUPPORT, (), facts.architecture).cubin
            except BuildError as error:
                raise HardwareError(f"{SUPPORT}: {error}") from error
            name = f"support.sm_{facts.architecture}.{sass_hash(support)[:8]}.cubin"
            self._support = self._write_cubin(out, name, support)
        self._worker.opening = {"do": "open", "support": str(self._support or "")}
        self._worker.close()

    @staticmethod
    def _write_cubin(out: Path, name: str, content: bytes) -> Path:
        path = out / "cubins" / name
        if path.exists() and path.read_bytes() == content:
            return path
        beside = path.with_name(name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(content)
            os.replace(beside, path)
        except OSError as error:
            raise RecordError(f"{path}: {error.strerror or error}") from error
        finally:
            beside.unlink(missing_ok=True)
        return path

    def _build(self, kernel: Kernel, facts: Facts, out: Path) -> _Built:
        if facts.architecture < kernel.first_architecture:
            return _Built(None, f"its instructions exist from sm_{kernel.first_architecture} on")
        if self._compiler is None:
            return _Built(None, self._no_compiler)
        try:
            build = self._compiler.compile(kernel.source, kernel.flags, facts.architecture)
            texts = functions(build.cubin)
        except (BuildError, CubinError) as error:
            return _Built(None, str(error))
        sass = sass_hash(*(texts[name] for name in sorted(texts)))
        path = self._write_cubin(out, f"{kernel.name}.sm_{facts.architecture}.{sass[:8]}.cubin", build.cubin)
        return _Built(build, None, sass, path)

    def __call__(self, kernels: Sequence[Kernel]) -> Outcome:
        """Does what there is time for; raises HardwareError or RecordError, with everything before it recorded."""
        facts = self._facts()
        out = self._options.out or _default_folder(facts, self._options.dry)
        outcome = Outcome(out=out)
        tables = _tables(out)
        for table in tables.values():
            if table.repaired:
                self._options.say(f"{table.path}: ended in half a row, which was taken out")
        self._open(facts, out)
        held = [row_ for table in tables.values() for row_ in table.rows]
        done = Done(held, facts.gpu, self._options.retry)
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            builds = {kernel.name: pool.submit(self._build, kernel, facts, out) for kernel in kernels}
            try:
                for number, kernel in enumerate(kernels, 1):
                    self._kernel(
                        kernel, f"[{number}/{len(kernels)}]", facts, builds[kernel.name], done, tables, outcome
                    )
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                self._worker.close()
        return outcome

    def _kernel(
        self,
        kernel: Kernel,
        number: str,
        facts: Facts,
        building: "Future[_Built]",
        done: Done,
        tables: dict[str, Table],
        outcome: Outcome,
    ) -> None:
        jobs = jobs_of(kernel, profile=self._options.profile, first_case_only=self._options.quick)
        if self._left_s() <= 0:
            outcome.left += len(jobs)
            return
        built = building.result()
        compiler = built.build.compiler if built.build else None
        sass, file = built.sass or None, built.path.name if built.path else None
        for job in jobs:
            pending = done.pending(job, sass) if sass or self._options.dry else job
            if pending is None:
                outcome.held += 1
                continue
            if self._left_s() < self._expected_s(job.kind):
                outcome.left += 1
                continue
            bases = [
                replace(
                    context(self._run, facts, self._options.dry, compiler, kernel, case_id(case)),
                    sass_hash=sass,
                    cubin=file,
                )
                for case in pending.cases
            ]
            begin = time.monotonic()
            rows = self._rows(pending, bases, built)
            self._seen[job.kind] = max(self._seen.get(job.kind, 0.0), time.monotonic() - begin)
            self._record(pending, facts, rows, tables)
            failures = [one for one in rows if one["status"] == "failed"]
            outcome.done += 1
            outcome.failed += bool(failures)
            self._options.say(f"{number} {pending.label}: {_line(rows, failures)}")

    def _expected_s(self, kind: str) -> float:
        return self._seen.get(kind, 0.0 if self._options.dry else _FIRST_GUESS_S[kind])

    def _rows(self, job: Job, bases: list[Context], built: _Built) -> list[Row]:
        if built.reason is not None and not (self._options.dry and self._compiler is None):
            status = "skipped" if built.reason.startswith("its instructions exist") else "failed"
            return [row(base, METHODS[job.kind], "build", status, built.reason) for base in bases]
        if job.kind == "profile":
            return list(self._profile_rows(job, bases, built))
        request: dict[str, Any] = {"do": "measure", "case": dict(job.cases[0]), "context": bases[0].to_dict()}
        request |= {"cubin": str(built.path or ""), "check_only": job.kind == "check", "energy": job.energy}
        try:
            answer = self._worker.ask(request, min(JOB_TIMEOUT_S, max(_SHORTEST_S, self._left_s())))
        except WorkerLost as error:
            return [row(bases[0], METHODS[job.kind], "time", "failed", str(error))]
        rows: list[Row] = answer["rows"]
        if built.build is None:  # a dry run without a compiler goes on, and says so
            rows.insert(0, row(bases[0], "build", "build", "missing", built.reason))
        return rows

    def _profile_rows(self, job: Job, bases: list[Context], built: _Built) -> Iterator[Row]:
        if self._options.dry:
            for base in bases:
                for metric in counters():
                    yield row(base, "ncu", metric, "dry-run", "no GPU: nothing was profiled", cache="ncu")
            return
        try:
            if self._no_profile:
                raise ProfileError(self._no_profile)
            self._profiler = self._profiler or Profiler(find_ncu())
            assert built.path is not None and self._support is not None
            timeout = min(PROFILE_TIMEOUT_S, max(_SHORTEST_S, self._left_s()))
            profiled = self._profiler.run(job.kernel, job.cases, built.path.resolve(), self._support.resolve(), timeout)
            yield from profiled.rows(job.kernel, job.cases, bases, self._profiler)
        except ProfileError as error:
            if error.everywhere:
                self._no_profile = str(error)
            status = "missing" if self._no_profile else "failed"
            for base in bases:
                yield row(base, "ncu", "counters", status, str(error))

    @staticmethod
    def _record(job: Job, facts: Facts, rows: list[Row], tables: dict[str, Table]) -> None:
        """Takes out what an earlier run held of the job, and adds its rows."""
        methods = {one["method"] for one in rows} | {METHODS[job.kind]}
        cases = {case_id(case) for case in job.cases}

        def earlier(one: Row) -> bool:
            same = one["gpu"] == facts.gpu and one["kernel"] == job.kernel.name
            return same and one["case"] in cases and one["method"] in methods

        for name, table in tables.items():
            table.drop(earlier)
            table.add([one for one in rows if split_of(one["kernel"], one["case"]) == name])


def _tables(out: Path) -> dict[str, Table]:
    try:
        return {name: Table(out / f"{name}.csv") for name in ("develop", "validate")}
    except RecordError as error:
        raise HardwareError(f"{error}; another folder can be given with --out") from error


def _default_folder(facts: Facts, dry: bool) -> Path:
    root = Path(__file__).resolve().parent.parent
    return root.parent / "results" / "hardware-dry-run" if dry else root / "measured" / slug(facts.gpu)


def _line(rows: list[Row], failures: list[Row]) -> str:
    """A job in a few words."""
    if failures:
        return f"FAILED: {failures[0]['reason']}"
    told = []
    for one in rows:
        if one["status"] == "ok" and one["method"] in ("events", "nvml") and one["metric"] in ("time", "power"):
            flag = f" ({one['flags']})" if one.get("flags") else ""
            told.append(f"{one.get('cache') or ''} {one['value']:.4g} {one['unit']}{flag}".strip())
        elif one["status"] == "ok" and one["method"] == "readings":
            told.append(f"{one['metric']} {one['value']:.4g} {one['unit']}")
    if told:
        return ", ".join(told[:6])
    statuses = sorted({one["status"] for one in rows})
    return f"{len(rows)} rows, {', '.join(statuses)}"


def to_stderr(text: str) -> None:
    """The progress line of the command."""
    print(text, file=sys.stderr, flush=True)
