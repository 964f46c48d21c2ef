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
        typer.Argument(help="Folder of a run; several over the same data judge together."),
    ],
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
    decided: options.Decided = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Judge as after this many epochs; the last by default.")
    ] = None,
    share: options.Share = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures",
            help="Look for identical examples, and ask the networks what they make of each.",
        ),
    ] = True,
    source: options.Source = None,
    trust: options.Trust = False,
    output: options.Output = None,
) -> None:
    """Say which labels are likely wrong, most suspicious first.

    After what is certain: identical examples with different labels.
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
