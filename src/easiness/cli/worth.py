"""``easiness worth``: what to keep, and what more labels would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from easiness import pages, show, spec, store
from easiness.cli.kit import options, results, said
from easiness.errors import BadInput
from easiness.studies import worth as study
from easiness.studies.labels import verifying

Sizes = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        metavar="N,N,..",
        help="How many labelled examples to try; a twentieth, a fifth, a half and all by default.",
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="S,S,..",
        help="Shares of them to keep, easiest, hardest and random; 0.1,0.2,0.4,0.6,0.8 by default.",
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        help="Loss of accuracy that you accept; 0.01 by default. Decide before you look.",
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="SOURCE",
        help="Examples without labels: say which of them to label next. A folder, a table without labels, "
        "an .npz file with x, or an .npy file of vectors.",
    ),
]
Picks = Annotated[int | None, typer.Option("--picks", help="With --pool: how many to pick; 100 by default.")]
Keeping = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="Also write what is advised: FILE.csv of labels to keep and drop, for --labels and `verify`, or "
        "with --pool of what to label, in an order to label in; or FILE.parquet, .json (the grid), .md "
        "(tables to read), .png, .svg or .pdf (the figure).",
    ),
]
Page = Annotated[Path | None, typer.Option("--page", metavar="FILE.html", help="Also write a page about it.")]


def worth(
    run: options.RunFolder,
    sizes: Sizes = None,
    keep: Keep = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", help="Draws of each size, at least five; 5 by default, 20 with --pool."),
    ] = None,
    margin: Margin = None,
    pool: Pool = None,
    picks: Picks = None,
    details: Annotated[bool, typer.Option("--details", help="Show the whole grid.")] = False,
    source: options.Source = None,
    trust: options.Trust = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    output: Keeping = None,
    page: Page = None,
) -> None:
    """Say which examples to keep, and whether to label more.

    Needs a run on features. At several sizes it fits heads to the easiest, the hardest and random
    examples, with and without suspects, and tests them: minutes on one core. With --pool it says which
    examples to label next.
    """

    results.check_output(output)
    if page is not None:
        pages.check_output_file(page, (".html",))
    opened = store.open_run(run, trust=trust)
    if pool is not None:
        _check_of_pool({"sizes": sizes, "keep": keep, "margin": margin, "details": details or None})
        draws = study.DRAWS if seeds is None else seeds
        many = study.PICKED if picks is None else picks
        following = study.to_label(opened, pool, picks=many, seeds=draws, source=source, seed=seed)
        said.say_text(f"{show.sections_text(following.sections())}\n\n{show.capitalized(following.text)}")
        gallery = None if page is None else pages.picks_gallery(following)
        _write(following, following.text, following, page, output, gallery=gallery)
        return
    if picks is not None:
        raise BadInput(f"--picks {picks}: is of a pool; give one, too (--pool)")
    found = study.worth(
        opened,
        sizes=None if sizes is None else _read_sizes(sizes),
        keep=study.KEEP if keep is None else spec.read_numbers("--keep", keep, "0.2,0.4,0.8"),
        seeds=study.FEWEST_SEEDS if seeds is None else seeds,
        margin=study.LOSS if margin is None else margin,
        source=source,
        seed=seed,
    )
    shown = [*found.sections(), *(found.details() if details else [])]
    said.say_text(show.sections_text(shown))
    rows = found.keep if output is not None and output.suffix == ".csv" else found
    _write(found, found.text, rows, page, output, found.details())
    if output is not None and rows is found.keep:
        said.say(_then(opened, found, output))


def _check_of_pool(given: Mapping[str, object]) -> None:
    """Refuse options that say what to keep, which nobody asks of a pool."""
    for name, value in given.items():
        if value is not None:
            text = "" if value is True else f" {value}"
            raise BadInput(f"--{name}{text}: says what to keep, not what to label; leave it or --pool out")


def _then(run: store.Run, found: study.Worth, output: Path) -> str:
    """What to do with the file of labels: networks may not bear out what heads on features say."""
    if not found.keep.dropped.any():
        return f"{output} keeps every example; there is nothing to verify"
    trained = ("--beside", "random,rs2", "--model", "MODEL")
    return f"heads say so; ask networks: {verifying(run, output, run.spec.data.labels, trained)}"


def _read_sizes(text: str) -> list[int]:
    numbers = spec.read_numbers("--sizes", text, "500,2000")
    if any(number % 1 for number in numbers):  # what is left of one that is not finite is not a number
        raise BadInput(f"--sizes {text!r}: give whole numbers with commas between them, such as 500,2000")
    return [int(number) for number in numbers]


def _write(
    found: show.Result,
    lead: str,
    rows: show.Result,
    page: Path | None,
    output: Path | None,
    more: Sequence[show.Section] = (),
    gallery: pages.Gallery | None = None,
) -> None:
    """Write the page, and the file of ``rows``, where they are asked for."""
    if page is not None:
        pages.write_result_page(page, found, show.capitalized(lead), more, gallery)
        results.say_written(page)
    if output is not None:
        results.write_output(output, rows)
