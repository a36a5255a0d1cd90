"""`tickwise version`."""

import platform

import typer

from sim._version import __version__
from sim.cli.options import Json, print_json

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"tickwise": __version__, "python": platform.python_version(), "machine": platform.machine()})
    else:
        typer.echo(f"tickwise {__version__}")
