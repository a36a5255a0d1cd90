"""A list of kernels that reads each one when it is asked for."""

from collections.abc import Callable, Sequence
from typing import overload

from sim.trace.model import KernelTrace


class LazyKernels(Sequence[KernelTrace]):
    """Kernels behind a reader; the one that was asked for last is kept, so memory holds one at a time."""

    def __init__(self, count: int, read: Callable[[int], KernelTrace]) -> None:
        """`read(i)` gives kernel i of `count`."""
        self._count = count
        self._read = read
        self._last: tuple[int, KernelTrace] | None = None

    def __len__(self) -> int:
        """Number of kernels; reads nothing."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> KernelTrace: ...

    @overload
    def __getitem__(self, index: slice) -> list[KernelTrace]: ...

    def __getitem__(self, index: int | slice) -> KernelTrace | list[KernelTrace]:
        """Kernel `index`, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        place = range(self._count)[index]
        if self._last is None or self._last[0] != place:
            self._last = (place, self._read(place))
        return self._last[1]
