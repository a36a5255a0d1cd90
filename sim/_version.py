"""The one place where the version stands; packaging, results and `tickwise version` read it."""

__version__ = "0.1.0"
