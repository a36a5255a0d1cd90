"""Tickwise: a cycle-level simulator of GPUs that replays real SASS.

    import sim
    result = sim.simulate("traces/sgemm_256x256x64_sm86.twt", "rtx_a6000")
    print(result.total, result.stalls)

Importing this package loads nothing; the names below load what they need when they are first used.
"""

from typing import TYPE_CHECKING, Any

from sim._version import __version__

if TYPE_CHECKING:
    from sim.api import simulate
    from sim.arch import load_arch
    from sim.errors import TickwiseError
    from sim.gpu.sampling import Sampling
    from sim.result import Result
    from sim.trace import open_trace

#: The public interface; everything else may change without notice.
__all__ = ["Result", "Sampling", "TickwiseError", "__version__", "load_arch", "open_trace", "simulate"]

_HOME = {
    "Result": "sim.result",
    "Sampling": "sim.gpu.sampling",
    "TickwiseError": "sim.errors",
    "load_arch": "sim.arch",
    "open_trace": "sim.trace",
    "simulate": "sim.api",
}


def __getattr__(name: str) -> Any:
    """A public name, loaded from its home at first use."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What `dir(sim)` shows."""
    return sorted({*globals(), *__all__})
