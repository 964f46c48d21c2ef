"""Which recipe ``measure`` takes where none is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.spec import DEFAULT_RECIPE, Recipe, RunSpec
from easiness.store import is_run
from easiness.store.run import read_document


def recipe_or_default(
    recipe: Recipe | dict[str, Any] | str | Path | None, out: Path
) -> Recipe | dict[str, Any] | str | Path:
    """The recipe as given, else that of the run in ``out``, else the default of new runs.

    So the recipe of a run never changes, whatever the default was when it was begun.
    """
    if recipe is not None:
        return recipe
    spec = read_document(out).spec if is_run(out) else None
    return spec.recipe if isinstance(spec, RunSpec) else DEFAULT_RECIPE
