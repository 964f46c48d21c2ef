"""Vectors that a network makes whose weights stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.data import Dataset
from easiness.errors import BadInput, caught
from easiness.features.folding import folded
from easiness.features.pictures import Preparation
from easiness.features.source import Positions
from easiness.inputs import in_threads
from easiness.named_import import describe
from easiness.perturb import Transform

_AT_ONCE = 64
"""Pictures to a batch of a GPU."""

_Named: TypeAlias = tuple[npt.NDArray[np.uint8], Any]
"""A prepared picture [3, height, width] and its id."""


@dataclass(eq=False)
class FrozenNetwork:
    """A network that makes vectors of pictures: ``build`` gives it, when it is first needed.

    It takes a batch [b, 3, height, width] and gives [b, D]; maps of features are averaged over space. On a
    CPU pictures go through it one by one, on every core one: that takes half the time of batches, and a
    vector does not depend on what else is in a batch.
    """

    name: str
    build: Callable[[], nn.Module]
    preparation: Preparation
    device: torch.device

    def read(
        self, split: Dataset, positions: Positions, transform: Transform | None = None
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Vectors [b, D] of the examples at ascending ``positions``, some at a time.

        A ``transform`` gets the prepared pictures [b, 3, height, width] in [0, 1], and their ids.

        Raises:
            BadInput: a picture is unreadable, the network makes no vector, or the transform fails.
        """
        pictures = split.stored.subset(positions).map(self.preparation.prepared)
        named = zip(pictures, split.ids[positions].tolist(), strict=True)
        vectors = partial(self._vectors, transform)
        if self.device.type != "cpu":
            while batch := list(islice(named, _AT_ONCE)):
                yield vectors(batch)
            return
        self._network  # noqa: B018 - built once, before the threads want it
        with one_thread_each():
            yield from in_threads(vectors, ([one] for one in named), len(positions))

    @cached_property
    def _network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # what is initialized before weights are read draws numbers
            net = self.build().eval().to(self.device)
        if self.device.type == "cpu":
            net = folded(net, (3, *self.preparation.size))
        if self.device.type == "mps":  # where nothing but the usual layout is known to be right
            return net
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    @cached_property
    def _normalizing(self) -> tuple[Tensor, Tensor]:
        factor, offset = self.preparation.normalizing()
        return torch.from_numpy(factor).to(self.device), torch.from_numpy(offset).to(self.device)

    def _vectors(self, transform: Transform | None, named: Sequence[_Named]) -> npt.NDArray[np.float32]:
        factor, offset = self._normalizing
        with torch.inference_mode():
            batch = torch.from_numpy(np.stack([one for one, _ in named])).to(self.device).float()
            if transform is not None:  # bytes over 255 times 255 are the same
                batch = transform(batch / 255, ids=[own for _, own in named]) * 255
            batch = batch.mul_(factor).add_(offset)
            if self.device.type != "mps":
                batch = batch.contiguous(memory_format=torch.channels_last)
            height, width = self.preparation.size
            with caught(
                lambda error: BadInput(
                    f"features {self.name!r}: the network cannot take pictures of {height} x {width} pixels "
                    f"({describe(error)}); give another"
                )
            ):
                made = self._network(batch)
            return _pooled(self.name, made).float().cpu().numpy()


def _pooled(name: str, made: Any) -> Tensor:
    """The vectors [b, D] in what a network gives.

    Raises:
        BadInput: there are none.
    """
    if isinstance(made, Tensor) and made.ndim == 4:
        made = made.mean(dim=(2, 3))
    if not isinstance(made, Tensor) or made.ndim != 2 or not made.is_floating_point():
        what = f"{made.dtype} {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise BadInput(
            f"features {name!r}: the network gives {what} and no vector for each picture; give another"
        )
    return made


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Every thread of ours computes on one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
