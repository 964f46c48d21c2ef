"""``easiness status``: what a run has and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def status(run: Annotated[Path, typer.Argument(help="Folder of a run, or of a study (`paper`).")]) -> None:
    """Show what a run has, what is missing, and how accurate its trials are; of a study, its runs."""
    from easiness.spec import ALL, observe_text
    from easiness.store import open_run
    from easiness.studies.matching import outlook_lines
    from easiness.studies.paper import is_study, study_runs

    if is_study(run):
        for one in study_runs(run):
            asked = len(one.trials) if one.spec.measured is None else one.spec.measured.trials
            typer.echo(f"{one.path}: {one.model}, {len(one.trials)} of {asked} trials finished")
        page = run / "report.html"
        typer.echo(
            f"report: {page}" if page.exists() else "report: not written yet; `easiness paper` goes on"
        )
        return
    opened = open_run(run)
    spec, measured = opened.spec, opened.spec.measured
    planned = " trials" if measured is None else f" of {measured.trials} trials"
    typer.echo(f"{run}: {opened.model}, {len(opened.trials)}{planned} finished")
    typer.echo(
        f"data: {spec.data.source or 'arrays'}, {spec.data.train.num_examples} examples "
        f"of {len(opened.classes)} classes"
    )
    if spec.data.num_unreadable:
        typer.echo(f"images left out, since they cannot be read: {spec.data.unreadable_text()}")
    if measured is not None:
        typer.echo(f"epochs: {opened.epochs} finished in every trial, {measured.epochs} asked")
    if spec.observe != ALL:
        typer.echo(f"observations: {observe_text(spec.observe)}")
    if measured is not None:
        typer.echo(f"precision: {measured.resolved.precision} ({measured.resolved.reason})")
        have = {trial.index for trial in opened.trials if trial.epochs >= measured.epochs}
        missing = [str(index) for index in range(measured.trials) if index not in have]
        if missing:
            typer.echo(f"missing: trial {', '.join(missing)}; run the same `easiness measure` to go on")
    if opened.document.stopped is not None:
        typer.echo(f"reliability: {opened.document.stopped.sentence}")
    for index, reason in opened.failures().items():
        typer.echo(f"failed: trial {index}: {reason}")
    for trial in opened.trials:
        final = ", ".join(f"{k.replace('_', '-')} {v[-1]:.3f}" for k, v in trial.document.accuracy.items())
        took = f" in {trial.document.ran['seconds']:.0f} s" if "seconds" in trial.document.ran else ""
        typer.echo(f"trial {trial.index}: {trial.epochs} epochs{took}, accuracy {final}")
    if opened.observed:
        for line in outlook_lines(opened):
            typer.echo(line)
