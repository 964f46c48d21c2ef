"""Euclidean distances between images as a network gets them, and between what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.data import Dataset
from easiness.inputs import global_contrast_normalization
from easiness.spec import Recipe
from easiness.training.features import FeatureReader
from easiness.training.network import evaluation_batch

_COLUMNS = 8192  # values of each example that are widened to double precision at a time


@dataclass(frozen=True)
class Distances:
    """``distances`` [n, n] between n examples, 0 on the diagonal, and the ``squared_norms`` [n] of each."""

    distances: npt.NDArray[np.float64]
    squared_norms: npt.NDArray[np.float64]


class InputReader:
    """Reads examples as evaluation input and measures them, in pixels and with a network in features."""

    def __init__(
        self, data: Dataset, recipe: Recipe, device: torch.device, network: FeatureReader | None
    ) -> None:
        """Without ``network`` only pixels are measured."""
        self._data = data
        self._recipe = recipe
        self._device = device
        self._network = network
        self._batch = evaluation_batch(data.signature(recipe).shape)

    def distances(self, positions: npt.NDArray[np.int64]) -> dict[str, Distances]:
        """Between the examples at ascending ``positions`` [n], by space.

        ``pixel`` is in global contrast normalization, divided by the root of the number of values.
        """
        pixels, features = [], []
        for images in self._batches(positions):
            flat = images.flatten(1) if self._recipe.gcn else self._normalized(images)
            pixels.append(flat / flat.shape[1] ** 0.5)
            if self._network is not None:
                features.append(self._network.read(images))
        found = {"pixel": euclidean(torch.cat(pixels))}
        if features:
            found["feature"] = euclidean(torch.cat(features))
        return found

    def features(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """What the network makes [n, d] of the examples at ascending ``positions`` [n]."""
        assert self._network is not None
        read = [self._network.read(images).float().cpu().numpy() for images in self._batches(positions)]
        return np.concatenate(read)

    def _batches(self, positions: npt.NDArray[np.int64]) -> Iterator[Tensor]:
        """Evaluation input [b, ...], batch by batch."""
        values = self._data.part(positions).packed(self._recipe)
        bank = self._data.kind.bank(values, self._recipe, self._device, augment=False, sharers=1)
        for start in range(0, len(bank), self._batch):
            yield bank.clean(slice(start, min(start + self._batch, len(bank))))

    def _normalized(self, images: Tensor) -> Tensor:
        return global_contrast_normalization(images.contiguous(), self._recipe.gcn_epsilon).flatten(1)


def euclidean(values: Tensor) -> Distances:
    """Distances between the rows of ``values`` [n, d], exact also between rows that hardly differ."""
    if values.device.type == "mps":  # which has no double precision
        values = values.cpu()
    num, width = values.shape
    # from products in double precision: differences of all pairs would take n times the memory
    products = torch.zeros(num, num, dtype=torch.float64, device=values.device)
    for start in range(0, width, _COLUMNS):
        part = values[:, start : start + _COLUMNS].double()
        products += part @ part.T
    norms = products.diagonal()
    squared = (norms[:, None] + norms[None] - 2 * products).clamp(min=0)
    squared.fill_diagonal_(0)
    return Distances(squared.sqrt().cpu().numpy(), norms.cpu().numpy().copy())
