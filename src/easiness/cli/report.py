"""``easiness report``: a page about a run, about several compared, or about a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness import pages, runs as runs_kit, store
from easiness.cli.kit import options, results, said
from easiness.errors import BadInput
from easiness.paper import reproduction as paper

Since = Annotated[
    Path | None,
    typer.Option("--since", help="A run on the data before: show what changed, as `diff` does."),
]
By = Annotated[
    Literal["ids", "pixels"],
    typer.Option(
        "--by", help="What makes an example the same as in --since: its id, or its values (pixels)."
    ),
]
OldSource = Annotated[
    str | None, typer.Option("--old-source", help="Where the data of --since are now; for --by pixels.")
]
Suspects = Annotated[
    int,
    typer.Option("--suspects", min=0, help="How many labels of each split can be decided on in the page."),
]

Decide = Annotated[
    Path | None,
    typer.Option(
        "--decide", help="File of labels to decide on in the page, from `audit`, `labels` or people."
    ),
]
Blind = Annotated[
    bool | None,
    typer.Option(
        "--blind/--no-blind",
        help="With --decide: hide what the networks say of the labels. By default of an audit alone.",
        show_default=False,
    ),
]
Pixels = Annotated[
    int,
    typer.Option(
        "--pixels",
        help="Longer side of a photo to decide on, at most; fewer where the page would pass 25 MB.",
    ),
]


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs over the same data, or of one study (`paper`).")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.html to write.")] = Path("report.html"),
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Read after this many epochs; the last common one by default."),
    ] = None,
    share: options.Share = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Where the data are now, if not where the run found them."),
    ] = None,
    since: Since = None,
    by: By = "ids",
    old_source: OldSource = None,
    suspects: Suspects = 1000,
    decide: Decide = None,
    blind: Blind = None,
    pixels: Pixels = 640,
) -> None:
    """Write a page that shows what was measured.

    It has accuracy, galleries and matching tables, the labels to look at, and from two trials on
    what can be left out. It is one file that needs no network. The last line printed is its path.
    """

    pages.check_output_file(output, (".html",))
    if len(runs) == 1 and paper.is_study(runs[0]):
        if since is not None or by != "ids" or old_source is not None:
            raise BadInput(
                f"{runs[0]}: is a study, and --since, --by and --old-source compare a run; give a run of it"
            )
        pages.write_page(output, lambda: paper.study_page(runs[0]))
    else:
        with runs_kit.passes_shown(True):
            note = pages.write_report(
                [store.open_run(run) for run in runs],
                output,
                epoch=epoch,
                share=share,
                source=source,
                since=None if since is None else store.open_run(since),
                by=by,
                old_source=old_source,
                suspects=suspects,
                decide=decide,
                blind=blind,
                pixels=pixels,
            )
        if note:
            said.say(f"note: {note}", err=True)
    results.say_written(output)
    said.say(str(output))
