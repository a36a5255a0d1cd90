"""Execution units: latches, queues, shared FP64, tensor cores, branches, and when counters rise (§1.5, §3, §4, §6)."""

import itertools

import pytest

from tests.gpu.conftest import Chip, OneSm, Run

S1 = "[B------:R-:W-:-:S01] "
EXIT = f"{S1}EXIT"


def perfect(chip: Chip, name: str = "rtx_a6000", **overrides: str) -> OneSm:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    return chip(name, {"sm.frontend.perfect": "true", **keys})


@pytest.fixture(scope="module")
def warm(chip: Chip) -> OneSm:
    return perfect(chip)


@pytest.fixture(scope="module")
def a100(chip: Chip) -> OneSm:
    return perfect(chip, "a100_sxm_80")


def stream(sm: OneSm, *instructions: str, header: str = "") -> Run:
    """Independent instructions that stall for nothing; the first one issues in cycle 2."""
    return sm.listing(header + "\n".join(S1 + text for text in instructions))


def starts(run: Run, text: str, warp: int = 0) -> list[int]:
    """Cycles in which a unit took the instructions that contain `text`."""
    return [e.cycle for e in run.events("executes", text, warp)]


# --- SFU -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("latency", [10, 16, 40])
def test_a_reciprocal_takes_its_latency_and_its_source_is_free_when_read(chip: Chip, latency: int) -> None:
    run = perfect(chip, sm__units__sfu__latency=f"{latency} cycles").listing("""
        [B------:R1:W0:-:S02] MUFU.RCP R8, R9
        [B-1----:R-:W-:-:S01] MOV R9, R10
        [B0-----:R-:W-:-:S01] FADD R12, R8, R11
    """)
    start = run.issued("MUFU")
    assert run.issued("FADD") - start == latency
    assert run.blocked("FADD", at=start + latency - 1) == "short_scoreboard"
    assert run.issued("MOV") - start == 5  # two cycles to the unit, three to read
    assert run.blocked("MOV", at=start + 4) == "short_scoreboard"


@pytest.mark.parametrize("opcode", ["MUFU.RCP", "MUFU.EX2", "F2I.TRUNC.NTZ", "I2F"])
def test_the_sfu_starts_one_instruction_in_eight_cycles_and_its_full_queue_holds_the_port(
    warm: OneSm, opcode: str
) -> None:
    """One starts in cycle 4, one waits in the queue, one in Control; the fourth issues when the second starts."""
    run = stream(warm, *[f"{opcode} R8, R9"] * 6)
    assert run.issues(opcode) == [2, 3, 4, 12, 20, 28]
    assert starts(run, opcode) == [4, 12, 20, 28, 36, 44]
    held = [e for e in run.events("state") if 5 <= e.cycle < 12]
    assert [(e.cycle, e.detail) for e in held] == [(5, "dispatch_stall")]


@pytest.mark.parametrize(
    ("entries", "issues"), [(1, [2, 3, 4, 12]), (2, [2, 3, 4, 5, 12]), (4, [2, 3, 4, 5, 6, 7, 12])]
)
def test_a_longer_queue_takes_more_before_it_holds(chip: Chip, entries: int, issues: list[int]) -> None:
    run = stream(perfect(chip, sm__units__sfu__queue=str(entries)), *["MUFU.RCP R8, R9"] * len(issues))
    assert run.issues("MUFU") == issues


def test_an_instruction_held_in_control_blocks_every_warp_of_its_sub_core_and_no_other(warm: OneSm) -> None:
    """Warps 0 and 4 share sub-core 0; warp 1 has another one."""
    adds = "\n".join([f"{S1}FADD R12, R13, R11"] * 4)
    reciprocals = "\n".join([f"{S1}MUFU.RCP R8, R9"] * 3)
    run = warm.listing(
        f".block 160\n.warp 0-3\n/*0400*/ [B------:R-:W-:-:S08] NOP\n{adds}\n{EXIT}\n"
        f".warp 4\n/*0000*/ {reciprocals}\n{EXIT}"
    )
    third = run.issues("MUFU", warp=4)[-1]
    assert run.issues("MUFU", warp=4) == [2, 3, 4]
    nop = run.issued("NOP", warp=1)
    assert run.issues("FADD", warp=1) == [nop + 8 + i for i in range(4)]
    # The third MUFU stays in Control from cycle 5 to 11; what issued behind it fills the latch.
    behind = [c for c in [*run.issues(warp=0), *run.issues(warp=4)] if c > third]
    assert min(behind) == 12
    assert run.blocked("NOP", at=11) == "dispatch_stall"


def test_counters_rise_in_the_first_control_cycle_even_if_the_instruction_is_held(warm: OneSm) -> None:
    """The fifth MUFU issues in cycle 20 and stays in Control from 21 to 28; its counter is up in 21, and in 21 only."""
    run = warm.listing(
        f"{S1}MUFU.RCP R20, R21\n" * 4
        + "[B------:R-:W0:-:S02] MUFU.RCP R8, R30\n[B0-----:R-:W-:-:S01] FADD R12, R8, R11"
    )
    assert run.issues("R8, R30") == [20]
    (up,), (down,) = run.events("counter up"), run.events("counter down")
    assert up.cycle == 21
    assert [e.cycle for e in run.events("control", "R8, R30")] == [28]
    assert down.cycle == 36 + 14 == run.issued("FADD")  # it starts in 36
    assert {run.blocked("FADD", at=c) for c in range(22, down.cycle)} == {"short_scoreboard"}


# --- FP64 ------------------------------------------------------------------------------------------------------------
def test_fp64_of_a_ga10x_is_one_unit_for_four_sub_cores(warm: OneSm) -> None:
    """Four DADD at once: the unit takes them sixteen cycles apart."""
    run = warm.listing(".block 128\n[B------:R-:W0:-:S02] DADD R8, R10, R12\n[B0-----:R-:W-:-:S01] FADD R20, R8, R11")
    unit = warm.arch.config.sm.units.fp64
    assert (unit.latency, unit.transfer, unit.initiation) == (40, 6, 16)
    assert [run.issued("DADD", warp=w) for w in range(4)] == [2] * 4
    assert sorted(c for w in range(4) for c in starts(run, "DADD", w)) == [4, 20, 36, 52]
    # The second register of the pair is written a cycle after the first.
    assert sorted(run.issued("FADD", warp=w) for w in range(4)) == [2 + 40 + 6 + 1 + 16 * i for i in range(4)]


def test_fp64_of_a_ga10x_is_no_faster_for_a_sub_core_alone(warm: OneSm) -> None:
    """Three wait in the queue, one in Control; then one issues for each that starts."""
    run = stream(warm, *["DADD R8, R10, R12"] * 8)
    assert run.issues("DADD") == [2, 3, 4, 5, 6, 20, 36, 52]
    assert starts(run, "DADD") == [4 + 16 * i for i in range(8)]


def test_four_sub_cores_take_fp64_of_a_ga10x_four_times_as_long(warm: OneSm) -> None:
    run = stream(warm, *["DFMA R8, R10, R12, R14"] * 5, header=".block 128\n")
    begun = sorted(c for w in range(4) for c in starts(run, "DFMA", w))
    assert begun == [4 + 16 * i for i in range(20)]


def test_an_a100_has_fp64_in_each_sub_core(a100: OneSm) -> None:
    """Fixed latency: every fourth cycle in each sub-core, whatever the others do; the consumer waits by its stall."""
    for header in (".sm 80 .block 32\n", ".sm 80 .block 128\n"):
        run = stream(a100, *["DADD R8, R10, R12"] * 4, header=header)
        for warp in range(4 if "128" in header else 1):
            assert run.issues("DADD", warp) == [2, 6, 10, 14]
    states = [(e.cycle, e.detail) for e in run.events("state") if 3 <= e.cycle < 6]
    assert states == [(3, "math_pipe_throttle")]


def test_fp64_waits_for_a_dependence_counter_on_one_chip_and_for_the_stall_count_on_the_other(
    chip: Chip, a100: OneSm
) -> None:
    for sm, cycles in ((a100, 8), (perfect(chip, "h100_pcie"), None)):
        fp64 = sm.arch.config.sm.units.fp64
        assert not fp64.shared
        board = perfect(chip, "a100_sxm_80" if cycles else "h100_pcie", sm__issue__dependence="scoreboard")
        run = board.listing(f".sm {sm.arch.config.isa[3:]}\n{S1}DADD R8, R10, R12\n{S1}FADD R20, R8, R21")
        assert run.issued("FADD") - run.issued("DADD") == fp64.latency == (cycles or fp64.latency)
        assert run.blocked("FADD", at=run.issued("FADD") - 1) == "wait"


# --- texture, misc queue, uniform datapath ---------------------------------------------------------------------------
def test_a_full_texture_queue_throttles_at_issue_and_leaves_the_port_to_others(warm: OneSm) -> None:
    tex = "TEX R8, R10, R12, 0x0, 2D"
    run = stream(warm, *[tex] * 4)
    assert run.issues("TEX") == [2, 4, 12, 20]
    assert starts(run, "TEX") == [4, 12, 20, 28]
    assert run.counters.warp_states["tex_throttle"] == 1 + 7 + 7
    assert "dispatch_stall" not in run.counters.warp_states
    other = warm.listing(
        f".block 160\n.warp 0-3\n/*0400*/ {S1}NOP\n"
        + f"{S1}NOP\n" * 11
        + f"{EXIT}\n.warp 4\n/*0000*/ "
        + f"{S1}{tex}\n" * 3
        + EXIT
    )
    # W0 begins while W4 is throttled and, greedy, goes to its end; then W4's third one goes.
    first = other.issues(warp=0)[0]
    assert 4 < first < 12
    assert other.issues(warp=0) == [*range(first, first + 13)]
    assert other.issues("TEX", warp=4) == [2, 4, first + 13]


def test_a_texture_is_waited_for_as_long(warm: OneSm) -> None:
    run = warm.listing("""
        [B------:R-:W0:-:S02] TEX R8, R10, R12, 0x0, 2D
        [B0-----:R-:W-:-:S01] FADD R20, R8, R21
    """)
    assert run.issued("FADD") - run.issued("TEX") >= warm.arch.config.sm.units.texture.latency
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "long_scoreboard"


def test_the_misc_queue_takes_one_in_two_cycles_and_then_holds_the_port(warm: OneSm) -> None:
    """Starts in 4, 6, 8 ...: with three places the seventh S2UR finds the queue full in cycle 9."""
    run = stream(warm, *["S2UR UR4, SR_CTAID.X"] * 9)
    assert run.issues("S2UR") == [2, 3, 4, 5, 6, 7, 8, 10, 12]
    assert starts(run, "S2UR") == [4 + 2 * i for i in range(9)]
    assert run.blocked("EXIT", at=13) == "dispatch_stall"


def test_a_result_of_the_misc_queue_takes_its_latency(chip: Chip) -> None:
    run = perfect(chip, sm__units__misc_queue__latency="12 cycles").listing("""
        [B------:R-:W0:-:S02] S2UR UR4, SR_CTAID.X
        [B0-----:R-:W-:-:S01] FADD R20, R9, UR4
    """)
    assert run.issued("FADD") - run.issued("S2UR") == 12
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "short_scoreboard"


def test_the_uniform_datapath_takes_one_instruction_in_two_cycles(warm: OneSm) -> None:
    run = stream(warm, "UIADD3 UR4, UR5, UR6, URZ", "UMOV UR8, UR9", "FADD R2, R3, R4", "NOP")
    assert run.issues()[:4] == [2, 4, 5, 6]
    assert run.blocked("UMOV", at=3) == "math_pipe_throttle"


def test_each_sub_core_has_a_uniform_datapath(warm: OneSm) -> None:
    run = stream(warm, "UIADD3 UR4, UR5, UR6, URZ", "UMOV UR8, UR9", header=".block 128\n")
    assert [(run.issued("UIADD3", w), run.issued("UMOV", w)) for w in range(4)] == [(2, 4)] * 4


# --- FP32, FP16, INT -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("initiation", "issues"), [(1, [2, 3, 4, 5]), (2, [2, 4, 6, 8]), (4, [2, 6, 10, 14])])
def test_a_latch_is_taken_for_the_initiation_interval(chip: Chip, initiation: int, issues: list[int]) -> None:
    sm = perfect(chip, sm__units__int__initiation=f"{initiation} cycles")
    assert stream(sm, *["IADD3 R8, R9, R10, RZ"] * 4).issues("IADD3") == issues


def test_fp16_runs_at_half_rate_on_a_ga10x_and_at_full_rate_on_an_a100(warm: OneSm, a100: OneSm) -> None:
    lines = [f"HADD2 R{16 + i}, R5, R8" for i in range(4)]
    assert stream(warm, *lines).issues("HADD2") == [2, 4, 6, 8]
    assert stream(a100, *lines, header=".sm 80\n").issues("HADD2") == [2, 3, 4, 5]


def test_fp16_and_fp32_share_a_pipe_but_fp32_has_the_int_pipe_too(warm: OneSm) -> None:
    assert stream(warm, "HADD2 R16, R5, R8", "FADD R9, R10, R11", "NOP").issues()[:3] == [2, 3, 4]
    busy = stream(warm, "HADD2 R16, R5, R8", "FADD R9, R10, R11", "FMUL R12, R13, R14")
    assert busy.issues()[:3] == [2, 3, 4]  # FADD took the INT pipe, FMUL finds the FP32 pipe free again
    both = stream(warm, "MOV R16, R5", "HADD2 R9, R10, R11", "FMUL R12, R13, R14")
    assert both.issues()[:3] == [2, 3, 4]
    assert stream(warm, "HADD2 R16, R5, R8", "MOV R9, R10", "HADD2 R12, R13, R14").issues()[:3] == [2, 3, 4]
    assert stream(warm, "HADD2 R16, R5, R8", "IMAD R9, R10, R11, RZ").issues()[:2] == [2, 4]  # IMAD has no other pipe


@pytest.mark.parametrize(
    ("producer", "cycles"),
    [
        ("HADD2 R16, R5, R8", 5),
        ("HMMA.16816.F32 R16, R4, R8, R24", 32),
        ("HMMA.1688.F32 R16, R4, R8, R24", 24),
        ("IMMA.16816.S8.S8 R16, R4.ROW, R8.COL, R24", 24),
        ("FADD R16, R5, R8", 4),
    ],
)
def test_a_consumer_one_cycle_early_would_read_the_old_value(chip: Chip, producer: str, cycles: int) -> None:
    """The scoreboard knows the latency that the compiler puts into the stall count."""
    sm = perfect(chip, sm__issue__dependence="scoreboard")
    run = stream(sm, producer, "FADD R40, R16, R41")
    assert run.issued("R40") == 2 + cycles
    assert run.blocked("R40", at=1 + cycles) == "wait"


def test_imad_keeps_the_port_when_the_configuration_says_so(chip: Chip) -> None:
    for cycles in (1, 2, 3):
        sm = perfect(chip, sm__issue__port_cycles=f"{{IMAD: {cycles}}}")
        run = stream(sm, "IMAD R2, R3, R4, R5", "MOV R6, R7")
        assert run.issued("MOV") - run.issued("IMAD") == cycles
        if cycles > 1:
            assert run.blocked("MOV", at=run.issued("MOV") - 1) == "dispatch_stall"


# --- tensor cores ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "opcode", "initiation"),
    [
        ("rtx_a6000", "HMMA.16816.F32", 16),
        ("rtx_a6000", "HMMA.16816.F16", 16),
        ("rtx_a6000", "HMMA.1688.F32", 8),
        ("rtx_a6000", "IMMA.16816.S8.S8", 8),
        ("rtx_3080", "HMMA.16816.F32", 32),
        ("a100_sxm_80", "HMMA.16816.F32", 8),
    ],
)
def test_tensor_instructions_follow_each_other_at_their_initiation(
    chip: Chip, name: str, opcode: str, initiation: int
) -> None:
    """M x N x K products at the unit's rate (§6); other units go on beside them."""
    sm = perfect(chip, name)
    header = f".sm {sm.arch.config.isa[3:]}\n"
    lines = [f"{opcode} R{40 + 4 * i}, R4, R8, R{60 + 4 * i}" for i in range(4)]
    run = stream(sm, *lines, "FADD R90, R91, R94", header=header)
    issues = run.issues(opcode)
    assert [b - a for a, b in itertools.pairwise(issues)] == [initiation] * 3
    assert run.issued("FADD") == issues[-1] + 1
    states = [(e.cycle, e.detail) for e in run.events("state") if issues[0] < e.cycle < issues[1]]
    assert states == [(issues[0] + 1, "math_pipe_throttle")]


# --- branches --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("latency", [1, 2, 4])
def test_behind_a_taken_branch_the_target_is_fetched_at_once_and_issues_when_decoded(chip: Chip, latency: int) -> None:
    """The buffer is flushed when the branch issues (§3); fetch, last in the cycle, starts at the target."""
    run = perfect(chip, sm__frontend__decode_latency=f"{latency} cycles").listing(f"""
        [B------:R-:W-:Y:S15] NOP
        {S1}BRA 0x100
        /*0100*/ {S1}FADD R2, R3, R4
    """)
    branch = run.issued("BRA")
    assert [e.cycle for e in run.events("fetched", "FADD")] == [branch]
    assert run.issued("FADD") == branch + latency
    if latency > 1:
        assert run.blocked("FADD", at=branch + latency - 1) == "branch_resolving"


def test_the_wrong_path_fills_the_buffer_and_is_dropped(warm: OneSm) -> None:
    """NOP sleeps with BRA and two instructions behind it in the buffer of three."""
    run = warm.listing(f"[B------:R-:W-:Y:S15] NOP\n{S1}BRA 0x100\n/*0100*/ {S1}FADD R2, R3, R4")
    assert run.counters.events["sm.fetch.wrong_path"] == 2
    assert run.counters.events["sm.fetch.instructions"] == 4 + 2
    assert run.counters.warp_instructions == 4


def test_a_branch_that_is_not_taken_costs_its_slot(warm: OneSm) -> None:
    run = stream(warm, "@P0 BRA 0x100", "FADD R2, R3, R4")
    assert run.issues()[:2] == [2, 3]
    assert run.counters.events["sm.fetch.wrong_path"] == 0


def test_a_loop_pays_for_each_turn(warm: OneSm) -> None:
    """FADD and BRA, then the flush: four cycles a turn with a decode latency of two, less the bubble of the last."""
    run = warm.listing(f".repeat 4\n{S1}FADD R2, R3, R4\n{S1}BRA 0x0\n.end\n{EXIT}")
    assert run.issues("BRA") == [3, 6, 9, 12]
    assert run.issues("FADD") == [2, 5, 8, 11]
    assert run.issued("EXIT") == 13


def test_the_shared_fp64_unit_serves_the_sub_cores_in_turn(chip: Chip) -> None:
    """With six DADD waiting in each, the first four starts belong to the four sub-cores."""
    sm = chip("rtx_a6000", {"sm.frontend.perfect": "true"})
    run = sm.listing(".block 128\n" + "[B------:R-:W-:-:S01] DADD R8, R10, R12\n" * 6)
    starts = sorted((e.cycle, warp) for warp in range(4) for e in run.events("executes", "DADD", warp=warp))
    assert [warp for _, warp in starts] == [0, 1, 2, 3] * 6
