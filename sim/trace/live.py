"""The batches of a kernel that the core still needs, as one set of tables.

CTAs end in any order, so a batch is dropped when all of its CTAs have ended, wherever it stands. What the dropped
batches took is given back once it is more than what is left, so that both memory and copying stay in proportion to
the batches that live.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.trace.stream import CtaBatch, KernelStream
from sim.trace.tables import offsets

#: Where a warp's trace lies in the tables of `BatchTables`; a warp that is absent or executes nothing has no path.
START = np.dtype(
    [
        ("path", np.int64),  # first instruction: index into `path_row`
        ("path_end", np.int64),  # = path where there is nothing to execute
        ("access", np.int64),  # first access: index into `entries`
        ("access_end", np.int64),
        ("reference", np.int64),  # index into `kinds`, `bases`, `strides`, `extras`
        ("delta", np.int64),  # what to add to `extra` to index `deltas`
        ("pattern", np.int64),  # the same, counted from the first lane offset of the kernel: it never moves
    ],
    align=True,
)


class Move(NamedTuple):
    """By how much the places of CTAs `first` to `first` + `ctas` - 1 in the tables went down."""

    first: int
    ctas: int
    entries: int
    accesses: int
    references: int
    deltas: int


class _Column:
    """An array that grows at its end and from which spans can be taken out."""

    def __init__(self, dtype: Any) -> None:
        self._memory: NDArray[Any] = np.zeros(0, dtype=dtype)
        self._used = 0

    @property
    def values(self) -> NDArray[Any]:
        """What it holds; a view that is valid until the next change."""
        return self._memory[: self._used]

    def append(self, values: NDArray[Any]) -> None:
        end = self._used + len(values)
        if end > len(self._memory):
            grown = np.zeros(end + end // 2, dtype=self._memory.dtype)
            grown[: self._used] = self.values
            self._memory = grown
        self._memory[self._used : end] = values
        self._used = end

    def keep(self, spans: list[tuple[int, int]]) -> None:
        """Keep only these spans (start, stop), in order."""
        kept = np.concatenate([self._memory[:0], *(self._memory[start:stop] for start, stop in spans)])
        self._memory, self._used = kept, len(kept)


class _Batch:
    """A live batch: its CTAs, how many of them have ended, and where its rows lie in the tables of each length."""

    def __init__(self, first: int, ctas: int, spans: list[tuple[int, int]]) -> None:
        self.first = first
        self.ctas = ctas
        self.ended = 0
        self.spans = spans

    @property
    def bytes(self) -> int:
        return sum((stop - start) * width for (start, stop), width in zip(self.spans, _WIDTHS, strict=True))


#: Lengths of tables: path entries, accesses, references, lane offsets, warps; and the tables that have each length.
_COLUMNS: tuple[dict[str, Any], ...] = (
    {"path_row": np.int32, "path_lanes": np.int8, "path_memop": np.int8, "path_mask": np.int64},
    {"entries": np.int64},
    {"kinds": np.int8, "bases": np.int64, "strides": np.int64, "extras": np.int64},
    {"deltas": np.int64},
    {"starts": START},
)
_WIDTHS = tuple(sum(np.dtype(dtype).itemsize for dtype in columns.values()) for columns in _COLUMNS)
_ENTRIES, _ACCESSES, _REFERENCES, _DELTAS, _WARPS = range(5)


class BatchTables:
    """The live batches of a kernel, one after the other.

    Tables by length: `path_row`, `path_lanes`, `path_memop`, `path_mask` (path entries); `entries` (accesses: index of
    each one's path entry); `kinds`, `bases`, `strides`, `extras` (references); `deltas` (lane offsets); `starts`
    (warps: rows of START; those of a CTA start at `first_row`). `load_next` and `drop` replace them: take them anew
    after these. `loaded` = CTAs read so far.
    """

    def __init__(self, stream: KernelStream) -> None:
        """Nothing loaded yet."""
        self._warps_per_cta = stream.warps_per_cta
        self._batches = stream.batches()
        self._live: list[_Batch] = []
        self._columns = [{name: _Column(dtype) for name, dtype in columns.items()} for columns in _COLUMNS]
        self.loaded = 0
        self._dropped = 0  # lane offsets that were taken out so far
        self._publish()

    def _publish(self) -> None:
        entries, accesses, references, deltas, warps = self._columns
        self.path_row: NDArray[np.int32] = entries["path_row"].values
        self.path_lanes: NDArray[np.int8] = entries["path_lanes"].values
        self.path_memop: NDArray[np.int8] = entries["path_memop"].values
        self.path_mask: NDArray[np.int64] = entries["path_mask"].values
        self.entries: NDArray[np.int64] = accesses["entries"].values
        self.kinds: NDArray[np.int8] = references["kinds"].values
        self.bases: NDArray[np.int64] = references["bases"].values
        self.strides: NDArray[np.int64] = references["strides"].values
        self.extras: NDArray[np.int64] = references["extras"].values
        self.deltas: NDArray[np.int64] = deltas["deltas"].values
        self.starts: NDArray[Any] = warps["starts"].values

    @property
    def nbytes(self) -> int:
        """Bytes that the tables take, the room for their growth included."""
        return sum(column._memory.nbytes for columns in self._columns for column in columns.values())

    def load_next(self) -> bool:
        """Append the next batch of the stream; False if there is none. Raises `TraceError` where it is damaged."""
        batch = next(self._batches, None)
        if batch is None:
            return False
        refs = batch.references
        entries, accesses, references, deltas, warps = self._columns
        before = [len(next(iter(columns.values())).values) for columns in self._columns]
        warps["starts"].append(self._starts(batch, before))
        accesses["entries"].append(np.nonzero(batch.path_memop)[0] + before[_ENTRIES])
        for name, values in (
            ("path_row", batch.path_row),
            ("path_lanes", batch.path_lanes),
            ("path_memop", batch.path_memop),
            ("path_mask", batch.path_mask),
        ):
            entries[name].append(values)
        for name, column in (
            ("kinds", refs.kind),
            ("bases", refs.base),
            ("strides", refs.stride),
            ("extras", refs.extra),
        ):
            references[name].append(column)
        deltas["deltas"].append(refs.deltas)
        after = [len(next(iter(columns.values())).values) for columns in self._columns]
        self._live.append(_Batch(batch.first, batch.ctas, list(zip(before, after, strict=True))))
        self.loaded = batch.first + batch.ctas
        self._publish()
        return True

    def _starts(self, batch: CtaBatch, before: list[int]) -> NDArray[Any]:
        """The batch's rows of START, given the lengths of the tables before it."""
        path_access = offsets(batch.path_memop)[batch.path_offset]
        here = batch.warp_path >= 0
        path = batch.warp_path[here]
        starts = np.zeros(len(here), dtype=START)
        starts["path"] = starts["path_end"] = before[_ENTRIES]
        starts["path"][here] += batch.path_offset[path]
        starts["path_end"][here] += batch.path_offset[path + 1]
        starts["access"] = starts["access_end"] = before[_ACCESSES]
        starts["access"][here] += path_access[path]
        starts["access_end"][here] += path_access[path + 1]
        starts["reference"] = batch.warp_reference[:-1] + before[_REFERENCES]
        starts["delta"] = before[_DELTAS]
        starts["pattern"] = before[_DELTAS] + self._dropped
        return starts

    def first_row(self, cta: int) -> int:
        """Row of `starts` of the first warp of a CTA; the rows of its other warps follow. Raises `KeyError`."""
        batch = self._batch_of(cta)
        return batch.spans[_WARPS][0] + (cta - batch.first) * self._warps_per_cta

    def _batch_of(self, cta: int) -> _Batch:
        for batch in reversed(self._live):
            if batch.first <= cta < batch.first + batch.ctas:
                return batch
        raise KeyError(f"CTA {cta:,} is not loaded")

    def release(self, ctas: Iterable[int]) -> None:
        """Tell that these CTAs have ended, each one once. Raises `KeyError` for one that is not loaded."""
        for cta in ctas:
            self._batch_of(int(cta)).ended += 1

    def drop(self) -> list[Move]:
        """Take batches whose CTAs have all ended out of the tables, if they are more than half of them.

        Returns the moves of the batches that stay, for whoever holds places in the tables (`Windows.shift`); nothing
        moved if there are none, or if nothing was dropped.
        """
        ended = sum(batch.bytes for batch in self._live if batch.ended == batch.ctas)
        if 2 * ended <= sum(batch.bytes for batch in self._live):
            return []
        kept = [batch for batch in self._live if batch.ended < batch.ctas]
        for i, columns in enumerate(self._columns):
            for column in columns.values():
                column.keep([batch.spans[i] for batch in kept])
        deltas_before = sum(stop - start for start, stop in (batch.spans[_DELTAS] for batch in self._live))
        self._live = kept
        ends = [0] * len(_COLUMNS)
        moves = []
        for batch in kept:
            lengths = [stop - start for start, stop in batch.spans]
            by = [start - end for (start, _), end in zip(batch.spans, ends, strict=True)]
            batch.spans = [(end, end + length) for end, length in zip(ends, lengths, strict=True)]
            ends = [end + length for end, length in zip(ends, lengths, strict=True)]
            moves.append(Move(batch.first, batch.ctas, by[0], by[1], by[2], by[3]))
            self._shift(batch, moves[-1])
        self._dropped += deltas_before - ends[_DELTAS]
        self._publish()
        return moves

    def _shift(self, batch: _Batch, move: Move) -> None:
        """Let the tables' own places follow."""
        self._columns[_ACCESSES]["entries"].values[slice(*batch.spans[_ACCESSES])] -= move.entries
        starts = self._columns[_WARPS]["starts"].values[slice(*batch.spans[_WARPS])]
        for name, by in (
            ("path", move.entries),
            ("path_end", move.entries),
            ("access", move.accesses),
            ("access_end", move.accesses),
            ("reference", move.references),
            ("delta", move.deltas),
        ):
            starts[name] -= by
