"""The JSON object: its shape, and that its numbers fit each other."""

import json
import math
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

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


def test_rates_are_null_where_nothing_was_counted_or_modelled(make_kernel: Callable[..., KernelResult]) -> None:
    kernel = make_kernel()
    assert kernel.memory["l1_hit_rate"] == 0.25
    assert kernel.memory["l2_hit_rate"] is None
    kernel.counters.events["sm.l1d.sector_reads"] = 0
    assert kernel.memory["l1_hit_rate"] is None


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


def test_every_declared_field_exists(make_result: Make, schema: dict[str, Any]) -> None:
    for field in FIELDS:
        place: dict[str, Any] = schema
        for part in field.name.split("."):
            place = place.get("items", place)["properties"][part]
    assert len({field.name for field in FIELDS}) == len(FIELDS)
