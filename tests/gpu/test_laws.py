"""Laws that hold on every listing: all cycles are accounted for, and how a run is driven changes nothing.

The listings are random: several warps and CTAs, every class of instruction, control words that cannot dead-lock
(what raises a dependence counter always lowers it, and every warp of a CTA passes the same barriers), loops, taken
branches, masks with no lane at all, strides that coalesce and strides that do not.
"""

import dataclasses
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sim.arch import Arch, load_arch
from sim.gpu import simulate
from sim.gpu.counters import INSTRUCTION_CLASSES, NO_CTA, NO_WARP, REASON_NAMES, SELECTED, KernelCounters
from sim.gpu.memory_side import MemorySide
from sim.gpu.simulate import Follow, simulate_kernel
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace
from sim.trace.stream import KernelStream
from tests.gpu.conftest import SCARCE, Chip, OneSm

#: The interpreter is some hundred times slower than the compiled core.
_FEW = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]
#: Far beyond any of these listings: whatever is not done by then hangs.
LIMIT = 400_000


def examples(many: int) -> settings:
    """The same examples in every run: `many` compiled, few interpreted. A failing listing is printed as it is, since
    shrinking one takes minutes and the listings are short."""
    return settings(
        max_examples=max(3, many // 20) if _FEW else many,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
    )


_registers = st.integers(8, 40)
_counter = st.integers(0, 5)
_MASKS = ("0x00000000", "0x00000001", "0x0000ffff", "0x80000001", "0xfffffffe")


@st.composite
def _control(draw: st.DrawFn, tracked: bool = False, least: int = 0) -> str:
    """A control word; only instructions of variable latency raise counters, as compilers do it."""
    wait = draw(st.sets(_counter, max_size=2)) if draw(st.integers(0, 2)) == 0 else set()
    bits = "".join(str(i) if i in wait else "-" for i in range(6))
    write = read = "-"
    if tracked:
        write = str(draw(_counter)) if draw(st.booleans()) else "-"
        read = str(draw(_counter)) if draw(st.booleans()) else "-"
    # Mostly short stalls; S00 with yield sleeps and S12 to S15 are the encodings that hardware treats in its own way.
    stall = draw(st.sampled_from((1, 1, 1, 2, 4, 0, 5, 11, 15)))
    wants_yield = draw(st.integers(0, 7)) == 0
    return f"[B{bits}:R{read}:W{write}:{'Y' if wants_yield else '-'}:S{max(stall, least):02}]"


@st.composite
def _place(draw: st.DrawFn, shared: bool) -> str:
    stride = draw(st.sampled_from((0, 1, 4, 4, 8, 16, 32, 128, 132)))
    base = 16 * draw(st.integers(0, 200)) + (0 if shared else 0x10000)
    warp, turn = draw(st.sampled_from(((0, 0), (512, 0), (512, 4096))))
    if shared:
        return f"{base} + {stride}*lane"
    return f"{base} + {stride}*lane + {warp}*warp + {turn}*iter + {draw(st.sampled_from((0, 8192)))}*cta"


@st.composite
def _instruction(draw: st.DrawFn) -> str:
    r = [draw(_registers) for _ in range(4)]
    even = [2 * (n // 2) for n in r]
    quad = [4 * (n // 4) for n in r]
    reuse = ".reuse" if draw(st.integers(0, 3)) == 0 else ""
    fixed = (
        f"FFMA R{r[0]}, R{r[1]}{reuse}, R{r[2]}, R{r[3]}",
        f"FADD R{r[0]}, R{r[1]}{reuse}, R{r[2]}",
        f"FMUL R{r[0]}, R{r[1]}, c[0x0][{4 * draw(st.integers(0, 500)):#x}]",
        f"IADD3 R{r[0]}, R{r[1]}, R{r[2]}, R{r[3]}{reuse}",
        f"IMAD.WIDE R{even[0]}, R{r[1]}, R{r[2]}, R{even[3]}",
        f"HADD2 R{r[0]}, R{r[1]}, R{r[2]}",
        f"ISETP.GE.AND P{r[0] % 6}, PT, R{r[1]}, R{r[2]}, PT",
        f"HMMA.16816.F32 R{quad[0]}, R{quad[1]}, R{even[2]}, R{quad[3]}",
        f"UIADD3 UR{r[0]}, UR{r[1]}, UR{r[2]}, URZ",
        "NOP",
    )
    wide = draw(st.sampled_from(("", ".64", ".128")))
    shared, memory = draw(_place(True)), draw(_place(False))
    variable = (
        f"MUFU.RCP R{r[0]}, R{r[1]}",
        f"DADD R{even[0]}, R{even[1]}, R{even[2]}",
        f"S2R R{r[0]}, SR_TID.X",
        f"S2UR UR{r[0]}, SR_CTAID.X",
        f"SHFL.IDX PT, R{r[0]}, R{r[1]}, RZ, 0x1f",
        f"LDC R{r[0]}, c[0x0][{4 * draw(st.integers(0, 900)):#x}]",
        f"LDG.E{wide} R{quad[0]}, [R{even[1]}.64] {{{memory}}}",
        f"LDG.E{wide} R{quad[0]}, [R{even[1]}.64] {{{memory}}}",
        f"LDG.E.STRONG.GPU R{r[0]}, [R{even[1]}.64] {{{memory}}}",
        f"STG.E{wide} [R{even[1]}.64], R{quad[0]} {{{memory}}}",
        f"LDS{wide} R{quad[0]}, [R{r[1]}] {{{shared}}}",
        f"STS{wide} [R{r[1]}], R{quad[0]} {{{shared}}}",
        f"LDGSTS.E [R{r[0]}], [R{even[1]}.64] {{{memory} | {shared}}}",
        "LDGDEPBAR",
        f"RED.E.ADD.STRONG.GPU [R{even[1]}.64], R{r[0]} {{{memory}}}",
        f"ATOMG.E.ADD.STRONG.GPU PT, R{r[0]}, [R{even[1]}.64], R{r[2]} {{{memory}}}",
        f"ATOMS.ADD R{r[0]}, [R{r[1]}], R{r[2]} {{{shared}}}",
    )
    choice = draw(st.integers(0, 20))
    if choice == 0:
        others = draw(st.sets(_counter, max_size=2))
        text = f"{draw(_control(least=4))} DEPBAR.LE SB{draw(_counter)}, {draw(st.integers(0, 3)):#x}"
        return text + (f", {{{','.join(map(str, sorted(others)))}}}" if others else "")
    if choice == 1:
        return f"{draw(_control(least=2))} MEMBAR.SC.{draw(st.sampled_from(('CTA', 'GPU')))}"
    tracked = choice % 2 == 0
    text = draw(_control(tracked)) + " " + draw(st.sampled_from(variable if tracked else fixed))
    return text + (f" {{mask={draw(st.sampled_from(_MASKS))}}}" if draw(st.integers(0, 5)) == 0 else "")


@st.composite
def _body(draw: st.DrawFn, barriers: int, pc: int) -> tuple[str, int]:
    """Sections with a barrier between them; a section may loop, or jump over a hole in the code."""
    lines = []
    for section in range(barriers + 1):
        times = draw(st.sampled_from((1, 1, 2, 3)))
        lines.append(f".repeat {times}")
        for _ in range(draw(st.integers(1, 7))):
            lines.append(f"/*{pc:04x}*/ {draw(_instruction())}")
            pc += 16
        if draw(st.integers(0, 3)) == 0:
            lines.append(f"/*{pc:04x}*/ [B------:R-:W-:-:S05] BRA 0x{pc + 0x110:x}")
            pc += 0x110
            lines.append(f"/*{pc:04x}*/ {draw(_instruction())}")
            pc += 16
        lines.append(".end")
        if section < barriers:
            lines.append(f"/*{pc:04x}*/ [B------:R-:W-:-:S05] BAR.SYNC.DEFER_BLOCKING 0x0")
            pc += 16
    lines.append(f"/*{pc:04x}*/ [B------:R-:W-:-:S05] EXIT")
    return "\n".join(lines), pc + 16


@st.composite
def listings(draw: st.DrawFn) -> str:
    """A kernel of one to seven warps per CTA, all on one program or on two with the same barriers."""
    warps = draw(st.integers(1, 7))
    barriers = draw(st.integers(0, 2))
    text = f".block {32 * warps - draw(st.sampled_from((0, 0, 5)))} .grid {draw(st.integers(1, 6))}"
    text += f" .registers 48 .shared {draw(st.sampled_from((0, 8192, 40000)))}\n"
    first, pc = draw(_body(barriers, 0))
    if warps == 1 or draw(st.booleans()):
        return text + first
    border = draw(st.integers(0, warps - 2))
    second, _ = draw(_body(barriers, pc))
    return f"{text}.warp 0-{border}\n{first}\n.warp {border + 1}-{warps - 1}\n{second}"


def kernel_of(text: str) -> KernelTrace:
    return parse_listing(text).kernels[0]


_CHIPS: dict[str, Arch] = {}


def two_sms(**overrides: str) -> Arch:
    """An RTX A6000 with two SMs, which take two CTAs each so that places are filled again."""
    name = repr(overrides)
    if name not in _CHIPS:
        keys = {key.replace("__", "."): value for key, value in overrides.items()}
        _CHIPS[name] = load_arch("rtx_a6000", {"sm.count": "2", "sm.max_ctas": "2", **keys})
    return _CHIPS[name]


#: The shipped memory side, and one in which everything is scarce.
MEMORIES = st.sampled_from(({}, SCARCE))


def run(kernel: KernelTrace | KernelStream, arch: Arch | None = None, **options: Any) -> KernelCounters:
    return simulate_kernel(kernel, arch or two_sms(), max_cycles=LIMIT, **options)


def from_l2(kernel: KernelTrace, arch: Arch) -> KernelCounters:
    """The second run of a kernel on a chip, with everything in L2."""
    memory = MemorySide(arch)
    run(kernel, arch, memory=memory)
    result = run(kernel, arch, memory=memory)
    assert result.events["l2.sector_misses"] == 0
    return result


def facts(result: KernelCounters) -> dict[str, Any]:
    """Everything that a run counted, comparable with ==; host time left out."""
    values = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    del values["time"], values["header"]
    hot = values.pop("hotspots")
    for name in ("issued", "threads", "slot_stalls", "warp_states"):
        values[f"hotspots.{name}"] = getattr(hot, name).tolist()
    return values


@examples(120)
@given(listings())
def test_every_cycle_of_a_sub_core_has_one_reason(text: str) -> None:
    kernel = kernel_of(text)
    result = run(kernel)
    slots = result.issue_slots
    assert slots.total == result.cycles * result.sm_count * result.sub_cores
    assert slots.issued + sum(slots.stalls.values()) == slots.total
    assert slots.issued == result.warp_instructions == kernel.warp_instructions
    assert all(count > 0 for count in slots.stalls.values())
    columns = result.hotspots.slot_stalls.sum(axis=0)
    assert int(columns[SELECTED]) == slots.issued
    for reason, name in enumerate(REASON_NAMES):
        if reason in (NO_WARP, NO_CTA):
            assert columns[reason] == 0  # no instruction is to blame
        elif reason != SELECTED:
            assert int(columns[reason]) == slots.stalls.get(name, 0), name


@examples(120)
@given(listings())
def test_every_cycle_of_a_warp_has_one_state(text: str) -> None:
    kernel = kernel_of(text)
    result = run(kernel)
    assert sum(result.warp_states.values()) == result.warp_lifetime
    assert result.warp_states["selected"] == result.warp_instructions
    columns = result.hotspots.warp_states.sum(axis=0)
    assert {name: int(columns[i]) for i, name in enumerate(REASON_NAMES) if columns[i]} == result.warp_states
    assert result.warp_lifetime <= result.sm_active_cycles * 48
    assert result.sm_active_cycles <= result.cycles * result.sm_count


@examples(120)
@given(listings())
def test_what_the_trace_holds_is_issued_and_nothing_else(text: str) -> None:
    kernel = kernel_of(text)
    result = run(kernel)
    issued = np.zeros(len(kernel.static), np.int64)
    threads = np.zeros(len(kernel.static), np.int64)
    for path in kernel.warp_path:
        if path < 0:
            continue
        part = slice(int(kernel.path_offset[path]), int(kernel.path_offset[path + 1]))
        np.add.at(issued, kernel.path_row[part], 1)
        np.add.at(threads, kernel.path_row[part], kernel.path_lanes[part])
    assert result.hotspots.issued.tolist() == issued.tolist()
    assert result.hotspots.threads.tolist() == threads.tolist()
    assert result.warp_instructions == kernel.warp_instructions == int(issued.sum())
    assert result.thread_instructions == kernel.thread_instructions == int(threads.sum())
    assert sum(result.events[f"sm.inst.{name}"] for name in INSTRUCTION_CLASSES) == result.warp_instructions
    assert sum(result.events[f"sm.lanes.{name}"] for name in INSTRUCTION_CLASSES) == result.thread_instructions


@examples(60)
@given(listings())
def test_events_of_one_structure_agree(text: str) -> None:
    kernel = kernel_of(text)
    result = run(kernel)
    e = result.events
    assert e["sm.l1d.sector_hits"] + e["sm.l1d.sector_misses"] == e["sm.l1d.sector_reads"]
    assert e["sm.l1i.misses"] <= e["sm.l1i.accesses"]
    assert e["sm.l1c.misses"] <= e["sm.l1c.accesses"]
    assert e["sm.fetch.instructions"] >= result.warp_instructions + e["sm.fetch.wrong_path"]
    barriers = [i for i, row in enumerate(kernel.static) if row.instruction.opcode == "BAR"]
    assert e["sm.barriers"] == int(result.hotspots.issued[barriers].sum())
    assert 0 < result.occupancy.achieved <= 1


def sectors_of(masks: Any) -> int:
    """Sectors in an array of sector masks."""
    return sum(int(mask).bit_count() for mask in masks)


@examples(60)
@given(listings(), MEMORIES)
def test_what_the_sms_ask_of_the_memory_side_comes_back_once(text: str, scarce: dict[str, str]) -> None:
    arch = two_sms(**scarce)
    side = MemorySide(arch)
    e = run(kernel_of(text), arch, memory=side).events
    header, sector = arch.config.noc.header, arch.config.sm.l1d.sector
    assert sum(count for name, count in e.items() if name.startswith("memory.stage.")) == e["memory.latency"]
    # A request whose sectors L2 has in part is answered in two parts, any other one once.
    assert e["l2.sector_hits"] + e["l2.sector_misses"] == e["l2.sector_reads"]
    split = min(e["l2.sector_hits"], e["l2.sector_misses"])
    assert e["noc.requests"] <= e["noc.replies"] <= e["noc.requests"] + split
    assert e["memory.answers"] <= e["noc.replies"]
    # Sectors that came back: those that L1D and the instruction caches (four a line) lacked.
    asked = e["sm.l1d.sector_misses"] + 4 * e["sm.l1i.misses"]
    assert e["noc.reply_bytes"] == header * e["noc.replies"] + sector * asked
    # Sectors that went out: stores, atomics (which also come back) and reductions (which do not).
    assert e["l2.sector_writes"] == e["sm.l1d.sector_writes"]
    reductions = e["l2.sector_reads"] - asked
    carried, rest = divmod(e["noc.request_bytes"] - header * e["noc.requests"], sector)
    assert rest == 0
    assert 0 <= reductions <= carried - e["l2.sector_writes"] <= e["l2.sector_reads"]
    # Nothing is left behind: every record of a message, of a miss and of a waiter is free again.
    free, m = 0, int(side.free[0])
    while m < len(side.pool):
        free, m = free + 1, int(side.pool[m]["next"])
    assert free == len(side.pool)
    assert not side.parts["events"].any() and (side.slices["head"] == -1).all() and not side.slices["blocked"].any()
    assert not side.tables["taken"].any() and not side.lines["waiting"].any()


@examples(60)
@given(listings(), MEMORIES)
def test_l2_reads_and_writes_dram_once_for_each_sector_that_comes_and_goes(text: str, scarce: dict[str, str]) -> None:
    """An access to GDDR6 is a sector."""
    arch = two_sms(**scarce)
    side = MemorySide(arch)
    e = run(kernel_of(text), arch, memory=side).events
    reads, writes = e["dram.reads"], e["dram.writes"]
    assert writes == e["l2.write_backs"]
    assert reads + writes == e["dram.row_hits"] + e["dram.row_misses"] + e["dram.row_conflicts"]
    assert reads <= e["l2.sector_misses"]
    kept = sectors_of(side.lines["valid"])
    if not scarce:  # no line has gone: what L2 has was fetched, or written whole
        assert writes == 0
        assert reads <= kept <= reads + e["l2.sector_writes"]
    again = run(kernel_of(text), arch, memory=side).events
    if not scarce:  # what is fetched the second time was written in part the first time, and not read
        assert again["dram.reads"] <= sectors_of(side.lines["dirty"])
    assert again["noc.requests"] > 0


@examples(60)
@given(listings(), MEMORIES)
def test_skipping_idle_time_changes_nothing(text: str, scarce: dict[str, str]) -> None:
    kernel, arch = kernel_of(text), two_sms(**scarce)
    assert facts(run(kernel, arch, skip_idle=True)) == facts(run(kernel, arch, skip_idle=False))


@examples(60)
@given(listings(), MEMORIES, st.sampled_from((1, 7, 33)))
def test_shorter_quanta_change_nothing_and_neither_do_threads(text: str, scarce: dict[str, str], quantum: int) -> None:
    kernel, arch = kernel_of(text), two_sms(**scarce)
    whole = facts(run(kernel, arch))
    assert facts(run(kernel, arch, quantum=quantum)) == whole
    assert facts(run(kernel, arch, threads=2)) == whole


@examples(16)
@given(listings(), st.sampled_from((1, 37, 500)))
def test_the_length_of_a_slice_changes_nothing(text: str, length: int) -> None:
    kernel = kernel_of(text)
    whole = facts(run(kernel))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "SLICE", length)
        assert facts(run(kernel)) == whole


@examples(20)
@given(listings())
def test_the_same_run_twice_gives_the_same_and_so_does_a_followed_one(text: str) -> None:
    kernel = kernel_of(text)
    once = facts(run(kernel))
    assert facts(run(kernel)) == once
    watched = facts(run(kernel, follow=Follow(0, -1)))
    assert watched.pop("follow")
    assert once.pop("follow") == []
    assert watched == once


@examples(12)
@given(listings())
def test_every_policy_finishes_the_same_work(text: str) -> None:
    kernel = kernel_of(text)
    work = facts(run(kernel))
    variants = [{"sm__issue__policy": policy} for policy in ("gto", "lrr", "two_level")]
    variants += [{"sm__issue__policy": "two_level", "sm__issue__two_level_active": "1"}]
    variants += [{"sm__frontend__fetch_policy": policy} for policy in ("youngest", "oldest", "round_robin")]
    variants += [{"sm__issue__dependence": "scoreboard"}]
    variants += [{"sm__issue__dependence": "scoreboard", "sm__issue__scoreboard_consumers": "1"}]
    variants += [{"sm__frontend__perfect": "true"}, {"sm__frontend__prefetch_lines": "0"}]
    variants += [{"sm__register_file__ideal": "true"}, {"sm__register_file__read_order": "in_order"}]
    for overrides in variants:
        result = facts(run(kernel, two_sms(**overrides)))
        for name in ("warp_instructions", "thread_instructions", "hotspots.issued", "hotspots.threads"):
            assert result[name] == work[name], overrides
        slots = result["issue_slots"]
        assert slots.issued + sum(slots.stalls.values()) == slots.total, overrides
        assert sum(result["warp_states"].values()) == result["warp_lifetime"], overrides


@examples(60)
@given(listings())
def test_no_server_is_busy_for_longer_than_the_kernel_lasts(text: str) -> None:
    kernel = kernel_of(text)
    arch = two_sms()
    result = run(kernel, arch)
    time = result.cycles * result.sm_count
    assert result.events["sm.shared.cycles"] <= time
    assert result.events["sm.l1d.tag_lookups"] <= time * arch.config.sm.l1d.tag_lookups
    ahead = 2 * result.sm_count * arch.config.sm.frontend.l0_l1_latency  # requests for code that is not needed any more
    assert result.events["noc.request_bytes"] <= (time + ahead) * arch.config.noc.request_bandwidth
    ports = arch.config.sm.register_file
    lanes = time * result.sub_cores * ports.banks
    assert result.events["sm.rf.reads"] <= lanes * ports.read_ports
    assert result.events["sm.rf.writes"] <= lanes * ports.write_ports


STORES = """
.repeat 100
[B------:R-:W-:-:S01] {store}
.end
"""


def test_stores_take_the_sms_port_to_the_crossbar(ampere_sm: OneSm) -> None:
    """100 stores of 32 sectors are 3,200 messages of 40 bytes, a cycle each."""
    run = ampere_sm.listing(STORES.format(store="STG.E [R4.64], R9 {0x1000 + 128*lane}")).counters
    assert run.events["noc.request_bytes"] == 3200 * 40 + 8 * run.events["sm.l1i.misses"]
    assert run.cycles >= 3200


def test_stores_with_bank_conflicts_keep_the_sm_as_long_as_the_banks(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing(STORES.format(store="STS [R4], R9 {128*lane}")).counters
    assert run.events["sm.shared.cycles"] == 3200
    assert run.cycles >= 3200


@pytest.mark.parametrize("key", ["noc__request_latency", "noc__reply_latency", "l2__latency"])
def test_a_longer_way_to_l2_costs_each_dependent_load_exactly_that(key: str) -> None:
    text = """
        .repeat 20
        [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x10000 + 4096*iter}
        [B0-----:R-:W-:-:S05] IMAD.MOV.U32 R4, RZ, RZ, R2
        .end
    """
    kernel = kernel_of(text)
    near, far = (two_sms(sm__frontend__perfect="true", **{key: f"{cycles} cycles"}) for cycles in (64, 81))
    assert from_l2(kernel, far).cycles == from_l2(kernel, near).cycles + 20 * 17


def test_a_stream_of_loads_is_limited_by_the_reply_port() -> None:
    """6,400 answers of one sector, 40 B each."""
    text = """
        .repeat 200
        [B------:R-:W-:-:S01] LDG.E R2, [R4.64] {0x10000 + 128*lane + 4096*iter}
        .end
    """
    kernel = kernel_of(text)
    narrow = from_l2(kernel, two_sms(noc__reply_bandwidth="20 B/cycle")).cycles
    wide = from_l2(kernel, two_sms(noc__reply_bandwidth="40 B/cycle")).cycles
    assert 6400 * 2 <= narrow <= 6400 * 2 + 1000
    assert 6400 <= wide < narrow


def test_a_warp_never_waits_for_others_that_thrash_its_constant_line() -> None:
    """More warps than ways miss in one set of the L0 constant cache at once, and all of them get their operand."""
    text = ".block 160\n"
    for i in range(5):
        text += f".warp {i}\n/*{64 * i:04x}*/ [B------:R-:W-:-:S01] FADD R8, R9, c[0x0][{0x100 * (i + 1):#x}]\n"
        text += "[B------:R-:W-:-:S01] EXIT\n"
    kernel = kernel_of(text)
    result = simulate_kernel(kernel, load_arch("rtx_a6000", {"sm.count": "1", "sm.sub_cores": "1"}), max_cycles=5000)
    assert result.warp_instructions == 10


MORE = "\n".join(f"[B------:R-:W-:-:S01] FADD R{40 + i}, R41, R50" for i in range(4))


@pytest.mark.parametrize(
    ("chip", "overrides", "sass"),
    [
        ("rtx_a6000", {}, "HMMA.SP.16832.F32 R0, R4, R8, R12, R16, 0x0"),
        ("a100_sxm_80", {}, "DMMA.884 R0, R4, R8, R12"),
        ("h100_pcie", {}, "DMMA.16816 R0, R4, R24, R32"),
        ("a100_sxm_80", {"sm.register_file.banks": "1"}, "DADD R0, R4, R8"),
        ("rtx_a6000", {"sm.register_file.read_window": "2 cycles"}, "FFMA R0, R4, R8, R12"),
        ("rtx_a6000", {"sm.register_file.read_window": "1 cycle"}, "FFMA R0, R4, R8, R12"),
    ],
)
def test_an_instruction_with_more_reads_than_its_window_is_read_late_not_never(
    chip: str, overrides: dict[str, str], sass: str
) -> None:
    arch = load_arch(chip, {"sm.count": "1", **overrides})
    header = f".sm {arch.config.isa[3:]}\n"
    kernel = kernel_of(f"{header}[B------:R-:W-:-:S01] {sass}\n{MORE}")
    assert simulate_kernel(kernel, arch, max_cycles=5000).warp_instructions == 6


def test_shared_loads_with_conflicts_never_outgrow_the_table_of_requests(ampere_sm: OneSm) -> None:
    """Loads arrive faster than 32-way conflicts let them go; nothing may be lost or overwritten."""
    text = ".repeat 900\n[B------:R-:W-:-:S01] LDS R9, [R4] {128*lane}\n.end"
    run = ampere_sm.listing(text).counters
    assert run.events["sm.shared.requests"] == 900
    assert run.cycles >= 900 * 32


def test_an_empty_cta_takes_its_dispatch_and_nothing_else() -> None:
    """A trace may hold CTAs none of whose warps executed anything."""
    kernel = kernel_of(".grid 3\n[B------:R-:W-:-:S01] FADD R8, R9, R10\n")
    alone = run(kernel, two_sms(sm__count="1")).cycles
    hollow = dataclasses.replace(kernel, warp_path=np.array([0, -1, -1], np.int32))
    assert run(hollow, two_sms(sm__count="1")).cycles <= alone
    one_at_a_time = two_sms(sm__max_ctas="1", sm__count="1")
    dispatch = one_at_a_time.config.dispatch.cta_latency
    assert alone <= run(hollow, one_at_a_time).cycles <= alone + 2 * dispatch


def test_a_warp_does_not_inherit_the_operand_cache_of_the_warp_that_had_its_slot() -> None:
    text = """
        .grid {ctas}
        [B------:R-:W-:-:S01] FADD R8, R9, R10
        [B------:R-:W-:-:S01] FADD R8, R9.reuse, R10
    """
    arch = two_sms(sm__count="1", sm__max_ctas="1")
    for ctas in (1, 3):
        kernel = kernel_of(text.format(ctas=ctas))
        assert run(kernel, arch).events["sm.rfc.hits"] == 0


def test_an_unknown_memory_opcode_does_not_shift_the_addresses_of_the_others(ampere_sm: OneSm) -> None:
    run = ampere_sm.listing("""
        [B------:R-:W-:-:S02] REDG.E.ADD [R4.64], R9 {0x1000 + 128*lane}
        [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x9000 + 4*lane}
    """).counters
    assert run.warnings
    assert run.events["sm.l1d.sector_reads"] == 4


@pytest.mark.parametrize("sass", ["MUFU.RCP R8, R30", "DADD R8, R30, R32"])
def test_a_waiter_waits_although_its_producer_was_held_in_control(ampere_sm: OneSm, sass: str) -> None:
    """The unit's queue is full, so the producer rests in Control; its counter must be seen two cycles after issue."""
    others = "\n".join(f"[B------:R-:W-:-:S01] {sass.replace('R8', f'R{40 + 2 * i}')}" for i in range(5))
    run = ampere_sm.listing(f"""
        {others}
        /*0080*/ [B------:R-:W0:-:S02] {sass}
        /*0090*/ [B0-----:R-:W-:-:S01] FADD R20, R8, R21
    """)
    (down,) = [e.cycle for e in run.events("counter down")]
    assert run.issued("FADD") >= down


def test_a_counter_that_rises_while_the_warp_is_passed_over_holds_it(chip: Chip) -> None:
    """The wait mask is checked at issue (§1.5), not once and for all in the first cycle in which it is clear."""
    overrides = {"sm.issue.policy": "lrr", "sm.sub_cores": "1", "sm.frontend.perfect": "true"}
    overrides["sm.frontend.fetch_policy"] = "oldest"
    others = "[B------:R-:W-:-:S01] NOP\n" * 99
    run = chip("rtx_a6000", overrides).listing(f"""
        .block 64
        .warp 0
        [B------:R-:W-:Y:S00] NOP
        [B------:R-:W0:-:S01] LDS R2, [R4]
        [B0-----:R-:W-:-:S01] FADD R8, R2, R9
        .warp 1
        {others}
    """)
    (down,) = [e.cycle for e in run.events("counter down", "LDS")]
    load = run.issued("LDS")
    assert load + 1 in run.issues(warp=1)  # the other warp took the cycle in which the counter was not yet up
    assert run.issued("FADD") == down == load + 24
