"""Expansion ahead of the core, in windows, gives what the expansion of the whole kernel gives."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.trace.expand import Windows
from sim.trace.listing import parse_listing
from sim.trace.live import BatchTables
from sim.trace.model import KernelTrace
from sim.trace.window import (
    LARGEST,
    LINES_PER_SLOT,
    WINDOW_ACCESSES,
    WINDOW_LINES,
    free_access,
    needs_refill,
    start_stream,
)
from tests.trace.expanded import expand
from tests.trace.random_kernels import LOCAL_BASE, SHARED_BASE, kernels
from tests.trace.test_expand import MIXED, Access, as_access, as_accesses, assert_same, model

ROOT = Path(__file__).resolve().parents[2]


class Slots:
    """A chip of as many warp slots as the kernel has warps, each holding the warp of its number."""

    def __init__(self, kernel: KernelTrace, **sizes: int) -> None:
        self.tables = BatchTables(kernel.stream())
        while self.tables.load_next():
            pass
        self.count = len(self.tables.starts)
        self.windows = Windows(self.count, kernel, **sizes)
        for w in range(self.count):
            start_stream(self.windows.streams[w], self.tables.starts[w], w)
        self.taken: list[list[Access]] = [[] for _ in range(self.count)]

    def refill(self, first: int, last: int) -> int:
        return self.windows.refill(self.tables, first, last)

    def take(self, w: int, most: int) -> int:
        """Take and free up to `most` accesses of a slot; returns how many."""
        stream = self.windows.streams[w]
        count = min(most, int(stream["made"] - stream["freed"]))
        for _ in range(count):
            memop = self.windows.memops[w * WINDOW_ACCESSES + int(stream["freed"]) % WINDOW_ACCESSES]
            first = int(memop["first"])
            begin = w * LINES_PER_SLOT
            assert begin <= first and first + int(memop["lines"]) <= begin + WINDOW_LINES
            self.taken[w].append(as_access(memop, self.windows.lines))
            free_access(stream, memop)
        return count

    def finish(self) -> list[list[Access]]:
        """Everything that is left, a whole window at a time."""
        while self.refill(0, self.count) + sum(self.take(w, WINDOW_ACCESSES) for w in range(self.count)):
            pass
        return self.taken


def rows_of_accesses(kernel: KernelTrace, path: int) -> list[int]:
    rows, masks = (table.tolist() for table in kernel.path(path))
    return [row for row, mask in zip(rows, masks, strict=True) if mask and kernel.row_references[row]]


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 4), st.integers(1, 40)), max_size=30)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(kernels(repeats=15), steps)
def test_any_order_of_refilling_and_freeing(kernel: KernelTrace, plan: list[tuple[bool, int, int, int]]) -> None:
    slots = Slots(kernel)
    for refills, first, width, count in plan:
        if refills:
            slots.refill(min(first, slots.count), min(first + width, slots.count))
        elif first < slots.count:
            slots.take(first, count)
    right = as_accesses(expand(kernel))
    for accesses, path in zip(right, kernel.warp_path.tolist(), strict=True):
        rows = rows_of_accesses(kernel, path) if path >= 0 else []
        for access, row in zip(accesses, rows, strict=True):
            if not kernel.static[row].instruction.opcode.startswith("ST"):
                access.written = None  # only stores tell it
    assert_same(slots.finish(), right)
    assert not slots.windows.streams["need"].any()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(kernels())
def test_windows_are_what_the_definitions_say(kernel: KernelTrace) -> None:
    assert_same(Slots(kernel).finish(), model(kernel))
    sizes = {"line_bytes": 64, "sector_bytes": 64, "banks": 16, "bank_bytes": 8}
    assert_same(Slots(kernel, **sizes).finish(), model(kernel, 64, 64, 16, 8))


def slots_of(text: str) -> Slots:
    return Slots(parse_listing(text).kernels[0])


def test_a_window_holds_so_many_accesses() -> None:
    slots = slots_of(".repeat 100\nLDG.E R1, [R2.64] {0x1000 + 4*lane + 128*iter}\n.end")
    assert slots.refill(0, 1) == WINDOW_ACCESSES
    assert slots.refill(0, 1) == 0
    assert slots.take(0, 1) == 1
    assert slots.refill(0, 1) == 1
    assert [list(access.lines) for warp in slots.finish() for access in warp] == [[32 + i] for i in range(100)]


def test_a_window_holds_so_many_lines() -> None:
    slots = slots_of(".repeat 20\nLDG.E R1, [R2.64] {0x1000 + 4096*lane + 128*iter}\n.end")
    assert slots.refill(0, 1) == WINDOW_LINES // 32
    assert int(slots.windows.streams[0]["need"]) == 32
    assert slots.refill(0, 1) == 0
    slots.take(0, 1)
    assert slots.refill(0, 1) == 1
    assert len(slots.finish()[0]) == 20


def test_lines_of_one_access_lie_together() -> None:
    body = "LDG.E R1, [R2.64] {0x1000 + 256*lane + 128*iter} {mask=0xfffff}"  # 20 lines: 25 times into 512
    slots = slots_of(f".repeat 60\n{body}\n.end")
    stream = slots.windows.streams[0]
    assert slots.refill(0, 1) == 25
    assert int(stream["lines_made"]) == 500
    slots.take(0, 1)  # 20 free places at the ring's start, 12 at its end
    assert slots.refill(0, 1) == 1
    assert int(stream["lines_made"]) == 532
    slots.take(0, 26)
    assert slots.refill(0, 1) == 25  # an empty ring begins anew
    assert int(stream["lines_made"]) == 1024 + 500
    assert len(slots.finish()[0]) == 60


def test_lines_that_are_not_freed_are_not_overwritten() -> None:
    gather = "LDG.E R1, [R2.64] {0x1000 + 256*lane + 128*iter}"
    slots = slots_of(f"{gather} {{mask=0xfffff}}\n.repeat 40\n{gather} {{mask=0x1fffff}}\n.end")
    assert slots.refill(0, 1) == 1 + 23  # of 20 and of 21 lines; the next one would begin anew at the ring's start
    slots.take(0, 1)
    assert slots.refill(0, 1) == 0  # where 20 places are free
    slots.take(0, 1)
    assert slots.refill(0, 1) == 1
    assert len(slots.finish()[0]) == 41


def test_the_largest_access_fits_an_empty_window() -> None:
    # 32 lanes of 32 bytes that begin within a word: 9 words of local memory each, every one in another line
    wide = "LDL.256 R4, [R2] {" + " ".join(hex(64 * lane * lane + 1) for lane in range(1, 33)) + "}"
    slots = slots_of(f".repeat 5\n{wide}\nLDG.E R1, [R2.64] {{0x1000 + 512*lane}}\n.end")
    assert max(len(access.lines) for access in slots.finish()[0]) == LARGEST
    assert len(slots.taken[0]) == 10


def test_a_warp_without_addresses_is_never_refilled() -> None:
    slots = slots_of(".block 64\n.warp 0\nNOP\n.warp 1\nLDG.E R1, [R2.64] {0x1000}\nLDG.E R1, [R2.64] {0x2000}")
    streams = slots.windows.streams
    assert [needs_refill(streams[w], 0) for w in range(2)] == [0, 1]
    assert slots.refill(0, 2) == 2
    assert [needs_refill(streams[1], taken) for taken in range(3)] == [0, 0, 0]


def test_slots_take_one_warp_after_the_other() -> None:
    kernel = parse_listing(".grid 6\nLDG.E R1, [R2.64] {0x1000 + 4*lane + 4096*cta}\nLDL R1, [R2] {8}").kernels[0]
    kernel = replace(kernel, header=replace(kernel.header, shared_base=SHARED_BASE, local_base=LOCAL_BASE))
    slots = Slots(kernel)
    alone = Windows(1, kernel)
    right = model(kernel)
    for warp in range(6):
        start_stream(alone.streams[0], slots.tables.starts[warp], warp)
        assert alone.refill(slots.tables, 0, 1) == 2
        assert [as_access(alone.memops[i], alone.lines) for i in range(2)] == right[warp]


def test_workers_have_their_own_scratch() -> None:
    kernel = parse_listing(".grid 4\nSTG.E [R2.64], R1 {0x1000 + 4*lane + 4096*cta}").kernels[0]
    slots = Slots(kernel)
    slots.windows = Windows(4, kernel, workers=2)
    for w in range(4):
        start_stream(slots.windows.streams[w], slots.tables.starts[w], w)
    assert slots.windows.refill(slots.tables, 0, 2, worker=0) == 2
    assert slots.windows.refill(slots.tables, 2, 4, worker=1) == 2
    assert_same(slots.finish(), model(kernel))


@pytest.mark.parametrize("sizes", [{"line_bytes": 96}, {"line_bytes": 256}, {"banks": 0}, {"sector_bytes": 256}])
def test_sizes_are_checked(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"power of two|sectors"):
        Windows(1, parse_listing("NOP").kernels[0], **sizes)


def test_the_interpreter_gives_the_same_windows() -> None:
    script = "import sys; sys.path.insert(0, '.'); from tests.trace.test_windows import digest; print(digest())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == digest()


def digest() -> str:
    """Hash of all records after some refilling and freeing of a listing with every kind of access."""
    slots = Slots(parse_listing(MIXED).kernels[0])
    state = hashlib.sha256()
    for round_ in range(12):
        slots.refill(0, slots.count)
        for table in (slots.windows.streams, slots.windows.memops, slots.windows.lines):
            state.update(table.tobytes())
        for w in range(slots.count):
            slots.take(w, 3 + round_ + w)
    return state.hexdigest()
