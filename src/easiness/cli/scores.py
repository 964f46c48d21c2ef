"""``easiness scores``: every score of every example, as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def scores(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Score after this many epochs; the last by default.")
    ] = None,
    fraction: Annotated[
        float | None,
        typer.Option(
            "--fraction", help="Share of the examples that p_easy and p_hard speak of; 0.1 by default."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="FILE.parquet or FILE.csv; standard output otherwise."),
    ] = None,
) -> None:
    """Write every score of every example, with errors, masks and how sure its membership is."""
    from easiness.cli.output import check_output_file, output_file
    from easiness.spec import ALL, observe_text
    from easiness.store import open_run

    if output is not None:
        check_output_file(output, (".parquet", ".csv"))
    opened = open_run(run)
    table = opened.scores(epoch, fraction=fraction)
    if opened.spec.observe != ALL:
        typer.echo(f"note: {run}: observations: {observe_text(opened.spec.observe)}", err=True)
    if "unfinished" in table.attrs:
        typer.echo(f"note: {run}: {table.attrs['unfinished']}", err=True)
    if output is None:
        table.to_csv(sys.stdout, index=False)
        return
    with output_file(output) as file:
        if output.suffix == ".csv":
            table.to_csv(file, index=False, mode="wb")
        else:
            table.to_parquet(file, index=False)
