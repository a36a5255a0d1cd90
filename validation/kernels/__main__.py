"""`python -m validation.kernels [NAME…]`: compile for every architecture and renew `resources:` in the YAML files.

Without names: those whose report is missing or stale; `--all` renews every one. Exit code 1 if one does not compile.
"""

import argparse
import sys

from validation.kernels.build import BuildError, find_compiler
from validation.kernels.kernel import KernelError, catalogue
from validation.kernels.resources import find_nvdisasm, renew, stale


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m validation.kernels", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="kernels; default: those whose report is stale")
    parser.add_argument("--all", action="store_true", help="every kernel")
    options = parser.parse_args()
    try:
        kernels = catalogue()
        unknown = [name for name in options.names if name not in kernels]
        if unknown:
            raise KernelError(f"{unknown[0]}: no such kernel; there are {', '.join(kernels)}")
        compiler = find_compiler("nvcc")
    except (KernelError, BuildError) as error:
        print(error, file=sys.stderr)
        return 2
    names = options.names or [name for name, kernel in kernels.items() if options.all or stale(kernel)]
    nvdisasm = find_nvdisasm()
    failed = 0
    for number, name in enumerate(names, 1):
        try:
            renew(kernels[name], compiler, nvdisasm)
            print(f"[{number}/{len(names)}] {name}", file=sys.stderr)
        except BuildError as error:
            print(f"[{number}/{len(names)}] {name}: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
