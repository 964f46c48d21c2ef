"""Examples as the networks of a run see them, and whether a perturbation changes any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import Preparation
from easiness.perturb import Perturbation, find_kind
from easiness.studies.perturbation.asked import SeenAs, check_asked, check_pictures

_FIRST = 16  # pictures from all over the data, one of which nearly always tells
_AT_ONCE = 256
_SEEN = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away


def evaluation_pixels(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor:
    """The examples at ``positions`` [n] as networks see them: float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.

    Raises:
        BadInput: one of them is unreadable.
    """
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(recipe, Preparation):
        prepared = np.stack(list(data.stored.subset(ascending).map(recipe.prepared)))
        return torch.from_numpy(prepared[back]).float() / 255
    few = data.part(ascending).packed(recipe)
    bank = data.kind.bank(few, recipe, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def image_shape(data: Dataset, recipe: SeenAs) -> tuple[int, int, int]:
    """(channels, height, width) of the examples as networks see them.

    Raises:
        BadInput: they are no pictures, or do not suit the recipe.
    """
    check_pictures(data)
    if isinstance(recipe, Preparation):
        return 3, *recipe.size
    channels, height, width = data.signature(recipe).shape
    return channels, height, width


def check_changes_something(
    data: Dataset, recipe: SeenAs, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Make sure that some picture changes at some level; the first that does ends the search.

    Args:
        data: with its held-out split.
        recipe: how the networks see pictures: of trained ones the recipe, which crops photos.
        kind: of perturbation.
        levels: to be looked at; the kind's default ones where not given.
        seed: of random perturbations.

    Raises:
        BadInput: none does although there is a level that is not neutral, or one is unreadable.
    """
    known, shape = find_kind(kind), image_shape(data, recipe)
    chosen = known.levels(shape) if levels is None else levels
    asked = check_asked(kind, [level for level in chosen if level != known.neutral_level(shape)], seed)
    if not asked or any(_changes(split, recipe, asked) for split in data.splits.values()):
        return
    raise BadInput(
        f"--kind {kind}: changes none of the {sum(map(len, data.splits.values())):,} images at "
        f"{', '.join(f'{one.level:g}' for one in asked)}, as color where they are grey; give another kind or "
        "other levels"
    )


def _changes(split: Dataset, recipe: SeenAs, asked: Sequence[Perturbation]) -> bool:
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
