"""The stand-in for CUDA sees what it is there to see: each small kernel here has one fault, or none."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.validation import on_cpu
from tests.validation.tools import needs_gxx
from validation.kernels import Buffers, Kernel, Launch, launch

pytestmark = needs_gxx

HEAD = 'extern "C" __global__ void k(int *out, const int *in, int n)\n'
REVERSE = HEAD + "{ __shared__ int s[64]; const int t = threadIdx.x; s[t] = in[t]; %s; out[t] = s[63 - t]; }"


def run(source: str, folder: Path, backwards: bool = False, block: int = 64, grid: int = 1) -> Buffers:
    def launches(case: object, buffers: Buffers) -> list[Launch]:
        return [launch("k", grid, block, "out", "in", np.int32(64))]

    (folder / "k.cu").write_text(source)
    definition = SimpleNamespace(launches=launches)
    kernel = cast(Kernel, SimpleNamespace(name="k", source=folder / "k.cu", flags=(), definition=definition))
    buffers = {"out": np.zeros(64, np.int32), "in": np.arange(64, dtype=np.int32)}
    return on_cpu.run(kernel, {}, buffers, on_cpu.build(kernel, folder), backwards)


def exit_code(action: Callable[..., Any], *arguments: Any) -> int | None:
    """Of a process that does it, so that its end is not ours."""
    child = multiprocessing.get_context("fork").Process(target=action, args=arguments)
    child.start()
    child.join(60)
    return child.exitcode


@pytest.mark.parametrize("backwards", [False, True])
def test_a_barrier_makes_the_order_of_threads_irrelevant(tmp_path: Path, backwards: bool) -> None:
    got = run(REVERSE % "__syncthreads()", tmp_path, backwards)
    assert got["out"].tolist() == list(range(63, -1, -1))


def test_without_the_barrier_the_two_orders_differ(tmp_path: Path) -> None:
    forwards, backwards = (run(REVERSE % "", tmp_path, order)["out"] for order in (False, True))
    assert forwards.tolist() != backwards.tolist()


def test_a_race_between_blocks_shows_in_the_order_of_blocks(tmp_path: Path) -> None:
    source = HEAD + "{ out[0] = blockIdx.x; }"
    first, last = (int(run(source, tmp_path, order, grid=5)["out"][0]) for order in (False, True))
    assert (first, last) == (4, 0)


def test_a_write_outside_a_buffer_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="written outside out"):
        run(HEAD + "{ out[threadIdx.x + 1] = 1; }", tmp_path)


def test_a_barrier_that_some_threads_miss_ends_the_run(tmp_path: Path) -> None:
    source = HEAD + "{ if (threadIdx.x < 5) __syncthreads(); else __syncwarp(0xffffffff); out[0] = 1; }"
    assert exit_code(run, source, tmp_path) == 4


def test_a_lane_outside_its_mask_ends_the_run(tmp_path: Path) -> None:
    source = HEAD + "{ out[threadIdx.x] = __shfl_sync(0xffu, in[threadIdx.x], 0); }"
    assert exit_code(run, source, tmp_path) == 3


def test_threads_that_left_are_not_waited_for(tmp_path: Path) -> None:
    source = HEAD + "{ if (threadIdx.x >= 40) return; __syncthreads(); out[threadIdx.x] = 7; }"
    assert run(source, tmp_path)["out"].tolist() == [7] * 40 + [0] * 24


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("__shfl_sync(~0u, lane, 3)", lambda lane: 3),
        ("__shfl_sync(~0u, lane, 1, 8)", lambda lane: lane // 8 * 8 + 1),
        ("__shfl_down_sync(~0u, lane, 4)", lambda lane: lane + 4 if lane < 28 else lane),
        ("__shfl_up_sync(~0u, lane, 2, 16)", lambda lane: lane - 2 if lane % 16 >= 2 else lane),
        ("__shfl_xor_sync(~0u, lane, 5)", lambda lane: lane ^ 5),
        ("__ballot_sync(~0u, lane % 2)", lambda lane: np.int32(np.uint32(0xAAAAAAAA).view(np.int32))),
        ("__any_sync(~0u, lane == 9)", lambda lane: 1),
        ("__all_sync(~0u, lane == 9)", lambda lane: 0),
        ("__syncthreads_count(lane < 3)", lambda lane: 6),
    ],
)
def test_collectives_are_those_of_the_programming_guide(
    tmp_path: Path, expression: str, expected: Callable[[int], int]
) -> None:
    got = run(HEAD + "{ const int lane = threadIdx.x % 32; out[threadIdx.x] = " + expression + "; }", tmp_path)
    assert got["out"].tolist() == [expected(lane % 32) for lane in range(64)]
