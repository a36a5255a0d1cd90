"""The micro-benchmarks of memory: what can be said of them without a GPU."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.validation import on_cpu
from tests.validation.kernels.source import constants
from tests.validation.kernels.worked import worked
from validation.kernels import Buffers, Case, Kernel, Reading, case_id, load, mismatch
from validation.kernels.micro import atomics, constant_latency
from validation.kernels.micro.stamps import rates


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)


def _cycle_length(following: dict[int, int], start: int) -> int:
    at, steps = following[start], 1
    while at != start:
        at, steps = following[at], steps + 1
    return steps


# ---- the sources on the CPU: those whose PTX stands in include/ptx


SMALL: dict[str, list[dict[str, Any]]] = {
    "memory_latency": [
        {"bytes": 128 * 1000, "stride": 128, "operator": "ca"},
        {"bytes": 8320 * 7, "stride": 8320, "operator": "cg"},
        {"bytes": 4096, "stride": 32, "operator": "ca"},
    ],
    "tlb_latency": [{"page": 65536, "pages": 5, "operator": "cg"}, {"page": 4096, "pages": 70, "operator": "ca"}],
    "l2_distance": [{"bytes": 65536, "lines": 7, "ctas": 5}],
    "bandwidth": [
        {"function": "read_ca", "ctas": 3, "kib": 16, "untimed": 1, "passes": 2},
        {"function": "read_cg", "ctas": 2, "kib": 48, "untimed": 0, "passes": 1},
        {"function": "store", "ctas": 3, "kib": 32, "untimed": 0, "passes": 3},
        {"function": "copy_ca", "ctas": 2, "kib": 16, "untimed": 0, "passes": 2},
        {"function": "copy_cg", "ctas": 1, "kib": 48, "untimed": 0, "passes": 1},
    ],
    "bandwidth_stride": [
        {"level": "l1", "stride": 31},
        {"level": "l1", "stride": 2},
        {"level": "dram", "stride": 32, "mib": 1},
        {"level": "dram", "stride": 4, "mib": 1},
    ],
    "constant_latency": [{"bytes": 512}, {"bytes": 1536}, {"bytes": 57344}],
}


def _problems(kernel: Kernel, folder: Path) -> list[str]:
    library = on_cpu.build(kernel, folder)
    found = []
    for case in SMALL[kernel.name]:
        buffers = kernel.definition.inputs(case, _rng())
        expected = kernel.definition.reference(case, buffers)
        got = on_cpu.run(kernel, case, buffers, library)
        for name, array in expected.items():
            problem = mismatch(array, got[name], 0.0)
            if problem:
                found.append(f"{case_id(case)}: {name}: {problem}")
        for name, reading in kernel.definition.readings(case, got, 1.0).items():
            if not np.isfinite(reading.value):
                found.append(f"{case_id(case)}: {name} reads {reading.value}")
    return found


@pytest.mark.skipif(on_cpu.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("name", SMALL)
def test_the_source_does_what_its_reference_says(name: str, tmp_path: Path) -> None:
    assert on_cpu.in_a_fork(_problems, load(name), tmp_path) == []


# ---- chains


@pytest.mark.parametrize("elements", [1, 64, 100, 5000])
def test_a_memory_chain_is_one_cycle_through_all_elements(elements: int) -> None:
    definition = load("memory_latency").definition
    case = {"bytes": elements * 128, "stride": 128, "operator": "ca"}
    buffers = definition.inputs(case, _rng())
    order = [int(element) for element in buffers["order"]]
    following = dict(zip(order, order[1:] + order[:1], strict=True))
    assert _cycle_length(following, order[0]) == elements
    untimed, steps = (int(argument) for argument in definition.launches(case, buffers)[1].arguments[4:6])
    assert untimed >= elements, "the clock starts in a warm cache"
    at = order[0]
    for _ in range(untimed + steps):
        at = following[at]
    assert definition.reference(case, buffers)["last"][0] == at * 128


def test_a_memory_chain_is_not_in_order() -> None:
    buffers = load("memory_latency").definition.inputs({"bytes": 1 << 20, "stride": 128, "operator": "cg"}, _rng())
    assert np.count_nonzero(np.diff(buffers["order"].astype(np.int64)) == 1) < 10


@pytest.mark.parametrize("case", [{"pages": 1000, "operator": "ca"}, {"pages": 777, "operator": "cg"}])
def test_a_tour_stops_once_in_every_page_at_lines_of_its_own(case: Case) -> None:
    definition = load("tlb_latency").definition
    buffers = definition.inputs({**case, "page": 65536}, _rng())
    stops = buffers["stops"]
    assert sorted(stops // 65536) == list(range(case["pages"]))
    assert set(stops % 128) == {0}
    assert len(set(stops % 65536)) > min(case["pages"], 512) // 3
    assert len(buffers["memory"]) == case["pages"] * 65536


def test_each_constant_chain_is_one_cycle_through_its_lines() -> None:
    """The array as the source fills it."""
    following = {
        (line * 16 + chain) * 4: ((line + 11) % lines * 16 + chain) * 4
        for line in range(1024)
        for chain, lines in enumerate(constant_latency.LINES)
    }
    for chain, lines in enumerate(constant_latency.LINES):
        assert _cycle_length(following, chain * 4) == lines
        at = chain * 4
        case = {"bytes": lines * 64}
        _, untimed, steps = load("constant_latency").definition.launches(case, {})[0].arguments[:3]
        assert int(untimed) >= lines
        for _ in range(int(untimed) + int(steps)):
            at = following[at]
        assert load("constant_latency").definition.reference(case, {})["last"][0] == at


def test_a_memory_chain_of_dram_finds_no_line_in_a_cache() -> None:
    """Nothing is brought in of sets of twice any L2, and as much is linked after the part that is walked."""
    definition = load("memory_latency").definition
    for case in load("memory_latency").cases:
        elements = case["bytes"] // case["stride"]
        lines = elements * min(case["stride"], 128)
        touched, untimed, steps = (int(argument) for argument in definition.launches(case, {})[1].arguments[3:6])
        assert touched == (elements if lines < 256 << 20 else 0)
        assert touched or lines - (untimed + steps) * 128 > 250 << 20
    assert any(case["bytes"] >= 512 << 20 and case["stride"] == 128 for case in load("memory_latency").cases)


# ---- cases and constants


def test_python_and_cuda_agree_on_the_chains_in_constant_memory() -> None:
    listed = re.search(r"counts\[WORDS\] = \{([^}]*)\}", load("constant_latency").source.read_text(encoding="utf-8"))
    assert listed and tuple(map(int, listed[1].split(","))) == constant_latency.LINES


def test_cases_are_legal() -> None:
    for case in load("memory_latency").cases:
        assert case["bytes"] >= case["stride"] and case["stride"] % 8 == 0
        assert case["bytes"] <= 1 << 30
    for case in load("tlb_latency").cases:
        assert case["page"] * case["pages"] < 2 << 30
    for case in load("bandwidth").cases:
        assert case["kib"] % 16 == 0
        assert case["function"].startswith("read") or case["untimed"] == 0
    for case in load("bandwidth_stride").cases:
        if case["level"] == "l1":
            assert case["stride"] <= 32, "31 strides and 7 times 1024 words fit the buffer"
        else:
            assert (case["mib"] << 20) % (8 * 256 * 4 * case["stride"]) == 0, "a whole number of chunks"
    elements = constants(load("shared_conflicts"))["ELEMENTS"]
    for case in load("shared_conflicts").cases:
        assert case["stride"] * 31 < elements
    for case in load("constant_latency").cases:
        assert case["bytes"] // 64 in constant_latency.LINES


def test_l2_cases_of_bandwidth_read_every_chunk_before_the_clock_starts() -> None:
    for case in load("bandwidth_stride").cases:
        if case["level"] == "l2":
            step = load("bandwidth_stride").definition.launches(case, {})[0]
            chunks, untimed = int(step.arguments[4]), int(step.arguments[5])
            assert step.grid[0] >= chunks and untimed >= 1
            assert chunks * 256 * 8 * case["stride"] * 4 == 16 << 20


def test_atomics_of_a_cta_scope_share_no_word_between_ctas() -> None:
    kernel = load("atomics")
    for case in kernel.cases:
        words, threads = _words(case), _threads(case)
        assert words.max() < len(kernel.definition.inputs(case, _rng())["counters"])
        if case["scope"] == "cta" and case["ctas"] > 1:
            users = np.unique(words * case["ctas"] + np.arange(len(words)) // threads)
            assert len(np.unique(words)) == len(users), case


def test_float_counters_stay_exact() -> None:
    for case in load("atomics").cases:
        if case["op"] == "add_f32":
            assert atomics.reference(case, atomics.inputs(case, _rng()))["counters"].max() < 2**24


# ---- references against slow loops


def _threads(case: Case) -> int:
    return atomics.launches(case, {})[-1].block[0]


def _words(case: Case) -> NDArray[np.int64]:
    """The word of each thread, lanes that sit out included."""
    step = atomics.launches(case, {})[-1]
    lane_stride, warp_stride, groups = (int(argument) for argument in step.arguments[2:5])
    thread = np.arange(case["ctas"] * _threads(case))
    words: NDArray[np.int64] = thread // 32 % groups * warp_stride + thread % 32 * lane_stride
    return words


@pytest.mark.parametrize("op", ["add", "add_u64", "add_f32", "max", "cas", "exch"])
@pytest.mark.parametrize("pattern", ["one", "same", "warp", "lane", "apart"])
@pytest.mark.parametrize("space", ["shared", "global"])
def test_counters_are_the_same_in_whatever_order_the_operations_come(space: str, op: str, pattern: str) -> None:
    case = {"space": space, "form": "atom", "op": op, "scope": "cta", "pattern": pattern, "ctas": 1, "rounds": 2}
    given, expected = worked("atomics", case)
    counters = [float(counter) if op == "add_f32" else int(counter) for counter in given["counters"]]
    words = _words(case)
    lanes = 1 if pattern == "one" else 32
    events = [thread for thread in range(len(words)) if thread % 32 < lanes for _ in range(2 * atomics.UNROLLED)]
    for thread in _rng().permutation(events):
        word, operand = int(words[thread]), given["operands"][thread % 32].item()
        if op == "max":
            counters[word] = max(counters[word], operand)
        elif op == "cas":
            counters[word] = operand if counters[word] == operand else counters[word]
        elif op == "exch":
            counters[word] = operand
        else:
            counters[word] += operand
    counted = np.array(counters).astype(given["counters"].dtype)
    assert mismatch(counted, expected["counters"], 0.0) is None


@pytest.mark.parametrize("op", ["add", "add_u64", "add_f32", "max", "cas", "exch"])
@pytest.mark.parametrize("pattern", ["one", "same", "lane", "apart"])
def test_chains_of_atomics_step_by_step(op: str, pattern: str) -> None:
    case = {"space": "global", "form": "atom", "op": op, "scope": "gpu", "pattern": pattern, "ctas": 1, "rounds": 1}
    given, expected = worked("atomics", case)
    words, last = list(given["chained"]), list(given["last"])
    for lane in range(1 if pattern == "one" else 32):
        at = {"one": 0, "same": 0, "lane": lane, "apart": 32 * lane}[pattern]
        operand = given["seeds"][lane]
        for _ in range(atomics.UNTIMED + atomics.STEPS):
            old = words[at]
            if op.startswith("add"):
                with np.errstate(over="ignore"):
                    words[at] = old + operand
            elif op == "max":
                words[at] = max(old, operand)
            elif op == "exch" or old == operand:
                words[at] = operand if op == "exch" else given["seeds"][lane]
            operand = old
        last[lane] = operand
    kind = given["chained"].dtype
    assert mismatch(np.array(words, kind), expected["chained"], 0.0) is None
    assert mismatch(np.array(last, kind), expected["last"], 0.0) is None
    assert pattern == "same" or op == "add_f32" or expected["last"].any()


def test_strided_sums_thread_by_thread() -> None:
    given, expected = worked("bandwidth_stride", {"level": "l2", "stride": 32, "mib": 2})
    x, sums = given["x"], expected["sums"]
    chunks = (2 << 18) // (256 * 8 * 32)
    for cta, thread in ((0, 0), (3, 255), (chunks, 17), (2047, 100)):
        total = 0
        for each in range(33):
            chunk = (cta + each) % chunks
            for k in range(8):
                total += int(x[chunk * 256 * 8 * 32 + k * 256 * 32 + thread * 32])
        assert sums[cta * 256 + thread] == total % 2**32


def test_shared_loads_add_up_lane_by_lane_and_stores_write_places() -> None:
    for case in load("shared_conflicts").cases:
        found = load("shared_conflicts").definition.reference(case, {})
        for thread in (0, 1, 31, 32, 1023):
            place = thread % 32 * case["stride"] * case["width"]
            assert found["places"][thread % 32] == place
            assert found["sums"][thread] == sum([place] * (1 + 512 * 4)) % 2**32
            assert found["stored"][thread] == place + 1


# ---- readings of made-up buffers


def _reading(kernel: str, case: Case, buffers: Buffers, seconds: float = 1.0) -> dict[str, Reading]:
    return load(kernel).definition.readings(case, buffers, seconds)


@pytest.mark.parametrize(
    ("name", "steps"), [("memory_latency", 16384), ("tlb_latency", 8192), ("constant_latency", 4096)]
)
def test_latency_is_cycles_a_step(name: str, steps: int) -> None:
    cycles = np.array([steps * 33 + steps // 2], np.int64)
    assert _reading(name, load(name).cases[0], {"cycles": cycles}) == {"latency": Reading(33.5, "cycles")}


def test_rates_join_the_ctas_of_an_sm_and_never_compare_two_clocks() -> None:
    far = 10**15
    stamps = np.array([[5, 100, 200], [0, far, far + 50], [5, 150, 300], [0, far + 50, far + 100]], np.int64)
    assert list(rates(stamps, 1000.0)) == [20.0, 10.0]


def test_bandwidth_counts_both_sides_of_a_copy() -> None:
    case = {"function": "copy_cg", "ctas": 2, "kib": 16, "untimed": 0, "passes": 4}
    stamps = np.array([[0, 0, 1024], [1, 7, 7 + 1024]], np.int64)
    found = _reading("bandwidth", case, {"stamps": stamps}, 1e-6)
    assert found["per_sm"] == Reading(128.0, "B/cycle")
    assert found["whole"] == Reading(256.0, "B/cycle")
    assert found["rate"].unit == "GB/s" and found["rate"].value == pytest.approx(2 * 2 * 4 * 16.384)


def test_bandwidth_by_time_counts_untimed_passes_too() -> None:
    case = {"function": "read_cg", "ctas": 2, "kib": 16, "untimed": 1, "passes": 3}
    stamps = np.array([[0, 0, 768], [0, 0, 768]], np.int64)
    found = _reading("bandwidth", case, {"stamps": stamps}, 1e-6)
    assert found["per_sm"].value == 128.0
    assert found["rate"].value == pytest.approx(2 * 4 * 16.384)


def test_useful_bandwidth_is_of_the_words_wanted() -> None:
    stamps = np.array([[3, 0, 1024 * 8 * 32 * 2]], np.int64)
    found = _reading("bandwidth_stride", {"level": "l1", "stride": 2}, {"stamps": stamps})
    assert found == {"useful_per_sm": Reading(64.0, "B/cycle"), "interval": Reading(2.0, "cycles")}


def test_shared_accesses_count_warps() -> None:
    accesses = 32 * 512 * 4
    buffers = {
        "chain_cycles": np.array([4096 * 30]),
        "cycles": np.array([accesses * 2]),
        "store_cycles": np.array([accesses * 3]),
    }
    assert _reading("shared_conflicts", {"width": 4, "stride": 2}, buffers) == {
        "latency": Reading(30.0, "cycles"),
        "interval": Reading(2.0, "cycles"),
        "store_interval": Reading(3.0, "cycles"),
    }


def test_atomics_count_lanes_that_take_part() -> None:
    case = {"space": "global", "form": "atom", "op": "add", "scope": "gpu", "pattern": "lane", "ctas": 2, "rounds": 8}
    cycles = 8 * 8 * 16 * 2  # warps, rounds, operations in a round, cycles for each
    stamps = np.array([[0, 0, cycles], [1, 9, 9 + cycles]], np.int64)
    found = _reading("atomics", case, {"stamps": stamps, "cycles": np.array([4096 * 200])})
    assert found["interval"] == Reading(2.0, "cycles")
    assert found["per_sm"] == Reading(16.0, "operations/cycle")
    assert found["whole"] == Reading(32.0, "operations/cycle")
    assert found["latency"] == Reading(200.0, "cycles")
    found = _reading("atomics", {**case, "pattern": "one"}, {"stamps": stamps, "cycles": np.array([4096 * 200])})
    assert found["per_sm"].value == 0.5
    assert "latency" not in _reading("atomics", {**case, "form": "red"}, {"stamps": stamps})
    alone = _reading("atomics", {**case, "form": "red", "ctas": 1}, {"stamps": stamps[:1]})
    assert alone["interval"] == Reading(0.5, "cycles"), "a CTA alone has four times the warps"


def _distances(by_pair: NDArray[Any]) -> dict[str, float]:
    sms, lines = by_pair.shape
    cycles, seen = np.zeros((1024, lines), np.int64), np.zeros(1024, np.int32)
    cycles[2 : 2 + sms], seen[2 : 2 + sms] = (by_pair * 4).astype(np.int64), 1
    found = _reading("l2_distance", {"lines": lines, "ctas": 8192}, {"cycles": cycles, "seen": seen})
    return {name: reading.value for name, reading in found.items()}


def test_two_partitions_show_as_near_and_far() -> None:
    sm, line = np.arange(132) % 2, np.arange(64) % 2
    found = _distances(np.where(sm[:, None] == line[None, :], 210.0, 360.0))
    assert (found["sms"], found["minimum"], found["maximum"]) == (132, 210, 360)
    assert (found["near"], found["far"]) == (210, 360)
    assert found["separable"] == pytest.approx(0)
    assert found["spread_of_sms"] == found["spread_of_lines"] == 0


def test_one_partition_is_a_term_for_the_sm_plus_one_for_the_line() -> None:
    found = _distances(200.0 + np.arange(10)[:, None] * 2 + np.arange(4)[None, :])
    assert found["separable"] == pytest.approx(1)
    assert (found["spread_of_sms"], found["spread_of_lines"]) == (18, 3)
    assert (found["minimum"], found["maximum"]) == (200, 221)
    assert found["far"] - found["near"] == 10
