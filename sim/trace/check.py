"""Whether the tables of a kernel fit together: what a reader of foreign files must know before the core trusts them."""

import numpy as np
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT, UNKNOWN
from sim.trace.model import KernelTrace

_ADVICE = "the file is damaged: write it again with `tickwise import`"


def check_kernel(kernel: KernelTrace, where: str) -> None:
    """Raise `TraceError` if an index, a length or an offset of the kernel points outside its table."""
    paths, entries = len(kernel.path_offset) - 1, len(kernel.path_row)
    offset = kernel.path_offset
    _need(paths >= 0 and int(offset[0]) == 0 and int(offset[-1]) == entries, where, "path table is cut off")
    _need(bool((np.diff(offset) >= 0).all()), where, "paths overlap")
    _need(len(kernel.path_mask) == entries, where, f"{entries:,} path rows, {len(kernel.path_mask):,} masks")
    if entries:
        rows = kernel.path_row
        _need(
            int(rows.min()) >= 0 and int(rows.max()) < len(kernel.static),
            where,
            f"a path names static row {int(rows.max()):,} of {len(kernel.static):,}",
        )
    warps = kernel.header.ctas * kernel.header.warps_per_cta
    _need(
        len(kernel.warp_path) == warps and len(kernel.warp_reference) == warps + 1,
        where,
        f"the launch has {warps:,} warps, {len(kernel.warp_path):,} follow",
    )
    if warps:
        _need(
            int(kernel.warp_path.min()) >= -1 and int(kernel.warp_path.max()) < paths,
            where,
            f"a warp takes path {int(kernel.warp_path.max()):,} of {paths:,}",
        )
    _check_references(kernel, where)


def _check_references(kernel: KernelTrace, where: str) -> None:
    refs = kernel.references
    per_entry = np.concatenate([[0], np.cumsum(kernel.path_references, dtype=np.int64)])
    per_path = np.concatenate([np.diff(per_entry[kernel.path_offset]), [0]])  # the last one serves path -1
    promised, found = per_path[kernel.warp_path], np.diff(kernel.warp_reference)
    wrong = np.nonzero(promised != found)[0]
    if len(wrong):
        warp = int(wrong[0])
        raise TraceError(
            f"{where}: warp {warp:,} promises {int(promised[warp]):,} addresses, {int(found[warp]):,} follow: {_ADVICE}"
        )
    count = int(kernel.warp_reference[-1])
    same = {len(table) for table in (refs.kind, refs.base, refs.stride, refs.extra)}
    _need(same == {count}, where, f"{count:,} addresses are promised, {sorted(same)} follow")
    if not count:
        return
    _need(int(refs.kind.min()) >= 0 and int(refs.kind.max()) <= UNKNOWN, where, "unknown kind of address")
    needs = np.where(refs.kind == TWO_SEGMENT, 2, 0)
    if (refs.kind == EXPLICIT).any():
        places = np.nonzero(refs.kind == EXPLICIT)[0]
        needs[places] = _lanes_of_references(kernel)[places]
    extra = refs.extra
    beyond = (needs > 0) & ((extra < 0) | (extra + needs > len(refs.deltas)))
    _need(not bool(beyond.any()), where, "an address points behind the table of lane offsets")
    _need(int(refs.base.min()) >= 0, where, "an address is negative")


def _lanes_of_references(kernel: KernelTrace) -> NDArray[np.int8]:
    """Active lanes behind each reference."""
    counts = kernel.path_references.astype(np.int64)
    lanes = np.repeat(kernel.path_lanes, counts)
    bounds = np.concatenate([[0], np.cumsum(counts)])[kernel.path_offset]
    present = kernel.warp_path[kernel.warp_path >= 0].tolist()
    return np.concatenate([lanes[:0], *(lanes[bounds[p] : bounds[p + 1]] for p in present)])


def _need(holds: bool, where: str, problem: str) -> None:
    if not holds:
        raise TraceError(f"{where}: {problem}: {_ADVICE}")
