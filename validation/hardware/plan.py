"""What is to be done: jobs, the parts they are dealt to, and which of them the table holds already."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from validation.hardware.record import Row
from validation.kernels import Case, Kernel, KernelError, case_id

#: The rows that a job of a kind writes …
METHODS = {
    "check": {"check", "build"},
    "measure": {"check", "events", "readings", "nvml", "build"},
    "profile": {"ncu"},
}
#: … and the method whose row says that it was done.
MAIN_METHOD = {"check": "check", "measure": "events", "profile": "ncu"}


class PlanError(Exception):
    """A pattern or a part that cannot be; one line."""


@dataclass(frozen=True)
class Job:
    """One thing that a worker does; rows of a job are recorded together."""

    kernel: Kernel
    kind: str  # check, measure or profile
    cases: tuple[Case, ...]  # one, or for `profile` all that are wanted
    energy: bool = False

    @property
    def label(self) -> str:
        """For the progress line."""
        cases = f"{len(self.cases)} cases" if len(self.cases) > 1 else case_id(self.cases[0])
        return f"{self.kernel.name} {cases}" if self.kind == "measure" else f"{self.kernel.name} {cases} ({self.kind})"


def _names(kernel: Kernel) -> tuple[str, str, str]:
    return kernel.name, kernel.suite, f"{kernel.suite}/{kernel.name}"


def select(kernels: dict[str, Kernel], patterns: Sequence[str]) -> list[Kernel]:
    """Kernels whose name or suite matches one of the patterns (shell wildcards); all without patterns."""
    if not patterns:
        return list(kernels.values())
    chosen: dict[str, Kernel] = {}
    for pattern in patterns:
        found = {n: k for n, k in kernels.items() if any(fnmatch.fnmatch(x, pattern) for x in _names(k))}
        if not found:
            raise PlanError(f"{pattern}: no kernel or suite of that name; --list shows them")
        chosen |= found
    return [kernel for name, kernel in kernels.items() if name in chosen]


def parse_part(text: str) -> tuple[int, int]:
    """`2/3` as (2, 3)."""
    numbers = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if numbers is None or not 1 <= int(numbers[1]) <= int(numbers[2]):
        raise PlanError(f"--part {text}: expected k/n with 1 <= k <= n, such as 1/3")
    return int(numbers[1]), int(numbers[2])


def part_of(kernels: Sequence[Kernel], part: tuple[int, int]) -> list[Kernel]:
    """Every n-th kernel, so that each part has some of every suite and a kernel is built once."""
    number, count = part
    return list(kernels[number - 1 :: count])


def jobs_of(kernel: Kernel, *, profile: bool, first_case_only: bool) -> list[Job]:
    """Checks of odd sizes, then each case (the last, largest one with energy), then counters."""
    cases = kernel.cases[:1] if first_case_only else kernel.cases
    try:
        checks = kernel.checks if kernel.has_reference else ()
    except KernelError:
        checks = ()  # its Python file cannot be imported: the first case says so
    jobs = [Job(kernel, "check", (case,)) for case in checks]
    wants_energy = kernel.profile
    jobs += [Job(kernel, "measure", (case,), wants_energy and case is cases[-1]) for case in cases]
    if profile and kernel.profile:
        jobs.append(Job(kernel, "profile", cases))
    return jobs


class Done:
    """What a table holds of one GPU, by job."""

    def __init__(self, rows: Iterable[Row], gpu: str, retry: bool) -> None:
        """With `retry` what failed does not count, nor a launch without any counter."""
        self._held: set[tuple[Any, ...]] = set()
        again: set[tuple[Any, ...]] = set()
        for row in rows:
            if row["gpu"] != gpu:
                continue
            key = row["kernel"], row["case"], row["method"], row["sass_hash"]
            self._held.add(key)
            if row["status"] == "failed" or (row["status"] == "missing" and row["metric"] == "counters"):
                again.add(key)
        if retry:
            self._held -= again

    def pending(self, job: Job, sass_hash: str | None) -> Job | None:
        """The job, or what is left of it, or None."""
        method = MAIN_METHOD[job.kind]
        left = [c for c in job.cases if (job.kernel.name, case_id(c), method, sass_hash) not in self._held]
        return Job(job.kernel, job.kind, tuple(left), job.energy) if left else None
