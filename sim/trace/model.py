"""The tables of a trace in memory.

A kernel is a static instruction table, a list of distinct paths (which row, which lanes, in executed order), the path
of every warp in launch order, and the address references of every warp, one after the other. Warps that execute the
same stream share a path; their addresses are their own.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.isa.control import ControlWord
from sim.isa.instruction import Instruction
from sim.isa.memory import reference_count
from sim.isa.opcodes import isa_of
from sim.trace.tables import active_lanes, entry_references, instruction_counts

if TYPE_CHECKING:
    from sim.trace.stream import KernelStream

Dim3 = tuple[int, int, int]

#: Bytes of a generic window whose end the header does not show.
WINDOW_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class KernelHeader:
    """Launch facts of a kernel; sizes in bytes, `registers` per thread, bases of the generic windows (0 = unknown)."""

    name: str
    id: int = 1
    grid: Dim3 = (1, 1, 1)
    block: Dim3 = (32, 1, 1)
    shared_bytes: int = 0
    registers: int = 32
    sm: int = 86
    stream: int = 0
    shared_base: int = 0
    local_base: int = 0
    tracer_version: int = 0
    has_control_bits: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def isa(self) -> str:
        """Name of the opcode table, such as `sm_86`."""
        return isa_of(self.sm)

    @property
    def ctas(self) -> int:
        """CTAs of the grid."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def threads_per_cta(self) -> int:
        """Threads of a CTA."""
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def warps_per_cta(self) -> int:
        """Warps of a CTA, the last one perhaps partly filled."""
        return -(-self.threads_per_cta // 32)


@dataclass(frozen=True, slots=True)
class StaticRow:
    """One instruction of the kernel's code: pc in bytes, SASS text, its parsed form, control word, source line."""

    pc: int
    sass: str
    instruction: Instruction
    control: ControlWord | None
    line: int | None = None


@dataclass(frozen=True, eq=False)
class References:
    """Address references in warp order: one descriptor each (see `addresses.py`), and the table behind `extra`."""

    kind: NDArray[np.int8]
    base: NDArray[np.int64]
    stride: NDArray[np.int64]
    extra: NDArray[np.int64]
    deltas: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of references."""
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Launch:
    """What is known of a kernel launch without its warps: its header and its code."""

    header: KernelHeader
    static: list[StaticRow]

    @property
    def cta_count(self) -> int:
        """CTAs of the launch."""
        return self.header.ctas

    @property
    def warps_per_cta(self) -> int:
        """Warps of a CTA."""
        return self.header.warps_per_cta

    @cached_property
    def row_references(self) -> NDArray[np.int8]:
        """Address references of an executed instance of each static row: 0, 1, or 2 for LDGSTS."""
        return np.array([reference_count(row.instruction) for row in self.static], dtype=np.int8)


@dataclass(frozen=True, eq=False)
class KernelTrace(Launch):
    """One kernel launch.

    `path_offset` [P+1] and `path_row`, `path_mask` [N] hold the distinct paths; `warp_path` [W] gives each warp's path
    in launch order, -1 where no such warp ran; `warp_reference` [W+1] gives each warp's first entry of `references`.
    """

    path_offset: NDArray[np.int64]
    path_row: NDArray[np.int32]
    path_mask: NDArray[np.uint32]
    warp_path: NDArray[np.int32]
    warp_reference: NDArray[np.int64]
    references: References

    @cached_property
    def path_references(self) -> NDArray[np.int8]:
        """Address references of each path entry [N]; none where no lane is active."""
        return entry_references(self.path_row, self.path_mask, self.row_references)

    @cached_property
    def path_lanes(self) -> NDArray[np.int8]:
        """Active lanes of each path entry [N]."""
        return active_lanes(self.path_mask)

    @cached_property
    def _instructions(self) -> tuple[int, int]:
        return instruction_counts(self)

    @property
    def warp_instructions(self) -> int:
        """Instructions that all warps execute."""
        return self._instructions[0]

    @property
    def thread_instructions(self) -> int:
        """Instructions that all threads execute: active lanes, summed."""
        return self._instructions[1]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the content: equal for equal content, whatever file or format it came from (`content.py`)."""
        return self.stream().content_hash

    def stream(self) -> "KernelStream":
        """The kernel as batches of CTAs, cut from the tables when they are asked for."""
        from sim.trace.stream import stream_of

        return stream_of(self)

    def path(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        """Rows and masks of one path."""
        start, stop = int(self.path_offset[index]), int(self.path_offset[index + 1])
        return self.path_row[start:stop], self.path_mask[start:stop]


@dataclass(frozen=True, eq=False)
class Trace:
    """A file or a list of kernels; `kernels` may read each one, whole, when it is asked for."""

    path: str
    source: str
    kernels: Sequence[KernelTrace]
    memcpys: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of_streams(
        cls, path: str, source: str, streams: "Sequence[KernelStream]", memcpys: list[tuple[int, int]] | None = None
    ) -> "Trace":
        """A trace of kernels that are read batch by batch."""
        from sim.trace.lazy import Loaded

        return cls(path, source, Loaded(streams), memcpys or [])

    @cached_property
    def streams(self) -> "Sequence[KernelStream]":
        """The kernels to be read batch by batch, each one opened when it is asked for."""
        from sim.trace.lazy import streams_of

        return streams_of(self.kernels)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the content of all kernels and copies; reads those kernels whose hash is not known yet."""
        from sim.trace.lazy import Loaded

        digest = hashlib.sha256(repr(self.memcpys).encode())
        for kernel in self.streams if isinstance(self.kernels, Loaded) else self.kernels:
            digest.update(kernel.content_hash.encode())
        return digest.hexdigest()

    def __iter__(self) -> Iterator[KernelTrace]:
        """The kernels in launch order."""
        for i in range(len(self.kernels)):
            yield self.kernels[i]


def generic_windows(header: KernelHeader) -> tuple[tuple[int, int], tuple[int, int]]:
    """(start, end) of the shared and of the local window among generic addresses (core reference §11.1).

    Everything is shared where a base is unknown; the lower window ends where the other begins.
    """
    shared, local = header.shared_base, header.local_base
    if shared == 0 or local == 0:
        return (0, 1 << 62), (0, 0)
    return (
        (shared, local if local > shared else shared + WINDOW_BYTES),
        (local, shared if shared > local else local + WINDOW_BYTES),
    )
