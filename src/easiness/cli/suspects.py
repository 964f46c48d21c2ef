"""``easiness suspects``: the labels of a run that are likely wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness.cli.trust import Trust
from easiness.cli.written import WRITTEN, write_output
from easiness.spec import Split


def suspects(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    split: Annotated[
        Split,
        typer.Option("--split", help="Of the examples measured, or of the held-out split: is it safe?"),
    ] = "train",
    above: Annotated[
        float,
        typer.Option(
            "--above", help="List labels that are wrong with this probability or more, and five in any case."
        ),
    ] = 0.1,
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Judge as after this many epochs; the last by default.")
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures",
            help="Look for identical pictures, and ask the networks what they make of each.",
        ),
    ] = True,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Where the data are now, if not where the run found them."),
    ] = None,
    trust: Trust = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=WRITTEN),
    ] = None,
) -> None:
    """Say which labels are likely wrong, most suspicious first.

    After what is certain: identical pictures with different labels.
    """
    from easiness.models import missing_code
    from easiness.report import check_output_file
    from easiness.show import sections_text
    from easiness.store import open_run
    from easiness.studies.suspects import suspects as find

    if output is not None:
        check_output_file(output)
    opened = open_run(run, trust=trust)
    found = find(opened, split=split, above=above, epoch=epoch, pictures=pictures, source=source)
    missing = missing_code(opened.model) if trust and pictures else ""
    if missing:
        typer.echo(f"note: {missing}; the labels are judged by the record, without the networks", err=True)
    typer.echo(sections_text(found.sections()))
    if output is not None:
        write_output(output, found)
