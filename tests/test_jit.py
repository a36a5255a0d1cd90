"""The compiler's cache: for each island one folder per state of its sources, somewhere that can be written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import jit
from sim.islands import ISLANDS

SIM = Path(jit.__file__).parent
MEMORY, SMS, QUANTA = (SIM / "gpu" / name for name in ("partition.py", "island.py", "quanta.py"))


def forget() -> None:
    for remembered in (jit.sources_of, jit._imports, jit.source_hash, jit.cache_root):
        remembered.cache_clear()


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What is looked up once in a process is looked up again in each test, and after it."""
    forget()
    yield
    forget()


def test_the_folder_is_named_by_the_island_and_its_sources_and_moves_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKWISE_CACHE", str(tmp_path / "here"))
    directory = jit.island_directory(MEMORY)
    assert directory == tmp_path / "here" / "compiled" / f"partition-{jit.source_hash(MEMORY)}"
    assert jit.island_directory(SMS) != directory


def test_an_island_depends_on_what_it_imports_and_on_nothing_else() -> None:
    """A change of the L2 leaves the compiled SMs as they are; the loop over both has to be bound anew."""
    l2, l1 = SIM / "gpu" / "l2.py", SIM / "gpu" / "l1d.py"
    assert l2 in jit.sources_of(MEMORY) and l1 not in jit.sources_of(MEMORY)
    assert l1 in jit.sources_of(SMS) and l2 not in jit.sources_of(SMS)
    assert {l1, l2} <= jit.sources_of(QUANTA)
    files = [SIM / file for file, _ in ISLANDS.values()]
    assert {MEMORY, SMS, QUANTA} < set(files)
    assert len({jit.source_hash(file) for file in files}) == len(files)


def test_a_changed_callee_in_another_file_opens_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba would not notice: the hash covers every file that an island imports, directly or not."""
    root = tmp_path / "sim"
    (root / "gpu").mkdir(parents=True)
    texts = {
        "gpu/entry.py": "from sim.gpu.stage import stage\nfrom numba import int64\n",
        "gpu/stage.py": "from sim.gpu import callee\n",
        "gpu/callee.py": "ports = 1\n",
        "gpu/other.py": "ports = 1\n",
    }
    monkeypatch.setattr(jit, "_ROOT", root)

    def changed(**with_: str) -> str:
        for name, text in texts.items():
            (root / name).write_text(with_.get(Path(name).stem, text))
        forget()
        return jit.source_hash(root / "gpu" / "entry.py")

    before = changed()
    assert jit.sources_of(root / "gpu" / "entry.py") == {root / "gpu" / f"{n}.py" for n in ("entry", "stage", "callee")}
    assert changed(callee="ports = 2\n") != before
    assert changed(stage=texts["gpu/stage.py"] + "x = 1\n") != before
    assert changed(other="ports = 2\n") == before == changed()


def test_where_the_cache_cannot_be_written_the_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TICKWISE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = jit.cache_root()
    assert directory == tmp_path / f"tickwise-{os.getuid()}" / "compiled"
    assert directory.is_dir()
