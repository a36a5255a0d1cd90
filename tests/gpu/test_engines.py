"""Two engines, one source: `NUMBA_DISABLE_JIT=1` gives what the compiled core gives, counter by counter."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.arch import load_arch
from sim.gpu.memory_side import MemorySide
from sim.gpu.simulate import Follow, simulate_kernel
from sim.trace.listing import parse_listing
from sim.trace.model import KernelTrace
from sim.trace.open import open_trace
from tests.gpu.conftest import SCARCE

ROOT = Path(__file__).resolve().parents[2]

MEMORY = """
    .block 256
    .shared 4096
    .repeat 3
    [B------:R0:W1:-:S02] LDG.E.128 R4, [R2.64] {0x10000 + 16*lane + 4096*warp}
    [B------:R-:W2:-:S02] LDG.E R8, [R2.64] {0x90000 + 260*lane}
    [B-1----:R3:W-:-:S02] STS.128 [R10], R4 {0x0 + 16*lane}
    [B------:R-:W4:-:S02] LDS.64 R12, [R10] {0x0 + 72*lane}
    [B------:R-:W5:-:S02] LDC R14, c[0x0][R11+0x160]
    [B----45:R-:W-:-:S04] FFMA R16, R12, R14, R13
    [B0-2---:R1:W-:-:S02] STG.E [R2.64], R16 {0x50000 + 4*lane}
    [B------:R0:W3:-:S02] ATOMG.E.ADD.STRONG.GPU PT, R20, [R2.64], R16 {0x70000}
    [B------:R0:W4:-:S02] LDGSTS.E [R10], [R2.64] {0x20000 + 4*lane}
    [B------:R-:W0:-:S02] LDGDEPBAR
    [B------:R-:W-:-:S04] DEPBAR.LE SB0, 0x0
    [B---3--:R-:W5:-:S02] SHFL.DOWN PT, R21, R20, 0x10, 0x1f
    [B-----5:R-:W-:-:S06] BAR.SYNC.DEFER_BLOCKING 0x0
    .end
    [B01234-:R-:W-:-:S05] EXIT
"""
UNITS = """
    .block 160
    .repeat 4
    [B------:R-:W0:-:S02] MUFU.RCP R8, R9
    [B------:R-:W1:-:S02] DADD R12, R14, R16
    [B------:R-:W-:-:S04] FADD R2, R3, c[0x0][0x160]
    [B------:R-:W-:-:S01] HFMA2.MMA R4, R5, R6, R7
    [B------:R-:W-:-:S02] IMAD R20, R21.reuse, R22, R23
    [B------:R-:W-:-:S02] IADD3 R24, R21, R22.reuse, RZ
    [B------:R-:W-:Y:S08] HMMA.16816.F32 R32, R40, R44, R32
    [B------:R-:W2:-:S01] S2UR UR4, SR_CTAID.X
    [B------:R-:W3:-:S02] S2R R30, SR_TID.X
    [B01----:R-:W-:-:S13] ISETP.GE.AND P0, PT, R8, R12, PT
    [B--23--:R-:W-:-:S05] @P0 FMUL R31, R30, R2 {mask=0x00ff00ff}
    [B------:R0:W1:-:S02] @!P0 LDG.E R33, [R2.64] {mask=0x00000000}
    .end
"""
#: The memory kinds, scopes and windows that MEMORY leaves out: generic, local, matrices, reductions, fences.
SPACES = """
    .block 96
    .shared 2048
    .grid 2
    .repeat 2
    [B------:R0:W1:-:S02] LD.E R8, [R2.64] {0x7f0000000000 + 4*lane}
    [B------:R0:W1:-:S02] LD.E.64 R10, [R2.64] {0x7fff00001000 + 8*lane + 4096*cta}
    [B------:R-:W2:-:S02] LDL R12, [R4] {0x7f0100000000 + 4*lane}
    [B-1----:R3:W-:-:S02] STL.64 [R4], R8 {0x7f0100000040 + 8*lane}
    [B------:R-:W4:-:S02] LDSM.16.M88.4 R16, [R5] {0x0 + 16*lane}
    [B------:R-:W4:-:S02] LDG.E.STRONG.GPU R20, [R2.64] {0x30000 + 512*lane}
    [B------:R-:W4:-:S02] LDG.E.U8 R21, [R2.64] {0x30001 + 3*lane}
    [B----4-:R3:W-:-:S02] RED.E.ADD.STRONG.GPU [R2.64], R20 {0x40000 + 8*lane}
    [B--2---:R3:W0:-:S02] ATOMS.ADD R22, [R5], R12 {0x100} {mask=0x0000000f}
    [B0--3--:R5:W-:-:S04] MEMBAR.SC.CTA
    [B------:R5:W-:-:S02] STS.64 [R5], R8 {0x0 + 132*lane} {mask=0x55555555}
    [B------:R-:W0:-:S02] LDGSTS.E.128 [R5], [R2.64] {0x50000 + 16*lane | 0x400 + 16*lane}
    [B------:R-:W1:-:S02] LDGDEPBAR
    [B-----5:R-:W-:-:S04] DEPBAR.LE SB0, 0x1, {1,3}
    [B------:R-:W2:-:S02] LDC.64 R24, c[0x3][0x1f40]
    [B--2---:R-:W-:-:S04] MEMBAR.SC.GPU
    .end
"""
#: Warps on paths of their own: taken branches, holes in the code, named barriers, arrivals, early ends, a part warp.
PATHS = """
    .block 150
    .grid 5
    .registers 200
    .warp 0-1
    [B------:R-:W-:-:S01] FADD R2, R3, R4
    [B------:R-:W-:-:S05] BRA 0x400
    /*0400*/ [B------:R-:W-:Y:S01] FFMA R5, R2, R2, c[0x0][0x200]
    .repeat 4
    /*0410*/ [B------:R-:W-:-:S01] HFMA2 R6, R7, R8, R9
    /*0420*/ [B------:R-:W0:-:S02] TEX.SCR R10, R12, R14, 0x0, 0x58, 2D, 0x1
    /*0430*/ [B0-----:R-:W-:-:S05] BRA 0x410
    .end
    /*0440*/ [B------:R-:W-:-:S05] BAR.SYNC.DEFER_BLOCKING 0x1, 0x80
    /*0450*/ [B------:R-:W-:-:S05] EXIT
    .warp 2
    /*0800*/ [B------:R-:W-:Y:S00] NOP
    /*0810*/ [B------:R-:W-:-:S05] BAR.ARV 0x1, 0x80
    /*0820*/ [B------:R-:W-:-:S13] DMUL R16, R18, R20
    /*0830*/ [B------:R-:W-:-:S05] EXIT
    .warp 3
    /*0900*/ [B------:R-:W-:-:S15] UIADD3 UR4, UR5, UR6, URZ
    /*0910*/ [B------:R-:W-:Y:S15] BAR.SYNC.DEFER_BLOCKING 0x1, 0x80
    /*0920*/ [B------:R-:W2:-:S02] CS2R R22, SR_CLOCKLO
    /*0930*/ [B--2---:R-:W-:-:S05] EXIT
    .warp 4
    /*0a00*/ [B------:R-:W-:-:S05] EXIT
"""
#: Lines that are written in part and whole, atomics of one SM between loads of another; then a second kernel.
TRAFFIC = """
    .kernel first
    .block 64
    .grid 4
    .repeat 3
    [B------:R-:W0:-:S02] LDG.E.128 R4, [R2.64] {0x10000 + 16*lane + 1024*warp + 512*iter}
    [B------:R-:W1:-:S02] LDG.E R8, [R2.64] {0x90000 + 516*lane}
    [B------:R-:W1:-:S02] LDG.E.STRONG.GPU R9, [R2.64] {0x10000 + 4*lane + 128*cta}
    [B0-----:R3:W-:-:S02] STG.E.128 [R2.64], R4 {0x10000 + 16*lane + 2048*cta}
    [B-1----:R3:W-:-:S02] STG.E.U8 [R2.64], R8 {0x20000 + 36*lane + 64*iter}
    [B------:R3:W2:-:S02] ATOMG.E.ADD.STRONG.GPU PT, R20, [R2.64], R16 {0x10000 + 8*lane}
    [B------:R3:W-:-:S02] RED.E.ADD.STRONG.GPU [R2.64], R16 {0x20000 + 4*lane}
    [B--2---:R-:W4:-:S02] LDG.E.64 R10, [R2.64] {0x20000 + 8*lane}
    .end
---
    .kernel second
    .block 32
    .grid 2
    [B------:R-:W0:-:S02] LDG.E.128 R4, [R2.64] {0x10000 + 16*lane + 2048*cta}
    [B0-----:R-:W0:-:S02] LDG.E R4, [R2.64] {0x20000 + 4*lane}
    [B0-----:R-:W-:-:S01] FADD R8, R4, R5
"""
#: More pages than the first TLBs hold, and one walk at a time.
FEW_PAGES = {
    "translation.page": "64 KiB", "translation.l1.entries": "2", "translation.l1.ways": "2",
    "translation.l2.entries": "8", "translation.walkers.pages": "1",
}  # fmt: skip
CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "memory": (MEMORY, "rtx_a6000", {}),
    "memory by scoreboard": (MEMORY, "rtx_a6000", {"sm.issue.dependence": "scoreboard"}),
    "memory of small pages": (MEMORY, "rtx_a6000_tlb", FEW_PAGES),
    "memory on an a100": (MEMORY, "a100_sxm_80", {}),
    "units": (UNITS, "rtx_a6000", {}),
    "units, gto": (UNITS, "rtx_a6000", {"sm.issue.policy": "gto"}),
    "units, lrr": (UNITS, "rtx_2080ti", {"sm.issue.policy": "lrr"}),
    "units, two-level": (UNITS, "a100_sxm_80", {"sm.issue.policy": "two_level"}),
    "units by scoreboard": (UNITS, "h100_pcie", {"sm.issue.dependence": "scoreboard"}),
    "spaces": (SPACES, "rtx_a6000", {}),
    "spaces by scoreboard, one consumer": (
        SPACES, "a100_sxm_80", {"sm.issue.dependence": "scoreboard", "sm.issue.scoreboard_consumers": "1"},
    ),
    "spaces, small structures": (
        SPACES,
        "rtx_a6000",
        {
            "sm.l1d.mshrs": "8", "l2.latency": "30 cycles", "sm.memory.pending_requests": "4",
            "sm.memory.queue": "2", "sm.max_ctas": "1", "sm.l1d.allocate_on_write": "true", "sm.l1d.tag_lookups": "1",
        },
    ),
    "traffic": (TRAFFIC, "rtx_a6000", {"sm.count": "2"}),
    "traffic, everything scarce": (TRAFFIC, "rtx_a6000", {"sm.count": "2", **SCARCE}),
    "spaces, everything scarce": (SPACES, "rtx_a6000", {"sm.count": "2", **SCARCE}),
    "traffic on an a100, two partitions, other policies": (
        TRAFFIC,
        "a100_sxm_80",
        {
            "sm.count": "2", "l2.slices": "4", "dram.channels": "4", "l2.size": "16 KiB", "l2.partitions": "2",
            "l2.far_latency": "90 cycles", "l2.replacement": "srrip", "l2.hashed": "false",
            "l2.keep_between_kernels": "false", "sm.l1d.replacement": "srrip", "sm.l1d.allocate_on_write": "true",
            "dram.page_policy": "closed", "dram.scheduler": "fcfs", "dram.refresh": "none",
            "dram.mapping": "{order: [column, bank, group], hash: plain}",
        },
    ),
    "paths": (PATHS, "rtx_a6000", {}),
    "paths, two-level, youngest": (
        PATHS,
        "rtx_a6000",
        {"sm.issue.policy": "two_level", "sm.issue.two_level_active": "1", "sm.frontend.fetch_policy": "youngest"},
    ),
    "paths, lrr, round robin, no prefetch": (
        PATHS,
        "rtx_a6000",
        {
            "sm.issue.policy": "lrr", "sm.frontend.fetch_policy": "round_robin", "sm.frontend.prefetch_lines": "0",
            "sm.frontend.l0.size": "256 B", "sm.frontend.l0.ways": "1", "sm.max_ctas": "2",
        },
    ),
    "paths, gto, oldest, by scoreboard": (
        PATHS,
        "h100_pcie",
        {"sm.issue.policy": "gto", "sm.frontend.fetch_policy": "oldest", "sm.issue.dependence": "scoreboard"},
    ),
}  # fmt: skip
#: Warp instructions at most for the interpreter.
LIMIT = 2_000


def first_ctas(kernel: KernelTrace) -> KernelTrace:
    """The first CTA of a kernel, its warps cut so that all of them together stay below LIMIT."""
    warps = kernel.warps_per_cta
    header = dataclasses.replace(kernel.header, grid=(1, 1, 1))
    share = LIMIT // warps
    rows, masks, offsets = [], [], [0]
    references: list[int] = [0]
    kept: list[int] = []
    counts = kernel.path_references
    for warp in range(warps):
        path = int(kernel.warp_path[warp])
        start = int(kernel.path_offset[path])
        stop = min(int(kernel.path_offset[path + 1]), start + share)
        while "BAR" in kernel.static[int(kernel.path_row[stop - 1])].sass:
            stop -= 1
        rows.append(kernel.path_row[start:stop])
        masks.append(kernel.path_mask[start:stop])
        offsets.append(offsets[-1] + stop - start)
        used = int(counts[start:stop].sum())
        first = int(kernel.warp_reference[warp])
        kept += range(first, first + used)
        references.append(references[-1] + used)
    table = kernel.references
    return dataclasses.replace(
        kernel,
        header=header,
        path_offset=np.array(offsets, np.int64),
        path_row=np.concatenate(rows),
        path_mask=np.concatenate(masks),
        warp_path=np.arange(warps, dtype=np.int32),
        warp_reference=np.array(references, np.int64),
        references=dataclasses.replace(
            table, kind=table.kind[kept], base=table.base[kept], stride=table.stride[kept], extra=table.extra[kept]
        ),
    )


def digest(kernels: Sequence[KernelTrace], chip: str, overrides: dict[str, str]) -> dict[str, Any]:
    """Everything that runs on one SM (or more) count, and what they leave in L2; the tables as hashes."""
    arch = load_arch(chip, {"sm.count": "1", **overrides})
    memory = MemorySide(arch)
    found: dict[str, Any] = {"instructions": 0}
    for kernel in kernels:
        result = simulate_kernel(kernel, arch, memory=memory, follow=Follow(0, -1))
        spots = result.hotspots
        tables = [spots.issued, spots.threads, spots.slot_stalls, spots.warp_states]
        tables += [memory.lines[field] for field in ("tag", "used", "valid", "dirty", "waiting")]
        found["instructions"] += result.warp_instructions
        found[kernel.header.name] = {
            "cycles": result.cycles,
            "events": result.events,
            "slots": dataclasses.asdict(result.issue_slots),
            "states": result.warp_states,
            "lifetime": result.warp_lifetime,
            "active": result.sm_active_cycles,
            "tables": [hashlib.sha256(np.ascontiguousarray(t).tobytes()).hexdigest() for t in tables],
            "log": hashlib.sha256(repr(result.follow).encode()).hexdigest(),
        }
    return found


def digests() -> dict[str, dict[str, Any]]:
    """All cases, and the beginning of each committed trace."""
    found = {
        name: digest([parse_listing(part).kernels[0] for part in text.split("---\n")], chip, overrides)
        for name, (text, chip, overrides) in CASES.items()
    }
    for path in sorted((ROOT / "traces").glob("*.twt")):
        found[path.name] = digest([first_ctas(open_trace(str(path)).kernels[0])], "rtx_a6000", {})
    return found


def test_the_interpreter_and_the_compiled_core_agree_on_everything() -> None:
    code = "import json; from tests.gpu.test_engines import digests; print(json.dumps(digests()))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    interpreted = json.loads(done.stdout)
    compiled = json.loads(json.dumps(digests()))
    assert interpreted.keys() == compiled.keys()
    for name, case in compiled.items():
        assert 0 < case["instructions"] <= LIMIT
        assert interpreted[name] == case, name
