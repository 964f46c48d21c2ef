"""``easiness diff``: what changed between two versions of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness.cli.written import WRITTEN, write_output


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the run on the version before.")],
    new: Annotated[Path, typer.Argument(help="Folder of the run on the version after, by the same recipe.")],
    by: Annotated[
        Literal["ids", "pixels"],
        typer.Option("--by", help="What makes an example the same in both: its id, or its pixels."),
    ] = "ids",
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Compare after this many epochs; the last common one by default."),
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", help="Expected share of false ones among those said to have changed.")
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
            help="Exit with 1 where a larger share of the examples in both became harder or easier; other "
            "labels, and examples that came or went, do not count.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=WRITTEN)] = None,
) -> None:
    """Say which examples changed between two versions of the data.

    Both are measured with the same recipe; what counts is beyond the noise of the trials.
    """
    from easiness.errors import BadInput
    from easiness.report import check_output_file
    from easiness.show import sections_text
    from easiness.store import open_run
    from easiness.studies.versions import diff as found_by

    if fail_above is not None and not 0 <= fail_above <= 1:
        raise BadInput(f"--fail-above {fail_above:g}: must be a share from 0 to 1")
    if output is not None:
        check_output_file(output)
    sources = (old_source, new_source)
    before, after = open_run(old), open_run(new)
    found = found_by(before, after, by=by, epoch=epoch, rate=rate, at_least=at_least, sources=sources)
    typer.echo(sections_text(found.sections()))
    if output is not None:
        write_output(output, found)
    if fail_above is not None and found.share_changed > fail_above:
        raise _too_many(found.share_changed, fail_above)


def _too_many(share: float, most: float) -> Exception:
    from easiness.errors import RunFailed
    from easiness.show import chosen_percent, percent

    return RunFailed(
        f"{percent(share)} of the examples changed, more than --fail-above {chosen_percent(most)}"
    )
