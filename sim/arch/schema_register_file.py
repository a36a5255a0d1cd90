"""Keys of the register file, its cache and its result queue (core reference §5)."""

from typing import Literal

from pydantic import Field

from sim.arch.schema_base import Bandwidth, Count, CountOrZero, Interval, Part

#: How Allocate packs the reads of successive instructions into the ports.
ReadOrder = Literal["free_slots", "in_order"]


class RegisterFileCache(Part):
    """The operand cache that `.reuse` bits fill."""

    enabled: bool = Field(description="False: reuse bits are ignored and every operand needs a port (§5, §9.4).")
    slots: CountOrZero = Field(description="Sub-entries per bank, one for each regular source operand slot (§5).")


class RegisterFile(Part):
    """The regular register file of one sub-core."""

    banks: Count = Field(description="Banks of the register file of a sub-core; bank = register number mod banks (§5).")
    read_ports: Count = Field(description="Warp-wide registers that each bank can read per cycle (§5).")
    write_ports: Count = Field(description="Warp-wide registers that each bank can write per cycle (§5).")
    ideal: bool = Field(description="True: ports never conflict, the ideal column of §9.4.")
    merge_same_register: bool = Field(
        description="True: an instruction that names a register twice reads it once (§5)."
    )
    read_window: Interval = Field(description="Cycles of the operand read stage of fixed-latency instructions (§5).")
    wide_read_window: Interval = Field(
        description="Read stage of tensor instructions with four registers in an operand (§2, §6)."
    )
    read_order: ReadOrder = Field(
        description="free_slots: Allocate takes any free port-cycle of the window; in_order: each bank serves "
        "instructions strictly in order, as late as their window allows (§5)."
    )
    result_queue: Count = Field(description="Results of fixed-latency units that may wait for a write port (§5).")
    link: Bandwidth = Field(description="Width of the path from memory into the registers, per sub-core (§5, §7.2).")
    cache: RegisterFileCache = Field(description="Register file cache (§5).")
