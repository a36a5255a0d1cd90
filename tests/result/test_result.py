"""The JSON object: its shape, and that its numbers fit each other."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from sim.gpu.counters import COUNTERS
from sim.result import FIELDS, KernelResult, Result

Make = Callable[..., Result]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files("sim.result") / "schema.json").read_text())
    return found


def test_the_object_has_the_shape_of_the_schema(make_result: Make, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    for hot in (0, 5):
        jsonschema.validate(make_result(1000, 30, follow=bool(hot)).to_dict(hot), schema)


@pytest.mark.parametrize(
    "path", [("kernels", 0, "cycles"), ("total", "energy_j"), ("simulation", "threads"), ("arch", "hash")]
)
def test_the_schema_notices_a_missing_field(make_result: Make, schema: dict[str, Any], path: tuple[Any, ...]) -> None:
    value = make_result(1000).to_dict()
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema)


def test_the_schema_notices_a_field_that_nobody_declared(make_result: Make, schema: dict[str, Any]) -> None:
    value = make_result(1000).to_dict()
    value["kernels"][0]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema)


def test_the_object_survives_json(make_result: Make) -> None:
    value = make_result(1000, 7).to_dict(3)
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_total_is_the_sum_of_the_kernels_in_order(make_result: Make) -> None:
    value = make_result(1000, 37, 5).to_dict()
    total, kernels = value["total"], value["kernels"]
    assert [kernel["cycles"] for kernel in kernels] == [1000, 37, 5]
    assert total["cycles"] == 1042
    assert total["warp_instructions"] == sum(kernel["warp_instructions"] for kernel in kernels)
    assert total["energy_j"] == math.fsum(kernel["energy_j"]["total"] for kernel in kernels)
    assert total["time_us"] == pytest.approx(math.fsum(kernel["time_us"] for kernel in kernels), rel=1e-12)


def test_launch_cycles_are_in_neither_cycles_nor_time(make_result: Make) -> None:
    kernel = make_result(1800).to_dict()["kernels"][0]
    assert kernel["launch_cycles"] == 1500
    assert kernel["cycles"] == 1800
    assert kernel["time_us"] == pytest.approx(1.0)


def test_energy_is_the_sum_of_its_components(make_result: Make) -> None:
    result = make_result(1000, 37)
    for energy in (result.energy, *(kernel.energy for kernel in result.kernels)):
        assert math.fsum(value for name, value in energy.items() if name != "total") == energy["total"]
    assert result.energy["total"] == pytest.approx(result.total["energy_j"], rel=1e-12)


def test_power_is_energy_over_time(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel(900)
    assert kernel.power_w == pytest.approx(kernel.energy["total"] / (900 / 1.8e9))


def test_stalls_are_summed_over_kernels_and_complete(make_result: Make) -> None:
    result = make_result(1000, 36)
    issued = sum(kernel.counters.issue_slots.issued for kernel in result.kernels)
    assert issued + sum(result.stalls.values()) == (1000 + 36) * 8


def test_rates_are_null_where_nothing_was_counted(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel()
    assert kernel.memory["l1_hit_rate"] == 0.25
    kernel.counters.events["sm.l1d.sector_reads"] = 0
    memory = kernel.memory
    assert [memory[f"{part}_hit_rate"] for part in ("l1", "l2", "dram_row")] == [None] * 3
    assert memory["latency"]["mean"] is None
    assert set(memory["latency"]["stages"].values()) == {None}
    assert memory["dram_bandwidth_use"] == 0


def test_bytes_are_counts_in_the_units_of_the_chip(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel(1000)
    kernel.counters.events.update(
        {
            "sm.l1d.sector_writes": 5,
            "noc.request_bytes": 11,
            "noc.reply_bytes": 12,
            "l2.sector_reads": 8,
            "l2.sector_hits": 2,
            "l2.sector_writes": 7,
            "dram.reads": 10,
            "dram.writes": 15,
            "dram.row_hits": 10,
            "dram.row_misses": 5,
            "dram.row_conflicts": 10,
        }
    )
    memory = kernel.memory
    assert (memory["l1_read_bytes"], memory["l1_write_bytes"]) == (40 * 32, 5 * 32)
    assert (memory["noc_read_bytes"], memory["noc_write_bytes"]) == (12, 11)
    assert (memory["l2_read_bytes"], memory["l2_write_bytes"], memory["l2_hit_rate"]) == (8 * 32, 7 * 32, 0.25)
    assert (memory["dram_read_bytes"], memory["dram_write_bytes"]) == (10 * 64, 15 * 64)
    assert memory["dram_row_hit_rate"] == 0.4
    assert memory["dram_bandwidth_use"] == pytest.approx(25 * 64 / (1000 * 20))
    halved = replace(kernel, scale=replace(kernel.scale, sector=16)).memory
    assert (halved["l2_read_bytes"], halved["dram_read_bytes"]) == (8 * 16, 10 * 64)


def test_the_stages_of_the_latency_add_up_to_its_mean(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel()
    stages = [counter.name for counter in COUNTERS if counter.name.startswith("memory.stage.")]
    for n, name in enumerate(stages, 1):
        kernel.counters.events[name] = 100 * n
    kernel.counters.events.update(
        {"memory.answers": 8, "memory.latency": sum(100 * n for n in range(1, len(stages) + 1))}
    )
    latency = kernel.memory["latency"]
    assert latency["mean"] == 450 == sum(latency["stages"].values())
    assert list(latency["stages"]) == [name.rpartition(".")[2] for name in stages]
    assert latency["stages"]["hit"] == 100 * (stages.index("memory.stage.hit") + 1) / 8


def test_hot_spots_are_ordered_by_cost_and_an_issue_is_no_stall(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel(1000)
    assert kernel.hottest(10) == [0, 1]  # 2,000 issued + 2,000 wait, 4,000 long_scoreboard: equal, so by pc
    assert kernel.hottest(1) == [0]
    assert kernel.hotspot(0)["slot_stalls"] == {"wait": 2000}
    assert kernel.hotspot(0)["warp_states"]["selected"] == 2000


def test_a_data_frame_has_a_row_for_each_kernel(make_result: Make) -> None:
    frame = make_result(1000, 36).to_pandas()
    assert frame["cycles"].tolist() == [1000, 36]
    assert frame["issue_slots.stalls.wait"].tolist() == [2000, 72]
    assert frame["grid"].tolist() == ["2x1x1", "2x1x1"]
    assert frame["warnings"].tolist() == ["a remark", "a remark"]
    assert frame["memory.latency.stages.miss"].isna().all()  # null, but a column: rows of all kernels are alike


def test_every_declared_field_exists(make_result: Make, schema: dict[str, Any]) -> None:
    for field in FIELDS:
        place: dict[str, Any] = schema
        for part in field.name.split("."):
            place = place.get("items", place)["properties"][part]
    assert len({field.name for field in FIELDS}) == len(FIELDS)
