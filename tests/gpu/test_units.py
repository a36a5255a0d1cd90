"""Execution units: queues, shared FP64, uniform datapath, tensor cores, branches (§3, §6)."""

import pytest

from tests.gpu.conftest import Chip, OneSm

S1 = "[B------:R-:W-:-:S01] "


@pytest.fixture(scope="module")
def warm(chip: Chip) -> OneSm:
    return chip("rtx_a6000", {"sm.frontend.perfect": "true"})


def test_a_reciprocal_takes_its_latency_and_its_source_is_free_when_read(warm: OneSm) -> None:
    run = warm.listing("""
        [B------:R1:W0:-:S02] MUFU.RCP R8, R9
        [B-1----:R-:W-:-:S01] MOV R9, R10
        [B0-----:R-:W-:-:S01] FADD R12, R8, R11
    """)
    start = run.issued("MUFU")
    assert run.issued("FADD") - start == warm.arch.config.sm.units.sfu.latency
    assert run.issued("MOV") - start == 5  # two cycles to the unit, three to read
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "short_scoreboard"


def test_a_full_queue_holds_control_and_so_the_port(warm: OneSm) -> None:
    run = warm.listing(".block 32\n" + f"{S1}MUFU.RCP R8, R9\n" * 4 + f"{S1}FADD R12, R13, R11")
    issues = run.issues("MUFU")
    initiation = warm.arch.config.sm.units.sfu.initiation
    assert issues[1] - issues[0] == 1  # one starts, one waits in the queue, one in Control, one behind Issue
    assert issues[3] - issues[2] >= initiation - 2
    assert run.blocked("FADD", at=run.issued("FADD") - 1) == "dispatch_stall"


def test_counters_rise_in_the_first_control_cycle_even_if_the_instruction_is_held(warm: OneSm) -> None:
    run = warm.listing(
        f"{S1}MUFU.RCP R20, R21\n" * 4
        + "[B------:R-:W0:-:S02] MUFU.RCP R8, R30\n[B0-----:R-:W-:-:S01] FADD R12, R8, R11"
    )
    (up,), (down,) = run.events("counter up"), run.events("counter down")
    assert up.cycle == run.issues("R8, R30")[0] + 1
    assert run.issued("FADD") == down.cycle


def test_fp64_is_shared_by_the_sub_cores_of_ga10x_and_not_on_an_a100(chip: Chip) -> None:
    text = ".block 128\n[B------:R-:W0:-:S02] DADD R8, R10, R12\n[B0-----:R-:W-:-:S01] FADD R20, R8, R11"
    overrides = {"sm.frontend.perfect": "true"}
    shared = chip("rtx_a6000", overrides).listing(text)
    unit = chip("rtx_a6000").arch.config.sm.units.fp64
    waits = sorted(shared.issues("FADD", warp=w)[0] - shared.issues("DADD", warp=w)[0] for w in range(4))
    alone = unit.latency + unit.transfer + 1  # the second register of the pair is written a cycle after the first
    assert waits == [alone + i * unit.initiation for i in range(4)]
    own = chip("a100_sxm_80", overrides).listing(text)
    assert {own.issues("FADD", warp=w)[0] - own.issues("DADD", warp=w)[0] for w in range(4)} == {8}


def test_tensor_instructions_follow_each_other_at_their_initiation(warm: OneSm, chip: Chip) -> None:
    lines = f"{S1}HMMA.16816.F32 R4, R20, R24, R4\n{S1}HMMA.16816.F32 R8, R20, R24, R8\n"
    for sm, initiation in ((warm, 16), (chip("a100_sxm_80", {"sm.frontend.perfect": "true"}), 8)):
        first, second = sm.listing(lines).issues("HMMA")
        assert second - first == initiation


def test_the_uniform_datapath_takes_one_instruction_in_two_cycles(warm: OneSm) -> None:
    run = warm.listing(f"{S1}UIADD3 UR4, UR5, UR6, URZ\n{S1}UMOV UR8, UR9\n{S1}FADD R2, R3, R4")
    assert run.issued("UMOV") - run.issued("UIADD3") == 2
    assert run.issued("FADD") - run.issued("UMOV") == 1


def test_a_taken_branch_drops_what_was_fetched_behind_it(warm: OneSm) -> None:
    run = warm.listing(f".repeat 2\n{S1}FADD R2, R3, R4\n{S1}BRA 0x0\n.end\n")
    branch, _ = run.issues("BRA")
    again = run.issues("FADD")[1]
    assert again - branch == warm.arch.config.sm.frontend.decode_latency
    assert run.counters.events["sm.fetch.wrong_path"] > 0
    states = [e.detail for e in run.events("state") if branch < e.cycle < again]
    assert states == ["branch_resolving"]


def test_imad_keeps_the_port_when_the_configuration_says_so(chip: Chip) -> None:
    for cycles in (1, 2, 3):
        sm = chip("rtx_a6000", {"sm.issue.port_cycles": f"{{IMAD: {cycles}}}", "sm.frontend.perfect": "true"})
        run = sm.listing(f"{S1}IMAD R2, R3, R4, R5\n{S1}MOV R6, R7")
        assert run.issued("MOV") - run.issued("IMAD") == cycles


def test_store_bandwidth_is_that_of_the_stand_in(warm: OneSm) -> None:
    """100 x 32 sectors at 32 B a cycle."""
    run = warm.listing(f".repeat 100\n{S1}STG.E [R2.64], R4 {{0x1000 + 128*lane}}\n.end")
    written = run.counters.events["behind_l1.write_bytes"]
    assert written == 100 * 32 * 32
    assert run.counters.cycles >= written // warm.arch.config.behind_l1.bandwidth


def test_conflicting_shared_stores_take_their_array_cycles(warm: OneSm) -> None:
    run = warm.listing(f".shared 4096\n.repeat 100\n{S1}STS [R2], R4 {{0x0 + 128*lane}}\n.end")
    assert run.counters.events["sm.shared.cycles"] == 3200
    assert 3200 <= run.counters.cycles <= 3200 + 60


def test_streaming_loads_reach_the_bandwidth_of_the_stand_in_and_not_more(warm: OneSm) -> None:
    run = warm.listing(
        f".block 512\n.repeat 64\n{S1}LDG.E.128 R4, [R2.64] {{0x10000 + 16*lane + 512*warp + 65536*iter}}\n.end"
    )
    read = run.counters.events["behind_l1.read_bytes"]
    least = read / warm.arch.config.behind_l1.bandwidth
    assert read >= 16 * 64 * 512
    assert least <= run.counters.cycles <= 1.05 * least + 400


def test_three_constants_of_one_two_way_set_all_arrive(chip: Chip) -> None:
    sm = chip("rtx_a6000", {"sm.sub_cores": "1"})
    warps = "\n".join(f".warp {i - 1}\n{S1}FADD R8, R9, c[0x0][{0x100 * i:#x}]" for i in (1, 2, 3))
    run = sm.listing(f".block 96\n{warps}")
    assert run.counters.warp_instructions == 6
