"""Results: the one JSON object, its tables, and the folder that a run leaves.

`Result` holds everything; `FIELDS` declares what its fields mean (`tickwise explain`); `schema.json` is the shape.
"""

from sim.result.fields import FIELDS, Field
from sim.result.kernel import KernelResult, Scale
from sim.result.result import Result, TraceInfo
from sim.result.simulation import Simulation

__all__ = ["FIELDS", "Field", "KernelResult", "Result", "Scale", "Simulation", "TraceInfo"]
