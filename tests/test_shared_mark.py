"""The mark `shared`: without the reference data its tests are skipped and counted, in CI they fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """\
import pytest

@pytest.mark.shared
def test_with_data(shared_dir):
    assert (shared_dir / "file").is_file()

def test_without_data():
    assert True
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that holds nothing but our conftest.py and two tests."""
    tests = tmp_path / "main" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("conftest.py"), tests / "conftest.py")
    (tests / "test_two.py").write_text(TESTS)
    (tmp_path / "main" / "pytest.ini").write_text("[pytest]\nmarkers = shared: needs ../shared\n")
    return tmp_path / "main"


def run_pytest(checkout: Path, ci: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"CI": ci}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_without_the_data_they_are_skipped_with_a_count(checkout: Path) -> None:
    done = run_pytest(checkout, ci="")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "1 tests skipped: they need" in done.stdout


def test_in_ci_the_absence_is_a_failure(checkout: Path) -> None:
    done = run_pytest(checkout, ci="true")
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout
    assert "is absent, and CI=true" in done.stdout


def test_with_the_data_they_run(checkout: Path) -> None:
    (checkout.parent / "shared").mkdir()
    (checkout.parent / "shared" / "file").write_text("")
    assert "2 passed" in run_pytest(checkout, ci="true").stdout
