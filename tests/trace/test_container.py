import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from sim.errors import TraceError
from sim.trace import KernelTrace, Trace, container, open_trace, stream
from sim.trace.check import check_kernel
from sim.trace.container import write_twt
from sim.trace.listing import parse_listing
from sim.trace.stream import CtaBatch
from tests.trace.expanded import expand
from tests.trace.random_kernels import kernels
from tests.trace.tables import same_tables

SHIPPED = Path(__file__).resolve().parents[2] / "traces"
LISTING = """
.kernel mixed .grid 8 .block 64
[B------:R-:W0:-:S01] @!P0 LDG.E R2, [R4.64] {0x1000 + 4*lane + 128*warp + 256*cta}
[B0-----:R-:W-:Y:S04] FFMA R8, R8.reuse, R2, c[0x0][0x160]
[B------:R0:W-:-:S01] STS [R2], R8 {0x0 0x44 0x10} {mask=0x7}
[B------:R-:W-:-:S01] LDGSTS.E.128 [R2], [R4.64] {0x1000+16*lane | 80*lane}
"""


def manifest(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def rewrite(path: Path, changes: dict[str, bytes | None]) -> None:
    """Give members of a file other content; None takes them out."""
    with zipfile.ZipFile(path) as archive:
        content: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**content, **changes}.items():
            if data is not None:
                archive.writestr(name, data)


def table(name: str, batch: CtaBatch) -> bytes:
    """A member that holds one batch."""
    sink = io.BytesIO()
    schema = container._TABLES[name]
    with pa.ipc.new_stream(sink, schema) as writer:
        columns = [pa.array(column) for column in container._columns(batch)[name]]
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    return sink.getvalue()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(kernels())
def test_round_trip_of_random_kernels(tmp_path_factory: pytest.TempPathFactory, kernel: KernelTrace) -> None:
    path = tmp_path_factory.mktemp("twt") / "k.twt"
    write_twt(Trace("k", "listing", [kernel]), path)
    back = open_trace(path).kernels[0]
    assert same_tables(back, kernel)
    assert (back.header, back.static, back.content_hash) == (kernel.header, kernel.static, kernel.content_hash)


def test_round_trip_in_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "REFERENCES_PER_BATCH", 20)
    trace = parse_listing(LISTING)
    trace = replace(trace, memcpys=[(0x1000, 64)])
    path = tmp_path / "k.twt"
    write_twt(trace, path)
    back = open_trace(path)
    assert (back.source, back.memcpys, back.hash) == ("tickwise", [(0x1000, 64)], trace.hash)
    assert same_tables(back.kernels[0], trace.kernels[0])
    assert [batch.ctas for batch in back.streams[0].batches()] == [2, 2, 2, 2]
    assert back.kernels[0].static == trace.kernels[0].static
    assert np.array_equal(expand(back.kernels[0]).lines, expand(trace.kernels[0]).lines)
    first = path.read_bytes()
    write_twt(trace, path)
    assert path.read_bytes() == first
    again = Trace.of_streams("k", "listing", back.streams, back.memcpys)
    write_twt(again, tmp_path / "again.twt")  # batch by batch, from the file to the next one
    assert (tmp_path / "again.twt").read_bytes() == first
    (tmp_path / "again.twt").unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k.twt"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    path.write_bytes(b"older")
    broken = replace(parse_listing(LISTING).kernels[0], static=[None])  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        write_twt(Trace("k", "listing", [broken]), path)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["k.twt"]


def test_a_stream_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    kernel = parse_listing(LISTING).kernels[0].stream()

    def read() -> Iterator[CtaBatch]:
        yield from kernel.batches()
        raise TraceError("cut off")

    with pytest.raises(TraceError, match="cut off"):
        write_twt(Trace.of_streams("k", "listing", [replace(kernel, read=read)]), tmp_path / "k.twt")
    assert list(tmp_path.iterdir()) == []


def test_streams_know_their_facts_before_their_batches(tmp_path: Path) -> None:
    kernel = parse_listing(LISTING).kernels[0]
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    rewrite(path, {f"kernel-00001/{name}": b"" for name in ("warps", "paths", "entries", "references", "deltas")})
    trace = open_trace(path)
    found = trace.streams[0]
    assert (found.warp_instructions, found.thread_instructions) == (
        kernel.warp_instructions,
        kernel.thread_instructions,
    )
    assert found.content_hash == kernel.content_hash and found.static == kernel.static
    assert trace.hash == parse_listing(LISTING).hash


@pytest.mark.parametrize("name", ["sgemm_256x256x64_sm86", "ffmachain_16_sm86"])
def test_version_1_is_still_read(tmp_path: Path, name: str) -> None:
    trace = open_trace(SHIPPED / f"{name}.twt")
    kernel = trace.kernels[0]
    assert kernel.warp_instructions == {"sgemm_256x256x64_sm86": 162_688, "ffmachain_16_sm86": 816_960}[name]
    assert sum(batch.ctas for batch in trace.streams[0].batches()) == kernel.cta_count
    write_twt(trace, tmp_path / "new.twt")
    new = open_trace(tmp_path / "new.twt")
    assert new.hash == trace.hash
    assert same_tables(new.kernels[0], kernel)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    data = path.read_bytes()
    right = parse_listing(LISTING).kernels[0].content_hash
    chance = random.Random(1)
    for _ in range(150):
        cut = chance.random() < 0.3
        place = chance.randrange(len(data))
        damaged = data[:place] if cut else data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        path.write_bytes(damaged)
        try:
            kernel = open_trace(path).kernels[0]
            assert kernel.content_hash == right  # a flipped bit in unused bytes does no harm
        except TraceError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "zip"}, "does not describe a Tickwise trace"),
        ({"version": 99}, "format version 99"),
        ({"kernels": 3}, "names no kernels"),
        ({"kernels": [{}]}, "header is damaged"),
        ({"memcpys": [["a", 1]]}, "list of copies is damaged"),
        ({"memcpys": [[-1, 64]]}, "a copy of 64 bytes to -0x1: no GPU"),
    ],
)
def test_foreign_manifests_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    rewrite(path, {"manifest.json": json.dumps({**manifest(path), **change}).encode()})
    with pytest.raises(TraceError, match=message):
        open_trace(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": {"entries": 1204}}, "promises 1,204 entries, 5 follow"),
        ({"counts": {"batches": 2}}, "promises 2 batches, 1 follow"),
        ({"counts": {"warps": 15}}, "15 warps in a grid of"),
        ({"warp_instructions": 9}, "promises 9 warp instructions, 80 follow"),
        ({"thread_instructions": 9}, "promises 9 thread instructions, 2,096 follow"),
        ({"content_hash": "0" * 64}, "its content is not that which was written"),
        ({"content_hash": "0" * 64, "name": "other"}, "its content is not that which was written"),
        ({"thread_instructions": None}, "a kernel's facts are damaged"),
        ({"grid": [4, 1, 1], "counts": {"warps": 8}}, "16 warps from CTA 0 on, in a launch of 4 CTAs"),
        ({"grid": [9, 1, 1], "counts": {"warps": 18}}, "promises 18 warps, 16 follow"),
    ],
)
def test_lies_of_the_manifest_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    facts = manifest(path)
    counts = {**facts["kernels"][0]["counts"], **change.get("counts", {})}
    facts["kernels"][0] |= {**change, "counts": counts}
    rewrite(path, {"manifest.json": json.dumps(facts).encode()})
    with pytest.raises(TraceError, match=message) as raised:
        open_trace(path).kernels[0]
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize("name", ["warps", "paths", "entries", "references", "deltas"])
def test_a_missing_batch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    short, long = tmp_path / "short.twt", tmp_path / "long.twt"
    write_twt(parse_listing(LISTING), short)
    monkeypatch.setattr(stream, "REFERENCES_PER_BATCH", 20)
    write_twt(parse_listing(LISTING), long)
    with zipfile.ZipFile(short) as archive:
        rewrite(long, {f"kernel-00001/{name}": archive.read(f"kernel-00001/{name}")})
    batches = open_trace(long).streams[0].batches()
    with pytest.raises(TraceError, match=r"long.twt: kernel 1 \(mixed\): "):
        list(batches)
    rewrite(long, {f"kernel-00001/{name}": None})
    with pytest.raises(TraceError, match=f"long.twt: a table of the file is damaged .*{name}"):
        list(open_trace(long).streams[0].batches())


def test_other_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    with zipfile.ZipFile(path) as archive:
        deltas = archive.read("kernel-00001/deltas")
    rewrite(path, {"kernel-00001/paths": deltas})
    with pytest.raises(TraceError, match="table paths has other columns than version 2"):
        list(open_trace(path).streams[0].batches())


def test_batches_that_do_not_fit_are_named(tmp_path: Path) -> None:
    batch = next(parse_listing(LISTING).kernels[0].stream().batches())
    refs = batch.references
    path = tmp_path / "k.twt"
    for damaged, message in [
        (replace(batch, path_row=batch.path_row + 10), "static row 14 of 5"),
        (replace(batch, path_offset=batch.path_offset * 2), "path table is cut off"),
        (replace(batch, path_offset=np.array([0, 7, 5])), "paths overlap"),
        (replace(batch, warp_path=batch.warp_path + np.int32(3)), "takes path 3 of 1"),
        (
            replace(batch, warp_path=batch.warp_path[:-1], warp_reference=batch.warp_reference[:-1]),
            "15 warps from CTA 0",
        ),
        (replace(batch, warp_path=batch.warp_path[:0], warp_reference=batch.warp_reference[:1]), "0 warps from CTA 0"),
        (replace(batch, warp_reference=batch.warp_reference // 4 * 3), "warp 0 promises 4 addresses, 3 follow"),
        (replace(batch, references=replace(refs, base=-refs.base - 1)), "negative"),
        (replace(batch, references=replace(refs, extra=refs.extra + (1 << 62))), "behind the table"),
        (replace(batch, references=replace(refs, extra=np.full_like(refs.extra, 2**63 - 1))), "behind the table"),
        (replace(batch, references=replace(refs, kind=refs.kind + np.int8(9))), "unknown kind"),
        (replace(batch, references=replace(refs, deltas=refs.deltas[:1])), "behind the table"),
    ]:
        write_twt(parse_listing(LISTING), path)
        rewrite(path, {f"kernel-00001/{name}": table(name, damaged) for name in container._TABLES})
        with pytest.raises(TraceError, match=message):
            list(open_trace(path).streams[0].batches())


def test_tables_that_do_not_fit_are_named() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    refs = kernel.references
    check_kernel(kernel, "k")
    cases = [
        (replace(kernel, path_row=kernel.path_row + 10), "static row"),
        (replace(kernel, warp_path=kernel.warp_path + 3), "takes path 3 of 1"),
        (replace(kernel, warp_path=kernel.warp_path[:-1]), "16 warps, 15 follow"),
        (replace(kernel, path_mask=kernel.path_mask[:-1]), "masks"),
        (replace(kernel, path_mask=np.zeros_like(kernel.path_mask)), "promises 0 addresses, 4 follow"),
        (replace(kernel, references=replace(refs, extra=refs.extra + 10**6)), "behind the table"),
        (replace(kernel, references=replace(refs, kind=refs.kind + np.int8(9))), "unknown kind"),
        (replace(kernel, references=replace(refs, base=-refs.base - 1)), "negative"),
        (replace(kernel, references=replace(refs, base=refs.base[:-1])), "addresses are promised"),
    ]
    for damaged, message in cases:
        with pytest.raises(TraceError, match=message):
            check_kernel(damaged, "k")


def test_a_pass_may_be_given_up(tmp_path: Path) -> None:
    """Also where the program ends in the middle of it: nothing is said, nothing stays open."""
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    script = (
        "import sys; from sim.trace import open_trace; "
        "batches = open_trace(sys.argv[1]).streams[0].batches(); print(next(batches).ctas)"
    )
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", script, str(path)]
    result = subprocess.run(command, cwd=SHIPPED.parent, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("8\n", "")
