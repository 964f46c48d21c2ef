"""Kinds of examples: one value has everything that depends on the kind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt

from easiness import inputs
from easiness.inputs.pack import Value, Values
from easiness.lazy import Array, Floats, Integers, Reals
from easiness.lazy_torch import torch
from easiness.show import ShownExample
from easiness.spec import Recipe

if TYPE_CHECKING:
    from easiness.inputs.encoding import Files
    from easiness.inputs.vector import VectorColumn

R = TypeVar("R")

FLAWS = ("", "blank", "dark", "overexposed", "silent")  # names of flaws by index; 0 is none

FLAT, DARK = 0.05, 0.15  # grey values, of 1: the range of a blank picture, and the brightest of a dark one
WHITE, MOSTLY, PALE = 0.97, 0.5, 0.4  # a white pixel, their share in an overexposed picture, its darkest
FAINT, QUIET, NEARLY_ALL = 0.003, 0.001, 0.99  # peak of silence; a quiet sample; their share beside a click
_SIDE = 256  # pixels that are looked at, at most
_KIND, _FEW = 0.05, 5  # of the examples, and in number: more with one flaw are so by kind


@dataclass(frozen=True)
class Signature:
    """Shape and type of one example as network input, and the number of tokens if values are tokens."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    vocabulary: int | None = None

    @classmethod
    def of(cls, like: Signature | tuple[int, ...]) -> Signature:
        return like if isinstance(like, Signature) else cls(tuple(like))

    def blank(self, num: int = 1, device: torch.device | None = None) -> torch.Tensor:
        """A batch [num, ...] of blank examples: zeros, or the first token over and over."""
        dtype = getattr(torch, self.dtype)
        return torch.full((num, *self.shape), int(self.vocabulary is not None), dtype=dtype, device=device)


class Traits:
    """The properties that all examples of a source share, known before any is decoded."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of all, (channels, height, width) of pictures; ``None`` if shapes differ."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on changes that reading makes to examples."""
        return ()

    def recipe(self) -> dict[str, Any]:
        return {}

    def signature(self, recipe: Recipe, where: str) -> Signature:
        """Network input under ``recipe``; ``where`` names the source in a `BadInput`."""
        raise NotImplementedError

    def join(self, held_out: Self, where: str, names: tuple[str, str]) -> Self:
        """Traits of this training split and its ``held_out`` one, called ``names``; may raise `BadInput`."""
        raise NotImplementedError

    def held_out_from(self, train: StoredExamples) -> Any:
        """The traits to read examples by that were held out from ``train``, or are a part of it."""
        return train.traits

    def pooled(self, other: Self, nums: tuple[int, int]) -> Self:
        """The traits of two sets of so many examples as one."""
        raise NotImplementedError


class StoredExamples:
    """Examples, by default in memory; errors name a ``noun`` and a position."""

    noun: ClassVar[str]
    _items: Any

    def __len__(self) -> int:
        return len(self._items)

    @property
    def traits(self) -> Any:
        """The `Traits` of these examples, or of the whole source."""
        raise NotImplementedError

    def subset(self, positions: Integers) -> Self:
        """A copy of the examples at ``positions``, by default with traits of their own."""
        part = copy(self)
        part._items = self._items[positions]
        vars(part).pop("traits", None)
        return part

    def digests(self) -> list[str]:
        """SHA-256 (hex) of the stored bytes of each example."""
        return [hashlib.sha256(self._content(item)).hexdigest() for item in self._items]

    def map(self, function: Callable[[Value], R]) -> Iterator[R]:
        """Yield ``function`` of each decoded example, in order; files are decoded in threads."""
        return (function(self._value(item)) for item in self._items)

    def name(self, position: int) -> str:
        return f"{self.noun} {position}"

    def _content(self, item: Any) -> bytes:
        raise NotImplementedError

    def _value(self, item: Any) -> Value:
        return item  # type: ignore[no-any-return]


Cell = bytes | str | list[float]  # an example in a table of another tool


@dataclass(frozen=True)
class ExportForm:
    """Examples of a kind in tables of other tools.

    ``column`` is the usual name of their column, and ``form`` its content. ``feature`` is the type of Hugging
    Face datasets that reads such files, and ``dtype`` the type by which Spotlight shows the column, if any.
    """

    column: str
    form: Literal["file", "text", "numbers"]
    feature: str | None = None
    dtype: str | None = None


@dataclass(frozen=True, eq=False)
class ShownValue:
    """An example as people see it, by the ``traits`` of the data."""

    value: Value
    traits: Any

    @property
    def text(self) -> str:
        raise NotImplementedError

    @property
    def uri(self) -> str | None:
        """An address with a picture of it, for an ``img``; ``None`` where there is none."""
        return None

    @property
    def sound(self) -> str | None:
        """An address with what is heard, for an ``audio``; ``None`` where nothing is."""
        return None

    @property
    def cell(self) -> Cell:
        raise NotImplementedError

    def in_page(self) -> ShownExample:
        return ShownExample.of(self.uri, self.text, self.sound)

    @property
    def address(self) -> str:
        """A ``data:`` address by which a browser shows it, or plays it; of texts the text."""
        return self.text


@dataclass(frozen=True)
class NearPairs:
    """Positions [n] of near examples in two splits, or in one, and their distances."""

    train: Integers
    held_out: Integers
    distance: Integers

    def later(self) -> NearPairs:
        """Each pair within one split once: those whose ``held_out`` position is the later one."""
        later = self.held_out > self.train
        return NearPairs(self.train[later], self.held_out[later], self.distance[later])


class Near:
    """A search for near copies by a ``look`` at each example, collected; distances are in ``unit``."""

    look: Callable[[Value], Any]
    collection: Callable[[int], Any]
    unit: str

    def pairs(self, train: Any, held_out: Any) -> Iterator[NearPairs]:
        """Yield all pairs of near examples of two splits, by blocks."""
        raise NotImplementedError

    def within(self, looks: Any) -> tuple[Iterator[NearPairs] | None, str]:
        """Each near pair of one split once, or ``None``, and a sentence on what was not compared."""
        return (pairs.later() for pairs in self.pairs(looks, looks)), ""

    def compares(self, train: Any, held_out: Any) -> bool:  # noqa: ARG002
        return True

    def left_out(self, train: Any, held_out: Any) -> str:  # noqa: ARG002
        """A sentence on the part of two splits that was not compared."""
        return ""


@dataclass(frozen=True)
class Flaws:
    """``look`` gives three numbers of an example, ``classify`` the index in `FLAWS` of each row [K, 3].

    They are the 1st and 99th percentile of grey values and the share of white pixels of a picture; the peak,
    the root mean square and the share of quiet samples of a sound, of full scale 1.
    """

    look: Callable[[Array], tuple[float, float, float]]
    classify: Callable[[Floats], Integers]

    def among(self, numbers: Floats) -> Integers:
        """The flaw [K] of each of K examples of one data set, by their numbers [K, 3]."""
        flaws = self.classify(numbers)
        by_kind = np.bincount(flaws, minlength=len(FLAWS)) > max(_KIND * len(flaws), _FEW)
        return np.where(by_kind[flaws], 0, flaws)


def _look_at(pixels: npt.NDArray[np.uint8]) -> tuple[float, float, float]:
    step = -(-max(pixels.shape[:2]) // _SIDE)
    grey = pixels[::step, ::step].mean(axis=-1) / 255
    low, high = np.percentile(grey, (1, 99))
    return float(low), float(high), float((grey >= WHITE).mean())


def _classify_pictures(numbers: Floats) -> Integers:
    low, high, white = numbers.T
    return np.select([high - low < FLAT, high < DARK, (white > MOSTLY) & (low > PALE)], [1, 2, 3], 0)


def _listen_to(samples: Reals) -> tuple[float, float, float]:
    loud = np.abs(samples)
    return float(loud.max()), float(np.sqrt(np.square(loud).mean())), float((loud < QUIET).mean())


def _classify_sounds(numbers: Floats) -> Integers:
    peak, level, quiet = numbers.T
    return np.where((peak < FAINT) | ((level < QUIET) & (quiet > NEARLY_ALL)), 4, 0)


OF_PICTURES = Flaws(_look_at, _classify_pictures)
OF_SOUNDS = Flaws(_listen_to, _classify_sounds)


class InputKind:
    """A kind of examples: a subclass says what differs from the defaults here.

    Messages call an example ``noun``, several ``nouns``, and their content ``values``. ``axes`` are those of
    network input. ``columns`` are usual names of table columns, and ``networks`` the first ones to try.
    ``show`` shows an example to people, ``in_words`` tells whether its text is enough for that, and
    ``export_form`` is its form in tables. ``tokens`` tells whether networks get numbers of tokens. ``files``
    reads files, ``near`` finds near copies, and ``flaws`` examples that show nothing, if the kind has them.
    ``measures`` gives numbers of an example by their names, from it and the traits of the data.

    ``pixels`` makes a picture [height, width, channels] of an example and the traits of the data, and
    ``photo`` the address of a larger picture, no side longer than so many pixels. ``table`` has the columns
    of the table that examples [K, D] are rows of. ``rewritten`` makes examples of texts, if perturbations
    change texts instead of network input.
    """

    name: str
    noun: str
    nouns: str
    values = "values"
    axes: tuple[str, ...]
    columns: tuple[str, ...]
    networks: tuple[str, ...]
    show: type[ShownValue]
    export_form: ExportForm
    in_words = False
    tokens = False
    files: Files | None = None
    near: Near | None = None
    flaws: Flaws | None = None
    measures: Callable[[Value, Any], dict[str, float]] | None = None
    pixels: Callable[[Value, Any], npt.NDArray[np.uint8]] | None = None
    photo: Callable[[Value, int], str | None] | None = None
    table: Callable[[Value, Any], list[VectorColumn]] | None = None
    rewritten: Callable[[list[str]], StoredExamples] | None = None

    def takes(self, array: Array) -> bool:  # noqa: ARG002
        """Does an array of all examples hold this kind?"""
        return False

    def from_array(self, array: Array, where: str, *, copy: bool) -> StoredExamples:
        """The examples of an array [K, ...], called ``where``; a ``copy`` shares no memory with it."""
        raise NotImplementedError

    def same(self, value: Value) -> Value:
        """The normal form of an example, which is equal for identical ones."""
        return value

    @property
    def has_normal_form(self) -> bool:
        """Whether examples that differ may be the same."""
        return type(self).same is not InputKind.same

    def plain(self, value: Value) -> Any:
        """The example in the form that functions of users get."""
        return value

    def pack(
        self, examples: Any, recipe: Recipe, cache: Path | None, on_packed: Callable[[int], None]
    ) -> Values:
        """A `Dataset` as training takes it, in a file in ``cache`` if any; ``on_packed`` hears of it."""
        raise NotImplementedError

    def cached_bytes(self, examples: Any, recipe: Recipe, cache: Path) -> int:  # noqa: ARG002
        """Bytes that packing a `Dataset` will take in the folder ``cache``."""
        return 0

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> inputs.Preparation:  # noqa: ARG002
        """The preparation of packed examples of a split, by default none."""
        return inputs.Preparation()

    def bank(
        self,
        values: Values,
        recipe: Recipe,
        device: torch.device,
        *,
        augment: bool,
        sharers: int,
        seed: int = 0,  # noqa: ARG002
    ) -> inputs.TensorBank:
        """Network input on a device of ``sharers`` processes; kinds that make up examples take ``seed``."""
        return inputs.TensorBank(
            values, self.preparation(values, recipe, augment=augment), device, sharers=sharers
        )

    def looks(self, shape: tuple[int, ...], /) -> str:  # noqa: ARG002
        """A phrase, behind a comma, for examples of a shape."""
        return ""

    def view(self, recipe: Recipe, /) -> str:  # noqa: ARG002
        """A phrase, behind a comma, for the view that a recipe gives of examples."""
        return ""

    def augmentation(self, recipe: Recipe, shape: tuple[int, ...]) -> str:  # noqa: ARG002
        """The changes in training to network input of a shape."""
        return "none"

    def observation(self, recipe: Recipe, /) -> str:
        """The form of examples in which networks are observed."""
        raise NotImplementedError

    def network(self, model: str | None) -> str:
        return model or self.networks[0]
