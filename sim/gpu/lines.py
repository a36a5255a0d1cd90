"""Lookup in a set-associative table of lines without sectors: instruction and constant caches (`state.PLAIN_LINE`)."""

from sim.jit import njit


@njit
def find_line(table, base, sets, ways, line):  # type: ignore[no-untyped-def]
    """Index of `line` in the table that starts at `base` (tag = line + 1, 0 = empty), or -1."""
    first = base + line % sets * ways
    for i in range(first, first + ways):
        if int(table[i]["tag"]) == line + 1:
            return i
    return -1
