"""Latency of a pointer chase on whole chips: at every level the sum of the configured stages, to the cycle (§7.3, §8).

One lane of one warp follows 64-bit pointers, as latency benchmarks do; everything else is idle. Every load waits for
the one before it, so that the distance of two issues is the latency of the first. The sum is built here from the keys
of the YAML, stage by stage and in order of time, since L2 and DRAM count in clocks of their own.
"""

import dataclasses
import math
from fractions import Fraction

import pytest

from sim.arch import Arch, load_arch
from sim.arch.dram import load_dram
from sim.arch.schema_dram import Delay, DramDevice
from sim.gpu.memory_side import MemorySide
from sim.gpu.simulate import Follow, simulate_kernel
from sim.memory.dram_lower import lower_dram
from sim.memory.mapping import address_of, encode, place_of
from tests.gpu.conftest import Run
from tests.gpu.test_closed_forms import LANES, on_every_sm, passing

POINTER = 8

# Where a load finds its pointer.
L1D_HIT, L2_HIT, ROW_HIT, ROW_MISS, ROW_CONFLICT = "L1D hit", "L2 hit", "row hit", "row miss", "row conflict"


class Way:
    """A load on its way: the cycle that it has reached, and what each stage took."""

    def __init__(self, issued: int) -> None:
        self.at = issued
        self.stages: dict[str, int] = {}

    def spend(self, stage: str, cycles: int) -> None:
        self.stages[stage] = cycles
        self.at += cycles

    def wait(self, stage: str, until: Fraction) -> None:
        """A stage that ends in another clock: the core sees it in its first cycle that does not lie before."""
        self.spend(stage, math.ceil(until) - self.at)


def way_of(arch: Arch, sm: int, address: int, found: str, issued: int) -> Way:
    """The stages of an unloaded 64-bit load of one sector by SM `sm` that issued in cycle `issued`."""
    config = arch.config
    memory, noc, l2 = config.sm.memory, config.noc, config.l2
    way = Way(issued)
    # §7.3: s0, s4 and s5 of a load with a regular address; the array; what Table 2 has beyond its parts.
    way.spend("stages of the memory unit", memory.address_cycles + memory.stage_offset + memory.address_cycles + 1)
    way.spend("L1D", config.sm.l1d.hit_latency)
    way.spend("overhead", memory.load_to_use_overhead)
    if found != L1D_HIT:
        # A message passes a port in the cycle of its arrival; each further cycle is one more.
        way.spend("request port", passing(noc.header, noc.request_bandwidth) - 1)
        way.spend("crossbar, request", noc.request_latency)
        way.spend("hop", hop(arch, sm, slice_of(arch, address)))
        if found != L2_HIT:
            dram_stages(arch, found, way)
        way.spend("L2", l2.latency)
        answer = noc.header + config.sm.l1d.sector
        ratio = Fraction(l2.clock, config.sm.clock)
        last = math.ceil(way.at * ratio) + passing(answer, l2.port_bandwidth) - 1
        way.wait("slice port", last / ratio)
        way.spend("crossbar, reply", noc.reply_latency)
        way.spend("SM port", passing(answer, noc.reply_bandwidth) - 1)
    # The register link carries whole registers, however few lanes are active.
    way.spend("write-back", LANES * POINTER // config.sm.register_file.link)
    return way


def dram_stages(arch: Arch, found: str, way: Way) -> None:
    """ACT and PRE where they are needed, RD, the data, and the controller, whose latency is all in one place."""
    dram = arch.config.dram
    device = load_dram(dram.kind).device
    ratio = Fraction(dram.data_rate, device.clock_ratio) / arch.config.sm.clock
    clock = math.ceil(way.at * ratio)  # the first command clock after the lookup in L2
    if found == ROW_CONFLICT:
        clock += clocks(dram.data_rate, device, "rp")
    if found in (ROW_CONFLICT, ROW_MISS):
        clock += clocks(dram.data_rate, device, "rcd_read")
    clock += clocks(dram.data_rate, device, "cl") + device.burst_length // device.clock_ratio
    way.wait("DRAM", clock / ratio)
    way.spend("DRAM controller", dram.controller_latency)


def clocks(data_rate: int, device: DramDevice, timing: str) -> int:
    """A timing of the device in command clocks of the chip's data rate: the longer of its times, whole clocks."""
    delay: Delay = getattr(device.timing, timing)
    return max(delay.clocks, math.ceil(Fraction(delay.picoseconds * data_rate, device.clock_ratio * 10**12)))


def hop(arch: Arch, sm: int, slice_: int) -> int:
    """SM term, slice term (even steps from 0 to the spread), and the way into the other partition (§8)."""
    noc, l2, sms = arch.config.noc, arch.config.l2, arch.config.sm.count
    far = sm * l2.partitions // sms != slice_ * l2.partitions // l2.slices
    return noc.sm_spread * sm // (sms - 1) + noc.slice_spread * slice_ // (l2.slices - 1) + l2.far_latency * far


def slice_of(arch: Arch, address: int) -> int:
    l2 = arch.config.l2
    return int(place_of(address, l2.interleave, l2.slices, int(l2.hashed))[0])


def in_slice(arch: Arch, slice_: int, local: int) -> int:
    l2 = arch.config.l2
    return int(address_of(slice_, local, l2.interleave, l2.slices, int(l2.hashed)))


def in_row(arch: Arch, channel: int, bank: int, row: int, column: int) -> int:
    """Address of an atom: the slices of a channel take turns block by block."""
    config = arch.config
    record = lower_dram(load_dram(config.dram.kind), config.dram)[0]
    block, offset = divmod(int(encode(record, bank, row, column)), config.l2.interleave)
    turn, which = divmod(block, config.l2.slices // config.dram.channels)
    return in_slice(
        arch, channel * (config.l2.slices // config.dram.channels) + which, turn * config.l2.interleave + offset
    )


def chase(arch: Arch, sm: int, pointers: list[int], copied: list[int]) -> Run:
    """One warp of SM `sm` alone on the chip; its code (a line) and the lines of `copied` are in L2."""
    loads = [
        f"[B{'-' if n == 0 else '0'}-----:R-:W0:-:S02] LDG.E.64 R2, [R2.64] {{{address:#x}}} {{mask=0x00000001}}\n"
        for n, address in enumerate(pointers)
    ]
    kernel = on_every_sm(arch, 1, "".join(loads) + "[B0-----:R-:W-:-:S05] EXIT")
    path = kernel.warp_path.copy()
    path[:] = -1  # the CTAs of the other SMs are empty
    path[sm] = kernel.warp_path[sm]
    kernel = dataclasses.replace(kernel, warp_path=path)
    line = arch.config.sm.l1d.line
    assert 16 * len(kernel.static) <= line
    memory = MemorySide(arch)
    memory.copy([(address, 1) for address in (memory.code_line(kernel.stream()) * line, *copied)])
    counters = simulate_kernel(kernel, arch, memory=memory, follow=Follow(sm, 0))
    return Run(counters, [row.sass for row in kernel.static])


#: Every port takes several cycles, slices count in a slower clock with an awkward ratio, and distances differ.
NARROW = {
    "noc.request_bandwidth": "3 B/cycle", "noc.reply_bandwidth": "16 B/cycle", "l2.port_bandwidth": "12 B/cycle",
    "l2.clock": "1.1 GHz", "noc.sm_spread": "13 cycles", "noc.slice_spread": "9 cycles", "sm.memory.address_cycles":
    "5 cycles", "dram.data_rate": "3.1 Gbps",
}  # fmt: skip
VARIANTS = {
    "rtx_a6000": ("rtx_a6000", {}),
    "h100_pcie": ("h100_pcie", {}),
    "narrow rtx_a6000": ("rtx_a6000", NARROW),
    "narrow h100_pcie": ("h100_pcie", NARROW),
    "fast L2": ("rtx_a6000", {"l2.clock": "2.3 GHz", "l2.port_bandwidth": "12 B/cycle"}),
}


@pytest.mark.parametrize("sm", ["first", "middle", "last"])
@pytest.mark.parametrize("channel", ["first", "last"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pointer_chase_takes_the_sum_of_its_stages_at_every_level(variant: str, channel: str, sm: str) -> None:
    """Refresh is off, as one command of it lasts for hundreds of clocks; all other keys are the chip's.

    Loads lie hundreds of cycles apart, so that tRAS, tRC and tRTP of the row before have long passed.
    """
    name, overrides = VARIANTS[variant]
    arch = load_arch(name, {"dram.refresh": "none", **overrides})
    config = arch.config
    sms, last = config.sm.count, config.l2.slices - 1
    who = {"first": 0, "middle": sms // 2 - 1, "last": sms - 1}[sm]
    where = {"first": 0, "last": config.dram.channels - 1}[channel]
    opened, same, other = (in_row(arch, where, 5, row, column) for row, column in ((100, 3), (100, 20), (200, 7)))
    near, far = in_slice(arch, 0, 1 << 16), in_slice(arch, last, 1 << 16)
    steps = [
        (opened, ROW_MISS), (same, ROW_HIT), (other, ROW_CONFLICT), (near, L2_HIT), (far, L2_HIT), (same, L1D_HIT),
        (far, L1D_HIT),
    ]  # fmt: skip
    run = chase(arch, who, [address for address, _ in steps], copied=[near, far])
    events = run.counters.events
    assert [events[f"dram.row_{kind}"] for kind in ("misses", "hits", "conflicts")] == [1, 1, 1]
    assert (events["dram.reads"], events["sm.l1d.sector_misses"], events["sm.l1d.sector_hits"]) == (3, 5, 2)
    if config.l2.partitions == 2:
        assert hop(arch, who, 0) - hop(arch, who, last) != 0
    issues = run.issues()
    assert len(issues) == len(steps) + 1
    for (address, found), issued, following in zip(steps, issues, issues[1:], strict=False):
        way = way_of(arch, who, address, found, issued)
        assert sum(way.stages.values()) == following - issued, (found, way.stages)
