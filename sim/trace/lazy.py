"""Sequences of kernels that read each one when it is asked for, and the two views of a trace: whole, and as streams."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from sim.trace.model import KernelTrace

if TYPE_CHECKING:
    from sim.trace.stream import KernelStream

_T = TypeVar("_T")


class Lazy(Sequence[_T]):
    """Items behind a reader; the one that was asked for last is kept, so memory holds one at a time."""

    def __init__(self, count: int, read: Callable[[int], _T]) -> None:
        """`read(i)` gives item i of `count`."""
        self._count = count
        self._read = read
        self._last: tuple[int, _T] | None = None

    def __len__(self) -> int:
        """Number of items; reads nothing."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> list[_T]: ...

    def __getitem__(self, index: int | slice) -> _T | list[_T]:
        """Item `index`, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        place = range(self._count)[index]
        last = self._last
        if last is None or last[0] != place:
            last = self._last = (place, self._read(place))
        return last[1]


class LazyKernels(Lazy[KernelTrace]):
    """Whole kernels, read one at a time."""


class Loaded(Lazy[KernelTrace]):
    """The kernels of some streams, each loaded whole when it is asked for."""

    def __init__(self, streams: "Sequence[KernelStream]") -> None:
        """`streams` stays what a trace gives to those who read batch by batch."""
        super().__init__(len(streams), lambda i: streams[i].load())
        self.streams = streams


def streams_of(kernels: Sequence[KernelTrace]) -> "Sequence[KernelStream]":
    """Kernels as streams: those behind `kernels` if there are some, else cut from the tables."""
    if isinstance(kernels, Loaded):
        return kernels.streams
    return Lazy(len(kernels), lambda i: kernels[i].stream())
