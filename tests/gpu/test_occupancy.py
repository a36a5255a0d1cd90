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
