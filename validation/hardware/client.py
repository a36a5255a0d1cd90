"""Talks to the worker: starts it, asks, waits no longer than it should, and starts another when one is lost."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class WorkerLost(Exception):
    """The worker ended or was ended; the text says how."""


class Late(Exception):
    """The run's time was over before the job's own."""


class Worker:
    """One worker process at a time."""

    def __init__(self, command: Sequence[str], opening: dict[str, Any] | None = None) -> None:
        """`opening` is sent to every new process first."""
        self._command, self.opening = list(command), opening
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()

    def _start(self) -> None:
        self._process = process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        answers: queue.Queue[str | None] = queue.Queue()
        self._answers = answers
        self._said: list[str] = []
        said = self._said
        output, errors = process.stdout, process.stderr
        assert output is not None and errors is not None

        def read_answers() -> None:
            for line in output:
                answers.put(line)
            answers.put(None)

        def read_errors() -> None:
            for line in errors:
                said.append(line.strip())
                del said[:-20]

        self._readers = [threading.Thread(target=read, daemon=True) for read in (read_answers, read_errors)]
        for reader in self._readers:
            reader.start()

    def _exchange(self, request: dict[str, Any], timeout_s: float, limit_s: float) -> dict[str, Any]:
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            self.close()
            if timeout_s < limit_s:
                raise Late from None
            raise WorkerLost(f"no answer within {timeout_s:.0f} s; the process was ended") from None
        except (BrokenPipeError, OSError):
            line = None
        if line is None:
            code = process.wait()
            self._forget()
            last = f": {self._said[-1]}" if self._said else ""
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise WorkerLost(f"the measuring process ended with {how}{last}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, request: dict[str, Any], timeout_s: float, limit_s: float | None = None) -> dict[str, Any]:
        """One answer; raises WorkerLost, or Late where it did not come within a time that is less than `limit_s`.

        After either, or after a `fatal` answer, the next call starts a new process.
        """
        limit_s = timeout_s if limit_s is None else limit_s
        if self._process is None:
            self._start()
            if self.opening is not None:
                opened = self._exchange(self.opening, timeout_s, limit_s)
                if "error" in opened:
                    self.close()
                    raise WorkerLost(opened["error"])
        answer = self._exchange(request, timeout_s, limit_s)
        if answer.get("fatal"):
            self.close()
        return answer

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
            self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        for reader in self._readers:
            reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process = None


def worker_command(kind: str) -> list[str]:
    """The worker for `cuda` or `dry`."""
    return [sys.executable, "-m", "validation.hardware.worker", kind]
