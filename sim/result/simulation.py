"""What the simulation itself took: seconds by part, memory, speed."""

import resource
import sys
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Simulation:
    """Seconds, megabytes and threads of one run (definitions: `tickwise explain simulation.wall_s` and so on)."""

    import_s: float
    compile_s: float
    simulate_s: float
    wall_s: float
    warp_instructions_per_s: float
    peak_rss_mb: float
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """The `simulation` object; times rounded to microseconds."""
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}
        rounded["warp_instructions_per_s"] = round(self.warp_instructions_per_s, 1)
        rounded["peak_rss_mb"] = round(self.peak_rss_mb, 1)
        return rounded


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, in units of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
