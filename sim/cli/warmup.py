"""`tickwise warmup`: compile in advance."""

import time

import typer

from sim.cli.options import Json, print_json

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def warmup(as_json: Json = False) -> None:
    """Compile the simulator's core, so that the next command starts at once."""
    from sim import jit
    from sim.islands import is_warm, warm_up

    start = time.perf_counter()
    if not is_warm():
        from sim.cli.run import announce_compiling

        announce_compiling()
    compiled = warm_up()
    seconds = time.perf_counter() - start
    directory = str(jit.cache_root())
    if as_json:
        print_json({"compiled": compiled, "seconds": round(seconds, 3), "cache": directory})
    elif compiled:
        typer.echo(f"compiled {', '.join(compiled)} in {seconds:.1f} s, kept in {directory}")
    else:
        typer.echo(f"nothing to compile; compiled code is in {directory}")
