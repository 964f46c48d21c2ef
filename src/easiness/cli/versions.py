"""``easiness diff``: what changed between two versions of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness import show, store
from easiness.cli.kit import options, results
from easiness.errors import BadInput, RunFailed
from easiness.studies import versions


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the run on the version before.")],
    new: Annotated[Path, typer.Argument(help="Folder of the run on the version after, by the same recipe.")],
    by: Annotated[
        Literal["ids", "pixels"],
        typer.Option("--by", help="What makes an example the same in both: its id, or its values (pixels)."),
    ] = "ids",
    epoch: options.ComparedEpoch = None,
    share: options.Share = None,
    rate: Annotated[
        float,
        typer.Option("--rate", help="False discovery rate: share of changes that may be none, on average."),
    ] = 0.05,
    at_least: Annotated[
        float, typer.Option("--at-least", help="Smallest change of confidence that counts.")
    ] = 0.1,
    old_source: Annotated[
        str | None, typer.Option("--old-source", help="Where the data of OLD are now; for --by pixels.")
    ] = None,
    new_source: Annotated[
        str | None, typer.Option("--new-source", help="Where the data of NEW are now; for --by pixels.")
    ] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(
            "--fail-above",
            help="Exit with 1 if a larger share of the common examples became harder or easier, with 2 if "
            "the trials are too few to tell. Changed labels and new or missing examples do not count.",
        ),
    ] = None,
    output: options.Output = None,
) -> None:
    """Say which examples changed between two versions of the data.

    Both are measured with the same recipe. Only changes beyond the noise of the trials count.
    """

    if fail_above is not None and not 0 <= fail_above <= 1:
        raise BadInput(f"--fail-above {fail_above:g}: must be a share from 0 to 1")
    results.check_output(output)
    sources = (old_source, new_source)
    before, after = store.open_run(old), store.open_run(new)
    found = versions.diff(
        before, after, by=by, epoch=epoch, share=share, rate=rate, at_least=at_least, sources=sources
    )
    results.show_result(found, output)
    if fail_above is None:
        return
    if found.share_changed > fail_above:
        changed, most = show.percent(found.share_changed), show.chosen_percent(fail_above)
        raise RunFailed(f"--fail-above {most}: {changed} of the examples changed")
    if found.share_unknown > fail_above:
        raise BadInput(f"--fail-above {fail_above:g}: {found.unknown}")
