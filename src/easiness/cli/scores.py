"""``easiness scores``: every score of every example, as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from easiness.cli.written import FILES, write_output
from easiness.spec import Split


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
    split: Annotated[
        Split,
        typer.Option(
            "--split", help="Of the examples measured, or of the held-out split, which is never trained on."
        ),
    ] = "train",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=f"{FILES}; standard output otherwise."),
    ] = None,
) -> None:
    """Write every score of every example, with standard errors.

    Beside them masks, and how sure it is that an example belongs to the easiest or the hardest.
    """
    from easiness.report import check_output_file, run_scores
    from easiness.show import write_csv
    from easiness.spec import ALL, observe_text
    from easiness.store import open_run

    if output is not None:
        check_output_file(output)
    opened = open_run(run)
    found = run_scores(opened, epoch, fraction=fraction, split=split)
    table = found.table()
    if opened.spec.observe != ALL and not (split == "held_out" and opened.augmented):  # that is seen clean
        typer.echo(f"note: {run}: observations: {observe_text(opened.spec.observe)}", err=True)
    if "unfinished" in table.attrs:
        typer.echo(f"note: {run}: {table.attrs['unfinished']}", err=True)
    if output is None:
        write_csv(table, sys.stdout)
    else:
        write_output(output, found)
    empty = found.left_empty()  # last, where a long table does not hide it
    if empty is not None:
        typer.echo(f"note: {run}: {empty}", err=True)
