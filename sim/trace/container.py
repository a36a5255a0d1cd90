"""The container `.twt`: a ZIP of a manifest and, for each kernel, Arrow streams compressed with zstd (version 2).

    manifest.json             format, version, copies; of each kernel the header, the table lengths, the instructions
                              that warps and threads execute, and the content hash
    kernel-00001/static       one row per instruction of the code
    kernel-00001/warps        one row per warp in launch order: its path, and how many references it has
    kernel-00001/paths        one row per distinct path: how many entries it has
    kernel-00001/entries      one row per path entry: static row and active mask
    kernel-00001/references   one row per address reference
    kernel-00001/deltas       lane offsets

All but `static` hold one Arrow batch for each CTA batch, with numbers that count from its start, so a reader takes one
batch after the other without the rest. Files are written beside their place and moved there when they are whole; equal
batches give equal bytes.
"""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.trace import container_v1
from sim.trace.check import check_copy, check_tables
from sim.trace.content import ContentHash
from sim.trace.damage import ADVICE, readable
from sim.trace.lazy import Lazy, LazyKernels
from sim.trace.model import KernelHeader, KernelTrace, References, StaticRow, Trace
from sim.trace.static_table import SCHEMA, from_table, to_batch
from sim.trace.stream import CtaBatch, KernelStream, make_batch
from sim.trace.tables import PathTables, instruction_counts, offsets

FORMAT = "tickwise-trace"
VERSION = 2
_MANIFEST = "manifest.json"
#: Every member carries this time, so that a trace's bytes depend on its content only.
_TIME = (1980, 1, 1, 0, 0, 0)
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
#: Members of a kernel that hold batches, in the order of the file.
_TABLES = {
    "warps": pa.schema([("path", pa.int32()), ("references", pa.int32())]),
    "paths": pa.schema([("entries", pa.int64())]),
    "entries": pa.schema([("row", pa.int32()), ("mask", pa.uint32())]),
    "references": pa.schema([("kind", pa.int8()), ("base", pa.int64()), ("stride", pa.int64()), ("extra", pa.int64())]),
    "deltas": pa.schema([("delta", pa.int64())]),
}
_COUNTS = ("static", "batches", *_TABLES)


@dataclass(frozen=True)
class _Promise:
    """What the manifest says about a kernel: table lengths, and what its batches must add up to."""

    counts: dict[str, int]
    warp_instructions: int
    thread_instructions: int
    content_hash: str


class _Sum:
    """What batches add up to, taken one after the other."""

    def __init__(self, header: KernelHeader, static: list[StaticRow]) -> None:
        self.counts = {**dict.fromkeys(_COUNTS, 0), "static": len(static)}
        self.warp_instructions = 0
        self.thread_instructions = 0
        self._hash = ContentHash(header, static)

    def add(self, batch: CtaBatch) -> None:
        for name, columns in _columns(batch).items():
            self.counts[name] += len(columns[0])
        self.counts["batches"] += 1
        warps, threads = instruction_counts(batch)
        self.warp_instructions += warps
        self.thread_instructions += threads
        self._hash.add(batch)

    def promise(self) -> _Promise:
        return _Promise(self.counts, self.warp_instructions, self.thread_instructions, self._hash.hexdigest())


def write_twt(trace: Trace, path: str | Path) -> None:
    """Write a trace to a `.twt` file, all or nothing; of a kernel one batch is held at a time.

    The folder needs room for the biggest kernel twice. Raises `TraceError` where a kernel cannot be read.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            kernels = []
            for number, kernel in enumerate(trace.streams, start=1):
                written = _write_kernel(archive, number, kernel, path.parent)
                kernels.append({**asdict(kernel.header), **asdict(written)})
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
    try:
        copies = [(int(address), int(size)) for address, size in manifest["memcpys"]]
    except (TypeError, ValueError):
        raise TraceError(f"{path}: {_MANIFEST}: the list of copies is damaged: {ADVICE}") from None
    for copy in copies:
        check_copy(*copy, f"{path}: {_MANIFEST}")
    if manifest["version"] == 1:
        headers = [_header(path, entry, container_v1.COUNTS) for entry in manifest["kernels"]]

        def read(index: int) -> KernelTrace:
            with readable(path), zipfile.ZipFile(path) as archive:
                return container_v1.read_kernel(archive, path, index, *headers[index])

        return Trace(str(path), "tickwise", LazyKernels(len(headers), read), copies)
    headers = [_header(path, entry, _COUNTS) for entry in manifest["kernels"]]
    promises = [_promise(path, *of) for of in zip(manifest["kernels"], (counts for _, counts in headers), strict=True)]

    def open_stream(index: int) -> KernelStream:
        return _open_stream(path, index, headers[index][0], promises[index])

    return Trace.of_streams(str(path), "tickwise", Lazy(len(headers), open_stream), copies)


def _write_kernel(archive: zipfile.ZipFile, number: int, kernel: KernelStream, folder: Path) -> _Promise:
    """Write one kernel's members; returns what its batches added up to."""

    def member(name: str) -> IO[bytes]:
        return archive.open(zipfile.ZipInfo(f"kernel-{number:05d}/{name}", _TIME), "w", force_zip64=True)

    with member("static") as sink, pa.ipc.new_stream(sink, SCHEMA, options=_OPTIONS) as writer:
        writer.write_batch(to_batch(kernel.static))
    total = _Sum(kernel.header, kernel.static)
    with ExitStack() as files:
        # An archive takes one member at a time, so the others wait in files without names.
        spools = {name: files.enter_context(tempfile.TemporaryFile(dir=folder)) for name in _TABLES}
        with ExitStack() as open_writers:
            writers = {
                name: open_writers.enter_context(pa.ipc.new_stream(spools[name], schema, options=_OPTIONS))
                for name, schema in _TABLES.items()
            }
            for batch in kernel.batches():
                total.add(batch)
                for name, columns in _columns(batch).items():
                    arrays = [pa.array(column) for column in columns]
                    writers[name].write_batch(pa.RecordBatch.from_arrays(arrays, schema=_TABLES[name]))
        for name, spool in spools.items():
            spool.seek(0)
            with member(name) as sink:
                shutil.copyfileobj(spool, sink, 1 << 20)
    return total.promise()


def _columns(batch: CtaBatch) -> dict[str, tuple[NDArray[Any], ...]]:
    """The columns of each member for one batch."""
    refs = batch.references
    return {
        "warps": (batch.warp_path, np.diff(batch.warp_reference).astype(np.int32)),
        "paths": (np.diff(batch.path_offset),),
        "entries": (batch.path_row, batch.path_mask),
        "references": (refs.kind, refs.base, refs.stride, refs.extra),
        "deltas": (refs.deltas,),
    }


def _manifest(path: Path) -> dict[str, Any]:
    with readable(path), zipfile.ZipFile(path) as archive:
        manifest: Any = json.loads(archive.read(_MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise TraceError(f"{path}: {_MANIFEST} does not describe a Tickwise trace: {ADVICE}")
    if manifest.get("version") not in (1, VERSION):
        raise TraceError(
            f"{path}: format version {manifest.get('version')}, this program reads 1 and {VERSION}: "
            "write the trace again with this version"
        )
    if not isinstance(manifest.get("kernels"), list) or not isinstance(manifest.get("memcpys"), list):
        raise TraceError(f"{path}: {_MANIFEST} names no kernels: {ADVICE}")
    return manifest


def _header(path: Path, entry: Any, names: tuple[str, ...]) -> tuple[KernelHeader, dict[str, int]]:
    """A kernel's header and table lengths."""
    try:
        values = {f.name: entry[f.name] for f in fields(KernelHeader)}
        counts = {name: int(entry["counts"][name]) for name in names}
        header = KernelHeader(**values)
        header = replace(
            header, grid=_dim(header.grid), block=_dim(header.block), warnings=tuple(str(w) for w in header.warnings)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path}: {_MANIFEST}: a kernel's header is damaged ({error}): {ADVICE}") from None
    if counts["warps"] != header.ctas * header.warps_per_cta or min(counts.values()) < 0:
        raise TraceError(
            f"{path}: {_MANIFEST}: {header.name}: {counts['warps']:,} warps in a grid of {header.grid}: {ADVICE}"
        )
    return header, counts


def _promise(path: Path, entry: Any, counts: dict[str, int]) -> _Promise:
    """What the manifest says that a kernel's batches add up to."""
    try:
        return _Promise(
            counts, int(entry["warp_instructions"]), int(entry["thread_instructions"]), str(entry["content_hash"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path}: {_MANIFEST}: a kernel's facts are damaged ({error}): {ADVICE}") from None


def _dim(values: Any) -> tuple[int, int, int]:
    x, y, z = (int(v) for v in values)
    if min(x, y, z) < 1:
        raise ValueError(f"size {values}")
    return x, y, z


def _open_stream(path: Path, index: int, header: KernelHeader, promise: _Promise) -> KernelStream:
    """Kernel `index` (from 0) of a file: its code is read now, its batches when they are asked for."""
    where = f"{path}: kernel {index + 1} ({header.name})"
    with readable(path), zipfile.ZipFile(path) as archive:
        data = archive.read(f"kernel-{index + 1:05d}/static")
        with pa.ipc.open_stream(data) as reader:
            _same_columns(where, "static", reader, SCHEMA)
            static = from_table(reader.read_all())

    def read() -> Iterator[CtaBatch]:
        return _read_batches(path, index, where, stream, promise)

    stream = KernelStream(
        header, static, promise.warp_instructions, promise.thread_instructions, read, promise.content_hash
    )
    return stream


def _read_batches(path: Path, index: int, where: str, kernel: KernelStream, promise: _Promise) -> Iterator[CtaBatch]:
    """The batches of a kernel, each one checked; at the end, that they add up to what the manifest promises."""
    total = _Sum(kernel.header, kernel.static)
    first = 0
    with readable(path):
        archive = zipfile.ZipFile(path)
        readers = {}
        for name, schema in _TABLES.items():
            readers[name] = pa.ipc.open_stream(archive.open(f"kernel-{index + 1:05d}/{name}"))
            _same_columns(where, name, readers[name], schema)
    while True:
        # Nothing is left open that would have to be closed in order if the pass is given up at the `yield`.
        with readable(path):
            tables = {name: _next_batch(reader) for name, reader in readers.items()}
            missing = [name for name, columns in tables.items() if columns is None]
            if len(missing) == len(tables):
                break
            if missing:
                raise TraceError(f"{where}: batch {total.counts['batches'] + 1:,} has no {missing[0]}: {ADVICE}")
            batch = _batch({name: columns or () for name, columns in tables.items()}, first, where, kernel)
            total.add(batch)
        first += batch.ctas
        yield batch
    archive.close()
    _agree(where, total.promise(), promise)


def _same_columns(where: str, name: str, reader: Any, schema: pa.Schema) -> None:
    if not reader.schema.equals(schema):
        raise TraceError(f"{where}: table {name} has other columns than version {VERSION}: {ADVICE}")


def _next_batch(reader: Any) -> tuple[NDArray[Any], ...] | None:
    """The columns of the next Arrow batch, None behind the last one."""
    try:
        batch = reader.read_next_batch()
    except StopIteration:
        return None
    batch.validate()
    return tuple(column.to_numpy() for column in batch.columns)


def _batch(tables: dict[str, tuple[NDArray[Any], ...]], first: int, where: str, kernel: KernelStream) -> CtaBatch:
    """The batch behind these columns, from CTA `first` on. Raises `TraceError` where they do not fit together."""
    warp_path, per_warp = tables["warps"]
    path_row, path_mask = tables["entries"]
    kind, base, stride, extra = tables["references"]
    per_cta = kernel.warps_per_cta
    ctas = len(warp_path) // per_cta
    if ctas == 0 or len(warp_path) % per_cta or first + ctas > kernel.cta_count:
        raise TraceError(
            f"{where}: {len(warp_path):,} warps from CTA {first:,} on, in a launch of {kernel.cta_count:,} CTAs with "
            f"{per_cta} warps each: {ADVICE}"
        )
    paths = PathTables(offsets(tables["paths"][0]), path_row, path_mask, warp_path)
    warp_reference = offsets(per_warp)
    references = References(kind, base, stride, extra, tables["deltas"][0])
    check_tables(paths, warp_reference, references, kernel.row_references, where, first * per_cta)
    return make_batch(first, ctas, paths, warp_reference, references, kernel.row_references)


def _agree(where: str, found: _Promise, promise: _Promise) -> None:
    """Raise `TraceError` where the batches do not add up to what was promised."""
    for name, count in found.counts.items():
        if count != promise.counts[name]:
            raise TraceError(f"{where}: promises {promise.counts[name]:,} {name}, {count:,} follow: {ADVICE}")
    for what, promised, read in (
        ("warp instructions", promise.warp_instructions, found.warp_instructions),
        ("thread instructions", promise.thread_instructions, found.thread_instructions),
    ):
        if promised != read:
            raise TraceError(f"{where}: promises {promised:,} {what}, {read:,} follow: {ADVICE}")
    if found.content_hash != promise.content_hash:
        raise TraceError(
            f"{where}: its content is not that which was written (hash {found.content_hash[:8]}…, promised "
            f"{promise.content_hash[:8]}…): {ADVICE}"
        )
