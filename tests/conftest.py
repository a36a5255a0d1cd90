"""What all tests share: the mark `shared` and the folder behind it.

Tests with the mark need the reference data beside the checkout (../shared). Without it they are skipped and counted in
the last lines of the run; where CI=true its absence is a failure.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
_REASON = "needs ../shared"


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir() or _in_ci():
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason=_REASON))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        pytest.fail(f"{SHARED} is absent, and CI=true: this test must not be skipped here", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _REASON in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests skipped: they need {SHARED}")


@pytest.fixture(scope="session")
def compiled() -> None:
    """The core is compiled, once for all processes that run tests; nothing waits for a compiler after this."""
    from sim.islands import warm_up

    warm_up()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with reference data; a test that uses it carries the mark `shared`."""
    return SHARED
