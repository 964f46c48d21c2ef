"""``easiness prune``: the ids to keep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easiness.cli.spread import Fields, spread
from easiness.errors import BadInput
from easiness.spec import Drawing

if TYPE_CHECKING:
    from easiness.studies.training_sets.prune import Pruned


@spread
def prune(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    drop: Annotated[float, typer.Option("--drop", help="Share of the examples to drop, such as 0.3.")],
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="Which examples are mainly dropped: easy, hard, random or beta:A,B. With --keep by default "
            "the other end.",
        ),
    ] = None,
    drawing: Annotated[
        Drawing,
        Fields(
            ("score", "keep", "epoch", "balanced"), help={"balanced": "Drop the same share of each class."}
        ),
    ] = Drawing(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="FILE.csv or FILE.parquet of id, label and class, or FILE.txt of ids; standard output "
            "otherwise.",
        ),
    ] = None,
) -> None:
    """Write the ids of the examples to keep, drawn as `ablate` draws them; a summary on standard error."""
    from easiness.cli.output import check_output_file, output_file
    from easiness.store import open_run
    from easiness.studies.training_sets.order import order_of
    from easiness.studies.training_sets.prune import prune as draw

    if output is not None:
        check_output_file(output, (".csv", ".parquet", ".txt"))
    if policy is None and drawing.keep is None:
        order_of(drawing.score)  # says where --keep is what is missing
        raise BadInput("--policy: say which examples to drop mainly: easy, hard, random or beta:A,B")
    pruned = draw(
        open_run(run),
        drop=drop,
        policy=policy,
        score=drawing.score,
        keep=drawing.keep,
        epoch=drawing.epoch,
        balanced=drawing.balanced,
        seed=seed,
    )
    typer.echo(_summary(pruned), err=True)
    table = pruned.table()
    if output is None:
        table.to_csv(sys.stdout, index=False)
        return
    with output_file(output) as file:
        if output.suffix == ".parquet":
            table.to_parquet(file, index=False)
        elif output.suffix == ".csv":
            table.to_csv(file, index=False, mode="wb")
        else:
            file.writelines(f"{name}\n".encode() for name in table["id"])


def _summary(pruned: Pruned) -> str:
    from easiness.show.section import Section, number, sections_text
    from easiness.studies.training_sets.order import order_of

    order = order_of(pruned.score, pruned.keep)
    never = f" {pruned.num_never_learned} examples that no trial learned have none and rank as the hardest."
    rows = [["class", "kept", "dropped", f"{pruned.score} kept", f"{pruned.score} dropped"]]
    for name, kept, dropped, *means in pruned.by_class().itertuples(index=False):
        rows.append([name, str(kept), str(dropped), *(number(mean) for mean in means)])
    return sections_text(
        [
            Section(
                f"{pruned.kept.sum()} of {len(pruned.kept)} examples kept",
                f"By class, with the mean {pruned.score} after epoch {pruned.epoch} of both parts. "
                f"Dropped are {order.text(pruned.policy)}, by {order.by}."
                + never
                * (pruned.num_never_learned > 0),
                rows,
            )
        ]
    )
