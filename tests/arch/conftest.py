"""A folder with small configurations to extend and to break."""

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]
#: What a chip has to say beside its SMs when it extends the family `ampere`.
MEMORY = """
l2: {size: 96 KiB, slices: 2, clock: 1 GHz}
dram: {kind: gddr6, channels: 1, data_rate: 14 Gbps}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`write(text, name="mine.yaml")` writes a file into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def _write(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return Path(name)

    return _write
