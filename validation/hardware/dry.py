"""A stand-in for a GPU: the reference takes the kernel's place, nothing is measured.

It lets every other part of the kit run without a GPU: builds, checks, statistics, rows. Its times are the host's, and
every row that rests on it has the status `dry-run`.
"""

import time

from validation.hardware.device import Facts, FunctionFacts, Program, Repeated, State, Timing
from validation.kernels import Buffers

#: The architecture that a dry run builds for.
ARCHITECTURE = (9, 0)


class DryDevice:
    """No device."""

    dry = True
    facts = Facts("dry run", ARCHITECTURE, 0, None, None, 50 << 20)

    def session(self, program: Program, restored: set[str], sets: int) -> "DrySession":
        """See Device."""
        return DrySession(program, sets)

    def state(self) -> State:
        """See Device."""
        return State()

    def energy_joules(self) -> float | None:
        """See Device."""
        return None


class DrySession:
    """One case on the host."""

    def __init__(self, program: Program, sets: int) -> None:
        self._program, self._sets = program, sets
        self._outputs: Buffers = {}

    def functions(self) -> dict[str, FunctionFacts]:
        """See Session."""
        return {step.function: FunctionFacts(0, 0) for step in self._program.launches}

    def sets(self) -> int:
        """See Session."""
        return self._sets

    def reset(self, which: int) -> None:
        """See Session."""
        self._outputs = {}

    def run(self, which: int) -> None:
        """See Session."""
        kernel = self._program.kernel
        if kernel.has_reference and not self._outputs:
            self._outputs = kernel.definition.reference(self._program.case, self._program.buffers)

    def timed(self, which: int) -> Timing:
        """See Session."""
        begin = time.perf_counter()
        self.run(which)
        return Timing(time.perf_counter() - begin, None)

    def restored_bytes(self) -> int:
        """See Session."""
        return 0

    def repeat(self, seconds: float, restore: bool) -> Repeated:
        """See Session."""
        return Repeated(1, self.timed(0).seconds, State())

    def flush(self) -> None:
        """See Session."""

    def download(self, which: int) -> Buffers:
        """See Session."""
        return {**self._program.buffers, **self._outputs}

    def profiled(self, which: int, launches: int) -> None:
        """See Session."""

    def close(self) -> None:
        """See Session."""
