"""Whether a perturbation changes any picture, where only one of many has color."""

from __future__ import annotations

import numpy as np
import pytest

from easiness import BadInput, load_dataset
from easiness.data import Dataset
from easiness.spec import Recipe
from easiness.studies.perturbation import check_changes_something

NUM = 40


def pictures(red: int | None) -> Dataset:
    """Grey pictures stored as color, of which the one at ``red`` is."""
    x = np.full((NUM, 8, 8, 3), 128, np.uint8)
    if red is not None:
        x[red, 0, 0] = (255, 0, 0)
    return load_dataset((x, np.arange(NUM) % 2))


@pytest.mark.parametrize("red", [0, 1, NUM - 1])
def test_one_picture_with_color_is_enough(red: int) -> None:
    check_changes_something(pictures(red), Recipe(), "color", None, 0)


def test_grey_ones_are_refused_and_say_at_which_levels() -> None:
    with pytest.raises(BadInput, match=r"none of the 40 .* 0\.5, 0; give another kind"):
        check_changes_something(pictures(None), Recipe(), "color", [1, 0.5, 0], 0)


def test_who_asks_for_the_neutral_level_alone_gets_it() -> None:
    check_changes_something(pictures(None), Recipe(), "color", [1], 0)
