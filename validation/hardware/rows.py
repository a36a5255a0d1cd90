"""Makes rows: what all rows of a run share, and what a case adds."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from validation.hardware.device import Facts, FunctionFacts, State
from validation.hardware.record import Row
from validation.hardware.split import split_of
from validation.kernels import Kernel, Launch


@dataclass(frozen=True)
class Context:
    """What every row of one case has in common; travels between processes as a dict."""

    run: str
    gpu: str
    compute_capability: str
    sms: int
    driver: str | None
    cuda: str | None
    compiler: str | None
    suite: str
    kernel: str
    case: str
    sass_hash: str | None = None
    cubin: str | None = None
    dry: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For a pipe; `Context(**…)` makes it back."""
        return asdict(self)


def context(run: str, facts: Facts, dry: bool, compiler: str | None, kernel: Kernel, case: str) -> Context:
    """The context of a case before it is built."""
    capability = "{}.{}".format(*facts.compute_capability)
    device = facts.gpu, capability, facts.sms, facts.driver, facts.cuda
    return Context(run, *device, compiler, kernel.suite, kernel.name, case, dry=dry)


def shape(extents: tuple[int, int, int]) -> str:
    """`16x16x1`."""
    return "x".join(map(str, extents))


def launch_columns(launches: Sequence[Launch], functions: dict[str, FunctionFacts], index: int | None) -> Row:
    """The columns launch … shared_bytes for one launch, or (None) for the run."""
    if not launches:
        return {"launch": index, "launches": 0}
    step = launches[index or 0]
    names = [step.function] if index is not None else list(dict.fromkeys(one.function for one in launches))
    facts = functions.get(step.function)
    return {
        "launch": index,
        "function": " ".join(names),
        "launches": len(launches),
        "grid": shape(step.grid),
        "block": shape(step.block),
        "registers": facts.registers if facts else None,
        "shared_bytes": facts.shared_bytes + step.shared if facts else None,
    }


def state_columns(state: State) -> Row:
    """The board's columns."""
    return {
        "memory_clock_mhz": state.memory_clock_mhz,
        "temperature_c": state.temperature_c,
        "power_w": state.power_w,
    }


def row(base: Context, method: str, metric: str, status: str, reason: str | None = None, **columns: Any) -> Row:
    """One row. On a dry run `ok` becomes `dry-run`."""
    if base.dry and status == "ok":
        status, reason = "dry-run", reason or "no GPU: the value is not a measurement"
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "schema": 1,
        "date": now,
        **{key: value for key, value in base.to_dict().items() if key != "dry"},
        "split": split_of(base.suite, base.kernel, base.case),
        "method": method,
        "metric": metric,
        "status": status,
        "reason": reason,
        **columns,
    }


def told(rows: Sequence[Row]) -> str:
    """What a job gave, in a few words."""
    failed = next((one for one in rows if one["status"] == "failed"), None)
    if failed is not None:
        return f"FAILED: {failed['reason']}"
    parts = []
    for one in rows:
        if one["status"] == "ok" and one["method"] in ("events", "nvml") and one["metric"] in ("time", "power"):
            flag = f" ({one['flags']})" if one.get("flags") else ""
            parts.append(f"{one.get('cache') or ''} {one['value']:.4g} {one['unit']}{flag}".strip())
        elif one["status"] == "ok" and one["method"] == "readings":
            parts.append(f"{one['metric']} {one['value']:.4g} {one['unit']}")
    statuses = ", ".join(sorted({one["status"] for one in rows}))
    return ", ".join(parts[:6]) if parts else f"{len(rows)} rows, {statuses}"
