"""Traces: what ran. A static instruction table, one stream per distinct path of a warp, addresses in compact form.

Use `open_trace(path)` for every format, `sim.trace.expand.expand(kernel)` for what the core replays,
`sim.trace.repeat.repeat_ctas` for bigger kernels and `sim.trace.container.write_twt` to keep a trace; importing this
package loads no compiler.
"""

from sim.trace.model import KernelHeader, KernelTrace, StaticRow, Trace
from sim.trace.open import open_trace

__all__ = ["KernelHeader", "KernelTrace", "StaticRow", "Trace", "open_trace"]
