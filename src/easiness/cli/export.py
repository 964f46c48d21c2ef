"""``easiness export``: a run in the format of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import exports, store
from easiness.cli import options, results


def export(
    run: options.RunFolder,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="hf (a folder for Hugging Face datasets), cleanlab (labels and pred_probs), fiftyone (its "
            "dataset as JSON), spotlight (a Parquet with the examples), torch (indices and sampling "
            "weights), csv or parquet (rows).",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or new folder to write.")],
    split: options.HeldOutToo = "train",
    epoch: options.ScoreEpoch = None,
    share: options.Share = None,
    source: options.Source = None,
) -> None:
    """Write scores, suspects and the examples for another tool."""

    found = exports.export(
        store.open_run(run), to, output, epoch=epoch, share=share, source=source, split=split
    )
    results.say_written(found.path)
    typer.echo(f"{found.path}: {found.then}")
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
