"""`tickwise arch`: list, show and check configurations, and print their JSON Schema."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from sim.arch import Arch, check_file, load_arch, names, parse_overrides
from sim.arch.json_schema import json_schema_text
from sim.arch.load import is_family
from sim.arch.show import displayed
from sim.errors import BadInput, TickwiseError

arch_app = typer.Typer(no_args_is_help=True, help="Hardware configurations: list, show, check, JSON Schema.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace one value; repeatable.")]


@contextmanager
def _errors() -> Iterator[None]:
    """Errors of Tickwise become one line on stderr and their exit code."""
    try:
        yield
    except TickwiseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Piped output is for other programs: nothing is wrapped or cut to the width of a terminal that is not there.
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000)
    table = Table(title=Text(title), box=box.SIMPLE, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


@arch_app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the chips that ship with Tickwise, and the families that they extend."""
    with _errors():
        chips: dict[str, Arch] = {}
        families: list[str] = []
        for name in names():
            if is_family(name):
                families.append(name)
            else:
                chips[name] = load_arch(name)
        if as_json:
            found = {
                name: {
                    "name": arch.name,
                    "kind": arch.config.kind,
                    "isa": arch.config.isa,
                    "sms": arch.config.sm.count,
                    "clock_hz": arch.config.sm.clock,
                    "hash": arch.hash,
                }
                for name, arch in chips.items()
            }
            _print_json({"configurations": found, "families": families})
            return
        rows = [
            [name, arch.name, arch.config.isa, *(text for _, text in displayed(arch, ("sm.count", "sm.clock")))]
            for name, arch in chips.items()
        ]
        _print_table("Configurations", ["name", "chip", "isa", "SMs", "clock"], rows)
        typer.echo(f"Families, to be extended: {', '.join(families)}")


@arch_app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name from `tickwise arch list`, or the path of a .yaml file.")],
    overrides: Set = None,
    sources: Annotated[bool, typer.Option("--sources", help="Also show where each value comes from.")] = False,
    as_json: Json = False,
) -> None:
    """Show every value of a configuration after `extends` and `--set`."""
    with _errors():
        arch = load_arch(name, parse_overrides(overrides or []))
        if as_json:
            shown: dict[str, Any] = {"name": arch.name, "hash": arch.hash, "path": str(arch.path)}
            shown["config"] = arch.config.model_dump()
            if sources:
                shown["sources"] = dict(arch.sources)
            _print_json(shown | {"fudge": dict(arch.fudge), "warnings": list(arch.warnings)})
            return
        for warning in arch.warnings:
            typer.echo(f"warning: {warning}", err=True)
        columns = ["key", "value"] + (["source"] if sources else [])
        rows = [[key, text] + ([arch.sources.get(key, "")] if sources else []) for key, text in displayed(arch)]
        _print_table(f"{arch.name} ({arch.hash[:12]})", columns, rows)
        for key, reason in arch.fudge.items():
            typer.echo(f"fudge: {key}: {reason}")


@arch_app.command()
def check(
    files: Annotated[list[str], typer.Argument(help="Paths of .yaml files, or names of shipped configurations.")],
    as_json: Json = False,
) -> None:
    """Check configuration files: keys, units, rules between keys, a source for every value."""
    with _errors():
        problems = {file: check_file(file) for file in files}
        if as_json:
            _print_json({"ok": not any(problems.values()), "problems": problems})
        else:
            for file, lines in problems.items():
                for line in lines:
                    typer.echo(line, err=True)
                if not lines:
                    typer.echo(f"{file}: good")
        if any(problems.values()):
            raise typer.Exit(BadInput.exit_code)


@arch_app.command()
def schema(
    as_json: Annotated[bool, typer.Option("--json", help="The same: the schema is one JSON object.")] = False,
) -> None:
    """Print the JSON Schema of configuration files."""
    typer.echo(json_schema_text(), nl=False)


__all__ = ["arch_app"]
