"""Matrix instructions: initiation from published rates, latency on top (core reference §6)."""

import pytest

from sim.arch import load_arch
from sim.gpu.tensor import shape, tensor_timing
from sim.isa.instruction import parse_sass


@pytest.mark.parametrize(
    ("word", "mnk"),
    [("16816", (16, 8, 16)), ("1688", (16, 8, 8)), ("16832", (16, 8, 32)), ("884", (8, 8, 4)), ("8816", (8, 8, 16))],
)
def test_shape_words(word: str, mnk: tuple[int, int, int]) -> None:
    assert shape(word) == mnk


@pytest.mark.parametrize(
    ("chip", "opcode", "initiation"),
    [
        # 2,048 multiply-adds: 512 FLOP per cycle and sub-core on A100, 256 on A6000, half with FP32 on RTX 3080.
        ("a100_sxm_80", "HMMA.16816.F32", 8),
        ("rtx_a6000", "HMMA.16816.F32", 16),
        ("rtx_3080", "HMMA.16816.F32", 32),
        ("rtx_3080", "HMMA.16816.F16", 16),
        ("h100_pcie", "HMMA.16816.F32", 4),
        ("rtx_a6000", "HMMA.1688.F32", 8),
        ("rtx_a6000", "HMMA.16816.F32.BF16", 16),
        ("rtx_a6000", "HMMA.1688.F32.TF32", 16),  # half the products, twice the bits
        ("rtx_a6000", "IMMA.16816.S8.S8", 8),
        ("rtx_a6000", "HMMA.SP.16832.F16", 16),  # twice the products at twice the rate
        # Volta: a m8n8k4 product of four quad pairs in four steps, 8 cycles in all.
        ("qv100", "HMMA.884.F32.F32.STEP0", 2),
    ],
)
def test_initiation_follows_from_the_rate(chip: str, opcode: str, initiation: int) -> None:
    unit = load_arch(chip).config.sm.units.tensor
    latency, found = tensor_timing(parse_sass(f"{opcode} R4, R8, R12, R4"), unit)
    assert found == initiation
    assert latency == initiation + unit.pipeline


def test_latency_of_an_a100_mma_is_the_measured_one() -> None:
    """24.6 cycles between dependent m16n8k16 (arXiv 2501.12084), 25 here."""
    unit = load_arch("a100_sxm_80").config.sm.units.tensor
    latency, _ = tensor_timing(parse_sass("HMMA.16816.F32 R4, R8, R12, R4"), unit)
    assert latency == 25
