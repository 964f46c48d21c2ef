"""Perturbations that change no picture of a run, as color does where all are grey: found before the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.perturb import Perturbation, find_kind
from easiness.spec import Recipe
from easiness.studies.perturbation.observing import check_asked
from easiness.studies.perturbation.pixels import evaluation_pixels

_FIRST = 16  # pictures from all over the data, one of which nearly always tells
_AT_ONCE = 256
_SEEN = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away


def check_changes_something(
    data: Dataset, recipe: Recipe, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Make sure that some picture changes at some level; the first that does ends the search.

    Args:
        data: with its held-out split.
        recipe: of the networks, which crops photos.
        kind: of perturbation.
        levels: to be looked at; the kind's default ones where not given.
        seed: of random perturbations.

    Raises:
        BadInput: none does although there is a level that is not neutral, or one is unreadable.
    """
    known, shape = find_kind(kind), data.input_shape(recipe)
    chosen = known.levels(shape) if levels is None else levels
    asked = check_asked(kind, [level for level in chosen if level != known.neutral_level(shape)], seed)
    if not asked or any(_changes(split, recipe, asked) for split in data.splits.values()):
        return
    raise BadInput(
        f"--kind {kind}: changes none of the {sum(map(len, data.splits.values())):,} images at "
        f"{', '.join(f'{one.level:g}' for one in asked)}, as color where they are grey; give another kind or "
        "other levels"
    )


def _changes(split: Dataset, recipe: Recipe, asked: Sequence[Perturbation]) -> bool:
    for positions in _batches(len(split)):
        pixels, ids = evaluation_pixels(split, positions, recipe), split.ids[positions]
        if any(float((one(pixels, ids=ids) - pixels).abs().max()) >= _SEEN for one in asked):
            return True
    return False


def _batches(num: int) -> Iterator[npt.NDArray[np.int64]]:
    everything = np.arange(num)
    yield everything[:: -(-num // _FIRST)]
    for start in range(0, num, _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
