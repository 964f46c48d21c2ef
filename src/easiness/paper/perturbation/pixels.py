"""Examples as perturbations of a run take them, and whether one changes any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from easiness.data import Dataset, texts_of
from easiness.errors import BadInput
from easiness.features import Preparation
from easiness.paper.perturbation.asked import SeenAs, check_asked
from easiness.perturb import Perturbation, Shape, find_kind

_FIRST = 16  # pictures from all over the data, one of which nearly always tells
_AT_ONCE = 256
_SEEN = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away


def evaluation_pixels(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor:
    """The examples at ``positions`` [n] as networks see them: float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.
    """
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(recipe, Preparation):
        prepared = np.stack(list(data.stored.subset(ascending).map(recipe.prepared)))
        return torch.from_numpy(prepared[back]).float() / 255
    few = data.part(ascending).packed(recipe)
    bank = data.kind.bank(few, recipe, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def examples_at(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor | list[str]:
    """The examples at ``positions`` [n] as perturbations take them: texts, or `evaluation_pixels`."""
    if data.kind.rewritten is not None:
        return texts_of(data, positions)
    return evaluation_pixels(data, positions, recipe)


def image_shape(data: Dataset, recipe: SeenAs) -> Shape:
    """(channels, height, width) of the examples as networks see them; () of texts, and of vectors (D,)."""
    if data.kind.rewritten is not None:
        return ()
    if isinstance(recipe, Preparation):
        return 3, *recipe.size
    return data.signature(recipe).shape


def check_changes_something(
    data: Dataset, recipe: SeenAs, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Make sure that some example changes at some level; the first that does ends the search."""
    known, shape = find_kind(kind, data.kind.name), image_shape(data, recipe)
    chosen = known.levels(shape) if levels is None else levels
    asked = check_asked(
        kind, [level for level in chosen if level != known.neutral_level(shape)], seed, data.kind.name
    )
    if not asked or any(_changes(split, recipe, asked) for split in data.splits.values()):
        return
    raise BadInput(
        f"--kind {kind}: changes none of the {sum(map(len, data.splits.values())):,} {data.kind.nouns} at "
        f"{', '.join(f'{one.level:g}' for one in asked)}; give another kind or other levels"
    )


def _changes(split: Dataset, recipe: SeenAs, asked: Sequence[Perturbation]) -> bool:
    for positions in _batches(len(split)):
        examples, ids = examples_at(split, positions, recipe), split.ids[positions]
        for one in asked:
            if isinstance(examples, list):
                changes = one(examples, ids=ids) != examples
            else:
                changes = float((one(examples, ids=ids) - examples).abs().max()) >= _SEEN
            if changes:
                return True
    return False


def _batches(num: int) -> Iterator[npt.NDArray[np.int64]]:
    everything = np.arange(num)
    yield everything[:: -(-num // _FIRST)]
    for start in range(0, num, _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
