"""The micro-benchmarks of instructions, barriers and launches: what their readings say, and what their loops hold."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.kernels import Buffers, Case, Kernel, Reading, case_id
from validation.kernels import load as load_anew
from validation.kernels.build import Nvcc
from validation.kernels.micro import instructions
from validation.kernels.resources import find_nvdisasm

NAMES = (
    "instructions",
    "mma_shapes",
    "barriers",
    "divergence",
    "ldmatrix_rate",
    "async_copy",
    "launch_cost",
    "cta_dispatch",
    "clock_rate",
    "fp32_peak",
    "tensor_peak",
)
TABLES = ("instructions", "mma_shapes", "ldmatrix_rate", "async_copy")


@cache
def load(name: str) -> Kernel:
    """Read once: what the compiler reported makes the tables' files long."""
    return load_anew(name)


def _table(source: str) -> Iterator[dict[str, str]]:
    """The macro lines at the left margin, as parameter -> argument."""
    source = re.sub(r"\\\n", " ", source)
    heads = dict(re.findall(r"^#define ([A-Z_]+)\(([^)]*)\)", source, re.MULTILINE))
    for macro, line in re.findall(r"^([A-Z_]+)\((.*)\)$", source, re.MULTILINE):
        yield dict(zip(heads[macro].split(", "), line.split(", "), strict=False))


def _functions(kernel: Kernel) -> dict[str, int]:
    """Number of parameters by function, with the macros of the tables expanded."""
    source = kernel.source.read_text(encoding="utf-8")
    found = {}
    for name, parameters in re.findall(
        r'extern "C" __global__ void (?:__launch_bounds__\(\d+\) )?([\w#]+)\(([^)]*)\)', source
    ):
        count = len([text for text in parameters.split(",") if text.strip()])
        if "##" not in name:
            found[name] = count
            continue
        for line in _table(source):
            found["".join(line.get(token, token) for token in name.split("##"))] = count
    return found


def _inputs(kernel: Kernel, case: Case) -> Buffers:
    return kernel.definition.inputs(case, np.random.default_rng(3))


def _readings(name: str, case: Case, seconds: float = 1.0, **written: NDArray[np.generic]) -> dict[str, Reading]:
    """What is read of a run that wrote these buffers."""
    kernel = load(name)
    buffers = _inputs(kernel, case)
    for key, array in written.items():
        assert buffers[key].shape == array.shape and buffers[key].dtype == array.dtype, key
    return kernel.definition.readings(case, {**buffers, **written}, seconds)


def _clocks(warps: int, brief: int, lengthy: int, late: int = 0) -> NDArray[np.int64]:
    """Two loops that take so many cycles from the first start to the last stop; the last warp starts and stops late."""
    clocks = np.empty((warps, 2, 2), np.int64)
    for loop, cycles in enumerate((brief, lengthy)):
        start = (1 << 40) + 1_000_000 * loop
        clocks[:, loop, 0] = start + np.linspace(0, late, warps).astype(np.int64)
        clocks[:, loop, 1] = start + cycles - late + np.linspace(0, late, warps).astype(np.int64)
    return clocks


@pytest.mark.parametrize("name", NAMES)
def test_launches_pass_every_parameter_and_buffers_that_exist(name: str) -> None:
    kernel = load(name)
    parameters = _functions(kernel)
    for case in kernel.cases:
        buffers = _inputs(kernel, case)
        for step in kernel.definition.launches(case, buffers):
            assert len(step.arguments) == parameters[step.function], f"{case_id(case)}: {step.function}"
            for argument in step.arguments:
                assert not isinstance(argument, str) or argument in buffers, f"{case_id(case)}: {argument}"


@pytest.mark.parametrize("name", TABLES)
def test_every_line_of_a_table_is_measured_once(name: str) -> None:
    kernel = load(name)
    launched = Counter(step.function for case in kernel.cases for step in kernel.definition.launches(case, {}))
    assert len(launched) == 2 * len(kernel.cases)
    assert all(count == 1 for function, count in launched.items() if function.startswith("latency_"))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_small_and_needs_no_count_of_sms(name: str) -> None:
    kernel = load(name)
    for case in kernel.cases:
        buffers = _inputs(kernel, case)
        assert sum(array.nbytes for array in buffers.values()) < 32 << 20
        for step in kernel.definition.launches(case, buffers):
            assert np.prod(step.block) <= 1024


def test_an_instruction_is_read_from_the_difference_of_its_loops() -> None:
    case = {"instruction": "ffma", "sass": "FFMA"}
    steps, overhead = 32 * 64, 999
    busy = 32 * 32 * 4 * 8 * 64 // 128  # cycles of the shorter loop at 128 results a cycle
    found = _readings(
        "instructions",
        case,
        alone=_clocks(1, overhead + 4 * steps, overhead + 2 * 4 * steps),
        together=_clocks(32, overhead + busy, overhead + 2 * busy, late=300),
    )
    assert found == {"latency": Reading(4.0, "cycles"), "throughput": Reading(128.0, "results/cycle/SM")}


@pytest.mark.parametrize("name", ["instructions", "mma_shapes", "barriers", "ldmatrix_rate", "async_copy"])
def test_nothing_is_read_where_the_instruction_is_missing(name: str) -> None:
    for case in load(name).cases:
        assert _readings(name, case) == {}


def test_lanes_of_a_match_hold_different_values() -> None:
    kernel = load("instructions")
    seed = _inputs(kernel, kernel.cases[0])["seed"]
    assert all(sorted(row) == list(range(1, 33)) for row in seed.tolist())


def test_tensor_products_count_two_operations_a_depth() -> None:
    case = {"mma": "m16n8k16_f16_f32", "sass": "HMMA.16816.F32"}
    alone = _clocks(1, 50 + 33 * 1024, 50 + 2 * 33 * 1024)
    # Four sub-cores that start one product every 8 cycles each: one product is 16 x 8 x 16 multiply-adds.
    products = 16 * 8 * 4 * 64
    busy = products // 4 * 8
    found = _readings("mma_shapes", case, alone=alone, warps_16=_clocks(16, 77 + busy, 77 + 2 * busy, late=20))
    assert found == {"latency": Reading(33.0, "cycles"), "rate_warps_16": Reading(2048.0, "flop/cycle/SM")}


def test_integer_products_are_operations_and_sparse_ones_count_in_full() -> None:
    alone = _clocks(1, 1024, 2048)
    one = _clocks(1, 2048, 4096)
    integers = _readings("mma_shapes", {"mma": "m8n8k16_s8_s32", "sass": ""}, alone=alone, warps_1=one)
    sparse = _readings("mma_shapes", {"mma": "sp_m16n8k32_f16_f32", "sass": ""}, alone=alone, warps_1=one)
    assert integers["rate_warps_1"] == Reading(2.0 * 8 * 8 * 16, "op/cycle/SM")
    assert sparse["rate_warps_1"] == Reading(2.0 * 16 * 8 * 32, "flop/cycle/SM")


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="hmma: not a name"):
        _readings("mma_shapes", {"mma": "hmma", "sass": ""})


def test_a_grid_barrier_is_read_from_the_first_block_only() -> None:
    clocks = np.concatenate([_clocks(1, 100, 100 + 700 * 512), 10**15 + 3 * _clocks(1, 5, 9)])
    found = _readings("barriers", {"barrier": "grid", "warps": 1, "blocks": 2}, clocks=clocks)
    assert found == {"cycles": Reading(700.0, "cycles")}


def test_a_block_barrier_ends_with_the_last_warp() -> None:
    clocks = _clocks(8, 40 + 25 * 512, 40 + 2 * 25 * 512, late=30)
    found = _readings("barriers", {"barrier": "block", "warps": 8, "blocks": 1}, clocks=clocks)
    assert found == {"cycles": Reading(25.0, "cycles")}


def test_named_barriers_have_two_halves_of_whole_warps() -> None:
    assert all(case["warps"] % 2 == 0 for case in load("barriers").cases if case["barrier"] == "named")


def test_grid_barriers_are_powers_of_two_that_fit_a_small_gpu() -> None:
    for case in load("barriers").cases:
        blocks = case["blocks"]
        assert blocks & (blocks - 1) == 0 and blocks * case["warps"] <= 64


def test_further_paths_share_what_a_split_costs() -> None:
    found = _readings(
        "divergence",
        {"paths": 4},
        cycles_together=np.array([64 * 90], np.int64),
        cycles_apart=np.array([64 * (90 + 3 * 50)], np.int64),
    )
    assert found == {
        "together": Reading(90.0, "cycles"),
        "apart": Reading(240.0, "cycles"),
        "further_path": Reading(50.0, "cycles"),
    }


def test_lanes_spread_evenly_over_paths() -> None:
    kernel = load("divergence")
    for case in kernel.cases:
        apart = Counter(_inputs(kernel, case)["apart"].tolist())
        assert len(apart) == case["paths"] and set(apart.values()) == {32 // case["paths"]}


def test_matrix_loads_are_bytes_a_cycle_and_a_stray_lane_spoils_them() -> None:
    case = {"matrices": 4, "transposed": True, "sass": ""}
    loads = 16 * 4 * 8 * 64
    alone, together = _clocks(1, 33 * 2048, 2 * 33 * 2048), _clocks(16, 4 * loads, 8 * loads)
    kept, sink = np.zeros(512, np.uint32), np.zeros(512, np.uint32)
    sink[7] = 16
    found = _readings("ldmatrix_rate", case, alone=alone, together=together, sink=kept)
    assert found == {"latency": Reading(33.0, "cycles"), "throughput": Reading(128.0, "B/cycle/SM")}
    assert _readings("ldmatrix_rate", case, alone=alone, together=together, sink=sink) == {}


def test_asynchronous_copies_are_bytes_a_cycle() -> None:
    copied = 256 * 8 * 4 * 64 * 16
    found = _readings(
        "async_copy",
        {"cache": "cg", "bytes": 16, "sass": ""},
        alone=_clocks(1, 10 + 300 * 512, 10 + 2 * 300 * 512),
        together=_clocks(8, 10 + copied // 64, 10 + 2 * copied // 64),
    )
    assert found == {"latency": Reading(300.0, "cycles"), "throughput": Reading(64.0, "B/cycle/SM")}


def test_launches_in_a_row_share_their_time() -> None:
    found = _readings("launch_cost", {"blocks": 8, "threads": 32, "launches": 20}, seconds=44e-6)
    assert found["launch"].value == pytest.approx(2.2) and found["launch"].unit == "us"


def test_launch_shapes_are_a_full_grid() -> None:
    shapes = [(case["blocks"], case["threads"]) for case in load("launch_cost").cases if case["launches"] == 20]
    assert sorted(shapes) == sorted((2**i, 32 * 2**j) for i in range(17) for j in range(6))


def test_dispatch_is_read_from_places_and_both_clocks() -> None:
    # Two SMs that even and odd numbers name, 4 blocks a microsecond, each SM takes one every 900 cycles.
    blocks = 256
    order = np.arange(blocks)
    found = _readings(
        "cta_dispatch",
        {"blocks": blocks, "threads": 32, "hold": 0},
        nanoseconds=10**18 + 250 * order,
        cycles=(order // 2) * 900 + (order % 2) * 10**12,
        sm=(order % 2 * 2).astype(np.int32),
    )
    assert found == {
        "sms": Reading(2.0, "SMs"),
        "span": Reading(63.75, "us"),
        "rate": Reading(4.0, "blocks/us"),
        "gap_on_sm": Reading(900.0, "cycles"),
        "first_round": Reading(2.0, "blocks"),
        "sm_step": Reading(2.0, "SMs"),
    }


def test_a_span_below_the_tick_of_the_clock_gives_no_rate() -> None:
    order = np.arange(256)
    found = _readings(
        "cta_dispatch",
        {"blocks": 256, "threads": 32, "hold": 0},
        nanoseconds=np.repeat(np.int64(10**18), 256),
        cycles=order * 7,
        sm=order.astype(np.int32),
    )
    assert "rate" not in found and "gap_on_sm" not in found
    assert found["first_round"] == Reading(256.0, "blocks")
    assert found["sm_step"] == Reading(1.0, "SMs")


def test_clocks_are_read_early_and_late_from_the_samples_taken() -> None:
    idle, loaded = np.zeros((100, 2), np.int64), np.zeros((100, 2), np.int64)
    ticks = np.arange(80) * 100_000  # ns; the clock falls from 1800 to 1500 MHz in the middle of 80 samples
    falling = np.where(ticks < 4_000_000, ticks * 18 // 10, 7_200_000 + (ticks - 4_000_000) * 15 // 10)
    idle[:80] = np.stack([10**18 + ticks, falling], axis=1)
    loaded[:3] = 1
    found = _readings("clock_rate", {"load": "mma", "milliseconds": 10}, idle=idle, loaded=loaded)
    assert {name: (round(r.value, 6), r.unit) for name, r in found.items()} == {
        "idle_early": (1800.0, "MHz"),
        "idle_late": (1500.0, "MHz"),
    }


def test_peaks_count_the_operations_that_the_source_does() -> None:
    fp32 = _readings("fp32_peak", {"blocks": 4096, "threads": 256, "rounds": 8}, seconds=1e-4)
    tensor = _readings("tensor_peak", {"sums": "float", "blocks": 4096, "threads": 256, "rounds": 32}, seconds=1e-3)
    assert fp32["peak"].value == pytest.approx(2 * 4096 * 256 * 1024 / 1e-4 / 1e12) and fp32["peak"].unit == "TFLOP/s"
    assert tensor["peak"].value == pytest.approx(4096 * 8 * 1024 * 4096 / 1e-3 / 1e12)


def test_chains_of_the_single_precision_peak_neither_settle_nor_grow() -> None:
    kernel = load("fp32_peak")
    case = max(kernel.cases, key=lambda case: int(case["rounds"]))
    first, second, *rest = _inputs(kernel, case)["operands"]
    addends, x = rest[:2], np.stack(rest[2:])
    last = [x]
    for step in range(16 * case["rounds"]):
        x = x * (first, second)[step % 2] + addends[step % 2]
        last = [*last[-3:], x]
    assert x.dtype == np.float32 and np.abs(x).max() < 8
    for earlier in last[:3]:  # four values by turns, of every chain its own
        assert np.median(np.abs(x - earlier)) > 0.1
    assert np.median(np.abs(np.diff(x, axis=0))) > 0.1


def test_sums_of_the_tensor_peak_return_after_four_steps() -> None:
    kernel = load("tensor_peak")
    registers = _inputs(kernel, kernel.cases[0])["operands"].view(np.float16)
    a, b = registers[:16].reshape(4, -1), registers[16:].reshape(2, -1)
    assert np.array_equal(a[2:], -a[:2])
    tiles = np.concatenate([a[:2, : b.shape[1]], b]).astype(np.float64)
    assert np.abs(np.corrcoef(tiles) - np.eye(4)).max() < 0.2 and np.abs(tiles).max() <= 1
    # Every warp of the block has its own: no two threads hold the same.
    assert len(np.unique(registers.reshape(20, -1, 2)[0], axis=0)) > 200


@pytest.mark.parametrize(("case_load", "kind"), [("ffma", np.float32), ("mma", np.uint32)])
def test_a_load_of_the_clock_takes_the_operands_of_its_peak(case_load: str, kind: type[np.generic]) -> None:
    kernel = load("clock_rate")
    case = {"load": case_load, "milliseconds": 300}
    buffers = _inputs(kernel, case)
    assert buffers["operands"].dtype == kind and buffers["operands"].shape[1] == 256
    steps = kernel.definition.launches(case, buffers)
    assert [step.function for step in steps] == ["set_deadline", "sample_idle", "set_deadline", f"sample_{case_load}"]
    assert steps[0].arguments[1] == 300_000 and steps[1].arguments[3] == 3_000_000


NVCC, NVDISASM = shutil.which("nvcc"), find_nvdisasm()
_ADDRESS = re.compile(r"\s*/\*[0-9a-f]+\*/\s+(?:\{ *)?(?:@!?U?P\w+ +)?([A-Z][\w.]*)(.*?);")
#: The assembler's own: moves, fillers and, on sm_80 to sm_89, a disabled UIADD3 as a filler.
_STRAY = re.compile(r"NOP|UIADD3|MOV|IMAD\.MOV\.U32|HFMA2|HFMA2\.MMA|CALL\.REL\.NOINC|PRMT")


def _loops(disassembly: str) -> dict[str, list[Counter[str]]]:
    """Opcodes of the innermost loops of each function."""
    found: dict[str, list[Counter[str]]] = {}
    lines: list[str] = []
    at: dict[str, int] = {}
    ends: list[int] = []
    for line in disassembly.splitlines():
        text = line.strip()
        if text.startswith(".text."):
            found[text[6:].rstrip(":")] = loops = []
            lines, at, ends = [], {}, [-1]
        elif re.fullmatch(r"\.L_x_\d+:", text):
            at[text[:-1]] = len(lines)
        elif instruction := _ADDRESS.match(line):
            target = re.search(r"\.L_x_\d+", instruction[2])
            lines.append(instruction[1])
            if instruction[1].startswith("BRA") and target and target[0] in at:
                start = at[target[0]]
                if start > ends[-1] and start < len(lines) - 1:
                    loops.append(Counter(lines[start:]))
                    ends.append(len(lines) - 1)
    return found


def _difference(loops: list[Counter[str]]) -> Counter[str]:
    assert len(loops) == 2
    difference = Counter(loops[1])
    difference.subtract(loops[0])
    return difference


def _sass_of(name: str, architecture: int, folder: Path) -> dict[str, list[Counter[str]]]:
    kernel = load(name)
    cubin = folder / "k.cubin"
    cubin.write_bytes(Nvcc(str(NVCC)).compile(kernel.source, kernel.flags, architecture).cubin)
    done = subprocess.run([str(NVDISASM), "-c", str(cubin)], capture_output=True, text=True, check=True)
    return _loops(done.stdout)


@pytest.mark.skipif(not NVCC or not NVDISASM, reason="needs nvcc and nvdisasm")
@pytest.mark.parametrize("architecture", [80, 90, 120])
def test_loops_hold_the_instructions_that_the_table_names(architecture: int, tmp_path: Path) -> None:
    kernel = load("instructions")
    functions = _sass_of("instructions", architecture, tmp_path)
    read = 0
    for case in kernel.cases:
        steps = [part.split(" / ") for part in instructions.sass(case, architecture).split(" + ")]
        for mode in ("latency", "throughput"):
            loops = functions[f"{mode}_{case['instruction']}"]
            if not loops:
                continue
            read += 1
            held = _difference(loops)
            for alternatives in {tuple(step) for step in steps}:
                count = sum(held.pop(opcode) for opcode in alternatives)
                assert count == 32 * steps.count(list(alternatives)), f"{mode} {case_id(case)}: {alternatives}"
            rest = {opcode: count for opcode, count in held.items() if count and not _STRAY.fullmatch(opcode)}
            assert not rest, f"{mode} {case_id(case)}: {rest}"
    assert read >= 2 * (len(kernel.cases) - 12)


@pytest.mark.skipif(not NVCC or not NVDISASM, reason="needs nvcc and nvdisasm")
@pytest.mark.parametrize(
    ("name", "architecture", "steps"), [("mma_shapes", 80, 16), ("mma_shapes", 90, 16), ("ldmatrix_rate", 90, 32)]
)
def test_chains_of_tensor_instructions_hold_nothing_else(
    name: str, architecture: int, steps: int, tmp_path: Path
) -> None:
    kernel = load(name)
    functions = _sass_of(name, architecture, tmp_path)
    read = 0
    for case in kernel.cases:
        first = kernel.definition.launches(case, _inputs(kernel, case))[0].function
        loops = functions[first]
        if len(loops) != 2 or ("s4" in first and architecture >= 90):
            continue
        read += 1
        held = _difference(loops)
        assert held.pop(case["sass"].replace("DMMA.884", "DMMA.8x8x4") if architecture >= 90 else case["sass"]) == steps
        assert not {opcode for opcode, count in held.items() if count and not _STRAY.fullmatch(opcode)}, first
    assert read >= 6


@pytest.mark.skipif(not NVCC or not NVDISASM, reason="needs nvcc and nvdisasm")
@pytest.mark.parametrize("architecture", [80, 90, 120])
@pytest.mark.parametrize(
    ("name", "function", "opcode", "count"),
    [
        ("fp32_peak", "fp32_peak", "FFMA", 128),
        ("tensor_peak", "tensor_peak_float", "HMMA.16816.F32", 32),
        ("tensor_peak", "tensor_peak_half", "HMMA.16816.F16", 32),
    ],
)
def test_peaks_do_nothing_else(
    name: str, function: str, opcode: str, count: int, architecture: int, tmp_path: Path
) -> None:
    held, *more = _sass_of(name, architecture, tmp_path)[function]
    assert not more and held.pop(opcode) == count
    del held["NOP"]
    assert sum(held.values()) <= 6, held  # the loop's counter, comparison and branch
