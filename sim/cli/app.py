"""The command `tickwise`: which commands there are, and how they end.

A command's file is imported when the command is used, so that `tickwise --help` is quick. Errors become one line on
stderr and an exit code: 0 done, 1 failed run, 2 bad input, 130 interrupted.
"""

import sys
import time

#: Start of the command, for `simulation.wall_s`.
STARTED = time.perf_counter()

import os  # noqa: E402
from importlib import import_module  # noqa: E402
from typing import Annotated, Any  # noqa: E402

import typer  # noqa: E402
from typer.core import TyperGroup  # noqa: E402

from sim._version import __version__  # noqa: E402
from sim.errors import TickwiseError  # noqa: E402

#: Command -> the file's attribute that holds it, and the line of `tickwise --help`.
COMMANDS = {
    "run": ("sim.cli.run:app", "Simulate traces on a chip: cycles, stalls, hot spots, energy."),
    "arch": ("sim.cli.arch:arch_app", "Hardware configurations: list, show, check, JSON Schema."),
    "explain": ("sim.cli.explain:app", "What a counter, stall reason, energy component or result field means."),
    "import": ("sim.cli.import_:app", "Turn Accel-Sim traces or a listing into a .twt file."),
    "warmup": ("sim.cli.warmup:app", "Compile the simulator's core in advance."),
    "bench": ("sim.cli.bench:app", "Measure the simulator's speed in warp instructions per second."),
    "version": ("sim.cli.version:app", "Print the version."),
}


class LazyGroup(TyperGroup):
    """Knows its commands by name and imports the one that is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands in `--help`; imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tickwise {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tickwise simulates GPUs cycle by cycle: it replays real SASS on a chip that YAML describes.

    Start with: tickwise run TRACE --arch rtx_a6000
    """


def main() -> None:
    """Run the command line; never shows a traceback unless TICKWISE_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?` instead of failing
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`tickwise run ... | head`): say nothing, and let nothing else try to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _run() -> int:
    try:
        app(prog_name="tickwise")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1 if end.code else 0
    except TickwiseError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("TICKWISE_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        _say(f"this is a mistake in Tickwise ({what}); please report it, with the output of TICKWISE_DEBUG=1")
        return 1
    return 0


def _say(text: str) -> None:
    print(f"tickwise: {text}", file=sys.stderr)
