"""Sets of opcodes with a common form, from `data/groups.yaml`."""

from functools import cache
from importlib.resources import files

import yaml


@cache
def _groups() -> dict[str, frozenset[str]]:
    text = (files("sim.isa") / "data" / "groups.yaml").read_text(encoding="utf-8")
    return {name: frozenset(opcodes.split()) for name, opcodes in yaml.safe_load(text).items()}


def group(name: str) -> frozenset[str]:
    """The opcodes of a group; raises `KeyError` for a name that the file does not have."""
    return _groups()[name]
