"""Where the simulator's own time goes, by structure and by stage.

    python benchmarks/profile.py TRACE [WARP_INSTRUCTIONS]

The core is compiled once more with line tables (in a cache of its own), the trace's first kernel is repeated on other
addresses and simulated, Linux' `perf` samples the process, and `gdb` says to which line each sampled address belongs;
inlining does not hide a stage. Both tools must be installed. Compiled code counts, the interpreter does not.
"""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(trace: str, size: int) -> None:
    """Simulate under `perf` and print the shares."""
    from sim.arch import load_arch
    from sim.cli.bench import STRIDE
    from sim.gpu.simulate import simulate_kernel
    from sim.trace.open import open_trace
    from sim.trace.repeat import repeat_ctas

    opened = open_trace(trace)
    kernel = opened.kernels[0]
    arch = load_arch("rtx_a6000")
    simulate_kernel(kernel, arch)
    big = repeat_ctas(kernel, max(1, size // kernel.warp_instructions), STRIDE)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        record = ["perf", "record", "-e", "cpu-clock", "-F", "2000", "-o", str(data), "-p", str(os.getpid())]
        perf = subprocess.Popen(record, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        began = time.perf_counter()
        result = simulate_kernel(big, arch)
        seconds = time.perf_counter() - began
        perf.send_signal(signal.SIGINT)
        perf.wait()
        lines = lines_of(data, Path(folder))
    print(
        f"{Path(trace).parent.name}: {big.warp_instructions} warp instructions, {result.cycles} cycles, {seconds:.1f} s"
    )
    report(lines)


def lines_of(data: Path, folder: Path) -> Counter[tuple[Path, int]]:
    """Samples per source line of this project."""
    script = ["perf", "script", "-i", str(data), "-F", "ip"]
    addresses = Counter(subprocess.run(script, capture_output=True, text=True, check=True).stdout.split())
    commands = folder / "lines.gdb"
    asked = list(addresses.items())
    commands.write_text(
        "set pagination off\n" + "".join(f"echo @\\n\ninfo line *0x{address}\n" for address, _ in asked)
    )
    answer = folder / "lines.txt"
    with answer.open("w") as out:  # a file: the process that gdb stops cannot empty a pipe
        ask = ["gdb", "-batch", "-p", str(os.getpid()), "-x", str(commands)]
        subprocess.run(ask, stdout=out, stderr=subprocess.DEVNULL, check=True)
    folders = [ROOT / "sim" / name for name in ("gpu", "memory", "trace")]
    compiled = {path.name: path for each in folders for path in each.glob("*.py")}
    found: Counter[tuple[Path, int]] = Counter()
    for (_, count), text in zip(asked, answer.read_text().split("@\n")[1:], strict=True):
        match = re.match(r'Line (\d+) of "([^"]+)"', text)
        file = compiled.get(Path(match[2]).name) if match else None  # gdb names some files without their folder
        if match and file:
            found[file, int(match[1])] += count
    return found


def report(lines: Counter[tuple[Path, int]]) -> None:
    """Shares of the files, and of the functions with at least one percent."""
    total = sum(lines.values())
    files: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for (file, line), count in lines.items():
        name = str(file.relative_to(ROOT / "sim"))
        files[name] += count
        functions[f"{name}:{function_at(file, line)}"] += count
    for title, counts in (("structure", files), ("stage", functions)):
        print(f"\n{title} ({total} samples)")
        for name, count in counts.most_common():
            if count >= total / 100:
                print(f"{count / total:6.1%}  {name}")


def function_at(file: Path, line: int) -> str:
    """Name of the function that holds a line."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.lineno - 1 <= line <= (node.end_lineno or node.lineno):
            return node.name
    return "?"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python benchmarks/profile.py TRACE [WARP_INSTRUCTIONS]")
    if lacking := [tool for tool in ("perf", "gdb") if shutil.which(tool) is None]:
        sys.exit(f"benchmarks/profile.py needs {' and '.join(lacking)}: install them first")
    if os.environ.get("NUMBA_DEBUGINFO") != "1":
        own = {"NUMBA_DEBUGINFO": "1", "TICKWISE_CACHE": str(Path(tempfile.gettempdir()) / "tickwise-profile")}
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **own})
    from sim.errors import TickwiseError

    try:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000)
    except TickwiseError as error:
        sys.exit(f"benchmarks/profile.py: {error}")
