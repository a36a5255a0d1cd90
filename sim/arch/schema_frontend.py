"""Keys of the front end: instruction caches, prefetcher, fetch and decode (core reference §3)."""

from typing import Literal

from pydantic import Field

from sim.arch.schema_base import Count, CountOrZero, Cycles, Part, Size

#: Which warp a sub-core fetches for; a new policy is one word here and one function in the core.
FetchPolicy = Literal["greedy_youngest", "youngest", "oldest", "round_robin"]


class InstructionCacheL0(Part):
    """The instruction cache of one sub-core."""

    size: Size = Field(description="Capacity of the L0 instruction cache of one sub-core (§3).")
    line: Size = Field(description="Bytes of one L0 instruction line; also what a prefetch brings (§3).")
    ways: Count = Field(description="Associativity of the L0 instruction cache (§3).")
    mshrs: Count = Field(description="L0 lines that may be on their way from L1 at once (§3).")


class InstructionCacheL1(Part):
    """The instruction cache that the sub-cores of an SM share; it is the L1.5 constant cache as well."""

    size: Size = Field(description="Capacity of the SM's combined L1 instruction and L1.5 constant cache (§3).")
    line: Size = Field(description="Bytes of one line of the L1 instruction cache (§3).")
    ways: Count = Field(description="Associativity of the L1 instruction cache (§3).")
    lookup_latency: Cycles = Field(description="Cycles that a lookup in the L1 instruction cache takes (§3).")


class Frontend(Part):
    """From the instruction caches to the instruction buffers."""

    instruction_buffer: Count = Field(description="Decoded instructions that each warp can hold for issue (§3).")
    decode_latency: Cycles = Field(
        description="From a fetch that hits L0 to the first cycle in which the instruction may issue (§3)."
    )
    fetch_policy: FetchPolicy = Field(description="How a sub-core chooses the warp to fetch for (§3).")
    perfect: bool = Field(description="True: every fetch hits L0, as in the perfect-cache study of §9.4.")
    l0: InstructionCacheL0 = Field(description="L0 instruction cache, one per sub-core (§3).")
    l1: InstructionCacheL1 = Field(description="L1 instruction and L1.5 constant cache, one per SM (§3).")
    l0_l1_latency: Cycles = Field(description="Cycles between L0 and L1 in each direction (§3).")
    l0_l1_requests_per_cycle: Count = Field(
        description="Requests, and likewise replies, that pass between the L0 caches and L1 per cycle and SM (§3)."
    )
    prefetch_lines: CountOrZero = Field(
        description="Lines of the stream buffer beside each L0 instruction cache; 0 switches the prefetcher off (§3)."
    )
