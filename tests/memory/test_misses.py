"""Miss registers in front of a cache, against dicts and lists; and their books, which always add up."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.memory.cache import LRU, SRRIP
from sim.memory.misses import drop_miss, find_miss, free_waiter, new_tables, take_miss, wait_for
from tests.memory.engines import Array, interpreted
from tests.memory.front_driver import (
    ARRIVE,
    DROPPED,
    HIT,
    MISSED,
    NO_REGISTER,
    NO_WAITER,
    NO_WAY,
    NOTHING,
    REQUEST,
    WOKEN,
    Front,
    digest,
    front_run,
    front_stream,
)
from tests.memory.test_cache import Line, Model

ALWAYS_THE_SAME = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@dataclass
class Register:
    """A line on its way."""

    sectors: int = 0
    waiters: list[list[int]] = field(default_factory=list)  # [owner, sectors], newest first


class FrontModel:
    """One cache with its registers."""

    def __init__(self, registers: int, waiters: int, sets: int, ways: int, policy: int) -> None:
        self.cache = Model(sets, ways, policy)
        self.room = registers
        self.waiters = waiters
        self.registers: dict[int, Register] = {}

    def line(self, number: int) -> Line | None:
        way = self.cache.way(number)
        return None if way < 0 else self.cache.sets[number % len(self.cache.sets)][way]

    def waiting(self) -> int:
        return sum(len(register.waiters) for register in self.registers.values())

    def request(self, number: int, sectors: int, owner: int) -> tuple[int, int, int]:
        line = self.line(number)
        if line is not None:
            self.cache.access(number)
            sectors &= ~sum(1 << sector for sector in line.valid())
        if sectors == 0:
            return HIT, owner, 0
        register = self.registers.get(number)
        if register is None:
            if len(self.registers) == self.room:
                return NO_REGISTER, owner, 0
            if line is None and self.cache.victim(number) < 0:
                return NO_WAY, owner, 0
        if self.waiting() == self.waiters:
            return NO_WAITER, owner, 0
        if register is None:
            if line is None:
                self.cache.access(number)
            register = self.registers[number] = Register()
        line = self.line(number)
        assert line is not None
        new = sectors & ~register.sectors
        register.sectors |= new
        register.waiters.insert(0, [owner, sectors])
        line.waiting |= {sector for sector in range(4) if new >> sector & 1}
        return MISSED, owner, new

    def arrive(self, number: int, sectors: int, owner: int) -> list[tuple[int, int, int]]:
        register = self.registers.get(number)
        if register is None or sectors & register.sectors == 0:
            return [(NOTHING, owner, 0)]
        came = sectors & register.sectors
        register.sectors &= ~came
        line = self.line(number)
        assert line is not None
        for sector in range(4):
            if came >> sector & 1:
                line.waiting.remove(sector)
                line.bytes[sector] = set(range(32))
        log = []
        for waiter in list(register.waiters):
            waiter[1] &= ~came
            if waiter[1] == 0:
                register.waiters.remove(waiter)
                log.append((WOKEN, waiter[0], 0))
        if register.sectors == 0:
            log.append((DROPPED, number, len(register.waiters)))
            del self.registers[number]
        return log


def chain(records: Array, start: int) -> list[int]:
    """The indices of a list of records."""
    found = []
    while start >= 0:
        assert start not in found, "a list bites its tail"
        found.append(start)
        start = int(records[start]["next"])
    return found


def check_books(front: Front, registers: int, waiters: int, models: list[FrontModel]) -> None:
    """Every register and every waiter is in exactly one list, and the lists say what the models say."""
    _, _, tables, misses, pool, buckets = front
    for c, (table, model) in enumerate(zip(tables, models, strict=True)):
        free = chain(misses, int(table["free"]))
        first = int(table["first_bucket"])
        taken = [i for b in range(first, first + int(table["buckets"])) for i in chain(misses, int(buckets[b]))]
        assert sorted(free + taken) == list(range(c * registers, (c + 1) * registers))
        assert len(taken) == int(table["taken"])
        assert {int(misses[i]["line"]) for i in taken} == set(model.registers)
        waiting: list[int] = []
        for i in taken:
            register = model.registers[int(misses[i]["line"])]
            each = chain(pool, int(misses[i]["waiters"]))
            waiting += each
            assert [[int(pool[k]["owner"]), int(pool[k]["sectors"])] for k in each] == register.waiters
            assert int(misses[i]["merged"]) == len(each)
            assert int(misses[i]["sectors"]) == register.sectors
        assert int(table["sectors"]) == sum(int(misses[i]["sectors"]).bit_count() for i in taken)
        free_waiters = chain(pool, int(table["free_waiter"]))
        assert sorted(free_waiters + waiting) == list(range(c * waiters, (c + 1) * waiters))


@ALWAYS_THE_SAME
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 500),
    caches=st.integers(1, 3),
    registers=st.sampled_from([1, 3, 8, 20]),
    waiters=st.sampled_from([1, 4, 30]),
    sets=st.sampled_from([1, 4]),
    ways=st.sampled_from([1, 2, 8]),
    lines=st.sampled_from([3, 20]),
    policy=st.sampled_from([LRU, SRRIP]),
)
def test_requests_and_answers_go_as_in_a_model_and_nothing_is_lost(
    seed: int, size: int, caches: int, registers: int, waiters: int, sets: int, ways: int, lines: int, policy: int
) -> None:
    operations = front_stream(seed, size, caches, lines)
    front = front_run(operations, caches, registers, waiters, sets, ways, policy)
    models = [FrontModel(registers, waiters, sets, ways, policy) for _ in range(caches)]
    expected: list[tuple[int, int, int]] = []
    for n, (operation, cache, line, sectors, owner) in enumerate(operations.tolist()):
        model = models[cache]
        model.cache.clock = n + 1
        if operation == REQUEST:
            expected.append(model.request(line, sectors, owner))
        else:
            expected += model.arrive(line, sectors, owner)
    assert [tuple(row) for row in front[0].tolist()] == expected
    check_books(front, registers, waiters, models)


def test_the_streams_reach_every_event() -> None:
    seen: set[int] = set()
    for registers, waiters, ways in ((1, 30, 2), (20, 2, 2), (20, 30, 1)):
        seen |= set(front_run(front_stream(1, 500, 2, 20), 2, registers, waiters, 1, ways, LRU)[0][:, 0].tolist())
    assert seen == {HIT, MISSED, NO_REGISTER, NO_WAITER, NO_WAY, WOKEN, DROPPED, NOTHING}


def test_when_everything_has_arrived_all_is_free_again_and_everybody_was_woken_once() -> None:
    asked = front_stream(9, 300, 2, 20)
    asked[:, 0] = REQUEST
    answers = [(ARRIVE, cache, line, 15, -1) for cache in range(2) for line in np.unique(asked[:, 2]).tolist()]
    front = front_run(np.concatenate([asked, np.array(answers, np.int64)]), 2, 8, 40, 4, 4, LRU)
    log = front[0].tolist()
    assert sorted(o for e, o, _ in log if e == WOKEN) == sorted(o for e, o, _ in log if e == MISSED)
    assert all(left == 0 for event, _, left in log if event == DROPPED)
    assert not front[2]["taken"].any() and not front[2]["sectors"].any() and not front[1]["waiting"].any()
    check_books(front, 8, 40, [FrontModel(8, 40, 4, 4, LRU) for _ in range(2)])


def test_lines_of_one_bucket_are_told_apart_and_dropped_from_any_place_of_the_chain() -> None:
    tables, misses, pool, buckets = new_tables(1, 4, 4)
    table = tables[0]
    same = [line for line in range(200_000) if (line ^ line >> 9) & (int(table["buckets"]) - 1) == 0][5:9]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        taken = [take_miss(table, misses, buckets, line, -1) for line in same]
        assert sorted(taken) == [0, 1, 2, 3] and take_miss(table, misses, buckets, 1, -1) == -1
        left = dict(zip(same, taken, strict=True))
        for k in order:
            drop_miss(table, misses, buckets, left.pop(same[k]))
            assert [find_miss(table, misses, buckets, line) for line in same] == [left.get(line, -1) for line in same]
    assert wait_for(table, misses, pool, take_miss(table, misses, buckets, 3, -1), 77, 1)
    assert free_waiter(table, misses, pool, find_miss(table, misses, buckets, 3), -1, 0) == -1


def test_compiled_and_interpreted_code_agree() -> None:
    assert digest() == interpreted("tests.memory.front_driver")
