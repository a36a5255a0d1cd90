"""What becomes of a case: on a device that is scripted, so that each kind of trouble can be had."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.validation.hardware.rows import assert_valid
from validation.hardware.device import DeviceError, Facts, FunctionFacts, Program, Repeated, Session, State, Timing
from validation.hardware.measure import REPETITIONS, Work, measure
from validation.hardware.record import COLUMNS, Row
from validation.hardware.rows import context
from validation.hardware.worker import _measured
from validation.kernels import Buffers, Case, Kernel, Launch, Reading, load

L2 = 1 << 20


class Scripted:
    """A device whose results are the reference's and whose times come from a script; keeps what was asked of it."""

    dry = False

    def __init__(
        self,
        seconds: Callable[[int], float] = lambda n: 1e-5,
        spoil: Callable[[Buffers], None] = lambda b: None,
        state: State | None = None,
        joules: list[float] | None = None,
        late: bool = False,
    ) -> None:
        self.facts = Facts("NVIDIA Script", (9, 0), 132, "1.0", "13.0", L2)
        self.seconds, self.spoil, self.late = seconds, spoil, late
        self._state = state or State(3000.0, 50.0, 300.0)
        self._joules = joules
        self.log: list[str] = []

    def session(self, program: Program, restored: set[str], sets: int) -> Session:
        self.restored = restored
        return ScriptedSession(self, program, sets)

    def state(self) -> State:
        return self._state

    def energy_joules(self) -> float | None:
        return self._joules.pop(0) if self._joules else None


class ScriptedSession:
    def __init__(self, device: Scripted, program: Program, sets: int) -> None:
        self.device, self.count, self.timings = device, sets, 0
        kernel, self.buffers = program.kernel, dict(program.buffers)
        if kernel.has_reference:
            self.buffers |= kernel.definition.reference(program.case, program.buffers)

    def functions(self) -> dict[str, FunctionFacts]:
        return {}

    def sets(self) -> int:
        return self.count

    def reset(self, which: int) -> None:
        self.device.log.append(f"reset {which}")

    def run(self, which: int) -> None:
        self.device.log.append(f"run {which}")

    def timed(self, which: int) -> Timing:
        self.device.log.append(f"timed {which}")
        self.timings += 1
        return Timing(self.device.seconds(self.timings), 1700.0, self.device.late)

    def repeat(self, seconds: float, restore: bool) -> Repeated:
        self.device.log.append(f"repeat{' restored' if restore else ''}")
        return Repeated(1000, 2.0, self.device.state())

    def restored_bytes(self) -> int:
        return 4096

    def flush(self) -> None:
        self.device.log.append("flush")

    def download(self, which: int) -> Buffers:
        got = {name: array.copy() for name, array in self.buffers.items()}
        self.device.spoil(got)
        return got

    def profiled(self, which: int, launches: int) -> None:
        raise AssertionError("not profiled here")

    def close(self) -> None:
        self.device.log.append("close")


def run(device: Scripted, name: str = "vectoradd", case: Case | None = None, **wanted: Any) -> list[Row]:
    kernel = load(name)
    chosen = case or kernel.cases[0]
    base = context("0123abcd", device.facts, False, "nvcc 13.0.88", kernel, "n=1")
    rows = list(measure(device, Work(kernel, chosen, base, b"", **wanted)))
    assert_valid([{column: row.get(column) for column in COLUMNS} for row in rows])
    return rows


def test_a_right_case_is_timed_in_both_states_of_the_caches() -> None:
    rows = run(Scripted())
    assert [(row["method"], row["metric"], row.get("cache"), row["status"]) for row in rows] == [
        ("check", "relative_error", None, "ok"),
        ("events", "time", "warm", "ok"),
        ("events", "cycles", "warm", "ok"),
        ("events", "time", "rotated", "ok"),
        ("events", "cycles", "rotated", "ok"),
    ]
    assert rows[1]["value"] == pytest.approx(10.0)
    assert rows[2]["value"] == pytest.approx(17_000)
    assert rows[1]["flags"] is None


def test_wrong_outputs_are_told_and_not_timed() -> None:
    def spoil(got: Buffers) -> None:
        got["c"][5] += 1

    rows = run(Scripted(spoil=spoil))
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert rows[0]["reason"].startswith("wrong result: c: element 5")
    assert rows[1]["reason"] == "not timed: its outputs are wrong"
    assert rows[0]["value"] > 0.1


def test_an_element_that_was_not_written_is_found() -> None:
    def spoil(got: Buffers) -> None:
        got["c"][-1] = np.nan

    row = run(Scripted(spoil=spoil))[0]
    assert row["status"] == "failed"
    assert row["value"] is None


class Changing(Scripted):
    """Every download differs from the one before, once the outputs were checked: a run changes its own inputs."""

    def __init__(self, **options: Any) -> None:
        downloads: list[int] = []

        def spoil(got: Buffers) -> None:
            downloads.append(1)
            got["c"][0] += 1000 * (len(downloads) - 1)

        super().__init__(spoil=spoil, **options)


def test_a_run_that_changes_its_inputs_is_put_back_outside_the_timing() -> None:
    """16,384 floats in three buffers, twice 1 MiB of L2: 12 sets. Dirty lines of the reset are driven out."""
    device = Changing()
    run(device)
    begin = device.log.index("reset 1") - 1
    round_ = [f"reset {i}" for i in range(12)] + ["flush"] + [f"timed {i}" for i in range(12)]
    assert device.log[begin : begin + 25] == round_
    assert device.restored == {"c"}


def test_rotation_uses_every_set_and_a_repeatable_run_is_not_put_back() -> None:
    device = Scripted()
    run(device)
    begin = device.log.index("timed 1") - 1
    assert device.log[begin : begin + 12] == [f"timed {i}" for i in range(12)]
    assert device.log.count("reset 0") == 1  # before it was found out
    assert device.log.count("timed 11") == 3  # 36 repetitions: no round is cut short


def test_small_buffers_are_driven_out_of_the_caches_instead() -> None:
    device = Scripted()
    rows = run(device, case={"n": 1000, "block": 256})
    assert [row["cache"] for row in rows if row["metric"] == "time"] == ["warm", "flushed"]
    flushes = [i for i, entry in enumerate(device.log) if entry == "flush"]
    assert len(flushes) == REPETITIONS
    assert all(device.log[i + 1] == "timed 0" for i in flushes)


def test_a_spread_throttling_and_late_submission_are_told() -> None:
    device = Scripted(seconds=lambda n: 1e-5 * (1 + n % 5 / 50), state=State(throttled=True), late=True)
    row = run(device)[1]
    assert row["flags"] == "spread throttled"
    assert row["spread"] > 0.03
    assert row["reason"] == f"in {REPETITIONS} repetitions the host submitted more slowly than the device ran"


def test_energy_is_the_counters_difference_over_the_runs() -> None:
    device = Scripted(joules=[90.0, 100.0, 800.0])
    rows = run(device, energy=True)
    assert "repeat" in device.log
    energy, power = rows[-2:]
    assert (energy["metric"], energy["value"], energy["unit"]) == ("energy", 0.7, "J")
    assert (power["metric"], power["value"], power["unit"]) == ("power", 350.0, "W")
    assert energy["repetitions"] == 1000


def test_the_energy_of_a_run_that_is_put_back_says_so() -> None:
    device = Changing(joules=[90.0, 100.0, 800.0])
    energy = run(device, energy=True)[-2]
    assert "repeat restored" in device.log
    assert energy["reason"] == "each run includes a copy of 4,096 bytes that puts its buffers back"


def test_a_counter_that_does_not_move_gives_no_energy() -> None:
    row = run(Scripted(joules=[100.0, 100.0, 100.0]), energy=True)[-1]
    assert (row["status"], row["reason"]) == ("missing", "the energy counter did not move")


def test_a_board_without_an_energy_counter_is_a_row() -> None:
    row = run(Scripted(), energy=True)[-1]
    assert (row["status"], row["reason"]) == ("missing", "NVML gives no energy counter for this board")


def test_odd_sizes_are_only_checked() -> None:
    assert [row["method"] for row in run(Scripted(), check_only=True)] == ["check"]


class Definition:
    """A micro-benchmark whose readings are given."""

    def __init__(self, read: Callable[[], dict[str, Reading]]) -> None:
        self._read = read

    def inputs(self, case: Case, rng: np.random.Generator) -> Buffers:
        return {"cycles": np.zeros(1, np.int64)}

    def launches(self, case: Case, buffers: Buffers) -> list[Launch]:
        return [Launch("f", (1, 1, 1), (1, 1, 1), ("cycles",))]

    def readings(self, case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
        return self._read()


def micro(read: Callable[[], dict[str, Reading]]) -> list[Row]:
    kernel = Kernel("micro", "m", "a", "", 75, 0.0, (), ({"n": 1},), (), False, {})
    kernel.__dict__["definition"] = Definition(read)
    device = Scripted()
    base = context("0123abcd", device.facts, False, "nvcc 13.0.88", kernel, "n=1")
    rows = list(measure(device, Work(kernel, {"n": 1}, base, b"")))
    assert_valid([{column: row.get(column) for column in COLUMNS} for row in rows])
    return rows


def test_readings_have_their_units_and_repetitions() -> None:
    rows = micro(lambda: {"latency": Reading(23.5, "cycles"), "rate": Reading(2.0, "GB/s")})
    told = [
        (row["metric"], row["value"], row["unit"], row["repetitions"]) for row in rows if row["method"] == "readings"
    ]
    assert told == [("latency", 23.5, "cycles", REPETITIONS), ("rate", 2.0, "GB/s", REPETITIONS)]
    assert rows[0]["status"] == "skipped"
    assert [row["metric"] for row in rows[-2:]] == ["time", "cycles"]


def test_no_reading_means_that_the_architecture_lacks_it() -> None:
    row = next(row for row in micro(dict) if row["method"] == "readings")
    assert row["status"] == "missing"
    assert "does not exist on this architecture" in row["reason"]


def test_a_reading_that_is_no_number_is_a_failure() -> None:
    row = next(row for row in micro(lambda: {"latency": Reading(math.nan, "cycles")}) if row["method"] == "readings")
    assert (row["status"], row["reason"]) == ("failed", "not a finite number")


@pytest.mark.parametrize("fatal", [True, False])
def test_a_device_that_refuses_is_a_row_and_says_whether_it_is_lost(fatal: bool) -> None:
    class Refusing(Scripted):
        def session(self, *arguments: Any) -> Session:
            raise DeviceError("cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (2)", fatal)

    device = Refusing()
    kernel = load("vectoradd")
    base = context("0123abcd", device.facts, False, None, kernel, "n=1")
    request = {"context": base.to_dict(), "case": kernel.cases[0], "cubin": "", "check_only": False, "energy": False}
    answer = _measured(device, request)
    assert answer["fatal"] is fatal
    assert [row["status"] for row in answer["rows"]] == ["failed"]
    assert answer["rows"][0]["reason"] == "cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (2)"


def test_a_kernels_python_file_that_fails_is_a_row() -> None:
    def spoil(got: Buffers) -> None:
        del got["c"]

    device = Scripted(spoil=spoil)
    kernel = load("vectoradd")
    base = context("0123abcd", device.facts, False, None, kernel, "n=1")
    request = {"context": base.to_dict(), "case": kernel.cases[0], "cubin": "", "check_only": False, "energy": False}
    answer = _measured(device, request)
    assert answer["fatal"] is False
    assert answer["rows"][0]["reason"] == "vectoradd.py with n=16384 block=256: KeyError: 'c'"
