"""What-if studies as directions (core reference §9.4): register file, instruction prefetch, dependence mechanism."""

import itertools

import pytest

from sim.arch import load_arch
from sim.gpu.simulate import simulate_kernel
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace


def cycles(kernel: KernelTrace, **overrides: str) -> int:
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    return simulate_kernel(kernel, load_arch("rtx_a6000", {"sm.count": "1", **settings})).cycles


def ffma(target: int, *sources: str) -> str:
    return f"[B------:R-:W-:-:S01] FFMA R{target}, {', '.join(sources)}"


@pytest.fixture(scope="module")
def register_bound() -> KernelTrace:
    """FFMA whose three sources share a bank, one of them reused by all: an inner loop of a register-blocked GEMM."""
    body = [ffma(20 + 2 * i, "R8.reuse", f"R{100 + 2 * (i % 20)}", f"R{20 + 2 * i}") for i in range(32)]
    return parse_listing(".block 128\n.repeat 4\n" + "\n".join(body) + "\n.end").kernels[0]


@pytest.fixture(scope="module")
def instruction_bound() -> KernelTrace:
    """Straight-line code of 75 lines, one warp, nothing to wait for but instructions."""
    return parse_listing("\n".join(f"[B------:R-:W-:-:S01] FADD R{20 + i % 100}, R9, R10" for i in range(600))).kernels[
        0
    ]


@pytest.fixture(scope="module")
def shared_operand() -> KernelTrace:
    """FFMA that all read one register: a scoreboard has to count its readers."""
    body = [ffma(20 + i, "R8", f"R{100 + i % 3}", f"R{20 + i}") for i in range(40)]
    return parse_listing(".block 128\n.repeat 3\n" + "\n".join(body) + "\n.end").kernels[0]


def test_register_file_cache_then_two_ports_then_an_ideal_file(register_bound: KernelTrace) -> None:
    """§9.4: 1R without RFC is slowest, then 1R with RFC, 2R without RFC, ideal."""
    warm = {"sm__frontend__perfect": "true"}
    uncached = {"sm__register_file__cache__enabled": "false", **warm}
    without = cycles(register_bound, **uncached)
    cached = cycles(register_bound, **warm)
    two_ports = cycles(register_bound, sm__register_file__read_ports="2", **uncached)
    ideal = cycles(register_bound, sm__register_file__ideal="true", **warm)
    assert without > cached > two_ports > ideal
    assert without > 1.3 * cached  # three port reads an instruction against two


def test_a_kernel_without_conflicts_does_not_care_for_the_register_file() -> None:
    body = "\n".join(ffma(20 + i, "R9", "R14", "RZ") for i in range(40))
    kernel = parse_listing(f".repeat 4\n{body}\n.end").kernels[0]
    assert cycles(kernel) == cycles(kernel, sm__register_file__ideal="true")


def test_a_deeper_stream_buffer_never_hurts_and_helps_until_it_covers_the_latency(
    instruction_bound: KernelTrace,
) -> None:
    """§9.4, Table 5: 0, 1, 2, 4, 8, 16, 32 lines, and a perfect instruction cache below them all."""
    by_depth = [cycles(instruction_bound, sm__frontend__prefetch_lines=str(n)) for n in (0, 1, 2, 4, 8, 16, 32)]
    assert all(a > b for a, b in itertools.pairwise(by_depth))
    assert by_depth[-1] > cycles(instruction_bound, sm__frontend__perfect="true")


def test_a_scoreboard_with_one_consumer_holds_readers_of_one_register_back(shared_operand: KernelTrace) -> None:
    """§9.4, Table 7: one WAR consumer is slower than three, three not faster than 63, control bits fastest."""
    one, three, many = (
        cycles(shared_operand, sm__issue__dependence="scoreboard", sm__issue__scoreboard_consumers=str(n))
        for n in (1, 3, 63)
    )
    assert one > three >= many >= cycles(shared_operand)
