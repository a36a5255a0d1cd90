import subprocess
import sys
from pathlib import Path

import pytest

from sim.errors import TraceError
from sim.trace import open_trace

ROOT = Path(__file__).resolve().parents[2]


def test_a_listing_is_opened_by_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "k.sass"
    path.write_text("NOP")
    trace = open_trace(str(path))
    assert (trace.source, trace.path, len(trace.kernels)) == ("listing", str(path), 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("k.bin", b"x", "unknown kind of trace"),
        ("k.sass", b"\xff\xfe", "not a text file"),
        ("k.g", b"\xff\xfe", "not a text file"),
        ("k.twt", b"PK", "not a whole .twt file"),
        ("k.traceg", b"\x00\x01", "a header reads|cut off"),
    ],
)
def test_what_cannot_be_opened_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TraceError, match=message):
        open_trace(path).kernels[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no such file"):
        open_trace(tmp_path / "absent.twt")


def test_importing_the_package_loads_no_compiler() -> None:
    script = "import sys, sim.trace, sim.isa; print([m for m in ('numba', 'pyarrow', 'pandas') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
