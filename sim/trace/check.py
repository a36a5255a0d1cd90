"""Whether the tables of a kernel or of a batch fit together: what a reader of foreign files must know before the core
trusts them."""

import numpy as np
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.trace.addresses import UNKNOWN
from sim.trace.model import KernelTrace, References
from sim.trace.tables import Tables, entry_references, offsets, pattern_lengths

_ADVICE = "the file is damaged: write it again with `tickwise import`"
#: First byte behind every address that data can have; a GPU's virtual addresses have at most 57 bits.
ADDRESS_SPACE = 1 << 60


def check_copy(address: int, size: int, where: str) -> None:
    """Raise `TraceError` if a copy of `size` bytes to `address` does not lie in a GPU's address space."""
    if address < 0 or size < 0 or address + size > ADDRESS_SPACE:
        raise TraceError(
            f"{where}: a copy of {size} bytes to {address:#x}: no GPU has such addresses; correct the line"
        )


def check_kernel(kernel: KernelTrace, where: str) -> None:
    """Raise `TraceError` if an index, a length or an offset of the kernel points outside its table."""
    warps = kernel.header.ctas * kernel.header.warps_per_cta
    found = len(kernel.warp_path)
    _need(found == warps, where, f"the launch has {warps:,} warps, {found:,} follow")
    check_tables(kernel, kernel.warp_reference, kernel.references, kernel.row_references, where)


def check_tables(
    tables: Tables,
    warp_reference: NDArray[np.int64],
    references: References,
    row_references: NDArray[np.int8],
    where: str,
    first_warp: int = 0,
) -> None:
    """Raise `TraceError` if an index, a length or an offset points outside its table.

    `row_references` has one entry for each row of the static table; `first_warp` is the first warp's number in the
    launch, for messages.
    """
    paths, entries = len(tables.path_offset) - 1, len(tables.path_row)
    bounds = tables.path_offset
    _need(paths >= 0 and int(bounds[0]) == 0 and int(bounds[-1]) == entries, where, "path table is cut off")
    _need(bool((np.diff(bounds) >= 0).all()), where, "paths overlap")
    _need(len(tables.path_mask) == entries, where, f"{entries:,} path rows, {len(tables.path_mask):,} masks")
    if entries:
        rows = tables.path_row
        _need(
            int(rows.min()) >= 0 and int(rows.max()) < len(row_references),
            where,
            f"a path names static row {int(rows.max()):,} of {len(row_references):,}",
        )
    warps = len(tables.warp_path)
    _need(len(warp_reference) == warps + 1, where, f"{warps:,} warps, addresses of {len(warp_reference) - 1:,} follow")
    if warps:
        _need(
            int(tables.warp_path.min()) >= -1 and int(tables.warp_path.max()) < paths,
            where,
            f"a warp takes path {int(tables.warp_path.max()):,} of {paths:,}",
        )
    _check_references(tables, warp_reference, references, row_references, where, first_warp)


def _check_references(
    tables: Tables,
    warp_reference: NDArray[np.int64],
    refs: References,
    row_references: NDArray[np.int8],
    where: str,
    first_warp: int,
) -> None:
    per_entry = offsets(entry_references(tables.path_row, tables.path_mask, row_references))
    per_path = np.concatenate([np.diff(per_entry[tables.path_offset]), [0]])  # the last one serves path -1
    promised, found = per_path[tables.warp_path], np.diff(warp_reference)
    wrong = np.nonzero(promised != found)[0]
    if len(wrong):
        warp = int(wrong[0])
        raise TraceError(
            f"{where}: warp {first_warp + warp:,} promises {int(promised[warp]):,} addresses, "
            f"{int(found[warp]):,} follow: {_ADVICE}"
        )
    count = int(warp_reference[-1])
    same = {len(table) for table in (refs.kind, refs.base, refs.stride, refs.extra)}
    _need(same == {count}, where, f"{count:,} addresses are promised, {sorted(same)} follow")
    if not count:
        return
    _need(int(refs.kind.min()) >= 0 and int(refs.kind.max()) <= UNKNOWN, where, "unknown kind of address")
    needs = pattern_lengths(tables, refs.kind, row_references)
    beyond = (needs > 0) & ((refs.extra < 0) | (refs.extra > len(refs.deltas) - needs))
    _need(not bool(beyond.any()), where, "an address points behind the table of lane offsets")
    _need(int(refs.base.min()) >= 0, where, "an address is negative")


def _need(holds: bool, where: str, problem: str) -> None:
    if not holds:
        raise TraceError(f"{where}: {problem}: {_ADVICE}")
