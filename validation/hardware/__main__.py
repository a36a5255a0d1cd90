"""`python -m validation.hardware`: says what is missing before anything else is imported, then runs command.py."""

import sys
from importlib.util import find_spec


def main() -> int:
    """The command; 2 where NumPy or PyYAML is not installed."""
    missing = [module for module in ("numpy", "yaml") if find_spec(module) is None]
    if missing:
        print("the kit needs NumPy and PyYAML: python3 -m pip install numpy pyyaml", file=sys.stderr)
        return 2
    from validation.hardware.command import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
