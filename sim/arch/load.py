"""From a name or a file to a validated chip: `extends`, merging, overrides, sources, hash.

Every error names file and line; `Place` travels with each value from the file to the error.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.arch.document import Node, Place, merge, read_document, read_value, shown
from sim.arch.problems import InvalidConfiguration, all_keys, knows, sentences, suggestion, unknown_key
from sim.arch.registry import find
from sim.arch.rules import findings
from sim.arch.schema import GpuConfig
from sim.arch.sources import UNSOURCED, Layer, find_source, read_notes
from sim.arch.units import one_line
from sim.errors import ArchError

#: Keys of a file that are about the file, not about the chip.
FILE_KEYS = ("extends", "sources", "fudge")


@dataclass(frozen=True)
class Arch:
    """A chip, ready to be simulated."""

    config: GpuConfig
    #: SHA-256 of the resolved values in base units; names, sources and comments do not count.
    hash: str
    path: Path
    #: Every value by its dotted key, in base units.
    values: Mapping[str, Any] = field(repr=False)
    #: The source of every value by its dotted key.
    sources: Mapping[str, str] = field(repr=False)
    #: Values that compensate for something that is not modelled, with the reason.
    fudge: Mapping[str, str] = field(repr=False)
    #: Overrides without effect, and the like; one line each.
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The chip's name."""
        return self.config.name

    def source_of(self, key: str) -> str:
        """Where the value `key` comes from; for a group, all its different sources. Raises ArchError."""
        if key in self.sources:
            return self.sources[key]
        inside = dict.fromkeys(text for name, text in self.sources.items() if name.startswith(key + "."))
        if not inside:
            raise ArchError(f"{key}: no such key{suggestion(key, all_keys())}")
        return "; ".join(inside)


def parse_overrides(options: list[str]) -> dict[str, str]:
    """`key=value` options of a command line as the `overrides` of `load_arch`. Raises ArchError."""
    overrides: dict[str, str] = {}
    for option in options:
        key, equals, value = option.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ArchError(f"--set {one_line(option)}: write key=value, such as --set sm.issue.policy=gto")
        if key in overrides:
            raise ArchError(f"--set {one_line(option)}: {one_line(key)} is set twice")
        overrides[key] = value.strip()
    return overrides


def load_arch(name_or_path: str | Path, overrides: Mapping[str, str] | None = None) -> Arch:
    """The chip of a configuration, with single values replaced by `overrides` (dotted key -> text with unit).

    Raises ArchError (InvalidConfiguration, with all `problems`, if the values are wrong).
    """
    path = find(name_or_path)
    layers = read_chain(path)
    base = layers[0].tree
    for layer in layers[1:]:
        base = merge(base, layer.tree)
    tree = base
    for key, text in (overrides or {}).items():
        tree = merge(tree, _override(key, text))
    config = _validate(tree)
    sources = _sources(tree, base, layers)
    values = flatten(config)
    fudge = {key: text for layer in layers for key, text in layer.fudge.items()}
    warnings = _without_effect(overrides, values, base)
    return Arch(config, hash_of(config), path, values, sources, fudge, warnings)


def check_file(path: str | Path) -> list[str]:
    """Every mistake of one file and its parents, one line each; a file for others to extend may lack keys.

    A chain without a `name` is such a family file. Unlike `load_arch` this does not stop at the first mistake.
    """
    try:
        layers = read_chain(find(path))
        tree = layers[0].tree
        for layer in layers[1:]:
            tree = merge(tree, layer.tree)
        if "name" in tree.value:
            _validate(tree)
        else:
            _validate_family(tree)
        _sources(tree, tree, layers)
    except InvalidConfiguration as error:
        return list(error.problems)
    except ArchError as error:
        return [str(error)]
    return []


def is_family(path: str | Path) -> bool:
    """Whether a file only holds what several chips share: no file of its chain gives a name."""
    return all("name" not in layer.tree.value for layer in read_chain(find(path)))


def read_chain(path: Path) -> list[Layer]:
    """The files of an `extends` chain, the oldest parent first."""
    layers: list[Layer] = []
    seen: list[Path] = []
    problems: list[str] = []
    while True:
        seen.append(path.resolve())
        root = read_document(path)
        parts = dict(root.value)
        extends, sources, fudge = (parts.pop(key, None) for key in FILE_KEYS)
        source_notes, source_problems = read_notes("sources", sources)
        fudge_notes, fudge_problems = read_notes("fudge", fudge)
        problems += source_problems + fudge_problems
        layers.insert(0, Layer(shown(path), Node(parts, root.place), source_notes, fudge_notes))
        if extends is None:
            break
        if not isinstance(extends.value, str) or not extends.value:
            raise ArchError(f"{extends.place}: extends: needs the name or the path of one configuration")
        try:
            path = find(extends.value, beside=path.parent)
        except ArchError as error:
            raise ArchError(f"{extends.place}: extends: {error}") from None
        if path.resolve() in seen:
            circle = " -> ".join(file.stem for file in [*seen[seen.index(path.resolve()) :], path])
            raise ArchError(f"{extends.place}: extends: goes round in a circle: {circle}")
    if problems:
        raise InvalidConfiguration(problems)
    return layers


def flatten(config: GpuConfig) -> dict[str, Any]:
    """Every value by its dotted key, in the order of the schema."""
    flat: dict[str, Any] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, child in value.items():
                visit(child, f"{path}.{key}" if path else key)
        else:
            flat[path] = value

    visit(config.model_dump(exclude_none=True), "")
    return flat


def hash_of(config: GpuConfig) -> str:
    """SHA-256 of all values in base units, whatever their order and spelling; the name does not count."""
    values = {key: value for key, value in config.model_dump(exclude={"name"}).items() if value is not None}
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _override(key: str, text: str) -> Node:
    """The tree that holds nothing but one override."""
    origin = one_line(f"--set {key}={text}", 200)
    if not knows(key):
        raise ArchError(unknown_key(Place(origin), key))
    node = read_value(text, origin)
    field = all_keys().get(key)
    if field is not None and field.annotation is str and not isinstance(node.value, str):
        node = Node(text, node.place)  # 8.6 is a number in YAML, but a name where a name is needed
    for part in reversed(key.split(".")):
        node = Node({part: node}, node.place)
    return node


def _validate(tree: Node) -> GpuConfig:
    """The chip of a complete tree. Raises InvalidConfiguration."""
    try:
        config = GpuConfig.model_validate(tree.plain())
    except ValidationError as error:
        raise InvalidConfiguration(sentences(error, tree, partial=False)) from None
    broken = [f"{tree.nearest(tuple(key.split('.'))).place}: {key}: {text}" for key, text in findings(config)]
    if broken:
        raise InvalidConfiguration(broken)
    return config


def _validate_family(tree: Node) -> None:
    """The same for an incomplete tree: what is there must be right."""
    try:
        GpuConfig.model_validate(tree.plain())
    except ValidationError as error:
        problems = sentences(error, tree, partial=True)
        if problems:
            raise InvalidConfiguration(problems) from None


def _sources(tree: Node, base: Node, layers: list[Layer]) -> dict[str, str]:
    """The source of every value of `tree`; values that differ from `base` come from the command line."""
    found: dict[str, str] = {}
    problems: list[str] = []
    files = {layer.file for layer in layers}
    before = dict(base.leaves())
    for key, node in tree.leaves():
        if key in UNSOURCED or node.value in ({}, None):
            continue
        given = before.get(key, node)
        source = find_source(key, given.place, layers)
        if node.place.file not in files:
            found[key] = f"set by {node.place}" + (f"; configured: {source}" if source and key in before else "")
        elif source is None:
            problems.append(f"{node.place}: {key}: no source; say under 'sources:' where the value comes from")
        else:
            found[key] = source
    if problems:
        raise InvalidConfiguration(problems)
    return found


def _without_effect(overrides: Mapping[str, str] | None, values: Mapping[str, Any], base: Node) -> tuple[str, ...]:
    """A warning for each override that gives the value that was there already."""
    if not overrides:
        return ()
    try:
        before = flatten(_validate(base))
    except InvalidConfiguration:
        return ()
    warnings = []
    for key, text in overrides.items():
        inside = {k: v for k, v in values.items() if k == key or k.startswith(key + ".")}
        if inside and all(k in before and before[k] == v for k, v in inside.items()):
            warnings.append(f"--set {key}={text} changes nothing: the configuration says so already")
    return tuple(warnings)
