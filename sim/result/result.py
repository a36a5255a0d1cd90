"""The result of a run: kernels in order, their total, and the object that `--json` prints."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim._version import __version__
from sim.energy.model import sum_of
from sim.result.estimate import sum_of_estimates
from sim.result.kernel import KernelResult
from sim.result.simulation import Simulation

if TYPE_CHECKING:
    import pandas

#: Number of the JSON object's shape; it rises when a field changes its meaning or goes.
SCHEMA = 1


@dataclass(frozen=True)
class TraceInfo:
    """Which trace was simulated: its path as given, hash of its content, how it was made, what was left out."""

    path: str
    hash: str
    source: str
    sampled: dict[str, Any] | None = None


@dataclass(frozen=True)
class Result:
    """Everything that a run found out."""

    arch_name: str
    arch_hash: str
    traces: tuple[TraceInfo, ...]
    kernels: tuple[KernelResult, ...]
    simulation: Simulation
    #: Remarks on the run as a whole, such as overrides without effect.
    warnings: tuple[str, ...] = ()
    #: Values of the configuration that compensate for something not modelled: key -> reason.
    fudge: dict[str, str] = field(default_factory=dict)

    @property
    def stalls(self) -> dict[str, int]:
        """Sub-core cycles without issue by reason, summed over kernels."""
        total: dict[str, int] = {}
        for kernel in self.kernels:
            for reason, cycles in kernel.counters.issue_slots.stalls.items():
                total[reason] = total.get(reason, 0) + cycles
        return total

    @property
    def energy(self) -> dict[str, float]:
        """Joules by component and in total, summed over kernels."""
        return sum_of([kernel.energy for kernel in self.kernels])

    @property
    def total(self) -> dict[str, Any]:
        """Cycles, time, instructions and energy of all kernels; `estimate`: the same if samples were whole launches."""
        sampled = any(kernel.estimate is not None for kernel in self.kernels)
        return {
            "cycles": sum(kernel.counters.cycles for kernel in self.kernels),
            "time_us": math.fsum(kernel.time_s for kernel in self.kernels) * 1e6,
            "warp_instructions": sum(kernel.counters.warp_instructions for kernel in self.kernels),
            "energy_j": math.fsum(kernel.energy["total"] for kernel in self.kernels),
            "estimate": sum_of_estimates([kernel.whole for kernel in self.kernels]) if sampled else None,
        }

    def to_dict(self, hot: int = 0) -> dict[str, Any]:
        """The JSON object (`schema.json`); `hot` adds that many rows of each kernel's hot-spot table."""
        return {
            "schema": SCHEMA,
            "tickwise": __version__,
            "kind": "gpu",
            "arch": {"name": self.arch_name, "hash": self.arch_hash},
            "traces": [
                {"path": trace.path, "hash": trace.hash, "source": trace.source, "sampled": trace.sampled}
                for trace in self.traces
            ],
            "kernels": [kernel.to_dict(hot) for kernel in self.kernels],
            "total": self.total,
            "simulation": self.simulation.to_dict(),
            "warnings": list(self.warnings),
            "fudge": dict(self.fudge),
        }

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per kernel; nested fields have dotted column names such as `issue_slots.stalls.wait`."""
        import pandas

        return pandas.DataFrame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """One flat object per kernel, for tables: dotted names, grid and block as `16x1x1`, warnings as one text."""
        return [_flat(kernel.to_dict()) for kernel in self.kernels]

    def save(self, directory: str | Path) -> Path:
        """Write the run folder, all of it or nothing, and return its path (see `sim/result/folder.py`)."""
        from sim.result.folder import save

        return save(self, Path(directory))


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat.update(_flat(item, f"{prefix}{key}."))
        elif key == "warnings":
            flat[key] = "; ".join(item)
        elif key not in ("hotspots", "follow") and not (key == "estimate" and item is None):
            flat[f"{prefix}{key}"] = "x".join(map(str, item)) if isinstance(item, list) else item
    return flat
