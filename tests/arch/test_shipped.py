"""The configurations that ship with Tickwise."""

import re
from pathlib import Path

import pytest

from sim.arch import check_file, config_root, load_arch, names
from sim.arch.dram import load_dram
from sim.arch.load import is_family

CHIPS = ["a100_sxm_80", "h100_pcie", "qv100", "rtx_2080ti", "rtx_3080", "rtx_a6000", "rtx_a6000_tlb"]
FAMILIES = ["ampere", "ampere_ga100", "hopper", "turing", "volta"]


def test_these_chips_and_families_ship() -> None:
    assert set(CHIPS) <= {name for name in names() if not is_family(name)}
    assert set(FAMILIES) <= {name for name in names() if is_family(name)}


@pytest.mark.parametrize("name", CHIPS + FAMILIES)
def test_no_mistakes(name: str) -> None:
    assert check_file(name) == []


@pytest.mark.parametrize("name", CHIPS)
def test_every_value_has_a_source_of_its_own(name: str) -> None:
    arch = load_arch(name)
    assert set(arch.sources) == set(arch.values) - {"name", "kind"}
    for key, source in arch.sources.items():
        assert "without a source" not in source, key
        assert len(source) > 5, key
    assert arch.fudge == {}


@pytest.mark.parametrize("name", CHIPS)
def test_no_assumption_is_bare(name: str) -> None:
    for key, source in load_arch(name).sources.items():
        for part in re.findall(r"assumption:(.*)", source):
            assert len(part) > 10, key


@pytest.mark.parametrize("name", CHIPS + FAMILIES)
def test_an_editor_finds_the_schema(name: str) -> None:
    text = (config_root() / "gpu" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schema.json\n")
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize("name", CHIPS)
def test_sources_name_public_origins(name: str) -> None:
    assert not [source for source in load_arch(name).sources.values() if "../" in source]


#: MICRO'25 Table 4: SMs, profiling clock in MHz, warps per SM, L1D and shared memory in KiB.
TABLE_4 = {
    "rtx_a6000": (84, 1800, 48, 128),
    "rtx_3080": (68, 1710, 48, 128),
    "rtx_2080ti": (68, 1350, 32, 96),
}


@pytest.mark.parametrize("name", TABLE_4)
def test_the_evaluated_chips_are_those_of_the_paper(name: str) -> None:
    sm = load_arch(name).config.sm
    assert (sm.count, sm.clock // 10**6, sm.max_warps, sm.l1d.size // 1024) == TABLE_4[name]


#: Load-to-use latencies of L2 hits in cycles, as published (the files say where): near, and with two partitions far, as
#: near plus the published difference (A100 PCIe 356.6 - 208.0, H800 PCIe 414.1 - 258.0).
L2_HITS = {
    "rtx_a6000": (250, None),
    "rtx_a6000_tlb": (250, None),
    "rtx_3080": (250, None),
    "rtx_2080ti": (226, None),
    "qv100": (212, None),
    "a100_sxm_80": (208, 357),
    "h100_pcie": (266, 422),
}


@pytest.mark.parametrize("name", CHIPS)
def test_an_l1_miss_costs_the_measured_l2_hit(name: str) -> None:
    """LDG of 32 bits with a register address: 9 cycles of stages, the hit, 2 of write-back and the overhead."""
    near, far = L2_HITS[name]
    config = load_arch(name).config
    memory, noc, l2 = config.sm.memory, config.noc, config.l2
    stages = 2 * memory.address_cycles + memory.stage_offset + 1
    load_to_use = stages + config.sm.l1d.hit_latency + 2 + memory.load_to_use_overhead
    translated = config.translation.l1.latency if config.translation else 0  # a measured hit was one in the TLB too
    assert load_to_use + translated + noc.request_latency + l2.latency + noc.reply_latency == near
    assert (noc.sm_spread, noc.slice_spread) == (0, 0)
    assert (l2.partitions > 1) == (far is not None)
    if far is not None:
        assert near + l2.far_latency == far


#: Bytes per second of the vendors' data sheets in GB/s, and what a DRAM channel is.
DRAM = {
    "rtx_a6000": (768, "gddr6"),
    "rtx_a6000_tlb": (768, "gddr6"),
    "rtx_3080": (760, "gddr6x"),
    "rtx_2080ti": (616, "gddr6"),
    "qv100": (870, "hbm2"),
    "a100_sxm_80": (2039, "hbm2e"),
    "h100_pcie": (2039, "hbm2e"),
}


@pytest.mark.parametrize("name", CHIPS)
def test_channels_times_data_rate_is_the_vendors_bandwidth(name: str) -> None:
    dram = load_arch(name).config.dram
    device = load_dram(dram.kind).device
    assert (round(dram.channels * device.width * dram.data_rate / 8e9), dram.kind) == DRAM[name]


@pytest.mark.parametrize("name", CHIPS)
def test_l2_is_made_of_whole_sets(name: str) -> None:
    chip = load_arch(name).config
    sets = chip.l2.size // (chip.l2.slices * chip.l2.ways * chip.sm.l1d.line)
    assert chip.l2.size == chip.l2.slices * sets * chip.l2.ways * chip.sm.l1d.line
    assert sets in (32, 64, 256)


@pytest.mark.parametrize(
    ("name", "flop"),
    [("qv100", 1024), ("rtx_2080ti", 1024), ("a100_sxm_80", 2048), ("rtx_a6000", 1024), ("h100_pcie", 4096)],
)
def test_tensor_rates_are_the_vendors(name: str, flop: int) -> None:
    sm = load_arch(name).config.sm
    assert sm.units.tensor.fma_per_cycle * 2 * sm.sub_cores == flop


@pytest.mark.parametrize(
    ("name", "lanes"), [("qv100", 64), ("rtx_2080ti", 64), ("a100_sxm_80", 64), ("rtx_a6000", 128), ("h100_pcie", 128)]
)
def test_fp32_lanes_are_the_vendors(name: str, lanes: int) -> None:
    sm = load_arch(name).config.sm
    per_cycle = 1 / sm.units.fp32.initiation + (sm.units.fp32.also_on_int / sm.units.int.initiation)
    assert sm.sub_cores * 32 * per_cycle == lanes


def test_a_wheel_is_searched_before_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.arch import registry

    root = tmp_path / "site" / "sim"
    packaged = root / "_data" / "arch_configs" / "gpu"
    packaged.mkdir(parents=True)
    (packaged / "only.yaml").write_text("name: x\n")
    monkeypatch.setattr(registry, "_PACKAGE", root)
    assert registry.names() == ["only"]
    assert registry.find("only") == packaged / "only.yaml"
    (packaged / "only.yaml").unlink()
    packaged.rmdir()
    packaged.parent.rmdir()
    assert registry.config_root() == tmp_path / "site" / "arch_configs"
