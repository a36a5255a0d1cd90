"""Keys of the execution units (core reference §6).

`latency` is the distance from issue to the issue of a dependent instruction, `initiation` the cycles for which an
instruction holds the unit's input latch (32 lanes / lanes of the unit).
"""

from pydantic import Field

from sim.arch.schema_base import Count, Cycles, Interval, Part, Rate


class FixedUnit(Part):
    """A fixed-latency unit of each sub-core."""

    latency: Interval = Field(description="From issue to the issue of a dependent instruction (§6).")
    initiation: Interval = Field(description="Cycles for which an instruction holds the input latch (§4, §6).")


class SharedPipeUnit(FixedUnit):
    """A fixed-latency unit whose instructions may also run on the INT pipe."""

    also_on_int: bool = Field(description="Whether these instructions may also use the INT pipe, when it is free (§6).")


class PredicateUnit(Part):
    """Instructions that write predicates; they run on the pipe of their class."""

    latency: Interval = Field(description="From issue to the issue of a reader of the written predicate (§6).")


class QueuedUnit(FixedUnit):
    """A variable-latency unit of each sub-core, behind a queue."""

    queue: Count = Field(description="Instructions that may wait in front of the unit (§2, §6).")


class Fp64Unit(QueuedUnit):
    """Double precision: one unit per SM behind a queue, or one fixed-latency pipe per sub-core."""

    shared: bool = Field(description="True: one unit shared by the sub-cores; false: one per sub-core, fixed latency.")
    transfer: Cycles = Field(description="Cycles from a sub-core to the shared unit; unused if not shared (§6).")


class TensorUnit(Part):
    """Tensor core of one sub-core: initiation = M*N*K / fma_per_cycle * bits / reference_bits (§6)."""

    fma_per_cycle: Count = Field(description="Fused multiply-adds per cycle and sub-core at reference_bits (§6).")
    pipeline: Cycles = Field(description="Latency beyond the initiation interval of an instruction (§6).")
    reference_bits: Count = Field(description="Operand width for which fma_per_cycle is given (§6).")
    fp32_accumulate_rate: Rate = Field(
        description="Speed with FP32 accumulation relative to FP16 accumulation; 0.5 on GeForce parts (§6, §8)."
    )
    sparse_rate: Rate = Field(description="Speed of 2:4 sparse instructions relative to dense ones (§6).")


class Units(Part):
    """Every execution unit of a sub-core, and the shared FP64 unit."""

    int: FixedUnit = Field(description="Integer and logic pipe (§6).")
    fp32: SharedPipeUnit = Field(description="FP32 pipe, which also runs IMAD; IMAD never goes to the INT pipe (§6).")
    half: SharedPipeUnit = Field(description="Packed FP16 instructions (§6).")
    predicate: PredicateUnit = Field(description="Writers of predicates (§6).")
    branch: FixedUnit = Field(description="Branch unit (§6).")
    uniform: FixedUnit = Field(description="Uniform datapath (§6); idle on architectures without uniform opcodes.")
    misc: FixedUnit = Field(description="Instructions without a unit of their own and without a queue: NOP, VOTE (§6).")
    misc_queue: QueuedUnit = Field(description="Miscellaneous instructions behind a queue: S2UR, ERRBAR (§6).")
    sfu: QueuedUnit = Field(description="Special functions and conversions (§6).")
    fp64: Fp64Unit = Field(description="Double precision (§6).")
    texture: QueuedUnit = Field(description="Texture unit; a fixed latency, no texture cache (§6).")
    tensor: TensorUnit = Field(description="Tensor core (§6).")
