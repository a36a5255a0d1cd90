"""Quantities with units, as they stand in a configuration: sizes, clocks, cycles and bytes per cycle.

A quantity is text, a number and a unit; a bare number is refused, because nobody can tell 32 (bytes? KiB?) apart two
years later. Every quantity becomes one whole number in its base unit (bytes, hertz, cycles, bytes per cycle), exactly
or not at all.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

#: Quantities are handled as signed 64-bit numbers by the clocked core.
LARGEST = 2**62

_QUANTITY = re.compile(r"([-+]?\d{1,19}(?:\.\d{1,12})?)\s*([A-Za-z][A-Za-z/]*)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One kind of quantity: what it is called and how many base units each of its units holds."""

    name: str
    #: Spelling -> base units, ascending; the first spelling is the base unit.
    units: dict[str, int]
    #: Shown in errors and in the JSON Schema.
    example: str
    #: Other spellings of units -> the unit; one of the base unit is its singular ("1 cycle").
    synonyms: dict[str, str]

    @property
    def base(self) -> str:
        """Spelling of the base unit."""
        return next(iter(self.units))

    @property
    def pattern(self) -> str:
        """Regular expression of the accepted texts, for the JSON Schema."""
        spellings = "|".join([*self.units, *self.synonyms])
        return rf"^[-+]?[0-9]+(\.[0-9]+)?\s*({spellings})$"

    def parse(self, text: object) -> int:
        """`text` in base units.

        Raises ValueError, with a sentence for the user, for a bare number, an unknown unit or a broken base unit.
        """
        if isinstance(text, bool) or not isinstance(text, (str, int, float)):
            raise ValueError(f"needs {self.name} such as '{self.example}', not {describe(text)}")
        if isinstance(text, (int, float)) or _NUMBER.fullmatch(text.strip()):
            raise ValueError(f"needs a unit: write {self.name} such as '{self.example}', not a bare {text}")
        match = _QUANTITY.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"needs {self.name} such as '{self.example}', not {describe(text)}")
        number, spelling = match.groups()
        factor = self.units.get(self.synonyms.get(spelling, spelling))
        if factor is None:
            known = ", ".join(self.units)
            raise ValueError(f"'{spelling}' is no unit of {self.name}; known: {known} (such as '{self.example}')")
        value = Fraction(number) * factor
        if value.denominator != 1:
            raise ValueError(f"{describe(text)} is not a whole number of {self.base}")
        if abs(value.numerator) > LARGEST:
            raise ValueError(f"{describe(text)} is too large")
        return value.numerator

    def format(self, value: int) -> str:
        """`value` base units as the shortest exact text; `parse` gives the value back."""
        spelling, factor = self.base, 1
        for candidate, size in self.units.items():
            if size <= abs(value) and _decimals(Fraction(value, size)) is not None:
                spelling, factor = candidate, size
        if abs(value) == 1:
            spelling = next((short for short, unit in self.synonyms.items() if unit == self.base), self.base)
        return f"{_decimals(Fraction(value, factor))} {spelling}"


def _decimals(value: Fraction, most: int = 9) -> str | None:
    """`value` in decimal notation, or None if it needs more than `most` digits behind the point."""
    for digits in range(most + 1):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            whole = f"{abs(scaled.numerator):0{digits + 1}d}"
            sign = "-" if scaled < 0 else ""
            return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)
    return None


def describe(value: object) -> str:
    """How an error names a value that it refuses."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    return f"'{one_line(str(value))}'"


def one_line(text: str, most: int = 60) -> str:
    """`text` as an error shows it: without line breaks and not longer than `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."


SIZE = Dimension("a size", {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}, "32 KiB", {})
FREQUENCY = Dimension("a frequency", {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}, "1.8 GHz", {})
CYCLES = Dimension("a time in cycles", {"cycles": 1}, "4 cycles", {"cycle": "cycles"})
BANDWIDTH = Dimension("a bandwidth", {"B/cycle": 1}, "64 B/cycle", {})
DATA_RATE = Dimension("a data rate per pin", {"bps": 1, "Mbps": 10**6, "Gbps": 10**9}, "16 Gbps", {})
TIME = Dimension("a time", {"ps": 1, "ns": 10**3, "us": 10**6}, "17.1 ns", {})
CLOCKS = Dimension("a time in command clocks", {"clocks": 1}, "6 clocks", {"clock": "clocks"})
