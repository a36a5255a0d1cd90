"""A memory partition from event to event, and the compiled entry point of the memory side.

Within a partition events happen in order of time; partitions do not touch each other, so each runs alone through a
quantum. Its DRAM channel counts in its own clock and is stepped when the core's clock has reached it.
"""

from numba import int32, int64, types

from sim.gpu.counters import (
    NOC_REPLIES,
    NOC_REPLY_BYTES,
    STAGE_HIT,
    STAGE_INJECT,
    STAGE_MISS,
    STAGE_PORT,
    STAGE_REQUEST,
    STAGE_SLICE,
    STAGE_TRANSLATION,
)
from sim.gpu.l2 import WRITE_TAG, filled, from_dram, from_l2, queue_request, schedule, schedule_lookup, serve, to_l2
from sim.gpu.lower import CONFIG
from sim.gpu.noc import collect, release
from sim.gpu.state import (
    E_FILLED,
    E_LEAVES,
    E_READY,
    E_SERVE,
    K_FETCH,
    K_STORE,
    MESSAGE,
    NEVER,
    PARTITION,
    REPLY,
    SLICE,
    SM,
)
from sim.gpu.translate_state import TRANSLATE_SIGNATURE, TRANSLATION_ARGUMENTS
from sim.jit import njit, stage, table
from sim.memory.cache import CACHE_LINE, DATA, find, install, popcount, touch, victim
from sim.memory.dram import dram_step
from sim.memory.dram_state import BANK, CHANNEL, DRAM, DRAM_REQUEST
from sim.memory.heap import EVENT, pop
from sim.memory.mapping import place_of
from sim.memory.misses import MISS, MISSES, WAITER

#: What the memory side is made of, in the order of `run_memory`'s arguments between inbox and stop.
MEMORY_ARGUMENTS = (
    table(DRAM), table(PARTITION), table(SLICE), table(MESSAGE), int64[::1], table(EVENT), table(REPLY),
    table(CACHE_LINE), int32[:, ::1], table(MISSES), table(MISS), table(WAITER), int32[::1], table(CHANNEL),
    table(BANK), table(DRAM_REQUEST), int32[:, ::1], int64[::1], int64[::1], types.FunctionType(TRANSLATE_SIGNATURE),
    *TRANSLATION_ARGUMENTS,
)  # fmt: skip
MEMORY_SIGNATURE = int64(table(CONFIG), table(SM), table(MESSAGE), table(REPLY), *MEMORY_ARGUMENTS, int64, int64)


@stage
def ready(cfg, part, p, slice, pool, heap, m, sectors, time, emitted, free, missed, events):  # type: ignore[no-untyped-def]
    """An answer is at its slice's port to the crossbar, which sends it as soon as it is free."""
    message = pool[m]
    size = int(cfg["header_bytes"]) + popcount(sectors) * int(cfg["sector_bytes"])
    width = int(cfg["port_bytes"])
    start = max(to_l2(cfg, time), int(slice["out_free"]))
    end = start + (size + width - 1) // width
    slice["out_free"] = end
    events[NOC_REPLIES] += 1
    events[NOC_REPLY_BYTES] += size
    leaves = max(time, from_l2(cfg, end - 1))
    if int(message["kind"]) < K_FETCH:
        events[STAGE_INJECT] += int(message["time"]) - int(message["born"])
        translated = int(message["translated"])
        events[STAGE_TRANSLATION] += translated
        events[STAGE_REQUEST] += int(message["arrived"]) - int(message["time"]) - translated
        events[STAGE_SLICE] += int(message["served"]) - int(message["arrived"])
        events[STAGE_MISS if missed else STAGE_HIT] += time - int(message["served"])
        events[STAGE_PORT] += leaves - time
    if leaves == time:
        leave(cfg, part, p, pool, m, sectors, time, emitted, free)
    else:
        schedule(cfg, part, p, heap, leaves, E_LEAVES, m, sectors)


@njit
def leave(cfg, part, p, pool, m, sectors, time, emitted, free):  # type: ignore[no-untyped-def]
    """An answer has left its slice: the crossbar takes it at the end of the quantum."""
    message = pool[m]
    kind = int(message["kind"])
    reply = emitted[p * int(cfg["partition_replies"]) + int(part["emitted"])]
    part["emitted"] = int(part["emitted"]) + 1
    reply["time"] = time
    reply["owner"] = int(message["owner"])
    reply["born"] = int(message["born"])
    reply["sm"] = int(message["sm"])
    reply["kind"] = kind
    reply["sectors"] = sectors
    message["left"] = int(message["left"]) - popcount(sectors)
    if kind >= K_STORE or int(message["left"]) == 0:
        message["next"] = int(free[0])
        free[0] = m


@stage
def next_event(cfg, part, p, heap, channel):  # type: ignore[no-untyped-def]
    """Core cycle of the next event of a partition, NEVER if there is none."""
    soonest = NEVER
    if int(part["events"]) > 0:
        soonest = int(heap[p * int(cfg["partition_events"])]["time"])
    if int(channel["next"]) < NEVER:
        soonest = min(soonest, from_dram(cfg, int(channel["next"])))
    return soonest


@stage
def run_partition(  # type: ignore[no-untyped-def]
    cfg, dram, part, p, slices, pool, free, heap, emitted, lines, written, tables, misses, waiters, buckets, channel,
    banks, first_bank, queue, dram_events, events, stop,
):  # fmt: skip
    """All events of partition `p` before cycle `stop`."""
    base = p * int(cfg["partition_events"])
    clock = NEVER
    step = NEVER
    while True:
        time = int(heap[base]["time"]) if int(part["events"]) > 0 else NEVER
        if int(channel["next"]) != clock:  # most events leave it as it is, and a division takes as long as they do
            clock = int(channel["next"])
            step = from_dram(cfg, clock) if clock < NEVER else NEVER
        channel_first = step <= time and step < NEVER
        time = min(step, time)
        if time >= stop:
            break
        if channel_first:
            slot = p * int(cfg["dram_slots"])
            tag = dram_step(dram, channel, banks, first_bank, queue, slot, int(channel["next"]), dram_events)
            if 0 <= tag < WRITE_TAG:
                done = max(step, from_dram(cfg, int(channel["done"]))) + int(cfg["dram_latency"])
                schedule(cfg, part, p, heap, done, E_FILLED, tag, 0)
            freed = tag >= 0  # a place in one of its queues
        else:
            kind = int(heap[base]["kind"])
            item = int(heap[base]["item"])
            sectors = int(heap[base]["sectors"])
            pop(heap, base, int(part["events"]))
            part["events"] = int(part["events"]) - 1
            freed = kind == E_FILLED  # a miss register, or a line that may go
            if kind == E_FILLED:
                i = item >> 2
                s = int(misses[i]["cache"])
                filled(
                    cfg, part, p, slices, s, pool, heap, lines, tables[s], misses, waiters, buckets, i, item & 3, time,
                    events,
                )  # fmt: skip
            elif kind == E_READY:
                s = int(pool[item]["slice"])
                missed = sectors & int(pool[item]["missing"]) != 0
                ready(cfg, part, p, slices[s], pool, heap, item, sectors, time, emitted, free, missed, events)
            elif kind == E_LEAVES:
                leave(cfg, part, p, pool, item, sectors, time, emitted, free)
            elif kind == E_SERVE:
                serve(
                    cfg, dram, part, p, slices, item, pool, heap, lines, written, tables, misses, waiters, buckets,
                    channel, queue, time, events,
                )  # fmt: skip
            else:
                s = int(pool[item]["slice"])
                queue_request(pool, slices[s], item)
                schedule_lookup(cfg, part, p, slices[s], s, heap, time)
        if freed:
            wake_slices(
                cfg, dram, part, p, slices, pool, heap, lines, written, tables, misses, waiters, buckets, channel,
                queue, time, events,
            )  # fmt: skip


@njit
def wake_slices(  # type: ignore[no-untyped-def]
    cfg, dram, part, p, slices, pool, heap, lines, written, tables, misses, waiters, buckets, channel, queue, time,
    events,
):  # fmt: skip
    """Something became free: slices whose oldest request waits for it look again, in turns."""
    per_channel = int(cfg["slices"]) // int(cfg["channels"])
    first = int(part["turn"])
    part["turn"] = (first + 1) % per_channel
    for k in range(per_channel):
        s = p * per_channel + (first + k) % per_channel
        if int(slices[s]["blocked"]) != 0:
            slices[s]["blocked"] = 0
            serve(
                cfg, dram, part, p, slices, s, pool, heap, lines, written, tables, misses, waiters, buckets, channel,
                queue, time, events,
            )  # fmt: skip


@njit(MEMORY_SIGNATURE)
def run_memory(  # type: ignore[no-untyped-def]
    cfgs, sms, outbox, inbox, drams, parts, slices, pool, free, heap, emitted, lines, written, tables, misses, waiters,
    buckets, channels, banks, queue, hops, events, dram_events, translate, units, tlbs, tlb_lines, page_tables, walkers,
    walks, caches, cache_lines, walk_tables, walk_misses, walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters,
    l1_buckets, waiting, lookups, stop, deliver,
):  # fmt: skip
    """Run every partition to cycle `stop`, then exchange messages with the SMs (none are delivered without `deliver`).

    If the chip translates addresses (`units` has a record), requests go through `translate` on their way.

    Returns the cycle of the memory side's next event, NEVER if it is idle, or -1 if a table of messages overflows.
    """
    cfg = cfgs[0]
    dram = drams[0]
    bank_count = banks.shape[0] // parts.shape[0]
    for p in range(parts.shape[0]):
        part = parts[p]
        if int(part["next"]) < stop:
            run_partition(
                cfg, dram, part, p, slices, pool, free, heap, emitted, lines, written, tables, misses, waiters,
                buckets, channels[p], banks, p * bank_count, queue, dram_events, events, stop,
            )  # fmt: skip
            part["next"] = next_event(cfg, part, p, heap, channels[p])
    soonest = NEVER
    if units.shape[0] > 0:
        soonest = translate(
            cfgs, sms, outbox, parts, emitted, units, tlbs, tlb_lines, page_tables, walkers, walks, caches, cache_lines,
            walk_tables, walk_misses, walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting,
            lookups, events, stop,
        )  # fmt: skip
        if soonest < 0:
            return -1
    if deliver != 0:
        if not release(cfg, sms, parts, emitted, inbox, events):
            return -1
    else:
        for p in range(parts.shape[0]):
            parts[p]["emitted"] = 0
    if not collect(cfg, sms, outbox, pool, free, parts, heap, hops):
        return -1
    for p in range(parts.shape[0]):
        soonest = min(soonest, int(parts[p]["next"]))
    return soonest


@njit(int64(table(CONFIG), table(SLICE), table(CACHE_LINE), int64, int64))
def copy_in(cfgs, slices, lines, address, size):  # type: ignore[no-untyped-def]
    """A host-to-device copy of `size` bytes leaves its lines in L2, valid and dirty; returns how many there were."""
    cfg = cfgs[0]
    width = int(cfg["line_bytes"])
    ways = int(cfg["l2_ways"])
    policy = int(cfg["l2_replacement"])
    whole = (1 << int(cfg["sectors_per_line"])) - 1
    first_line = address // width
    last_line = (address + size - 1) // width
    for line in range(first_line, last_line + 1):
        place = place_of(line * width, int(cfg["interleave"]), int(cfg["slices"]), int(cfg["hashed"]))
        s = place[0]
        slices[s]["use"] = int(slices[s]["use"]) + 1
        first = (s * int(cfg["l2_sets"]) + place[1] // width % int(cfg["l2_sets"])) * ways
        index = find(lines, first, ways, line)
        if index < 0:
            index = victim(lines, first, ways, policy)
            install(lines, index, line, DATA, policy, int(slices[s]["use"]))
        else:
            touch(lines, index, policy, int(slices[s]["use"]))
        lines[index]["valid"] = whole
        lines[index]["dirty"] = whole
    return last_line - first_line + 1
