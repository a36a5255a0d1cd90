"""The process that touches the device: reads one request a line, answers one line a request.

A lost context, a hang or a crash ends this process and not the kit. Requests: {"do": "facts"}, {"do": "open",
"support": PATH}, {"do": "measure", …}. With `--profile REQUEST` it runs cases under a profiler instead.
"""

import functools
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

from validation.hardware.cuda import CudaDevice
from validation.hardware.device import Device, DeviceError, Program
from validation.hardware.dry import DryDevice
from validation.hardware.measure import TIMED_SEED, Work, lost, measure
from validation.hardware.rows import Context, launch_columns
from validation.kernels import Kernel, load

#: A kernel is asked for once a case.
_load = functools.cache(load)


def _work(request: dict[str, Any]) -> Work:
    return Work(
        kernel=_load(request["context"]["kernel"]),
        case=request["case"],
        base=Context(**request["context"]),
        cubin=Path(request["cubin"]).read_bytes() if request["cubin"] else b"",
        check_only=request["check_only"],
        energy=request["energy"],
    )


def _measured(device: Device, request: dict[str, Any]) -> dict[str, Any]:
    work, rows = _work(request), []
    try:
        for row in measure(device, work):
            rows.append(row)
    except DeviceError as error:
        return {"rows": [*rows, lost(work, error)], "fatal": error.fatal}
    except Exception as error:
        # A kernel's own Python file can fail in any way; that is a row, and the next case goes on.
        return {"rows": [*rows, lost(work, error)], "fatal": False}
    return {"rows": rows, "fatal": False}


def serve(device_kind: str, requests: IO[str], answers: IO[str]) -> int:
    """The loop; ends when the requests end or the device is lost."""
    device: Device | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if request["do"] == "facts":
                facts = (DryDevice() if device_kind == "dry" else CudaDevice()).facts
                answer: dict[str, Any] = {"facts": facts.__dict__}
            elif request["do"] == "open":
                support = Path(request["support"]).read_bytes() if request["support"] else b""
                device = DryDevice() if device_kind == "dry" else CudaDevice(support)
                answer = {}
            else:
                assert device is not None, "open comes first"
                answer = _measured(device, request)
        except DeviceError as error:
            answer = {"error": str(error), "fatal": error.fatal}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if answer.get("fatal"):
            return 1
    return 0


def profile(request: dict[str, Any]) -> None:
    """Runs each case once for the profiler; says in a file what was launched. Ends when its time is over."""
    signal.alarm(request["seconds"])
    device = CudaDevice(Path(request["support"]).read_bytes())
    kernel: Kernel = load(request["kernel"])
    cubin = Path(request["cubin"]).read_bytes()
    with Path(request["manifest"]).open("w", encoding="utf-8") as manifest:
        for index, case in enumerate(request["cases"]):
            program = Program.of(kernel, case, cubin, TIMED_SEED)
            launches = program.launches
            session = device.session(program, set(program.buffers), 1)
            session.run(0)  # what the first launch costs is paid outside
            session.reset(0)
            shown = min(len(launches), request["most_launches"])
            session.profiled(0, shown)
            facts = session.functions()
            launched = [launch_columns(launches, facts, number) for number in range(shown)]
            manifest.write(json.dumps({"case": index, "all": len(launches), "launches": launched}) + "\n")
            manifest.flush()
            session.close()


def main() -> int:
    """The process."""
    if sys.argv[1] == "--profile":
        profile(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
        return 0
    # Whatever a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    sys.exit(main())
