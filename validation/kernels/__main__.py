"""`python -m validation.kernels [NAME ...]`: compile for every architecture and renew `resources:` in the YAML files.

Without names: those whose report is missing or stale; `--all` renews every one. Exit code 1 if one does not compile.
"""

import argparse
import subprocess
import sys

from validation.kernels.build import BuildError, Compiler, find_compiler
from validation.kernels.cubin import CubinError
from validation.kernels.kernel import Kernel, KernelError, catalogue, load
from validation.kernels.resources import find_nvdisasm, renew, stale


def _kernels(names: list[str], every: bool) -> list[Kernel]:
    kernels = catalogue()
    if names:
        return [kernels.get(name) or load(name) for name in names]
    return [kernel for kernel in kernels.values() if every or stale(kernel)]


def _renew(kernels: list[Kernel], compiler: Compiler) -> int:
    """Renews each and says so; how many failed."""
    nvdisasm = find_nvdisasm()
    failed = 0
    for number, kernel in enumerate(kernels, 1):
        try:
            lost = renew(kernel, compiler, nvdisasm)
        except (BuildError, CubinError, OSError, subprocess.CalledProcessError) as error:
            text, failed = str(error), failed + 1
        else:
            text = "done"
            if lost:
                text += f"; opcode counts of {lost} functions are lost without nvdisasm: pip install 'tickwise[cuda]'"
        print(f"[{number}/{len(kernels)}] {kernel.name}: {text}", file=sys.stderr)
    return failed


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m validation.kernels", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="kernels; default: those whose report is stale")
    parser.add_argument("--all", action="store_true", help="every kernel")
    options = parser.parse_args()
    try:
        chosen = _kernels(options.names, options.all)
        if not chosen:
            print("every report is fresh", file=sys.stderr)
            return 0
        return 1 if _renew(chosen, find_compiler("nvcc")) else 0
    except (KernelError, BuildError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the kernels named so far are done", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
