"""``easiness perturb``: what perturbed images do to easy and hard examples (Figures 2 and 3)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from easiness.cli.spread import Fields, spread
from easiness.cli.trust import Trust
from easiness.cli.written import WRITTEN, say_written, write_output
from easiness.spec import Execution, read_numbers

if TYPE_CHECKING:
    from easiness.analysis import Ties
    from easiness.data import Dataset
    from easiness.spec import Recipe
    from easiness.studies.perturbation import Perturbed


@spread
def perturb(
    run: Annotated[Path, typer.Argument(help="Folder of a run that keeps its weights.")],
    kind: Annotated[
        str,
        typer.Option(
            "--kind", help="color, shuffle, radial, or package.module:name for one that the module registers."
        ),
    ],
    levels: Annotated[
        str | None,
        typer.Option("--levels", help="Such as 0,0.5,1; the kind's own, by the images' size, by default."),
    ] = None,
    side: Annotated[
        Literal["easy", "hard"] | None, typer.Option("--side", help="Match these alone; both by default.")
    ] = None,
    fraction: Annotated[
        float, typer.Option("--fraction", help="Share of the examples called easy, and hard.")
    ] = 0.1,
    ties: Annotated[
        Literal["expected", "strict", "refine"] | None,
        typer.Option(
            "--ties", help="What becomes of examples tied at the cut; expected and refine by default."
        ),
    ] = None,
    pattern_level: Annotated[
        float | None,
        typer.Option("--pattern-level", help="Level of --patterns; the last but one by default."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Where the data are now; else where the run says.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Of random perturbations, groups of trials and the bootstrap.")
    ] = 0,
    execution: Annotated[
        Execution, Fields(("device", "cache"), help={"device": "Where the networks look."})
    ] = Execution(),
    trust: Trust = False,
    panel: Annotated[
        Path | None,
        typer.Option("--panel", help="Also write pictures of perturbed examples: FILE.png, .svg or .pdf."),
    ] = None,
    patterns: Annotated[
        Path | None,
        typer.Option("--patterns", help="Also write pictures of examples that all networks still get right."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=WRITTEN),
    ] = None,
) -> None:
    """Let the networks of a run look at perturbed images.

    Says how the easy and the hard set and accuracy change. Nothing is trained. What they see is kept in
    the run, so that the same command goes on or only reads.
    """
    from easiness.analysis import SIDES, check_fraction
    from easiness.report import check_output_file
    from easiness.runs import ShownProgress, data_of
    from easiness.show import PICTURE_SUFFIXES, sections_text
    from easiness.store import open_run
    from easiness.studies.perturbation import (
        Perturbed,
        check_asked,
        check_changes_something,
        perturbation_curve,
        pseudo_patterns,
        spec_with_weights,
    )

    if output is not None:
        check_output_file(output)
    for file in (panel, patterns):
        if file is not None:
            check_output_file(file, PICTURE_SUFFIXES)
    chosen = None if levels is None else read_numbers("--levels", levels, "0,0.5,1")
    check_asked(kind, [*(chosen or ()), *([] if pattern_level is None else [pattern_level])], seed)
    check_fraction(fraction)
    opened = open_run(run, trust=trust)
    recipe = spec_with_weights(opened).recipe
    look: dict[str, Any] = {"seed": seed, "device": execution.device, "cache": execution.cache}
    look["source"] = data = data_of(opened, source)
    check_changes_something(data, recipe, kind, chosen, seed)
    sides = SIDES if side is None else (side,)
    policies: tuple[Ties, ...] = ("expected", "refine") if ties is None else (ties,)
    with ShownProgress() as look["progress"]:
        both = Perturbed(
            perturbation_curve(opened, kind, chosen, sides=sides, fraction=fraction, ties=policies, **look),
            pseudo_patterns(opened, kind, pattern_level, chosen, **look),
        )
    typer.echo(sections_text(both.sections()))
    if output is not None:
        write_output(output, both)
    if panel is not None:
        _write_panel(panel, both, data, recipe, seed)
    if patterns is not None:
        _write_patterns(patterns, both, data, recipe)


def _write_panel(path: Path, found: Perturbed, data: Dataset, recipe: Recipe, seed: int) -> None:
    from easiness.report import write_figure
    from easiness.studies.perturbation import draw_panel, perturbed_panel

    kind, levels = found.curve.kind, found.curve.levels
    write_figure(
        path, draw_panel(perturbed_panel(data, recipe, kinds=[kind], levels={kind: levels}, seed=seed))
    )
    say_written(path)


def _write_patterns(path: Path, found: Perturbed, data: Dataset, recipe: Recipe) -> None:
    from easiness.report import write_figure
    from easiness.studies.perturbation import draw_patterns, pattern_pictures

    write_figure(path, draw_patterns(pattern_pictures(found.patterns, data, recipe)))
    say_written(path)
