"""From a DRAM device and a chip's choices to the configuration record that the channels read.

Times in nanoseconds become command clocks of the chip's data rate, rounded up; policies become small integers. Values
that exceed the bounds of the register map are refused with the key's name.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arch.dram import DramPreset
from sim.arch.dram_address import pieces_of
from sim.arch.schema_dram import Dram
from sim.errors import ArchError
from sim.memory import dram_state as state

REFRESH_POLICIES = {"none": state.NO_REFRESH, "all_bank": state.ALL_BANK, "per_bank": state.PER_BANK}
PAGE_POLICIES = {"open": state.OPEN_PAGE, "closed": state.CLOSED_PAGE}
SCHEDULERS = {"fr_fcfs": state.FR_FCFS, "fcfs": state.FCFS}

#: Fields of the record that are one timing of the device each.
_TIMINGS = (
    "rcd_read", "rcd_write", "rp", "ras", "rc", "rrd_s", "rrd_l", "faw", "ccd_s", "ccd_l", "ccd_l_write", "cl", "cwl",
    "wr", "wtr_s", "wtr_l", "rtp",
)  # fmt: skip


def lower_dram(preset: DramPreset, dram: Dram) -> npt.NDArray[np.void]:
    """The one-element `DRAM` array of a chip's channels.

    Raises ArchError if a value exceeds the bounds of the register map, or if the chip asks for what the device lacks.
    """
    if dram.kind != preset.device.kind:
        raise ArchError(f"dram.kind: {dram.kind} was lowered with the device {preset.device.kind}")
    table = np.zeros(1, state.DRAM)
    record = table[0]
    _geometry(record, preset, dram)
    _address(record, preset, dram)
    _timings(record, preset, dram)
    _refresh(record, preset, dram)
    _controller(record, dram)
    return table


def _geometry(record: Any, preset: DramPreset, dram: Dram) -> None:
    device = preset.device
    groups = _power("bank_groups", device.bank_groups, state.MAX_GROUPS)
    inside = _power("banks_per_group", device.banks_per_group, state.MAX_BANKS // groups)
    columns = _power("row / atom", device.row // device.atom, 1 << 20)
    record["atom"] = _power("atom", device.atom, 1 << 20)
    record["groups"] = groups
    record["banks"] = groups * inside
    record["columns"] = columns
    record["burst"] = device.burst_length // device.clock_ratio
    record["data_rate"] = dram.data_rate
    record["clock_ratio"] = device.clock_ratio


def _address(record: Any, preset: DramPreset, dram: Dram) -> None:
    """Where each piece of bank group, column and bank lies in an address; the row lies above them."""
    device = preset.device
    try:
        pieces = pieces_of(dram.mapping.order, device)
    except ValueError as error:
        raise ArchError(f"dram.mapping.order: {error}") from None
    count = _bounded("pieces of dram.mapping.order", len(pieces), state.MAX_PIECES)
    bank_bits = device.banks_per_group.bit_length() - 1
    shift = device.atom.bit_length() - 1
    for i, piece in enumerate(pieces):
        record["piece_field"][i] = state.COLUMN_FIELD if piece.field == "column" else state.BANK_FIELD
        record["piece_shift"][i] = shift
        record["piece_mask"][i] = (1 << piece.bits) - 1
        record["piece_position"][i] = piece.position + (bank_bits if piece.field == "group" else 0)
        shift += piece.bits
    record["pieces"] = count
    record["row_shift"] = shift
    record["bank_bits"] = bank_bits
    record["hashed"] = dram.mapping.hash == "xor"


def _timings(record: Any, preset: DramPreset, dram: Dram) -> None:
    timing, ratio = preset.device.timing, preset.device.clock_ratio
    for name in _TIMINGS:
        clocks = getattr(timing, name).at(dram.data_rate, ratio)
        record[name] = _bounded(f"timing.{name}", clocks, state.MAX_CLOCKS, 0)
    gap = timing.turnaround.at(dram.data_rate, ratio)
    turn = int(record["cl"]) + int(record["burst"]) + gap - int(record["cwl"])
    record["read_to_write"] = max(1, turn)


def _refresh(record: Any, preset: DramPreset, dram: Dram) -> None:
    """Timings of the chosen refresh commands; they must fit into their intervals, or refreshes would pile up."""
    refresh, ratio = preset.device.refresh, preset.device.clock_ratio
    record["refresh"] = REFRESH_POLICIES[dram.refresh]
    interval = refresh.interval * dram.data_rate // (ratio * 10**12)
    duration, count, gap = refresh.all_bank, 1, 0
    if dram.refresh == "per_bank":
        if refresh.per_bank is None or refresh.per_bank_gap is None:
            raise ArchError(f"dram.refresh: {preset.device.kind} has no per-bank refresh here; choose all_bank or none")
        duration, count = refresh.per_bank, int(record["banks"])
        gap = refresh.per_bank_gap.at(dram.data_rate, ratio)
    clocks = duration.at(dram.data_rate, ratio)
    record["refi"] = interval // count
    record["rfc"] = _bounded("refresh times", clocks, state.MAX_CLOCKS, 0)
    record["rrefd"] = gap
    record["refresh_round"] = count
    if dram.refresh != "none" and (clocks >= interval // count * count or gap >= interval // count):
        raise ArchError(f"refresh.interval: {interval} clocks are too short for refreshes of {clocks} clocks each")


def _controller(record: Any, dram: Dram) -> None:
    record["page"] = PAGE_POLICIES[dram.page_policy]
    record["scheduler"] = SCHEDULERS[dram.scheduler]
    record["read_queue"] = _bounded("dram.read_queue", dram.read_queue, state.MAX_QUEUE)
    record["write_queue"] = _bounded("dram.write_queue", dram.write_queue, state.MAX_QUEUE)
    record["slots"] = dram.read_queue + dram.write_queue
    record["write_high"] = _bounded("dram.write_high", dram.write_high, dram.write_queue)
    record["write_low"] = _bounded("dram.write_low", dram.write_low, dram.write_high - 1, 0)
    record["starvation"] = dram.starvation


def _bounded(key: str, value: int, limit: int, least: int = 1) -> int:
    if not least <= value <= limit:
        raise ArchError(f"{key} = {value}: the DRAM's register map takes {least} to {limit}; choose a value in it")
    return value


def _power(key: str, value: int, limit: int) -> int:
    if value < 1 or value & (value - 1):
        raise ArchError(f"{key} = {value}: no power of two: address bits choose it")
    return _bounded(key, value, limit)
