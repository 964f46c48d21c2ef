"""A path where an opened run belongs: one line says to open it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import easiness as ez
from easiness.errors import BadInput

SIZE: dict[str, Any] = {"model": "mlp_3", "rates": [0.1], "epochs": 1, "out": "out"}

CALLS = {
    "suspects": (lambda path: ez.suspects(path), "run"),
    "clean": (lambda path: ez.clean(path), "run"),
    "audit": (lambda path: ez.audit(path), "run"),
    "decisions": (lambda path: ez.decisions(path, ["a.csv"]), "run"),
    "suspects of several": (lambda path: ez.suspects([path]), "run"),
    "combined_scores": (lambda path: ez.combined_scores([path, path]), "runs"),
    "learning_curve": (lambda path: ez.learning_curve(path), "run"),
    "compare": (lambda path: ez.compare(path), "runs"),
    "compare a list": (lambda path: ez.compare([path]), "runs"),
    "matching_rate": (lambda path: ez.matching_rate(path, path), "run_a"),
    "diff": (lambda path: ez.diff(path, path), "old"),
    "patterns": (lambda path: ez.patterns(path, features="auto"), "run"),
    "worth": (lambda path: ez.worth(path), "run"),
    "to_label": (lambda path: ez.to_label(path, "pool"), "run"),
    "prune": (lambda path: ez.prune(path, drop=0.1), "run"),
    "curriculum": (lambda path: ez.curriculum(path, num_steps=10), "run"),
    "ablate": (lambda path: ez.ablate("digits", path, **SIZE), "scores_run"),
    "corrupt": (lambda path: ez.corrupt("digits", scores_run=path, **SIZE), "scores_run"),
    "perturbation_curve": (lambda path: ez.perturbation_curve(path, "gaussian"), "run"),
    "pseudo_patterns": (lambda path: ez.pseudo_patterns(path), "run"),
    "similarity": (lambda path: ez.similarity(path), "run"),
    "export": (lambda path: ez.export(path, "csv", "a.csv"), "run"),
    "card": (lambda path: ez.card(path, "card"), "run"),
    "write_report": (lambda path: ez.write_report(path, "page.html"), "runs"),
}


@pytest.mark.parametrize("path", ["runs/a", Path("runs/a")])
@pytest.mark.parametrize("name", CALLS)
def test_a_path_is_to_be_opened(name, path):
    call, parameter = CALLS[name]
    with pytest.raises(BadInput) as refused:
        call(path)
    assert str(refused.value) == (
        f"{parameter} 'runs/a': is a path; open the run first, easiness.open_run('runs/a')"
    )


def test_the_second_run_as_well(measured):
    with pytest.raises(BadInput, match="new 'runs/a': is a path"):
        ez.diff(ez.open_run(measured), "runs/a")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="runs 'runs/a': is a path"):
        ez.compare((ez.open_run(measured), "runs/a"))  # type: ignore[arg-type]


def test_every_public_function_of_runs_is_here():
    """A new one has to say it as well."""
    takers = {
        name
        for name in ez.__all__
        if inspect.isfunction(function := getattr(ez, name))
        and any(str(one.annotation) in KINDS for one in inspect.signature(function).parameters.values())
    }
    assert takers == {name.split()[0] for name in CALLS}


KINDS = ("Run", "Run | None", "Sequence[Run]", "Run | Sequence[Run]")
