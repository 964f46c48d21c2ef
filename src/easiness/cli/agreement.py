"""``easiness decisions``: what several people decided, and how far they agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import store
from easiness.cli.kit import options, results, said
from easiness.studies import agreement


def decisions(
    run: options.RunFolder,
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of decisions on it, and answers that Label Studio exports (JSON)."),
    ],
    split: options.HeldOutToo = "train",
    output: options.Output = None,
) -> None:
    """Say how far people agree on labels; merge what they say.

    The merged file (-o merged.csv) has the decision of the majority. Examples on which people differ
    come first. It is a file of decisions like any other.
    """

    results.check_output(output, decisions=True)
    found = agreement.decisions(store.open_run(run), files, split=split)
    kept = None if output is None else results.set_aside(output, found)
    if kept is not None:
        said.say(f"{output} had other rows, which are now in {kept}", err=True)
    results.show_result(found, output)
