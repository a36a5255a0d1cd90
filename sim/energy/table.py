"""Energy tables: femtojoules per counted event and milliwatts, from arch_configs/energy/*.yaml.

A table may extend another one and scale what it inherits by one factor (another process); what it gives itself is
taken as it stands. Every value needs a source. Energies are kept as whole femtojoules and powers as whole milliwatts,
so that sums are exact.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sim.arch.document import Node, Place, read_document
from sim.arch.registry import find
from sim.arch.units import Dimension
from sim.energy.components import ACTIVE_SM, CONSTANT, IDLE_SM, NAMES
from sim.errors import ArchError

ENERGY = Dimension("an energy", {"fJ": 1, "pJ": 1000, "nJ": 10**6}, "12.5 pJ", {})
POWER = Dimension("a power", {"mW": 1, "W": 1000}, "32.3 W", {})
_POWER_KEYS = (CONSTANT, ACTIVE_SM, IDLE_SM)
_KEYS = ("name", "process", "extends", "scale", "power", "events")


class Value(NamedTuple):
    """A value in fJ or mW, and where it comes from."""

    amount: int
    source: str


@dataclass(frozen=True)
class EnergyTable:
    """What events and time cost: `events[component][counter]` in fJ an event, `power[component]` in mW."""

    name: str
    process: str
    power: dict[str, Value]
    events: dict[str, dict[str, Value]]


def load_table(name_or_path: str | Path) -> EnergyTable:
    """The table of that name in arch_configs/energy, or of that file. Raises ArchError with file and line."""
    return _load(find(name_or_path, "energy"), ())


def _load(path: Path, children: tuple[Path, ...]) -> EnergyTable:
    root = read_document(path)
    _check_keys(root, _KEYS)
    parent = _parent(root, path, children)
    power = dict(parent.power) if parent else {}
    events = {component: dict(values) for component, values in parent.events.items()} if parent else {}
    for key, node in _group(root, "power").items():
        _known(key, _POWER_KEYS, node.place, "power.")
        power[key] = _value(node, f"power.{key}", "value", POWER)
    for component, group in _group(root, "events").items():
        _known(component, NAMES, group.place, "events.")
        if not isinstance(group.value, dict):
            raise ArchError(f"{group.place}: events.{component}: needs a group of counters")
        for counter, node in group.value.items():
            _known(counter, _counters(), node.place, f"events.{component}.")
            events.setdefault(component, {})[counter] = _value(node, counter, "energy", ENERGY)
    for key in _POWER_KEYS:
        if key not in power:
            raise ArchError(f"{root.place}: power.{key}: missing; give it here or in a parent ('extends:')")
    return EnergyTable(_text(root, "name"), _text(root, "process"), power, events)


def _parent(root: Node, path: Path, children: tuple[Path, ...]) -> EnergyTable | None:
    """The parent's table with this file's `scale` applied to its energies; powers are not scaled."""
    extends, scale = root.value.get("extends"), root.value.get("scale")
    if extends is None:
        if scale is not None:
            raise ArchError(f"{scale.place}: scale: needs a parent ('extends:') whose energies it scales")
        return None
    try:
        above = find(str(extends.value), "energy", beside=path.parent)
    except ArchError as error:
        raise ArchError(f"{extends.place}: extends: {error}") from None
    lineage = (*children, path.resolve())
    if above.resolve() in lineage:
        raise ArchError(f"{extends.place}: extends: goes round in a circle")
    table = _load(above, lineage)
    if scale is None:
        return table
    _check_keys(scale, ("factor", "source"), "scale.")
    factor, reason = scale.value.get("factor"), _text(scale, "source", "scale.")
    if factor is None or isinstance(factor.value, bool) or not isinstance(factor.value, (int, float)):
        raise ArchError(f"{scale.place}: scale.factor: needs a number such as 0.7")
    if not 0 < factor.value < 100:
        raise ArchError(f"{factor.place}: scale.factor: {factor.value} is no sensible ratio of two energies")
    events = {
        component: {
            counter: Value(round(value.amount * factor.value), f"{value.source}; x {factor.value}: {reason}")
            for counter, value in values.items()
        }
        for component, values in table.events.items()
    }
    return EnergyTable(table.name, table.process, table.power, events)


def _counters() -> tuple[str, ...]:
    from sim.gpu.counters import COUNTERS

    return tuple(counter.name for counter in COUNTERS)


def _value(node: Node, path: str, key: str, dimension: Dimension) -> Value:
    if not isinstance(node.value, dict):
        raise ArchError(f"{node.place}: {path}: write {{{key}: {dimension.example}, source: ...}}")
    _check_keys(node, (key, "source"), f"{path}.")
    amount = node.value.get(key)
    try:
        parsed = dimension.parse(None if amount is None else amount.value)
    except ValueError as error:
        raise ArchError(f"{(amount or node).place}: {path}: {error}") from None
    if parsed < 0:
        raise ArchError(f"{(amount or node).place}: {path}: must not be negative")
    return Value(parsed, _text(node, "source", f"{path}."))


def _group(root: Node, key: str) -> dict[str, Node]:
    node = root.value.get(key)
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise ArchError(f"{node.place}: {key}: needs a group of keys")
    return dict(node.value)


def _text(node: Node, key: str, prefix: str = "") -> str:
    child = node.value.get(key)
    if child is None or not isinstance(child.value, str) or not child.value:
        raise ArchError(f"{(child or node).place}: {prefix}{key}: missing; every table and value needs one")
    return child.value


def _check_keys(node: Node, known: tuple[str, ...], prefix: str = "") -> None:
    if not isinstance(node.value, dict):
        raise ArchError(f"{node.place}: {prefix.rstrip('.')}: needs a group of keys")
    for key, child in node.value.items():
        _known(key, known, child.place, prefix)


def _known(key: str, known: tuple[str, ...], place: Place, prefix: str) -> None:
    if key in known:
        return
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    raise ArchError(f"{place}: {prefix}{key}: no such key" + (f"; did you mean {near[0]}?" if near else ""))
