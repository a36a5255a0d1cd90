"""Reader of version 1 of the container `.twt`: one table of paths and one of lane offsets for the whole kernel.

kernel-00001/static     one row per instruction of the code
kernel-00001/paths      one row per distinct path: static rows and active masks
kernel-00001/ctas       one row per CTA in launch order, some hundred in a batch: its warps' paths and references
kernel-00001/deltas     lane offsets, batch by batch what the CTAs of that batch use first
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.trace.check import check_kernel
from sim.trace.damage import ADVICE
from sim.trace.model import KernelHeader, KernelTrace, References
from sim.trace.static_table import SCHEMA, from_table

COUNTS = ("static", "paths", "entries", "warps", "references", "deltas")
_PATHS = pa.schema([("rows", pa.large_list(pa.int32())), ("masks", pa.large_list(pa.uint32()))])
_CTAS = pa.schema(
    [
        ("warp_path", pa.list_(pa.int32())),
        ("references", pa.list_(pa.int32())),
        ("kind", pa.large_list(pa.int8())),
        ("base", pa.large_list(pa.int64())),
        ("stride", pa.large_list(pa.int64())),
        ("extra", pa.large_list(pa.int64())),
    ]
)
_DELTAS = pa.schema([("delta", pa.int64())])


def read_kernel(
    archive: zipfile.ZipFile, path: Path, index: int, header: KernelHeader, counts: dict[str, int]
) -> KernelTrace:
    """The whole kernel number `index` (from 0). Raises `TraceError` where its tables do not fit together."""
    where = f"{path}: kernel {index + 1} ({header.name})"

    def table(name: str, schema: pa.Schema) -> pa.Table:
        with archive.open(f"kernel-{index + 1:05d}/{name}") as source, pa.ipc.open_stream(source.read()) as reader:
            if not reader.schema.equals(schema):
                raise TraceError(f"{where}: table {name} has other columns than version 1: {ADVICE}")
            return reader.read_all().combine_chunks()

    def flat(column: pa.ChunkedArray, dtype: Any) -> NDArray[Any]:
        values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.array(values, dtype=dtype)  # a copy: Arrow's buffers are read-only, compiled code wants plain arrays

    static = from_table(table("static", SCHEMA))
    paths = table("paths", _PATHS)
    ctas = table("ctas", _CTAS)
    deltas = table("deltas", _DELTAS)["delta"].to_numpy().astype(np.int64)
    lengths = paths["rows"].combine_chunks().value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    path_offset = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    per_warp = flat(ctas["references"], np.int64)
    if len(per_warp) and int(per_warp.min()) < 0:
        raise TraceError(f"{where}: a warp has {int(per_warp.min())} addresses: {ADVICE}")
    kernel = KernelTrace(
        header=header,
        static=static,
        path_offset=path_offset,
        path_row=flat(paths["rows"], np.int32),
        path_mask=flat(paths["masks"], np.uint32),
        warp_path=flat(ctas["warp_path"], np.int32),
        warp_reference=np.concatenate([[0], np.cumsum(per_warp)]).astype(np.int64),
        references=References(
            kind=flat(ctas["kind"], np.int8),
            base=flat(ctas["base"], np.int64),
            stride=flat(ctas["stride"], np.int64),
            extra=flat(ctas["extra"], np.int64),
            deltas=deltas,
        ),
    )
    for name, found in _counts(kernel).items():
        if found != counts[name]:
            raise TraceError(f"{where}: promises {counts[name]:,} {name}, {found:,} follow: {ADVICE}")
    check_kernel(kernel, where)
    return kernel


def _counts(kernel: KernelTrace) -> dict[str, int]:
    values = (
        len(kernel.static),
        len(kernel.path_offset) - 1,
        len(kernel.path_row),
        len(kernel.warp_path),
        len(kernel.references),
        len(kernel.references.deltas),
    )
    return dict(zip(COUNTS, values, strict=True))
