"""The shipped devices: their values in clocks, and what a channel of each reaches against theory."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from sim.arch.dram import load_dram
from sim.arch.registry import config_root, names
from sim.arch.schema_dram import Delay, DramKind
from sim.errors import ArchError
from sim.memory.dram_lower import lower_dram
from tests.memory.dram_driver import ARRIVAL, KINDS, Request, at, chip, record, simulate

R, W = 0, 1


def nanoseconds(dram: Any, clocks: int) -> float:
    return clocks * int(dram["clock_ratio"]) / int(dram["data_rate"]) * 1e9


def gigabytes(dram: Any, size: int, clocks: int) -> float:
    return size / nanoseconds(dram, clocks)


def stream(dram: Any, count: int, write: int) -> float:
    """GB/s of consecutive addresses, all there from the start."""
    arrivals = np.zeros(count, ARRIVAL)
    arrivals["address"] = np.arange(count) * int(dram["atom"])
    arrivals["write"] = write
    run = simulate(dram, arrivals, log=1)
    return gigabytes(dram, count * int(dram["atom"]), max(run.done))


def test_these_kinds_ship() -> None:
    assert tuple(names("dram")) == KINDS == get_args(DramKind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_has_a_source(kind: str) -> None:
    preset = load_dram(kind)
    assert preset.device.kind == kind
    assert {"atom", "row", "timing.rp", "refresh.interval", "data_rate"} <= set(preset.sources)
    for key, source in preset.sources.items():
        assert len(source) > 5, key
        assert "../" not in source, key


#: (kind, data rate) -> nRP, nRCD, nCL and the clock in ns, as Ramulator 2.1 has them (CMU-SAFARI/ramulator2@c5b1c3a)
RAMULATOR = {
    ("ddr4", "2400 Mbps"): (16, 16, 16, 0.833),
    ("gddr6", "14 Gbps"): (30, 30, 24, 0.57),
    ("hbm2", "2 Gbps"): (14, 14, 14, 1.0),
    ("hbm3", "6.4 Gbps"): (26, 31, 20, 0.625),
}


@pytest.mark.parametrize(("kind", "rate"), RAMULATOR)
def test_clocks_are_those_of_a_trusted_model(kind: str, rate: str) -> None:
    dram = record(kind, data_rate=rate)
    *clocks, period = RAMULATOR[kind, rate]
    assert [int(dram[key]) for key in ("rp", "rcd_read", "cl")] == clocks
    assert nanoseconds(dram, 1) == pytest.approx(period, rel=0.005)


def test_another_data_rate_keeps_the_nanoseconds() -> None:
    """HBM2 at 3 Gbps (1.5 GHz): 14 ns are 21 clocks, 12 ns are 18; two clocks of tCCD_S stay two."""
    dram = record("hbm2", data_rate="3 Gbps")
    assert [int(dram[key]) for key in ("rcd_read", "rcd_write", "ccd_s", "burst")] == [21, 18, 2, 2]


def test_times_round_up_to_clocks() -> None:
    assert Delay(17_100, 0).at(14 * 10**9, 8) == 30  # 29.925
    assert Delay(17_143, 0).at(14 * 10**9, 8) == 31  # 30.0003
    assert Delay(4_000, 4).at(2 * 10**9, 2) == 4
    assert Delay(4_000, 4).at(3 * 10**9, 2) == 6
    assert Delay(0, 0).at(10**9, 2) == 0


@pytest.mark.parametrize("hashing", ["plain", "xor"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_reaches_the_peak(kind: str, hashing: str) -> None:
    """Without refresh within 5 % of pins x data rate, reading and writing."""
    device = load_dram(kind).device
    peak = device.width * device.data_rate / 8 / 1e9
    dram = record(kind, mapping={"order": ["group", "column", "bank"], "hash": hashing})
    assert 0.95 * peak < stream(dram, 20_000, R) <= peak
    assert 0.95 * peak < stream(dram, 20_000, W) <= peak


#: Channels of ours in one of Ramulator's, and its GB/s; one of its HBM channels has two pseudo channels, each of which
#: is a channel here, and its GDDR6 channel is one of ours with twice the pins at half the rate.
STREAMING = {"ddr4": (1, 19.21), "gddr6": (1, 28.07), "hbm2": (2, 32.0), "hbm3": (2, 51.07)}


@pytest.mark.parametrize("kind", STREAMING)
def test_a_stream_is_as_fast_as_in_a_trusted_model(kind: str) -> None:
    channels, reached = STREAMING[kind]
    assert channels * stream(record(kind), 20_000, R) == pytest.approx(reached, rel=0.05)


#: Unloaded random read in Ramulator 2.1: its closed form in ns, without the burst.
RANDOM_READ = {"ddr4": 39.98, "gddr6": 47.88, "hbm2": 42.0, "hbm3": 48.12}


@pytest.mark.parametrize("kind", RANDOM_READ)
def test_a_random_read_takes_as_long_as_in_a_trusted_model(kind: str) -> None:
    """Reads of random rows, one at a time, mostly conflicts: mean within 10 % of the closed form and the burst."""
    dram = record(kind)
    random = np.random.default_rng(5)
    requests: list[Request] = [
        (4000 * i, int(random.integers(0, int(dram["banks"]))), int(random.integers(0, 4096)), 0, R) for i in range(400)
    ]
    run = simulate(dram, at(dram, requests))
    late = run.done[100:]  # the first ones find closed banks
    mean = sum(done - 4000 * i for i, done in enumerate(late, 100)) / len(late)
    expected = RANDOM_READ[kind] + nanoseconds(dram, int(dram["burst"]))
    assert run.events["row_conflicts"] > 350
    assert nanoseconds(dram, 1) * mean == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_closed_forms_hold_for_every_device(kind: str) -> None:
    """Closed bank, conflict and hit, unloaded, exact."""
    dram = record(kind)
    run = simulate(dram, at(dram, [(0, 5, 1, 0, R), (5000, 5, 2, 0, R), (9000, 5, 2, 1, R)]))
    access = int(dram["cl"]) + int(dram["burst"])
    opening = int(dram["rcd_read"])
    assert run.done == [opening + access, 5000 + int(dram["rp"]) + opening + access, 9000 + access]


# What is wrong is said with file and line


def broken(tmp_path: Path, old: str, new: str) -> str:
    text = (config_root() / "dram" / "hbm2.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ArchError) as error:
        load_dram(path)
    return str(error.value)


def test_the_shipped_file_loads_by_path() -> None:
    assert load_dram(config_root() / "dram" / "hbm2.yaml").device == load_dram("hbm2").device


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  rp: 14 ns", "  rp: 14", "mine.yaml:15: timing.rp: needs a unit: write a time such as '17.1 ns'"),
        ("  rp: 14 ns", "  rp: 14 parsecs", "'parsecs' is no unit of a time; known: ps, ns, us"),
        ("  rp: 14 ns", "  rp: [4 clocks, 5 clocks]", "a list holds one time such as '17.1 ns' and one such as"),
        ("  rp: 14 ns", "  rp: []", "needs a time such as '17.1 ns', '6 clocks', or a list of both"),
        ("  rp: 14 ns", "  rp: -1 ns", "timing.rp: must not be negative"),
        ("  rp: 14 ns", "  rpp: 14 ns", "mine.yaml:15: timing.rpp: no such key; did you mean timing.rp?"),
        ("  rp: 14 ns\n", "", "mine.yaml:12: timing.rp: missing; give it a value"),
        ("atom: 32 B", "atom: 64 B", "mine.yaml:8: atom: 64 pins x 4 bits are 32 B"),
        ("clock_ratio: 2", "clock_ratio: 3", "clock_ratio: 4 bits are no whole number of command clocks"),
        ("bank_groups: 4", "bank_groups: 6", "mine.yaml:9: bank_groups: 6 is no power of two"),
        ("row: 1 KiB", "row: 1.5 KiB", "row: 1536 is no power of two"),
        ("data_rate: 2 Gbps", "data_rate: 2 GHz", "'GHz' is no unit of a data rate per pin; known: bps, Mbps, Gbps"),
        ("kind: hbm2", "kind: hbm9", "needs one of ddr4, ddr5"),
        ("  per_bank: 160 ns\n", "", "refresh.per_bank: per_bank and per_bank_gap belong together"),
        ("  width: CMU", "  widht: CMU", "sources: widht: no such key; did you mean width?"),
        ("  atom: width x burst length\n", "", "mine.yaml:8: atom: no source; say under 'sources:'"),
    ],
)
def test_a_mistake_is_explained(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in broken(tmp_path, old, new)


def test_an_unknown_kind_is_explained() -> None:
    with pytest.raises(ArchError, match=r"hbm33: no such configuration; did you mean hbm3\?"):
        load_dram("hbm33")


@pytest.mark.parametrize(
    ("kind", "keys", "message"),
    [
        ("hbm2", {"read_queue": 5000}, "dram.read_queue = 5000: the DRAM's register map takes 1 to 1024"),
        ("hbm2", {"write_queue": 8, "write_high": 9}, "dram.write_high = 9: .* takes 1 to 8"),
        ("hbm2", {"write_high": 8, "write_low": 8}, "dram.write_low = 8: .* takes 0 to 7"),
        ("ddr4", {"refresh": "per_bank"}, "dram.refresh: ddr4 has no per-bank refresh here; choose all_bank or none"),
        ("hbm2", {"mapping": {"order": ["group", "group", "bank"], "hash": "xor"}}, "dram.mapping.order: needs each"),
        (
            "hbm2",
            {"mapping": {"order": ["group", "column:4", "bank"], "hash": "xor"}},
            "dram.mapping.order: column has 5 bits in hbm2; its pieces hold 4",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(kind: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchError, match=message):
        record(kind, **keys)


def test_a_device_is_lowered_for_its_own_chip_only() -> None:
    with pytest.raises(ArchError, match=r"dram.kind: hbm2 was lowered with the device ddr4"):
        lower_dram(load_dram("ddr4"), chip("hbm2"))


def test_refreshes_must_fit_into_their_interval() -> None:
    preset = load_dram("hbm2")
    short = preset.device.model_copy(update={"refresh": preset.device.refresh.model_copy(update={"interval": 200_000})})
    with pytest.raises(ArchError, match=r"refresh.interval: 200 clocks are too short for refreshes of 260 clocks"):
        lower_dram(type(preset)(short, preset.path, preset.sources), chip("hbm2", refresh="all_bank"))


@pytest.mark.parametrize("value", [{"data_rate": 16}, {"starvation": "0 clocks"}, {"channels": 0}, {"colour": 1}])
def test_a_chip_gives_units_and_sensible_counts(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        chip("hbm2", **value)
