"""A set-associative, sectored cache array with typed lines: the tag store that every chip's caches are made of.

The array is plain records; a set is the run of `ways` records from index `first` on, which the caller works out (so
that any hash or slicing can choose the set). Sectors of a line are valid and dirty on their own. A sector that was
written in part only keeps the mask of its written bytes beside the line (write-validate, §7.3 of the core reference)
until the rest is fetched. Timing, ports and miss registers belong to the structure that uses the array.
"""

import numpy as np

from sim.jit import njit

#: Sectors of a line at most: their masks are signed bytes.
MAX_SECTORS = 4

# What a line holds; replacement and reports may treat kinds differently.
DATA, INSTRUCTIONS, TRANSLATIONS = range(3)
LINE_KINDS = ("data", "instructions", "translations")

# Replacement policies; adding one is a number here, a branch in `touch`, `victim` and `install`, and a test.
LRU, SRRIP = range(2)
REPLACEMENT = {"lru": LRU, "srrip": SRRIP}

#: Largest re-reference prediction value of SRRIP: 2 bits, as in Jaleel et al., ISCA 2010.
FARTHEST = 3

CACHE_LINE = np.dtype(
    [
        ("tag", np.int64),  # line number + 1, 0 = empty
        ("used", np.int64),  # LRU: time of the last use; SRRIP: re-reference prediction value, 2 bits in hardware
        ("valid", np.int8),  # bit per sector: every byte is here
        ("dirty", np.int8),  # bit per sector: some byte is newer than in memory
        ("waiting", np.int8),  # bit per sector: on its way; a line that waits is no victim
        ("kind", np.int8),  # DATA, INSTRUCTIONS, TRANSLATIONS
    ],
    align=True,
)


@njit
def find(lines, first, ways, line):  # type: ignore[no-untyped-def]
    """Index of the record that holds `line` in the set that starts at `first`, or -1."""
    for i in range(first, first + ways):
        if int(lines[i]["tag"]) == line + 1:
            return i
    return -1


@njit
def touch(lines, index, policy, now):  # type: ignore[no-untyped-def]
    """Note that the record was used; `now` is any clock that only rises."""
    if policy == SRRIP:
        lines[index]["used"] = 0
    else:
        lines[index]["used"] = now


@njit
def victim(lines, first, ways, policy):  # type: ignore[no-untyped-def]
    """Index of the record that a new line of the set takes: an empty one, else the policy's; -1 if all of them wait."""
    chosen = -1
    for i in range(first, first + ways):
        if int(lines[i]["tag"]) == 0:
            return i
        if int(lines[i]["waiting"]) != 0:
            continue
        if chosen < 0:
            chosen = i
        elif policy == SRRIP:
            if int(lines[i]["used"]) > int(lines[chosen]["used"]):
                chosen = i
        elif int(lines[i]["used"]) < int(lines[chosen]["used"]):
            chosen = i
    if policy == SRRIP and chosen >= 0:
        # The first of the farthest goes; had none been that far, all would have aged until one was.
        age = FARTHEST - int(lines[chosen]["used"])
        if age > 0:
            for i in range(first, first + ways):
                lines[i]["used"] = min(FARTHEST, int(lines[i]["used"]) + age)
    return chosen


@njit
def find_or_victim(lines, first, ways, line, policy):  # type: ignore[no-untyped-def]
    """Index of the record that holds `line`, else -2 - (that of the one it would take), or -1 if all of them wait."""
    if policy == SRRIP:
        found = find(lines, first, ways, line)
        return found if found >= 0 else -2 - victim(lines, first, ways, policy)
    chosen = -1
    oldest = 0
    for i in range(first, first + ways):
        entry = lines[i]
        tag = int(entry["tag"])
        if tag == line + 1:
            return i
        used = int(entry["used"])
        if tag == 0:
            used = -1
        elif int(entry["waiting"]) != 0:
            continue
        if chosen < 0 or used < oldest:
            chosen = i
            oldest = used
    return -2 - chosen


@njit
def install(lines, index, line, kind, policy, now):  # type: ignore[no-untyped-def]
    """Give the record to `line`, with no sector valid yet.

    This counts as its first use: a `touch` after it would promise SRRIP a second one.
    """
    entry = lines[index]
    entry["tag"] = line + 1
    entry["valid"] = 0
    entry["dirty"] = 0
    entry["waiting"] = 0
    entry["kind"] = kind
    entry["used"] = FARTHEST - 1 if policy == SRRIP else now


@njit
def write_sector(lines, written, index, sector, mask):  # type: ignore[no-untyped-def]
    """Write the bytes of `mask` (32 bits, signed) in one sector; it becomes valid when all its bytes are written.

    `written` [lines, MAX_SECTORS] holds the masks of the sectors that are written in part: those that are dirty and not
    valid. Of any other sector it means nothing, so that neither `install` nor a fetch nor a write-back has to clear it.
    """
    entry = lines[index]
    bit = 1 << sector
    dirty = int(entry["dirty"])
    entry["dirty"] = dirty | bit
    if int(entry["valid"]) & bit != 0:
        return
    whole = mask
    if dirty & bit != 0:
        whole |= int(written[index, sector])
    if whole == -1:
        entry["valid"] = int(entry["valid"]) | bit
        whole = 0
    written[index, sector] = whole


@njit
def popcount(mask):  # type: ignore[no-untyped-def]
    """Set bits of a sector mask."""
    return (mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1) + (mask >> 3 & 1)
