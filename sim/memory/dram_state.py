"""The register map of a DRAM channel: configuration, channel, bank and queue entry, and what is counted.

One channel is what has its own command and data bus: a GDDR6 channel of 16 bits, an HBM pseudo channel, a DDR channel.
All times are command clocks (CK), absolute. Records of all channels of a chip lie in one array each: the banks of
channel c start at c x banks, its queue slots at c x slots.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: A time that does not come: an idle channel is woken by a push.
NEVER = 1 << 60
#: The end of a list of requests, and of what is not there.
NO_SLOT = -1
#: So long ago that no interval reaches into the present.
LONG_AGO = -(1 << 40)

# Upper bounds of what the records and the scheduler's arithmetic hold; `dram_lower.py` refuses larger values.
MAX_GROUPS = 16  # bank groups
MAX_BANKS = 256  # banks of a channel
MAX_QUEUE = 1024  # entries of a read or a write queue
MAX_CLOCKS = 1 << 30  # any single timing
ACTIVATES_IN_WINDOW = 4  # ACT commands that may fall into tFAW
MAX_PIECES = 8  # pieces of an address

# Policies, resolved when the configuration record is made.
NO_REFRESH, ALL_BANK, PER_BANK = range(3)
OPEN_PAGE, CLOSED_PAGE = range(2)
FR_FCFS, FCFS = range(2)

# Commands, as `last_command` shows them. The two with CLOSE precharge their bank on their own.
(
    NO_COMMAND,
    ACTIVATE,
    READ,
    WRITE,
    READ_CLOSE,
    WRITE_CLOSE,
    PRECHARGE,
    PRECHARGE_ALL,
    REFRESH,
    REFRESH_BANK,
) = range(10)

# Fields that the pieces of an address fill, beside the row. The bank's upper bits are its bank group.
BANK_FIELD, COLUMN_FIELD = range(2)

# The two kinds of requests; pairs of fields are indexed by them.
READS, WRITES = range(2)

# What a request has cost so far: the class in which it is counted when its data is scheduled.
HIT, MISS, CONFLICT = range(3)

DRAM = np.dtype(
    [
        # The pieces of an address, the least significant first
        ("pieces", np.int64),
        ("piece_field", np.int64, (MAX_PIECES,)),  # BANK_FIELD or COLUMN_FIELD
        ("piece_shift", np.int64, (MAX_PIECES,)),  # bit of the address at which it begins
        ("piece_mask", np.int64, (MAX_PIECES,)),  # one bit for each of its bits
        ("piece_position", np.int64, (MAX_PIECES,)),  # bit of the field at which it begins
    ]
    + [
        (name, np.int64)
        for name in (
            # Geometry
            "atom",  # bytes of one access: bus width x burst length / 8
            "groups",  # bank groups
            "banks",  # of all groups
            "columns",  # atoms of a row
            "burst",  # clocks that one access holds the data bus
            "data_rate",  # bits per second and pin; data_rate / clock_ratio is the command clock in hertz
            "clock_ratio",
            # Address inside a channel (mapping.py)
            "row_shift",
            "bank_bits",  # of a bank inside its group
            "hashed",  # 1 = group and bank are permuted by a hash of the row
            # Timings (JEDEC's names with n for clocks)
            "rcd_read", "rcd_write",  # ACT -> RD, ACT -> WR
            "rp",  # PRE -> ACT
            "ras",  # ACT -> PRE
            "rc",  # ACT -> ACT of one bank
            "rrd_s", "rrd_l",  # ACT -> ACT of another bank, in another group and in the same one
            "faw",  # window that holds at most four ACT
            "ccd_s", "ccd_l", "ccd_l_write",  # RD -> RD and WR -> WR: other group, same group, same group for writes
            "cl", "cwl",  # RD -> first data, WR -> first data
            "wr",  # last write data -> PRE
            "wtr_s", "wtr_l",  # last write data -> RD: other group, same group
            "rtp",  # RD -> PRE
            "read_to_write",  # RD -> WR
            "refi",  # interval of refresh commands under the chosen policy
            "rfc",  # refresh -> ACT of what it refreshed
            "rrefd",  # per-bank refresh -> ACT or refresh of another bank
            "refresh_round",  # refresh commands until every bank has had one
            # Controller
            "refresh", "page", "scheduler",  # policies
            "read_queue", "write_queue",  # entries
            "slots",  # of both queues together: distance between the queues of two channels
            "write_high", "write_low",  # entries at which writes start and stop to go first
            "starvation",  # clocks after which the oldest request goes first whatever its row
        )
    ],
    align=True,
)  # fmt: skip

BANK = np.dtype(
    [
        ("row", np.int64),  # open row, -1 = precharged
        ("next_activate", np.int64),  # first clock for an ACT (tRP, tRC, tRFC)
        ("next_precharge", np.int64),  # first clock for a PRE (tRAS, tRTP, tWR)
        ("next_column", np.int64, (2,)),  # first clock for a RD and for a WR of the open row (tRCD)
        # Queued reads and writes of this bank (dram_queue.py): slots of the channel
        ("oldest", np.int32, (2,)),
        ("youngest", np.int32, (2,)),
        ("first_hit", np.int32, (2,)),  # the oldest of the open row
        ("first_other", np.int32, (2,)),  # the oldest of other rows
    ],
    align=True,
)

DRAM_REQUEST = np.dtype(
    [
        ("order", np.int64),  # age: the smaller, the older
        ("row", np.int64),
        ("bank", np.int32),  # of the channel: group x banks per group + bank of the group
        ("group", np.int32),
        ("column", np.int32),
        ("older", np.int32),  # neighbours among all requests of its kind: slots of the channel
        ("younger", np.int32),  # in a free slot: the next free one
        ("bank_older", np.int32),  # neighbours among those of its bank
        ("bank_younger", np.int32),
        ("live", np.int8),
        ("write", np.int8),
        ("cost", np.int8),  # HIT, or MISS or CONFLICT once an ACT or a PRE was issued for it
        ("arrived", np.int64),
        ("tag", np.int64),  # the caller's name for it; not negative
    ],
    align=True,
)

CHANNEL = np.dtype(
    [
        # What the caller reads
        ("next", np.int64),  # next clock at which dram_step has something to do
        ("done", np.int64),  # last data beat of the request whose tag dram_step returned
        ("queued", np.int64, (2,)),  # requests of each kind; writes lie behind the slots for reads
        ("last_command", np.int64),  # of the last call of dram_step
        ("last_bank", np.int64),  # -1 = all
        ("last_row", np.int64),
        ("last_clock", np.int64),  # of the last command, a refresh while idle included
        ("last_refresh", np.int64),  # clock of the last refresh command
        # Queues
        ("order", np.int64),  # of the next request
        ("free", np.int32, (2,)),  # a free slot of each kind
        ("oldest", np.int32, (2,)),
        ("youngest", np.int32, (2,)),
        ("fresh", np.int32, (2,)),  # the first of those pushed since the last step, which their banks do not know yet
        ("writing", np.int64),  # 1 = write mode
        # The next command, chosen after the last one
        ("planned_at", np.int64),  # its clock
        ("planned_slot", np.int64),  # of the request that it serves; NO_SLOT = a refresh
        ("planned_refresh", np.int64),  # then: which command
        # Constraints between banks
        ("next_activate", np.int64),  # tRRD_S, tFAW, tRREFD
        ("next_column", np.int64, (2,)),  # RD, WR: tCCD_S, data bus, tWTR_S, turnaround
        ("group_activate", np.int64, (MAX_GROUPS,)),  # tRRD_L
        ("group_column", np.int64, (2, MAX_GROUPS)),  # RD, WR: tCCD_L, tWTR_L
        ("window", np.int64, (ACTIVATES_IN_WINDOW,)),  # clocks of the last ACT commands
        ("window_at", np.int64),  # the oldest of them
        ("bus_wrote", np.int64),  # 1 = the last burst was a write, 0 = a read, -1 = none yet
        # Refresh
        ("refresh_due", np.int64),  # clock from which the next refresh command is owed, NEVER = refresh is off
        ("refresh_bank", np.int64),  # per-bank refresh: whose turn it is
        # Banks with requests of each kind, in no order, and what they offer to do next (dram_offer.py)
        ("busy", np.int32, (2,)),  # their number
        ("seat", np.int16, (2, MAX_BANKS)),  # where a bank stands among them
        ("offer_bank", np.int16, (2, MAX_BANKS)),
        ("offer_limit", np.int16, (2, MAX_BANKS)),  # which limit of the channel holds for it
        ("offer_key", np.int64, (2, MAX_BANKS)),  # twice the first clock that the bank allows, plus 1 for a row command
        ("offer_age", np.int64, (2, MAX_BANKS)),  # `order` of the request
        ("limit", np.int64, (2 * MAX_GROUPS + 1,)),  # least keys of accesses and of ACT in each group, and of PRE
    ],
    align=True,
)


class DramEvent(NamedTuple):
    """A counter of the DRAM: its name, its unit and what it counts."""

    name: str
    unit: str
    meaning: str


DRAM_EVENTS: tuple[DramEvent, ...] = (
    DramEvent("reads", "requests", "read bursts"),
    DramEvent("writes", "requests", "write bursts"),
    DramEvent("activates", "commands", "rows opened (ACT)"),
    DramEvent("precharges", "banks", "rows closed: by PRE, by auto-precharge, or for a refresh"),
    DramEvent("row_hits", "requests", "requests that needed neither ACT nor PRE of their own"),
    DramEvent("row_misses", "requests", "requests that found their bank closed and opened a row"),
    DramEvent("row_conflicts", "requests", "requests that had to close another row first"),
    DramEvent("refreshes", "commands", "refresh commands, those of idle times included"),
    DramEvent("bus_busy", "clocks", "command clocks during which the data bus carried data"),
    DramEvent("read_to_write", "turnarounds", "times that the data bus changed from reads to writes"),
)
(
    EV_READS,
    EV_WRITES,
    EV_ACTIVATES,
    EV_PRECHARGES,
    EV_ROW_HITS,
    EV_ROW_MISSES,
    EV_ROW_CONFLICTS,
    EV_REFRESHES,
    EV_BUS_BUSY,
    EV_READ_TO_WRITE,
) = range(len(DRAM_EVENTS))
DRAM_EVENT_COUNT = len(DRAM_EVENTS)


class DramState(NamedTuple):
    """The state of all channels of a chip."""

    channels: npt.NDArray[np.void]
    banks: npt.NDArray[np.void]
    queue: npt.NDArray[np.void]


def dram_state(dram: Any, count: int) -> DramState:
    """`count` idle channels after power-up for the configuration record `dram`: all banks closed, nothing queued."""
    channels = np.zeros(count, CHANNEL)
    channels["next"] = NEVER
    channels["last_bank"] = -1
    channels["last_row"] = -1
    channels["last_clock"] = -1
    channels["last_refresh"] = -1
    channels["planned_at"] = NEVER
    channels["planned_slot"] = NO_SLOT
    channels["free"] = [0, int(dram["read_queue"])]
    for name in ("oldest", "youngest", "fresh"):
        channels[name] = NO_SLOT
    channels["window"] = LONG_AGO
    channels["bus_wrote"] = -1
    channels["refresh_due"] = NEVER if int(dram["refresh"]) == NO_REFRESH else int(dram["refi"])
    banks = np.zeros(count * int(dram["banks"]), BANK)
    banks["row"] = -1
    for name in ("oldest", "youngest", "first_hit", "first_other"):
        banks[name] = NO_SLOT
    queue = np.zeros(count * int(dram["slots"]), DRAM_REQUEST)
    slots = queue.reshape(count, -1)
    slots["younger"] = np.arange(1, int(dram["slots"]) + 1)
    slots["younger"][:, [int(dram["read_queue"]) - 1, -1]] = NO_SLOT
    return DramState(channels, banks, queue)
