"""The live batches of a kernel: what a warp needs is found, wherever dropping other batches has moved it."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.trace import KernelTrace, stream
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT
from sim.trace.expand import Windows
from sim.trace.listing import parse_listing
from sim.trace.live import BatchTables
from sim.trace.repeat import repeat_stream
from sim.trace.window import WINDOW_ACCESSES, free_access, start_stream
from tests.trace.expanded import expand
from tests.trace.random_kernels import kernels
from tests.trace.test_expand import Access, as_access, as_accesses


def assert_in_place(tables: BatchTables, kernel: KernelTrace, cta: int) -> None:
    """What the tables hold for the warps of a CTA is what the kernel holds."""
    memops = (kernel.path_references > 0).astype(np.int64)
    for i in range(kernel.warps_per_cta):
        start = tables.starts[tables.first_row(cta) + i]
        warp = cta * kernel.warps_per_cta + i
        path = int(kernel.warp_path[warp])
        own = slice(*kernel.path_offset[path : path + 2]) if path >= 0 else slice(0, 0)
        held = slice(int(start["path"]), int(start["path_end"]))
        assert tables.path_row[held].tolist() == kernel.path_row[own].tolist()
        assert tables.path_mask[held].tolist() == kernel.path_mask[own].tolist()
        assert tables.path_lanes[held].tolist() == kernel.path_lanes[own].tolist()
        assert tables.path_memop[held].tolist() == memops[own].tolist()
        accesses = tables.entries[int(start["access"]) : int(start["access_end"])]
        assert (accesses - held.start).tolist() == np.nonzero(memops[own])[0].tolist()
        refs = kernel.references
        places = slice(int(kernel.warp_reference[warp]), int(kernel.warp_reference[warp + 1]))
        count = places.stop - places.start
        here = slice(int(start["reference"]), int(start["reference"]) + count)
        for ours, theirs in ((tables.kinds, refs.kind), (tables.bases, refs.base), (tables.strides, refs.stride)):
            assert ours[here].tolist() == theirs[places].tolist()
        for k in range(count):
            kind = int(refs.kind[places.start + k])
            if kind in (TWO_SEGMENT, EXPLICIT):
                mine = int(tables.extras[here.start + k]) + int(start["delta"])
                right = int(refs.extra[places.start + k])
                assert tables.deltas[mine : mine + 2].tolist() == refs.deltas[right : right + 2].tolist()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(kernels(ctas=8), st.sampled_from([1, 2, 3]), st.lists(st.integers(-2, 7), max_size=20))
def test_every_live_warp_is_found(kernel: KernelTrace, size: int, plan: list[int]) -> None:
    with patch.object(stream, "CTAS_PER_BATCH", size):
        tables = BatchTables(kernel.stream())
        live: set[int] = set()
        for step in plan:
            before = {cta: tables.starts[tables.first_row(cta)].copy() for cta in live}
            if step == -1:
                loaded = tables.loaded
                assert tables.load_next() == (loaded < 8)
                live |= set(range(loaded, tables.loaded))
            elif step == -2:
                moves = tables.drop()
                for cta in live if moves else ():
                    (move,) = (m for m in moves if m.first <= cta < m.first + m.ctas)
                    now = tables.starts[tables.first_row(cta)]
                    by = (move.entries, move.accesses, move.references, move.deltas)
                    names = ("path", "access", "reference", "delta")
                    assert tuple(int(before[cta][name] - now[name]) for name in names) == by
                    assert now["pattern"] == before[cta]["pattern"]
            elif step in live:
                tables.release([step])
                live.remove(step)
            for cta in live:
                assert_in_place(tables, kernel, cta)


def run(kernel: KernelTrace, places: int, order: list[int]) -> list[list[Access]]:
    """Run CTAs in a few places; `order` says in which place the next CTA ends. Returns each warp's accesses."""
    per_cta = kernel.warps_per_cta
    tables = BatchTables(kernel.stream())
    windows = Windows(places * per_cta, kernel)
    found: list[list[Access]] = [[] for _ in range(kernel.cta_count * per_cta)]
    running = [-1] * places
    following, step = 0, 0
    while following < kernel.cta_count or max(running) >= 0:
        for place in [p for p in range(places) if running[p] < 0]:
            if following == kernel.cta_count:
                continue
            while tables.loaded <= following:
                tables.load_next()
            for i in range(per_cta):
                start = tables.starts[tables.first_row(following) + i]
                start_stream(windows.streams[place * per_cta + i], start, following * per_cta + i)
            running[place], following = following, following + 1
        windows.refill(tables, 0, len(windows.streams))
        ending = order[step % len(order)] % places
        step += 1
        for place in range(places):
            # A place that does not end in this step goes on by an access only.
            while running[place] >= 0:
                slots = range(place * per_cta, (place + 1) * per_cta)
                if sum(advance(windows, found, w) for w in slots) == 0:
                    tables.release([running[place]])
                    running[place] = -1
                elif place != ending:
                    break
                windows.refill(tables, slots.start, slots.stop)
        windows.shift(tables.drop())
    return found


def advance(windows: Windows, found: list[list[Access]], w: int) -> int:
    """Take the next access of a slot if it has one."""
    slot = windows.streams[w]
    if slot["made"] == slot["freed"]:
        return 0
    memop = windows.memops[w * WINDOW_ACCESSES + int(slot["freed"]) % WINDOW_ACCESSES]
    found[int(slot["number"])].append(as_access(memop, windows.lines))
    free_access(slot, memop)
    return 1


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    kernels(ctas=7, repeats=12), st.sampled_from([1, 2, 3]), st.integers(1, 4), st.lists(st.integers(0, 3), min_size=1)
)
def test_windows_follow_the_tables(kernel: KernelTrace, size: int, places: int, order: list[int]) -> None:
    with patch.object(stream, "CTAS_PER_BATCH", size):
        assert run(kernel, places, order) == as_accesses(expand(kernel))


def test_patterns_of_other_batches_are_not_taken_for_the_same() -> None:
    """Equal places in the tables, other lane offsets: what is kept of the last access must not be repeated."""
    kernel = parse_listing(".grid 2\nLDG.E R1, [R2.64] {0x1000 0x5000 0x1010 0x3000} {mask=0xf}").kernels[0]
    refs = kernel.references
    deltas = np.concatenate([refs.deltas, 2 * refs.deltas])
    kernel = replace(kernel, references=replace(refs, extra=np.array([0, 4]), deltas=deltas))
    right = as_accesses(expand(kernel))
    assert right[0] != right[1]
    with patch.object(stream, "CTAS_PER_BATCH", 1):
        assert run(kernel, 1, [0]) == right


def streamed(times: int, straggler: bool) -> int:
    """Most bytes of tables while the CTAs of a big launch end in order, in all of it but the last two batches."""
    kernel = parse_listing(".grid 64\nLDG.E R1, [R2.64] {0x1000 0x5000 0x1010 0x3000} {mask=0xf}").kernels[0]
    tables = BatchTables(repeat_stream(kernel, times, 1 << 20))
    most = 0
    done = 0
    while tables.load_next():
        tables.release(range(max(done, int(straggler)), tables.loaded))
        done = tables.loaded
        tables.drop()
        most = max(most, tables.nbytes)
        if straggler:
            assert tables.bases[int(tables.starts[tables.first_row(0)]["reference"])] == 0x1000
    return most


@pytest.mark.parametrize("straggler", [False, True])
def test_memory_does_not_grow_with_the_launch(straggler: bool) -> None:
    with patch("sim.trace.repeat.CTAS_PER_BATCH", 256):
        few = streamed(20, straggler)
        assert few <= streamed(200, straggler) <= few


def test_unknown_ctas_are_refused() -> None:
    tables = BatchTables(parse_listing(".grid 2\nNOP").kernels[0].stream())
    with pytest.raises(KeyError, match="CTA 0 is not loaded"):
        tables.first_row(0)
    assert tables.load_next() and not tables.load_next()
    with pytest.raises(KeyError, match="CTA 2 is not loaded"):
        tables.release([0, 2])
    assert tables.drop() == []
    tables.release([1])
    assert tables.drop() == [] and len(tables.starts) == 0 and tables.nbytes == 0
