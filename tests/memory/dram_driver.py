"""Drives one DRAM channel as a chip does: a compiled loop over arrivals and steps that keeps a log of commands.

Run as a script it prints the digest of a fixed mixed run, so that the interpreter can be compared with the compiler.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import from_dtype, int64

from sim.arch.dram import DramPreset, load_dram
from sim.arch.schema_dram import Dram
from sim.arch.units import DATA_RATE
from sim.jit import njit
from sim.memory import dram_state as state
from sim.memory.dram import dram_push, dram_room, dram_step
from sim.memory.dram_lower import lower_dram
from sim.memory.mapping import encode
from tests.memory.engines import table_of

KINDS = ("ddr4", "ddr5", "gddr5", "gddr6", "gddr6x", "gddr7", "hbm2", "hbm2e", "hbm3", "lpddr5")

ARRIVAL = np.dtype([("clock", np.int64), ("address", np.int64), ("write", np.int64)], align=True)
LOGGED = np.dtype(
    [("clock", np.int64), ("command", np.int64), ("bank", np.int64), ("row", np.int64), ("tag", np.int64)], align=True
)
#: Tag of a log entry for commands that an idle time has caught up with; row = clock of the last refresh, -1 = unknown.
IDLE_REFRESH = -2


@njit(
    int64(
        from_dtype(state.DRAM),
        from_dtype(state.CHANNEL),
        table_of(state.BANK),
        table_of(state.DRAM_REQUEST),
        table_of(ARRIVAL),
        int64[::1],
        table_of(LOGGED),
        int64[::1],
        int64,
        int64,
        int64,
    )
)
def drive(dram, channel, banks, queue, arrivals, done, log, events, every, first_bank, first):  # type: ignore[no-untyped-def]
    """Push every arrival as soon as there is room and step until all are served; returns the length of the log.

    `every` > 0: step also at every clock that is a multiple of it, whether there is something to do or not. Behind the
    model's events `events` counts the steps.
    """
    count = arrivals.shape[0]
    logged = 0
    pushed = 0
    served = 0
    now = 0
    while served < count:
        at = int(channel["next"])
        if pushed < count and dram_room(dram, channel, int(arrivals[pushed]["write"])) > 0:
            at = min(at, max(now, int(arrivals[pushed]["clock"])))
        extra = every > 0 and at > (now // every + 1) * every
        if extra:
            at = (now // every + 1) * every
        now = at
        while pushed < count and int(arrivals[pushed]["clock"]) <= now:
            write = int(arrivals[pushed]["write"])
            if dram_room(dram, channel, write) <= 0:
                break
            dram_push(dram, channel, queue, first, int(arrivals[pushed]["address"]), write, pushed, now)
            pushed += 1
        if int(channel["next"]) > now and not extra:
            continue
        refreshes = int(events[state.EV_REFRESHES])
        closed = int(events[state.EV_PRECHARGES])
        events[state.DRAM_EVENT_COUNT] += 1
        tag = dram_step(dram, channel, banks, first_bank, queue, first, now, events)
        command = int(channel["last_command"])
        own = 1 if command == state.REFRESH or command == state.REFRESH_BANK else 0
        closes = command >= state.READ_CLOSE and command <= state.PRECHARGE_ALL
        idle = int(events[state.EV_REFRESHES]) - refreshes > own
        if not closes and int(events[state.EV_PRECHARGES]) > closed:
            idle = True
        if idle and logged < log.shape[0]:
            log[logged]["clock"] = now
            log[logged]["command"] = state.NO_COMMAND
            log[logged]["tag"] = IDLE_REFRESH
            log[logged]["row"] = int(channel["last_refresh"]) if own == 0 else -1
            logged += 1
        if command != state.NO_COMMAND and logged < log.shape[0]:
            log[logged]["clock"] = now
            log[logged]["command"] = command
            log[logged]["bank"] = int(channel["last_bank"])
            log[logged]["row"] = int(channel["last_row"])
            log[logged]["tag"] = tag
            logged += 1
        if tag >= 0:
            done[tag] = int(channel["done"])
            served += 1
    return logged


class Command(NamedTuple):
    """One entry of the log."""

    clock: int
    command: int
    bank: int
    row: int
    tag: int


@dataclass
class Run:
    """What came out of a run."""

    commands: list[Command]
    done: list[int]
    events: dict[str, int]
    steps: int

    def clocks(self, *kinds: int) -> list[int]:
        """When commands of these kinds issued."""
        return [c.clock for c in self.commands if c.command in kinds]


@cache
def device(kind: str) -> DramPreset:
    """The device of that name."""
    return load_dram(kind)


def chip(kind: str, **keys: Any) -> Dram:
    """The memory of a chip with one channel, without refresh; `keys` replace keys of the schema."""
    plain: dict[str, Any] = {
        "kind": kind,
        "channels": 1,
        "data_rate": DATA_RATE.format(device(kind).device.data_rate),
        "controller_latency": "0 cycles",
        "refresh": "none",
        "scheduler": "fr_fcfs",
        "page_policy": "open",
        "read_queue": 64,
        "write_queue": 64,
        "write_high": 48,
        "write_low": 16,
        "starvation": "4000 clocks",
        "mapping": {"order": ["group", "column", "bank"], "hash": "plain"},
    }
    return Dram.model_validate(plain | keys)


def record(kind: str, **keys: Any) -> Any:
    """The configuration record of such a chip; keys of the record itself, such as `faw`, are replaced afterwards."""
    own = {key: keys.pop(key) for key in list(keys) if key in (state.DRAM.names or ()) and key not in Dram.model_fields}
    made = lower_dram(device(kind), chip(kind, **keys))[0]
    for key, value in own.items():
        made[key] = value
    return made


#: A request: arrival, bank of the channel, row, column, and 1 for a write.
Request = tuple[int, int, int, int, int]


def at(dram: Any, requests: Iterable[Request]) -> npt.NDArray[np.void]:
    """Requests by their place as arrivals by their address."""
    listed = list(requests)
    arrivals = np.zeros(len(listed), ARRIVAL)
    for i, (clock, bank, row, column, write) in enumerate(listed):
        arrivals[i] = (clock, encode(dram, bank, row, column), write)
    return arrivals


def simulate(dram: Any, arrivals: npt.NDArray[np.void], every: int = 0, log: int = 20_000, channel: int = 0) -> Run:
    """Run the arrivals, which are in order of their clocks, through one channel, the last one of its chip."""
    channels, banks, queue = state.dram_state(dram, channel + 1)
    done = np.full(len(arrivals), -1, np.int64)
    events = np.zeros(state.DRAM_EVENT_COUNT + 1, np.int64)
    entries = np.zeros(log, LOGGED)
    untouched = channels[:channel].copy()
    first_bank, first = channel * int(dram["banks"]), channel * int(dram["slots"])
    count = drive(dram, channels[channel], banks, queue, arrivals, done, entries, events, every, first_bank, first)
    assert (channels[:channel] == untouched).all()
    assert (banks[:first_bank]["row"] == -1).all() and not queue[:first]["arrived"].any()
    commands = [Command(*entry) for entry in entries[:count].tolist()]
    counted = {e.name: int(n) for e, n in zip(state.DRAM_EVENTS, events[:-1], strict=True)}
    return Run(commands, done.tolist(), counted, int(events[-1]))


def mixed(dram: Any, count: int, seed: int, *, gap: int, rows: int, writes: int) -> npt.NDArray[np.void]:
    """Random reads and writes: mean `gap` clocks apart, of `rows` rows a bank, `writes` percent writes."""
    random = np.random.default_rng(seed)
    arrivals = np.zeros(count, ARRIVAL)
    arrivals["clock"] = np.cumsum(random.integers(0, 2 * gap + 1, count))
    arrivals["write"] = random.integers(0, 100, count) < writes
    for arrival in arrivals:
        place = (random.integers(0, int(dram[key])) for key in ("banks", "columns"))
        bank, column = (int(value) for value in place)
        arrival["address"] = encode(dram, bank, int(random.integers(0, rows)), column)
    return arrivals


def digest() -> str:
    """Commands and events of a few mixed runs, as one line."""
    import hashlib

    text = ""
    for kind, keys in (
        ("hbm2", {"refresh": "all_bank"}),
        ("gddr6", {"refresh": "per_bank", "page_policy": "closed", "starvation": "150 clocks"}),
        ("ddr4", {"scheduler": "fcfs", "mapping": {"order": ["column", "bank", "group"], "hash": "xor"}}),
    ):
        dram = record(kind, read_queue=8, write_queue=8, write_high=6, write_low=2, **keys)
        run = simulate(dram, mixed(dram, 150, 3, gap=12, rows=3, writes=40))
        text += repr((run.commands, run.done, sorted(run.events.items())))
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest() + "\n")
