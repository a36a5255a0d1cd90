"""The run folder: result.json, kernels.parquet, hotspots.parquet, counters.parquet (and follow.parquet if asked for).

The files are written into a hidden folder beside the target, flushed to the disk, and renamed in one step, so that a
reader never sees half a result. A former result in the same place is replaced; any other folder is left alone.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput

if TYPE_CHECKING:
    from sim.result.result import Result

_FILES = ("result.json", "kernels.parquet", "hotspots.parquet", "counters.parquet", "follow.parquet")

Columns = dict[str, list[Any]]


def check_target(directory: Path) -> None:
    """Raises BadInput if `directory` cannot take a result: no folder, or one with other things in it."""
    if not directory.exists():
        if not directory.is_symlink():
            return
        raise BadInput(f"{directory}: points to nothing; remove the link, or give another folder with -o")
    if not directory.is_dir():
        raise BadInput(f"{directory}: is a file; give a folder with -o")
    others = sorted(path.name for path in directory.iterdir() if path.name not in _FILES)
    if others:
        raise BadInput(
            f"{directory}: holds something else than a result ({others[0]}): nothing was written; give a new folder"
        )


def save(result: "Result", directory: Path) -> Path:
    """Write all files of `result` and put them in the place of `directory`. Raises BadInput."""
    check_target(directory)
    target = directory.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror or error}") from None
    try:
        _write(result, fresh)
        fresh.chmod(0o777 & ~_umask())
        _replace(fresh, target)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return directory


def _replace(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`; a folder with files steps aside first and is then deleted."""
    if not (target.is_dir() and any(target.iterdir())):
        os.replace(fresh, target)  # an empty folder may be replaced as it stands
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    os.replace(target, aside)
    try:
        os.replace(fresh, target)
    except OSError:
        os.replace(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write(result: "Result", folder: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    text = json.dumps(result.to_dict(), indent=1, allow_nan=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    tables = {"kernels": _kernels(result), "hotspots": _hotspots(result), "counters": _counters(result)}
    follow = _follow(result)
    if follow["cycle"]:
        tables["follow"] = follow
    for name, columns in tables.items():
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet", compression="zstd")
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _kernels(result: "Result") -> Columns:
    rows = result.rows()
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _hotspots(result: "Result") -> Columns:
    """One row per kernel and instruction; columns `stall.REASON` and `state.REASON`."""
    columns: Columns = {name: [] for name in ("trace", "kernel", "pc", "sass", "issued", "threads")}
    for kernel in result.kernels:
        spots = kernel.counters.hotspots
        count = len(spots.sass)
        columns["trace"] += [kernel.trace] * count
        columns["kernel"] += [kernel.index] * count
        columns["sass"] += spots.sass
        for name, values in (("pc", spots.pcs), ("issued", spots.issued), ("threads", spots.threads)):
            columns[name] += values.tolist()
        for i, reason in enumerate(spots.reasons):
            columns.setdefault(f"state.{reason}", []).extend(spots.warp_states[:, i].tolist())
            if reason != "selected":  # a cycle that issued lost nothing
                columns.setdefault(f"stall.{reason}", []).extend(spots.slot_stalls[:, i].tolist())
    return columns


def _counters(result: "Result") -> Columns:
    """One row per kernel and counter, with its unit."""
    from sim.gpu.counters import COUNTERS

    units = {counter.name: counter.unit for counter in COUNTERS}
    columns: Columns = {name: [] for name in ("trace", "kernel", "counter", "value", "unit")}
    for kernel in result.kernels:
        for name, value in kernel.counters.events.items():
            row = (kernel.trace, kernel.index, name, value, units.get(name, ""))
            for column, item in zip(columns.values(), row, strict=True):
                column.append(item)
    return columns


def _follow(result: "Result") -> Columns:
    names = ("trace", "kernel", "cycle", "sm", "warp", "pc", "event", "detail")
    columns: Columns = {name: [] for name in names}
    for kernel in result.kernels:
        for event in kernel.counters.follow:
            row = (
                kernel.trace,
                kernel.index,
                event.cycle,
                event.sm,
                event.warp,
                event.pc,
                event.event,
                event.detail,
            )
            for column, item in zip(columns.values(), row, strict=True):
                column.append(item)
    return columns
