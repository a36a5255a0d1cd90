"""Translation of a made-up chip, small enough that everything in it overflows."""

from typing import Any

from sim.arch.schema_tlb import Translation
from sim.memory.translation import TranslationState, new_translation

#: Index bits of NVIDIA's page table since Pascal: 64 KiB pages at the last level, 2 MiB pages one before it.
BITS = [2, 9, 9, 8, 5]
ENTRY = ["8 B", "8 B", "8 B", "16 B", "8 B"]

_SMALL: dict[str, Any] = {
    "enabled": True,
    "page": "64 KiB",
    "l1": {"entries": 4, "ways": 4, "latency": "3 cycles", "sharers": 2},
    "l2": {"entries": 8, "ways": 2, "latency": "20 cycles", "sharers": 4},
    "l3": {"entries": 16, "ways": 4, "latency": "50 cycles", "sharers": 8},
    "table": {"smallest_page": "64 KiB", "bits": BITS, "entry": ENTRY, "reserved": "64 MiB"},
    "walkers": {"count": 2, "pages": 6, "requests": 12},
    "walk_cache": {"entries": [2, 2, 2, 2, 0], "ways": 2, "latency": "4 cycles", "miss_latency": "1 cycle"},
}


def small_config(**changes: Any) -> Translation:
    """The small chip's keys; `changes` replace groups in part, or single keys: `l1={"entries": 0}`."""
    values = {key: value.copy() if isinstance(value, dict) else value for key, value in _SMALL.items()}
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return Translation.model_validate(values)


def small_chip(clients: int = 8, **changes: Any) -> TranslationState:
    """Its empty state."""
    return new_translation(small_config(**changes), clients)
