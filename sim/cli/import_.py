"""`tickwise import`: other traces into a `.twt` file."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Json, print_json
from sim.errors import BadInput

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="KERNELSLIST", help="kernelslist.g, .traceg[.xz] or .sass")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.twt", help="The file to write.")],
    as_json: Json = False,
) -> None:
    """Turn Accel-Sim traces (with control bits from static.json beside them) or a listing into a .twt file."""
    from sim.trace import open_trace
    from sim.trace.container import write_twt

    if output.suffix != ".twt":
        raise BadInput(f"{output}: give a name that ends in .twt")
    trace = open_trace(source)
    write_twt(trace, output)
    written = open_trace(output)
    kernels = [
        {
            "name": kernel.header.name,
            "warp_instructions": kernel.warp_instructions,
            "control_bits": kernel.header.has_control_bits,
            "warnings": list(kernel.header.warnings),
        }
        for kernel in written.streams
    ]
    size = output.stat().st_size
    if as_json:
        print_json({"path": str(output), "hash": written.hash, "bytes": size, "kernels": kernels})
        return
    for number, kernel in enumerate(kernels, 1):
        control = "control bits" if kernel["control_bits"] else "no control bits"
        typer.echo(f"kernel {number}: {kernel['name']}: {kernel['warp_instructions']:,} warp instructions, {control}")
        for warning in written.streams[number - 1].header.warnings:
            typer.echo(f"  warning: {warning}")
    typer.echo(f"{output}: {len(kernels)} kernel{'s' * (len(kernels) != 1)}, {size:,} bytes")
