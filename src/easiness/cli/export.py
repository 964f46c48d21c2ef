"""``easiness export``: a run in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness.cli.written import say_written
from easiness.spec import Split


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="hf (a folder for Hugging Face datasets), cleanlab (labels and pred_probs), fiftyone (its "
            "dataset as JSON), spotlight (a Parquet with pictures), torch (indices and sampling weights), "
            "csv or parquet (rows).",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or new folder to write.")],
    split: Annotated[
        Split,
        typer.Option(
            "--split", help="Of the examples measured, or of the held-out split, which is never trained on."
        ),
    ] = "train",
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Scores of after this many epochs; the last by default.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Where the data are now; by default where they were.")
    ] = None,
) -> None:
    """Write scores, suspects and pictures for another tool."""
    from easiness.exports import export as write
    from easiness.store import open_run

    found = write(open_run(run), to, output, epoch=epoch, source=source, split=split)
    say_written(found.path)
    typer.echo(f"{found.path}: {found.then}")
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
