"""Energy: counted events and time become joules, component by component.

`load_table(name)` reads a table of arch_configs/energy, `energy_of(...)` applies it; the components are declared once
in `COMPONENTS`. A first figure: the tables say for each value what it rests on.
"""

from sim.energy.components import COMPONENTS, Component
from sim.energy.model import Activity, energy_of, parts_of
from sim.energy.table import EnergyTable, load_table

__all__ = ["COMPONENTS", "Activity", "Component", "EnergyTable", "energy_of", "load_table", "parts_of"]
