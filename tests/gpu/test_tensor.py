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


@pytest.mark.parametrize(
    ("chip", "opcode", "initiation", "latency"),
    [
        # RTX A6000: 128 multiply-adds per cycle and sub-core, FP32 accumulation at full rate.
        ("rtx_a6000", "HMMA.16816.F32", 16, 32),
        ("rtx_a6000", "HMMA.16816.F16", 16, 32),
        ("rtx_a6000", "HMMA.1688.F16", 8, 24),
        ("rtx_a6000", "IMMA.8816.S8.S8", 4, 20),
        ("rtx_a6000", "IMMA.16832.U8.U8", 16, 32),
        ("rtx_a6000", "IMMA.16864.S4.S4", 16, 32),
        ("rtx_a6000", "HMMA.SP.16832.F32", 16, 32),
        # RTX 3080: half of it with FP32 accumulation, whatever the inputs; integers are not concerned.
        ("rtx_3080", "HMMA.1688.F32", 16, 32),
        ("rtx_3080", "HMMA.16816.F32.BF16", 32, 48),
        ("rtx_3080", "HMMA.1688.F32.TF32", 32, 48),
        ("rtx_3080", "IMMA.16816.S8.S8", 8, 24),
        # A100: 256 multiply-adds; 156 TFLOPS with TF32, 312 with BF16.
        ("a100_sxm_80", "HMMA.16816.F16", 8, 25),
        ("a100_sxm_80", "HMMA.16816.F32.BF16", 8, 25),
        ("a100_sxm_80", "HMMA.1688.F32.TF32", 8, 25),
        ("a100_sxm_80", "HMMA.1688.F32", 4, 21),
        ("a100_sxm_80", "IMMA.16832.S8.S8", 8, 25),
        ("a100_sxm_80", "HMMA.SP.16832.F32", 8, 25),
        # H100 by way of mma: 512 multiply-adds; m16n8k16 takes 24.1 cycles on H800 (arXiv 2402.13499), sparse 24.0.
        ("h100_pcie", "HMMA.16816.F32", 4, 24),
        ("h100_pcie", "HMMA.SP.16832.F32", 4, 24),
        ("h100_pcie", "IMMA.16832.S8.S8", 4, 24),
        ("h100_pcie", "HMMA.1688.F32.TF32", 4, 24),
        # RTX 2080 Ti: 509 FMA per cycle and SM measured with FP16, 255 with FP32 accumulation, 1,013 with INT8.
        ("rtx_2080ti", "HMMA.1688.F16", 8, 24),
        ("rtx_2080ti", "HMMA.1688.F32", 16, 32),
        ("rtx_2080ti", "IMMA.8816.S8.S8", 4, 20),
        # V100: 128 multiply-adds per sub-core; four 8x8x4 products in two steps (FP16) or four (FP32).
        ("qv100", "HMMA.884.F16.F16.STEP0", 4, 6),
        ("qv100", "HMMA.884.F32.F32.STEP3", 2, 4),
    ],
)
def test_initiation_and_latency_by_chip_shape_and_type(chip: str, opcode: str, initiation: int, latency: int) -> None:
    unit = load_arch(chip).config.sm.units.tensor
    assert tensor_timing(parse_sass(f"{opcode} R4, R8, R12, R4"), unit) == (latency, initiation)


@pytest.mark.parametrize(
    ("chip", "opcode", "flop", "published"),
    [
        ("a100_sxm_80", "HMMA.16816.F32", 2 * 16 * 8 * 16, 2048),
        ("rtx_a6000", "HMMA.16816.F32", 2 * 16 * 8 * 16, 1024),
        ("rtx_3080", "HMMA.16816.F32", 2 * 16 * 8 * 16, 512),
        ("h100_pcie", "HMMA.16816.F32", 2 * 16 * 8 * 16, 4096),
        ("rtx_2080ti", "HMMA.1688.F32", 2 * 16 * 8 * 8, 512),
        ("rtx_2080ti", "HMMA.1688.F16", 2 * 16 * 8 * 8, 1024),
        ("qv100", "HMMA.884.F32.F32.STEP0", 2 * 4 * 8 * 8 * 4 // 4, 1024),  # one of four steps
        ("qv100", "HMMA.884.F16.F16.STEP0", 2 * 4 * 8 * 8 * 4 // 2, 1024),
    ],
)
def test_four_sub_cores_reach_the_published_flop_per_cycle(chip: str, opcode: str, flop: int, published: int) -> None:
    sm = load_arch(chip).config.sm
    _, initiation = tensor_timing(parse_sass(f"{opcode} R4, R8, R12, R4"), sm.units.tensor)
    assert flop / initiation * sm.sub_cores == published


@pytest.mark.parametrize("word", ["F32", "STEP0", "4", "16", ""])
def test_a_word_that_is_no_shape_counts_as_the_usual_one(word: str) -> None:
    assert shape(word) == (16, 8, 16)
