"""``easiness perturb``: what perturbed images do to easy and hard examples (Figures 2 and 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness.errors import BadInput


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
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where the networks look.")
    ] = "auto",
    cache: Annotated[
        Literal["on", "off"],
        typer.Option("--cache", help="Keep photos at the working resolution in a file beside the run."),
    ] = "on",
    panel: Annotated[
        Path | None,
        typer.Option("--panel", help="Also write pictures of perturbed examples: FILE.png or FILE.svg."),
    ] = None,
    patterns: Annotated[
        Path | None,
        typer.Option("--patterns", help="Also write pictures of examples that all networks still get right."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Also write FILE.csv, .md or .json, or a figure, .png or .svg."),
    ] = None,
) -> None:
    """Let the networks of a run look at perturbed images: how easy and hard sets and accuracy change.

    Nothing is trained. What they see is kept in the run, so that the same command goes on or only reads.
    """
    from easiness.analysis import SIDES
    from easiness.cli.output import (
        PICTURE_SUFFIXES,
        RESULT_SUFFIXES,
        check_output_file,
        write_figure,
        write_result,
    )
    from easiness.cli.progress import ShownProgress
    from easiness.perturb import perturbation
    from easiness.runs.source import data_of
    from easiness.show.section import sections_text
    from easiness.store import open_run
    from easiness.studies.perturbation.figure import draw_perturbation
    from easiness.studies.perturbation.observing import spec_with_weights
    from easiness.studies.perturbation.pseudo import pseudo_patterns
    from easiness.studies.perturbation.sections import perturbation_sections, pseudo_sections
    from easiness.studies.perturbation.study import perturbation_curve

    if output is not None:
        check_output_file(output, RESULT_SUFFIXES)
    for file in (panel, patterns):
        if file is not None:
            check_output_file(file, PICTURE_SUFFIXES)
    chosen = None if levels is None else parse_levels(levels)
    opened = open_run(run)
    recipe = spec_with_weights(opened).recipe
    data = data_of(opened, source)
    if pattern_level is not None:
        perturbation(kind, pattern_level, max(0, seed))  # refuses a mistake before the work
    with ShownProgress() as progress:
        curve = perturbation_curve(
            opened,
            kind,
            chosen,
            source=data,
            sides=SIDES if side is None else (side,),
            fraction=fraction,
            ties=("expected", "refine") if ties is None else (ties,),
            seed=seed,
            device=device,
            cache=cache == "on",
            progress=progress,
        )
        found = pseudo_patterns(
            opened,
            kind,
            pattern_level,
            chosen,
            source=data,
            seed=seed,
            device=device,
            cache=cache == "on",
            progress=progress,
        )
    sections = [*perturbation_sections(curve), *pseudo_sections(found)]
    typer.echo(sections_text(sections))
    if output is not None:
        write_result(output, sections, curve.table(), lambda: draw_perturbation(curve))
    if panel is None and patterns is None:
        return
    from easiness.studies.perturbation.panel import (
        draw_panel,
        draw_patterns,
        pattern_pictures,
        perturbed_panel,
    )

    if panel is not None:
        shown = perturbed_panel(data, recipe, kinds=[kind], levels={kind: curve.levels}, seed=seed)
        write_figure(panel, draw_panel(shown))
    if patterns is not None:
        write_figure(patterns, draw_patterns(pattern_pictures(found, data, recipe)))


def parse_levels(text: str) -> list[float]:
    """The numbers in ``0,0.5,1``.

    Raises:
        BadInput: something in it is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"--levels {text!r}: give numbers with commas between them, such as 0,0.5,1") from None
