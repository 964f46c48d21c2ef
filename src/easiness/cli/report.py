"""``easiness report``: a page about a run, about several compared, or about a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs over the same data, or of one study (`paper`).")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.html to write.")] = Path("report.html"),
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Read after this many epochs; the last common one by default."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Where the data are now, for the pictures; else where the run says."),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", help="A run on the data before: show what changed, as `diff` does."),
    ] = None,
) -> None:
    """Write a page that shows what was measured.

    Accuracy, distribution, galleries, matching tables; with two trials or more also the labels to look
    at, and what can be left out. It is one file that needs no network. The last line printed is its path.
    """
    from easiness.errors import BadInput
    from easiness.report import check_output_file, render_report, write_file
    from easiness.store import open_run
    from easiness.studies.paper import is_study, study_page

    check_output_file(output, (".html",))
    if len(runs) == 1 and is_study(runs[0]):
        if since is not None:
            raise BadInput(f"--since {since}: is compared with a run, and {runs[0]} is a study; give a run")
        page = study_page(runs[0])
    else:
        before = None if since is None else open_run(since)
        page = render_report([open_run(run) for run in runs], epoch=epoch, source=source, since=before)
    write_file(output, page.encode())
    typer.echo(output)
