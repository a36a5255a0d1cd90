"""The memory pipeline of the Ampere core against Tables 1 and 2 of the MICRO'25 paper, cell by cell (§7.1, §7.2)."""

import pytest

from tests.gpu.conftest import Chip, OneSm, Run


@pytest.fixture(scope="module")
def warm(chip: Chip) -> OneSm:
    """A perfect front end, so that only loads and constants wait for what lies behind the SM."""
    return chip("rtx_a6000", {"sm.frontend.perfect": "true"})


# Table 1: cycle at which the n-th load of each active sub-core issues, by number of active sub-cores.
TABLE_1: dict[int, list[tuple[int, ...]]] = {
    1: [(2,), (3,), (4,), (5,), (6,), (13,), (17,), (21,), (25,), (29,)],
    2: [(2,), (3,), (4,), (5,), (6,), (13, 15), (17, 19), (21, 23), (25, 27), (29, 31)],
    3: [(2,), (3,), (4,), (5,), (6,), (13, 15, 17), (19, 21, 23), (25, 27, 29), (31, 33, 35), (37, 39, 41)],
    4: [
        (2,), (3,), (4,), (5,), (6,), (13, 15, 17, 19), (21, 23, 25, 27), (29, 31, 33, 35), (37, 39, 41, 43),
        (45, 47, 49, 51),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def table_1(warm: OneSm) -> dict[int, list[list[int]]]:
    """Simulated issue cycles [sub-cores][n]: sorted cycles of the n-th load over the sub-cores, first load at 2."""
    found = {}
    for active in TABLE_1:
        loads = "\n".join(f"[B------:R0:W1:-:S01] LDG.E R{20 + 2 * n}, [R2.64] {{0x1000}}" for n in range(10))
        run = warm.listing(f".block {32 * active}\n{loads}")
        issues = [run.issues("LDG", warp=w) for w in range(active)]
        first = min(cycles[0] for cycles in issues)
        found[active] = [sorted(cycles[n] - first + 2 for cycles in issues) for n in range(10)]
    return found


@pytest.mark.parametrize("active", TABLE_1)
@pytest.mark.parametrize("n", range(1, 11))
def test_table_1(table_1: dict[int, list[list[int]]], active: int, n: int) -> None:
    expected = TABLE_1[active][n - 1]
    assert table_1[active][n - 1] == sorted(expected * active if len(expected) == 1 else expected)


# Table 2: (instruction, address): ((WAR 32/64/128), (RAW 32/64/128)); the address decides uniform or regular.
ADDRESS = {
    ("LDG", "uniform"): "[UR4]", ("LDG", "regular"): "[R2.64]", ("STG", "uniform"): "[UR4]",
    ("STG", "regular"): "[R2.64]", ("LDS", "uniform"): "[UR4]", ("LDS", "regular"): "[R2]",
    ("STS", "uniform"): "[UR4]", ("STS", "regular"): "[R2]",
}  # fmt: skip
WAR = {
    ("LDG", "uniform"): (9, 9, 9), ("LDG", "regular"): (11, 11, 11), ("STG", "uniform"): (10, 12, 16),
    ("STG", "regular"): (14, 16, 20), ("LDS", "uniform"): (9, 9, 9), ("LDS", "regular"): (9, 9, 9),
    ("STS", "uniform"): (10, 12, 16), ("STS", "regular"): (12, 14, 18),
}  # fmt: skip
RAW = {
    ("LDG", "uniform"): (29, 31, 35), ("LDG", "regular"): (32, 34, 38),
    ("LDS", "uniform"): (23, 23, 25), ("LDS", "regular"): (24, 24, 26),
}  # fmt: skip
SUFFIX = ("", ".64", ".128")


def memory_instruction(opcode: str, address: str, width: int) -> str:
    place = ADDRESS[opcode, address]
    name = f"{opcode}.E{SUFFIX[width]}" if opcode in ("LDG", "STG") else f"{opcode}{SUFFIX[width]}"
    note = "{0x1000 + 4*lane}" if opcode in ("LDG", "STG") else "{0x0 + 4*lane}"
    return f"{name} R20, {place} {note}" if opcode.startswith("L") else f"{name} {place}, R20 {note}"


def wait_for(sm: OneSm, text: str, counter: str, mask: str) -> Run:
    """A first access warms the line; the second one's counter is waited for by FADD."""
    return sm.listing(f"""
        [B------:R-:W5:-:S02] LDG.E R40, [R2.64] {{0x1000 + 4*lane}}
        [B-----5:R-:W-:-:S15] NOP
        [B------:R-:W-:-:S15] NOP
        [B------:{counter}:-:S02] {text}
        [{mask}:R-:W-:-:S01] FADD R60, R61, R62
    """)


@pytest.mark.parametrize("width", range(3))
@pytest.mark.parametrize(("opcode", "address"), WAR)
def test_table_2_war(warm: OneSm, opcode: str, address: str, width: int) -> None:
    run = wait_for(warm, memory_instruction(opcode, address, width), "R0:W-", "B0-----")
    producer = run.issues(opcode)[-1]
    assert run.issued("FADD") - producer == WAR[opcode, address][width]
    assert run.blocked("FADD", at=run.issued("FADD") - 1) in ("short_scoreboard", "long_scoreboard")


@pytest.mark.parametrize("width", range(3))
@pytest.mark.parametrize(("opcode", "address"), RAW)
def test_table_2_raw(warm: OneSm, opcode: str, address: str, width: int) -> None:
    text = memory_instruction(opcode, address, width)
    if opcode == "LDG":  # every line of a wide access has to be in L1 already
        text = text.replace("+ 4*lane", "")
    run = wait_for(warm, text, "R-:W0", "B0-----")
    producer = run.issues(opcode)[-1]
    assert run.issued("FADD") - producer == RAW[opcode, address][width]
    assert run.blocked("FADD", at=run.issued("FADD") - 1) in ("short_scoreboard", "long_scoreboard")


@pytest.mark.parametrize("suffix", ["", ".64", ".128"])
def test_table_2_ldgsts(warm: OneSm, suffix: str) -> None:
    text = f"LDGSTS.E{suffix} [R10], [R2.64] {{0x1000}}"
    war = wait_for(warm, text, "R0:W-", "B0-----")
    assert war.issued("FADD") - war.issued("LDGSTS") == 13
    raw = wait_for(warm, text, "R-:W0", "B0-----")
    assert raw.issued("FADD") - raw.issued("LDGSTS") == 39


@pytest.mark.parametrize(("place", "war", "raw"), [("c[0x0][0x160]", 10, 26), ("c[0x0][R2+0x160]", 29, 29)])
def test_table_2_ldc(warm: OneSm, place: str, war: int, raw: int) -> None:
    """An index is free only when the result is there; an immediate address has nothing to keep."""
    for counters, mask, expected in (("R0:W-", "B0-----", war), ("R-:W0", "B0-----", raw)):
        run = warm.listing(f"""
            [B------:R-:W5:-:S02] LDC R40, {place}
            [B-----5:R-:W-:-:S15] NOP
            [B------:{counters}:-:S02] LDC R42, {place}
            [{mask}:R-:W-:-:S01] FADD R60, R61, R62
        """)
        assert run.issued("FADD") - run.issues("LDC")[-1] == expected


MISS = """
    [B------:R-:W0:-:S02] LDG.E R20, [R2.64] {0x1000}
    [B0-----:R-:W-:-:S01] FADD R60, R61, R62
"""


def test_a_miss_costs_the_trip_to_l2_more_than_a_hit(warm: OneSm) -> None:
    run = warm.from_l2(MISS)
    assert warm.l2_trip() == 64 + 90 + 64
    assert run.issued("FADD") - run.issued("LDG") == 32 + warm.l2_trip() == 250
    assert run.blocked("FADD", at=run.issued("LDG") + 249) == "long_scoreboard"


@pytest.mark.parametrize("key", ["noc.request_latency", "noc.reply_latency", "l2.latency"])
def test_a_cycle_more_on_the_way_is_a_cycle_more_for_the_load(chip: Chip, key: str) -> None:
    for extra in (0, 1, 37):
        stage = {"noc.request_latency": 64, "noc.reply_latency": 64, "l2.latency": 90}[key] + extra
        run = chip("rtx_a6000", {"sm.frontend.perfect": "true", key: f"{stage} cycles"}).from_l2(MISS)
        assert run.issued("FADD") - run.issued("LDG") == 250 + extra


@pytest.mark.parametrize("controller", [0, 220, 301])
def test_a_miss_in_l2_costs_the_controller_and_the_dram_on_top(chip: Chip, controller: int) -> None:
    """GDDR6 at 2 GHz: ACT, 35 clocks to RD, 28 to the data, two of data, in cycles of 1.8 GHz (§8)."""
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true", "dram.controller_latency": f"{controller} cycles"})
    run = sm.listing(MISS)
    lookup = run.issued("LDG") + 11 + 19 + sm.arch.config.noc.request_latency
    activated = -(-lookup * 10 // 9)  # the first DRAM clock that does not lie before the lookup
    there = -(-(activated + 35 + 28 + 2) * 9 // 10)
    dram = there - lookup
    assert dram == 59
    assert run.issued("FADD") - run.issued("LDG") == 250 + controller + dram
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "long_scoreboard"


@pytest.mark.parametrize(
    ("place", "sectors", "operations"),
    [
        ("{0x1000}", 1, 32), ("{0x1000 + 4*lane}", 4, 32), ("{0x1000} {mask=0x0000000f}", 1, 4),
        ("{0x1000} {mask=0x80000000}", 1, 1),
    ],
)  # fmt: skip
def test_an_atomic_is_done_in_l2_lane_after_lane(warm: OneSm, place: str, sectors: int, operations: int) -> None:
    """Beyond a load that L2 has: the latency of an atomic, and the turns of its lanes behind the first."""
    config = warm.arch.config
    run = warm.from_l2(f"""
        [B------:R-:W0:-:S02] ATOMG.E.ADD.STRONG.GPU PT, R20, [R2.64], R21 {place}
        [B0-----:R-:W-:-:S01] FADD R60, R61, R62
    """)
    assert config.l2.atomic_rate == 1
    carried = -(-(config.noc.header + 32 * sectors) // config.noc.request_bandwidth) - 1  # it takes its operands along
    expected = 32 + carried + warm.l2_trip(sectors) + config.l2.atomic_latency + operations - 1
    assert run.issued("FADD") - run.issued("ATOMG") == expected
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "long_scoreboard"
    assert run.counters.events["l2.atomics"] == operations


def test_a_load_to_a_line_on_its_way_waits_for_that_line(warm: OneSm) -> None:
    run = warm.listing("""
        [B------:R-:W0:-:S04] LDG.E R20, [R2.64] {0x1000}
        [B------:R-:W1:-:S04] LDG.E R22, [R2.64] {0x1000}
        [B01----:R-:W-:-:S01] FADD R60, R61, R62
    """)
    assert run.counters.events["sm.l1d.sector_misses"] == 1
    assert run.counters.events["sm.l1d.sector_hits"] == 1
    first, second = (e.cycle for e in run.events("counter down"))
    assert second - first == 2  # the register link brings 128 B in two cycles


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16, 32])
def test_shared_memory_conflicts_lengthen_a_load_by_their_degree(warm: OneSm, stride: int) -> None:
    """Words `stride` apart: `stride` distinct words per bank, one cycle each; two cycles of the link hide one."""
    run = warm.listing(f"""
        [B------:R-:W0:-:S02] LDS R20, [R2] {{0x0 + {4 * stride}*lane}}
        [B0-----:R-:W-:-:S01] FADD R60, R61, R62
    """)
    assert run.counters.events["sm.shared.cycles"] == stride
    assert run.issued("FADD") - run.issued("LDS") == 24 + max(0, stride - 2)


def test_guarded_off_in_every_lane_a_load_takes_its_slot_and_nothing_else(warm: OneSm) -> None:
    run = warm.listing("""
        [B------:R0:W1:-:S02] @P0 LDG.E R20, [R2.64] {mask=0x00000000}
        [B01----:R-:W-:-:S01] FADD R60, R61, R62
    """)
    assert run.issued("FADD") - run.issued("LDG") == 2
    assert run.counters.events["sm.l1d.requests"] == 0
    assert run.counters.warp_instructions == 3
