"""A network of the hub that takes sequences: texts as tokens, sounds as samples or pictures of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from easiness.errors import BadInput, caught
from easiness.features.frozen import one_thread_each
from easiness.features.source import Vectors
from easiness.inputs import in_threads
from easiness.named_import import describe

Prepared: TypeAlias = tuple[Mapping[str, Tensor], Tensor]
"""What the network is called with, by name, and what of it counts."""


@dataclass(eq=False)
class SequenceNetwork:
    """A network that ``build`` gives when it is first needed.

    ``prepared`` makes its input of some examples, and ``pooled`` vectors [b, D] of what it gives and of what
    counts of the input. ``noun`` is what an example is called in an error.
    """

    name: str
    noun: str
    build: Callable[[], nn.Module]
    prepared: Callable[[Any], Prepared]
    pooled: Callable[[Any, Tensor], Tensor]
    device: torch.device

    def vectors(self, batches: Iterable[Any], num: int) -> Iterator[Vectors]:
        """Vectors [b, D] of each of ``num`` batches; on a CPU in threads, each of which computes on one core.

        Raises:
            BadInput: the network makes no vector of one.
        """
        on_cpu = self.device.type == "cpu"
        self._network  # noqa: B018 - built once, before the threads want it
        with one_thread_each() if on_cpu else nullcontext():
            yield from in_threads(self._made, batches, num) if on_cpu else map(self._made, batches)

    @functools.cached_property
    def _network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # what is initialized before weights are read draws numbers
            return self.build().eval().float().to(self.device)

    def _made(self, examples: Any) -> Vectors:
        with torch.inference_mode():
            with caught(
                lambda error: BadInput(
                    f"features {self.name!r}: the network cannot take a {self.noun} ({describe(error)}); "
                    "give another"
                )
            ):
                inputs, counts = self.prepared(examples)
                given = {name: values.to(self.device) for name, values in inputs.items()}
                made = self.pooled(self._network(**given), counts.to(self.device))
            values: Vectors = made.float().cpu().numpy()
            return values


def encoder_of(net: Any, part: str) -> nn.Module:
    """What reads the examples: the ``part`` of a network of several, the encoder before a decoder, or all."""
    if getattr(net.config, "is_encoder_decoder", False):
        net = net.get_encoder()
    found: nn.Module = getattr(net, part, net)
    return found


def mean_of_counted(made: Any, mask: Tensor) -> Tensor:
    """The mean [b, D] of the last hidden state where ``mask`` [b, n, 1] is 1: over tokens but no padding."""
    mean: Tensor = (made.last_hidden_state.float() * mask).sum(dim=1) / mask.sum(dim=1)
    return mean


def mean_over_time(made: Any, counts: Tensor) -> Tensor:
    """The pooled output where there is one, else the mean [1, D] of the last hidden state.

    ``counts`` [2] are the samples of a sound and of the window that it begins: what is behind is left out.
    """
    pooled: Tensor | None = getattr(made, "pooler_output", None)
    if pooled is not None:
        return pooled.flatten(1)
    hidden: Tensor = made.last_hidden_state.float()
    heard, window = counts.tolist()
    return hidden[:, : -(-heard * hidden.shape[1] // window)].mean(dim=1)
