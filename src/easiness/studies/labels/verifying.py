"""The command that verifies a file of labels on the examples of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from easiness import models
from easiness.spec import NOT_BY_STEPS, RunSpec, command_line, loading_of
from easiness.store import Run


def verifying(
    run: Run, labels: Path, before: str | None, trained: Sequence[object], *, by_rule: bool = True
) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that."""
    ref, measured = run.spec.data, run.spec.measured
    if by_rule and ref.held_out is None and measured is not None:
        return "use it by --labels; to verify a rule, measure first with a part held out (--holdout 0.2)"
    if measured is not None and _only_in_python(measured):
        return "use it by --labels; to verify it, give easiness.verify what the run was given"
    given = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(loading_of(ref), labels=None)
    words = (ref.source or "SOURCE", *given, loading, *trained, "--out", "DIR")
    at_once = measured is not None and measured.model in NOT_BY_STEPS
    return command_line("verify", *words, always=("model",) if at_once else ("model", "epochs"))


def _only_in_python(measured: RunSpec) -> bool:
    """Was the run given a network or features that have no name?"""
    heads = measured.heads
    features = [] if heads is None else [one.name.split()[0] for one in heads.features]
    return models.is_given(measured.model) or "array" in features
