"""Where each value comes from: `sources` of a configuration and of its parents, and `fudge`.

A key of `sources` names a value or a group; the nearest one counts. A group's source covers only values that its own
file gives: what a child changes does not inherit the evidence for the old value, and says so. The key `inherited`
qualifies what a file takes from its parents ("assumption: as GA10x"), except where it cites the value anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sim.arch.document import Node, Place
from sim.arch.problems import all_keys, knows, suggestion
from sim.arch.units import describe

#: Values that name the file's subject; they need no evidence.
UNSOURCED = ("name", "kind")
#: In `sources`: what a file says of all values that it takes from its parents.
INHERITED = "inherited"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one file of an `extends` chain says: its values, and its sources by key."""

    file: str
    tree: Node
    sources: Mapping[str, str]
    fudge: Mapping[str, str]


def read_notes(
    section: str, node: Node | None, keys: Collection[str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """A file's `sources` or `fudge`: text by key, and what is wrong with them.

    `keys`: the keys of another schema than the GPU's.
    """
    notes: dict[str, str] = {}
    problems: list[str] = []
    if node is None or node.value is None:
        return notes, problems
    if not isinstance(node.value, dict):
        return notes, [f"{node.place}: {section}: needs a group of keys such as 'sm.count: vendor datasheet'"]
    for key, text in node.value.items():
        known = knows(key) if keys is None else key in keys
        if not known and not (section == "sources" and key == INHERITED):
            hint = suggestion(key, all_keys() if keys is None else keys)
            problems.append(f"{text.place}: {section}: {key}: no such key{hint}")
        elif not isinstance(text.value, str) or not text.value.strip():
            problems.append(f"{text.place}: {section}: {key}: needs a sentence, not {describe(text.plain())}")
        else:
            notes[key] = " ".join(text.value.split())
    return notes, problems


def _prefixes(key: str) -> list[str]:
    """`a.b.c`, `a.b`, `a`: the key and its groups, nearest first."""
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def find_source(key: str, place: Place, layers: list[Layer]) -> str | None:
    """The source of a value that stands at `place`; `layers` go from the oldest parent to the file itself."""
    defining = next((i for i, layer in enumerate(layers) if layer.file == place.file), len(layers))
    found, at = _cited(key, layers, defining)
    if found is None:
        before = next((text for layer in reversed(layers[:defining]) if (text := _nearest(key, layer))), None)
        return before and f"changed in {place} without a source; before: {before}"
    for layer in layers[at + 1 :]:
        if INHERITED in layer.sources:
            found = f"{layer.sources[INHERITED]}; there: {found}"
    return found


def _cited(key: str, layers: list[Layer], defining: int) -> tuple[str | None, int]:
    """The source that the defining file or one of its children gives, and the index of that file."""
    for at in range(len(layers) - 1, defining - 1, -1):
        if key in layers[at].sources:
            return layers[at].sources[key], at
    for at in range(defining, len(layers)):
        found = _nearest(key, layers[at])
        if found is not None:
            return found, at
    return None, defining


def _nearest(key: str, layer: Layer) -> str | None:
    return next((layer.sources[prefix] for prefix in _prefixes(key) if prefix in layer.sources), None)
