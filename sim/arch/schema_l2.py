"""Keys of the memory side of a GPU: crossbar and L2 (core reference §7.3 and §8)."""

from typing import Literal

from pydantic import Field

from sim.arch.schema_base import Bandwidth, Count, Cycles, Frequency, Interval, Part, Size, SizeOrZero

#: Which line of a set a new one takes; a new policy is one word here and one branch in `sim/memory/cache.py`.
Replacement = Literal["lru", "srrip"]


class Noc(Part):
    """The crossbar between SMs and L2 slices."""

    request_latency: Interval = Field(
        description="From the SM's port to the nearest slice. No quantum of the simulation is longer than this, than "
        "`reply_latency` or than `dispatch.cta_latency`."
    )
    reply_latency: Interval = Field(description="From a slice's port to the SM's reply port.")
    request_bandwidth: Bandwidth = Field(description="Bytes that each SM can send per cycle, headers included (§8).")
    reply_bandwidth: Bandwidth = Field(description="Bytes that each SM can receive per cycle, headers included (§8).")
    header: SizeOrZero = Field(description="Bytes of a message beside its data (§8).")
    credits: Count = Field(description="Stores and reductions of an SM that its slices have not taken yet, at most.")
    sm_spread: Cycles = Field(
        description="Extra request latency of the farthest SM; SMs in between in even steps (hop = SM + slice term)."
    )
    slice_spread: Cycles = Field(
        description="Extra request latency of the farthest slice; slices in between in even steps."
    )


class L2(Part):
    """The cache behind the crossbar, in slices."""

    size: Size = Field(description="Capacity of all slices (§8).")
    slices: Count = Field(description="Slices; each DRAM channel serves slices / channels of them (§8).")
    ways: Count = Field(description="Associativity of a slice (§8).")
    replacement: Replacement = Field(description="Which line of a set goes.")
    interleave: Size = Field(description="Consecutive bytes that lie in one slice.")
    hashed: bool = Field(description="Whether upper address bits are hashed onto the slice number (§7.3).")
    clock: Frequency = Field(description="Clock of slices and their ports (§8: the SMs' clock).")
    latency: Interval = Field(
        description="From the lookup of a hit to its data at the slice's port; a near hit takes "
        "noc.request_latency + this + noc.reply_latency beyond an L1 hit."
    )
    partitions: Count = Field(description="Parts of the L2; each SM and each slice belongs to one of them.")
    far_latency: Cycles = Field(description="Added to requests from an SM of one partition to a slice of another.")
    bandwidth: Bandwidth = Field(description="Bytes that a slice reads or writes per L2 cycle.")
    port_bandwidth: Bandwidth = Field(description="Bytes that a slice sends per L2 cycle, headers included (§8).")
    mshrs: Count = Field(description="Lines of a slice that may be on their way from DRAM at once.")
    mshr_merges: Count = Field(description="Requests that may wait at one of its miss registers.")
    atomic_rate: Count = Field(description="Lane operations of atomics that a slice does per L2 cycle.")
    atomic_latency: Cycles = Field(description="What an atomic takes beyond a load that hits L2.")
    host_copies: bool = Field(description="Whether host-to-device copies of a trace leave their lines in L2.")
    keep_between_kernels: bool = Field(description="Whether the content stays from kernel to kernel, that of TLBs too.")
