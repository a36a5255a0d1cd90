"""Hardware counters of single launches through Nsight Compute (`ncu`), with `--clock-control none`.

One profiler run a kernel: the profiled process runs every case once, ncu replays each launch as often as the counters
need, caches flushed before every replay. Counters are those of counters.yaml.
"""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from validation.hardware.device import FunctionFacts
from validation.hardware.measure import TIMED_SEED
from validation.hardware.pool import ROOT
from validation.hardware.record import Row
from validation.hardware.rows import Context, launch_columns, row
from validation.kernels import Case, Kernel

#: Launches of one run that are profiled; a solver with hundreds of launches repeats them.
MOST_LAUNCHES = 24
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
    candidates = [shutil.which("ncu"), "/usr/local/cuda/bin/ncu"]
    candidates += sorted(map(str, Path("/opt/nvidia/nsight-compute").glob("*/ncu")), reverse=True)
    for path in candidates:
        if path and Path(path).exists():
            return path
    raise ProfileError("Nsight Compute (ncu) is not installed", everywhere=True)


class Profiler:
    """ncu, and the counters that it turned out to know on this machine."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.metrics = list(counters())
        self.absent: dict[str, str] = {}

    def _command(self, log: Path, request: Path) -> list[str]:
        return [
            self.path, "--csv", "--page", "raw", "--print-units", "base", "--log-file", str(log), "--force-overwrite",
            "--clock-control", "none", "--cache-control", "all", "--profile-from-start", "off",
            "--target-processes", "all", "--metrics", ",".join(self.metrics),
            sys.executable, "-m", "validation.hardware.worker", "--profile", str(request),
        ]  # fmt: skip

    def _leave_out(self, unknown: set[str]) -> bool:
        for name in unknown:
            self.metrics.remove(name)
            self.absent[name] = "Nsight Compute does not know it on this GPU"
        return bool(unknown)

    def run(self, kernel: Kernel, cases: Sequence[Case], cubin: Path, support: Path, timeout_s: float) -> "Profiled":
        """Profiles every case; raises ProfileError. A counter that ncu does not know is left out and remembered."""
        asked: dict[str, Any] = {"kernel": kernel.name, "cases": list(cases), "most_launches": MOST_LAUNCHES}
        asked |= {"cubin": str(cubin), "support": str(support)}
        while True:
            with tempfile.TemporaryDirectory(prefix="tickwise-ncu-") as folder:
                log, request, manifest = (Path(folder) / name for name in ("ncu.csv", "request.json", "manifest"))
                request.write_text(json.dumps(asked | {"manifest": str(manifest)}), encoding="utf-8")
                code, output = _ended(self._command(log, request), timeout_s)
                table = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                shown = manifest.read_text(encoding="utf-8").splitlines() if manifest.exists() else []
            said = table + output
            if self._leave_out(unknown_metrics(said, self.metrics)):
                continue
            if "ERR_NVGPUCTRPERM" in said:
                raise ProfileError("the driver does not let this user read counters", everywhere=True)
            if code or not shown:
                raise ProfileError(f"ncu: {_error_line(said)}", everywhere="LibraryNotLoaded" in said)
            return Profiled(parse(table), [json.loads(line) for line in shown])


def _ended(command: list[str], timeout_s: float) -> tuple[int, str]:
    """Exit code and output; with its children it is ended after `timeout_s`."""
    environment = os.environ | {"LC_ALL": "C"}  # ncu writes numbers as the locale does
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ProfileError(f"ncu was still running after {timeout_s:.0f} s and was ended") from None
    return process.returncode, output


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
    """What one profiler run gave."""

    def __init__(self, table: list[dict[str, tuple[str, str]]], manifest: list[dict[str, Any]]) -> None:
        self._table, self._manifest = table, manifest

    def rows(
        self, kernel: Kernel, cases: Sequence[Case], bases: Sequence[Context], profiler: Profiler
    ) -> Iterator[Row]:
        """A row a counter and launch; a case that the profiled process did not reach is a row with the reason."""
        at = 0
        reached = {entry["case"]: entry for entry in self._manifest}
        for index, (case, base) in enumerate(zip(cases, bases, strict=True)):
            entry = reached.get(index)
            if entry is None:
                yield row(base, "ncu", "counters", "failed", "the profiled process ended before this case")
                continue
            buffers = kernel.definition.inputs(case, np.random.default_rng(TIMED_SEED))
            launches = kernel.definition.launches(case, buffers)
            functions = {name: FunctionFacts(**facts) for name, facts in entry["functions"].items()}
            for number in range(entry["shown"]):
                columns = {"seed": TIMED_SEED, "cache": "ncu", **launch_columns(launches, functions, number)}
                if at >= len(self._table):
                    yield row(
                        base, "ncu", "counters", "missing", "ncu reported fewer launches than were made", **columns
                    )
                    continue
                yield from _launch_rows(base, self._table[at], profiler, columns)
                at += 1
            if entry["shown"] < len(launches):
                rest = f"launches {entry['shown']} to {len(launches) - 1} are not profiled: at most {MOST_LAUNCHES} are"
                yield row(base, "ncu", "counters", "skipped", rest, launch=entry["shown"], launches=len(launches))


def _launch_rows(
    base: Context, given: dict[str, tuple[str, str]], profiler: Profiler, columns: dict[str, Any]
) -> Iterator[Row]:
    name = given.get("Kernel Name", ("", ""))[0].split("(")[0]
    if name and name != columns["function"]:
        yield row(base, "ncu", "counters", "failed", f"ncu shows {name} where {columns['function']} was due", **columns)
        return
    clock_mhz = _clock_mhz(*given.get("sm__cycles_elapsed.avg.per_second", ("", "")))
    for metric in counters():
        text, unit = given.get(metric, ("", ""))
        value = _number(text)
        if value is None:
            reason = profiler.absent.get(metric, f"Nsight Compute gives {text or 'nothing'}")
            yield row(base, "ncu", metric, "missing", reason, **columns)
            continue
        counted: Row = {"value": value, "unit": unit or "1", "repetitions": 1, "sm_clock_mhz": clock_mhz}
        yield row(base, "ncu", metric, "ok", **columns, **counted)


def _clock_mhz(text: str, unit: str) -> float | None:
    value, factor = _number(text), _CLOCK_UNITS.get(unit.lower())
    return None if value is None or factor is None else value * factor


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
