"""Texts as a network of the hub takes them: tokens by its own tokenizer, and the mean over them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.hub.files import HubFiles, Taking
from easiness.features.packaged_text import TEXT_EXTRA
from easiness.features.source import FeatureSource, Positions, Vectors, identity_of
from easiness.inputs import TEXT, to_text

if TYPE_CHECKING:
    from easiness.features.hub.sequences import Prepared, SequenceNetwork

RULE = 1
"""Of how texts become vectors: a change in it makes other features."""

_VOCABULARIES = (
    *("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"),
    "tokenizer.model",
)
_BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
_USUAL_LENGTH = 512  # of networks that name no most
_BEHIND_PADDING = 1  # number of the padding of networks whose positions begin behind it (RoBERTa's)

_WINDOW = 1024  # texts that are put in order of their length
_AT_ONCE = 64  # to a batch of a GPU


def _takes(config: Any, taken: str | None) -> bool:  # noqa: ARG001
    return taken == "input_ids"


def _source(files: HubFiles, config: Any, about: str) -> FeatureSource:
    """Its vector is the mean of the last hidden state over the tokens of a text."""
    request = files.request
    length = files.guarded(lambda: _length(files, config))
    vocabulary = files.guarded(lambda: files.digests(_VOCABULARIES))
    if not vocabulary:  # the library would make one without words
        raise BadInput(files.missing(f"no {_VOCABULARIES[0]}"))

    @functools.cache
    def encoder() -> TextEncoder:
        return TextEncoder(files, config, length, 1 if request.target.type == "cpu" else _AT_ONCE)

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        return encoder().read(split, positions)

    identity = identity_of(
        form="texts",
        rule=RULE,
        weights=files.guarded(files.weights_digest),
        tokenizer={**vocabulary, **files.guarded(lambda: files.digests(_BESIDE))},
        length=length,
    )
    about = f"{about} Of a long text it sees the first {length:,} tokens."
    return FeatureSource(request.text, identity, about, read)


def _length(files: HubFiles, config: Any) -> int:
    """The most tokens that the network takes, by the least that any of its files says."""
    seen = getattr(config, "text_config", config)
    positions = getattr(seen, "max_position_embeddings", None)
    if positions and getattr(seen, "pad_token_id", None) == _BEHIND_PADDING:
        positions -= _BEHIND_PADDING + 1
    said = (
        positions,
        files.document("tokenizer_config.json").get("model_max_length"),
        files.document("sentence_bert_config.json").get("max_seq_length"),
    )
    # a tokenizer that knows of no most says 10^30
    known = [int(one) for one in said if isinstance(one, int | float) and 1 < one < 2**31]
    return min(known, default=_USUAL_LENGTH)


@dataclass(eq=False)
class TextEncoder:
    """A network that makes vectors of texts, of which it sees ``length`` tokens, some ``at_once``.

    On a CPU they go through it one by one, without padding.
    """

    files: HubFiles
    config: Any
    length: int
    at_once: int

    def read(self, split: Dataset, positions: Positions) -> Iterator[Vectors]:
        """Vectors [b, D] of the texts at ascending ``positions``, some at a time.

        Raises:
            BadInput: the tokenizer or the network cannot be read, or makes no vector.
        """
        texts = split.stored.subset(positions).map(to_text)
        while some := list(islice(texts, _WINDOW)):
            yield self._vectors(self.files.guarded(functools.partial(self._tokens, some)))

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each; of a text that has none, the padding."""
        made = self._tokenizer(
            texts,
            truncation=True,
            max_length=self.length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return [tokens or [self._padding] for tokens in made["input_ids"]]

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.files.place, config=self.config, **self.files.options)

    @property
    def _padding(self) -> int:
        known = (self._tokenizer.pad_token_id, getattr(self.config, "pad_token_id", None))
        return next((one for one in known if isinstance(one, int) and one >= 0), 0)

    @functools.cached_property
    def _network(self) -> SequenceNetwork:
        from easiness.features.hub.sequences import SequenceNetwork, encoder_of, mean_of_counted

        request = self.files.request
        return SequenceNetwork(
            request.text,
            TEXT.noun,
            lambda: encoder_of(self.files.network(self.config)[0], "text_model"),
            self._prepared,
            mean_of_counted,
            request.target,
        )

    def _vectors(self, tokens: Sequence[list[int]]) -> Vectors:
        """Vectors of texts in the order given, made of those of like length together."""
        order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        starts = range(0, len(order), self.at_once)
        batches = ([tokens[at] for at in order[start : start + self.at_once]] for start in starts)
        made = np.concatenate(list(self._network.vectors(batches, len(starts))))
        return made[np.argsort(order)]

    def _prepared(self, tokens: Sequence[list[int]]) -> Prepared:
        import torch

        shape = (len(tokens), max(map(len, tokens)))
        ids, mask = torch.full(shape, self._padding), torch.zeros(shape, dtype=torch.long)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        return {"input_ids": ids, "attention_mask": mask}, mask[..., None]


TEXTS = Taking(kind=TEXT, takes=_takes, source=_source, extra=TEXT_EXTRA)
