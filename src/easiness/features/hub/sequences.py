"""Networks of the Hugging Face hub that take texts or sounds, and the source of any network by name."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any, ClassVar, TypeAlias

import numpy as np

from easiness.data import Dataset
from easiness.errors import BadInput, recast
from easiness.features.frozen import ENCODER, TEXT_EXTRA, check_encoder, packaged_encoder, spread
from easiness.features.hub.files import HubNetwork, Pictures
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import IMAGE, SOUND, TEXT, Samples, resample, to_text
from easiness.lazy import transformers
from easiness.lazy_torch import Tensor, nn, torch
from easiness.named_import import describe
from easiness.regular_file import at_home

Batch: TypeAlias = "tuple[Mapping[str, Tensor], Tensor]"
"""Arguments of the network by name, and a mask or length of their content."""

RULE = 1  # the version of how examples become vectors: another makes other features

_VOCABULARIES = (
    *("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"),
    "tokenizer.model",
)
_BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
_USUAL_LENGTH = 512  # of networks that name no most
_BEHIND_PADDING = 1  # number of the padding of networks whose positions begin behind it (RoBERTa's)
_WINDOW = 1024  # texts that are put in order of their length
_AT_ONCE = 64  # to a batch of a GPU
_EXTRACTOR = ("preprocessor_config.json", "processor_config.json")
_SAMPLES, _FRAMES = "input_values", "input_features"
_RATES = range(1000, 200_000)


class _Encoder(HubNetwork):
    part: ClassVar[str]  # the part that reads examples in networks of several

    def prepare(self, examples: Any) -> Batch:
        raise NotImplementedError

    def pooled(self, output: Any, counts: Tensor) -> Tensor:
        raise NotImplementedError

    @functools.cached_property
    def _encoder(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # initialization draws numbers before weights are read
            net, _ = self.network()
            if getattr(net.config, "is_encoder_decoder", False):
                net = net.get_encoder()
            encoder: nn.Module = getattr(net, self.part, net)
            return encoder.eval().float().to(self.request.target)

    def vectors(self, batches: Iterable[Any], num: int) -> Iterator[Vectors]:
        self._encoder  # noqa: B018 - built once, before the threads want it
        return spread(self._encode, batches, num, self.request.target)

    def _encode(self, examples: Any) -> Vectors:
        with torch.inference_mode():
            with recast(
                lambda error: BadInput(
                    f"{self.request.what}: the network cannot take a {self.kind.noun} ({describe(error)}); "
                    "give another"
                )
            ):
                inputs, counts = self.prepare(examples)
                arguments = {name: values.to(self.request.target) for name, values in inputs.items()}
                output = self.pooled(self._encoder(**arguments), counts.to(self.request.target))
            values: Vectors = output.float().cpu().numpy()
            return values


class Texts(_Encoder):
    """A network of texts: vectors are means of the last hidden state over tokens, unpadded on a CPU."""

    kind = TEXT
    inputs = ("input_ids",)
    extra = TEXT_EXTRA
    part = "text_model"

    def source(self, about: str) -> FeatureSource:
        vocabulary = self.guard(lambda: self.digests(_VOCABULARIES))
        if not vocabulary:  # the library would make a tokenizer without words
            raise BadInput(self.missing(f"no {_VOCABULARIES[0]}"))
        identity = identity_of(
            form="texts",
            rule=RULE,
            weights=self.guard(self.weights_digest),
            tokenizer={**vocabulary, **self.guard(lambda: self.digests(_BESIDE))},
            length=self.length,
        )
        about = f"{about} It sees the first {self.length:,} tokens of a long text."
        return FeatureSource(self.request.text, identity, about, self.read)

    @functools.cached_property
    def length(self) -> int:
        """The most tokens that the network takes: the least limit in its files."""
        config = getattr(self.config, "text_config", self.config)
        positions = getattr(config, "max_position_embeddings", None)
        if positions and getattr(config, "pad_token_id", None) == _BEHIND_PADDING:
            positions -= _BEHIND_PADDING + 1
        tokenizer, sentences = (
            self.guard(functools.partial(self.document, f"{name}_config.json"))
            for name in ("tokenizer", "sentence_bert")
        )
        limits = (positions, tokenizer.get("model_max_length"), sentences.get("max_seq_length"))
        # a tokenizer without a limit says 10^30
        lengths = [int(one) for one in limits if isinstance(one, int | float) and 1 < one < 2**31]
        return min(lengths, default=_USUAL_LENGTH)

    @functools.cached_property
    def at_once(self) -> int:
        return 1 if self.request.target.type == "cpu" else _AT_ONCE

    def read(self, split: Dataset, positions: Positions) -> Iterator[Vectors]:
        texts = split.stored.subset(positions).map(to_text)
        while some := list(islice(texts, _WINDOW)):
            tokens = self.guard(functools.partial(self._tokens, some))
            order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
            starts = range(0, len(order), self.at_once)
            batches = [[tokens[at] for at in order[start : start + self.at_once]] for start in starts]
            yield np.concatenate(list(self.vectors(batches, len(batches))))[np.argsort(order)]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, or the padding if it has none."""
        output = self._tokenizer(
            texts,
            truncation=True,
            max_length=self.length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return [tokens or [self._padding] for tokens in output["input_ids"]]

    @functools.cached_property
    def _tokenizer(self) -> Any:
        return transformers.AutoTokenizer.from_pretrained(self.place, config=self.config, **self.options)

    @property
    def _padding(self) -> int:
        numbers = (self._tokenizer.pad_token_id, getattr(self.config, "pad_token_id", None))
        return next((one for one in numbers if isinstance(one, int) and one >= 0), 0)

    def prepare(self, examples: Sequence[list[int]]) -> Batch:
        """Tokens with padding behind them, and the mask [b, n, 1] of the tokens."""
        shape = (len(examples), max(map(len, examples)))
        ids, mask = torch.full(shape, self._padding), torch.zeros(shape, dtype=torch.long)
        for row, own in enumerate(examples):
            ids[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        return {"input_ids": ids, "attention_mask": mask}, mask[..., None]

    def pooled(self, output: Any, counts: Tensor) -> Tensor:
        mean: Tensor = (output.last_hidden_state.float() * counts).sum(dim=1) / counts.sum(dim=1)
        return mean


class Sounds(_Encoder):
    """A network of sounds, one by one, as padding would be heard: pooled output, or the mean over time."""

    kind = SOUND
    inputs = (_SAMPLES, _FRAMES)
    part = "audio_model"

    def source(self, about: str) -> FeatureSource:
        identity = identity_of(
            form="sounds",
            rule=RULE,
            weights=self.guard(self.weights_digest),
            extractor=self.guard(lambda: self.digests(_EXTRACTOR)),
            rate=self.request.data.traits.rate,
        )
        return FeatureSource(self.request.text, identity, about, self.read)

    def read(self, split: Dataset, positions: Positions) -> Iterator[Vectors]:
        sounds = split.stored.subset(positions).map(lambda value: (value, split.traits.rate))
        self._extractor  # noqa: B018 - read once, before the threads want it
        return self.vectors(sounds, len(positions))

    @functools.cached_property
    def _extractor(self) -> Any:
        def load() -> Any:
            extractor = transformers.AutoFeatureExtractor.from_pretrained(self.place, **self.options)
            rate = getattr(extractor, "sampling_rate", None)
            if rate not in _RATES:
                raise ValueError(f"sounds at a rate of {rate} cannot be made")
            return extractor

        return self.guard(load)

    def prepare(self, examples: tuple[Samples, int]) -> Batch:
        """Input by the extractor, the number of samples, and that of the window with silence behind them."""
        own = self._extractor.sampling_rate
        samples = resample(*examples, own)
        output = self._extractor(samples, sampling_rate=own, return_tensors="pt")
        name = _FRAMES if _FRAMES in output else _SAMPLES
        window = getattr(self._extractor, "n_samples", None) or len(samples)
        return {name: output[name].float()}, torch.tensor([min(len(samples), window), window])

    def pooled(self, output: Any, counts: Tensor) -> Tensor:
        """Pooled output, or the mean over time without the silence behind the sound."""
        pooled: Tensor | None = getattr(output, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        states: Tensor = output.last_hidden_state.float()
        num_heard, window = counts.tolist()
        return states[:, : -(-num_heard * states.shape[1] // window)].mean(dim=1)


def _of_hub(request: Request) -> FeatureSource:
    if find_spec("transformers") is None:
        raise BadInput(f"{request.what}: needs transformers; pip install 'easiness[transformers]'")
    classes: tuple[type[HubNetwork], ...] = (Pictures, Texts, Sounds)
    request.check_kind(*(one.kind for one in classes))
    network_class = next(one for one in classes if one.kind.name == request.data.kind.name)
    network = network_class(request, _place(request))
    architecture = transformers.MODEL_MAPPING.get(type(network.config), None)
    takes = getattr(architecture, "main_input_name", None)
    model, nouns = network.config.model_type, network.kind.nouns
    sees = network.kind is IMAGE and hasattr(network.config, "vision_config")
    if architecture is None or not (sees or takes in network.inputs):
        raise BadInput(
            f"{request.what}: a {model} takes {takes or 'something else'} and no {nouns}; give a network for "
            f"{nouns}"
        )
    return network.source(
        f"{request.name} through transformers ({model}). Its authors say what it has learned from; it may "
        f"have seen these very {nouns}."
    )


def _place(request: Request) -> str:
    package = packaged_encoder() if request.name == ENCODER else None
    if package is not None:
        check_encoder(request.what, package)
    folder = package or at_home(request.name)
    return str(folder.resolve()) if folder.is_dir() else request.name


HUB = FeatureKind("hf:NAME", _of_hub, frozen=True)
