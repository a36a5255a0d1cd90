"""CTAs per SM by every limit, worked out by hand, and what a CTA that does not fit is told."""

import pytest

from sim.arch import load_arch
from sim.errors import TraceError
from sim.gpu.occupancy import fit
from sim.trace.model import KernelHeader


def header(threads: int, registers: int = 16, shared: int = 0) -> KernelHeader:
    return KernelHeader("k", block=(threads, 1, 1), registers=registers, shared_bytes=shared)


@pytest.mark.parametrize(
    ("chip", "kernel", "ctas", "limiter"),
    [
        ("rtx_a6000", header(32), 16, "ctas"),
        ("rtx_a6000", header(256), 6, "warps"),  # 48 warps / 8
        ("a100_sxm_80", header(256), 8, "warps"),  # 64 warps / 8
        ("rtx_2080ti", header(256), 4, "warps"),  # 32 warps / 8
        # 47 registers x 32 = 1,504, rounded up to 1,536: 10 warps a sub-core, 40 an SM, 5 CTAs of 8.
        ("rtx_a6000", header(256, 47), 5, "registers"),
        # 255 x 32 = 8,160 -> 8,192: 2 warps a sub-core, 8 an SM.
        ("rtx_a6000", header(128, 255), 2, "registers"),
        # 100 KiB = 102,400 B; a CTA takes 8,448 + 1,024 = 9,472 B: 10.8.
        ("rtx_a6000", header(64, 16, 8448), 10, "shared_memory"),
        # Turing reserves nothing: 64 KiB / 8,448 B = 7.75.
        ("rtx_2080ti", header(64, 16, 8448), 7, "shared_memory"),
        # The largest CTA: 99 KiB and its reserve fill the SM.
        ("rtx_a6000", header(64, 16, 99 << 10), 1, "shared_memory"),
    ],
)
def test_the_smallest_limit_decides(chip: str, kernel: KernelHeader, ctas: int, limiter: str) -> None:
    found = fit(kernel, load_arch(chip))
    assert (found.ctas_per_sm, found.limiter) == (ctas, limiter)
    assert found.limits[limiter] == min(found.limits.values()) == ctas


@pytest.mark.parametrize(
    ("shared", "left"),
    [
        (0, 112),  # 16 CTAs x 1 KiB of reserve = 16 KiB of the 128
        (2048, 64),  # 16 x 3 KiB = 48 KiB: the 64-KiB carve-out
        (8448, 28),  # 10 CTAs, 92.5 KiB: 100
    ],
)
def test_l1d_keeps_what_the_smallest_sufficient_carve_out_leaves(shared: int, left: int) -> None:
    assert fit(header(32, 16, shared), load_arch("rtx_a6000")).l1d_bytes == left << 10


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (header(64, 16, (99 << 10) + 1), "shared_memory"),
        (header(2048), "does not fit"),
        (header(1024, 255), "registers"),
        (header(64, 256), "256 registers a thread"),
        (header(0), "no threads"),
    ],
)
def test_a_cta_that_does_not_fit_is_refused_in_one_line(kernel: KernelHeader, reason: str) -> None:
    with pytest.raises(TraceError, match=reason) as refusal:
        fit(kernel, load_arch("rtx_a6000"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("chip", "limits"),
    [
        # 256 threads, 40 registers, 8,448 B. 40 x 32 = 1,280 registers a warp: 12 warps of 16,384 a sub-core, 48 an SM.
        # 8,448 + 1,024 = 74 x 128 B: 102,400 / 9,472 = 10.8.
        ("rtx_a6000", {"ctas": 16, "warps": 6, "threads": 6, "registers": 6, "shared_memory": 10}),
        # 64 warps, 2,048 threads, 167,936 / 9,472 = 17.7.
        ("a100_sxm_80", {"ctas": 32, "warps": 8, "threads": 8, "registers": 6, "shared_memory": 17}),
        # 32 warps, 1,024 threads, 65,536 / (33 x 256) = 7.8.
        ("rtx_2080ti", {"ctas": 16, "warps": 4, "threads": 4, "registers": 6, "shared_memory": 7}),
    ],
)
def test_every_limit_of_one_kernel_on_three_chips(chip: str, limits: dict[str, int]) -> None:
    found = fit(header(256, 40, 8448), load_arch(chip))
    assert found.limits == limits
    assert found.ctas_per_sm == min(limits.values())


@pytest.mark.parametrize(
    ("registers", "threads", "ctas"),
    [
        (64, 256, 4),  # 2,048 a warp, 8 warps a sub-core
        (65, 256, 3),  # rounded up to 72: 2,304, 7 warps a sub-core, 28 an SM
        (72, 256, 3),
        (73, 256, 3),  # 80: 2,560, 6 warps a sub-core, 24 an SM
        (81, 256, 2),  # 88: 2,816, 5 warps a sub-core, 20 an SM
        (255, 160, 1),  # 2 warps a sub-core, 8 an SM: a second CTA of 5 warps does not fit
        (255, 256, 1),
        (168, 96, 4),  # 5,376 a warp, 3 warps a sub-core and not 3.05: 12 an SM
    ],
)
@pytest.mark.parametrize("chip", ["rtx_a6000", "a100_sxm_80"])
def test_registers_are_given_to_whole_warps_of_one_sub_core(chip: str, registers: int, threads: int, ctas: int) -> None:
    found = fit(header(threads, registers), load_arch(chip))
    assert (found.limits["registers"], found.ctas_per_sm, found.limiter) == (ctas, ctas, "registers")


@pytest.mark.parametrize(
    ("chip", "shared", "ctas", "left"),
    [
        ("rtx_a6000", 24 << 10, 4, 28),  # 25 KiB with the reserve, four of them in 100
        ("rtx_a6000", (24 << 10) + 1, 3, 28),  # 25,728 B: 75.4 KiB, the 100-KiB carve-out all the same
        ("rtx_a6000", 31 << 10, 3, 28),  # 96 KiB
        ("a100_sxm_80", 40 << 10, 4, 28),  # 41 KiB each: all of 164, of an array of 192
        ("a100_sxm_80", (40 << 10) + 1, 3, 60),  # 123.4 KiB: the 132-KiB carve-out
        ("a100_sxm_80", 163 << 10, 1, 28),
        ("rtx_2080ti", 16 << 10, 4, 32),  # no reserve: all of 64, of an array of 96
        ("rtx_2080ti", (16 << 10) + 1, 3, 32),  # rounded up to 65 x 256 B
        ("rtx_2080ti", 64 << 10, 1, 32),
    ],
)
def test_shared_memory_with_its_reserve_and_what_l1d_keeps(chip: str, shared: int, ctas: int, left: int) -> None:
    found = fit(header(64, 16, shared), load_arch(chip))
    assert (found.ctas_per_sm, found.limiter, found.l1d_bytes) == (ctas, "shared_memory", left << 10)


@pytest.mark.parametrize(
    ("chip", "left"),
    [
        ("rtx_a6000", 112),  # 16 CTAs x 1 KiB
        ("a100_sxm_80", 160),  # 32 CTAs x 1 KiB, of 192
        ("h100_pcie", 224),  # 32 CTAs x 1 KiB, of 256
        ("rtx_2080ti", 96),  # nothing
        ("qv100", 128),
    ],
)
def test_a_kernel_without_shared_memory_leaves_l1d_all_but_the_reserve(chip: str, left: int) -> None:
    found = fit(header(32), load_arch(chip))
    assert (found.limiter, found.l1d_bytes) == ("ctas", left << 10)


def test_threads_limit_where_they_are_fewer_than_the_warps_could_hold() -> None:
    found = fit(header(256), load_arch("rtx_a6000", {"sm.max_threads": "1024"}))
    assert (found.ctas_per_sm, found.limiter) == (4, "threads")


def test_a_block_in_three_dimensions_counts_its_threads() -> None:
    block = KernelHeader("k", block=(10, 10, 2), registers=16)  # 200 threads, 7 warps
    assert fit(block, load_arch("rtx_a6000")).ctas_per_sm == 6


def test_what_a_cta_that_does_not_fit_is_told() -> None:
    with pytest.raises(TraceError) as refusal:
        fit(header(512, 16, 80 << 10), load_arch("rtx_2080ti"))
    assert str(refusal.value) == (
        "kernel k: a CTA of 16 warps, 16 registers a thread and 81920 B of shared memory does not fit on an SM of"
        " RTX 2080 Ti (shared_memory); choose the architecture that the trace was made for"
    )
