"""The register map of the clocked core: one record type per hardware structure.

State is plain data: it can be printed, compared, saved and restored. Indices into arrays of records are global over
the chip (warp slot = SM x slots per SM + slot), so that no stage adds base offsets. All times are absolute cycles.
Fields are read as `int(rec["field"])` and written from int64 values, so that the un-jitted engine computes the same.
"""

import numpy as np

#: A time that does not come: whoever waits for it is woken by an event.
NEVER = 1 << 60

# Upper bounds of structures whose size is a configuration key; `lower.py` refuses larger values.
MAX_BUFFER = 8  # instruction-buffer entries per warp
MAX_QUEUE = 16  # entries of a sub-core's unit queue
MAX_STREAM = 64  # lines of a stream buffer
MAX_MISSES = 64  # outstanding lines of an L0 instruction cache
MAX_SLOTS = 4  # regular-register source operands of one instruction
MAX_BANKS = 4  # register-file banks
MAX_WARPS = 64  # warps per SM
COUNTERS_PER_WARP = 6  # dependence counters SB0..SB5 (§1.2)
READ_HORIZON = 32  # cycles ahead for which read-port reservations are kept (a power of two)
PORT_HORIZON = 128  # cycles ahead for which port reservations are kept
CTA_BARRIERS = 16  # named barriers of a CTA
SCOREBOARD_ENTRIES = 332  # 255 registers + 63 uniform + 7 + 7 predicates (§9.4)

# Life of a warp slot.
FREE, RUNNING, DRAINING = range(3)

WARP = np.dtype(
    [
        # What the scheduler looks at in every cycle stands first, in two cache lines.
        ("wake", np.int64),  # first cycle in which its state can change without an event
        ("state_since", np.int64),  # accounting: every cycle of its life belongs to one state
        ("state_row", np.int32),  # static instruction that the state is booked on
        ("next_row", np.int32),  # static instruction to issue next
        ("state", np.int8),
        ("life", np.int8),  # FREE, RUNNING or DRAINING (everything issued, work outstanding)
        ("passed", np.int8),  # 1 = nothing of its own holds the next instruction any more; only units can
        ("next_lanes", np.int8),  # active lanes of the next instruction
        ("buffer_head", np.int8),
        ("buffer_count", np.int8),
        ("wrong_count", np.int8),  # entries fetched behind a taken branch
        ("redirected", np.int8),  # 1 until the first instruction behind a taken branch has arrived
        ("followed", np.int8),  # 1 = `--follow` records it
        ("stall_reason", np.int8),  # WAIT, YIELD or SLEEPING
        ("blocked_reason", np.int8),  # BARRIER or MEMBAR
        ("raised", np.int8),  # bit per dependence counter that is not zero
        ("rising", np.int8),  # 1 = an issued instruction is about to raise counters
        ("stall_until", np.int64),  # first cycle in which stall count and yield allow an issue (§1.3-1.4)
        ("blocked_until", np.int64),  # barrier or memory barrier; NEVER = until released
        ("fetch_line", np.int64),  # line that fetch waits for, -1 = none
        ("wrong_pc", np.int64),  # next pc of the wrong path, -1 = on the right path
        ("fetched", np.int64),  # next instruction to fetch: index into the path table
        ("end", np.int64),  # end of its path
        ("position", np.int64),  # next instruction to issue: index into the path table
        # Instruction buffer (§3): decoded entries in order, each with the cycle from which it may issue
        ("buffer", np.int64, (MAX_BUFFER,)),
        ("pending", np.int8, (COUNTERS_PER_WARP,)),  # SB0..SB5, 6 bits each (§1.2)
        ("producer", np.int8, (COUNTERS_PER_WARP,)),  # reason of a wait on it: SHORT_ or LONG_SCOREBOARD
        ("sm", np.int32),
        ("sub", np.int32),  # its sub-core: slot mod 4 (§2)
        ("cta", np.int32),  # CTA slot
        ("in_flight", np.int32),  # issued instructions that still own counters or results
        ("memop", np.int64),  # accesses with addresses issued so far: the next one is that of its window
        ("number", np.int64),  # warp of the launch: CTA x warps per CTA + warp in CTA
        ("copies", np.int32),  # LDGSTS that have left the unit and are not done (LDGDEPBAR waits for them)
        ("fences", np.int32),  # LDGDEPBAR that wait for them
        ("born", np.int64),
        ("barrier", np.int8),  # the CTA barrier it waits at
        ("active", np.int8),  # two-level scheduling: in the active set
    ],
    align=True,
)

CTA = np.dtype(
    [
        ("live", np.int8),
        ("number", np.int64),  # in launch order
        ("start", np.int64),  # cycle of its first fetch; before it the CTA is on its way to the SM
        ("launched", np.int8),  # its warps are in their slots
        ("warps_left", np.int32),  # not yet reclaimed
        ("unfinished", np.int32),  # not yet at their end: those that a full barrier waits for
        ("arrived", np.int32, (CTA_BARRIERS,)),
        ("expected", np.int32, (CTA_BARRIERS,)),  # warps a barrier waits for, 0 = all of the CTA
    ],
    align=True,
)

# An instruction between Issue and the register file: one-entry latches, and queues of such records.
LATCH = [
    ("full", np.int8),
    ("warp", np.int32),
    ("row", np.int32),
    ("memop", np.int64),  # -1 = no address
    ("unit", np.int8),  # chosen at issue: FP32 may go to INT
    ("raised", np.int8),  # its dependence counters have been raised
]

SUBCORE = np.dtype(
    [
        ("sm", np.int32),
        ("warps", np.int32),  # how many it has
        ("greedy", np.int32),  # warp that issued last, -1 = none
        ("fetch_greedy", np.int32),
        ("fetch_idle", np.int8),  # 1 = nothing to fetch until an event
        ("sleep_until", np.int64),  # nothing of it changes before that cycle, unless somebody sets this to 0
        ("booked", np.int64),  # cycles before this one have their reason; while it sleeps the last one holds on
        ("moved", np.int8),  # something in this sub-core changed in this cycle
        ("slot_reason", np.int8),  # of the current cycle
        ("slot_row", np.int32),
        ("next_fill", np.int64),  # earliest arrival of an instruction line that somebody waits for
        ("queue_head", np.int32),
        ("queue_count", np.int32),
        ("queue_read", np.int32),  # entries from the head whose registers are read
        ("queue_credit", np.int32),  # instructions issued to the unit and not yet gone
        ("stream_next", np.int64),  # next line of the stream buffer, -1 = no stream
        ("stream_count", np.int32),
        ("hold", np.int32),  # evaluations left in which a constant miss of the greedy warp blocks the port (§4)
        ("port_busy", np.int64),  # first cycle in which the issue port is free again
        ("issue_latch", LATCH),  # between Issue and Control
        ("control_latch", LATCH),  # between Control and Allocate
        ("queued", np.int32),  # instructions in the queues of SFU, shared FP64, misc and texture
        ("order", np.int32, (MAX_WARPS,)),  # its warps, youngest first
        ("verdict", np.int8, (MAX_WARPS,)),  # state of each of them in this cycle
        ("raise_write", np.int8),  # counters that Control raises at the end of this cycle, -1 = none
        ("raise_read", np.int8),
        ("raise_warp", np.int32),
        ("raise_row", np.int32),
        ("raise_kind", np.int8),  # reason of those who will wait for it
        ("unit_free", np.int64, (16,)),  # first cycle in which each unit's input latch is free
        # Register file (§5)
        ("read_stamp", np.int64, (MAX_BANKS, READ_HORIZON)),  # cycle for which the reservation count beside it holds
        ("read_used", np.int8, (MAX_BANKS, READ_HORIZON)),
        ("last_read", np.int64, (MAX_BANKS,)),  # in-order reading: last reserved cycle of each bank
        ("write_stamp", np.int64, (MAX_BANKS, PORT_HORIZON)),
        ("write_used", np.int8, (MAX_BANKS, PORT_HORIZON)),
        ("cached", np.int64, (MAX_SLOTS, MAX_BANKS)),  # RF cache tag = (warp slot << 8 | register) + 1, 0 = empty
        ("link_free", np.int64),  # memory -> register link
        # Memory unit: queue in order, with the cycle from which each may leave (§7.1)
        ("queue_warp", np.int32, (MAX_QUEUE,)),
        ("queue_row", np.int32, (MAX_QUEUE,)),
        ("queue_memop", np.int64, (MAX_QUEUE,)),
        ("queue_ready", np.int64, (MAX_QUEUE,)),  # NEVER until its registers are read
        ("queue_last", np.int64),  # cycle in which the last one left
        # Queues of the other units of variable latency (SFU, FP64, misc, texture)
        ("unit_count", np.int32, (16,)),
        ("unit_warp", np.int32, (16, MAX_QUEUE)),
        ("unit_row", np.int32, (16, MAX_QUEUE)),
        ("unit_entered", np.int64, (16, MAX_QUEUE)),
        # Front end (§3)
        ("last_line", np.int64),  # line of the last L0 hit
        ("stream_line", np.int64, (MAX_STREAM,)),
        ("stream_ready", np.int64, (MAX_STREAM,)),
        ("stream_head", np.int32),
        ("stream_wanted", np.int8),  # the head has waiting warps
        ("miss_line", np.int64, (MAX_MISSES,)),
        ("miss_ready", np.int64, (MAX_MISSES,)),
        ("miss_count", np.int32),
        ("needed", np.int64, (MAX_BANKS,)),  # scratch of Allocate: port reads that an instruction needs
    ],
    align=True,
)

MAX_COMPLETED = 64  # CTAs of an SM that can end within a quantum

SM = np.dtype(
    [
        ("clock", np.int64),  # next cycle to run
        ("idle_until", np.int64),  # nothing changes before it
        ("hungry", np.int8),  # a warp has no address at hand for its next access: its window must be refilled
        ("ctas", np.int32),  # CTAs live or on their way
        ("live_ctas", np.int32),  # CTAs whose warps are in their slots
        ("next_launch", np.int64),  # start of the earliest CTA on its way
        ("active_cycles", np.int64),
        ("active_since", np.int64),  # cycle in which the first of its CTAs started, while it has one
        ("warp_cycles", np.int64),  # sum of warp lifetimes
        ("issued", np.int64),  # warp instructions
        ("lanes", np.int64),  # thread instructions
        ("completed", np.int32),  # CTAs that ended and that the dispatcher has not been told of
        ("taken", np.int32),  # how many of them it has been told of
        ("completed_at", np.int64, (MAX_COMPLETED,)),  # first cycle in which their place was free
        ("moved", np.int8),  # something outside the sub-cores changed in this cycle
        ("port_free", np.int64),  # the SM accepts a memory instruction from that cycle on (§7.1)
        ("port_turn", np.int32),  # round robin over sub-cores
        ("shared_free", np.int64),
        ("constant_free", np.int64),
        ("request_free", np.int64),  # L0 -> L1 instruction port, in turns (cycles x requests per cycle)
        ("reply_free", np.int64),  # L1 -> L0
        ("fp64_free", np.int64),  # the FP64 unit that the sub-cores share (§6)
        ("fp64_turn", np.int32),  # whose turn it is there
        ("requests", np.int32),  # entries of the request table: memory, queued units, counters of fixed latency
        ("memory_requests", np.int32),  # places of the pending request table that are taken (§7.3)
        ("next_request", np.int64),  # earliest cycle in which an entry of the request table changes
        ("sequence", np.int64),
        # L1D (§7.3)
        ("free_pending", np.int32),  # first free record of PENDING, -1 = none
        ("access_head", np.int32),  # accesses that wait for their lookups, oldest first
        ("access_count", np.int32),
        ("held", np.int64),  # end of their lines in the ring
        ("next_access", np.int64),  # cycle of the next lookup, NEVER = none, or blocked
        ("access_started", np.int64),  # first lookup of the oldest access, -1 = none yet
        ("access_line", np.int32),  # its next line
        ("blocked_since", np.int64),  # no miss register or credit is free, -1 = not blocked
        ("use", np.int64),  # a clock for replacement
        # Border to the crossbar
        ("out_free", np.int64),  # first cycle in which the request port is free
        ("sent", np.int32),  # messages in the outbox
        ("messages", np.int64),  # sent so far
        ("credits", np.int64),  # stores and reductions that may still be sent
        ("inbox_head", np.int32),
        ("inbox_count", np.int32),
        ("next_reply", np.int64),  # arrival of the oldest message in the inbox
        ("in_free", np.int64),  # first cycle in which the reply port is free (kept by the crossbar)
    ],
    align=True,
)

# A memory instruction between leaving its sub-core and its last register write (PRT entry, §7.3).
WAIT_DATA, WRITING, READING, COPYING, FENCE, ENDED = range(6)
REQUEST = np.dtype(
    [
        # WAIT_DATA (takes the link from `ready` on), WRITING (registers), READING (sources of a queued unit),
        # COPYING (data of an LDGSTS on its way to shared memory), FENCE (LDGDEPBAR behind `left` copies), ENDED (its
        # record is about to be given to another one)
        ("phase", np.int8),
        ("sub", np.int32),
        ("warp", np.int32),
        ("row", np.int32),
        ("ready", np.int64),  # next cycle in which it can move
        ("sequence", np.int64),  # oldest first
        ("started", np.int64),  # cycle in which it took the link
        ("tail", np.int64),  # cycles that its last data trails behind its first
        ("written", np.int8),  # registers written so far
        ("left", np.int32),
        ("due", np.int32),  # scratch of write_back: record k of an SM holds the index of its k-th request that is due
    ],
    align=True,
)

# A memory instruction in the L1D, or that waits for what L1D or the constant cache does not have.
PENDING = np.dtype(
    [
        ("sub", np.int32),
        ("warp", np.int32),
        ("row", np.int32),
        ("next", np.int32),  # next free record
        ("sequence", np.int64),
        ("ready", np.int64),  # when the data that is known so far is ready
        ("tail", np.int64),
        ("left", np.int32),  # sectors that have not arrived
        ("looked_up", np.int8),  # all its lines have been looked up
        ("held", np.int64),  # its lines in the SM's ring of lines to look up
        ("lines", np.int16),
        ("sectors", np.int16),
        ("constant_line", np.int64),  # LDC: line of the L1 instruction/constant cache that it waits for, -1 = none
        ("started", np.int64),  # LDC: cycle of the lookup
    ],
    align=True,
)

# One line of an instruction or constant cache; `fill` is when it arrives: NEVER + cycle of the lookup while unknown.
PLAIN_LINE = np.dtype([("tag", np.int64), ("used", np.int64), ("fill", np.int64)], align=True)

# What crosses an SM's border. Loads and instruction fetches want data; stores and reductions give a credit back. Walks
# (reads of the page table) want data too, but it is the translation that gets it (translate.py).
K_LOAD, K_BYPASS, K_ATOMIC, K_FETCH, K_WALK, K_STORE, K_REDUCTION = range(7)
MESSAGE_KINDS = ("load", "bypass", "atomic", "fetch", "walk", "store", "reduction")
MESSAGE = np.dtype(
    [
        ("time", np.int64),  # its last byte leaves the SM
        ("line", np.int64),  # address // L1D line
        # K_LOAD: miss register; K_BYPASS, K_ATOMIC: pending record; K_FETCH: line of L1I; K_WALK: the walk
        ("owner", np.int64),
        ("born", np.int64),  # cycle in which L1 asked for it
        ("arrived", np.int64),  # at its slice
        ("served", np.int64),  # looked up there
        ("local", np.int64),  # number of the line within its slice
        ("slice", np.int32),
        ("translated", np.int32),  # cycles of its translation, between `time` and the crossbar
        ("sequence", np.int64),  # per SM: messages of one SM keep their order
        ("sm", np.int32),
        ("next", np.int32),  # in its slice's queue, or the free list
        ("left", np.int16),  # sectors that the slice has not sent yet
        ("operations", np.int16),  # atomics: lane operations
        ("kind", np.int8),
        ("sectors", np.int8),
        ("missing", np.int8),  # sectors that its slice did not have
        ("bytes", np.int32, (4,)),  # stores: bytes written in each sector
    ],
    align=True,
)
REPLY = np.dtype(
    [
        ("time", np.int64),  # leaves its slice; in the SM's inbox: arrives
        ("owner", np.int64),
        ("born", np.int64),
        ("sm", np.int32),
        ("kind", np.int8),
        ("sectors", np.int8),
    ],
    align=True,
)

# One slice of the L2 (§8), its times in L2 cycles.
SLICE = np.dtype(
    [
        ("free", np.int64),  # the next request can be looked up
        ("out_free", np.int64),  # its port to the crossbar is free
        ("head", np.int32),  # requests that wait for their lookup, oldest first; -1 = none
        ("tail", np.int32),
        ("scheduled", np.int8),  # an event for the next lookup is on its way
        ("blocked", np.int8),  # the oldest request waits for a miss register, a line, or room at the DRAM
        ("use", np.int64),  # a clock for replacement
    ],
    align=True,
)
# A memory partition: one DRAM channel and the slices in front of it. Nothing but messages connects partitions.
PARTITION = np.dtype(
    [
        ("events", np.int64),  # in its heap
        ("sequence", np.int64),  # order of events of one time and kind
        ("next", np.int64),  # core cycle of its next event
        ("turn", np.int64),  # which slice looks first when room becomes free
        ("emitted", np.int64),  # replies that left its slices and are not yet on their way
        ("taken", np.int64),  # how many of them the crossbar has taken
    ],
    align=True,
)
# What can happen in a partition, in the order in which it happens within a cycle.
E_FILLED, E_READY, E_LEAVES, E_SERVE, E_ARRIVES = range(5)

# Events of `--follow`.
FOLLOW_EVENTS = (
    "fetched",
    "fetch miss",
    "issued",
    "control",
    "counter up",
    "counter down",
    "allocated",
    "registers read",
    "executes",
    "result written",
    "left the memory unit",
    "L1D hit",
    "L1D miss",
    "data ready",
    "register written",
    "barrier arrived",
    "barrier released",
    "finished",
    "clock read",
    "held in allocate",
    "constant miss",
    "state",
)
(
    EV_FETCH,
    EV_FETCH_MISS,
    EV_ISSUE,
    EV_CONTROL,
    EV_UP,
    EV_DOWN,
    EV_ALLOCATE,
    EV_READ,
    EV_EXECUTE,
    EV_RESULT,
    EV_LEAVE,
    EV_HIT,
    EV_MISS,
    EV_DATA,
    EV_REGISTER,
    EV_ARRIVE,
    EV_RELEASE,
    EV_FINISH,
    EV_CLOCK,
    EV_HELD,
    EV_CONSTANT_MISS,
    EV_STATE,
) = range(len(FOLLOW_EVENTS))
LOG = np.dtype(
    [("cycle", np.int64), ("warp", np.int32), ("row", np.int32), ("event", np.int8), ("value", np.int64)], align=True
)
