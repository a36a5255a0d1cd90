"""Dependence by scoreboard: RAW, WAW, WAR with n consumers, and what fences do without counters (§9.4)."""

import dataclasses

import pytest

from sim.arch import load_arch
from sim.gpu.simulate import simulate_kernel
from sim.trace.listing import parse_listing
from tests.gpu.conftest import Chip, OneSm

S1 = "[B------:R-:W-:-:S01] "


@pytest.fixture(scope="module")
def board(chip: Chip) -> OneSm:
    return chip("rtx_a6000", {"sm.issue.dependence": "scoreboard", "sm.frontend.perfect": "true"})


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("FADD R8, R9, R10", "FMUL R12, R8, R13", 4),  # RAW on an FP32 result
        ("HADD2 R8, R9, R10", "FMUL R12, R8, R13", 5),  # RAW on an FP16 result
        ("FADD R8, R9, R10", "FMUL R8, R12, R13", 4),  # WAW
        ("ISETP.GE.AND P0, PT, R8, R9, PT", "@P0 FMUL R12, R10, R13", 13),  # a predicate
        ("UIADD3 UR4, UR5, UR6, URZ", "IADD3 R12, R10, UR4, RZ", 4),  # a uniform register
        ("FADD R8, R9, R10", "FMUL R12, R11, R13", 1),  # nothing in common
    ],
)
def test_fixed_latencies(board: OneSm, first: str, second: str, distance: int) -> None:
    run = board.listing(f"{S1}{first}\n{S1}{second}")
    cycles = run.issues()
    assert cycles[1] - cycles[0] == distance
    if distance > 1:
        before = [e for e in run.events("state") if e.cycle < cycles[1]]
        assert (before[-1].pc, before[-1].detail) == (0x10, "wait")


def test_a_load_is_waited_for_under_its_own_name(board: OneSm) -> None:
    for load, latency, reason in (
        ("LDS R8, [R4]", 24, "short_scoreboard"),
        ("LDG.E R8, [R4.64] {0x1000}", 250, "long_scoreboard"),
    ):
        run = board.listing(f"{S1}{load}\n{S1}FADD R9, R8, R10")
        cycles = run.issues()
        assert cycles[1] - cycles[0] == latency
        assert run.blocked("FADD", at=cycles[1] - 1) == reason


def test_a_writer_waits_until_a_store_has_read_its_data(board: OneSm) -> None:
    """WAR of Table 2: a 128-bit store with a regular address reads for 20 cycles."""
    run = board.listing(f"{S1}STG.E.128 [R4.64], R8\n{S1}FADD R10, R20, R21")
    cycles = run.issues()
    assert cycles[1] - cycles[0] == 20


def test_one_consumer_keeps_a_second_reader_back(chip: Chip) -> None:
    """The first reader is counted until its port reads are reserved: two cycles to Allocate, one to be seen."""

    def gap(consumers: int) -> int:
        sm = chip(
            "rtx_a6000",
            {"sm.issue.dependence": "scoreboard", "sm.issue.scoreboard_consumers": str(consumers),
             "sm.frontend.perfect": "true"},
        )  # fmt: skip
        cycles = sm.listing(f"{S1}FADD R12, R8, R9\n{S1}FADD R13, R8, R10").issues()
        return cycles[1] - cycles[0]

    assert gap(1) == 3
    assert gap(2) == gap(63) == 1


def test_copies_are_waited_for_by_the_fence_behind_them(board: OneSm) -> None:
    run = board.listing(f"""
        {S1}LDGSTS.E [R10], [R2.64] {{0x1000 + 4*lane}}
        {S1}LDGDEPBAR
        {S1}DEPBAR.LE SB0, 0x0
        {S1}LDS R12, [R13]
    """)
    assert run.issued("DEPBAR.LE") - run.issued("LDGSTS") > 250
    assert run.issued("LDS") > run.issued("DEPBAR.LE")


def test_a_trace_without_control_bits_uses_it_and_says_so() -> None:
    kernel = parse_listing(f"{S1}FADD R8, R9, R10\n{S1}FMUL R12, R8, R13").kernels[0]
    bare = dataclasses.replace(
        kernel,
        header=dataclasses.replace(kernel.header, has_control_bits=False),
        static=[dataclasses.replace(row, control=None) for row in kernel.static],
    )
    arch = load_arch("rtx_a6000", {"sm.count": "1"})
    chosen = load_arch("rtx_a6000", {"sm.count": "1", "sm.issue.dependence": "scoreboard"})
    without, by_key, by_bits = (simulate_kernel(k, a) for k, a in ((bare, arch), (kernel, chosen), (kernel, arch)))
    assert without.cycles == by_key.cycles > by_bits.cycles  # FMUL waits for R8, which the control bits forgot
    assert without.warnings == ["the trace has no control bits: dependences are kept by the scoreboard"]
    assert by_key.warnings == by_bits.warnings == []
