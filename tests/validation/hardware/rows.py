"""Rows against the published schema, by the library for it."""

from collections.abc import Iterable

import jsonschema

from validation.hardware.record import SCHEMA, Row

_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def assert_valid(rows: Iterable[Row]) -> None:
    """Every row is one of the schema; the first fault is told with its row."""
    for number, row in enumerate(rows, 2):
        fault = next(_VALIDATOR.iter_errors(row), None)
        assert fault is None, f"line {number}: {fault.message if fault else ''}: {row}"
