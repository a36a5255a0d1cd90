"""The compiler's reports in the YAML files: fresh, complete, and what the compiler here says."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.validation.tools import NVCC
from validation.kernels import Kernel, catalogue
from validation.kernels.build import Nvcc, find_compiler
from validation.kernels.kernel import ARCHITECTURES
from validation.kernels.resources import HEADER, renew, report, stale

KERNELS = list(catalogue().values())


def names(kernel: Kernel) -> str:
    return kernel.name


@pytest.fixture(scope="module")
def nvcc() -> Nvcc:
    if not NVCC:
        pytest.skip("needs nvcc and a host compiler")
    compiler = find_compiler("nvcc")
    assert isinstance(compiler, Nvcc)
    return compiler


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_the_report_belongs_to_the_source_and_has_every_architecture(kernel: Kernel) -> None:
    assert stale(kernel) is None
    for arch in kernel.architectures:
        for usage in kernel.resources[f"sm_{arch}"].values():
            assert usage["registers"] > 0
            assert usage["shared"] >= 0
            assert usage["instructions"] > 0


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_no_kernel_spills(kernel: Kernel) -> None:
    """A spill would add local-memory traffic that its source does not show."""
    for arch in kernel.architectures:
        for function, usage in kernel.resources[f"sm_{arch}"].items():
            assert "spill_stores" not in usage, f"sm_{arch} {function}"


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_it_compiles_here_as_reported(kernel: Kernel, nvcc: Nvcc) -> None:
    """For one architecture a kernel, picked by its name, so that all are covered by the whole."""
    pick = int(hashlib.sha256(kernel.name.encode()).hexdigest(), 16) % len(kernel.architectures)
    arch = kernel.architectures[pick]
    compiled = report(kernel, nvcc, arch, None)
    reported = {
        function: {key: value for key, value in usage.items() if key != "opcodes"}
        for function, usage in kernel.resources[f"sm_{arch}"].items()
    }
    if nvcc.name == kernel.resources["compiler"]:
        assert compiled == reported
    else:
        assert set(compiled) == set(reported)


def test_reports_cover_turing_to_blackwell() -> None:
    assert ARCHITECTURES == (75, 80, 86, 89, 90, 100, 120)
    assert {kernel.first_architecture for kernel in KERNELS} <= set(ARCHITECTURES)


def test_renewing_keeps_what_stands_above_and_a_change_makes_it_stale(
    nvcc: Nvcc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("validation.kernels.kernel.HERE", tmp_path)
    (tmp_path / "s").mkdir()
    for name, text in {
        "k.cu": '// k\nextern "C" __global__ void k(int *a) { a[threadIdx.x] = 1; }\n',
        "k.py": "",
        "k.yaml": "about: k  # why\nfirst_architecture: 120\ncases:\n  - {n: 1}\n",
    }.items():
        (tmp_path / "s" / name).write_text(text)
    before = (tmp_path / "s" / "k.yaml").read_text()
    assert stale(catalogue()["k"]) is not None
    renew(catalogue()["k"], nvcc, None)
    written = (tmp_path / "s" / "k.yaml").read_text()
    assert written.startswith(before + HEADER)
    kernel = catalogue()["k"]
    usage: dict[str, Any] = kernel.resources["sm_120"]["k"]
    assert usage["registers"] > 0
    assert stale(kernel) is None
    (tmp_path / "s" / "k.cu").write_text((tmp_path / "s" / "k.cu").read_text().replace("= 1", "= 2"))
    assert "source changed" in str(stale(catalogue()["k"]))
    renew(catalogue()["k"], nvcc, None)
    assert (tmp_path / "s" / "k.yaml").read_text().count(HEADER) == 1


def test_opcode_counts_are_kept_while_the_code_is_the_same(
    nvcc: Nvcc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = '// k\nextern "C" __global__ void k(int *a) { a[threadIdx.x] = %d; }\n'
    monkeypatch.setattr("validation.kernels.kernel.HERE", tmp_path)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "k.py").write_text("")
    (tmp_path / "s" / "k.cu").write_text(source % 1)
    (tmp_path / "s" / "k.yaml").write_text("about: k\nfirst_architecture: 120\ncases:\n  - {n: 1}\n")
    assert renew(catalogue()["k"], nvcc, None) == 0
    path = tmp_path / "s" / "k.yaml"
    path.write_text(path.read_text().replace("sass:", "opcodes: {STG: 1}, sass:"))
    (tmp_path / "s" / "k.cu").write_text("// another comment\n" + source % 1)
    assert renew(catalogue()["k"], nvcc, None) == 0
    assert catalogue()["k"].resources["sm_120"]["k"]["opcodes"] == {"STG": 1}
    (tmp_path / "s" / "k.cu").write_text(source % 2)
    assert renew(catalogue()["k"], nvcc, None) == 1
    assert "opcodes" not in catalogue()["k"].resources["sm_120"]["k"]


def test_a_file_that_cannot_be_written_is_left_whole(
    nvcc: Nvcc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("validation.kernels.kernel.HERE", tmp_path)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "k.py").write_text("")
    (tmp_path / "s" / "k.cu").write_text('// k\nextern "C" __global__ void k() {}\n')
    path = tmp_path / "s" / "k.yaml"
    path.write_text("about: k\nfirst_architecture: 120\ncases:\n  - {n: 1}\n")
    before = path.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("validation.kernels.resources.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        renew(catalogue()["k"], nvcc, None)
    assert path.read_text() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["k.cu", "k.py", "k.yaml"]
