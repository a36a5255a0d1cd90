"""DRAM devices of arch_configs/dram: one file per kind, validated, with a source for every value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from sim.arch.document import Node, read_document, shown
from sim.arch.problems import sentences
from sim.arch.registry import find
from sim.arch.schema_base import keys
from sim.arch.schema_dram import DramDevice
from sim.arch.sources import UNSOURCED, Layer, find_source, read_notes
from sim.arch.units import SIZE
from sim.errors import ArchError

_KEYS = dict(keys(DramDevice))
#: Keys that say in words what the file is about.
_WORDS = (*UNSOURCED, "channel")


@dataclass(frozen=True)
class DramPreset:
    """A kind of DRAM, ready to be lowered for a chip."""

    device: DramDevice
    path: Path
    #: The source of every value by its dotted key.
    sources: Mapping[str, str] = field(repr=False)


def load_dram(kind: str | Path) -> DramPreset:
    """The device of that name in arch_configs/dram, or of that file. Raises ArchError with file and line."""
    path = find(kind, "dram")
    root = read_document(path)
    parts = dict(root.value)
    notes, problems = read_notes("sources", parts.pop("sources", None), _KEYS)
    tree = Node(parts, root.place)
    try:
        device = DramDevice.model_validate(tree.plain())
    except ValidationError as error:
        raise ArchError((problems + sentences(error, tree, False, _KEYS))[0]) from None
    problems += [f"{tree.nearest(tuple(key.split('.'))).place}: {key}: {text}" for key, text in _findings(device)]
    layer = Layer(shown(path), tree, notes, {})
    sources: dict[str, str] = {}
    for key, node in tree.leaves():
        source = find_source(key, node.place, [layer])
        if source is not None:
            sources[key] = source
        elif key not in _WORDS:
            problems.append(f"{node.place}: {key}: no source; say under 'sources:' where the value comes from")
    if problems:
        raise ArchError(problems[0])
    return DramPreset(device, path, sources)


def _findings(device: DramDevice) -> Iterator[tuple[str, str]]:
    """Rules that tie keys together: the key to correct, and what is wrong with it."""
    bits = device.width * device.burst_length
    if device.atom * 8 != bits:
        yield "atom", f"{device.width} pins x {device.burst_length} bits are {SIZE.format(bits // 8)}"
    if device.burst_length % device.clock_ratio:
        yield "clock_ratio", f"{device.burst_length} bits are no whole number of command clocks"
    if device.row % device.atom:
        yield "row", f"{SIZE.format(device.row)} hold no whole number of atoms ({SIZE.format(device.atom)})"
    powers = {
        "atom": device.atom,
        "bank_groups": device.bank_groups,
        "banks_per_group": device.banks_per_group,
        "row": device.row,
    }
    for key, value in powers.items():
        if value & (value - 1):
            yield key, f"{value} is no power of two: address bits choose it"
    if (device.refresh.per_bank is None) != (device.refresh.per_bank_gap is None):
        yield "refresh.per_bank", "per_bank and per_bank_gap belong together"
