"""Sounds as a network of the hub takes them: at its own rate, by its own feature extractor."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from easiness.data import Dataset
from easiness.features.hub.files import HubFiles, Taking
from easiness.features.source import FeatureSource, Positions, Vectors, identity_of
from easiness.inputs import SOUND, Samples, resampled

if TYPE_CHECKING:
    from easiness.features.hub.sequences import Prepared, SequenceNetwork

RULE = 1
"""Of how sounds become vectors: a change in it makes other features."""

_EXTRACTOR = ("preprocessor_config.json", "processor_config.json")
_SAMPLES, _FRAMES = "input_values", "input_features"
_RATES = range(1000, 200_000)


def _takes(config: Any, taken: str | None) -> bool:  # noqa: ARG001
    return taken in (_SAMPLES, _FRAMES)


def _source(files: HubFiles, config: Any, about: str) -> FeatureSource:
    """Its vector is the pooled output, or the mean of the last hidden state over time where it has none."""

    @functools.cache
    def encoder() -> SoundEncoder:
        return SoundEncoder(files, config)

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        return encoder().read(split, positions)

    identity = identity_of(
        form="sounds",
        rule=RULE,
        weights=files.guarded(files.weights_digest),
        extractor=files.guarded(lambda: files.digests(_EXTRACTOR)),
        rate=files.request.data.traits.rate,
    )
    return FeatureSource(files.request.text, identity, about, read)


@dataclass(eq=False)
class SoundEncoder:
    """A network that makes vectors of sounds, which go through it one by one: padding would be heard."""

    files: HubFiles
    config: Any

    def read(self, split: Dataset, positions: Positions) -> Iterator[Vectors]:
        """Vectors [1, D] of the sounds at ascending ``positions``.

        Raises:
            BadInput: the extractor or the network cannot be read, or makes no vector.
        """
        rate = split.traits.rate
        sounds = split.stored.subset(positions).map(lambda value: value)
        self._extractor  # noqa: B018 - read once, before the threads want it
        yield from self._network.vectors(((one, rate) for one in sounds), len(positions))

    @functools.cached_property
    def _extractor(self) -> Any:
        from transformers import AutoFeatureExtractor

        def found() -> Any:
            extractor = AutoFeatureExtractor.from_pretrained(self.files.place, **self.files.options)
            rate = getattr(extractor, "sampling_rate", None)
            if rate not in _RATES:
                raise ValueError(f"sounds at a rate of {rate} cannot be made")
            return extractor

        return self.files.guarded(found)

    def _prepared(self, sound: tuple[Samples, int]) -> Prepared:
        """What the network gets of samples at a rate; how many they are, of how many with silence behind."""
        import torch

        own = self._extractor.sampling_rate
        samples = resampled(*sound, own)
        made = self._extractor(samples, sampling_rate=own, return_tensors="pt")
        name = _FRAMES if _FRAMES in made else _SAMPLES
        window = getattr(self._extractor, "n_samples", None) or len(samples)
        return {name: made[name].float()}, torch.tensor([min(len(samples), window), window])

    @functools.cached_property
    def _network(self) -> SequenceNetwork:
        from easiness.features.hub.sequences import SequenceNetwork, encoder_of, mean_over_time

        request = self.files.request
        return SequenceNetwork(
            request.text,
            SOUND.noun,
            lambda: encoder_of(self.files.network(self.config)[0], "audio_model"),
            self._prepared,
            mean_over_time,
            request.target,
        )


SOUNDS = Taking(kind=SOUND, takes=_takes, source=_source)
