"""Lowering: bounds are refused with the key's name, and no key of the configuration is dead."""

import copy
from typing import Any

import numpy as np
import pytest

from sim.arch import Arch, load_arch
from sim.arch.schema import GpuConfig
from sim.errors import ArchError, BadInput
from sim.gpu.decode import decode
from sim.gpu.lower import lower
from sim.gpu.occupancy import fit
from sim.trace.listing import parse_listing
from sim.trace.model import KernelHeader

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
#: Keys that are read elsewhere: by energy, the result, the dispatcher's caller, the trace's expansion.
ELSEWHERE = {
    "name", "kind", "compute_capability", "isa", "sm.clock", "energy.table", "dispatch.launch_latency",
    "deadlock_cycles", "sm.shared_memory.banks", "sm.shared_memory.bank_width", "sm.l1d.write_policy",
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
        config = lower(arch, l1d_bytes=arch.config.sm.l1d.size).tobytes()
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
    "write_through": "write_through",
}  # fmt: skip


def changed(key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return OTHER.get(value, value)
    if isinstance(value, float):
        return value / 2
    if isinstance(value, list):
        return [*value[:-2], value[-1]]
    if isinstance(value, dict):
        return {"IADD3": 3}
    if key == "sm.register_file.cache.slots":
        return 2
    if key in ("sm.issue.control_to_visible", "sm.sub_cores"):
        return value - 1 if value == 1 else 2
    if "max_" in key:
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
        "sm.issue.control_to_visible=2 cycles", "dispatch.cta_latency=0 cycles",
    ],
)  # fmt: skip
def test_what_exceeds_the_register_map_is_refused_with_its_key(override: str) -> None:
    key, value = override.split("=")
    with pytest.raises(ArchError, match=key.replace(".", r"\.")):
        arch = load_arch("rtx_a6000", {key: value})
        lower(arch, l1d_bytes=arch.config.sm.l1d.size)


def test_l1d_gets_what_shared_memory_leaves() -> None:
    arch = load_arch("rtx_a6000")
    line, ways = arch.config.sm.l1d.line, arch.config.sm.l1d.ways
    for size in (28 << 10, 64 << 10, 128 << 10):
        assert int(lower(arch, l1d_bytes=size)[0]["l1d_sets"]) == max(1, size // (line * ways))
    assert lower(arch, l1d_bytes=1 << 16).dtype.names is not None
    assert np.all(lower(arch, l1d_bytes=1 << 16)["skip_idle"] == 1)
