"""``easiness worth``: what to keep, and what more labels would give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import report, show, spec, store
from easiness.cli.kit import options, results
from easiness.studies import worth as study

Sizes = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        metavar="N,N,..",
        help="Numbers of labelled examples to try; a twentieth, a fifth, a half and all by default.",
    ),
]
Keep = Annotated[
    str, typer.Option("--keep", metavar="S,S,..", help="Shares of them to keep, easiest, hardest and random.")
]
Margin = Annotated[
    float,
    typer.Option("--margin", help="Loss of accuracy that counts as none; think of it before you look."),
]
Keeping = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="Also write what is advised: FILE.csv of labels to keep and drop, for --labels and `verify`; or "
        "FILE.parquet, .json (the grid), .md (tables to read), .png, .svg or .pdf (the figure).",
    ),
]
Page = Annotated[Path | None, typer.Option("--page", metavar="FILE.html", help="Also write a page about it.")]


def worth(
    run: options.RunFolder,
    sizes: Sizes = None,
    keep: Keep = "0.1,0.2,0.4,0.6,0.8",
    seeds: Annotated[int, typer.Option("--seeds", help="Draws of each size, four at least.")] = 5,
    margin: Margin = 0.01,
    details: Annotated[bool, typer.Option("--details", help="Show the whole grid.")] = False,
    source: options.Source = None,
    trust: options.Trust = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    output: Keeping = None,
    page: Page = None,
) -> None:
    """Say what to keep: easy, hard or random examples, or more labels.

    Of a run on features. Heads are fitted to every size, share and end of the examples, with suspects and
    without, and tested on others: minutes on one core.
    """

    results.check_output(output)
    if page is not None:
        report.check_output_file(page, (".html",))
    found = study.worth(
        store.open_run(run, trust=trust),
        sizes=None if sizes is None else [round(n) for n in spec.read_numbers("--sizes", sizes, "500,2000")],
        keep=spec.read_numbers("--keep", keep, "0.2,0.4,0.8"),
        seeds=seeds,
        margin=margin,
        source=source,
        seed=seed,
    )
    shown = [*found.sections(), *(found.details() if details else [])]
    typer.echo(f"{show.sections_text(shown)}\n\n{show.capitalized(found.text)}")
    if page is not None:
        report.write_result_page(page, found, show.capitalized(found.text), found.details())
        results.say_written(page)
    if output is not None:
        results.write_output(output, found.keep if output.suffix == ".csv" else found)
