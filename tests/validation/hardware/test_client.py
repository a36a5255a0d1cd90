"""The worker may crash, hang, talk nonsense or lose the device; the next request gets a new one."""

import sys
import time

import pytest

from validation.hardware.client import Late, Worker, WorkerLost

SCRIPT = """\
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "crash":
        print("last words", file=sys.stderr, flush=True)
        os.abort()
    if request["do"] == "exit":
        sys.exit(3)
    if request["do"] == "hang":
        time.sleep(600)
    answer = {"pid": os.getpid(), "fatal": request["do"] == "fatal"}
    if request["do"] == "refuse":
        answer["error"] = "no device"
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def worker() -> Worker:
    return Worker([sys.executable, "-c", SCRIPT])


def test_one_process_answers_many_requests(worker: Worker) -> None:
    first, second = (worker.ask({"do": "work"}, 30)["pid"] for _ in range(2))
    assert first == second
    worker.close()


@pytest.mark.parametrize(("do", "how"), [("crash", "signal 6: last words"), ("exit", "exit code 3")])
def test_a_crash_is_told_and_the_next_request_gets_a_new_process(worker: Worker, do: str, how: str) -> None:
    first = worker.ask({"do": "work"}, 30)["pid"]
    with pytest.raises(WorkerLost, match=how):
        worker.ask({"do": do}, 30)
    assert worker.ask({"do": "work"}, 30)["pid"] != first
    worker.close()


def test_a_hang_ends_after_its_time(worker: Worker) -> None:
    worker.ask({"do": "work"}, 30)
    begin = time.monotonic()
    with pytest.raises(WorkerLost, match="no answer within 1 s"):
        worker.ask({"do": "hang"}, 1)
    assert time.monotonic() - begin < 30
    assert worker.ask({"do": "work"}, 30)["pid"] > 0
    worker.close()


def test_a_job_that_the_runs_end_cuts_short_is_late_and_not_lost(worker: Worker) -> None:
    worker.ask({"do": "work"}, 30)
    with pytest.raises(Late):
        worker.ask({"do": "hang"}, 0.5, 30)
    assert worker.ask({"do": "work"}, 30)["pid"] > 0
    worker.close()


def test_after_a_lost_device_a_new_process_is_started_and_opened(worker: Worker) -> None:
    first = worker.ask({"do": "fatal"}, 30)["pid"]
    worker.opening = {"do": "open"}
    assert worker.ask({"do": "work"}, 30)["pid"] != first
    worker.close()


def test_a_device_that_does_not_open_is_told(worker: Worker) -> None:
    worker.opening = {"do": "refuse"}
    with pytest.raises(WorkerLost, match="no device"):
        worker.ask({"do": "work"}, 30)
