"""The hash of what a kernel is, made batch by batch.

It depends on the header's launch facts, the code, each warp's path (static rows and masks) and each warp's addresses
as descriptors with the lane offsets that they use. It does not depend on how CTAs lie in batches, on which warps share
a path, on which references share offsets, or on the file format.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sim.isa.control import format_text
from sim.isa.memory import reference_count
from sim.trace.model import KernelHeader, StaticRow
from sim.trace.stream import CtaBatch
from sim.trace.tables import pattern_lengths, spread

_PATH_BYTES = 16
_COLUMNS = ("path", "kind", "base", "stride", "offset")


class ContentHash:
    """SHA-256 of a kernel: `add` its batches in launch order, then ask for `hexdigest`."""

    def __init__(self, header: KernelHeader, static: list[StaticRow]) -> None:
        """Of a kernel with this header and code."""
        self._rows = np.array([reference_count(row.instruction) for row in static], dtype=np.int8)
        self._digest = hashlib.sha256()
        self._columns = {name: hashlib.sha256() for name in _COLUMNS}
        facts = (
            header.name,
            header.grid,
            header.block,
            header.shared_bytes,
            header.registers,
            header.sm,
            header.shared_base,
            header.local_base,
            header.has_control_bits,
        )
        self._digest.update(repr(facts).encode())
        for row in static:
            control = "" if row.control is None else format_text(row.control)
            self._digest.update(f"{row.pc:x} {control} {row.sass}\n".encode())

    def add(self, batch: CtaBatch) -> None:
        """Take the next batch in."""
        refs = batch.references
        self._columns["path"].update(_path_digests(batch)[batch.warp_path].tobytes())
        for name, column in (("kind", refs.kind), ("base", refs.base), ("stride", refs.stride)):
            self._columns[name].update(np.ascontiguousarray(column).data)
        lengths = pattern_lengths(batch, refs.kind, self._rows)
        used = np.nonzero(lengths)[0]
        if len(used):
            values = refs.deltas[spread(refs.extra[used], lengths[used])]
            self._columns["offset"].update(values.data)

    def hexdigest(self) -> str:
        """The hash of what was added, 64 hex digits."""
        digest = self._digest.copy()
        for name in _COLUMNS:
            digest.update(self._columns[name].digest())
        return digest.hexdigest()


def content_hash(header: KernelHeader, static: list[StaticRow], batches: Iterable[CtaBatch]) -> str:
    """The hash of a kernel; takes all of its batches."""
    digest = ContentHash(header, static)
    for batch in batches:
        digest.add(batch)
    return digest.hexdigest()


def _path_digests(batch: CtaBatch) -> NDArray[np.uint8]:
    """A digest of each path [P+1, 16]; the last row serves warps that are absent."""
    paths = len(batch.path_offset) - 1
    digests = np.zeros((paths + 1, _PATH_BYTES), dtype=np.uint8)
    bounds = batch.path_offset.tolist()
    for i in range(paths):
        start, stop = bounds[i], bounds[i + 1]
        digest = hashlib.sha256(batch.path_row[start:stop].tobytes())
        digest.update(batch.path_mask[start:stop].tobytes())
        digests[i] = np.frombuffer(digest.digest(), dtype=np.uint8, count=_PATH_BYTES)
    return digests
