"""A checker of DRAM command logs in plain Python: every constraint as a rule over pairs of commands.

Written from the standards' wording and not from the model: it looks back in the log where the model looks ahead.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from sim.memory import dram_state as state
from tests.memory.dram_driver import IDLE_REFRESH, Command

ACT, RD, WR, PRE, REF, REFPB = "ACT", "RD", "WR", "PRE", "REF", "REFpb"
_NAMES = {
    state.ACTIVATE: ACT,
    state.READ: RD,
    state.READ_CLOSE: RD,
    state.WRITE: WR,
    state.WRITE_CLOSE: WR,
    state.PRECHARGE: PRE,
    state.REFRESH: REF,
    state.REFRESH_BANK: REFPB,
}
#: A row that the log does not tell.
UNKNOWN = -2


class Violation(AssertionError):
    """A command that came too early, or to a bank in the wrong state."""


def numbers(dram: Any) -> dict[str, int]:
    """The single numbers of a configuration record."""
    return {name: int(dram[name]) for name in state.DRAM.names or () if state.DRAM[name].shape == ()}


def rules(n: dict[str, int]) -> list[tuple[str, str, str, int, str]]:
    """(earlier command, later command, scope, least distance, name) of a configuration record."""
    written = n["cwl"] + n["burst"]
    column = max(n["ccd_s"], n["burst"])
    return [
        (ACT, RD, "bank", n["rcd_read"], "tRCDRD"),
        (ACT, WR, "bank", n["rcd_write"], "tRCDWR"),
        (ACT, PRE, "bank", n["ras"], "tRAS"),
        (ACT, ACT, "bank", n["rc"], "tRC"),
        (PRE, ACT, "bank", n["rp"], "tRP"),
        (RD, PRE, "bank", n["rtp"], "tRTP"),
        (WR, PRE, "bank", written + n["wr"], "tWR"),
        (ACT, ACT, "group", n["rrd_l"], "tRRD_L"),
        (ACT, ACT, "channel", n["rrd_s"], "tRRD_S"),
        (RD, RD, "group", n["ccd_l"], "tCCD_L"),
        (WR, WR, "group", n["ccd_l_write"], "tCCD_L_WR"),
        (RD, RD, "channel", column, "tCCD_S"),
        (WR, WR, "channel", column, "tCCD_S"),
        (WR, RD, "group", written + n["wtr_l"], "tWTR_L"),
        (WR, RD, "channel", written + n["wtr_s"], "tWTR_S"),
        (RD, WR, "channel", n["read_to_write"], "tRTW"),
        (PRE, REF, "channel", n["rp"], "tRP"),
        (ACT, REF, "channel", n["rc"], "tRC"),
        (REF, ACT, "channel", n["rfc"], "tRFC"),
        (REF, REF, "channel", n["rfc"], "tRFC"),
        (PRE, REFPB, "bank", n["rp"], "tRP"),
        (ACT, REFPB, "bank", n["rc"], "tRC"),
        (ACT, REFPB, "channel", n["rrd_s"], "tRRD_S"),
        (REFPB, ACT, "bank", n["rfc"], "tRFCpb"),
        (REFPB, ACT, "channel", n["rrefd"], "tRREFD"),
        (REFPB, REFPB, "channel", n["rrefd"], "tRREFD"),
    ]


class Checker:
    """State of one channel as the log tells it."""

    def __init__(self, dram: Any) -> None:
        self.n = numbers(dram)
        self.rows: dict[int, int | None] = dict.fromkeys(range(self.n["banks"]))  # open row, None = closed
        self.last: dict[tuple[str, str, int], int] = {}
        self.rules: dict[str, list[tuple[str, str, int, str]]] = {}
        for earlier, later, scope, distance, name in rules(self.n):
            self.rules.setdefault(later, []).append((earlier, scope, distance, name))
        self.activates: deque[int] = deque(maxlen=4)
        self.clock = -1
        self.bus_free = -(10**9)

    def check(self, commands: list[Command]) -> int:
        """Raise Violation at the first command of a log that breaks a rule; returns how many moved data."""
        moved = 0
        for command in commands:
            moved += command.command in (state.READ, state.WRITE, state.READ_CLOSE, state.WRITE_CLOSE)
            if command.tag == IDLE_REFRESH:
                self._idle(command)
            elif command.command == state.PRECHARGE_ALL:
                self.precharge_all(command.clock)
            else:
                self._one(_NAMES[command.command], command.bank, command.row, command.clock)
                if command.command in (state.READ_CLOSE, state.WRITE_CLOSE):
                    self._auto_precharge(command.bank)
        return moved

    def precharge_all(self, clock: int) -> None:
        """PRE of every open bank in one command."""
        banks = [bank for bank, row in self.rows.items() if row is not None]
        for bank in banks:
            first, why = self.earliest(PRE, bank)
            if clock < first:
                raise Violation(f"PREA at {clock}: bank {bank} not before {first} ({why})")
        for bank in banks:
            self._one(PRE, bank, self.rows[bank] or 0, clock, together=True)

    def _idle(self, entry: Command) -> None:
        """Refreshes of an idle time: all rows are closed, or, bank by bank, in a state that the log does not tell."""
        if self.n["refresh"] == state.PER_BANK:
            self.rows = dict.fromkeys(self.rows, UNKNOWN)
        else:
            self.rows = dict.fromkeys(self.rows)
            if entry.row >= 0:
                self.last[REF, "channel", 0] = entry.row

    def _scopes(self, bank: int) -> Iterator[tuple[str, int]]:
        yield "channel", 0
        if bank >= 0:
            yield "group", bank >> self.n["bank_bits"]
            yield "bank", bank

    def earliest(self, name: str, bank: int) -> tuple[int, str]:
        """First clock at which the rules allow a command, and the rule that forbids it one clock before."""
        scopes = dict(self._scopes(bank))
        first, why = self.clock + 1, "one command a clock"
        for earlier, scope, distance, rule in self.rules.get(name, ()):
            before = self.last.get((earlier, scope, scopes[scope])) if scope in scopes else None
            if before is not None and before + distance > first:
                first, why = before + distance, f"{earlier} at {before}, {rule} is {distance}"
        if name == ACT and len(self.activates) == 4 and self.activates[0] + self.n["faw"] > first:
            first, why = self.activates[0] + self.n["faw"], f"fifth ACT from {self.activates[0]} on"
        return first, why

    def _one(self, name: str, bank: int, row: int, clock: int, together: bool = False) -> None:
        self._state(name, bank, row)
        first, why = self.earliest(name, bank)
        if clock < first and not together:
            raise Violation(f"{name} to bank {bank} at {clock}: not before {first} ({why})")
        self.clock = clock
        if name == ACT:
            self.activates.append(clock)
        if name in (RD, WR):
            start = clock + self.n["cl" if name == RD else "cwl"]
            if start < self.bus_free:
                raise Violation(f"{name} at {clock}: the data bus is taken until {self.bus_free}")
            self.bus_free = start + self.n["burst"]
        for scope in self._scopes(bank):  # an auto-precharge may lie later
            self.last[(name, *scope)] = max(clock, self.last.get((name, *scope), 0))

    def _state(self, name: str, bank: int, row: int) -> None:
        if name == REF:
            open_rows = {b: r for b, r in self.rows.items() if r is not None}
            if open_rows:
                raise Violation(f"REF with open rows {open_rows}")
            return
        now = self.rows[bank]
        known = now != UNKNOWN
        if name in (ACT, REFPB) and known and now is not None:
            raise Violation(f"{name} to bank {bank}, whose row {now} is open")
        if name in (RD, WR, PRE) and known and now != row:
            raise Violation(f"{name} of row {row} in bank {bank}, whose open row is {now}")
        self.rows[bank] = None if name in (PRE, REFPB) else row

    def _auto_precharge(self, bank: int) -> None:
        """The bank closes itself as soon as a PRE would be allowed."""
        at = 0
        for earlier, scope, distance, _ in self.rules[PRE]:
            before = self.last.get((earlier, scope, bank))
            at = max(at, before + distance if before is not None else 0)
        self.rows[bank] = None
        self.last[PRE, "bank", bank] = max(at, self.last.get((PRE, "bank", bank), 0))
        self.last[PRE, "channel", 0] = max(at, self.last.get((PRE, "channel", 0), 0))
