"""The table of measured rows: its columns (schema.json), appending that survives a full disk, and reading back.

A row is a dict; `Table.add` writes rows of one job together or not at all. Where a killed process left half a row, the
rows of its job are taken out when the table is opened, so that the job is done again.
"""

import contextlib
import csv
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
COLUMNS: tuple[str, ...] = tuple(SCHEMA["properties"])
_HEADER = (",".join(COLUMNS) + "\n").encode()


class RecordError(Exception):
    """A table cannot be read or written; the text says which, where and what to do."""


def _types(column: str) -> set[str]:
    given = SCHEMA["properties"][column].get("type", "string")
    return {given} if isinstance(given, str) else set(given)


_NUMBERS: dict[str, Callable[[str], Any]] = {
    column: (float if "number" in _types(column) else int)
    for column in COLUMNS
    if _types(column) & {"integer", "number"}
}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(float(f"{value:.9g}"))  # events resolve less than nine digits
    return " ".join(str(value).split())


def as_text(rows: Iterable[Row]) -> str:
    """The rows as lines of the file; raises RecordError for a column that the schema lacks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        if unknown := set(row) - set(COLUMNS):
            raise RecordError(f"{sorted(unknown)[0]}: no such column in schema.json")
        writer.writerow(_cell(row.get(column)) for column in COLUMNS)
    return out.getvalue()


def _shown(text: str) -> str:
    """A cell in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _parse(cells: list[str], where: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise RecordError(f"{where}: {len(cells)} cells, expected {len(COLUMNS)}: not a whole row of this table")
    row: Row = {}
    for column, text in zip(COLUMNS, cells, strict=True):
        if text == "":
            if column in SCHEMA["required"] and column != "case":
                raise RecordError(f"{where}: {column} is empty")
            row[column] = "" if column == "case" else None
            continue
        try:
            row[column] = _NUMBERS[column](text) if column in _NUMBERS else text
        except ValueError as error:
            raise RecordError(f"{where}: {column}: {_shown(text)} is not a number") from error
        if row[column] != row[column]:
            raise RecordError(f"{where}: {column}: nan is not a number")
    return row


def _check_header(header: list[str], path: Path) -> None:
    for expected, given in zip_longest(COLUMNS, header):
        if expected != given:
            wrong = f"{_shown(given)} stands where" if given is not None else "the header ends where"
            raise RecordError(f"{path}:1: not a table of this kit: {wrong} the column {expected} is due")


def read(path: Path) -> list[Row]:
    """All rows with numbers as numbers and empty cells as None; empty lines are passed over.

    Raises RecordError with file and line for a wrong header, a cut-off row, an empty cell that must not be, or a cell
    that is no number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not text in UTF-8 (byte {error.start}): not a table of this kit") from error
    reader = csv.reader(io.StringIO(text))
    rows: list[Row] = []
    line = 1
    try:
        _check_header(next(reader, []), path)
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                rows.append(_parse(cells, f"{path}:{line}"))
            line = reader.line_num + 1
    except csv.Error as error:
        raise RecordError(f"{path}:{line}: {error}: is a quotation mark open?") from error
    return rows


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Holds the folder against a second run; raises RecordError where another holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise RecordError(f"{folder}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecordError(f"{folder}: another run writes here") from error
        yield
    finally:
        os.close(handle)


class Table:
    """A file that rows are appended to."""

    def __init__(self, path: Path) -> None:
        """Opens the file or starts one; raises RecordError. A file that is no table is left as it is."""
        self.path = path
        self.repaired = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            if len(content) < len(_HEADER) and _HEADER.startswith(content):
                self.repaired = bool(content)
                self._replace("")
            elif content.startswith(_HEADER) and not content.endswith(b"\n"):
                self._mend(content)
        except OSError as error:
            raise RecordError(f"{path}: {error.strerror or error}") from error
        self.rows = read(path)
        if self.repaired and self.rows:
            last = _job(self.rows[-1])
            self.drop(lambda row: _job(row) == last)

    def _mend(self, content: bytes) -> None:
        """A last line without its end: whole (an editor's work), or cut off with its job (a killed process)."""
        begin = content.rfind(b"\n") + 1
        tail = content[begin:].decode("utf-8", errors="replace")
        if len(next(csv.reader([tail]))) == len(COLUMNS):
            with self.path.open("ab") as file:
                file.write(b"\n")
        else:
            os.truncate(self.path, begin)
            self.repaired = True

    def _replace(self, body: str) -> None:
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with beside.open("wb") as file:
                file.write(_HEADER + body.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)

    def add(self, rows: list[Row]) -> None:
        """Appends the rows, all or none; raises RecordError (a full disk) and leaves the file as it was."""
        if not rows:
            return
        data = as_text(rows).encode()
        before: int | None = None
        try:
            before = self.path.stat().st_size
            with self.path.open("ab", buffering=0) as file:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                os.fsync(file.fileno())
        except OSError as error:
            if before is not None:
                with contextlib.suppress(OSError):
                    os.truncate(self.path, before)
            raise RecordError(f"{self.path}: {error.strerror or error}: the rows of this job are not in it") from error
        self.rows += rows

    def drop(self, unwanted: Callable[[Row], bool]) -> int:
        """Takes rows out, atomically; returns how many; raises RecordError."""
        kept = [row for row in self.rows if not unwanted(row)]
        dropped = len(self.rows) - len(kept)
        if dropped:
            try:
                self._replace(as_text(kept))
            except OSError as error:
                raise RecordError(f"{self.path}: {error.strerror or error}") from error
            self.rows = kept
        return dropped


def _job(row: Row) -> tuple[Any, ...]:
    return row["run"], row["kernel"], row["case"]
