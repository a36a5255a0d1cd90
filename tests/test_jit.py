"""The compiler's cache: one folder per state of the sources, somewhere that can be written."""

import os
from pathlib import Path

import pytest

from sim import jit


def test_the_folder_is_named_by_the_sources_and_moves_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKWISE_CACHE", str(tmp_path / "here"))
    directory = jit.cache_directory()
    assert directory == tmp_path / "here" / "compiled" / jit.source_hash()


def test_a_changed_callee_in_another_file_opens_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba would not notice: the hash covers every file that may hold compiled code."""
    for package in ("gpu", "trace", "memory", "isa"):
        (tmp_path / package).mkdir()
    (tmp_path / "jit.py").write_text("")
    callee = tmp_path / "gpu" / "regfile.py"
    callee.write_text("ports = 1\n")
    monkeypatch.setattr(jit, "_ROOT", tmp_path)
    hashes = []
    for text in ("ports = 1\n", "ports = 2\n", "ports = 1\n"):
        callee.write_text(text)
        jit.source_hash.cache_clear()
        hashes.append(jit.source_hash())
    monkeypatch.undo()
    jit.source_hash.cache_clear()
    assert hashes[0] == hashes[2] != hashes[1]
    assert jit.source_hash() not in hashes


def test_where_the_cache_cannot_be_written_the_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TICKWISE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = jit.cache_directory()
    assert directory.parent.parent == tmp_path / f"tickwise-{os.getuid()}"
    assert directory.is_dir()
