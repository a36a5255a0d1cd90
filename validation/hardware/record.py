"""The table of measured rows: its columns (schema.json), appending that survives a full disk, and reading back.

A row is a dict; `Table.add` writes rows of one job together or not at all. A file that a killed process left with half
a row is cut back to its last whole row when it is opened.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
COLUMNS: tuple[str, ...] = tuple(SCHEMA["properties"])


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


def _parse(cells: list[str], where: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise RecordError(f"{where}: {len(cells)} cells, expected {len(COLUMNS)}: not a whole row of this table")
    row: Row = {}
    for column, text in zip(COLUMNS, cells, strict=True):
        if text == "":
            row[column] = "" if column == "case" else None
            continue
        try:
            row[column] = _NUMBERS[column](text) if column in _NUMBERS else text
        except ValueError as error:
            raise RecordError(f"{where}: {column}: {text!r} is not a number") from error
    return row


def read(path: Path) -> list[Row]:
    """All rows with numbers as numbers and empty cells as None.

    Raises RecordError with file and line for a wrong header, a cut-off row or a cell that is no number.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: {error}") from error
    reader = csv.reader(io.StringIO(text))
    header = next(reader, None)
    if header is None or tuple(header) != COLUMNS:
        raise RecordError(f"{path}:1: the header is not that of schema.json")
    return [_parse(cells, f"{path}:{reader.line_num}") for cells in reader]


class Table:
    """A file that rows are appended to."""

    def __init__(self, path: Path) -> None:
        """Opens the file or starts one; raises RecordError."""
        self.path = path
        self.repaired = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.stat().st_size == 0:
                self._replace("")
            else:
                self._cut_half_row()
        except OSError as error:
            raise RecordError(f"{path}: {error.strerror or error}") from error
        self.rows = read(path)

    def _cut_half_row(self) -> None:
        content = self.path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(self.path, content.rfind(b"\n") + 1)
            self.repaired = True
            if not self.path.stat().st_size:
                self._replace("")

    def _replace(self, body: str) -> None:
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(",".join(COLUMNS) + "\n" + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        finally:
            beside.unlink(missing_ok=True)

    def add(self, rows: list[Row]) -> None:
        """Appends the rows, all or none; raises RecordError (a full disk) and leaves the file as it was."""
        if not rows:
            return
        data = as_text(rows).encode()
        before = self.path.stat().st_size
        try:
            with self.path.open("ab", buffering=0) as file:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                os.fsync(file.fileno())
        except OSError as error:
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
