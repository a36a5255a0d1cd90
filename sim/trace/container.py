"""The container `.twt`: a ZIP of a manifest and, for each kernel, four Arrow streams compressed with zstd.

    manifest.json           format, version, copies, and the header and the table lengths of each kernel
    kernel-00001/static     one row per instruction of the code
    kernel-00001/paths      one row per distinct path: static rows and active masks
    kernel-00001/ctas       one row per CTA in launch order, some hundred in a batch: its warps' paths and references
    kernel-00001/deltas     lane offsets, batch by batch what the CTAs of that batch use first

A reader can therefore take CTA batches in launch order without the rest. Files are written beside their place and moved
there when they are whole; equal traces give equal bytes.
"""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.trace.check import check_kernel
from sim.trace.lazy import LazyKernels
from sim.trace.model import KernelHeader, KernelTrace, References, Trace
from sim.trace.static_table import SCHEMA, from_table, to_batch

FORMAT = "tickwise-trace"
VERSION = 1
_MANIFEST = "manifest.json"
_REFERENCES_PER_BATCH = 1 << 16
_CTAS_PER_BATCH = 1 << 12
#: Every member carries this time, so that a trace's bytes depend on its content only.
_TIME = (1980, 1, 1, 0, 0, 0)
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
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
_T = TypeVar("_T")
_COUNTS = ("static", "paths", "entries", "warps", "references", "deltas")
_ADVICE = "write it again with `tickwise import`"


def write_twt(trace: Trace, path: str | Path) -> None:
    """Write a trace to a `.twt` file, all or nothing; kernels are read one after the other."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            kernels = []
            for number, kernel in enumerate(trace, start=1):
                _write_kernel(archive, number, kernel)
                kernels.append({**asdict(kernel.header), "counts": _counts(kernel)})
            manifest = {
                "format": FORMAT,
                "version": VERSION,
                "recorded_from": trace.source,
                "memcpys": trace.memcpys,
                "kernels": kernels,
            }
            archive.writestr(zipfile.ZipInfo(_MANIFEST, _TIME), json.dumps(manifest, indent=1))
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def read_twt(path: str | Path) -> Trace:
    """The trace in a `.twt` file; its kernels are read and checked when they are asked for."""
    path = Path(path)
    manifest = _manifest(path)
    headers = [_header(path, entry) for entry in manifest["kernels"]]

    def read(index: int) -> KernelTrace:
        return _guarded(path, lambda archive: _read_kernel(archive, path, index, *headers[index]))

    copies = [(int(address), int(size)) for address, size in manifest["memcpys"]]
    return Trace(str(path), "tickwise", LazyKernels(len(headers), read), copies)


def _counts(kernel: KernelTrace) -> dict[str, int]:
    values = (
        len(kernel.static),
        len(kernel.path_offset) - 1,
        len(kernel.path_row),
        len(kernel.warp_path),
        len(kernel.references),
        len(kernel.references.deltas),
    )
    return dict(zip(_COUNTS, values, strict=True))


def _write_kernel(archive: zipfile.ZipFile, number: int, kernel: KernelTrace) -> None:
    def member(name: str) -> IO[bytes]:
        return archive.open(zipfile.ZipInfo(f"kernel-{number:05d}/{name}", _TIME), "w", force_zip64=True)

    with member("static") as sink, pa.ipc.new_stream(sink, SCHEMA, options=_OPTIONS) as writer:
        writer.write_batch(to_batch(kernel.static))
    with member("paths") as sink, pa.ipc.new_stream(sink, _PATHS, options=_OPTIONS) as writer:
        columns = [_lists(kernel.path_offset, kernel.path_row), _lists(kernel.path_offset, kernel.path_mask)]
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_PATHS))
    batches, new_deltas = _batches(kernel)
    with member("ctas") as sink, pa.ipc.new_stream(sink, _CTAS, options=_OPTIONS) as writer:
        for first, last in batches:
            writer.write_batch(_cta_batch(kernel, first, last))
    with member("deltas") as sink, pa.ipc.new_stream(sink, _DELTAS, options=_OPTIONS) as writer:
        for first, last in new_deltas:
            column = pa.array(kernel.references.deltas[first:last])
            writer.write_batch(pa.RecordBatch.from_arrays([column], schema=_DELTAS))


def _batches(kernel: KernelTrace) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """CTA ranges of the batches, and for each the range of deltas that it uses first."""
    references = kernel.warp_reference[:: kernel.warps_per_cta]
    batches, deltas = [], []
    first, used = 0, 0
    while first < kernel.cta_count:
        limit = int(np.searchsorted(references, references[first] + _REFERENCES_PER_BATCH, side="right")) - 1
        last = min(max(limit, first + 1), first + _CTAS_PER_BATCH, kernel.cta_count)
        batches.append((first, last))
        begin = used
        if last == kernel.cta_count:
            used = len(kernel.references.deltas)
        else:
            later = kernel.references.extra[int(references[last]) :]
            new = later[later >= used]
            used = int(new.min()) if len(new) else len(kernel.references.deltas)
        deltas.append((begin, used))
        first = last
    return batches, deltas


def _cta_batch(kernel: KernelTrace, first: int, last: int) -> pa.RecordBatch:
    warps = kernel.warps_per_cta
    span = slice(first * warps, last * warps)
    starts = kernel.warp_reference[first * warps : last * warps + 1]
    by_warp = np.arange(0, (last - first + 1) * warps, warps)
    refs, begin, end = kernel.references, int(starts[0]), int(starts[-1])
    by_reference = starts[::warps] - begin
    columns = [
        _lists(by_warp, kernel.warp_path[span], large=False),
        _lists(by_warp, np.diff(starts).astype(np.int32), large=False),
        *(_lists(by_reference, table[begin:end]) for table in (refs.kind, refs.base, refs.stride, refs.extra)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_CTAS)


def _lists(offsets: NDArray[Any], values: NDArray[Any], large: bool = True) -> pa.Array:
    if large:
        return pa.LargeListArray.from_arrays(pa.array(offsets, type=pa.int64()), pa.array(values))
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), pa.array(values))


def _guarded(path: Path, read: Callable[[zipfile.ZipFile], _T]) -> _T:
    """Read from the archive; whatever a damaged file makes the libraries raise becomes one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            return read(archive)
    except (zipfile.BadZipFile, EOFError, OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).split("\n")[0]
        raise TraceError(f"{path}: not a whole .twt file ({reason}): {_ADVICE}") from None
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise TraceError(f"{path}: a table of the file is damaged ({reason}): {_ADVICE}") from None


def _manifest(path: Path) -> dict[str, Any]:
    manifest: Any = _guarded(path, lambda archive: json.loads(archive.read(_MANIFEST)))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise TraceError(f"{path}: {_MANIFEST} does not describe a Tickwise trace: {_ADVICE}")
    if manifest.get("version") != VERSION:
        raise TraceError(
            f"{path}: format version {manifest.get('version')}, this program reads {VERSION}: "
            "write the trace again with this version"
        )
    if not isinstance(manifest.get("kernels"), list) or not isinstance(manifest.get("memcpys"), list):
        raise TraceError(f"{path}: {_MANIFEST} names no kernels: {_ADVICE}")
    return manifest


def _header(path: Path, entry: Any) -> tuple[KernelHeader, dict[str, int]]:
    try:
        values = {f.name: entry[f.name] for f in fields(KernelHeader)}
        counts = {name: int(entry["counts"][name]) for name in _COUNTS}
        header = KernelHeader(**values)
        header = replace(
            header, grid=_dim(header.grid), block=_dim(header.block), warnings=tuple(str(w) for w in header.warnings)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path}: {_MANIFEST}: a kernel's header is damaged ({error}): {_ADVICE}") from None
    if counts["warps"] != header.ctas * header.warps_per_cta or min(counts.values()) < 0:
        raise TraceError(
            f"{path}: {_MANIFEST}: {header.name}: {counts['warps']:,} warps in a grid of {header.grid}: {_ADVICE}"
        )
    return header, counts


def _dim(values: Any) -> tuple[int, int, int]:
    x, y, z = (int(v) for v in values)
    if min(x, y, z) < 1:
        raise ValueError(f"size {values}")
    return x, y, z


def _read_kernel(
    archive: zipfile.ZipFile, path: Path, index: int, header: KernelHeader, counts: dict[str, int]
) -> KernelTrace:
    where = f"{path}: kernel {index + 1} ({header.name})"

    def table(name: str, schema: pa.Schema) -> pa.Table:
        with archive.open(f"kernel-{index + 1:05d}/{name}") as source, pa.ipc.open_stream(source.read()) as reader:
            if not reader.schema.equals(schema):
                raise TraceError(f"{where}: table {name} has other columns than version {VERSION}: {_ADVICE}")
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
        raise TraceError(f"{where}: a warp has {int(per_warp.min())} addresses: {_ADVICE}")
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
            raise TraceError(f"{where}: promises {counts[name]:,} {name}, {found:,} follow: {_ADVICE}")
    check_kernel(kernel, where)
    return kernel
