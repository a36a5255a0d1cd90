"""The keys of a GPU configuration: the chip as a whole, its SM, and what stands behind the SM.

The parts of the SM are in `schema_*.py`. All keys are required after `extends` has been resolved: there is no hardware
number in code.
"""

from typing import Annotated, Literal

from pydantic import Field

from sim.arch.schema_base import Count, Cycles, Frequency, Interval, Label, Part
from sim.arch.schema_dram import Dram
from sim.arch.schema_frontend import Frontend
from sim.arch.schema_issue import Issue
from sim.arch.schema_l2 import L2, Noc
from sim.arch.schema_memory import (
    L1D,
    Atomic,
    Barrier,
    Constant,
    Membar,
    MemoryPipeline,
    S2r,
    SharedMemory,
    Shuffle,
)
from sim.arch.schema_register_file import RegisterFile
from sim.arch.schema_tlb import Translation
from sim.arch.schema_units import Units


class Sm(Part):
    """One streaming multiprocessor, and how many of them the chip has."""

    count: Count = Field(description="SMs of the chip (§8).")
    clock: Frequency = Field(description="Clock of the SMs; profiles are compared at this clock (§8).")
    sub_cores: Count = Field(description="Sub-cores of an SM; warp w runs on sub-core w mod sub_cores (§2).")
    max_warps: Count = Field(description="Warps that an SM can hold (§8).")
    max_ctas: Count = Field(description="CTAs that an SM can hold.")
    max_threads: Count = Field(description="Threads that an SM can hold.")
    registers: Count = Field(description="32-bit registers of an SM (§5).")
    register_allocation_unit: Count = Field(description="A warp's registers are rounded up to this.")
    max_registers_per_thread: Count = Field(description="Most registers of a thread; R255 is RZ (§5).")
    frontend: Frontend = Field(description="Fetch, decode and instruction caches (§3).")
    issue: Issue = Field(description="Warp selection and dependences (§1, §4).")
    register_file: RegisterFile = Field(description="Register file and its cache (§5).")
    units: Units = Field(description="Execution units (§6).")
    memory: MemoryPipeline = Field(description="Memory pipeline up to the SM's shared structures (§7).")
    l1d: L1D = Field(description="L1 data cache (§7.3).")
    shared_memory: SharedMemory = Field(description="Shared memory (§7.3, §8).")
    constant: Constant = Field(description="Constant caches (§3, §4).")
    barrier: Barrier = Field(description="CTA barriers.")
    membar: Membar = Field(description="Memory fences (§6).")
    shuffle: Shuffle = Field(description="SHFL (§12).")
    s2r: S2r = Field(description="S2R (§12).")
    atomic: Atomic = Field(description="Shared-memory atomics.")


class Dispatch(Part):
    """Start of kernels and CTAs."""

    launch_latency: Cycles = Field(description="From the launch of a kernel to its first CTA; reported apart (§6).")
    cta_latency: Interval = Field(
        description="From a free CTA slot to the first fetch of the CTA that takes it: by way of the dispatcher, so at "
        "least as long as a message through the crossbar."
    )


class Energy(Part):
    """Energy of the events that a run counts."""

    table: Label = Field(description="Name of a file in arch_configs/energy: joules per event, with sources.")


class GpuConfig(Part):
    """A GPU: all keys, in base units (bytes, hertz, cycles, bytes per cycle)."""

    name: Label = Field(description="The chip's name in results.")
    kind: Literal["gpu"] = Field(description="What kind of device the file describes.")
    compute_capability: Annotated[str, Field(pattern=r"^\d+\.\d$")] = Field(
        description="CUDA compute capability, in quotes."
    )
    isa: Annotated[str, Field(pattern=r"^sm_\d{2,3}$")] = Field(
        description="Instruction set; it chooses the table of opcode classes (§12)."
    )
    sm: Sm = Field(description="The SM.")
    noc: Noc = Field(description="Crossbar between SMs and L2.")
    l2: L2 = Field(description="L2 cache.")
    dram: Dram = Field(description="Memory channels.")
    translation: Translation | None = Field(
        default=None, description="Address translation; left out or null: it takes no time and no traffic."
    )
    dispatch: Dispatch = Field(description="Kernel launch and CTA dispatch (§6).")
    deadlock_cycles: Count = Field(
        description="A property of the simulator: a run stops when nothing has moved for that many cycles."
    )
    energy: Energy = Field(description="Energy model.")
