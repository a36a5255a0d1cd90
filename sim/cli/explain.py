"""`tickwise explain`: what a name in a result means."""

from typing import Annotated

import typer

from sim.cli.options import Json, print_json

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def explain(
    name: Annotated[str | None, typer.Argument(help="A name or the end of one; without it, all names.")] = None,
    as_json: Json = False,
) -> None:
    """What a counter, stall reason, energy component or result field means."""
    from sim.report import catalogue, lookup
    from sim.report.table import table

    entries = list(catalogue()) if name is None else lookup(name)
    if as_json:
        print_json({"entries": [entry._asdict() for entry in entries]})
    elif name is None:
        rows = [
            [entry.name, entry.kind, entry.unit.split(" (")[0], entry.meaning.split(" (priority")[0]]
            for entry in entries
        ]
        typer.echo("\n".join(table(rows, "<<<<", indent=0)))
    else:
        for entry in entries:
            typer.echo(f"{entry.name}  [{entry.kind}; {entry.unit}]\n  {entry.meaning}")
            if entry.where:
                typer.echo(f"  counted in: {entry.where}")
