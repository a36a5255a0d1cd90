"""The table: whole rows or none, whatever happens to the disk or the process."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validation.hardware.rows import assert_valid
from validation.hardware.device import Facts
from validation.hardware.record import COLUMNS, RecordError, Row, Table, only_writer, read
from validation.hardware.rows import context, row
from validation.kernels import load

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FACTS = Facts("NVIDIA H200", (9, 0), 132, "580.159", "13.0", 60 << 20)


def a_row(case: str = "n=1", **columns: Any) -> Row:
    base = context("0123abcd", FACTS, False, "nvcc 13.0.88", load("vectoradd"), case)
    return row(base, "events", "time", "ok", unit="us", value=1.5, **columns)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [a_row(), a_row("n=2 block=8", p10=1.25, repetitions=25, reason="a, comma and\na line")]
    Table(tmp_path / "t.csv").add(rows)
    back = read(tmp_path / "t.csv")
    assert_valid(back)
    assert [one["case"] for one in back] == ["n=1", "n=2 block=8"]
    assert (back[1]["p10"], back[1]["repetitions"], back[0]["p10"]) == (1.25, 25, None)
    assert back[1]["reason"] == "a, comma and a line"
    assert all(tuple(one) == COLUMNS for one in back)


@given(st.floats(min_value=1e-12, max_value=1e15, allow_nan=False))
def test_a_value_survives_to_nine_digits(value: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Table(Path(folder) / "t.csv").add([{**a_row(), "value": value}])
        assert read(Path(folder) / "t.csv")[0]["value"] == pytest.approx(value, rel=1e-8)


def test_a_column_that_the_schema_lacks_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.csv")
    with pytest.raises(RecordError, match="speed: no such column"):
        table.add([a_row(), {**a_row(), "speed": 1}])
    assert read(tmp_path / "t.csv") == []


def test_half_a_row_from_a_killed_process_takes_its_job_with_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    Table(path).add([a_row("n=1"), a_row("n=2"), a_row("n=2", p10=1.0), a_row("n=2", p10=2.0)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    table = Table(path)
    assert table.repaired
    assert [one["case"] for one in table.rows] == ["n=1"]
    table.add([a_row("n=2")])
    assert [one["case"] for one in read(path)] == ["n=1", "n=2"]


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    Table(path).add([a_row("n=1"), a_row("n=2")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    table = Table(path)
    assert not table.repaired
    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", ["my only line of notes", "name,age\nanna,3\nbert,4", "schema;date\n1;2"])
def test_a_file_that_is_somebody_elses_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(RecordError, match="not a table of this kit"):
        Table(path)
    assert path.read_text() == content


def test_two_writers_of_a_folder_are_one_too_many(tmp_path: Path) -> None:
    with only_writer(tmp_path), pytest.raises(RecordError, match="another run writes here"), only_writer(tmp_path):
        pass
    with only_writer(tmp_path):
        assert tmp_path.is_dir()


def test_a_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    table = Table(tmp_path / "f" / "t.csv")
    (tmp_path / "f" / "t.csv").unlink()
    (tmp_path / "f").rmdir()
    with pytest.raises(RecordError, match="the rows of this job are not in it"):
        table.add([a_row()])


def test_a_header_cut_in_half_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("schema,da")
    assert Table(path).rows == []
    assert read(path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kernel,time\na,1\n", r":1: not a table of this kit: 'kernel' stands where the column schema is due"),
        ("", r":1: not a table of this kit: the header ends where the column schema is due"),
        (",".join(COLUMNS[:-1]) + "\n", r":1: .*the header ends where the column reason is due"),
        (",".join(COLUMNS) + "\n" + "," * (len(COLUMNS) - 1) + "\n", r":2: schema is empty"),
        (",".join(COLUMNS) + '\n\n1,"open\n' + "x" * 200_000, r":3: .*is a quotation mark open\?"),
        (",".join(COLUMNS) + "\n1,2,3\n", r":2: 3 cells, expected"),
        (",".join(COLUMNS) + "\n" + "x," * (len(COLUMNS) - 1) + "\n", r":2: schema: 'x' is not a number"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(RecordError, match=message):
        read(tmp_path / "t.csv")


def test_dropping_rows_is_atomic_and_counts_them(tmp_path: Path) -> None:
    table = Table(tmp_path / "t.csv")
    table.add([a_row("n=1"), a_row("n=2"), a_row("n=3")])
    assert table.drop(lambda one: one["case"] == "n=2") == 1
    assert [one["case"] for one in read(tmp_path / "t.csv")] == ["n=1", "n=3"]
    assert table.drop(lambda one: False) == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "t.csv"]


FILL = """\
import sys
from pathlib import Path
from tests.validation.hardware.test_record import a_row
from validation.hardware.record import RecordError, Table
table = Table(Path(sys.argv[1]))
for number in range(1000):
    try:
        table.add([a_row(f"n={number}"), a_row(f"n={number} second")])
    except RecordError as error:
        print(number)
        sys.exit(str(error))
"""


def test_a_full_disk_leaves_whole_jobs_and_says_so(tmp_path: Path) -> None:
    """The limit on file size stands for the disk: the write that crosses it is cut short by the system."""
    path = tmp_path / "t.csv"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], cwd=ROOT, capture_output=True, text=True, preexec_fn=limit, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith("the rows of this job are not in it")
    assert str(path) in done.stderr
    rows = read(path)
    assert_valid(rows)
    assert len(rows) == 2 * int(done.stdout)
    assert len(rows) > 20
