"""Where the seconds of a run go: loading modules, compiling, simulating."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sim.result.simulation import Simulation, peak_rss_mb


@dataclass
class Stopwatch:
    """Adds up seconds by what they were spent on; compiling is told apart from whatever it happened in."""

    started: float = field(default_factory=time.perf_counter)
    import_s: float = 0.0
    compile_s: float = 0.0
    simulate_s: float = 0.0

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Counts what is inside as loading modules."""
        start, compiled = time.perf_counter(), _compiled()
        yield
        self.import_s += time.perf_counter() - start - self._compiling_since(compiled)

    @contextmanager
    def simulating(self) -> Iterator[None]:
        """Counts what is inside as reading and simulating."""
        start, compiled = time.perf_counter(), _compiled()
        yield
        self.simulate_s += time.perf_counter() - start - self._compiling_since(compiled)

    def _compiling_since(self, before: float) -> float:
        seconds = _compiled() - before
        self.compile_s += seconds
        return seconds

    def report(self, warp_instructions: int, threads: int) -> Simulation:
        """The `simulation` object at this moment."""
        return Simulation(
            import_s=self.import_s,
            compile_s=self.compile_s,
            simulate_s=self.simulate_s,
            wall_s=time.perf_counter() - self.started,
            warp_instructions_per_s=warp_instructions / self.simulate_s if self.simulate_s else 0.0,
            peak_rss_mb=peak_rss_mb(),
            threads=threads,
        )


def _compiled() -> float:
    """Seconds of compiling so far; 0 while the compiler is not loaded."""
    jit = sys.modules.get("sim.jit")
    return float(jit.compile_seconds()) if jit is not None else 0.0
