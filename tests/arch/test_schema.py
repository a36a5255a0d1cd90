"""The schema as a document: descriptions, and the committed JSON Schema."""

import json
from typing import Any

import jsonschema
import pytest

from sim.arch import config_root, names
from sim.arch.document import read_document
from sim.arch.json_schema import json_schema, json_schema_text
from sim.arch.problems import all_keys
from sim.arch.registry import find
from sim.arch.schema_base import is_map, part_of


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    committed = (config_root() / "schema.json").read_text(encoding="utf-8")
    assert committed == json_schema_text(), "run `tickwise arch schema > arch_configs/schema.json`"


@pytest.mark.parametrize("key", all_keys())
def test_every_key_says_what_it_is(key: str) -> None:
    description = all_keys()[key].description
    assert description is not None
    assert description.endswith(".")
    assert len(description) > 5


@pytest.mark.parametrize("key", all_keys())
def test_no_key_has_a_value_in_code(key: str) -> None:
    field = all_keys()[key]
    assert field.is_required() or field.default is None  # a part that a chip can be without


def test_groups_and_values_are_told_apart() -> None:
    assert part_of(all_keys()["sm.l1d"]) is not None
    assert part_of(all_keys()["sm.count"]) is None
    assert is_map(all_keys()["sm.issue.port_cycles"])


@pytest.mark.parametrize("name", names())
def test_shipped_files_satisfy_the_json_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert [error.message for error in validator.iter_errors(read_document(find(name)).plain())] == []


@pytest.mark.parametrize(
    "file",
    [
        {"smm": {}},
        {"sm": {"l1d": {"siz": "1 B"}}},
        {"sm": {"clock": 5}},
        {"sm": {"clock": "5 KiB"}},
        {"sm": {"count": 0}},
        {"sm": {"issue": {"policy": "best"}}},
        {"dram": {"mapping": {"order": ["column:0", "group", "bank"]}}},
        {"dram": {"mapping": {"order": ["column", "group", "row"]}}},
        {"sources": {"sm.count": 5}},
    ],
)
def test_the_json_schema_refuses_what_the_loader_refuses(file: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, json_schema())


def test_the_json_schema_is_one_object_of_json() -> None:
    assert json.loads(json_schema_text()) == json_schema()
