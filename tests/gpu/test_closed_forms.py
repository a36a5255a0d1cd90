"""Bandwidth of whole chips against closed forms of their YAML keys: L1D, L2 and crossbar ports, DRAM (§7.3, §8).

A server that takes c cycles for each request lets n more of them take n x c cycles more. So the same loop is run twice,
once for twice as many turns: what is different is steady state, and what lies before and behind it cancels.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from sim.arch import Arch, load_arch
from sim.arch.dram import load_dram
from sim.gpu.memory_side import MemorySide
from sim.gpu.simulate import simulate_kernel
from sim.trace.model import KernelTrace
from tests.gpu.test_laws import kernel_of

CHIPS = ("rtx_a6000", "h100_pcie")
LANES = 32
S1 = "[B------:R-:W-:-:S01] "


def passing(size: int, width: int) -> int:
    """Cycles that `size` bytes (or lookups) take of a server that does `width` of them a cycle."""
    return -(-size // width)


def on_every_sm(arch: Arch, warps: int, body: str) -> KernelTrace:
    """A kernel of one CTA for each SM: a launch spreads them over the chip before any SM has two."""
    return kernel_of(f".sm {arch.config.isa[3:]} .grid {arch.config.sm.count} .block {32 * warps}\n{body}")


class Steady(NamedTuple):
    """What `turns` more turns of a loop take: cycles, and what was counted in them."""

    cycles: int
    events: dict[str, int]


def steady(arch: Arch, warps: int, turns: int, loop: str, before: str = "", copies: Any = ()) -> Steady:
    """The difference of `2 x turns` and `turns` turns; `copies` are in L2 beforehand, as a host's copies leave them."""
    runs = []
    for times in (turns, 2 * turns):
        memory = MemorySide(arch)
        memory.copy(copies)
        kernel = on_every_sm(arch, warps, f"{before}\n.repeat {times}\n{loop}\n.end")
        runs.append(simulate_kernel(kernel, arch, memory=memory))
    short, long = runs
    return Steady(long.cycles - short.cycles, {k: v - short.events[k] for k, v in long.events.items()})


# --- L1D -------------------------------------------------------------------------------------------------------------
ONE_A_CYCLE, ONE_IN_TWO = {"sm.memory.port_interval": "1 cycle"}, {"sm.memory.port_interval": "2 cycles"}


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize(
    ("suffix", "size", "stride", "overrides", "binds"),
    [
        ("", 4, 4, ONE_A_CYCLE, "data"),
        ("", 4, 4, ONE_IN_TWO, "port"),  # what an RTX A6000 has: Table 1 leaves half of L1D's bandwidth to wider loads
        (".64", 8, 8, {}, "data"),
        (".128", 16, 16, {}, "data"),
        ("", 4, 128, {}, "data"),  # a sector of each of 32 lines
        ("", 4, 128, {"sm.l1d.tag_lookups": "2"}, "tags"),
        ("", 4, 128, {"sm.l1d.bandwidth": "256 B/cycle"}, "tags"),
        ("", 4, 64, {"sm.l1d.tag_lookups": "1"}, "tags"),  # two sectors of each of 16 lines
    ],
)
def test_hits_in_l1d_move_what_its_slowest_server_allows_on_every_sm(
    name: str, suffix: str, size: int, stride: int, overrides: dict[str, str], binds: str
) -> None:
    """Exactly: an access keeps the array for its lookups or for its sectors, whichever take longer (§7.3)."""
    arch = load_arch(name, overrides)
    sm, l1d = arch.config.sm, arch.config.sm.l1d
    warps, turns, each = sm.sub_cores, 2, 8
    load = f"LDG.E{suffix} R4, [R2.64] {{0x100000 + {stride}*lane}}"
    warm = f"[B------:R-:W0:-:S02] {load}\n[B0-----:R-:W-:-:S05] BAR.SYNC 0x0"
    run = steady(arch, warps, turns, "\n".join([S1 + load] * each), before=warm)
    lines = passing(LANES * stride, l1d.line)
    sectors = LANES * max(size, min(stride, l1d.sector)) // l1d.sector
    servers = {
        "data": Fraction(passing(sectors * l1d.sector, l1d.bandwidth)),
        "tags": Fraction(passing(lines, l1d.tag_lookups)),
        "port": Fraction(sm.memory.port_interval),
        "address": Fraction(sm.memory.address_cycles, sm.sub_cores),
        "link": Fraction(LANES * size // sm.register_file.link, sm.sub_cores),
    }
    assert servers[binds] == max(servers.values())
    loads = warps * turns * each  # of each SM
    assert run.cycles == loads * servers[binds]
    assert run.events["sm.l1d.sector_misses"] == 0
    assert run.events["sm.l1d.sector_reads"] == sm.count * loads * sectors
    if binds == "data":
        assert run.events["sm.l1d.sector_reads"] * l1d.sector == run.cycles * sm.count * l1d.bandwidth
    if binds == "tags":
        assert run.events["sm.l1d.tag_lookups"] == run.cycles * sm.count * l1d.tag_lookups


# --- L2 and the crossbar's ports -------------------------------------------------------------------------------------
def l2_servers(arch: Arch) -> dict[str, Fraction]:
    """Core cycles of the chip for each line that L2 sends, server by server; slices count in their own clock (§8)."""
    config = arch.config
    noc, l2, line = config.noc, config.l2, config.sm.l1d.line
    slice_cycle = Fraction(config.sm.clock, l2.clock) / l2.slices
    return {
        "slice data": passing(line, l2.bandwidth) * slice_cycle,
        "slice port": passing(noc.header + line, l2.port_bandwidth) * slice_cycle,
        "SM port": Fraction(passing(noc.header + line, noc.reply_bandwidth), config.sm.count),
    }


def lines_from_l2(arch: Arch, warps: int, turns: int) -> tuple[Steady, int]:
    """Warps that read lines past L1D (STRONG.GPU, §7.3), the same in each turn, all in L2; and how many lines more.

    In each turn the chip reads one contiguous piece. Lines of whole groups of blocks lie evenly in all slices.
    """
    config = arch.config
    wide, each = LANES * 16, 5
    step = wide * warps * config.sm.count
    base = 4096 * config.l2.slices * config.l2.interleave
    loads = (
        f"{S1}LDG.E.128.STRONG.GPU R4, [R2.64] {{{base + n * step} + 16*lane + {wide}*warp + {wide * warps}*cta}}"
        for n in range(each)
    )
    run = steady(arch, warps, turns, "\n".join(loads), copies=[(base, each * step)])
    lines = turns * each * step // config.sm.l1d.line
    assert run.events["dram.reads"] == run.events["sm.l1d.sector_hits"] == 0
    assert run.events["noc.replies"] == lines
    assert run.events["noc.reply_bytes"] == lines * (config.noc.header + config.sm.l1d.line)
    return run, lines


def one_slice(name: str, overrides: dict[str, str]) -> Arch:
    """Four SMs before a single slice, of the size that each slice of the chip has."""
    l2 = load_arch(name).config.l2
    few = {"sm.count": "4", "l2.slices": "1", "l2.partitions": "1", "dram.channels": "1"}
    return load_arch(name, {**few, "l2.size": f"{l2.size // l2.slices} B", **overrides})


NARROW_DATA = {"l2.bandwidth": "24 B/cycle", "l2.port_bandwidth": "136 B/cycle"}
NARROW_PORT = {"l2.bandwidth": "128 B/cycle", "l2.port_bandwidth": "20 B/cycle"}


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize(
    ("overrides", "ratio", "binds"),
    [
        ({}, "1", "slice port"),
        ({"l2.bandwidth": "17 B/cycle"}, "1", "slice data"),
        (NARROW_DATA, "1", "slice data"),
        (NARROW_PORT, "1", "slice port"),
        (NARROW_DATA, "1/2", "slice data"),
        (NARROW_PORT, "1/2", "slice port"),
        (NARROW_PORT, "4/5", "slice port"),
        (NARROW_PORT, "7/5", "slice port"),
        (NARROW_DATA, "4/5", "slice data"),
        (NARROW_DATA, "7/5", "slice data"),
    ],
)
def test_a_slice_sends_what_the_narrower_of_its_array_and_its_port_allows(
    name: str, overrides: dict[str, str], ratio: str, binds: str
) -> None:
    """Exactly, as one slice is always busy, at any ratio of its clock to the SMs'.

    The turns are a multiple of the ratio's numerator, so that their L2 cycles are a whole number of core cycles.
    """
    clock = load_arch(name).config.sm.clock * Fraction(ratio)
    assert clock.denominator == 1
    arch = one_slice(name, {**overrides, "l2.clock": f"{clock} Hz"})
    run, lines = lines_from_l2(arch, warps=4, turns=4 * Fraction(ratio).numerator)
    servers = l2_servers(arch)
    assert servers[binds] == max(servers.values())
    assert run.cycles == lines * servers[binds]


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("rtx_a6000", {"sm.count": "1"}),
        ("rtx_a6000", {"sm.count": "1", "noc.reply_bandwidth": "20 B/cycle"}),
        ("h100_pcie", {"sm.count": "1", "sm.l1d.mshrs": "2048"}),
        ("rtx_a6000", {"noc.reply_bandwidth": "16 B/cycle"}),
        ("h100_pcie", {"noc.reply_bandwidth": "16 B/cycle"}),
    ],
)
def test_an_sm_receives_what_its_reply_port_allows(name: str, overrides: dict[str, str]) -> None:
    """Exactly, alone before all slices and together with all others: its port is always busy."""
    arch = load_arch(name, overrides)
    run, lines = lines_from_l2(arch, warps=8, turns=3)
    servers = l2_servers(arch)
    assert servers["SM port"] == max(servers.values())
    assert run.cycles == lines * servers["SM port"]


@pytest.mark.parametrize("mshrs", [96, 160, 384])
def test_an_sm_alone_has_as_many_lines_under_way_as_it_has_miss_registers(mshrs: int) -> None:
    """Little's law, exactly: what an H100 has, 384 sectors, is less than its reply port takes in an L2 hit's time."""
    overrides = {"sm.count": "1", "l2.far_latency": "0 cycles", "sm.l1d.mshrs": str(mshrs)}
    arch = load_arch("h100_pcie", overrides)
    config = arch.config
    noc, l2, sm = config.noc, config.l2, config.sm
    # What an L1D hit takes before its write-back (§7.3), less what lies before the lookup, which comes when the load
    # has read its address (WAR: 1 + s0 + 1 + 5).
    hit = 2 * sm.memory.address_cycles + 1 + sm.l1d.hit_latency + sm.memory.load_to_use_overhead
    hit -= 1 + sm.memory.address_cycles + 1 + 5
    ports = passing(noc.header, noc.request_bandwidth) - 1
    ports += passing(noc.header + sm.l1d.line, l2.port_bandwidth) - 1
    ports += passing(noc.header + sm.l1d.line, noc.reply_bandwidth) - 1
    trip = hit + noc.request_latency + l2.latency + noc.reply_latency + ports
    at_once = mshrs * sm.l1d.sector // sm.l1d.line
    run, lines = lines_from_l2(arch, warps=8, turns=at_once // 8)
    assert max(l2_servers(arch).values()) < Fraction(trip, at_once)
    assert run.cycles == lines // at_once * trip


@pytest.mark.parametrize(
    ("name", "overrides", "binds", "turns"),
    [
        ("rtx_a6000", {}, "slice port", 4),
        ("rtx_a6000", {"l2.bandwidth": "17 B/cycle"}, "slice data", 3),
        ("h100_pcie", {"sm.l1d.mshrs": "1536"}, "slice port", 4),
        ("h100_pcie", {"sm.l1d.mshrs": "1536", "l2.bandwidth": "32 B/cycle"}, "slice data", 5),
    ],
)
def test_all_slices_together_send_what_their_narrower_part_allows(
    name: str, overrides: dict[str, str], binds: str, turns: int
) -> None:
    """Within 2 %: all slices have the same lines to send, but not at the same time, because the hash turns each group
    of blocks by another number of slices; some run dry before others, above all at the end, where nothing follows."""
    arch = load_arch(name, overrides)
    run, lines = lines_from_l2(arch, warps=8, turns=turns)
    servers = l2_servers(arch)
    assert servers[binds] == max(servers.values())
    assert run.cycles == pytest.approx(float(lines * servers[binds]), rel=0.02)


# --- DRAM ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("loads", [1, 4])
def test_a_stream_takes_each_byte_from_dram_once_and_never_above_its_peak(name: str, loads: int) -> None:
    """One wave that reads an array of 0.8 to 7 MB; a channel's data bus carries one burst at a time."""
    arch = load_arch(name)
    config, warps = arch.config, 24
    device = load_dram(config.dram.kind).device
    wide = LANES * 16
    step = wide * warps * config.sm.count
    array = 1 << 30
    body = "\n".join(
        f"{S1}LDG.E.128 R{4 + 4 * n}, [R2.64] {{{array + n * step} + 16*lane + {wide}*warp + {wide * warps}*cta}}"
        for n in range(loads)
    )
    kernel = on_every_sm(arch, warps, body)
    memory = MemorySide(arch)
    memory.copy([(memory.code_line(kernel.stream()) * config.sm.l1d.line, 16 * len(kernel.static))])  # its code
    run = simulate_kernel(kernel, arch, memory=memory)
    size = loads * step
    assert run.events["dram.reads"] * device.atom == size
    assert run.events["l2.sector_misses"] * config.sm.l1d.sector == size
    assert run.events["sm.l1d.sector_misses"] * config.sm.l1d.sector == size
    assert run.events["dram.writes"] == 0
    clock = Fraction(config.dram.data_rate, device.clock_ratio)
    clocks = run.cycles * clock / config.sm.clock
    assert run.events["dram.bus_busy"] == run.events["dram.reads"] * device.burst_length // device.clock_ratio
    assert run.events["dram.bus_busy"] <= config.dram.channels * clocks
    seconds = Fraction(run.cycles, config.sm.clock)
    assert size <= config.dram.channels * device.width * config.dram.data_rate / 8 * seconds
