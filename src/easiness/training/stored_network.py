"""Looking again with a network that is trained already: stored weights observe images under transforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.errors import BadInput
from easiness.inputs import Signature, TensorBank
from easiness.models import build_model
from easiness.perturb import Ids, Transform
from easiness.spec import RunSpec
from easiness.training.network import Network


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


def restored(
    name: str,
    signature: Signature,
    num_classes: int,
    weights: Mapping[str, npt.NDArray[Any]],
    pretrained: Path | None,
) -> nn.Module:
    """The model with these weights; as `open_network`."""
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
    weights: Mapping[str, npt.NDArray[Any]],
    signature: Signature,
    num_classes: int,
    device: torch.device,
    pretrained: Path | None = None,
) -> Network:
    """The network of a run with the ``weights`` of one of its trials, to be evaluated as in the run.

    ``pretrained`` is the file that training started from, where it did: it decides how some networks
    take grey images. Torch's random state is left as it was.
    """
    model = restored(spec.model, signature, num_classes, weights, pretrained)
    # the number of examples matters to training alone
    recipe = spec.recipe.over(spec.epochs)
    return Network(model, recipe, spec.resolved, device, num_examples=1, num_classes=num_classes)


@contextmanager
def threads_of(spec: RunSpec) -> Iterator[None]:
    """Compute with as many threads as the run has used; restores their number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(spec.resolved.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
