"""Keys of the SM's memory pipeline: queues, L1D, shared memory, constants, barriers (core reference §7)."""

from typing import Literal

from pydantic import Field

from sim.arch.schema_base import Bandwidth, Count, Cycles, Interval, Offset, Part, Size, SizeOrZero
from sim.arch.schema_l2 import Replacement

#: What a store does in L1D.
WritePolicy = Literal["write_through"]


class MemoryPipeline(Part):
    """From issue of a memory instruction to the SM's shared memory structures."""

    queue: Count = Field(description="Memory instructions a sub-core buffers: its queue and dispatch latch (§7.1).")
    address_cycles: Interval = Field(description="Address calculation of 32 lanes, one instruction at a time (§7.3).")
    short_address_cycles: Interval = Field(
        description="Address calculation of a shared-memory access or of a uniform address (§7.3)."
    )
    stage_offset: Offset = Field(description="Correction of the first stage of loads and shared stores (§7.3).")
    shared_load_war_offset: Offset = Field(
        description="Correction of the cycle at which a shared-memory load has read its address register (§7.2)."
    )
    port_interval: Interval = Field(
        description="The SM takes one memory instruction of all its sub-cores per that many cycles (§7.1)."
    )
    pending_requests: Count = Field(description="Entries of the SM's pending request table (§7.3).")
    load_to_use_overhead: Cycles = Field(
        description="What a global or constant load takes beyond stages, cache and write-back (§7.3)."
    )
    shared_overhead: Cycles = Field(
        description="What a shared-memory load takes beyond stages, shared memory and write-back (§7.3)."
    )
    ldgsts_release: Cycles = Field(description="From issue of a hitting LDGSTS to the release of its counter (§7.2).")


class L1D(Part):
    """The data cache that shares its array with shared memory."""

    size: Size = Field(description="L1 data cache and shared memory together, one array per SM (§8).")
    line: Size = Field(description="Bytes covered by one tag (§7.3).")
    sector: Size = Field(description="Bytes that are fetched and valid on their own (§7.3).")
    ways: Count = Field(description="Associativity of the data cache (§7.3).")
    hit_latency: Cycles = Field(description="Cycles from acceptance by the SM to the data of a hit (§7.3).")
    tag_lookups: Count = Field(description="Lines that can be looked up per cycle (§7.3).")
    bandwidth: Bandwidth = Field(description="Bytes that hits can deliver per cycle and SM (§7.3).")
    replacement: Replacement = Field(description="Which line of a set goes.")
    mshrs: Count = Field(description="Sectors that may be on their way from L2 at once (§7.3).")
    mshr_merges: Count = Field(description="Accesses that may wait for one line (§7.3).")
    write_policy: WritePolicy = Field(description="Whether a store goes on at once or stays in the cache (§7.3).")
    allocate_on_write: bool = Field(description="Whether a store that misses takes a line (§7.3).")


class SharedMemory(Part):
    """Shared memory of one SM: capacity, allocation and banks."""

    capacity: Size = Field(description="Most shared memory of one SM (§8).")
    carve_outs: list[SizeOrZero] = Field(
        min_length=1, description="Sizes that the driver can set aside for shared memory, ascending (§8)."
    )
    allocation_unit: Size = Field(description="A CTA's shared memory is rounded up to this.")
    reserved_per_cta: SizeOrZero = Field(description="Shared memory that the system takes for each resident CTA.")
    max_per_cta: Size = Field(description="Most shared memory that one CTA can have.")
    banks: Count = Field(description="Banks; lanes that need different words of one bank take turns (§7.3).")
    bank_width: Size = Field(description="Bytes of one bank word (§7.3).")
    latency: Cycles = Field(description="Cycles of a conflict-free access after acceptance by the SM (§7.3).")
    regular_address_extra: Cycles = Field(description="Added when the address comes from a regular register (§7.3).")
    ldsm_extra_per_pair: Cycles = Field(
        description="Added to an LDSM of more than one matrix, for each pair of matrices (§7.3)."
    )
    bandwidth: Bandwidth = Field(description="Bytes that shared memory delivers per cycle and SM (§7.3).")


class ConstantCacheLevel(Part):
    """Geometry of a constant cache."""

    size: Size = Field(description="Capacity of the cache (§3).")
    line: Size = Field(description="Bytes of one line (§3).")
    ways: Count = Field(description="Associativity (§3).")


class Constant(Part):
    """Constant caches: operands of fixed-latency instructions, and LDC."""

    l0: ConstantCacheLevel = Field(description="Constant operands of fixed-latency instructions, per sub-core (§3).")
    l1: ConstantCacheLevel = Field(description="Constants loaded by LDC, per SM (§3).")
    latency: Cycles = Field(description="Cycles of an LDC hit after acceptance by the SM (§7.3).")
    miss_latency: Cycles = Field(description="Cycles of an L0 miss that the L1.5 cache serves (§4, step 7).")
    indexed_reads_late: bool = Field(
        description="True: LDC with a register index frees that register only when its result is there (§7.2)."
    )


class Barrier(Part):
    """CTA-wide barriers."""

    latency: Cycles = Field(description="From the last arrival at a barrier to the release of the waiting warps.")


class Membar(Part):
    """Memory fences by scope: how long a warp waits beyond its own outstanding accesses."""

    cta: Cycles = Field(description="MEMBAR with CTA scope (§6).")
    gpu: Cycles = Field(description="MEMBAR with GPU scope (§6).")
    sys: Cycles = Field(description="MEMBAR with system scope (§6).")


class Shuffle(Part):
    """Exchange between lanes, which goes through the memory queue."""

    latency: Cycles = Field(description="From issue of a SHFL, alone in the queue, to the issue of a reader (§12).")


class S2r(Part):
    """Reads of special registers, which go through the memory queue."""

    latency: Cycles = Field(description="From issue of an S2R, alone in the queue, to the issue of a reader (§12).")


class Atomic(Part):
    """Shared-memory atomics beyond the load that they resemble; global ones are done in L2 (`l2.atomic_latency`)."""

    shared_latency: Cycles = Field(description="Extra latency of a shared-memory atomic over a shared-memory load.")
