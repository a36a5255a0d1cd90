"""Traces: what ran. A static instruction table, one stream per distinct path of a warp, addresses in compact form.

Use `open_trace(path)` for every format: `trace.streams` gives kernels batch by batch in bounded memory, `trace.kernels`
whole ones. `sim.trace.live.BatchTables` and `sim.trace.expand.Windows` make of a stream what the core replays,
`sim.trace.repeat.repeat_stream` makes bigger kernels and `sim.trace.container.write_twt` keeps a trace; importing this
package loads no compiler.
"""

from sim.trace.model import KernelHeader, KernelTrace, StaticRow, Trace
from sim.trace.open import open_trace

__all__ = ["KernelHeader", "KernelTrace", "StaticRow", "Trace", "open_trace"]
