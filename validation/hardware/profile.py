"""Hardware counters of single launches through Nsight Compute (`ncu`), with `--clock-control none`.

One profiler run a kernel: the profiled process runs every case once, ncu replays each launch as often as the counters
need, caches flushed before every replay. Counters are those of counters.yaml.
"""

import contextlib
import csv
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from validation.hardware.client import ROOT, Late
from validation.hardware.measure import TIMED_SEED
from validation.hardware.record import Row
from validation.hardware.rows import Context, row
from validation.kernels import Case, Kernel

#: Where ncu stands if it is not on PATH, the newest first.
_PLACES = (("/usr/local/cuda/bin", "ncu"), ("/opt/nvidia/nsight-compute", "*/ncu"))
#: Launches of one run that are profiled; a solver with hundreds of launches repeats them.
MOST_LAUNCHES = 16
#: Kernels in a row that may fail before no other is tried.
_MOST_FAILURES = 2
#: What ncu says of a metric that it does not know: the name, or a regular expression that begins with it.
_UNKNOWN_METRIC = re.compile(r"Failed to find metric (?:regex:)?\^?([\w.\\]+)")
#: Units of a clock that ncu may print, in MHz.
_CLOCK_UNITS = {"hz": 1e-6, "cycle/second": 1e-6, "mhz": 1.0, "ghz": 1e3, "cycle/nsecond": 1e3, "cycle/ns": 1e3}


class ProfileError(Exception):
    """No counters can be read; `everywhere` if that holds for every kernel on this machine."""

    def __init__(self, text: str, everywhere: bool = False) -> None:
        super().__init__(text)
        self.everywhere = everywhere


def counters() -> dict[str, str]:
    """Counter -> meaning, from counters.yaml."""
    text = Path(__file__).with_name("counters.yaml").read_text(encoding="utf-8")
    return {name: meaning for group in yaml.safe_load(text).values() for name, meaning in group.items()}


def find_ncu() -> str:
    """The profiler; raises ProfileError."""
    found = (str(path) for place, name in _PLACES for path in sorted(Path(place).glob(name), reverse=True))
    for path in (shutil.which("ncu"), *found):
        if path and Path(path).exists():
            return path
    raise ProfileError("Nsight Compute (ncu) is not installed", everywhere=True)


class Profiler:
    """ncu, and what it turned out to know and to be able to do on this machine."""

    def __init__(self, support: Path) -> None:
        """`support`: the kit's own kernels, compiled."""
        self._support = support
        self._path: str | None = None
        self._gave_up: str | None = None
        self._failures = 0  # since the last success
        self.metrics = list(counters())
        self.absent: dict[str, str] = {}

    def rows(
        self,
        kernel: Kernel,
        cases: Sequence[Case],
        bases: Sequence[Context],
        cubin: Path,
        left_s: float,
        limit_s: float,
    ) -> list[Row]:
        """The rows of a kernel's launches, or of the reason why there are none; raises Late.

        After a reason that holds for every kernel, or two failures in a row, no other kernel is tried.
        """
        if self._gave_up is None:
            try:
                profiled = self._run(kernel, cases, cubin, left_s, limit_s)
                self._failures = 0
                return list(profiled.rows(cases, bases, self.absent))
            except ProfileError as error:
                self._failures += 1
                if error.everywhere:
                    self._gave_up = str(error)
                elif self._failures >= _MOST_FAILURES:
                    self._gave_up = f"not tried: the kernels before it failed ({error})"
                else:
                    return [row(base, "ncu", "counters", "failed", str(error)) for base in bases]
        return [row(base, "ncu", "counters", "missing", self._gave_up) for base in bases]

    def _command(self, log: Path, request: Path) -> list[str]:
        self._path = self._path or find_ncu()
        return [
            self._path, "--csv", "--page", "raw", "--print-units", "base", "--log-file", str(log), "--force-overwrite",
            "--clock-control", "none", "--cache-control", "all", "--profile-from-start", "off",
            "--target-processes", "all", "--metrics", ",".join(self.metrics),
            sys.executable, "-m", "validation.hardware.worker", "--profile", str(request),
        ]  # fmt: skip

    def _leave_out(self, unknown: set[str]) -> bool:
        for name in unknown:
            self.metrics.remove(name)
            self.absent[name] = "Nsight Compute does not know it on this GPU"
        return bool(unknown)

    def _run(self, kernel: Kernel, cases: Sequence[Case], cubin: Path, left_s: float, limit_s: float) -> "Profiled":
        """Profiles every case. A counter that ncu does not know is left out and remembered."""
        until = time.monotonic() + left_s
        asked: dict[str, Any] = {"kernel": kernel.name, "cases": list(cases), "most_launches": MOST_LAUNCHES}
        asked |= {"cubin": str(cubin.resolve()), "support": str(self._support.resolve())}
        while True:
            with tempfile.TemporaryDirectory(prefix="tickwise-ncu-", ignore_cleanup_errors=True) as name:
                folder = Path(name)
                left = until - time.monotonic()
                request, manifest = folder / "request.json", folder / "manifest"
                # The process under ncu ends itself too: ncu starts it where a signal to our group may not reach it.
                asked |= {"manifest": str(manifest), "seconds": max(1, int(left))}
                request.write_text(json.dumps(asked), encoding="utf-8")
                try:
                    code = _ended(self._command(folder / "ncu.csv", request), folder / "output", left)
                except subprocess.TimeoutExpired:
                    if left_s < limit_s:
                        raise Late from None
                    raise ProfileError(f"ncu was still running after {limit_s:.0f} s and was ended") from None
                table, output, shown = (_text(folder / one) for one in ("ncu.csv", "output", "manifest"))
            said = table + output
            if self._leave_out(unknown_metrics(said, self.metrics)):
                continue
            if "ERR_NVGPUCTRPERM" in said:
                raise ProfileError("the driver does not let this user read counters", everywhere=True)
            if not shown or (code and not has_table(table)):
                raise ProfileError(f"ncu: {_error_line(said)}", everywhere="LibraryNotLoaded" in said)
            return Profiled(parse(table), [json.loads(line) for line in shown.splitlines()])


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _ended(command: list[str], output: Path, timeout_s: float) -> int:
    """Exit code; with its children it is ended after the time, and TimeoutExpired is raised."""
    environment = os.environ | {"LC_ALL": "C"}  # ncu writes numbers as the locale does
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=environment, start_new_session=True
        )
        try:
            return process.wait(timeout=max(0.1, timeout_s))
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            raise


def unknown_metrics(said: str, asked: Sequence[str]) -> set[str]:
    """Which of the metrics ncu says that it cannot find; it may name one without its suffix."""
    found: set[str] = set()
    for given in _UNKNOWN_METRIC.findall(said):
        name = given.replace("\\", "").rstrip(".")
        found |= {metric for metric in asked if metric == name or metric.split(".")[0] == name}
    return found


def _error_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "==ERROR==" in line or "Error" in line]
    return (errors[-1:] or lines[-1:] or ["said nothing"])[0][:300]


def has_table(log: str) -> bool:
    """Whether ncu came as far as its table."""
    return any(line.startswith('"ID"') for line in log.splitlines())


def parse(log: str) -> list[dict[str, tuple[str, str]]]:
    """Of each profiled launch: column -> (text, unit); launches in order. Raises ProfileError."""
    lines = log.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith('"ID"')), None)
    if start is None:
        raise ProfileError(f"ncu wrote no table: {_error_line(log)}")
    table = list(csv.reader(io.StringIO("\n".join(line for line in lines[start:] if line.startswith('"')))))
    header, units = table[0], table[1] if len(table) > 1 else []
    if len(units) != len(header) or units[0]:
        raise ProfileError("ncu's table has no line of units below its header")
    return [
        {name: (text, unit) for name, text, unit in zip(header, cells, units, strict=True)}
        for cells in table[2:]
        if len(cells) == len(header)
    ]


class Profiled:
    """What one profiler run gave: ncu's table, and the profiled process's word on what it launched."""

    def __init__(self, table: list[dict[str, tuple[str, str]]], manifest: list[dict[str, Any]]) -> None:
        self._table, self._manifest = table, manifest

    def rows(self, cases: Sequence[Case], bases: Sequence[Context], absent: dict[str, str]) -> Iterator[Row]:
        """A row a counter and launch; a case that the profiled process did not reach is a row with the reason."""
        at = 0
        reached = {entry["case"]: entry for entry in self._manifest}
        for index, base in enumerate(bases):
            entry = reached.get(index)
            if entry is None:
                yield row(base, "ncu", "counters", "failed", "the profiled process ended before this case")
                continue
            for launched in entry["launches"]:
                columns: Row = {"seed": TIMED_SEED, "cache": "ncu", **launched}
                if at >= len(self._table):
                    reason = "ncu reported fewer launches than were made"
                    yield row(base, "ncu", "counters", "missing", reason, **columns)
                    continue
                yield from _launch_rows(base, self._table[at], absent, columns)
                at += 1
            shown, all_ = len(entry["launches"]), entry["all"]
            if shown < all_:
                rest = f"launches {shown} to {all_ - 1} are not profiled: at most {MOST_LAUNCHES} are"
                yield row(base, "ncu", "counters", "skipped", rest, launch=shown, launches=all_)


def dry_rows(bases: Sequence[Context]) -> list[Row]:
    """What stands in the table where nothing is profiled."""
    reason = "no GPU: nothing was profiled"
    return [row(base, "ncu", metric, "dry-run", reason, cache="ncu") for base in bases for metric in counters()]


def _extents(text: str) -> str:
    """`(64, 1, 1)` or `64,1,1` as `64x1x1`."""
    return "x".join(re.findall(r"\d+", text))


def _launch_rows(
    base: Context, given: dict[str, tuple[str, str]], absent: dict[str, str], columns: dict[str, Any]
) -> Iterator[Row]:
    seen = {
        "function": given.get("Kernel Name", ("", ""))[0].split("(")[0],
        "grid": _extents(given.get("Grid Size", ("", ""))[0]),
        "block": _extents(given.get("Block Size", ("", ""))[0]),
    }
    for key, value in seen.items():
        if value and value != columns[key]:
            yield row(base, "ncu", "counters", "failed", f"ncu shows {value} where {columns[key]} was due", **columns)
            return
    clock_mhz = _clock_mhz(*given.get("sm__cycles_elapsed.avg.per_second", ("", "")))
    for metric in counters():
        text, unit = given.get(metric, ("", ""))
        count = _number(text)
        if count is None:
            reason = absent.get(metric, f"Nsight Compute gives {text or 'nothing'}")
            yield row(base, "ncu", metric, "missing", reason, **columns)
            continue
        counted: Row = {"value": count, "unit": unit or "1", "repetitions": 1, "sm_clock_mhz": clock_mhz}
        yield row(base, "ncu", metric, "ok", **columns, **counted)


def _clock_mhz(text: str, unit: str) -> float | None:
    value, factor = _number(text), _CLOCK_UNITS.get(unit.lower())
    return None if value is None or factor is None else value * factor


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
