"""What the kit asks of a device: facts, a session that runs one case, and the board's state.

cuda.py is the real one, dry.py stands in where there is no GPU. A session owns the device buffers of one case, in one
or more sets, so that repetitions can rotate among them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from validation.kernels import Buffers, Case, Kernel, Launch


class DeviceError(Exception):
    """The device or its driver refused; the text says what was asked and the driver's reason.

    `fatal` where nothing more can be done in this process (an illegal address, a lost device).
    """

    def __init__(self, text: str, fatal: bool = False) -> None:
        super().__init__(text)
        self.fatal = fatal


@dataclass(frozen=True)
class Facts:
    """What a row says of the device."""

    gpu: str
    compute_capability: tuple[int, int]
    sms: int
    driver: str | None
    cuda: str | None
    l2_bytes: int

    @property
    def architecture(self) -> int:
        """90 for compute capability 9.0."""
        return self.compute_capability[0] * 10 + self.compute_capability[1]


@dataclass(frozen=True)
class State:
    """The board now; None where the driver does not say."""

    memory_clock_mhz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    throttled: bool = False


@dataclass(frozen=True)
class Program:
    """One case, ready to be loaded."""

    kernel: Kernel
    case: Case
    buffers: Buffers
    launches: list[Launch]
    cubin: bytes

    @classmethod
    def of(cls, kernel: Kernel, case: Case, cubin: bytes, seed: int) -> "Program":
        """The case with the inputs of a seed."""
        buffers = kernel.definition.inputs(case, np.random.default_rng(seed))
        return cls(kernel, case, buffers, kernel.definition.launches(case, buffers), cubin)

    @property
    def footprint(self) -> int:
        """Bytes of its buffers."""
        return sum(array.nbytes for array in self.buffers.values())


@dataclass(frozen=True)
class Timing:
    """One repetition."""

    seconds: float
    sm_clock_mhz: float | None  # just before it, by the SM's own counter against the device's nanosecond timer
    late: bool = False  # the host was still submitting launches when the device could have run them


@dataclass(frozen=True)
class Repeated:
    """Many runs back to back."""

    runs: int
    seconds: float  # by the host's clock
    state: State  # of the board while it was busy


@dataclass(frozen=True)
class FunctionFacts:
    """What the driver says of a loaded function."""

    registers: int
    shared_bytes: int


class Session(Protocol):
    """One case on the device."""

    def functions(self) -> dict[str, FunctionFacts]:
        """Facts of the functions that the case launches."""

    def sets(self) -> int:
        """Number of buffer sets."""

    def reset(self, which: int) -> None:
        """Puts the buffers that a run changes back to their inputs."""

    def run(self, which: int) -> None:
        """One run, waited for."""

    def timed(self, which: int) -> Timing:
        """One run between two events."""

    def repeat(self, seconds: float, restore: bool) -> "Repeated":
        """Runs back to back for about so long, with a reset before each if `restore`."""

    def restored_bytes(self) -> int:
        """Bytes that a reset copies."""

    def flush(self) -> None:
        """Reads so much other memory that nothing of the buffers is left in the caches."""

    def download(self, which: int) -> Buffers:
        """The buffers as they are now; a large one is fetched when it is asked for."""

    def profiled(self, which: int, launches: int) -> None:
        """One run of which the profiler sees the first `launches` launches."""

    def close(self) -> None:
        """Gives the device's memory back."""


class Device(Protocol):
    """A GPU, or its stand-in."""

    @property
    def facts(self) -> Facts:
        """What it is."""

    @property
    def dry(self) -> bool:
        """True if nothing is measured."""

    def session(self, program: Program, restored: set[str], sets: int) -> Session:
        """Loads and uploads; `restored` names the buffers that `reset` puts back. Raises DeviceError."""

    def state(self) -> State:
        """Clocks, temperature, power."""

    def energy_joules(self) -> float | None:
        """The board's energy counter, or None."""
