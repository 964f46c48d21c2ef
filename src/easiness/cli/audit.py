"""``easiness audit``: how many labels are wrong, and how many are left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from easiness import show, spec, store
from easiness.cli.kit import options, results, said
from easiness.spec import Split
from easiness.studies import audit as study

AtMost: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--at-most",
        parser=options.share,
        metavar="P",
        help="Draw labels in an order, to stop as soon as it is shown that at most this share is left "
        "wrong, such as 1%.",
    ),
]
AnySplit: TypeAlias = Annotated[
    Split | None,
    typer.Option("--split", help="Labels of the examples measured, or of the held-out split."),
]
Known: TypeAlias = Annotated[
    Path | None,
    typer.Option("--known", help="Decisions made before. Labels are drawn from the rest."),
]


def audit(
    run: options.RunFolder,
    looks: Annotated[
        int | None,
        typer.Option("--looks", help="How many labels to draw; 100 by default."),
    ] = None,
    at_most: AtMost = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw.")] = 0,
    split: AnySplit = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide what is suggested, and how probable it is.")
    ] = False,
    known: Known = None,
    decided: Annotated[
        Path | None,
        typer.Option("--decided", help="The file that was drawn, filled in: says how many are wrong."),
    ] = None,
    output: options.Output = None,
) -> None:
    """Say how many labels are wrong, from a look at a few.

    First it draws labels by chance and writes a file (-o audit.csv). Fill it in, on the page or by
    hand: action is keep, relabel, drop or unsure. Then --decided audit.csv says how many labels are
    wrong and how many are left, with 95 % confidence. This does not depend on p_wrong.
    """

    results.check_output(output, decisions=decided is None)
    found = study.audit(
        store.open_run(run),
        looks=looks,
        at_most=at_most,
        seed=seed,
        split=split,
        blind=blind,
        known=known,
        decided=decided,
    )
    if isinstance(found, study.Audited):
        results.show_result(found, output)
        return
    if output is None:
        said.print_rows(found.table())
    said.say_text(f"{show.sections_text(found.sections())}\n", err=True)
    if output is not None:
        _write(run, found, output)


def _write(run: Path, found: study.Drawn, output: Path) -> None:
    """Write the file to fill in, beside what somebody may have filled in before, and say what is next."""
    results.set_aside(output, found)
    results.write_output(output, found)
    if output.suffix == ".csv":
        words = (run, "--decide", output, *(["--blind"] if found.blind else []))
        looking = spec.command_line("report", *words, "-o", output.with_suffix(".html"))
        reading = spec.command_line("audit", run, "--decided", output)
        said.say(f"look at them: {looking} (or write the actions into {output}); then {reading}", err=True)
