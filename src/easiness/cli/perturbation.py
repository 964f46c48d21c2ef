"""``easiness perturb``: what perturbed examples do to easy and hard ones (Figures 2 and 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from easiness import analysis, pages, runs, show, spec, store
from easiness.cli.kit import options, results
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Execution
from easiness.studies import perturbation as study


@spread
def perturb(
    run: Annotated[Path, typer.Argument(help="Folder of a run that keeps its weights.")],
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            help="Of pictures color, shuffle, radial; of texts order, case; of sounds shuffle, radial; or "
            "package.module:name for one that the module registers.",
        ),
    ],
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels", help="Such as 0,0.5,1; by default those of the kind, for the size of the pictures."
        ),
    ] = None,
    side: Annotated[
        Literal["easy", "hard"] | None, typer.Option("--side", help="Match only this set; both by default.")
    ] = None,
    fraction: options.Fraction = 0.1,
    ties: options.Ties = None,
    pattern_level: Annotated[
        float | None,
        typer.Option("--pattern-level", help="Level of --patterns; the last but one by default."),
    ] = None,
    source: options.Source = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of random perturbations, groups of trials and the bootstrap.")
    ] = 0,
    execution: Annotated[
        Execution, Fields(("device", "cache"), help={"device": "Where the networks look."})
    ] = Execution(),
    trust: options.Trust = False,
    panel: Annotated[
        Path | None,
        typer.Option("--panel", help="Also draw perturbed examples: FILE.png, .svg or .pdf."),
    ] = None,
    patterns: Annotated[
        Path | None,
        typer.Option("--patterns", help="Also draw examples that all networks still get right."),
    ] = None,
    output: options.Output = None,
) -> None:
    """Show perturbed examples to the networks of a run.

    Says how accuracy and the easy and hard sets change. Nothing is trained. Answers are kept in the
    run: the same command again goes on, or only reads.
    """

    results.check_output(output)
    for file in (panel, patterns):
        if file is not None:
            pages.check_output_file(file, show.PICTURE_SUFFIXES)
    chosen = None if levels is None else spec.read_numbers("--levels", levels, "0,0.5,1")
    asked = kind, [*(chosen or ()), *([] if pattern_level is None else [pattern_level])], seed
    study.check_asked(*asked)
    analysis.check_fraction(fraction)
    opened = store.open_run(run, trust=trust)
    study.check_asked(*asked, opened.spec.data.kind)
    study.spec_with_weights(opened)
    look: dict[str, Any] = {"seed": seed, "device": execution.device, "cache": execution.cache}
    look["source"] = data = runs.data_of(opened, source)
    recipe = study.seen_as(opened, data)
    study.check_changes_something(data, recipe, kind, chosen, seed)
    sides = analysis.SIDES if side is None else (side,)
    with runs.ShownProgress() as look["progress"]:
        both = study.Perturbed(
            study.perturbation_curve(
                opened, kind, chosen, sides=sides, fraction=fraction, ties=options.policies(ties), **look
            ),
            study.pseudo_patterns(opened, kind, pattern_level, chosen, **look),
        )
    results.show_result(both, output)
    if panel is not None:
        shown = {kind: both.curve.levels}
        drawn = study.perturbed_panel(data, recipe, kinds=[kind], levels=shown, seed=seed)
        pages.write_figure(panel, study.draw_panel(drawn))
        results.say_written(panel)
    if patterns is not None:
        drawn_patterns = study.pattern_pictures(both.patterns, data, recipe)
        pages.write_figure(patterns, study.draw_patterns(drawn_patterns))
        results.say_written(patterns)
