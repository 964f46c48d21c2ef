"""Examples as the networks of a run see them, before they are perturbed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch

from easiness.data import Dataset, working_images
from easiness.spec import Recipe
from easiness.training import make_bank


def evaluation_pixels(data: Dataset, positions: npt.NDArray[np.int64], recipe: Recipe) -> torch.Tensor:
    """The examples at ``positions`` [n] as networks of this recipe see them: float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.

    Raises:
        BadInput: one of them is unreadable.
    """
    ascending, back = np.unique(positions, return_inverse=True)
    few = dataclasses.replace(data._take(ascending), held_out=None)
    bank = make_bank(working_images(few, recipe), recipe, torch.device("cpu"), augment=False)
    return bank.raw(slice(0, len(few)))[torch.from_numpy(back)].contiguous()
