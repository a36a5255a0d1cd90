"""Events and time into joules.

A component's energy is the sum of its events times their energy in the table; constant power and the leakage of active
and idle SMs are power times time. The parts are whole femtojoules until the last division, and the total is their sum.
Not modelled: clocks and voltages other than those that the table was fitted at, temperature, switching activity.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.energy.components import ACTIVE_SM, CONSTANT, IDLE_SM, NAMES
from sim.energy.table import EnergyTable

_FEMTO = 10**15


@dataclass(frozen=True)
class Activity:
    """What a kernel did: counted events, and how long how many SMs were there."""

    events: Mapping[str, int]
    cycles: int
    sm_count: int
    #: Sum over SMs of the cycles with at least one CTA.
    sm_active_cycles: int
    clock_hz: int


def energy_of(activity: Activity, table: EnergyTable) -> dict[str, float]:
    """Joules by component, in the order of `COMPONENTS`; a component that the table does not know is 0."""
    cycles = {
        CONSTANT: activity.cycles,
        ACTIVE_SM: activity.sm_active_cycles,
        IDLE_SM: activity.cycles * activity.sm_count - activity.sm_active_cycles,
    }
    parts: dict[str, float] = {}
    for name in NAMES:
        femtojoules = sum(
            activity.events.get(counter, 0) * value.amount for counter, value in table.events.get(name, {}).items()
        )
        if name in cycles:
            # mW x cycles / Hz = mJ; in fJ that is x 10^12, rounded to a whole number once.
            femtojoules += cycles[name] * table.power[name].amount * 10**12 // activity.clock_hz
        parts[name] = femtojoules / _FEMTO
    return parts


def parts_of(energy: Mapping[str, float]) -> dict[str, float]:
    """The parts of an `energy_j` object, without its total."""
    return {name: value for name, value in energy.items() if name != "total"}


def with_total(parts: Mapping[str, float]) -> dict[str, float]:
    """`parts` behind their total; the total is the correctly rounded sum (`math.fsum`) of the parts as they stand."""
    return {"total": math.fsum(parts.values()), **parts}


def sum_of(energies: list[dict[str, float]]) -> dict[str, float]:
    """Component by component, the sum over several `energy_j` objects."""
    parts = {name: math.fsum(energy.get(name, 0.0) for energy in energies) for name in NAMES}
    return with_total(parts)
