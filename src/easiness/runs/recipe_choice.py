"""Which recipe ``measure`` takes where none is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from easiness.spec import DEFAULT_RECIPE, Training
from easiness.store import is_run, read_document


def with_recipe(training: Training, out: Path) -> Training:
    """With the recipe as given, else that of the run in ``out``, else the default of new runs.

    So the recipe of a run never changes, whatever the default was when it was begun.
    """
    if training.recipe is not None:
        return training
    there = read_document(out).spec.measured if is_run(out) else None
    return replace(training, recipe=DEFAULT_RECIPE if there is None else there.recipe)
