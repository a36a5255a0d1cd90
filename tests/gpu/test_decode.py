"""Static instructions as the core sees them: units, stage sums, control words, slots, scoreboard ranges (§1, §5-§7)."""

from functools import cache
from typing import Any

import pytest

from sim.arch import Arch, load_arch
from sim.errors import TraceError
from sim.gpu import decode as d
from sim.gpu.counters import INSTRUCTION_CLASSES, LONG_SCOREBOARD, SHORT_SCOREBOARD, SLEEPING, WAIT, YIELD
from sim.trace.listing import parse_listing

A6000, A100, TURING, VOLTA, H100 = "rtx_a6000", "a100_sxm_80", "rtx_2080ti", "qv100", "h100_pcie"


@cache
def chip(name: str) -> Arch:
    return load_arch(name)


def row(sass: str, name: str = A6000, control: str = "[B------:R-:W-:-:S01]") -> Any:
    """The decoded record of one instruction."""
    rows, warnings = d.decode(parse_listing(f"{control} {sass}").kernels[0].static[:1], chip(name))
    assert warnings == []
    return rows[0]


def reads(sass: str) -> list[tuple[int, int]]:
    """(first entry, entries) of what the scoreboard reads."""
    found = row(sass)
    return [(int(found["read_first"][i]), int(found["read_count"][i])) for i in range(int(found["reads"]))]


def writes(sass: str) -> list[tuple[int, int]]:
    found = row(sass)
    return [(int(found["write_first"][i]), int(found["write_count"][i])) for i in range(int(found["writes"]))]


# --- units (§6, §12) -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sass", "unit", "latency", "initiation", "category"),
    [
        ("IADD3 R2, R3, R4, R5", "int", 4, 2, "int"),
        ("MOV R2, R3", "int", 4, 2, "int"),
        ("FADD R2, R3, R4", "fp32", 4, 2, "fp32"),
        ("IMAD R2, R3, R4, R5", "fp32", 4, 2, "fp32"),
        ("HADD2 R2, R3, R4", "fp32", 5, 2, "half"),
        ("ISETP.GE.AND P0, PT, R2, R3, PT", "int", 13, 2, "int"),
        ("FSETP.GT.AND P0, PT, R2, R3, PT", "fp32", 13, 2, "fp32"),
        ("PLOP3.LUT P0, PT, P1, P2, PT, 0x8, 0x0", "int", 13, 2, "int"),
        ("ISETP.GE.AND PT, PT, R2, R3, PT", "int", 4, 2, "int"),  # writes no predicate
        ("UIADD3 UR4, UR5, UR6, URZ", "uniform", 4, 2, "uniform"),
        ("ULDC.64 UR4, c[0x0][0x118]", "uniform", 4, 2, "uniform"),
        ("BRA 0x40", "branch", 3, 1, "branch"),
        ("CALL.REL.NOINC 0x40", "branch", 3, 1, "branch"),
        ("RET.REL.NODEC R20 0x0", "branch", 3, 1, "branch"),
        ("EXIT", "branch", 3, 1, "branch"),
        ("NOP", "misc", 2, 1, "misc"),
        ("BAR.SYNC.DEFER_BLOCKING 0x0", "misc", 2, 1, "misc"),
        ("DEPBAR.LE SB0, 0x0", "misc", 2, 1, "misc"),
        ("MEMBAR.SC.GPU", "misc", 2, 1, "misc"),
        ("S2UR UR4, SR_CTAID.X", "misc_queue", 4, 2, "misc"),
        ("MUFU.RCP R2, R3", "sfu", 16, 8, "sfu"),
        ("DADD R2, R4, R6", "fp64_shared", 46, 16, "fp64"),  # 40 cycles and 6 to the shared unit
        ("TEX.SCR R2, R3, R4, 0x0, 0x58, 2D, 0x1", "texture", 200, 8, "memory"),
        ("LDG.E R2, [R4.64]", "memory", 0, 0, "memory"),
        ("SHFL.DOWN PT, R2, R3, 0x10, 0x1f", "memory", 0, 0, "memory"),
        ("S2R R2, SR_TID.X", "memory", 0, 0, "memory"),
        ("LDC R2, c[0x0][0x160]", "memory", 0, 0, "memory"),
        ("LDGDEPBAR", "memory", 0, 0, "memory"),
    ],
)
def test_the_class_of_an_opcode_chooses_its_unit(
    sass: str, unit: str, latency: int, initiation: int, category: str
) -> None:
    found = row(sass)
    assert d.UNIT_NAMES[int(found["unit"])] == unit
    assert INSTRUCTION_CLASSES[int(found["category"])] == category
    assert (int(found["latency"]), int(found["initiation"])) == (latency, initiation)


@pytest.mark.parametrize(
    ("name", "sass", "unit", "latency", "initiation"),
    [
        (A100, "DADD R2, R4, R6", "fp64", 8, 4),  # its own unit in each sub-core, fixed latency
        (H100, "DADD R2, R4, R6", "fp64", 8, 2),
        (TURING, "DADD R2, R4, R6", "fp64_shared", 46, 16),  # 41 + 5
        (H100, "FADD R2, R3, R4", "fp32", 4, 1),  # 32 lanes
        (A100, "FADD R2, R3, R4", "fp32", 4, 2),
        (A100, "HADD2 R2, R3, R4", "fp32", 5, 1),
        (TURING, "HADD2 R2, R3, R4", "fp32", 6, 2),
        (VOLTA, "S2R R2, SR_TID.X", "misc_queue", 4, 2),  # the queue of S2UR, not the memory unit
        (VOLTA, "SHFL.DOWN PT, R2, R3, 0x10, 0x1f", "int", 4, 2),
        (VOLTA, "ERRBAR", "misc", 2, 1),  # a memory barrier there
        (A6000, "ERRBAR", "misc_queue", 4, 2),
    ],
)
def test_units_differ_by_architecture(name: str, sass: str, unit: str, latency: int, initiation: int) -> None:
    found = row(sass, name)
    assert d.UNIT_NAMES[int(found["unit"])] == unit
    assert (int(found["latency"]), int(found["initiation"])) == (latency, initiation)


@pytest.mark.parametrize(
    ("name", "sass", "expected"),
    [
        (A6000, "FADD R2, R3, R4", 1), (A6000, "FSETP.GT.AND P0, PT, R2, R3, PT", 1), (A6000, "IMAD R2, R3, R4, R5", 0),
        (A6000, "HADD2 R2, R3, R4", 0), (A6000, "IADD3 R2, R3, R4, R5", 0), (A100, "FADD R2, R3, R4", 0),
        (TURING, "FADD R2, R3, R4", 0), (H100, "FADD R2, R3, R4", 0),
    ],
)  # fmt: skip
def test_fp32_may_take_the_int_pipe_on_ga10x_only_and_imad_never(name: str, sass: str, expected: int) -> None:
    assert int(row(sass, name)["on_int"]) == expected


def test_half_takes_the_int_pipe_where_its_key_says_so() -> None:
    arch = load_arch(A6000, {"sm.units.half.also_on_int": "true"})
    rows, _ = d.decode(parse_listing("HADD2 R2, R3, R4").kernels[0].static, arch)
    assert int(rows[0]["on_int"]) == 1


@pytest.mark.parametrize(
    ("sass", "control", "tracked"),
    [
        ("FADD R2, R3, R4", "[B------:R-:W-:-:S01]", 0),
        ("FADD R2, R3, R4", "[B------:R-:W0:-:S01]", 1),  # something waits for its end
        ("FADD R2, R3, R4", "[B------:R5:W-:-:S01]", 1),
        ("MUFU.RCP R2, R3", "[B------:R-:W-:-:S01]", 1),
        ("LDG.E R2, [R4.64]", "[B------:R-:W-:-:S01]", 1),
        ("BRA 0x40", "[B012345:R-:W-:-:S01]", 0),
    ],
)
def test_what_has_variable_latency_or_raises_a_counter_is_tracked(sass: str, control: str, tracked: int) -> None:
    assert int(row(sass, control=control)["tracked"]) == tracked


def test_port_cycles_come_from_the_map_of_opcodes() -> None:
    assert int(row("ERRBAR", A100)["port_cycles"]) == 2
    assert int(row("ERRBAR")["port_cycles"]) == int(row("NOP", A100)["port_cycles"]) == 1


# --- memory stage sums (§7.2, §7.3) ----------------------------------------------------------------------------------
# (opcode, address): WAR and RAW of 32, 64 and 128 bits, Table 2 of the MICRO'25 paper.
TABLE_2 = {
    "LDG.E{} R20, [UR4]": ((9, 9, 9), (29, 31, 35)),
    "LDG.E{} R20, [R2.64]": ((11, 11, 11), (32, 34, 38)),
    "STG.E{} [UR4], R20": ((10, 12, 16), None),
    "STG.E{} [R2.64], R20": ((14, 16, 20), None),
    "LDS{} R20, [UR4]": ((9, 9, 9), (23, 23, 25)),
    "LDS{} R20, [R2]": ((9, 9, 9), (24, 24, 26)),
    "STS{} [UR4], R20": ((10, 12, 16), None),
    "STS{} [R2], R20": ((12, 14, 18), None),
}
WIDTHS = (("", 0), (".64", 1), (".128", 2))


def raw(found: Any) -> int:
    """Issue to earliest consumer: to the exit of the sub-core's unit, to the register link, across it."""
    return int(found["war"]) + int(found["after"]) + int(found["link"])


@pytest.mark.parametrize(("suffix", "place"), WIDTHS)
@pytest.mark.parametrize("form", TABLE_2)
def test_table_2_is_the_sum_of_the_stages(form: str, suffix: str, place: int) -> None:
    war, loads = TABLE_2[form]
    found = row(form.format(suffix))
    assert int(found["war"]) == war[place]
    if loads is not None:
        assert raw(found) == loads[place]


@pytest.mark.parametrize(("suffix", "place"), WIDTHS)
def test_ldgsts_has_a_release_of_its_own_at_every_width(suffix: str, place: int) -> None:
    found = row(f"LDGSTS.E{suffix} [R10], [R2.64]")
    assert int(found["memory"]) == d.M_COPY
    assert int(found["war"]) == 13
    assert int(found["war"]) + int(found["release"]) == 39
    assert int(found["beats"]) == 1 << place


def test_ldc_by_immediate_and_by_register() -> None:
    immediate, indexed = row("LDC R2, c[0x0][0x160]"), row("LDC R2, c[0x0][R3+0x160]")
    assert (int(immediate["memory"]), int(indexed["memory"])) == (d.M_CONSTANT, d.M_CONSTANT)
    assert (int(immediate["war"]), raw(immediate)) == (10, 26)
    assert raw(indexed) == 29
    assert (int(immediate["late_read"]), int(indexed["late_read"])) == (0, 1)  # WAR is 29 as well (Table 2)


@pytest.mark.parametrize(
    ("name", "form", "war", "total"),
    [
        # Turing: the first stage is a cycle shorter, shared memory brings 64 B a cycle.
        (TURING, "LDG.E R20, [R2.64]", 10, 31),
        (TURING, "LDG.E R20, [UR4]", 8, 28),
        (TURING, "STG.E [R2.64], R20", 14, None),
        (TURING, "STS [R2], R20", 11, None),
        (TURING, "LDS R20, [UR4]", 8, 22),
        (TURING, "LDS.64 R20, [UR4]", 8, 24),
        (TURING, "LDS.128 R20, [UR4]", 8, 28),
        # A100: LDS has read its address a cycle earlier; the result comes as on GA10x.
        (A100, "LDS R20, [R2]", 8, 24),
        (A100, "LDG.E R20, [R2.64]", 11, 32),
        (A100, "STS [R2], R20", 12, None),
        # Volta: hits in 8 instead of 13 cycles, shared memory in 6 instead of 7.
        (VOLTA, "LDG.E R20, [R2]", 11, 27),
        (VOLTA, "LDS R20, [R2]", 9, 23),
        (H100, "LDG.E R20, [R2.64]", 11, 33),
    ],
)
def test_stage_sums_of_the_other_chips(name: str, form: str, war: int, total: int | None) -> None:
    found = row(form, name)
    assert int(found["war"]) == war
    if total is not None:
        assert raw(found) == total


@pytest.mark.parametrize(
    ("sass", "cycles"),
    [
        ("LDG.E R2, [R4.64]", 4), ("LDG.E R2, [UR4]", 2), ("STG.E [R4.64], R2", 4), ("LDS R2, [R4]", 2),
        ("STS [R4], R2", 2), ("LDC R2, c[0x0][0x160]", 1), ("LDC R2, c[0x0][R3+0x160]", 4), ("LDGDEPBAR", 1),
        ("SHFL.DOWN PT, R2, R3, 0x10, 0x1f", 2), ("ATOMG.E.ADD PT, R2, [R4.64], R6", 4),
    ],
)  # fmt: skip
def test_address_calculation_takes_four_cycles_or_two(sass: str, cycles: int) -> None:
    assert int(row(sass)["address_cycles"]) == cycles


@pytest.mark.parametrize(("matrices", "suffix", "total"), [(1, "", 24), (2, ".2", 26), (4, ".4", 30)])
def test_ldsm_takes_two_cycles_more_for_each_pair_of_matrices(matrices: int, suffix: str, total: int) -> None:
    """Stages 2 + 2 + 1, array 7 + 1, overhead 9, two cycles a pair, and a cycle of the link per matrix (at least 2)."""
    found = row(f"LDSM.16.M88{suffix} R4, [R8]")
    assert int(found["memory"]) == d.M_SHARED_LOAD
    assert int(found["target_width"]) == int(found["beats"]) == matrices
    assert int(found["link"]) == max(2, matrices)
    pairs = matrices // 2
    assert raw(found) == 2 + 2 + 1 + (7 + 1) + 9 + 2 * pairs + max(2, matrices) == total


@pytest.mark.parametrize(
    ("sass", "memory", "extra", "bypass", "producer"),
    [
        ("ATOMG.E.ADD PT, R2, [R4.64], R6", d.M_ATOMIC, 0, 1, LONG_SCOREBOARD),
        ("ATOM.E.ADD PT, R2, [R4.64], R6", d.M_ATOMIC, 0, 1, LONG_SCOREBOARD),
        ("RED.E.ADD.STRONG.GPU [R4.64], R6", d.M_REDUCTION, 0, 1, LONG_SCOREBOARD),
        ("ATOMS.ADD R2, [R4], R6", d.M_SHARED_ATOMIC, 8, 0, SHORT_SCOREBOARD),
    ],
)
def test_an_atomic_is_a_load_and_in_shared_memory_a_second_pass_on_top(
    sass: str, memory: int, extra: int, bypass: int, producer: int
) -> None:
    """What a global one takes beyond a load, it takes in L2."""
    found = row(sass)
    assert int(found["memory"]) == memory
    load = row("LDS R2, [R4]" if memory == d.M_SHARED_ATOMIC else "LDG.E R2, [R4.64]")
    assert int(found["after"]) == int(load["after"]) + extra
    assert int(found["war"]) == int(load["war"])
    assert (int(found["bypass"]), int(found["producer"])) == (bypass, producer)


def test_a_wide_atomic_brings_two_registers() -> None:
    found = row("ATOMG.E.ADD.64.STRONG.GPU PT, R2, [R4.64], R6")
    assert (int(found["target"]), int(found["target_width"]), int(found["link"])) == (2, 2, 4)


@pytest.mark.parametrize(
    ("sass", "bypass"),
    [
        ("LDG.E R2, [R4.64]", 0), ("LDG.E.STRONG.SM R2, [R4.64]", 0), ("LDG.E.STRONG.CTA R2, [R4.64]", 0),
        ("LDG.E.STRONG.GPU R2, [R4.64]", 1), ("LDG.E.STRONG.SYS R2, [R4.64]", 1),
        ("LDG.E.64.CONSTANT R2, [R4.64]", 0), ("LDS R2, [R4]", 0),
    ],
)  # fmt: skip
def test_strong_accesses_of_device_scope_pass_l1d_by(sass: str, bypass: int) -> None:
    assert int(row(sass)["bypass"]) == bypass


@pytest.mark.parametrize(
    ("sass", "throttle_lg", "producer"),
    [
        ("LDG.E R2, [R4.64]", 1, LONG_SCOREBOARD), ("LDL R2, [R4]", 1, LONG_SCOREBOARD),
        ("LD.E R2, [R4.64]", 1, LONG_SCOREBOARD), ("LDS R2, [R4]", 0, SHORT_SCOREBOARD),
        ("LDC R2, c[0x0][0x160]", 0, LONG_SCOREBOARD), ("S2R R2, SR_TID.X", 0, SHORT_SCOREBOARD),
        ("SHFL.DOWN PT, R2, R3, 0x10, 0x1f", 0, SHORT_SCOREBOARD), ("LDGDEPBAR", 0, LONG_SCOREBOARD),
        ("MUFU.RCP R2, R3", 0, SHORT_SCOREBOARD), ("TEX.SCR R2, R3, R4, 0x0, 0x58, 2D, 0x1", 0, LONG_SCOREBOARD),
    ],
)  # fmt: skip
def test_waiters_are_booked_under_the_right_reason(sass: str, throttle_lg: int, producer: int) -> None:
    assert (int(row(sass)["throttle_lg"]), int(row(sass)["producer"])) == (throttle_lg, producer)


@pytest.mark.parametrize(("sass", "total"), [("SHFL.DOWN PT, R2, R3, 0x10, 0x1f", 26), ("S2R R2, SR_TID.X", 20)])
def test_shuffle_and_s2r_take_what_their_keys_say(sass: str, total: int) -> None:
    found = row(sass)
    assert int(found["memory"]) == d.M_MISC
    assert raw(found) == total


# --- control words (§1.3, §1.4) --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("control", "stall", "reason"),
    [
        ("-:S00", 1, WAIT), ("-:S01", 1, WAIT), ("-:S02", 2, WAIT), ("-:S11", 11, WAIT), ("-:S12", 2, WAIT),
        ("-:S15", 2, WAIT), ("Y:S00", 45, SLEEPING), ("Y:S01", 2, YIELD), ("Y:S02", 2, WAIT), ("Y:S12", 12, WAIT),
        ("Y:S15", 15, WAIT),
    ],
)  # fmt: skip
def test_stall_and_yield_become_one_distance_and_one_reason(control: str, stall: int, reason: int) -> None:
    found = row("NOP", control=f"[B------:R-:W-:{control}]")
    assert (int(found["stall"]), int(found["stall_reason"])) == (stall, reason)


@pytest.mark.parametrize(
    ("control", "stall"), [("Y:S00", 54), ("-:S12", 1), ("-:S15", 1), ("-:S11", 11), ("Y:S13", 13)]
)
def test_special_stalls_of_an_a100(control: str, stall: int) -> None:
    assert int(row("NOP", A100, f"[B------:R-:W-:{control}]")["stall"]) == stall


def test_counters_and_the_wait_mask_are_taken_over() -> None:
    found = row("LDG.E R2, [R4.64]", control="[B0--3-5:R2:W4:-:S01]")
    assert (int(found["raise_read"]), int(found["raise_write"])) == (2, 4)
    assert int(found["wait_mask"]) == 0b101001
    none = row("LDG.E R2, [R4.64]")
    assert (int(none["raise_read"]), int(none["raise_write"]), int(none["wait_mask"])) == (-1, -1, 0)


def test_without_a_control_word_nothing_stalls_and_nothing_is_raised() -> None:
    rows, _ = d.decode(parse_listing("LDG.E R2, [R4.64]").kernels[0].static, chip(A6000))
    assert (int(rows[0]["stall"]), int(rows[0]["raise_read"]), int(rows[0]["raise_write"])) == (1, -1, -1)


# --- roles -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sass", "control", "counter", "limit", "mask"),
    [
        ("DEPBAR.LE SB0, 0x0", "-:S04", 0, 0, 0),
        ("DEPBAR.LE SB5, 0x3f", "-:S04", 5, 63, 0),
        ("DEPBAR.LE SB0, 0x1, {2,3}", "-:S04", 0, 1, 0b1100),
        ("DEPBAR.LE SB2, 0x1, {5,4,3}", "-:S02", 2, 1, 0b111000),
        ("DEPBAR {0,5}", "-:S04", -1, 0, 0b100001),
        ("DEPBAR.LE SB0, 0x1", "-:S01", -1, 0, 0),  # it does not wait at all (§1.3)
        ("DEPBAR.LE SB0, 0x1", "Y:S01", 0, 1, 0),  # yield makes it two cycles
    ],
)
def test_depbar_has_a_threshold_for_one_counter_and_a_list_of_others(
    sass: str, control: str, counter: int, limit: int, mask: int
) -> None:
    found = row(sass, control=f"[B------:R-:W-:{control}]")
    assert int(found["role"]) == d.R_DEPBAR
    assert (int(found["depbar"]), int(found["depbar_limit"]), int(found["depbar_mask"])) == (counter, limit, mask)


@pytest.mark.parametrize(
    ("sass", "role", "barrier", "warps"),
    [
        ("BAR.SYNC.DEFER_BLOCKING 0x0", d.R_BARRIER, 0, 0),
        ("BAR.SYNC.DEFER_BLOCKING 0x1, 0x80", d.R_BARRIER, 1, 4),
        ("BAR.SYNC 0xf, 0x90", d.R_BARRIER, 15, 5),
        ("BAR.ARV 0x2, 0x40", d.R_BARRIER_ARRIVE, 2, 2),
    ],
)
def test_barriers_know_their_number_and_how_many_warps_they_expect(
    sass: str, role: int, barrier: int, warps: int
) -> None:
    found = row(sass)
    assert (int(found["role"]), int(found["barrier"]), int(found["fixed_delay"])) == (role, barrier, warps)


@pytest.mark.parametrize(
    ("sass", "cycles", "invalidates"),
    [
        ("MEMBAR.SC.CTA", 53, 0), ("MEMBAR.SC.SM", 53, 0), ("MEMBAR.SC.GPU", 186, 1), ("MEMBAR.ALL.GPU", 186, 1),
        ("MEMBAR.SC.SYS", 2900, 1),
    ],
)  # fmt: skip
def test_memory_barriers_by_scope(sass: str, cycles: int, invalidates: int) -> None:
    found = row(sass)
    assert int(found["role"]) == d.R_MEMBAR
    assert (int(found["fixed_delay"]), int(found["invalidates"])) == (cycles, invalidates)


@pytest.mark.parametrize(
    ("sass", "role"),
    [
        ("CS2R R2, SR_CLOCKLO", d.R_CLOCK), ("CS2R.32 R2, SR_CLOCKLO", d.R_CLOCK), ("CS2R R2, SRZ", d.R_NONE),
        ("FADD R2, R3, R4", d.R_NONE), ("LDGDEPBAR", d.R_NONE), ("EXIT", d.R_NONE),
    ],
)  # fmt: skip
def test_only_a_clock_read_reads_the_clock(sass: str, role: int) -> None:
    assert int(row(sass)["role"]) == role


# --- register operands (§5) ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sass", "source", "width", "slots"),
    [
        ("FADD R2, R3, R4", (3, 4, -1, -1), (1, 1, 0, 0), 2),
        ("FFMA R2, R3, R4, R5", (3, 4, 5, -1), (1, 1, 1, 0), 3),
        # A constant or an immediate keeps its place, as the reuse bits of the control word count them.
        ("FFMA R2, R3, c[0x0][0x160], R5", (3, -1, 5, -1), (1, 0, 1, 0), 3),
        ("IADD3 R2, R3, 0x1, R5", (3, -1, 5, -1), (1, 0, 1, 0), 3),
        ("IADD3 R2, P0, R3, R4, R5", (3, 4, 5, -1), (1, 1, 1, 0), 3),
        ("IADD3.X R2, R3, R4, RZ, P0, !PT", (3, 4, -1, -1), (1, 1, 0, 0), 2),
        ("IMAD.MOV.U32 R2, RZ, RZ, R5", (-1, -1, 5, -1), (0, 0, 1, 0), 3),
        ("IMAD.MOV.U32 R2, RZ, RZ, c[0x0][0x28]", (-1, -1, -1, -1), (0, 0, 0, 0), 0),
        ("IMAD.WIDE R2, R4, R5, R6", (4, 5, 6, -1), (1, 1, 2, 0), 3),
        ("SEL R2, R3, R4, !P0", (3, 4, -1, -1), (1, 1, 0, 0), 2),
        ("ISETP.GE.AND P0, PT, R2, R3, P1", (2, 3, -1, -1), (1, 1, 0, 0), 2),
        ("DFMA R2, R4, R6, R8", (4, 6, 8, -1), (2, 2, 2, 0), 3),
        ("HMMA.16816.F32 R4, R8, R12, R16", (8, 12, 16, -1), (4, 2, 4, 0), 3),
        # Registers of an address take the places that no other operand has.
        ("LDG.E.128 R4, [R2.64]", (2, -1, -1, -1), (2, 0, 0, 0), 1),
        ("LDG.E R4, [UR4]", (-1, -1, -1, -1), (0, 0, 0, 0), 0),
        ("STG.E.64 [R2.64], R4", (2, 4, -1, -1), (2, 2, 0, 0), 2),
        ("STS [R2], R4", (2, 4, -1, -1), (1, 1, 0, 0), 2),
        ("LDGSTS.E [R10], [R2.64]", (10, 2, -1, -1), (1, 2, 0, 0), 2),
        ("LDC R2, c[0x0][R3+0x160]", (3, -1, -1, -1), (1, 0, 0, 0), 1),
        ("ATOMG.E.CAS PT, R2, [R4.64], R6, R7", (4, 6, 7, -1), (2, 1, 1, 0), 3),
    ],
)
def test_register_operands_stand_in_the_slots_of_their_places(
    sass: str, source: tuple[int, ...], width: tuple[int, ...], slots: int
) -> None:
    found = row(sass)
    assert tuple(map(int, found["source"])) == source
    assert tuple(map(int, found["width"])) == width
    assert int(found["slots"]) == slots


@pytest.mark.parametrize(
    ("sass", "reuse"),
    [
        ("FFMA R2, R3, R4, R5", (0, 0, 0, 0)),
        ("FFMA R2, R3.reuse, R4, R5.reuse", (1, 0, 1, 0)),
        ("FFMA R2, R3, c[0x0][0x160], R5.reuse", (0, 0, 1, 0)),
        ("HMMA.16816.F32 R4, R8.reuse, R12, R16", (1, 0, 0, 0)),
    ],
)
def test_a_reuse_bit_belongs_to_its_slot(sass: str, reuse: tuple[int, ...]) -> None:
    assert tuple(map(int, row(sass)["reuse"])) == reuse


@pytest.mark.parametrize(
    ("sass", "caches"),
    [
        ("FADD R2, R3, R4", 1), ("IADD3 R2, R3, R4, R5", 1), ("HADD2 R2, R3, R4", 1), ("DADD R2, R4, R6", 1),
        ("HMMA.16816.F32 R4, R8, R12, R16", 1), ("P2R R2, PR, R3, 0x7f", 1), ("MUFU.RCP R2, R3", 0),
        ("LDG.E R2, [R4.64]", 0), ("UIADD3 UR4, UR5, UR6, URZ", 0), ("NOP", 0),
    ],
)  # fmt: skip
def test_only_some_classes_use_the_register_file_cache(sass: str, caches: int) -> None:
    assert int(row(sass)["caches"]) == caches


@pytest.mark.parametrize(
    ("sass", "window"),
    [
        ("FFMA R2, R3, R4, R5", 3), ("DFMA R2, R4, R6, R8", 3), ("HMMA.16816.F32 R4, R8, R12, R16", 6),
        ("HMMA.16816.F16 R4, R8, R12, R16", 6), ("HMMA.1688.F16 R4, R8, R12, R16", 3), ("STG.E.128 [R2.64], R4", 3),
    ],
)  # fmt: skip
def test_four_registers_in_an_operand_of_a_matrix_widen_the_read_window(sass: str, window: int) -> None:
    assert int(row(sass)["window"]) == window


@pytest.mark.parametrize(
    ("sass", "target", "width"),
    [
        ("FADD R2, R3, R4", 2, 1), ("IADD3 R2, P0, R3, R4, R5", 2, 1), ("IMAD.WIDE R2, R4, R5, R6", 2, 2),
        ("LDG.E.128 R4, [R2.64]", 4, 4), ("SHFL.DOWN PT, R2, R3, 0x10, 0x1f", 2, 1), ("DADD R2, R4, R6", 2, 2),
        ("FADD RZ, R3, R4", -1, 0), ("ISETP.GE.AND P0, PT, R2, R3, PT", -1, 0), ("STG.E [R2.64], R4", -1, 0),
        ("UIADD3 UR4, UR5, UR6, URZ", -1, 0), ("HMMA.16816.F32 R4, R8, R12, R16", 4, 4), ("R2UR UR4, R2", -1, 0),
    ],
)  # fmt: skip
def test_the_first_register_result_is_the_target(sass: str, target: int, width: int) -> None:
    found = row(sass)
    assert (int(found["target"]), int(found["target_width"])) == (target, width)


@pytest.mark.parametrize(
    ("sass", "constant"),
    [
        ("FADD R2, R3, R4", -1), ("FADD R2, R3, c[0x0][0x160]", 0x160), ("FFMA R2, R3, R4, c[0x3][0x10]", 0x3000010),
        ("ULDC.64 UR4, c[0x0][0x118]", 0x118), ("LDC R2, c[0x2][0x8]", 0x2000008),
    ],
)  # fmt: skip
def test_a_constant_is_its_bank_and_its_offset(sass: str, constant: int) -> None:
    assert int(row(sass)["constant"]) == constant


# --- scoreboard (§9.4): registers 0-254, uniform 255-317, predicates 318-324, uniform predicates 325-331 --------------
@pytest.mark.parametrize(
    ("sass", "read", "written"),
    [
        ("FADD R2, R3, R4", [(3, 1), (4, 1)], [(2, 1)]),
        ("FADD R2, R3, R3", [(3, 1)], [(2, 1)]),
        ("FADD RZ, RZ, R254", [(254, 1)], []),
        ("@P0 FADD R2, R3, R4", [(3, 1), (4, 1), (318, 1)], [(2, 1)]),
        ("@!P6 FADD R2, R3, R4", [(3, 1), (4, 1), (324, 1)], [(2, 1)]),
        ("@!PT FADD R2, R3, R4", [(3, 1), (4, 1)], [(2, 1)]),
        ("@UP1 UIADD3 UR4, UR5, UR6, URZ", [(260, 1), (261, 1), (326, 1)], [(259, 1)]),
        ("UISETP.GE.AND UP6, UPT, UR5, UR62, UP0", [(260, 1), (317, 1), (325, 1)], [(331, 1)]),
        ("ISETP.GE.AND P1, P2, R2, R3, P4", [(2, 1), (3, 1), (322, 1)], [(319, 1), (320, 1)]),
        ("SEL R2, R3, R4, !P3", [(3, 1), (4, 1), (321, 1)], [(2, 1)]),
        ("IADD3 R2, P0, R3, R4, R5", [(3, 1), (4, 1), (5, 1)], [(2, 1), (318, 1)]),
        ("IADD3.X R2, R3, R4, RZ, P0, !PT", [(3, 1), (4, 1), (318, 1)], [(2, 1)]),
        ("IMAD.WIDE R2, R4, R5, R6", [(4, 1), (5, 1), (6, 2)], [(2, 2)]),
        ("LDG.E.128 R4, [R2.64]", [(2, 2)], [(4, 4)]),
        ("LDG.E R4, [R2.64+UR6]", [(2, 2), (261, 1)], [(4, 1)]),
        ("STG.E.128 [R2.64], R4", [(2, 2), (4, 4)], []),
        ("ULDC.64 UR4, c[0x0][0x118]", [], [(259, 2)]),
        ("LDC.64 R2, c[0x0][R3+0x160]", [(3, 1)], [(2, 2)]),
        ("HMMA.16816.F32 R4, R8, R12, R16", [(8, 4), (12, 2), (16, 4)], [(4, 4)]),
        ("@P0 BRA 0x40", [(318, 1)], []),
    ],
)
def test_scoreboard_entries_of_sources_destinations_and_guards(
    sass: str, read: list[tuple[int, int]], written: list[tuple[int, int]]
) -> None:
    assert reads(sass) == read
    assert writes(sass) == written


# --- unknown opcodes -------------------------------------------------------------------------------------------------
UNKNOWN = """
    /*0000*/ [B------:R-:W-:-:S01] FADD R2, R3, R4
    /*0010*/ [B------:R-:W-:-:S01] ZAP.X R2, R3, R4
    /*0020*/ [B------:R-:W-:-:S01] ZAP R5, R3, R4
    /*0030*/ [B------:R-:W-:-:S01] BLIP R5, R3
"""


def test_unknown_opcodes_are_simulated_as_int_with_one_warning_each() -> None:
    rows, warnings = d.decode(parse_listing(UNKNOWN).kernels[0].static, chip(A6000))
    assert warnings == [
        "unknown opcode BLIP (1 static instructions) simulated as class INT",
        "unknown opcode ZAP (2 static instructions) simulated as class INT",
    ]
    assert {int(unit) for unit in rows["unit"][1:4]} == {d.U_INT}
    assert int(rows[1]["latency"]) == int(row("IADD3 R2, R3, R4, R5")["latency"])


def test_unknown_opcodes_are_refused_with_their_place_if_asked() -> None:
    with pytest.raises(TraceError, match=r"^mine: pc 0x0010: ZAP: no such opcode on sm_86; .*--unknown-op warn"):
        d.decode(parse_listing(UNKNOWN).kernels[0].static, chip(A6000), unknown_op="error", path="mine")


def test_an_opcode_of_a_later_chip_is_unknown_to_an_earlier_one() -> None:
    static = parse_listing("LDGSTS.E [R10], [R2.64]").kernels[0].static[:1]
    for name, known in ((A6000, True), (TURING, False), (VOLTA, False)):
        _, warnings = d.decode(static, chip(name))
        assert (warnings == []) == known
