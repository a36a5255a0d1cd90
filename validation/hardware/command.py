"""`python -m validation.hardware`: measure every kernel on this machine's GPU and write one table. README.md explains.

    python -m validation.hardware                      everything, at most 9 minutes; again: what is left
    python -m validation.hardware --part 1/3           a third of the kernels
    python -m validation.hardware --only 'gemm_*' micro
    python -m validation.hardware --dry-run            no GPU: every step but the measuring, one case a kernel
    python -m validation.hardware --list               the kernels
    python -m validation.hardware --summary DIR        bandwidth, launch cost, peaks; doubtful rows

Exit codes: 0 done (or time over), 1 something failed, 2 bad input or no GPU, 130 interrupted.
"""

import argparse
import sys
from pathlib import Path

from validation.hardware.client import Worker, worker_command
from validation.hardware.plan import PlanError, parse_part, part_of, select
from validation.hardware.record import RecordError, Row, read
from validation.hardware.run import HardwareError, Options, Outcome, Run
from validation.hardware.summary import summarise
from validation.kernels import KernelError, catalogue
from validation.kernels.build import BuildError, Compiler, find_compiler


def to_stderr(text: str) -> None:
    """A line of progress, or an error."""
    print(text, file=sys.stderr, flush=True)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m validation.hardware", description=__doc__, formatter_class=formatter
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the table (validation/measured/<gpu>)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="kernels or suites; wildcards allowed")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="the K-th of N parts")
    parser.add_argument("--minutes", type=float, default=9.0, help="start nothing that would end later (9)")
    parser.add_argument("--quick", action="store_true", help="the first case of each kernel only")
    parser.add_argument("--retry", action="store_true", help="measure again what failed before")
    parser.add_argument("--no-counters", action="store_true", help="leave Nsight Compute out")
    parser.add_argument("--compiler", choices=("auto", "nvcc", "nvrtc"), default="auto")
    parser.add_argument(
        "--dry-run", action="store_true", help="without a GPU: the first case of each kernel, no values"
    )
    parser.add_argument("--list", action="store_true", help="the kernels, and nothing else")
    parser.add_argument(
        "--summary", type=Path, metavar="DIR", help="a measured folder in a few lines, and nothing else"
    )
    return parser.parse_args(given)


def _rows(folder: Path) -> list[Row]:
    try:
        return [row for name in ("develop", "validate") for row in read(folder / f"{name}.csv")]
    except RecordError as error:
        raise PlanError(str(error)) from error


def _list() -> None:
    for kernel in catalogue().values():
        since = f"  (sm_{kernel.first_architecture} on)" if kernel.first_architecture > 75 else ""
        follows = f"  [{kernel.follows}]" if kernel.follows else ""
        print(f"{kernel.suite + '/' + kernel.name:34s} {len(kernel.cases):3d} cases  {kernel.about}{since}{follows}")


def _measure(options: argparse.Namespace) -> int:
    if not options.minutes > 0:
        raise PlanError(f"--minutes {options.minutes:g}: expected a number above 0")
    if options.out is not None and not str(options.out).strip("."):
        raise PlanError("--out: expected a folder of its own, not the current one")
    kernels = part_of(select(catalogue(), options.only), parse_part(options.part))
    if not kernels:
        raise PlanError(f"--part {options.part}: fewer kernels than parts were chosen, and this part has none")
    compiler: Compiler | None = None
    reason = ""
    try:
        compiler = find_compiler(options.compiler)
    except BuildError as error:
        reason = str(error)
    asked = Options(
        out=options.out,
        dry=options.dry_run,
        minutes=options.minutes,
        quick=options.quick or options.dry_run,
        retry=options.retry,
        profile=not options.no_counters,
        say=to_stderr,
    )
    run = Run(Worker(worker_command("dry" if options.dry_run else "cuda")), compiler, reason, asked)
    return _tell(run(kernels))


def _tell(outcome: Outcome) -> int:
    parts = [f"{outcome.done} jobs done"]
    if outcome.failed:
        parts.append(f"{outcome.failed} of them failed")
    if outcome.held:
        parts.append(f"{outcome.held} held already")
    if outcome.left:
        parts.append(f"{outcome.left} left for want of time: run the command again")
    to_stderr(f"{outcome.out}: {', '.join(parts)}")
    return 1 if outcome.failed else 0


def main(given: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _arguments(given)
    try:
        if options.list:
            _list()
            return 0
        if options.summary is not None:
            print(summarise(_rows(options.summary)))
            return 0
        return _measure(options)
    except (PlanError, KernelError, HardwareError) as error:
        to_stderr(str(error))
        return 2
    except RecordError as error:
        to_stderr(str(error))
        return 1
    except KeyboardInterrupt:
        to_stderr("interrupted; what was measured is recorded, and the next run goes on from here")
        return 130
