"""The lists of a channel's queues and the offers of its banks, looked at in the middle of random runs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import from_dtype, int64

from sim.jit import njit
from sim.memory import dram_state as state
from sim.memory.dram import dram_push, dram_room, dram_step
from tests.memory.dram_driver import ARRIVAL, KINDS, mixed, record
from tests.memory.engines import table_of
from tests.memory.test_dram import POLICIES, STREAMS

ALWAYS_THE_SAME = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@njit(
    int64(
        from_dtype(state.DRAM),
        from_dtype(state.CHANNEL),
        table_of(state.BANK),
        table_of(state.DRAM_REQUEST),
        table_of(ARRIVAL),
        int64,
        int64,
        int64[::1],
    )
)
def carry_on(dram, channel, banks, queue, arrivals, pushed, steps, events):  # type: ignore[no-untyped-def]
    """A few steps more; those of `arrivals` behind the first `pushed` are queued in time. Returns the new `pushed`."""
    for _ in range(steps):
        at = int(channel["next"])
        if pushed < arrivals.shape[0] and dram_room(dram, channel, int(arrivals[pushed]["write"])) > 0:
            at = min(at, max(int(channel["last_clock"]) + 1, int(arrivals[pushed]["clock"])))
        if at == state.NEVER:
            break
        while pushed < arrivals.shape[0] and int(arrivals[pushed]["clock"]) <= at:
            write = int(arrivals[pushed]["write"])
            if dram_room(dram, channel, write) <= 0:
                break
            dram_push(dram, channel, queue, 0, int(arrivals[pushed]["address"]), write, pushed, at)
            pushed += 1
        dram_step(dram, channel, banks, 0, queue, 0, at, events)
    return pushed


class Machine:
    """One channel and the requests that are still to come."""

    def __init__(self, dram: Any, arrivals: npt.NDArray[np.void]) -> None:
        self.dram, self.arrivals, self.pushed = dram, arrivals, 0
        channels, self.banks, self.queue = state.dram_state(dram, 1)
        self.channel = channels[0]
        self.events = np.zeros(state.DRAM_EVENT_COUNT, np.int64)

    def go(self, steps: int) -> bool:
        """Take some steps; whether anything is left to do."""
        self.pushed = carry_on(
            self.dram, self.channel, self.banks, self.queue, self.arrivals, self.pushed, steps, self.events
        )
        return self.pushed < len(self.arrivals) or bool(self.channel["queued"].any())

    def listed(self, first: int, link: str) -> list[int]:
        """The slots of a list from its first one on."""
        found: list[int] = []
        while first != state.NO_SLOT:
            assert first not in found
            found.append(first)
            first = int(self.queue[first][link])
        return found

    def slots(self, kind: int) -> range:
        reads = int(self.dram["read_queue"])
        return range(reads, int(self.dram["slots"])) if kind else range(reads)

    def known(self, kind: int, bank: int) -> list[int]:
        """The slots of a bank's requests, oldest first, found by looking at every slot."""
        live = [slot for slot in self.slots(kind) if self.queue[slot]["live"] and self.queue[slot]["bank"] == bank]
        return sorted(live, key=lambda slot: int(self.queue[slot]["order"]))


def machines(stream: dict[str, Any], policies: dict[str, Any], kind: str, refresh: str) -> Machine:
    dram = record(kind, refresh=refresh, **policies)
    if refresh != "none":
        dram["refi"] = 900 if refresh == "all_bank" else 90
    return Machine(dram, mixed(dram, 150, **stream))


MACHINES = st.builds(
    machines,
    STREAMS,
    POLICIES,
    st.sampled_from(["gddr6", "hbm2", "hbm3"]),
    st.sampled_from(["none", "all_bank", "per_bank"]),
)


def stops(machine: Machine, strides: list[int]) -> Iterator[int]:
    """Run a machine to its end and stop after every few steps."""
    for stop in range(10_000):
        if not machine.go(strides[stop % len(strides)]):
            yield stop
            return
        yield stop
    raise AssertionError("never done")


STRIDES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@ALWAYS_THE_SAME
@given(MACHINES, STRIDES)
def test_all_requests_of_a_kind_are_in_one_list_by_age_and_the_other_slots_are_free(
    machine: Machine, strides: list[int]
) -> None:
    for _ in stops(machine, strides):
        for kind in (state.READS, state.WRITES):
            queue, channel = machine.queue, machine.channel
            waiting = machine.listed(int(channel["oldest"][kind]), "younger")
            free = machine.listed(int(channel["free"][kind]), "younger")
            assert sorted(waiting + free) == list(machine.slots(kind))
            assert len(waiting) == int(channel["queued"][kind])
            assert all(queue[slot]["live"] == 1 and queue[slot]["write"] == kind for slot in waiting)
            assert not any(queue[slot]["live"] for slot in free)
            ages = [int(queue[slot]["order"]) for slot in waiting]
            assert ages == sorted(set(ages))
            assert machine.listed(int(channel["youngest"][kind]), "older") == waiting[::-1]
            assert int(channel["fresh"][kind]) == state.NO_SLOT


@ALWAYS_THE_SAME
@given(MACHINES, STRIDES)
def test_each_bank_has_its_own_requests_and_knows_the_first_hit_and_the_first_other(
    machine: Machine, strides: list[int]
) -> None:
    for _ in stops(machine, strides):
        for number, bank in enumerate(machine.banks):
            for kind in (state.READS, state.WRITES):
                waiting = machine.known(kind, number)
                assert machine.listed(int(bank["oldest"][kind]), "bank_younger") == waiting
                assert machine.listed(int(bank["youngest"][kind]), "bank_older") == waiting[::-1]
                hits = [slot for slot in waiting if machine.queue[slot]["row"] == bank["row"]]
                others = [slot for slot in waiting if slot not in hits]
                assert int(bank["first_hit"][kind]) == (hits or [state.NO_SLOT])[0]
                assert int(bank["first_other"][kind]) == (others or [state.NO_SLOT])[0]


@ALWAYS_THE_SAME
@given(MACHINES, STRIDES)
def test_every_bank_with_requests_offers_what_its_state_allows(machine: Machine, strides: list[int]) -> None:
    channel, inside = machine.channel, int(machine.dram["bank_bits"])
    for _ in stops(machine, strides):
        for kind in (state.READS, state.WRITES):
            seats = [int(number) for number in channel["offer_bank"][kind, : channel["busy"][kind]]]
            assert sorted(seats) == [n for n in range(len(machine.banks)) if machine.known(kind, n)]
            for seat, number in enumerate(seats):
                bank, group = machine.banks[number], number >> inside
                waiting = machine.known(kind, number)
                hits = [slot for slot in waiting if machine.queue[slot]["row"] == bank["row"]]
                if hits:
                    offer = (2 * int(bank["next_column"][kind]), group)
                elif bank["row"] < 0:
                    offer = (2 * int(bank["next_activate"]) + 1, state.MAX_GROUPS + group)
                else:
                    offer = (2 * int(bank["next_precharge"]) + 1, 2 * state.MAX_GROUPS)
                assert int(channel["seat"][kind, number]) == seat
                assert (int(channel["offer_key"][kind, seat]), int(channel["offer_limit"][kind, seat])) == offer
                assert int(channel["offer_age"][kind, seat]) == int(machine.queue[(hits or waiting)[0]]["order"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_without_requests_has_only_free_slots_and_idle_banks(kind: str) -> None:
    machine = machines({"seed": 1, "gap": 1, "rows": 3, "writes": 40}, {}, kind, "none")
    while machine.go(100):
        pass
    assert not machine.channel["busy"].any() and not machine.queue["live"].any()
    assert len(machine.listed(int(machine.channel["free"][0]), "younger")) == int(machine.dram["read_queue"])
    assert (machine.banks["oldest"] == state.NO_SLOT).all() and (machine.banks["youngest"] == state.NO_SLOT).all()
