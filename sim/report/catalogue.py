"""Every name that a result can show, with unit and meaning: what `tickwise explain` knows.

Nothing is declared here; the names come from the tables beside the code that counts them.
"""

import difflib
from typing import NamedTuple

from sim.energy import COMPONENTS
from sim.errors import BadInput
from sim.gpu.counters import COUNTERS, REASONS
from sim.result import FIELDS


class Entry(NamedTuple):
    """One name: what kind of thing it is, its unit, its meaning, where it is counted (a file, or empty)."""

    name: str
    kind: str
    unit: str
    meaning: str
    where: str


def catalogue() -> tuple[Entry, ...]:
    """All names: counters, stall reasons in the order of their priority, energy components, result fields."""
    return (
        *(Entry(counter.name, "counter", counter.unit, counter.meaning, counter.where) for counter in COUNTERS),
        *(
            Entry(
                f"sm.stall.{reason.name}",
                "reason",
                "sub-core cycles (issue_slots.stalls), warp cycles (warp_states)",
                f"{reason.meaning} (priority {place}: the lowest that is present is the sub-core's reason)",
                reason.where,
            )
            for place, reason in enumerate(REASONS)
        ),
        *(Entry(f"energy_j.{part.name}", "energy", "joules", part.meaning, "sim/energy") for part in COMPONENTS),
        *(Entry(field.name, "field", field.unit, field.meaning, "sim/result") for field in FIELDS),
    )


def lookup(name: str) -> list[Entry]:
    """The entries called `name`, in full or by their last parts (`ipc`, `stalls.wait`).

    Raises BadInput with the nearest names if there is none.
    """
    entries = catalogue()
    wanted = name.strip()
    for prefix in ("kernels.", "total."):
        bare = wanted.removeprefix(prefix)
        exact = [entry for entry in entries if entry.name in (wanted, bare)]
        if exact:
            return exact
    last = wanted.rpartition(".")[2]
    by_end = [entry for entry in entries if entry.name.endswith("." + wanted)]
    if not by_end and any(part in wanted for part in ("stall", "state")):
        by_end = [entry for entry in entries if entry.kind == "reason" and entry.name.endswith("." + last)]
    if by_end:
        return by_end
    known = [entry.name for entry in entries]
    short = {entry.name.rpartition(".")[2]: entry.name for entry in reversed(entries)}
    near = difflib.get_close_matches(wanted, known, n=3) or [
        short[match] for match in difflib.get_close_matches(last, short, n=3)
    ]
    hint = f"did you mean {' or '.join(near)}?" if near else "`tickwise explain` lists all names"
    raise BadInput(f"{wanted or 'an empty name'}: no such counter, reason, component or field; {hint}")
