"""The same controller, clock by clock and by brute force: at every clock the first command that the rules allow.

Plain Python over the rules of `dram_protocol`. It shares no code with the model: no "first clock" fields, no plan, no
lazy refreshes, and it looks at every request in every clock.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.memory import dram_state as state
from sim.memory.mapping import decode
from tests.memory.dram_driver import Command
from tests.memory.dram_protocol import ACT, PRE, RD, REF, REFPB, WR, Checker, numbers


@dataclass
class Waiting:
    """A queued request."""

    tag: int
    arrived: int
    bank: int
    row: int
    write: int


class Reference:
    """One channel."""

    def __init__(self, dram: Any) -> None:
        self.n = numbers(dram)
        self.dram = dram
        self.rules = Checker(dram)
        self.queue: list[Waiting] = []  # oldest first
        self.writing = False
        self.refreshes = 0
        self.log: list[Command] = []
        self.done: dict[int, int] = {}

    def run(self, arrivals: npt.NDArray[np.void]) -> None:
        """Serve all arrivals, which are in order of their clocks."""
        pushed, clock = 0, 0
        while len(self.done) < len(arrivals):
            pushed = self._push(arrivals, pushed, clock)
            self._choose_kind()
            self._clock(clock)
            self._choose_kind()
            clock += 1
            pushed = self._push(arrivals, pushed, clock - 1)
            self._choose_kind()

    def _push(self, arrivals: npt.NDArray[np.void], pushed: int, clock: int) -> int:
        while pushed < len(arrivals) and int(arrivals[pushed]["clock"]) <= clock:
            write = int(arrivals[pushed]["write"])
            room = self.n["write_queue" if write else "read_queue"]
            if sum(request.write == write for request in self.queue) >= room:
                break
            _, bank, row, _ = (int(value) for value in decode(self.dram, int(arrivals[pushed]["address"])))
            self.queue.append(Waiting(pushed, clock, bank, row, write))
            pushed += 1
        return pushed

    def _choose_kind(self) -> None:
        writes = sum(request.write for request in self.queue)
        reads = len(self.queue) - writes
        if self.writing:
            self.writing = not (reads and writes <= self.n["write_low"])
        elif writes:
            self.writing = not reads or writes >= self.n["write_high"]

    def _clock(self, clock: int) -> None:
        held = -1
        if self.n["refresh"] != state.NO_REFRESH and clock >= self.n["refi"] * (self.refreshes + 1):
            if self.n["refresh"] == state.ALL_BANK:
                self._refresh_all(clock)
                return
            held = self.refreshes % self.n["banks"]
            if self._refresh_bank(held, clock):
                return
        kind = [request for request in self.queue if request.write == self.writing and request.bank != held]
        oldest = next((request for request in self.queue if request.write == self.writing), None)
        if oldest is None:
            return
        starving = self.n["scheduler"] == state.FCFS or clock >= oldest.arrived + self.n["starvation"]
        if starving and oldest.bank != held and self._serve(oldest, clock, True):
            return
        if self.n["scheduler"] == state.FCFS:
            return
        if starving:
            kind = [request for request in kind if request.bank != oldest.bank or request.row == oldest.row]
        hits = [request for request in kind if self.rules.rows[request.bank] == request.row]
        if not any(self._serve(request, clock, False) for request in hits):
            any(self._serve(request, clock, False) for request in kind if request not in hits)

    def _allowed(self, name: str, bank: int, clock: int) -> bool:
        return self.rules.earliest(name, bank)[0] <= clock

    def _issue(self, clock: int, command: int, bank: int, row: int, tag: int = -1) -> bool:
        entry = Command(clock, command, bank, row, tag)
        self.rules.check([entry])
        self.log.append(entry)
        return True

    def _refresh_all(self, clock: int) -> None:
        banks = [bank for bank, row in self.rules.rows.items() if row is not None]
        if banks:
            if all(self._allowed(PRE, bank, clock) for bank in banks):
                self._issue(clock, state.PRECHARGE_ALL, -1, -1)
        elif self._allowed(REF, -1, clock):
            self.refreshes += 1
            self._issue(clock, state.REFRESH, -1, -1)

    def _refresh_bank(self, bank: int, clock: int) -> bool:
        row = self.rules.rows[bank]
        if row is not None:
            return self._allowed(PRE, bank, clock) and self._issue(clock, state.PRECHARGE, bank, row)
        # A refresh takes a place in the four-activate window's shadow like an ACT, but none in the window.
        if not self._allowed(REFPB, bank, clock) or not self._window_open(clock):
            return False
        self.refreshes += 1
        return self._issue(clock, state.REFRESH_BANK, bank, -1)

    def _window_open(self, clock: int) -> bool:
        window = self.rules.activates
        return len(window) < 4 or clock >= window[0] + self.n["faw"]

    def _serve(self, request: Waiting, clock: int, starving: bool) -> bool:
        """Issue what the request needs next, if it may issue in this clock."""
        bank, row = request.bank, self.rules.rows[request.bank]
        if row is None:
            return self._allowed(ACT, bank, clock) and self._issue(clock, state.ACTIVATE, bank, request.row)
        same = [other for other in self.queue if other.bank == bank and other.row == row and other is not request]
        if row != request.row:
            if not starving and any(other.write == request.write for other in same):
                return False
            return self._allowed(PRE, bank, clock) and self._issue(clock, state.PRECHARGE, bank, row)
        if not self._allowed(WR if request.write else RD, bank, clock):
            return False
        close = self.n["page"] == state.CLOSED_PAGE and not same
        if request.write:
            command = state.WRITE_CLOSE if close else state.WRITE
        else:
            command = state.READ_CLOSE if close else state.READ
        self.queue.remove(request)
        self.done[request.tag] = clock + self.n["cwl" if request.write else "cl"] + self.n["burst"]
        return self._issue(clock, command, bank, row, request.tag)
