"""What the tests of the clocked core share: a one-SM chip that runs listings and can be asked about every cycle."""

from collections.abc import Callable

import pytest

from sim.arch import Arch, load_arch
from sim.gpu.counters import FollowEvent, KernelCounters
from sim.gpu.simulate import Follow, simulate_kernel
from sim.trace.listing import parse_listing


class Run:
    """A finished listing: when its instructions issued, and what held them back before."""

    def __init__(self, counters: KernelCounters, sass: list[str]) -> None:
        self.counters = counters
        self.sass = sass

    def pcs(self, text: str) -> list[int]:
        """Program counters of the instructions whose SASS contains `text`."""
        pcs = [int(pc) for pc, sass in zip(self.counters.hotspots.pcs, self.sass, strict=True) if text in sass]
        assert pcs, f"no instruction holds {text!r}"
        return pcs

    def events(self, event: str, text: str = "", warp: int = 0) -> list[FollowEvent]:
        """Events of one kind of a warp slot, of the instructions whose SASS contains `text`, in order of time."""
        pcs = set(self.pcs(text)) if text else None
        return [e for e in self.counters.follow if e.event == event and e.warp == warp and (pcs is None or e.pc in pcs)]

    def issued(self, text: str, warp: int = 0) -> int:
        """Cycle in which the only instruction that contains `text` issued."""
        (event,) = self.events("issued", text, warp)
        return event.cycle

    def issues(self, text: str = "", warp: int = 0) -> list[int]:
        """Issue cycles of all instructions that contain `text`."""
        return [e.cycle for e in self.events("issued", text, warp)]

    def blocked(self, text: str, at: int, warp: int = 0) -> str:
        """State of a warp in cycle `at`, which has to be a cycle before its next instruction, `text`, issued."""
        assert at < self.issued(text, warp)
        states = [e for e in self.counters.follow if e.event == "state" and e.warp == warp and e.cycle <= at]
        assert states[-1].pc in self.pcs(text)
        return states[-1].detail

    def window(self, warp: int = 0) -> int:
        """Cycles between the first and the last clock read of a warp."""
        reads = [e.cycle for e in self.events("clock read", warp=warp)]
        return max(reads) - min(reads)


class OneSm:
    """A chip with one SM; `listing` runs a text on it."""

    def __init__(self, arch: Arch) -> None:
        self.arch = arch

    def listing(self, text: str) -> Run:
        """Run a listing, every warp followed."""
        kernel = parse_listing(text).kernels[0]
        counters = simulate_kernel(kernel, self.arch, follow=Follow(0, -1))
        return Run(counters, [row.sass for row in kernel.static])


Chip = Callable[..., OneSm]


@pytest.fixture(scope="session")
def chip() -> Chip:
    """`chip("rtx_a6000", {"sm.issue.policy": "gto"})`: one SM of a shipped chip with overrides."""

    def make(name: str = "rtx_a6000", overrides: dict[str, str] | None = None) -> OneSm:
        return OneSm(load_arch(name, {"sm.count": "1", **(overrides or {})}))

    return make


@pytest.fixture(scope="session")
def ampere_sm(chip: Chip) -> OneSm:
    """One SM of an RTX A6000."""
    return chip()
