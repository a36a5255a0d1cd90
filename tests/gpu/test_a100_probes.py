"""The A100 probes: short sequences between two clock reads, measured on hardware, replayed (core reference §1.3, §5).

The rows are read from ../shared at test time; only counts and the reasons of the misses stand in the project. A miss
is asserted with its exact size (validation/DEVIATIONS.md), so that a change that closes it turns this file red.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.gpu.conftest import Chip

pytestmark = pytest.mark.shared

#: BAR.SYNC stands before the first clock read of these kernels, outside the sequences (DEVIATIONS.md, A100-1).
BARRIER_OFFSET = 15
#: Where the simulated window misses the measured one: simulated minus measured (DEVIATIONS.md, A100-2).
SCHEDULER_MISS = {"cggty_NO_YIELD": -2}


class Probe(NamedTuple):
    group: str
    name: str
    warps: int
    measured: int
    simulated: int


@pytest.fixture(scope="module")
def probes(chip: Chip, shared_dir: Path) -> list[Probe]:
    """All clean rows (minimum = maximum), replayed from cold caches on one SM of an A100."""
    sm = chip("a100_sxm_80")
    found = []
    with (shared_dir / "measured" / "a100_control_bit_probes.csv").open() as rows:
        for row in csv.DictReader(rows):
            if row["clean"] != "yes":
                continue
            lines = "\n".join(row["sequence"].split(" | "))
            run = sm.listing(f".sm 80\n.block {32 * int(row['warps'])}\n{lines}")
            reads = [e.cycle for e in run.counters.follow if e.event == "clock read"]
            measured = float(row["clock_min"])
            assert measured.is_integer()
            simulated = max(reads) - min(reads)
            found.append(Probe(row["group"], row["variant"], int(row["warps"]), int(measured), simulated))
    return found


def test_at_least_56_of_the_68_clean_probes_are_exact(probes: list[Probe]) -> None:
    exact = [p for p in probes if p.simulated == p.measured]
    for probe in probes:
        mark = "exact" if probe.simulated == probe.measured else "MISS "
        print(f"{mark} {probe.group}/{probe.name}: measured {probe.measured}, simulated {probe.simulated}")
    print(f"{len(exact)} of {len(probes)} clean probes exact")
    assert len(probes) == 68
    assert len(exact) == 56


def test_queue_probes_are_off_by_the_barrier_before_them_and_by_nothing_else(probes: list[Probe]) -> None:
    queue = [p for p in probes if p.name.startswith("queue_")]
    assert len(queue) == 11
    assert {p.measured - p.simulated for p in queue} == {BARRIER_OFFSET}


def test_the_other_misses_are_the_recorded_ones(probes: list[Probe]) -> None:
    misses = {p.name: p.simulated - p.measured for p in probes if p.simulated != p.measured}
    others = {name: miss for name, miss in misses.items() if not name.startswith("queue_")}
    assert others == SCHEDULER_MISS
