"""The JSON Schema of configuration files, for editors; `arch_configs/schema.json` is this text."""

import json
from typing import Any

from sim.arch.schema import GpuConfig

_NOTES = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}


def json_schema() -> dict[str, Any]:
    """The schema of a file. No key is required, because a parent may give it."""
    schema = GpuConfig.model_json_schema()
    _relax(schema)
    own = {
        "extends": {"type": "string", "description": "Name or path of the configuration that this one changes."},
        "sources": _NOTES
        | {
            "description": "Where values come from: dotted key of a value or a group -> source; "
            "the key 'inherited' qualifies what the parents gave."
        },
        "fudge": _NOTES | {"description": "Values that compensate for something not modelled: key -> reason."},
    }
    schema["properties"] = own | schema["properties"]
    schema["description"] = "A GPU, or what it changes in the configuration that it extends."
    schema["title"] = "Tickwise GPU configuration"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def json_schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _relax(schema: Any) -> None:
    """Drop what only a complete chip must have, and the titles that repeat the keys."""
    if isinstance(schema, dict):
        if isinstance(schema.get("required"), list):
            del schema["required"]
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for child in schema.values():
            _relax(child)
    elif isinstance(schema, list):
        for child in schema:
            _relax(child)
