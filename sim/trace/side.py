"""The side file `static.json[.gz]` of a kernel: control word and SASS text by pc (shared/traces/README.md).

It belongs to a kernel if it names that kernel; `<kernel file>.static.json` is looked for first, then `static.json`.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import TraceError
from sim.isa.control import ControlWord, from_raw_fields
from sim.isa.instruction import parse_sass, with_reuse
from sim.trace.model import KernelHeader, StaticRow


@dataclass(frozen=True)
class SideFile:
    """A side file that fits a kernel: its rows by ascending pc."""

    path: Path
    rows: list[StaticRow]


def find_side_file(kernel: Path, header: KernelHeader) -> tuple[SideFile | None, list[str]]:
    """The side file beside a kernel file, and warnings about one that is there but belongs to another kernel."""
    stem = kernel.name.removesuffix(".xz").removesuffix(".traceg")
    warnings = []
    for name in (f"{stem}.static.json", "static.json"):
        for path in (kernel.parent / name, kernel.parent / f"{name}.gz"):
            if not path.is_file():
                continue
            data = _load(path)
            if data.get("kernel", header.name) != header.name or data.get("arch", header.sm) != header.sm:
                warnings.append(
                    f"{path.name} is for {data.get('kernel')} of sm_{data.get('arch')}: not used for {header.name}"
                )
                continue
            return SideFile(path, _rows(path, data)), warnings
    return None, warnings


def _load(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
        data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise TraceError(f"{path}: not a readable side file ({error}): write it again with the trace") from None
    if not isinstance(data, dict) or not isinstance(data.get("control_bits"), dict):
        raise TraceError(f"{path}: no control_bits: a side file maps each pc to control bits and SASS text")
    return data


def _rows(path: Path, data: dict[str, Any]) -> list[StaticRow]:
    rows: dict[int, StaticRow] = {}
    for text, fields in data["control_bits"].items():
        try:
            pc = int(text, 16)
            if not isinstance(fields, dict) or not isinstance(fields.get("sass"), str):
                raise TraceError("no SASS text: each pc needs stall, yield, wrbar, rdbar, wait, reuse and sass")
            control: ControlWord = from_raw_fields(fields)
            instruction = with_reuse(parse_sass(fields["sass"]), control.reuse)
        except ValueError:
            raise TraceError(f"{path}: pc {text!r}: not a hex number") from None
        except TraceError as error:
            raise TraceError(f"{path}: pc {text}: {error}") from None
        line = fields.get("line")
        rows[pc] = StaticRow(pc, fields["sass"], instruction, control, line if isinstance(line, int) else None)
    return [rows[pc] for pc in sorted(rows)]
