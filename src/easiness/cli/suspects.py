"""``easiness suspects``: the labels of a run that are likely wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import models, store
from easiness.cli.kit import options, results, said
from easiness.spec import Split
from easiness.studies import suspects as study


def suspects(
    run: Annotated[
        list[Path],
        typer.Argument(help="Folder of a run. Several on the same data judge together."),
    ],
    split: Annotated[
        Split,
        typer.Option("--split", help="The examples measured, or the held-out split."),
    ] = "train",
    above: Annotated[
        float,
        typer.Option(
            "--above",
            help="List labels that are wrong with this probability or more; at least five are listed.",
        ),
    ] = 0.1,
    decided: options.Decided = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Judge as after this many epochs; the last by default.")
    ] = None,
    share: options.Share = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures",
            help="Look for identical examples, and ask the stored networks about each.",
        ),
    ] = True,
    source: options.Source = None,
    trust: options.Trust = False,
    output: options.Output = None,
) -> None:
    """Say which labels are likely wrong, most suspicious first.

    Identical examples with different labels come first: there one label is certainly wrong. Blank, dark and
    overexposed pictures and silent sounds are named as well.
    """

    results.check_output(output)
    opened = [store.open_run(one, trust=trust) for one in run]
    found = study.suspects(
        opened,
        split=split,
        above=above,
        decided=decided,
        epoch=epoch,
        share=share,
        pictures=pictures,
        source=source,
    )
    asked = [one.model for one in opened] if trust and pictures else []
    missing = next(filter(None, map(models.missing_code, asked)), "")
    if missing:
        said.say(f"note: {missing}; the labels are judged by the record, without the networks", err=True)
    results.show_result(found, output)
