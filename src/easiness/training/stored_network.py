"""Networks that are trained already: they observe images under transforms, and give their feature space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import Signature, TensorBank, global_contrast_normalization
from easiness.lazy import Array, Floats, Integers, Singles
from easiness.models import build_model
from easiness.perturb import Ids, Transform
from easiness.spec import Recipe, RunSpec
from easiness.training.network import Network, evaluation_batch, find_classifier


@dataclass(frozen=True)
class TransformedExamples:
    """The examples of a bank as a network gets them after ``transform``; ``ids`` are those of all.

    On a CPU an `Observer` of them records under a transform that changes nothing what it recorded in
    training, bit by bit.
    """

    bank: TensorBank
    ids: Ids
    transform: Transform

    def __len__(self) -> int:
        return len(self.bank)

    @property
    def ahead(self) -> torch.device | None:
        """The device that batches of the examples are fetched for ahead, if so."""
        return self.bank.ahead

    def clean(self, batch: slice) -> Tensor:
        """Evaluation input of consecutive examples: transformed (images in [0, 1]), then normalized."""
        return self.bank.normalized(self.transform(self.bank.raw(batch), ids=self.ids[batch]))


def build_restored(
    name: str,
    signature: Signature,
    num_classes: int,
    weights: Mapping[str, Array],
    pretrained: Path | None,
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        model = build_model(name, signature, num_classes, pretrained)
    try:
        # copied, since these arrays may not be written to
        model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f"model {name}: the stored weights do not fit the network ({reason}); restore the run from a copy"
        ) from None
    return model


def open_network(
    spec: RunSpec,
    weights: Mapping[str, Array],
    signature: Signature,
    num_classes: int,
    device: torch.device,
    pretrained: Path | None = None,
) -> Network:
    """The network of a run with the ``weights`` of one of its trials, to be evaluated as in the run.

    ``pretrained`` is the file that training started from, where it did: it decides how some networks
    take grey images. Torch's random state is left as it was.
    """
    model = build_restored(spec.model, signature, num_classes, weights, pretrained)
    # the number of examples matters to training alone
    recipe = spec.recipe.over(spec.epochs)
    return Network(model, recipe, spec.resolved, device, num_examples=1, num_classes=num_classes)


class FeatureReader:
    """A trained network in evaluation mode and float32 that gives the input of its classifier."""

    def __init__(
        self,
        model: str,
        signature: Signature,
        num_classes: int,
        weights: Mapping[str, Array],
        device: torch.device,
        pretrained: Path | None = None,
    ) -> None:
        """``weights`` by their names in the network ``model``, as a stored trial gives them.

        ``pretrained`` is the file that training started from, which some networks are built by.
        """
        net = build_restored(model, signature, num_classes, weights, pretrained)
        classifier = find_classifier(net, num_classes)
        if classifier is None:
            raise BadInput(
                f"model {model!r}: has no linear or convolutional layer with {num_classes} outputs, so it "
                "has no feature space; use pixel space alone"
            )
        classifier.register_forward_pre_hook(self._keep)
        self._net: nn.Module = net.to(device).eval()
        self._classifier_input: Tensor | None = None

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._classifier_input = inputs[0]

    @torch.inference_mode()
    def read(self, examples: Tensor) -> Tensor:
        self._net(examples)
        values, self._classifier_input = self._classifier_input, None
        assert values is not None
        return values.mean(dim=(2, 3)) if values.ndim == 4 else values.flatten(1)


_COLUMNS = 8192  # values of each example that are widened to double precision at a time


@dataclass(frozen=True)
class Distances:
    """``distances`` [n, n] between n examples, 0 on the diagonal, and the ``squared_norms`` [n] of each."""

    distances: Floats
    squared_norms: Floats


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

    def distances(self, positions: Integers) -> dict[str, Distances]:
        """Between the examples at ascending ``positions`` [n], by space.

        ``pixel`` is in global contrast normalization, divided by the root of the number of values.
        """
        pixels, features = [], []
        for images in self._batches(positions):
            flat = (
                images
                if self._recipe.gcn
                else global_contrast_normalization(images.contiguous(), self._recipe.gcn_epsilon)
            )
            flat = flat.flatten(1)
            pixels.append(flat / flat.shape[1] ** 0.5)
            if self._network is not None:
                features.append(self._network.read(images))
        spaces = {"pixel": euclidean(torch.cat(pixels))}
        if features:
            spaces["feature"] = euclidean(torch.cat(features))
        return spaces

    def features(self, positions: Integers) -> Singles:
        """Outputs [n, d] of the network for the examples at ascending ``positions`` [n]."""
        assert self._network is not None
        read = [self._network.read(images).float().cpu().numpy() for images in self._batches(positions)]
        return np.concatenate(read)

    def _batches(self, positions: Integers) -> Iterator[Tensor]:
        values = self._data.part(positions).packed(self._recipe)
        bank = self._data.kind.bank(values, self._recipe, self._device, augment=False, sharers=1)
        for start in range(0, len(bank), self._batch):
            yield bank.clean(slice(start, min(start + self._batch, len(bank))))


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
    squares = (norms[:, None] + norms[None] - 2 * products).clamp(min=0)
    squares.fill_diagonal_(0)
    return Distances(squares.sqrt().cpu().numpy(), norms.cpu().numpy().copy())
