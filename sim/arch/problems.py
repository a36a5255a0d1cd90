"""What is wrong with a configuration, as sentences with file and line.

Turns pydantic's error records into one line each: place, key, what is wrong, what to do.
"""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim.arch.document import Node, Place
from sim.arch.schema import GpuConfig
from sim.arch.schema_base import is_map, keys, part_of
from sim.arch.units import describe
from sim.errors import ArchError


class InvalidConfiguration(ArchError):
    """A configuration with one or more mistakes; the text shows the first, `problems` holds all lines."""

    def __init__(self, problems: Iterable[str]) -> None:
        """`problems`: at least one line."""
        self.problems = tuple(problems)
        more = len(self.problems) - 1
        super().__init__(self.problems[0] + (f" (and {more} more: see `tickwise arch check`)" if more else ""))


@cache
def all_keys() -> dict[str, Any]:
    """Every dotted key of the schema with its declaration."""
    return dict(keys(GpuConfig))


def suggestion(path: str, candidates: Iterable[str]) -> str:
    """`; did you mean X?` for the candidate nearest to `path`, or nothing."""
    known = list(candidates)
    group, _, name = path.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in known if key.rpartition(".")[0] == group}
    match = difflib.get_close_matches(name, siblings, n=1)
    if match:
        return f"; did you mean {siblings[match[0]]}?"
    same_name = [key for key in known if key.rpartition(".")[2] == name]
    close = difflib.get_close_matches(path, same_name or known, n=1, cutoff=0.0 if same_name else 0.6)
    return f"; did you mean {close[0]}?" if close else ""


def unknown_key(place: Place, path: str, known: Iterable[str] | None = None) -> str:
    """The sentence for a key that the schema does not have; `known`: the keys of another schema than the GPU's."""
    name = path.rpartition(".")[2]
    hint = suggestion(path, all_keys() if known is None else known)
    return f"{place}: {path}: no such key{hint}" if name else f"{place}: an empty key"


def split_path(path: str) -> list[str]:
    """The keys of a dotted path."""
    return path.split(".")


def knows(path: str) -> bool:
    """Whether `path` is a key of the schema, or an entry of a map such as sm.issue.port_cycles."""
    known = all_keys()
    if path in known:
        return True
    group, _, name = path.rpartition(".")
    return bool(name) and group in known and is_map(known[group])


def sentences(error: ValidationError, tree: Node, partial: bool, known: Mapping[str, Any] | None = None) -> list[str]:
    """One line per mistake, unknown keys first; with `partial`, missing keys are no mistake.

    `known`: the keys of another schema than the GPU's, whose files have no parents, with their declarations.
    """
    parents = " here or in a parent ('extends:')" if known is None else ""
    known = all_keys() if known is None else known
    found: list[tuple[int, str]] = []
    for detail in error.errors(include_url=False, include_context=True):
        kind = detail["type"]
        if kind == "missing" and partial:
            continue
        location = tuple(part for part in detail["loc"] if part != "[key]")
        path = _dotted(location)
        node = tree.nearest(location)
        if kind == "extra_forbidden":
            text = unknown_key(node.place, path, known)
            if "." in str(location[-1]):
                text = f"{node.place}: {path}: no such key; write nested keys, 'a: {{b: ...}}' for a.b"
            found.append((0, text))
        elif kind == "missing":
            what = "a group" if part_of(known[path]) else "a value"
            found.append((2, f"{node.place}: {path}: missing; give it {what}{parents}"))
        else:
            found.append((1, f"{node.place}: {path}: {_sentence(detail, node, known.get(path))}"))
    return [text for _, text in sorted(found, key=lambda item: item[0])]


def _dotted(location: tuple[str | int, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _sentence(detail: ErrorDetails, node: Node, field: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    given = node.plain() if not isinstance(detail["input"], str) else detail["input"]
    if isinstance(node.value, list) and not isinstance(given, str):
        index = detail["loc"][-1]
        given = node.value[index] if isinstance(index, int) else node.value
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = [str(choice) for choice in get_args(field.annotation)]
        near = difflib.get_close_matches(str(given), choices, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"needs one of {', '.join(choices)}, not {describe(given)}{hint}"
    if kind == "string_type" and isinstance(given, (int, float)) and not isinstance(given, bool):
        return f"needs text: put {given} in quotes"
    if kind == "string_pattern_mismatch":
        return f"{describe(given)} does not look right; it must match {context['pattern']}"
    if kind in ("greater_than_equal", "greater_than", "less_than_equal"):
        relation = {"greater_than_equal": "at least", "greater_than": "more than", "less_than_equal": "at most"}[kind]
        limit = next(value for key, value in context.items() if key in ("ge", "gt", "le"))
        return f"must be {relation} {limit if isinstance(limit, int) else format(limit, 'g')}, not {describe(given)}"
    needs = {
        "int_type": "a whole number without unit",
        "float_type": "a number without unit",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "text",
        "string_too_short": "text",
        "model_type": "a group of keys",
        "dict_type": "a group of keys",
        "list_type": "a list such as [0 KiB, 8 KiB]",
        "too_short": "at least one value",
    }
    if kind in needs:
        return f"needs {needs[kind]}, not {describe(given)}"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}"
