"""Joules from events: sums, proportions, and the measured figures that the tables rest on."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.energy import COMPONENTS, Activity, energy_of, load_table, parts_of
from sim.energy.model import sum_of, with_total
from sim.gpu.counters import EVENT_NAMES

TABLES = ("volta_12nm", "turing_12nm", "ampere_8nm", "ampere_7nm", "hopper_4nm")

activities = st.builds(
    Activity,
    st.dictionaries(st.sampled_from(EVENT_NAMES), st.integers(0, 10**12)),
    st.integers(0, 10**10),
    st.integers(1, 200),
    st.just(0),
    st.integers(10**8, 3 * 10**9),
)


@given(activities, st.sampled_from(TABLES))
def test_the_parts_add_up_to_the_total_exactly(activity: Activity, name: str) -> None:
    energy = with_total(energy_of(activity, load_table(name)))
    assert math.fsum(parts_of(energy).values()) == energy["total"]
    assert list(parts_of(energy)) == [part.name for part in COMPONENTS]
    assert all(value >= 0 for value in energy.values())


@given(activities)
def test_twice_the_events_take_twice_the_dynamic_energy(activity: Activity) -> None:
    table = load_table("ampere_8nm")
    twice = Activity(
        {name: 2 * n for name, n in activity.events.items()},
        activity.cycles,
        activity.sm_count,
        activity.sm_active_cycles,
        activity.clock_hz,
    )
    once, double = energy_of(activity, table), energy_of(twice, table)
    for name in once:
        factor = 1 if name in ("constant", "active_sm", "idle_sm") else 2
        assert double[name] == pytest.approx(factor * once[name], rel=1e-12, abs=0)


def test_power_over_time_is_told_apart_by_what_the_sms_did() -> None:
    table = load_table("volta_12nm")
    second = Activity({}, cycles=10**9, sm_count=80, sm_active_cycles=60 * 10**9, clock_hz=10**9)
    energy = energy_of(second, table)
    assert energy["constant"] == pytest.approx(32.325)
    assert energy["active_sm"] == pytest.approx(60 * 0.483)
    assert energy["idle_sm"] == pytest.approx(20 * 0.283)


@pytest.mark.parametrize(
    ("name", "picojoules_per_flop", "watts", "sms"),
    # Board-power fits of gpu-benches gpu-roofline: A40, A100-40GB, H200.
    [("ampere_8nm", 6.25, 142.1, 84), ("ampere_7nm", 5.19, 66.5, 108), ("hopper_4nm", 5.81, 105.4, 132)],
)
def test_fp32_code_costs_what_the_board_drew(name: str, picojoules_per_flop: float, watts: float, sms: int) -> None:
    ffma: dict[str, Any] = {
        "sm.fetch.instructions": 1,
        "warp_instructions": 1,
        "sm.rf.reads": 3,
        "sm.rf.writes": 1,
        "sm.lanes.fp32": 32,
    }
    million = {event: n * 10**6 for event, n in ffma.items()}
    table = load_table(name)
    dynamic = sum(energy_of(Activity(million, 0, sms, 0, 10**9), table).values())
    assert dynamic * 1e12 / 64e6 == pytest.approx(picojoules_per_flop, rel=2e-3)
    idle = sum(energy_of(Activity({}, 10**9, sms, sms * 10**9, 10**9), table).values())
    assert idle == pytest.approx(watts, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "picojoules_per_byte"),
    # The same fits; AccelWattch's medians for L1D, L2 and DRAM on GV100.
    [("ampere_8nm", 92.8), ("ampere_7nm", 118.4), ("hopper_4nm", 122.4), ("volta_12nm", 9.31 + 8.38 + 55.6)],
)
def test_a_stream_from_dram_to_registers_costs_what_the_board_drew(name: str, picojoules_per_byte: float) -> None:
    stream = {"sm.l1d.sector_reads": 10**6, "l2.sector_reads": 10**6, "dram.reads": 10**6}
    energy = energy_of(Activity(stream, 0, 1, 0, 10**9), load_table(name))
    assert sum(energy.values()) * 1e12 / 32e6 == pytest.approx(picojoules_per_byte, rel=2e-3)
    assert energy["l1d"] > 0 and energy["l2"] > 0
    assert energy["dram"] > 5 * energy["l2"]


@pytest.mark.parametrize(
    ("name", "picojoules_per_bit"),
    [("turing_12nm", 7.5), ("ampere_8nm", 7.5), ("ampere_7nm", 6.0), ("hopper_4nm", 6.0)],
)
def test_a_board_takes_more_for_a_byte_of_dram_than_its_devices_alone(name: str, picojoules_per_bit: float) -> None:
    """Micron's figures for GDDR6 and HBM2E are those of the devices, without controller, interface and regulators."""
    dram = load_table(name).events["dram"]
    devices = 1000 * 8 * 32 * picojoules_per_bit
    assert devices < dram["dram.reads"].amount < 3 * devices
    assert dram["dram.writes"].amount == dram["dram.reads"].amount


def test_a_hit_in_l2_costs_a_fraction_of_a_miss() -> None:
    table = load_table("ampere_8nm")
    hit = energy_of(Activity({"l2.sector_reads": 1000}, 0, 1, 0, 10**9), table)
    miss = energy_of(Activity({"l2.sector_reads": 1000, "dram.reads": 1000}, 0, 1, 0, 10**9), table)
    assert sum(hit.values()) == hit["l2"] == miss["l2"]
    assert sum(miss.values()) > 10 * sum(hit.values())


def test_a_sum_of_kernels_is_a_sum_of_components() -> None:
    first, second = with_total({"int": 0.1, "fp32": 0.2}), with_total({"int": 0.3})
    total = sum_of([first, second])
    assert total["int"] == pytest.approx(0.4)
    assert total["total"] == math.fsum(parts_of(total).values()) == pytest.approx(0.6)
