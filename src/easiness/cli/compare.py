"""``easiness compare``: Table 1 for any runs over the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness.cli.written import WRITTEN, write_output


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs over the same data.")],
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Compare after this many epochs; the last common one by default."),
    ] = None,
    fraction: Annotated[
        float, typer.Option("--fraction", help="Share of the examples called easy, and hard.")
    ] = 0.1,
    ties: Annotated[
        Literal["expected", "strict", "refine"] | None,
        typer.Option(
            "--ties", help="What becomes of examples tied at the cut; expected and refine by default."
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Show every table: ceilings, ties, reliability, drift.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=WRITTEN),
    ] = None,
) -> None:
    """Say how far runs agree on the easy and the hard examples.

    Beside what chance gives and what the noise of each run allows.
    """
    from easiness.report import check_output_file
    from easiness.store import open_run
    from easiness.studies.matching import as_text, compare as compare_runs

    if output is not None:
        check_output_file(output)
    opened = [open_run(run) for run in runs]
    if ties is None:
        comparison = compare_runs(opened, epoch=epoch, fraction=fraction)
    else:
        comparison = compare_runs(opened, epoch=epoch, fraction=fraction, ties=[ties])
    if comparison.note is not None:
        typer.echo(f"note: {comparison.note}", err=True)
    typer.echo(as_text(comparison, details=details))
    if output is not None:
        write_output(output, comparison)
