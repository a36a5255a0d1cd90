"""Text for people: the tables of a run and the catalogue of names. Functions return text; only `sim.cli` prints."""

from sim.report.catalogue import Entry, catalogue, lookup
from sim.report.run import run_report

__all__ = ["Entry", "catalogue", "lookup", "run_report"]
