"""Shared memory, L1D and constant caches against closed forms: what a stream of accesses must take, to the cycle (§7).

A kernel of one CTA lasts from cycle 0 to the cycle after its last warp is done. The first instruction issues in cycle
2, a stream then runs at the pace of its slowest server, and the last access adds what lies behind that server.
"""

import itertools

import pytest

from sim.gpu.occupancy import fit
from sim.trace.listing import parse_listing
from tests.gpu.conftest import Chip, OneSm, Run

S1 = "[B------:R-:W-:-:S01] "
FIRST = 2  # cycle of the first issue
DONE = 1  # the last access is done, the warp is seen to have ended a cycle later

# Table 2 (regular address): issue to leaving the sub-core, and what a load takes from there to its register link.
LDG_LEAVES, STG_LEAVES, LDS_LEAVES, STS_LEAVES, STS_128_LEAVES = 11, 14, 9, 12, 18
LDG_L1 = 32 - LDG_LEAVES - 2


def warm(chip: Chip, **overrides: str) -> OneSm:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    return chip("rtx_a6000", {"sm.frontend.perfect": "true", **keys})


@pytest.fixture(scope="module")
def sm(chip: Chip) -> OneSm:
    return warm(chip)


def lines(instruction: str, count: int) -> str:
    """Straight-line code; `{n}` is the number of the instruction."""
    return "\n".join(S1 + instruction.replace("{n}", str(n)) for n in range(count))


def looped(instruction: str, count: int, warps: int) -> str:
    return f".block {32 * warps}\n.repeat {count}\n{S1}{instruction}\n.end"


# --- ports to the crossbar -------------------------------------------------------------------------------------------
HEADER, SECTOR = 8, 32


def passing(sectors: int, width: int) -> int:
    """Cycles that a message with so many sectors takes of a port of `width` bytes."""
    return -(-(HEADER + SECTOR * sectors) // width)


@pytest.mark.parametrize("width", [8, 17, 34, 40, 67])
def test_a_stream_of_stores_takes_the_cycles_of_its_messages_on_the_request_port(chip: Chip, width: int) -> None:
    """80 stores of 128 B, a message of 136 B each: 17, 8, 4, 4 and 3 cycles."""
    text = looped("STG.E [R2.64], R4 {0x1000 + 4*lane + 128*warp + 4096*iter}", 20, 4)
    run = warm(chip, noc__request_bandwidth=f"{width} B/cycle").listing(text).counters
    assert run.events["noc.requests"] == 80
    assert run.events["noc.request_bytes"] == 80 * (HEADER + 4 * SECTOR)
    assert run.cycles == FIRST + STG_LEAVES + 80 * passing(4, width) + DONE


def test_scattered_stores_send_whole_sectors(chip: Chip) -> None:
    """32 lanes in 32 lines are 32 messages of 40 B, a cycle each, for 128 B that are stored."""
    text = looped("STG.E [R2.64], R4 {0x1000 + 128*lane + 4096*iter}", 20, 1)
    run = warm(chip, noc__credits="256").listing(text).counters
    assert run.events["sm.l1d.sector_writes"] == 20 * 32
    assert run.events["noc.request_bytes"] == 20 * 32 * (HEADER + SECTOR)
    assert run.cycles == FIRST + STG_LEAVES + 20 * 32 * passing(1, 40) + DONE


@pytest.mark.parametrize("credits", [1, 2, 5])
def test_as_many_stores_are_under_way_as_there_are_credits(chip: Chip, credits: int) -> None:
    """A credit is taken in the lookup; its slice gives it back in the cycle after it has taken the store."""
    sm = warm(chip, noc__credits=str(credits))
    noc = sm.arch.config.noc
    sent = passing(4, noc.request_bandwidth) - 1
    held = sent + noc.request_latency + 1 + noc.reply_latency
    run = sm.listing(lines("STG.E [R2.64], R4 {0x1000 + 4*lane}", 12))
    lookups: list[int] = []
    stalls = 0
    for n in range(12):
        tried = max(FIRST + STG_LEAVES + 4 * n, lookups[-1] + 1 if lookups else 0)
        lookups.append(max(tried, lookups[n - credits] + held) if n >= credits else tried)
        stalls += lookups[n] - tried
    assert run.counters.events["sm.l1d.stalls"] == stalls
    assert run.counters.cycles == lookups[-1] + sent + 1 + DONE


@pytest.mark.parametrize("width", [8, 17, 34, 40])
def test_a_stream_of_loads_takes_the_cycles_of_its_answers_on_the_reply_port(chip: Chip, width: int) -> None:
    """40 loads of 512 B, none twice: 160 lines from L2, and around them the ways of the first and of the last one."""
    text = looped("LDG.E.128 R4, [R2.64] {0x100000 + 16*lane + 512*warp + 4096*iter}", 10, 4)
    sm = warm(chip, noc__reply_bandwidth=f"{width} B/cycle")
    run = sm.from_l2(text).counters
    assert run.events["noc.replies"] == 160
    assert run.events["noc.reply_bytes"] == 160 * (HEADER + 4 * SECTOR)
    noc, l2 = sm.arch.config.noc, sm.arch.config.l2
    first = LDG_L1 + noc.request_latency + l2.latency + passing(4, l2.port_bandwidth) - 1 + noc.reply_latency
    link = 512 // sm.arch.config.sm.register_file.link
    assert run.cycles == FIRST + LDG_LEAVES + first + 160 * passing(4, width) - 1 + link + DONE


def test_a_load_takes_each_sector_from_l2_once(chip: Chip) -> None:
    """Sector by sector: the second quarter of a line misses although the first is there, and only then."""
    sm = warm(chip)
    text = "\n".join(f"{S1}LDG.E R{10 + n}, [R2.64] {{0x1000 + {32 * (n % 4)}}}" for n in range(12))
    events = sm.listing(text).counters.events
    assert events["sm.l1d.sector_misses"] == 4
    assert events["sm.l1d.sector_hits"] == 8
    assert events["noc.requests"] == events["noc.replies"] == 4
    assert events["noc.reply_bytes"] == 4 * (HEADER + SECTOR)


# --- shared memory ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 7, 40])
def test_stores_with_32_way_conflicts_take_32_cycles_each(sm: OneSm, count: int) -> None:
    run = sm.listing(looped("STS [R2], R4 {0x0 + 128*lane}", count, 1)).counters
    assert run.events["sm.shared.cycles"] == 32 * count
    assert run.cycles == FIRST + STS_LEAVES + 32 * count + DONE


@pytest.mark.parametrize("warps", [1, 2, 4])
def test_conflicts_of_all_sub_cores_add_up(sm: OneSm, warps: int) -> None:
    """There is one array."""
    run = sm.listing(looped("STS [R2], R4 {0x0 + 128*lane}", 12, warps)).counters
    assert run.cycles == FIRST + STS_LEAVES + 32 * 12 * warps + DONE


@pytest.mark.parametrize("count", [1, 7, 40])
@pytest.mark.parametrize("degree", [4, 8, 16, 32])
def test_loads_with_conflicts_take_their_degree_each(sm: OneSm, degree: int, count: int) -> None:
    """24 cycles for the last one (two of them on the link, beside the array), behind the cycles of all of them."""
    run = sm.listing(looped(f"LDS R4, [R2] {{0x0 + {4 * degree}*lane}}", count, 1)).counters
    assert run.events["sm.shared.cycles"] == degree * count
    assert run.cycles == FIRST + 24 - 2 + degree * count + DONE


@pytest.mark.parametrize("count", [1, 10, 40])
def test_wide_stores_move_128_bytes_a_cycle(sm: OneSm, count: int) -> None:
    """Four sub-cores store 512 B at a time."""
    run = sm.listing(looped("STS.128 [R2], R4 {0x0 + 16*lane}", count, 4)).counters
    assert run.events["sm.shared.cycles"] == 4 * 4 * count
    assert run.cycles == FIRST + STS_128_LEAVES + 4 * 4 * count + DONE


@pytest.mark.parametrize("warps", [2, 4, 8])
def test_accesses_without_conflicts_go_at_the_pace_of_the_port(sm: OneSm, warps: int) -> None:
    """One in two cycles for the whole SM."""
    count = 24
    run = sm.listing(f".block {32 * warps}\n" + lines("STS [R2], R4", count)).counters
    assert run.cycles == FIRST + STS_LEAVES + 2 * (count * warps - 1) + 1 + DONE


def test_a_sub_core_alone_goes_at_the_pace_of_its_five_places(sm: OneSm) -> None:
    """A store leaves two cycles after the one before it, and twelve after the issue that its place was kept for."""
    run = sm.listing(lines("STS [R2], R4", 24))
    leaves: list[int] = []
    for n in range(24):
        issue = leaves[n - 5] if n >= 5 else FIRST + n
        leaves.append(max(issue + STS_LEAVES, leaves[-1] + 2 if leaves else 0))
    assert [e.cycle for e in run.events("left the memory unit")] == leaves
    assert leaves[-1] == FIRST + STS_LEAVES + 4 * 12 + 3 * 2  # five in twelve cycles


def test_a_broadcast_is_no_conflict_and_an_atomic_on_one_word_is(sm: OneSm) -> None:
    assert sm.listing(S1 + "LDS R4, [R2] {0x40}").counters.events["sm.shared.cycles"] == 1
    assert sm.listing(S1 + "ATOMS.ADD R4, [R2], R5 {0x40}").counters.events["sm.shared.cycles"] == 32


def test_lanes_that_are_off_conflict_with_nobody(sm: OneSm) -> None:
    run = sm.listing(S1 + "STS [R2], R4 {0x0 + 128*lane} {mask=0x0000000f}").counters
    assert run.events["sm.shared.cycles"] == 4
    assert run.cycles == FIRST + STS_LEAVES + 4 + DONE


# --- L1D hits --------------------------------------------------------------------------------------------------------
def pace(sm: OneSm, place: str, suffix: str, warps: int) -> int:
    """Cycles that 20 loads more per warp take when everything hits."""

    def cycles(count: int) -> int:
        load = f"LDG.E{suffix} R4, [R2.64] {{{place}}}"
        first = f"[B------:R-:W0:-:S02] {load}\n[B0-----:R-:W-:-:S02] BAR.SYNC 0x0"
        run = sm.listing(f".block {32 * warps}\n{first}\n{lines(load, count)}").counters
        assert run.events["sm.l1d.sector_misses"] * (count + 1) * warps <= run.events["sm.l1d.sector_reads"]
        return run.cycles

    return cycles(40) - cycles(20)


@pytest.mark.parametrize(
    ("suffix", "stride", "warps", "each"),
    [
        ("", 4, 1, 4),  # an address calculation takes four cycles
        ("", 4, 2, 2),  # the SM's port takes one in two cycles
        ("", 4, 4, 2),
        (".64", 8, 1, 4),  # 256 B over a link of 64 B per cycle
        (".64", 8, 4, 2),  # 256 B out of L1D at 128 B per cycle, and the port
        (".128", 16, 1, 8),  # 512 B over the link
        (".128", 16, 2, 4),  # 512 B out of L1D
        (".128", 16, 4, 4),
        ("", 128, 1, 8),  # 32 lines, four lookups a cycle; 32 sectors, four a cycle
        ("", 128, 4, 8),
    ],
)
def test_hits_go_at_the_pace_of_the_slowest_server(sm: OneSm, suffix: str, stride: int, warps: int, each: int) -> None:
    assert pace(sm, f"0x100000 + {stride}*lane", suffix, warps) == 20 * warps * each


@pytest.mark.parametrize(
    ("lookups", "bandwidth", "each"),
    [(1, 128, 32), (2, 128, 16), (32, 128, 8), (32, 64, 16), (8, 32, 32), (32, 1024, 4)],
)
def test_scattered_hits_take_their_lookups_or_their_sectors_whichever_is_more(
    chip: Chip, lookups: int, bandwidth: int, each: int
) -> None:
    """32 lines and 32 sectors; with enough of both, the address calculation of four cycles is left."""
    sm = warm(chip, sm__l1d__tag_lookups=str(lookups), sm__l1d__bandwidth=f"{bandwidth} B/cycle")
    assert pace(sm, "0x100000 + 128*lane", "", 1) == 20 * each


def test_a_store_does_not_bring_a_line_unless_told_to(chip: Chip) -> None:
    text = f"""
        [B------:R0:W-:-:S02] STG.E [R2.64], R4 {{0x1000 + 4*lane}}
        [B0-----:R-:W0:-:S02] LDG.E R8, [R2.64] {{0x1000 + 4*lane}}
        [B0-----:R-:W-:-:S01] FADD R9, R8, R10
        {S1}EXIT
    """
    assert warm(chip).listing(text).counters.events["sm.l1d.sector_misses"] == 4
    assert warm(chip, sm__l1d__allocate_on_write="true").listing(text).counters.events["sm.l1d.sector_misses"] == 0


@pytest.mark.parametrize(("different", "misses"), [(1, 1), (2, 2), (3, 12)])
def test_lines_of_one_set_evict_the_least_recently_used(chip: Chip, different: int, misses: int) -> None:
    """Two ways, a walk through one, two and three lines: with three, the next one is always the one just evicted."""
    sm = warm(chip, sm__l1d__ways="2")
    header = parse_listing(S1 + "NOP").kernels[0].header
    step = fit(header, sm.arch).l1d_bytes // 2
    wait = "[B0-----:R-:W0:-:S02] "
    text = "\n".join(f"{wait}LDG.E R8, [R2.64] {{{0x1000 + step * (n % different):#x}}}" for n in range(12))
    assert sm.listing(text).counters.events["sm.l1d.sector_misses"] == misses


def test_a_strong_load_of_device_scope_never_hits(sm: OneSm) -> None:
    for scope, misses in (("STRONG.GPU", 3), ("STRONG.SYS", 3), ("STRONG.SM", 1), ("CONSTANT", 1)):
        load = f"[B0-----:R-:W0:-:S02] LDG.E.{scope} R8, [R2.64] {{0x1000}}"
        assert sm.listing("\n".join([load] * 3)).counters.events["sm.l1d.sector_misses"] == misses


# --- limits on what is under way -------------------------------------------------------------------------------------
def finished(run: Run, text: str) -> list[int]:
    """Cycles from which the loads' counters have fallen."""
    return [e.cycle for e in run.events("counter down", text)]


@pytest.mark.parametrize(
    ("mshrs", "sectors", "at_once"), [(4, 1, 4), (5, 1, 5), (4, 4, 1), (7, 4, 1), (8, 4, 2), (7, 2, 3)]
)
def test_as_many_sectors_are_under_way_as_there_are_miss_registers(
    chip: Chip, mshrs: int, sectors: int, at_once: int
) -> None:
    """A sector's register is taken from the lookup until it has come: through L1, and from L2. A line goes whole."""
    sm = warm(chip, sm__l1d__mshrs=str(mshrs))
    held = LDG_L1 + sm.l2_trip(sectors)
    load = "[B------:R-:W0:-:S01] LDG.E R8, [R2.64] {{{:#x} + {}*lane}}"
    run = sm.from_l2("\n".join(load.format(0x1000 + 128 * n, {1: 0, 2: 1, 4: 4}[sectors]) for n in range(9)))
    assert run.counters.events["sm.l1d.sector_misses"] == 9 * sectors
    leaves = FIRST + LDG_LEAVES
    # The first ones leave four cycles apart; each later one looks up when the one `at_once` before it has come.
    lookups = [leaves + 4 * n for n in range(at_once)]
    stalls = 0
    for n in range(at_once, 9):
        lookups.append(lookups[n - at_once] + held)
        stalls += lookups[n] - max(leaves + 4 * n, lookups[n - 1] + 1)  # it waits at the head of L1D
    assert finished(run, "LDG") == [start + held + 2 for start in lookups]
    assert run.counters.events["sm.l1d.stalls"] == stalls


def test_with_enough_miss_registers_nothing_waits_for_one(sm: OneSm) -> None:
    run = sm.listing("\n".join(f"{S1}LDG.E R8, [R2.64] {{{0x1000 + 128 * n:#x}}}" for n in range(9)))
    assert run.counters.events["sm.l1d.stalls"] == 0


def test_a_full_table_of_pending_requests_throttles_issue(chip: Chip) -> None:
    """Two entries: the third load leaves its sub-core when the first is done, and the eighth issues only then."""
    sm = warm(chip, sm__memory__pending_requests="2")
    run = sm.from_l2("\n".join(f"[B------:R-:W0:-:S01] LDG.E R8, [R2.64] {{{0x1000 + 128 * n:#x}}}" for n in range(10)))
    lasts = 32 - LDG_LEAVES + sm.l2_trip()
    leaves = [13, 17]
    for n in range(2, 10):
        leaves.append(max(leaves[n - 1] + 4, leaves[n - 2] + lasts))
    assert [e.cycle for e in run.events("left the memory unit")] == leaves
    assert finished(run, "LDG") == [cycle + lasts for cycle in leaves]
    # Five places in the sub-core: load n + 5 issues when load n leaves.
    assert run.issues("LDG") == [2, 3, 4, 5, 6, *leaves[:5]]
    states = {e.detail for e in run.events("state") if 7 <= e.cycle < leaves[2] and e.detail != "selected"}
    assert states == {"lg_throttle"}


def test_shared_memory_accesses_that_fill_the_queue_are_throttled_under_another_name(sm: OneSm) -> None:
    run = sm.listing(lines("LDS R4, [R2]", 8))
    assert run.issues("LDS") == [2, 3, 4, 5, 6, 11, 13, 15]
    assert run.counters.warp_states["mio_throttle"] == 4 + 1 + 1
    assert "lg_throttle" not in run.counters.warp_states


# --- constants -------------------------------------------------------------------------------------------------------
def loaded(sm: OneSm, *offsets: int) -> list[int]:
    """Latencies of LDC one after the other, from issue to consumer; the constants are in L2."""
    wait = "[B0-----:R-:W-:-:S15] NOP\n"
    run = sm.from_l2("\n".join(f"[B------:R-:W0:-:S02] LDC R8, c[0x3][{offset:#x}]\n{wait}" for offset in offsets))
    return [nop - ldc for ldc, nop in zip(run.issues("LDC"), run.issues("NOP"), strict=True)]


def test_ldc_hits_after_26_cycles_and_misses_by_the_trip_to_l1(sm: OneSm) -> None:
    """A line of 128 B that the SM lacks comes from L2; its second half is then in L1."""
    cold = sm.l2_trip(sectors=4)
    assert loaded(sm, 0x100, 0x104, 0x140, 0x17C, 0x100) == [26 + 79 + cold, 26, 26 + 79, 26, 26]


@pytest.mark.parametrize(("different", "misses"), [(8, 8), (9, 27)])
def test_ldc_keeps_eight_lines_of_a_set(sm: OneSm, different: int, misses: int) -> None:
    """2 KiB in lines of 64 B and eight ways: lines 256 B apart share a set."""
    text = "\n".join(f"[B0-----:R-:W0:-:S02] LDC R8, c[0x3][{256 * n:#x}]" for _ in range(3) for n in range(different))
    assert sm.listing(text).counters.events["sm.l1c.misses"] == misses


def test_a_load_of_a_constant_line_on_its_way_waits_for_that_line(sm: OneSm) -> None:
    run = sm.listing("""
        [B------:R-:W0:-:S02] LDC R8, c[0x3][0x100]
        [B------:R-:W1:-:S02] LDC R9, c[0x3][0x104]
        [B0-----:R-:W-:-:S02] NOP
        [B-1----:R-:W-:-:S01] FADD R9, R9, R10
    """)
    assert run.counters.events["sm.l1c.misses"] == 1
    assert run.issued("FADD") - run.issued("NOP") == 2


def test_a_constant_operand_waits_79_cycles_for_the_l1_and_nothing_when_it_is_there(sm: OneSm) -> None:
    """The first one also waits for its line from L2, which holds the second one's too."""
    cold = sm.l2_trip(sectors=4)
    run = sm.from_l2("\n".join(f"{S1}FMUL R{8 + n}, R9, c[0x0][{o:#x}]" for n, o in enumerate((0x100, 0x104, 0x140))))
    assert run.issues("FMUL") == [2 + 79 + cold, 3 + 79 + cold, 4 + 79 + cold + 79]
    assert run.counters.warp_states["imc_miss"] == 79 + cold + 79
    assert run.counters.events["sm.l0c.misses"] == 2
    assert run.counters.events["sm.l0c.hits"] == 3


@pytest.mark.parametrize(("different", "misses"), [(1, 1), (2, 2), (3, 12)])
def test_three_lines_in_a_two_way_set_thrash_and_finish(sm: OneSm, different: int, misses: int) -> None:
    """512 B in lines of 64 B and two ways: lines 256 B apart share a set."""
    text = "\n".join(f"{S1}FMUL R8, R9, c[0x0][{256 * (n % different):#x}]" for n in range(12))
    run = sm.listing(text)
    assert len(run.issues("FMUL")) == 12
    assert run.counters.events["sm.l0c.misses"] == misses
    if different == 3:
        assert [b - a for a, b in itertools.pairwise(run.issues("FMUL"))][3:] == [80] * 8


@pytest.mark.parametrize("warps", [3, 5, 8])
def test_warps_that_thrash_a_set_of_one_sub_core_all_get_their_constant(chip: Chip, warps: int) -> None:
    """More warps than ways miss in one set at the same time, again and again."""
    sm = warm(chip, sm__sub_cores="1")
    text = f".block {32 * warps}\n"
    for i in range(warps):
        body = f"{S1}FMUL R8, R9, c[0x0][{256 * i:#x}]\n" * 4
        text += f".warp {i}\n/*{0x100 * i:04x}*/ {body}{S1}EXIT\n"
    run = sm.listing(text)
    assert [len(run.issues("FMUL", warp=w)) for w in range(warps)] == [4] * warps
