"""`python -m validation.hardware`: says what is missing before anything else is imported, then runs command.py."""

import os
import sys
from importlib.util import find_spec


def main() -> int:
    """The command; 2 where NumPy or PyYAML is not installed."""
    missing = [module for module in ("numpy", "yaml") if find_spec(module) is None]
    if missing:
        print("the kit needs NumPy and PyYAML: python3 -m pip install numpy pyyaml", file=sys.stderr)
        return 2
    try:
        from validation.hardware.command import main as run

        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # of standard output: closed by `| head`, or a full disk
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print(f"standard output: {error.strerror or error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
