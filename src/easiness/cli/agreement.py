"""``easiness decisions``: what several people decided, and how far they agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import store
from easiness.cli.kit import options, results
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
    if output is not None:
        results.set_aside(output, found)
    results.show_result(found, output)
