"""atomics: latency and throughput of atomic operations."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from validation.kernels.micro.stamps import rates, unwritten
from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

UNTIMED, STEPS = 16, 4096  # of the chain; multiples of 16
UNROLLED = 16
CHAIN_WORDS = SHARED_WORDS = 1024
MOST_WORDS = 1 << 20  # counters in global memory
SAME = 7  # what many compare-and-swaps find and write, and many exchanges too


class Pattern(NamedTuple):
    """Which word a lane works on: strides are in words."""

    lane_stride: int
    warp_stride: int
    lanes: int  # that take part


#: One lane a warp; all warps on one word; a word a warp; consecutive words; words 32 apart, in global memory in a line
#: each, in shared memory all in the warp's bank.
PATTERNS = {
    "global": {
        "one": Pattern(0, 32, 1),
        "same": Pattern(0, 0, 32),
        "warp": Pattern(0, 32, 32),
        "lane": Pattern(1, 32, 32),
        "apart": Pattern(32, 1024, 32),
    },
    "shared": {
        "one": Pattern(0, 1, 1),
        "same": Pattern(0, 0, 32),
        "warp": Pattern(0, 1, 32),
        "lane": Pattern(1, 32, 32),
        "apart": Pattern(32, 1, 32),
    },
}


def _pattern(case: Case) -> Pattern:
    return PATTERNS[case["space"]][case["pattern"]]


def _threads(case: Case) -> int:
    """All that an SM can hold in a CTA where there is one CTA."""
    return 1024 if case["ctas"] == 1 else 256


def _warps(case: Case) -> int:
    return int(case["ctas"]) * _threads(case) // 32


def _groups(case: Case) -> int:
    """Warps with words of their own; further ones share these."""
    stride = _pattern(case).warp_stride
    return min(_warps(case), MOST_WORDS // stride) if stride else 1


def _type(case: Case) -> type[np.number[Any]]:
    others: dict[str, type[np.number[Any]]] = {"add_f32": np.float32, "add_u64": np.uint64}
    return others.get(case["op"], np.uint32)


def _has_chain(case: Case) -> bool:
    return bool(case["form"] == "atom")


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Counters and operands.

    The chain of lanes that share a word works on zeros: only so does the end not depend on who comes first. So does the
    chain of floats, whose sums, Fibonacci's numbers, would leave their range; those of integers wrap around.
    """
    kind, pattern = _type(case), _pattern(case)
    words = SHARED_WORDS if case["space"] == "shared" else _groups(case) * pattern.warp_stride + 1024
    operands = {
        "add": np.arange(1, 33),
        "add_u64": np.arange(1, 33),
        "add_f32": np.ones(32),  # sums up to 2**24 are exact
        "max": rng.integers(0, 1 << 31, 32),
        "cas": np.full(32, SAME),
        "exch": np.full(32, SAME),
    }
    buffers: Buffers = {
        "counters": np.full(words, SAME, kind),
        "operands": operands[case["op"]].astype(kind),
        "stamps": unwritten(case["ctas"]),
        "sinks": poison(_warps(case) * 32, np.uint32),
    }
    if _has_chain(case):
        shared_word = pattern.lanes > 1 and pattern.lane_stride == 0
        scale = 0 if shared_word or kind is np.float32 else 1e6
        buffers["chained"] = (rng.random(CHAIN_WORDS) * scale).astype(kind)
        buffers["seeds"] = (rng.random(32) * scale).astype(kind)
        buffers["last"] = np.zeros(32, kind)
        buffers["cycles"] = poison(1, np.int64)
    return buffers


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A warp with the chain, if there is a result to chain by; then many independent operations."""
    pattern = _pattern(case)
    name = f"{case['space']}_{case['form']}_{case['op']}_{case['scope']}"
    chain = launch(
        f"{name}_latency", 1, 32, "chained", "seeds", np.int32(pattern.lane_stride), np.int32(pattern.lanes),
        np.int32(UNTIMED), np.int32(STEPS), "cycles", "last",
    )  # fmt: skip
    many = launch(
        f"{name}_throughput", case["ctas"], _threads(case), "counters", "operands", np.int32(pattern.lane_stride),
        np.int32(pattern.warp_stride), np.int32(_groups(case)), np.int32(pattern.lanes), np.int32(case["rounds"]),
        "stamps", "sinks",
    )  # fmt: skip
    return [chain, many] if _has_chain(case) else [many]


def _apply(op: str, word: NDArray[Any], operand: NDArray[Any], swap: NDArray[Any]) -> NDArray[Any]:
    """What an operation leaves in the word."""
    left: NDArray[Any] = word + operand
    if op == "max":
        left = np.maximum(word, operand)
    elif op == "cas":
        left = np.where(word == operand, swap, word)
    elif op == "exch":
        left = operand
    return left


def _chain(case: Case, buffers: Buffers) -> Buffers:
    pattern, words, last = _pattern(case), buffers["chained"].copy(), buffers["last"].copy()
    if not words.any():
        return {"chained": words, "last": last}
    at = np.arange(pattern.lanes) * pattern.lane_stride
    operand = seed = buffers["seeds"][: pattern.lanes]
    for _ in range(UNTIMED + STEPS):
        old = words[at]
        words[at] = _apply(case["op"], old, operand, seed)
        operand = old
    last[: pattern.lanes] = operand
    return {"chained": words, "last": last}


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The counters after all operations; the chains step by step."""
    pattern, counters, operands = _pattern(case), buffers["counters"].copy(), buffers["operands"]
    group, lane = np.arange(_warps(case)) % _groups(case), np.arange(pattern.lanes)
    word = (group[:, None] * pattern.warp_stride + lane * pattern.lane_stride).reshape(-1)
    operand = np.tile(operands[lane], len(group))
    if case["op"].startswith("add"):
        sums = np.bincount(word, operand.astype(np.float64), len(counters)) * (case["rounds"] * UNROLLED)
        counters = (counters + sums).astype(np.int64).astype(counters.dtype)  # integers wrap around
    elif case["op"] == "max":
        np.maximum.at(counters, word, operand)
    found = {"counters": counters}
    return found | _chain(case, buffers) if _has_chain(case) else found


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """`per_sm` and `whole` count lanes; `interval` is an SM's time for one instruction of a warp."""
    warps = _threads(case) // 32
    instructions = rates(buffers["stamps"], warps * case["rounds"] * UNROLLED)
    lanes = _pattern(case).lanes
    found = {
        "per_sm": Reading(float(np.median(instructions)) * lanes, "operations/cycle"),
        "interval": Reading(1 / float(np.median(instructions)), "cycles"),
    }
    if case["ctas"] > 1:
        found["whole"] = Reading(float(instructions.sum()) * lanes, "operations/cycle")
    if _has_chain(case):
        found["latency"] = Reading(int(buffers["cycles"][0]) / STEPS, "cycles")
    return found
