"""Every folder of measured rows that is committed: valid, complete, and of the machine code beside it."""

from pathlib import Path

import pytest

from tests.validation.hardware.rows import assert_valid
from validation.hardware.record import read
from validation.hardware.split import split_of
from validation.kernels.cubin import functions, sass_hash

MEASURED = Path(__file__).resolve().parent.parent.parent / "validation" / "measured"


_KEY = ("gpu", "kernel", "case", "launch", "method", "cache", "metric", "sass_hash")


def assert_sound(folder: Path) -> None:
    """Rows of the schema, each on its side, none twice, none of a dry run, with the cubin that they name."""
    hashes: dict[str, str] = {}
    seen: set[tuple[object, ...]] = set()
    for side in ("develop", "validate"):
        rows = read(folder / f"{side}.csv")
        assert_valid(rows)
        for row in rows:
            assert row["status"] != "dry-run"
            assert split_of(row["suite"], row["kernel"], row["case"]) == row["split"] == side
            key = tuple(
                row[name] for name in ("gpu", "kernel", "case", "launch", "method", "cache", "metric", "sass_hash")
            )
            assert key not in seen, key
            seen.add(key)
            if row["cubin"] and row["cubin"] not in hashes:
                texts = functions((folder / "cubins" / row["cubin"]).read_bytes())
                hashes[row["cubin"]] = sass_hash(*(texts[name] for name in sorted(texts)))
            assert row["cubin"] is None or hashes[row["cubin"]] == row["sass_hash"]
    assert seen


@pytest.mark.parametrize("folder", sorted(path.parent for path in MEASURED.glob("*/develop.csv")), ids=lambda p: p.name)
def test_committed_rows_are_sound(folder: Path) -> None:
    assert_sound(folder)
