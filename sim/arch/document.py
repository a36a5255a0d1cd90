"""A YAML file as a tree whose every value knows the file and line it came from.

Scalars follow YAML 1.2 (only `true` and `false` are booleans, no octal or base-60 numbers), repeated keys are errors,
and size, depth and the number of values are limited, so that a hostile file (aliases of aliases of aliases) is refused
instead of expanded.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import ArchError

if TYPE_CHECKING:
    import yaml

LARGEST_FILE = 256 * 1024
MOST_VALUES = 20_000
DEEPEST = 32

_INTEGER = re.compile(r"[-+]?\d{1,20}")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d{1,3})?")
_SCALAR_TAG = re.compile(r"tag:yaml\.org,2002:[a-z]+")
_KEY = re.compile(r"\S{1,200}")
_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a file and its line, or an option of the command line (line 0)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """As it opens an error."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document: a scalar, a list of plain values, or a dictionary of nodes."""

    value: Any
    place: Place

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, "Node"]]:
        """Every value that is no group, as dotted path and node."""
        if not isinstance(self.value, dict):
            yield prefix, self
            return
        for key, child in self.value.items():
            yield from child.leaves(f"{prefix}.{key}" if prefix else key)

    def plain(self) -> Any:
        """The tree as ordinary dictionaries and lists."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        return self.value

    def nearest(self, path: tuple[str | int, ...]) -> "Node":
        """The node at `path`, or the deepest one on the way to it."""
        node = self
        for key in path:
            if not isinstance(node.value, dict) or key not in node.value:
                break
            node = node.value[key]
        return node


def merge(below: Node, above: Node) -> Node:
    """`above` over `below`: groups are merged key by key, anything else is replaced."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    merged = dict(below.value)
    for key, child in above.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return Node(merged, above.place)


def shown(path: Path) -> str:
    """`path` as errors show it: relative if it lies below the working directory."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative


def read_document(path: Path) -> Node:
    """The tree of a YAML file; its root is a group. Raises ArchError with file and line."""
    name = shown(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ArchError(f"{name}: cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST_FILE:
        raise ArchError(f"{name}: larger than {LARGEST_FILE // 1024} KiB: this is no configuration")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ArchError(f"{name}:{line}: not UTF-8 text; save the file as UTF-8") from None
    root = _Reader(name).read(text)
    if root.value is None:
        return Node({}, Place(name, 1))
    if not isinstance(root.value, dict):
        raise ArchError(f"{root.place}: a configuration is a group of keys such as 'name: ...'")
    return root


def read_value(text: str, origin: str) -> Node:
    """One value of the command line, in YAML notation; all of it is placed at `origin`."""
    if len(text) > LARGEST_FILE:
        raise ArchError(f"{origin[:80]}...: the value is too long")
    return _Reader(origin, lines=False).read(text)


class _Reader:
    """Turns PyYAML's node graph into our tree, within limits."""

    def __init__(self, file: str, lines: bool = True) -> None:
        self.file = file
        self.lines = lines
        self.values = 0

    def read(self, text: str) -> Node:
        import yaml

        try:
            graph = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1 if mark and self.lines else 0)
            raise ArchError(f"{place}: not valid YAML: {error.problem or error.context}") from None
        except yaml.YAMLError as error:
            raise ArchError(f"{self.file}: not valid YAML: {str(error).splitlines()[0]}") from None
        except RecursionError:
            raise ArchError(f"{self.file}: nested too deeply") from None
        return Node(None, Place(self.file)) if graph is None else self.tree(graph, 0)

    def place(self, node: "yaml.Node") -> Place:
        return Place(self.file, node.start_mark.line + 1 if self.lines else 0)

    def tree(self, node: "yaml.Node", depth: int, place: Place | None = None) -> Node:
        """The tree below `node`, placed where its key stands."""
        import yaml

        place = place or self.place(node)
        self.values += 1
        if self.values > MOST_VALUES:
            raise ArchError(f"{place}: more than {MOST_VALUES:,} values, aliases expanded: this is no configuration")
        if depth > DEEPEST:
            raise ArchError(f"{place}: nested deeper than {DEEPEST} levels")
        if isinstance(node, yaml.ScalarNode):
            return Node(self.scalar(node), place)
        if node.tag not in _TAGS:
            raise ArchError(f"{place}: the tag {node.tag} is not allowed")
        if isinstance(node, yaml.SequenceNode):
            return Node([self.tree(item, depth + 1).plain() for item in node.value], place)
        assert isinstance(node, yaml.MappingNode)
        group: dict[str, Node] = {}
        for key_node, child in node.value:
            where = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or not _KEY.fullmatch(key_node.value):
                raise ArchError(f"{where}: a key must be a word")
            key = key_node.value
            if key in group:
                raise ArchError(f"{where}: {key}: this key stands here twice (first: {group[key].place})")
            group[key] = self.tree(child, depth + 1, where)
        return Node(group, place)

    def scalar(self, node: "yaml.ScalarNode") -> str | int | float | bool | None:
        """The scalar after YAML 1.2's core schema."""
        text: str = node.value
        if not _SCALAR_TAG.fullmatch(node.tag):
            raise ArchError(f"{self.place(node)}: the tag {node.tag} is not allowed")
        if node.style is not None:
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text
