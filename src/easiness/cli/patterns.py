"""``easiness patterns``: how frequent and how contradicted what examples show is, and how easy they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import pages, show, store
from easiness.cli.kit import options, results, said
from easiness.studies import patterns as study

Features = Annotated[
    str,
    typer.Option(
        "--features",
        metavar="NAME",
        help="Where vectors come from, as for `measure`: auto, hashed, logmel, run:RUN and others. They must "
        "not be trained on these labels.",
    ),
]
Score = Annotated[
    str | None,
    typer.Option(
        "--score",
        help="Score to explain. Default: easiness, or consistency of networks whose trials left examples "
        "out.",
    ),
]
Nearest = Annotated[
    int | None,
    typer.Option(
        "--nearest",
        help="How many neighbours count for contradiction. Default: 50, or half of a class if that is less.",
    ),
]
Download = Annotated[
    bool, typer.Option("--download", help="Fetch weights of the features that are not on disk.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where features are made.")
]
Page = Annotated[
    Path | None,
    typer.Option("--page", metavar="FILE.html", help="Also write a page with the examples explained least."),
]


def patterns(
    run: options.RunFolder,
    features: Features,
    split: options.HeldOutToo = "train",
    score: Score = None,
    epoch: options.ScoreEpoch = None,
    share: options.Share = None,
    nearest: Nearest = None,
    source: options.Source = None,
    download: Download = False,
    device: Device = "auto",
    output: options.Output = None,
    page: Page = None,
) -> None:
    """Say how far frequency and contradiction explain easiness.

    Frequency is how many of its class lie near an example, contradiction the share of other classes
    among its neighbours. The examples that they explain least are listed.
    """

    results.check_output(output)
    if page is not None:
        pages.check_output_file(page, (".html",))
    opened = store.open_run(run)
    found = study.patterns(
        opened,
        features,
        split=split,
        score=score,
        epoch=epoch,
        share=share,
        nearest=nearest,
        source=source,
        download=download,
        device=device,
    )
    said.say_text(f"{show.sections_text(found.sections())}\n\n{found.text}")
    if page is not None:
        pages.write_page(page, lambda: pages.patterns_page(opened, found, source))
        results.say_written(page)
    if output is not None:
        results.write_output(output, found)
