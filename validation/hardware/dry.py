"""A stand-in for a GPU: the reference takes the kernel's place, nothing is measured.

It lets every other part of the kit run without a GPU: builds, checks, statistics, rows. Its times are the host's, and
every row that rests on it has the status `dry-run`.
"""

import time

from validation.hardware.device import Facts, FunctionFacts, State, Timing
from validation.kernels import Buffers, Case, Kernel, Launch

#: The architecture that a dry run builds for.
ARCHITECTURE = (9, 0)


class DryDevice:
    """No device."""

    dry = True
    facts = Facts("dry run", ARCHITECTURE, 0, None, None, 50 << 20, 1 << 34)

    def session(
        self, kernel: Kernel, case: Case, buffers: Buffers, launches: list[Launch], cubin: bytes, sets: int
    ) -> "DrySession":
        """See Device."""
        return DrySession(kernel, case, buffers, launches, sets)

    def state(self) -> State:
        """See Device."""
        return State()

    def energy_joules(self) -> float | None:
        """See Device."""
        return None


class DrySession:
    """One case on the host."""

    def __init__(self, kernel: Kernel, case: Case, buffers: Buffers, launches: list[Launch], sets: int) -> None:
        self._kernel, self._case, self._inputs, self._launches = kernel, case, buffers, launches
        self._outputs: Buffers = {}
        self._sets = sets

    def functions(self) -> dict[str, FunctionFacts]:
        """See Session."""
        return {step.function: FunctionFacts(0, 0) for step in self._launches}

    def sets(self) -> int:
        """See Session."""
        return self._sets

    def footprint(self) -> int:
        """See Session."""
        return sum(array.nbytes for array in self._inputs.values())

    def reset(self, which: int) -> None:
        """See Session."""
        self._outputs = {}

    def run(self, which: int) -> None:
        """See Session."""
        if self._kernel.has_reference and not self._outputs:
            self._outputs = self._kernel.definition.reference(self._case, self._inputs)

    def timed(self, which: int) -> Timing:
        """See Session."""
        begin = time.perf_counter()
        self.run(which)
        return Timing(time.perf_counter() - begin, None)

    def restored(self) -> int:
        """See Session."""
        return 0

    def repeat(self, which: int, seconds: float, restore: bool) -> tuple[int, float]:
        """See Session."""
        return 1, self.timed(which).seconds

    def flush(self) -> None:
        """See Session."""

    def download(self, which: int) -> Buffers:
        """See Session."""
        return {**self._inputs, **self._outputs}

    def profiled(self, which: int, launches: int) -> None:
        """See Session."""

    def close(self) -> None:
        """See Session."""
