"""Values as people read them: with their units, the way a configuration file has them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sim.arch.load import Arch
from sim.arch.problems import all_keys
from sim.arch.schema_base import dimension_of


def display(key: str, value: Any) -> str:
    """One value in the notation of a configuration file."""
    field = all_keys().get(key)
    dimension = dimension_of(field) if field is not None else None
    if isinstance(value, list):
        return "[" + ", ".join(display(key, item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return dimension.format(value) if dimension is not None else str(value)


def displayed(arch: Arch, keys: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """Key and text of `keys`, or of every value in the order of the schema."""
    for key in arch.values if keys is None else keys:
        yield key, display(key, arch.values[key])
