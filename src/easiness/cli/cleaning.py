"""``easiness clean``: from the suspects of a run to a file of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from easiness import models, show, spec, store
from easiness.cli.kit import options, results, said
from easiness.spec import Trials
from easiness.studies import cleaning


def clean(
    run: options.RunFolder,
    relabel_above: Annotated[
        float,
        typer.Option(
            "--relabel-above",
            help="Relabel an example if its suggested label is right with at least this probability.",
        ),
    ] = 0.9,
    drop_above: Annotated[
        float | None,
        typer.Option(
            "--drop-above",
            help="Else drop an example whose label is that likely wrong; 0.5, or 0.9 where none may be.",
        ),
    ] = None,
    decided: options.Decided = None,
    only_decided: Annotated[
        bool,
        typer.Option("--only-decided", help="Change only what people decided, nothing by rule."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=f"{results.FILES}; standard output otherwise. The CSV is a file for --labels.",
        ),
    ] = None,
) -> None:
    """Write a file of labels: what to relabel, drop and keep.

    A summary goes to standard error. You may edit label, class and action in the file. Every command
    that reads data takes it by --labels.
    """

    results.check_output(output, decisions=True)
    opened = store.open_run(run)
    found = cleaning.clean(
        opened,
        relabel_above=relabel_above,
        drop_above=drop_above,
        decided=decided,
        only_decided=only_decided,
    )
    if output is None:
        said.print_rows(found.table())
    then = "" if output is None else _written(opened, found, output)
    said.say_text(f"{show.sections_text(found.sections())}\n", err=True)
    if found.note:
        said.say(f"note: {found.note}", err=True)
    if not (found.relabelled.any() or found.dropped.any()):
        lists = spec.command_line("suspects", run)
        said.say(f"no label is that likely wrong; {lists} lists those to look at first", err=True)
    said.say(f"{found.text}{then}", err=True)


def _written(run: store.Run, found: cleaning.Cleaned, output: Path) -> str:
    """Write the result; what to do with a file of labels then.

    A file of labels that somebody may have edited is kept under another name.
    """

    before = run.spec.data.labels
    kept = results.set_aside(output, found, "labels")
    if kept is not None and before is not None and output.absolute() == Path(before):
        before = str(kept)
    results.write_output(output, found)
    if output.suffix != ".csv":
        return ""
    then = verifying(run, output, before, _trained(run), by_rule=found.above is not None)
    return f"; edit {output}, then {then}"


def verifying(
    run: store.Run, labels: Path, before: str | None, trained: Sequence[object], *, by_rule: bool = True
) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that."""
    ref, measured = run.spec.data, run.spec.measured
    if by_rule and ref.held_out is None and measured is not None:
        return "use it by --labels; to verify a rule, measure first with a part held out (--holdout 0.2)"
    if measured is not None and _only_in_python(measured):
        return "use it by --labels; to verify it, give easiness.verify what the run was given"
    given = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(spec.loading_of(ref), labels=None)
    words = (ref.source or "SOURCE", *given, loading, *trained, "--out", "DIR")
    at_once = measured is not None and measured.model in spec.NOT_BY_STEPS
    return spec.command_line("verify", *words, always=("model",) if at_once else ("model", "epochs"))


def _only_in_python(measured: spec.RunSpec) -> bool:
    """Was the run given a network or features that have no name?"""
    heads = measured.heads
    features = [] if heads is None else [one.name.split()[0] for one in heads.features]
    return models.is_given(measured.model) or "array" in features


def _trained(run: store.Run) -> list[object]:
    """The words by which `verify` trains as the run did; of a loop of one's own only its epochs are known."""
    measured = run.spec.measured
    if measured is None:
        return ["--model", "MODEL", "--epochs", run.epochs]
    trials = measured.trials if measured.heads else Trials.trials  # the shares decide how many there may be
    return [spec.training_of(measured, run.path), spec.featuring_of(measured), Trials(trials)]
