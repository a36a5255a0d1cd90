"""What the tests of the clocked core share: a one-SM chip that runs listings and can be asked about every cycle."""

from collections.abc import Callable

import pytest

from sim.arch import Arch, load_arch
from sim.gpu.counters import FollowEvent, KernelCounters
from sim.gpu.memory_side import MemorySide
from sim.gpu.simulate import Follow, simulate_kernel
from sim.trace.listing import parse_listing

#: Overrides that make everything in the memory side scarce: lines, miss registers, places to wait at them, entries of
#: queues, credits, ports; its clocks are no simple ratios, and slices lie at different distances.
SCARCE = {
    "sm.l1d.mshrs": "12", "sm.l1d.mshr_merges": "2", "noc.credits": "3", "noc.request_bandwidth": "16 B/cycle",
    "noc.reply_bandwidth": "16 B/cycle", "noc.slice_spread": "9 cycles", "l2.slices": "4", "l2.size": "2 KiB",
    "l2.ways": "2", "l2.mshrs": "3", "l2.mshr_merges": "2", "l2.bandwidth": "32 B/cycle",
    "l2.port_bandwidth": "16 B/cycle", "l2.clock": "1.1 GHz", "dram.channels": "2", "dram.read_queue": "5",
    "dram.write_queue": "4", "dram.write_high": "3", "dram.write_low": "1",
}  # fmt: skip


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
    """A chip with one SM; `listing` runs a text on it, with an empty L2 or with one that has everything."""

    def __init__(self, arch: Arch) -> None:
        self.arch = arch

    def listing(self, text: str) -> Run:
        """Run a listing, every warp followed. L2 is empty: the first access to anything comes from DRAM."""
        return self._run(text, MemorySide(self.arch))

    def from_l2(self, text: str) -> Run:
        """Run a listing whose data, code and constants are all in L2, and none of them in the SM: its second run."""
        memory = MemorySide(self.arch)
        simulate_kernel(parse_listing(text).kernels[0], self.arch, memory=memory)
        run = self._run(text, memory)
        events = run.counters.events
        assert events["l2.sector_misses"] == events["dram.reads"] == 0
        return run

    def _run(self, text: str, memory: MemorySide) -> Run:
        kernel = parse_listing(text).kernels[0]
        counters = simulate_kernel(kernel, self.arch, memory=memory, follow=Follow(0, -1))
        return Run(counters, [row.sass for row in kernel.static])

    def reply_cycles(self, sectors: int = 1) -> int:
        """Cycles that an answer of so many sectors takes of a slice's port, and of the SM's (they are as wide)."""
        noc = self.arch.config.noc
        assert noc.reply_bandwidth == self.arch.config.l2.port_bandwidth
        return -(-(noc.header + 32 * sectors) // noc.reply_bandwidth)

    def l2_trip(self, sectors: int = 1) -> int:
        """What a load of `sectors` of one line takes beyond a hit in L1D when L2 has them and nobody is in its way."""
        noc, l2 = self.arch.config.noc, self.arch.config.l2
        passing = 2 * (self.reply_cycles(sectors) - 1)  # whole, through the slice's port and through the SM's
        return noc.request_latency + l2.latency + noc.reply_latency + passing


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
