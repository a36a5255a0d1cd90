"""Keys of a DRAM: the device (arch_configs/dram/*.yaml), and the memory of a chip, which names one and controls it.

What a standard or a data sheet fixes belongs to the device: geometry, timings, refresh times. What a chip's designer
chooses belongs to the chip: how many channels, how fast, queues, scheduling, and which address bits go where.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sim.arch.schema_base import Clocks, Count, CountOrZero, Cycles, DataRate, Label, Part, Size, Time
from sim.arch.units import CLOCKS, TIME

#: The devices of arch_configs/dram.
DramKind = Literal["ddr4", "ddr5", "gddr5", "gddr6", "gddr6x", "gddr7", "hbm2", "hbm2e", "hbm3", "lpddr5"]
#: What a refresh command refreshes.
RefreshPolicy = Literal["none", "all_bank", "per_bank"]
SchedulerPolicy = Literal["fr_fcfs", "fcfs"]
#: Open: a row stays open until another one is wanted. Closed: the last queued access to a row closes it.
PagePolicy = Literal["open", "closed"]
AddressField = Literal["group", "column", "bank"]
#: A field, or some of its bits: `column:2`. dram_address.py says how many bits a field without a number has.
AddressPiece = Annotated[str, Field(pattern=r"^(group|column|bank)(:[1-9][0-9]?)?$")]


@dataclass(frozen=True, slots=True)
class Delay:
    """A minimum time: the longer of a time in picoseconds and one in command clocks."""

    picoseconds: int
    clocks: int

    def at(self, data_rate: int, clock_ratio: int) -> int:
        """Whole command clocks at a data rate in bits per second and pin."""
        return max(self.clocks, -(-self.picoseconds * data_rate // (clock_ratio * 10**12)))


def _delay(value: object) -> Delay:
    """`17.1 ns`, `6 clocks`, or a list of both, as in JEDEC's MAX(4 nCK, 5 ns). Raises ValueError."""
    parts = value if isinstance(value, list) else [value]
    if not 1 <= len(parts) <= 2:
        raise ValueError(f"needs a time such as '{TIME.example}', '{CLOCKS.example}', or a list of both")
    times, clocks = [], []
    for part in parts:
        if isinstance(part, str) and part.strip().endswith(("clock", "clocks")):
            clocks.append(CLOCKS.parse(part))
        else:
            times.append(TIME.parse(part))
    if len(times) > 1 or len(clocks) > 1:
        raise ValueError(f"a list holds one time such as '{TIME.example}' and one such as '{CLOCKS.example}'")
    if min(times + clocks) < 0:
        raise ValueError("must not be negative")
    return Delay(max(times, default=0), max(clocks, default=0))


_TEXT = {"type": "string", "pattern": rf"{TIME.pattern}|{CLOCKS.pattern}", "examples": [TIME.example, CLOCKS.example]}
DelayOf = Annotated[
    Delay,
    BeforeValidator(_delay),
    WithJsonSchema({"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}]}),
]


class DramTiming(Part):
    """Minimum times between commands, in nanoseconds or in command clocks, as the standard states them."""

    rcd_read: DelayOf = Field(description="ACT to RD of the bank (tRCD, tRCDRD).")
    rcd_write: DelayOf = Field(description="ACT to WR of the bank (tRCD, tRCDWR).")
    rp: DelayOf = Field(description="PRE to ACT of the bank (tRP).")
    ras: DelayOf = Field(description="ACT to PRE of the bank (tRAS).")
    rc: DelayOf = Field(description="ACT to ACT of the bank (tRC).")
    rrd_s: DelayOf = Field(description="ACT to ACT in another bank group (tRRD_S).")
    rrd_l: DelayOf = Field(description="ACT to ACT of another bank of the group (tRRD_L).")
    faw: DelayOf = Field(description="Window that holds at most four ACT of the channel (tFAW).")
    ccd_s: DelayOf = Field(description="RD to RD and WR to WR in another bank group (tCCD_S).")
    ccd_l: DelayOf = Field(description="RD to RD in the same bank group (tCCD_L).")
    ccd_l_write: DelayOf = Field(description="WR to WR in the same bank group (tCCD_L, tCCD_L_WR).")
    cl: DelayOf = Field(description="RD to the first beat of its data (CL, RL).")
    cwl: DelayOf = Field(description="WR to the first beat of its data (CWL, WL).")
    wr: DelayOf = Field(description="Last beat of written data to PRE of the bank (tWR).")
    wtr_s: DelayOf = Field(description="Last beat of written data to RD in another bank group (tWTR_S).")
    wtr_l: DelayOf = Field(description="Last beat of written data to RD in the same bank group (tWTR_L).")
    rtp: DelayOf = Field(description="RD to PRE of the bank (tRTP).")
    turnaround: DelayOf = Field(description="Gap on the data bus between read data and the write data behind it.")


class DramRefreshTimes(Part):
    """How often a device must be refreshed, and how long that takes."""

    interval: Time = Field(description="Average interval of all-bank refresh commands (tREFI).")
    all_bank: DelayOf = Field(description="All-bank refresh to ACT (tRFC, tRFCab).")
    per_bank: DelayOf | None = Field(
        default=None, description="Refresh of one bank to its ACT (tRFCpb); left out where there is no such command."
    )
    per_bank_gap: DelayOf | None = Field(
        default=None, description="Refresh of one bank to ACT or refresh of another one (tRREFD, tpbR2act)."
    )


class DramDevice(Part):
    """A kind of DRAM, seen from one channel: what has its own command and data bus."""

    kind: DramKind = Field(description="The standard; also the name of the file.")
    name: Label = Field(description="The device that the values are those of.")
    channel: Label = Field(description="What one channel of this kind is.")
    width: Count = Field(description="Data pins of a channel.")
    burst_length: Count = Field(description="Bits of one access on each pin.")
    data_rate: DataRate = Field(description="Data rate per pin for which the values in clocks were given.")
    clock_ratio: Count = Field(description="Bits on a pin in one command clock: data_rate / clock_ratio is the clock.")
    atom: Size = Field(description="Bytes of one access: width x burst_length / 8.")
    bank_groups: Count = Field(description="Bank groups of a channel; a power of two.")
    banks_per_group: Count = Field(description="Banks of a bank group; a power of two.")
    row: Size = Field(description="Bytes of one row (page) of a channel.")
    timing: DramTiming = Field(description="Minimum times between commands.")
    refresh: DramRefreshTimes = Field(description="Refresh times.")


class DramMapping(Part):
    """Which bits of an address inside a channel choose bank group, column, bank and row."""

    order: list[AddressPiece] = Field(
        max_length=8,
        description="Fields above the atom's offset, the least significant first; the row lies above them. An entry"
        " with a number, such as column:2, takes so many bits of its field, one without takes all that are left.",
    )
    hash: Literal["xor", "plain"] = Field(description="xor: bank and bank group are permuted by a hash of the row.")


class Dram(Part):
    """The memory of a chip: channels of one kind of DRAM, and their controllers."""

    kind: DramKind = Field(description="A device of arch_configs/dram.")
    channels: Count = Field(description="Channels in the sense of the device's file (HBM: pseudo channels).")
    data_rate: DataRate = Field(description="Data rate per pin.")
    controller_latency: Cycles = Field(
        description="Core cycles of a read beyond L2 and the DRAM's own timings, both ways together."
    )
    refresh: RefreshPolicy = Field(description="Refresh commands: none, all banks at once, or bank after bank.")
    scheduler: SchedulerPolicy = Field(description="Order in which a channel serves its requests.")
    page_policy: PagePolicy = Field(description="When a row is closed.")
    read_queue: Count = Field(description="Reads that a channel's controller holds.")
    write_queue: Count = Field(description="Writes that a channel's controller holds.")
    write_high: Count = Field(description="Queued writes at which they go first.")
    write_low: CountOrZero = Field(description="Queued writes at which waiting reads go first again.")
    starvation: Clocks = Field(description="Command clocks after which the oldest request goes first.")
    mapping: DramMapping = Field(description="Address bits inside a channel.")
