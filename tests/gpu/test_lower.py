"""Lowering: bounds are refused with the key's name, and no key of the configuration is dead."""

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.arch import Arch, load_arch
from sim.arch.schema import GpuConfig
from sim.errors import ArchError, BadInput
from sim.gpu.decode import ROW, decode
from sim.gpu.lower import CONFIG, lower
from sim.gpu.memory_side import MemorySide, chip_config
from sim.gpu.occupancy import fit
from sim.trace.listing import parse_listing
from sim.trace.model import KernelHeader
from tests.trace.expanded import expand

#: Every kind of instruction whose row depends on the configuration.
PROGRAM = """
    FADD R2, R3, R4 | FFMA R2, R3, R4, R5 | IMAD R2, R3, R4, R5 | HADD2 R2, R3, R4 | ISETP.GE.AND P0, PT, R2, R3, PT
    BRA 0x10 | UIADD3 UR4, UR5, UR6, URZ | NOP | S2UR UR4, SR_CTAID.X | MUFU.RCP R2, R3 | DADD R2, R4, R6
    TEX.SCR R2, R3, R4, 0x0, 0x58, 2D, 0x1 | HMMA.16816.F32 R4, R8, R12, R4 | IMMA.16816.S8.S8 R4, R8, R12, R4
    HMMA.SP.16832.F16 R4, R8, R12, R4, R20, 0x0 | LDG.E R2, [R4.64] | LDG.E R2, [UR4] | STG.E [R4.64], R2
    LDS R2, [R4] | LDS R2, [UR4] | STS [R4], R2 | LDSM.16.M88.4 R4, [R8] | LDGSTS.E [R10], [R2.64]
    LDC R2, c[0x0][0x160] | LDC R2, c[0x0][R3+0x160] | SHFL.DOWN PT, R2, R3, 0x10, 0x1f | S2R R2, SR_TID.X
    ATOMG.E.ADD PT, R2, [R4.64], R6 | ATOMS.ADD R2, [R4], R6 | MEMBAR.SC.CTA | MEMBAR.SC.GPU | MEMBAR.SC.SYS
"""
PROBE = "\n".join(
    [
        *(f"[B------:R-:W-:-:S01] {text.strip()}" for line in PROGRAM.strip().splitlines() for text in line.split("|")),
        "[B------:R-:W-:-:S12] IADD3 R2, R3, R4, RZ",
        "[B------:R-:W-:Y:S00] NOP",
    ]
)
#: Keys that are read elsewhere: by energy, the result, the dispatcher's caller, the trace's expansion, the crossbar's
#: table of distances (tested below), from kernel to kernel; translation has records of its own (test_translate.py).
ELSEWHERE = {
    "name", "kind", "compute_capability", "isa", "energy.table", "dispatch.launch_latency",
    "deadlock_cycles", "sm.shared_memory.banks", "sm.shared_memory.bank_width", "sm.l1d.write_policy",
    "noc.sm_spread", "noc.slice_spread", "l2.partitions", "l2.far_latency",
    "l2.host_copies", "l2.keep_between_kernels", "translation",
}  # fmt: skip
HEADERS = [
    KernelHeader("k", block=(32, 1, 1), registers=16), KernelHeader("k", block=(1024, 1, 1), registers=16),
    KernelHeader("k", block=(96, 1, 1), registers=250), KernelHeader("k", block=(64, 1, 1), shared_bytes=30_000),
    KernelHeader("k", block=(64, 1, 1), shared_bytes=101_000),
    KernelHeader("k", block=(64, 1, 1), shared_bytes=6_784), KernelHeader("k", block=(256, 1, 1), registers=36),
    KernelHeader("k", block=(1024, 1, 1), shared_bytes=40_000), KernelHeader("k", block=(64, 1, 1), shared_bytes=7_296),
    KernelHeader("k", block=(1024, 1, 1), shared_bytes=110_000),
]  # fmt: skip


def fingerprint(arch: Arch) -> tuple[Any, ...]:
    """All that the core sees of a configuration."""
    rows, _ = decode(parse_listing(PROBE).kernels[0].static, arch)
    fits: list[Any] = []
    for header in HEADERS:
        try:
            fits.append(fit(header, arch))
        except BadInput as error:
            fits.append(str(error))
    try:
        config = b"".join(record.tobytes() for record in chip_config(arch, arch.config.sm.l1d.size))
    except ArchError as error:
        config = str(error).encode()
    return config, rows.tobytes(), repr(fits)


def leaves(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in values.items():
        if isinstance(value, dict) and key != "port_cycles":
            found += leaves(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


OTHER = {
    "cggty": "gto", "greedy_youngest": "oldest", "control_bits": "scoreboard", "free_slots": "in_order",
    "in_order": "free_slots",
    "lru": "srrip", "gddr6": "gddr5", "hbm2e": "hbm2", "all_bank": "none", "fr_fcfs": "fcfs", "open": "closed",
    "xor": "plain",
}  # fmt: skip


def changed(key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return OTHER.get(value, value)
    if isinstance(value, float):
        return value / 2
    if key == "dram.mapping.order":
        return value[::-1]
    if isinstance(value, list):
        return [*value[:-2], value[-1]]
    if isinstance(value, dict):
        return {"IADD3": 3}
    if key == "sm.register_file.cache.slots":
        return 2
    if key in ("sm.issue.control_to_visible", "sm.sub_cores"):
        return value - 1 if value == 1 else 2
    if "max_" in key or key == "dram.write_high":
        return value // 2
    if key.endswith("offset"):
        return value - 1
    return value * 2 if value >= 2 else value + 1


def test_no_key_of_the_configuration_is_dead() -> None:
    """Changing a leaf changes the lowered record, a decoded row or the occupancy, unless it is read elsewhere."""
    for name in ("rtx_a6000", "a100_sxm_80"):
        arch = load_arch(name)
        values = arch.config.model_dump()
        before = fingerprint(arch)
        dead = []
        for key, value in leaves(values):
            if key in ELSEWHERE or (name == "a100_sxm_80" and key.startswith("sm.units.fp64.transfer")):
                continue
            variant = copy.deepcopy(values)
            *path, last = key.split(".")
            place = variant
            for part in path:
                place = place[part]
            place[last] = changed(key, value)
            other = copy.copy(arch)
            object.__setattr__(other, "config", GpuConfig.model_construct(**rebuilt(arch.config, variant)))
            if fingerprint(other) == before:
                dead.append(key)
        assert dead == [], f"dead keys on {name}: {dead}"


@pytest.mark.parametrize(
    ("overrides", "nearest", "farthest"),
    [
        ({}, 0, 0),
        ({"noc.sm_spread": "30 cycles"}, 0, 30),
        ({"noc.slice_spread": "20 cycles"}, 0, 20),
        ({"noc.sm_spread": "30 cycles", "noc.slice_spread": "20 cycles"}, 0, 50),
        ({"l2.partitions": "2", "l2.far_latency": "0 cycles"}, 0, 0),
        ({"l2.partitions": "2", "l2.far_latency": "100 cycles"}, 0, 100),
        ({"l2.partitions": "1", "l2.far_latency": "100 cycles"}, 0, 0),
    ],
)
def test_spreads_and_the_far_partition_are_in_the_table_of_distances(
    overrides: dict[str, str], nearest: int, farthest: int
) -> None:
    """Rows are SMs, columns slices; the first SM is the nearest, and halves of both make the two partitions."""
    hops = MemorySide(load_arch("rtx_a6000", {"sm.count": "4", **overrides})).hops
    assert hops.shape == (4, 48)
    assert (int(hops.min()), int(hops.max())) == (nearest, farthest)
    assert int(hops[0, 0]) == nearest
    if "l2.far_latency" in overrides:
        near, far = hops[0, :24], hops[0, 24:]
        assert set(near.tolist()) == {0} and set(far.tolist()) == {farthest}
        assert (hops[3] == np.concatenate([far, near])).all()
    elif overrides:
        steps = hops[:, 0] if "noc.sm_spread" in overrides else hops[0]
        assert (np.diff(steps) >= 0).all()
        assert int(hops[-1, -1]) == farthest


def rebuilt(model: Any, values: dict[str, Any]) -> dict[str, Any]:
    """`values` as nested models like `model`'s, without the cross-key checks."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        old = getattr(model, key)
        if isinstance(value, dict) and not isinstance(old, dict):
            found[key] = type(old).model_construct(**rebuilt(old, value))
        else:
            found[key] = value
    return found


@pytest.mark.parametrize(
    "override",
    [
        "sm.max_warps=96", "sm.frontend.instruction_buffer=9", "sm.frontend.prefetch_lines=65",
        "sm.frontend.l0.mshrs=65", "sm.memory.queue=17", "sm.register_file.banks=5", "sm.units.sfu.queue=17",
        "sm.issue.counter_maximum=127",
        "sm.issue.control_to_visible=2 cycles", "dispatch.cta_latency=0 cycles", "sm.l1d.mshrs=3", "noc.credits=20000",
        "noc.request_latency=70000 cycles", "l2.mshrs=20000", "dram.read_queue=2000",
    ],
)  # fmt: skip
def test_what_exceeds_the_register_map_is_refused_with_its_key(override: str) -> None:
    key, value = override.split("=")
    with pytest.raises(ArchError, match=key.replace(".", r"\.")):
        arch = load_arch("rtx_a6000", {key: value})
        chip_config(arch, arch.config.sm.l1d.size)


def test_l1d_gets_what_shared_memory_leaves() -> None:
    arch = load_arch("rtx_a6000")
    line, ways = arch.config.sm.l1d.line, arch.config.sm.l1d.ways
    for size in (28 << 10, 64 << 10, 128 << 10):
        assert int(lower(arch, l1d_bytes=size)[0]["l1d_sets"]) == max(1, size // (line * ways))
    assert lower(arch, l1d_bytes=1 << 16).dtype.names is not None
    assert np.all(lower(arch, l1d_bytes=1 << 16)["skip_idle"] == 1)


@pytest.mark.parametrize(
    ("banks", "bank_bytes", "cycles"),
    [(32, 4, 2), (16, 4, 4), (64, 4, 1), (32, 8, 1)],  # 32 words, every second one
)
def test_banks_and_their_width_change_the_expanded_trace(banks: int, bank_bytes: int, cycles: int) -> None:
    """`sm.shared_memory.banks` and `bank_width` are read where a trace's addresses become bank conflicts."""
    kernel = parse_listing("LDS R2, [R4] {0x0 + 8*lane}").kernels[0]
    assert int(expand(kernel, banks=banks, bank_bytes=bank_bytes).memops["bank_cycles"][0]) == cycles


@pytest.mark.parametrize(("line", "sector", "lines", "sectors"), [(128, 32, 2, 8), (64, 32, 4, 8), (128, 64, 2, 4)])
def test_lines_and_sectors_change_the_expanded_trace(line: int, sector: int, lines: int, sectors: int) -> None:
    kernel = parse_listing("LDG.E R2, [R4.64] {0x1000 + 8*lane}").kernels[0]
    memop = expand(kernel, line_bytes=line, sector_bytes=sector).memops[0]
    assert (int(memop["lines"]), int(memop["sectors"])) == (lines, sectors)


@pytest.mark.parametrize(("isa", "unit_changes"), [("sm_70", True), ("sm_80", False)])
def test_the_instruction_set_chooses_the_classes(isa: str, unit_changes: bool) -> None:
    """S2R is queued beside S2UR on Volta and goes through the memory unit on Ampere."""
    arch = load_arch("rtx_a6000")
    other = copy.copy(arch)
    object.__setattr__(other, "config", arch.config.model_copy(update={"isa": isa}))
    static = parse_listing("S2R R2, SR_TID.X").kernels[0].static
    before, after = (int(decode(static, a)[0][0]["unit"]) for a in (arch, other))
    assert (before != after) == unit_changes


def test_the_compiled_core_reads_every_field_that_is_lowered_or_decoded() -> None:
    """What no stage reads would be a key without effect, whatever the record says."""
    folder = Path(__file__).resolve().parents[2] / "sim" / "gpu"
    writers = ("lower.py", "decode.py", "state.py")
    core = "\n".join(f.read_text() for f in sorted(folder.glob("*.py")) if f.name not in writers)
    sizes = (folder / "memory_side.py").read_text()  # of tables that are not the hardware's record `c` is read as well
    for name in CONFIG.names or ():
        read = re.search(rf'(cfgs?(\[0\])?)\["{name}"\]', core) or re.search(rf'int\(c\["{name}"\]\)', sizes)
        assert read, f"nobody reads cfg[{name!r}]"
    for name in ROW.names or ():
        assert re.search(rf'\["{name}"\]', core), f"nobody reads row[{name!r}]"


def test_a_cache_too_small_for_its_ways_is_refused_with_its_key() -> None:
    arch = load_arch("rtx_a6000")
    for key in ("frontend.l0", "frontend.l1", "constant.l0", "constant.l1"):
        group, level = key.split(".")
        part = getattr(arch.config.sm, group)
        cache = getattr(part, level).model_copy(update={"ways": 1 << 20})
        sm = arch.config.sm.model_copy(update={group: part.model_copy(update={level: cache})})
        other = copy.copy(arch)
        object.__setattr__(other, "config", arch.config.model_copy(update={"sm": sm}))
        with pytest.raises(ArchError, match=rf"^sm\.{key}: .* hold no set of"):
            lower(other, l1d_bytes=arch.config.sm.l1d.size)


def test_policies_become_small_integers() -> None:
    for key, field, names in (
        ("sm.issue.policy", "issue_policy", ("cggty", "gto", "lrr", "two_level")),
        ("sm.frontend.fetch_policy", "fetch_policy", ("greedy_youngest", "youngest", "oldest", "round_robin")),
        ("sm.register_file.read_order", "read_order", ("free_slots", "in_order")),
        ("sm.issue.dependence", "scoreboard", ("control_bits", "scoreboard")),
    ):
        found = [int(lower(load_arch("rtx_a6000", {key: name}), l1d_bytes=1 << 16)[0][field]) for name in names]
        assert found == list(range(len(names)))
