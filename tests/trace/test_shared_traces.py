"""The recorded traces of ../shared: every one loads, with the counts that its recorder noted."""

import gzip
import json
from pathlib import Path

import pytest

from sim.trace import open_trace
from sim.trace.check import check_kernel
from sim.trace.container import write_twt
from tests.trace.expanded import expand

pytestmark = pytest.mark.shared
KERNELS = "chase_512 ffmachain_16 gather_16384 hgemm_256x256x128 reduce_65536 sgemm_256x256x64 vecadd_65536"
SASS = [(isa, kernel) for isa in ("sm70", "sm80", "sm86") for kernel in KERNELS.split()]
#: folder -> kernels
ACCELSIM = {
    "backprop_size128_block32_h100": 33,
    "bfs-rodinia-2.0-ft_sm80": 13,
    "ffmakernel-1-32-10_h100": 1,
    "ffmakernel-1-32-20_h100": 1,
    "ffmakernel-1-32-40_h100": 1,
    "simtune-ffmakernel-4096-16_h100": 1,
    "vectoradd_sm80": 1,
}


@pytest.mark.parametrize(("isa", "name"), SASS)
def test_traces_with_control_bits(shared_dir: Path, tmp_path: Path, isa: str, name: str) -> None:
    folder = shared_dir / "traces/sass" / isa / name
    with gzip.open(folder / "static.json.gz") as stream:
        facts = json.load(stream)
    trace = open_trace(folder / "kernelslist.g")
    (kernel,) = trace.kernels
    header = kernel.header
    assert (kernel.warp_instructions, kernel.thread_instructions) == (facts["warp_insts"], facts["thread_insts"])
    assert (list(header.grid), list(header.block)) == (facts["grid"], facts["block"])
    assert (header.registers, header.shared_bytes, header.sm) == (facts["nregs"], facts["shmem"], facts["arch"])
    assert header.has_control_bits and header.warnings == ()
    assert len(kernel.static) == len(facts["control_bits"])
    check_kernel(kernel, name)
    expanded = expand(kernel)
    assert len(expanded.memops) == int(
        kernel.path_references[kernel.path_references > 0].size and expanded.warp_memop[-1]
    )
    counts: dict[str, int] = {}
    for path in kernel.warp_path.tolist():
        for row in kernel.path(path)[0].tolist() if kernel.warp_instructions < 50_000 else []:
            opcode = kernel.static[row].instruction.opcode
            counts[opcode] = counts.get(opcode, 0) + 1
    assert counts in ({}, facts["opcode_histogram"])
    write_twt(trace, tmp_path / "k.twt")
    assert open_trace(tmp_path / "k.twt").hash == trace.hash


@pytest.mark.parametrize(("name", "count"), ACCELSIM.items())
def test_traces_without_control_bits(shared_dir: Path, name: str, count: int) -> None:
    trace = open_trace(shared_dir / "traces/accelsim" / name / "kernelslist.g")
    assert len(trace.kernels) == count
    for kernel in trace:
        assert not kernel.header.has_control_bits
        assert all(row.control is None for row in kernel.static)
        assert kernel.warp_instructions > 0
        check_kernel(kernel, name)
        expanded = expand(kernel)
        assert int(expanded.warp_memop[-1]) == len(expanded.memops)


def test_coalesced_and_random_accesses_look_like_it(shared_dir: Path) -> None:
    vecadd = expand(open_trace(shared_dir / "traces/sass/sm86/vecadd_65536/kernelslist.g").kernels[0])
    assert set(vecadd.memops["lines"].tolist()) == {1} and set(vecadd.memops["sectors"].tolist()) == {4}
    gather = expand(open_trace(shared_dir / "traces/sass/sm86/gather_16384/kernelslist.g").kernels[0])
    assert gather.memops["lines"].max() > 28
