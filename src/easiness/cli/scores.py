"""``easiness scores``: every score of every example, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import pages, spec, store
from easiness.cli.kit import options, results, said
from easiness.errors import BadInput
from easiness.studies import matching


def scores(
    run: Annotated[
        list[Path],
        typer.Argument(help="Folder of a run. Several on the same data give one common order of difficulty."),
    ],
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="Score after this many epochs; the last by default.")
    ] = None,
    share: options.Share = None,
    fraction: Annotated[
        float | None,
        typer.Option(
            "--fraction",
            help="Share of the examples that are easy, and hard, for p_easy and p_hard; 0.1 by default.",
        ),
    ] = None,
    split: options.HeldOutToo = "train",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=f"{results.FILES}; standard output otherwise."),
    ] = None,
) -> None:
    """Write every score of every example, with standard errors.

    Also how probably each example is among the easiest or the hardest.
    """

    results.check_output(output)
    if len(run) > 1:
        _combined(run, split, output, {"--epoch": epoch, "--share": share, "--fraction": fraction})
        return
    opened = store.open_run(run[0])
    found = pages.run_scores(opened, epoch, share=share, fraction=fraction, split=split)
    table = found.table()
    if opened.spec.observe != spec.ALL and not (
        split == "held_out" and opened.augmented
    ):  # that is seen clean
        said.say(f"note: {opened.path}: observations: {spec.observe_text(opened.spec.observe)}", err=True)
    if "unfinished" in table.attrs:
        said.say(f"note: {opened.path}: {table.attrs['unfinished']}", err=True)
    if output is None:
        said.print_rows(table)
    else:
        results.write_output(output, found)
    empty = found.left_empty()  # last, where a long table does not hide it
    if empty is not None:
        said.say(f"note: {opened.path}: {empty}", err=True)


def _combined(
    paths: list[Path], split: spec.Split, output: Path | None, given: dict[str, float | None]
) -> None:
    """Write the order of difficulty of several runs together."""
    for option, value in given.items():
        if value is not None:
            raise BadInput(f"{option} {value:g}: of several runs each is read at its end; leave it out")
    found = matching.combined_scores([store.open_run(path) for path in paths], split=split)
    if output is None:
        said.print_rows(found.table())
    else:
        results.write_output(output, found)
