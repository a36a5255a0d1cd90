"""How many CTAs fit on an SM, what limits them, and what shared memory leaves of the L1 data array (§7.1 of the CUDA
occupancy rules: threads, warps, CTA slots, registers per warp, shared memory with its reserve)."""

from dataclasses import dataclass

from sim.arch import Arch
from sim.errors import TraceError
from sim.trace.model import KernelHeader


@dataclass(frozen=True)
class Fit:
    """CTAs per SM by each limit, the smallest of them, and the bytes of L1D beside the shared-memory carve-out."""

    limits: dict[str, int]
    ctas_per_sm: int
    limiter: str
    l1d_bytes: int


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def fit(header: KernelHeader, arch: Arch) -> Fit:
    """Occupancy of a kernel on a chip. Raises TraceError if not even one CTA fits."""
    sm = arch.config.sm
    warps = header.warps_per_cta
    if warps < 1:
        raise TraceError(f"kernel {header.name}: a block of {header.block} has no threads; write the trace again")
    if header.registers > sm.max_registers_per_thread:
        raise TraceError(
            f"kernel {header.name}: {header.registers} registers a thread, {arch.name} has"
            f" {sm.max_registers_per_thread}; choose the architecture that the trace was made for"
        )
    limits = {
        "ctas": sm.max_ctas,
        "warps": sm.max_warps // warps,
        "threads": sm.max_threads // (warps * 32),
    }
    per_warp = _up(max(header.registers, 1) * 32, sm.register_allocation_unit)
    limits["registers"] = sm.registers // sm.sub_cores // per_warp * sm.sub_cores // warps
    memory = sm.shared_memory
    shared = _up(header.shared_bytes + memory.reserved_per_cta, memory.allocation_unit)
    limits["shared_memory"] = memory.capacity // shared if shared else sm.max_ctas
    limiter = min(limits, key=lambda name: limits[name])
    count = limits[limiter]
    if header.shared_bytes > memory.max_per_cta:
        limiter, count = "shared_memory", 0
    if count < 1:
        raise TraceError(
            f"kernel {header.name}: a CTA of {warps} warps, {header.registers} registers a thread and"
            f" {header.shared_bytes} B of shared memory does not fit on an SM of {arch.name} ({limiter});"
            " choose the architecture that the trace was made for"
        )
    wanted = min(count * shared, memory.capacity)
    carve = min((c for c in memory.carve_outs if c >= wanted), default=memory.capacity)
    return Fit(limits, count, limiter, max(sm.l1d.size - carve, sm.l1d.line * sm.l1d.ways))
