"""Addresses of one executed memory access, as small descriptors (core reference §11.1).

The lanes that count are those of the active mask. A descriptor is (kind, base, stride, extra): `base` is the address of
the first active lane, and `extra` points into a flat table of integers for the two kinds that need more than a stride.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: One address for all lanes.
UNIFORM = 0
#: base + stride * (lane - first active lane).
AFFINE = 1
#: Affine up to a lane, then affine with the same stride from another base; extra: [first lane after the gap, second
#: base - base].
TWO_SEGMENT = 2
#: extra: address - base of every active lane in order.
EXPLICIT = 3
#: The trace holds no address for this reference.
UNKNOWN = 4

#: (kind, base, stride, extra integers)
Descriptor = tuple[int, int, int, tuple[int, ...]]

NO_ADDRESS: Descriptor = (UNKNOWN, 0, 0, ())


@lru_cache(maxsize=4096)
def lanes_of(mask: int) -> tuple[int, ...]:
    """Active lanes of a mask in order."""
    return tuple(lane for lane in range(32) if mask >> lane & 1)


def describe(addresses: Sequence[int], mask: int) -> Descriptor:
    """The most compact descriptor of one address per active lane."""
    lanes = lanes_of(mask)
    if len(addresses) != len(lanes):
        raise ValueError(f"{len(addresses)} addresses for {len(lanes)} active lanes")
    base = addresses[0]
    if len(lanes) == 1:
        return UNIFORM, base, 0, ()
    step = addresses[1] - base
    gap = lanes[1] - lanes[0]
    if step % gap == 0:
        stride = step // gap
        if len(lanes) > 3 and not any(_continues(addresses, lanes, i, stride) for i in (2, 3)):
            return EXPLICIT, base, 0, tuple([a - base for a in addresses])
        expected = [base + stride * (lane - lanes[0]) for lane in lanes]
        if list(addresses) == expected:
            return (AFFINE, base, stride, ()) if stride else (UNIFORM, base, 0, ())
        split = next(i for i, (a, b) in enumerate(zip(addresses, expected, strict=True)) if a != b)
        second = addresses[split]
        if list(addresses[split:]) == [second + stride * (lane - lanes[split]) for lane in lanes[split:]]:
            return TWO_SEGMENT, base, stride, (lanes[split], second - base)
    return EXPLICIT, base, 0, tuple([a - base for a in addresses])


def _continues(addresses: Sequence[int], lanes: Sequence[int], i: int, stride: int) -> bool:
    """Whether active lane number i follows its predecessor by the stride."""
    return addresses[i] - addresses[i - 1] == stride * (lanes[i] - lanes[i - 1])


def addresses_of(kind: int, base: int, stride: int, extra: Sequence[int], mask: int) -> NDArray[np.int64] | None:
    """The address of every active lane of a descriptor, None if it is unknown."""
    lanes = np.array(lanes_of(mask), dtype=np.int64)
    if kind == UNIFORM:
        return np.full(len(lanes), base, dtype=np.int64)
    if kind == AFFINE:
        return np.asarray(base + stride * (lanes - lanes[0]))
    if kind == TWO_SEGMENT:
        split, second = int(extra[0]), int(extra[1])
        return np.where(lanes < split, base + stride * (lanes - lanes[0]), base + second + stride * (lanes - split))
    if kind == EXPLICIT:
        return np.asarray(base + np.array(extra[: len(lanes)], dtype=np.int64))
    return None


def extra_length(kind: int, lanes: int) -> int:
    """How many integers of the flat table a descriptor of this kind uses, for so many active lanes."""
    if kind == TWO_SEGMENT:
        return 2
    return lanes if kind == EXPLICIT else 0
