"""The Python interface: simulate a trace on a chip."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import BadInput
from sim.result import Result
from sim.run import Options, run

if TYPE_CHECKING:
    from sim.arch import Arch
    from sim.trace import Trace


def simulate(
    trace: "str | Path | Trace | Sequence[str | Path | Trace]",
    arch: "str | Path | Arch",
    *,
    sampling: object = None,
    **overrides: object,
) -> Result:
    """Replay a trace, or several in order, on a chip and return cycles, stalls, events and joules.

    `trace` is a path or an opened trace; `arch` the name or file of a configuration, or a loaded one. Overrides are
    keys of the configuration, dotted (`**{"sm.issue.policy": "gto"}`) or with double underscores
    (`sm__issue__policy="gto"`); values with a unit are text. With `sampling`, a `sim.Sampling`, a part of each kernel
    is simulated: its counters are of that part, and `estimate` is of the whole. Raises `sim.TickwiseError`.
    """
    from sim.arch import load_arch
    from sim.gpu.sampling import Sampling
    from sim.trace import Trace

    if not (sampling is None or isinstance(sampling, Sampling)):
        raise BadInput(f"sampling: give a sim.Sampling, not {type(sampling).__name__}")
    if isinstance(arch, (str, Path)):
        chip = load_arch(arch, {key.replace("__", "."): _text(key, value) for key, value in overrides.items()})
    elif overrides:
        raise BadInput(f"{next(iter(overrides))}: overrides need the chip's name; or give them to load_arch")
    else:
        chip = arch
    single = isinstance(trace, (str, Path, Trace))
    inputs: Sequence[str | Path | Trace] = [trace] if single else list(trace)  # type: ignore[list-item,arg-type]
    return run(inputs, chip, Options(sampling=sampling))


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadInput(f"{key}: an override is a text, a number, true or false, not {type(value).__name__}")
