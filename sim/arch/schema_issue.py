"""Keys of the issue stage: selection of the warp, control bits, dependence mechanism (core reference §1 and §4)."""

from typing import Annotated, Literal

from pydantic import Field

from sim.arch.schema_base import Count, CountOrZero, Cycles, Part

#: How the next warp is chosen; a new policy is one word here and one function in the core.
IssuePolicy = Literal["cggty", "gto", "lrr", "two_level"]
#: What holds an instruction back until its operands are there.
Dependence = Literal["control_bits", "scoreboard"]
#: First token of a SASS opcode.
Opcode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Issue(Part):
    """One issue port per sub-core, one instruction per cycle, in order per warp."""

    policy: IssuePolicy = Field(
        description="Warp selection: compiler guided greedy then youngest, greedy then oldest, round robin, "
        "or two-level (§4)."
    )
    two_level_active: Count = Field(description="Warps in the active set of the two-level policy (§4).")
    stall_zero_yield: Cycles = Field(description="How long stall 0 together with yield holds the warp (§1.3).")
    long_stall_limit: CountOrZero = Field(
        description="Largest stall count that is obeyed without yield; above it the hardware forgets it (§1.3)."
    )
    long_stall_cycles: Cycles = Field(
        description="How long a stall count above long_stall_limit without yield holds the warp (§1.3)."
    )
    constant_miss_hold: Cycles = Field(
        description="Cycles for which nothing issues while the greedy warp misses its constant operand (§4, step 7)."
    )
    port_cycles: dict[Opcode, Count] = Field(
        description="Cycles for which an opcode occupies the issue port; opcodes not named take 1 (§4, step 8)."
    )
    control_to_visible: Cycles = Field(
        description="From the Control stage that raises a dependence counter to the first issue that sees it (§1.5)."
    )
    dependence: Dependence = Field(
        description="Dependences by the compiler's control bits, or by a scoreboard; instructions that carry no "
        "control bits always use the scoreboard (§9.4)."
    )
    scoreboard_consumers: Count = Field(
        description="Readers per register that the scoreboard can count for write-after-read (§9.4)."
    )
    counter_maximum: Count = Field(description="Largest value of a dependence counter, 6 bits in hardware (§1.2).")
