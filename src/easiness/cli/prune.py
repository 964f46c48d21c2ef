"""``easiness prune``: the ids to keep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from easiness.cli.spread import Fields, spread
from easiness.cli.written import FILES, say_written, write_output
from easiness.errors import BadInput
from easiness.spec import Drawing


@spread
def prune(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    drop: Annotated[
        float | None, typer.Option("--drop", help="Share of the examples to drop, such as 0.3.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="Which examples are mainly dropped: easy, hard, random or beta:A,B; or exactly: worst (the "
            "hardest) or best; or what ccs[:CUT] (strata of the score) or dual[:C_D] (Beta sampling) does "
            "not keep. With --keep by default the other end.",
        ),
    ] = None,
    drawing: Annotated[
        Drawing,
        Fields(
            ("score", "keep", "epoch", "balanced"), help={"balanced": "Drop the same share of each class."}
        ),
    ] = Drawing(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            metavar="FILE",
            help="Drop exactly those named here: text with an id a line, or FILE.csv with a column id.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=f"{FILES}, or FILE.txt of ids; standard output otherwise.",
        ),
    ] = None,
) -> None:
    """Write the ids of the examples to keep.

    The ids are the output, a summary goes to standard error. Examples to drop are drawn as `ablate` draws
    them, or are exactly the worst, the best or those named, or what a sampler of coresets leaves out.
    """
    from easiness.report import check_output_file, output_file
    from easiness.show import SUFFIXES, sections_text, write_csv
    from easiness.store import open_run
    from easiness.studies.training_sets import order_of, prune as draw

    if output is not None:
        check_output_file(output, tuple(dict.fromkeys((".csv", ".parquet", ".txt", *SUFFIXES))))
    if drop is None and ids is None:
        raise BadInput("--drop: say which share to drop, such as 0.3; or name the examples (--ids FILE)")
    if policy is None and drawing.keep is None and ids is None:
        order_of(drawing.score)  # says where --keep is what is missing
        raise BadInput(
            "--policy: say which examples to drop mainly: easy, hard, random or beta:A,B; or worst or best; "
            "or ccs or dual"
        )
    pruned = draw(
        open_run(run),
        drop=drop,
        policy=policy,
        score=drawing.score,
        keep=drawing.keep,
        epoch=drawing.epoch,
        balanced=drawing.balanced,
        seed=seed,
        ids=ids,
    )
    typer.echo(sections_text(pruned.sections()), err=True)
    if output is None:
        write_csv(pruned.table(), sys.stdout)
    elif output.suffix == ".txt":
        with output_file(output) as file:
            file.writelines(f"{name}\n".encode() for name in pruned.table()["id"])
        say_written(output)
    else:
        write_output(output, pruned)
