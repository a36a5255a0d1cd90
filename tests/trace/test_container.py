import json
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from sim.errors import TraceError
from sim.trace import KernelTrace, Trace, container, open_trace
from sim.trace.check import check_kernel
from sim.trace.container import write_twt
from sim.trace.expand import expand
from sim.trace.listing import parse_listing
from tests.trace.random_kernels import kernels

LISTING = """
.kernel mixed .grid 8 .block 64
[B------:R-:W0:-:S01] @!P0 LDG.E R2, [R4.64] {0x1000 + 4*lane + 128*warp + 256*cta}
[B0-----:R-:W-:Y:S04] FFMA R8, R8.reuse, R2, c[0x0][0x160]
[B------:R0:W-:-:S01] STS [R2], R8 {0x0 0x44 0x10} {mask=0x7}
[B------:R-:W-:-:S01] LDGSTS.E.128 [R2], [R4.64] {0x1000+16*lane | 80*lane}
"""


def same_tables(a: KernelTrace, b: KernelTrace) -> bool:
    names = ("path_offset", "path_row", "path_mask", "warp_path", "warp_reference")
    refs = ("kind", "base", "stride", "extra", "deltas")
    return all(
        np.array_equal(getattr(a, n), getattr(b, n)) and getattr(a, n).dtype == getattr(b, n).dtype for n in names
    ) and all(np.array_equal(getattr(a.references, n), getattr(b.references, n)) for n in refs)


@settings(max_examples=50, deadline=None)
@given(kernels())
def test_round_trip_of_random_kernels(tmp_path_factory: pytest.TempPathFactory, kernel: KernelTrace) -> None:
    path = tmp_path_factory.mktemp("twt") / "k.twt"
    write_twt(Trace("k", "listing", [kernel]), path)
    back = open_trace(path).kernels[0]
    assert same_tables(kernel, back)
    assert (back.header, back.static, back.content_hash) == (kernel.header, kernel.static, kernel.content_hash)


def test_round_trip_in_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_REFERENCES_PER_BATCH", 20)
    trace = parse_listing(LISTING)
    trace = replace(trace, memcpys=[(0x1000, 64)])
    path = tmp_path / "k.twt"
    write_twt(trace, path)
    back = open_trace(path)
    assert (back.source, back.memcpys, back.hash) == ("tickwise", [(0x1000, 64)], trace.hash)
    assert same_tables(trace.kernels[0], back.kernels[0])
    assert back.kernels[0].static == trace.kernels[0].static
    assert expand(back.kernels[0]).lines.tolist() == expand(trace.kernels[0]).lines.tolist()
    first = path.read_bytes()
    write_twt(trace, path)
    assert path.read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k.twt"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    path.write_bytes(b"older")
    broken = replace(parse_listing(LISTING).kernels[0], static=[None])  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        write_twt(Trace("k", "listing", [broken]), path)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["k.twt"]


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    data = path.read_bytes()
    chance = random.Random(1)
    for _ in range(150):
        cut = chance.random() < 0.3
        place = chance.randrange(len(data))
        damaged = data[:place] if cut else data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        path.write_bytes(damaged)
        try:
            kernel = open_trace(path).kernels[0]
            assert kernel.warp_instructions >= 0  # a flipped bit in unused bytes does no harm
        except TraceError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "zip"}, "does not describe a Tickwise trace"),
        ({"version": 99}, "format version 99"),
        ({"kernels": 3}, "names no kernels"),
        ({"kernels": [{}]}, "header is damaged"),
    ],
)
def test_foreign_manifests_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps({**manifest, **change}))
    with pytest.raises(TraceError, match=message):
        open_trace(path)


def test_lying_counts_are_named(tmp_path: Path) -> None:
    path = tmp_path / "k.twt"
    write_twt(parse_listing(LISTING), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    manifest["kernels"][0]["counts"]["entries"] = 1204
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(TraceError, match=r"kernel 1 \(mixed\): promises 1,204 entries, 5 follow"):
        open_trace(path).kernels[0]


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
