"""The command line that verifies new labels as the run before was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from easiness.models import is_given
from easiness.spec import (
    NOT_BY_STEPS,
    RunSpec,
    Trials,
    command_line,
    featuring_of,
    loading_of,
    training_of,
)
from easiness.store import Run


def verifying(
    run: Run,
    labels: Path,
    before: str | None,
    trained: Sequence[object] | None = None,
    *,
    by_rule: bool = True,
) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that.

    It trains by the words ``trained``, or as the run did.
    """
    ref, measured = run.spec.data, run.spec.measured
    if by_rule and ref.held_out is None and measured is not None:
        return "use it by --labels; to verify a rule, measure first with a part held out (--holdout 0.2)"
    if measured is not None and _only_in_python(measured):
        return "use it by --labels; to verify it, give easiness.verify what the run was given"
    given = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(loading_of(ref), labels=None)
    words = (ref.source or "SOURCE", *given, loading, *(trained or _trained(run)), "--out", "DIR")
    at_once = measured is not None and measured.model in NOT_BY_STEPS
    return command_line("verify", *words, always=("model",) if at_once else ("model", "epochs"))


def _only_in_python(measured: RunSpec) -> bool:
    """Was the run given a network or features that have no name?"""
    heads = measured.heads
    features = [] if heads is None else [one.name.split()[0] for one in heads.features]
    return is_given(measured.model) or "array" in features


def _trained(run: Run) -> list[object]:
    """The words by which `verify` trains as the run did; of a loop of one's own only its epochs are known."""
    measured = run.spec.measured
    if measured is None:
        return ["--model", "MODEL", "--epochs", run.epochs]
    trials = measured.trials if measured.heads else Trials.trials  # the shares decide how many there may be
    return [training_of(measured, run.path), featuring_of(measured), Trials(trials)]
