"""What an example is: everything that depends on the kind of examples hangs from one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.inputs.exported import Exported
from easiness.inputs.files import Files
from easiness.inputs.flaws import Flaws
from easiness.inputs.signature import Signature
from easiness.spec import KIND_SETTINGS, Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank
    from easiness.inputs.vector.kind import Column

Value = npt.NDArray[Any]
"""One decoded example: an array, of a picture [height, width, channels]."""

R = TypeVar("R")


class Traits(Protocol):
    """What the examples of a source have in common, known before any is decoded."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The one shape of all, of pictures (channels, height, width); ``None`` where they differ."""

    def recipe(self) -> dict[str, Any]:
        """Recipe settings that these examples need."""

    def signature(self, recipe: Recipe, where: str) -> Signature:
        """Network input under ``recipe``; ``where`` names the source in an error."""

    def joined(self, held_out: Self, where: str, names: tuple[str, str]) -> Self:
        """These traits of a training split and those of the ``held_out`` one as one; ``names`` are theirs."""

    def held_out_from(self, train: Stored) -> Self:
        """The traits by which examples are seen that were held out from ``train``, or are a part of it."""

    def pooled(self, other: Self, nums: tuple[int, int]) -> Self:
        """The traits of two sets of so many examples as one."""


class Stored(Protocol):
    """Examples that can be identified without being decoded, and decoded when needed."""

    @property
    def traits(self) -> Any:
        """The `Traits` of these examples, of pictures those of the whole source."""

    def __len__(self) -> int:
        """Number of examples."""

    def subset(self, positions: npt.NDArray[np.int64]) -> Self:
        """The examples at ascending ``positions``; nothing is read."""

    def digests(self) -> list[str]:
        """SHA-256 (hex) of the stored bytes of each example."""

    def map(self, function: Callable[[Value], R]) -> Iterator[R]:
        """``function`` of each decoded example, in order, a few at a time in parallel."""

    def name(self, position: int) -> str:
        """What to call an example in an error."""


class Examples(Protocol):
    """The examples of one split, as a kind packs them."""

    @property
    def stored(self) -> Any:
        """The `Stored` examples."""

    @property
    def traits(self) -> Any:
        """The `Traits` of both splits."""

    @property
    def array(self) -> Value:
        """All of them, decoded, where they have one shape: [K, ...]."""

    @property
    def fingerprint(self) -> str:
        """The identity of the split."""


class Values(Protocol):
    """Decoded examples of one split, as training takes them: `Packed`, or decoded anew each time."""

    @property
    def shapes(self) -> npt.NDArray[np.int64]:
        """The shape of each, [K, n]."""

    def take(self, positions: npt.NDArray[np.int64]) -> list[Value]:
        """The examples at ``positions``, in any order; do not write to them."""


class Shown(Protocol):
    """An example as people see it."""

    @property
    def text(self) -> str:
        """What it is, in one line."""

    @property
    def uri(self) -> str | None:
        """An address with a picture of it, for an ``img``; ``None`` where there is none."""

    @property
    def sound(self) -> str | None:
        """An address with what is heard, for an ``audio``; ``None`` where nothing is."""

    @property
    def suffix(self) -> str:
        """The end of the name of the file that holds it."""

    def file(self) -> bytes:
        """The content of the file that holds it."""


@dataclass(frozen=True)
class NearPairs:
    """Positions in the training and in the held-out split, and how far they are from each other: [n] each.

    Of pairs within the training split ``held_out`` is the other training example.
    """

    train: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]

    def later(self) -> NearPairs:
        """Of pairs within one split those of which the other comes later, so that each is there once."""
        later = self.held_out > self.train
        return NearPairs(self.train[later], self.held_out[later], self.distance[later])


@dataclass(frozen=True)
class Near:
    """What finds near copies: a ``look`` at each example, ``kept`` for K, and the ``pairs`` of two splits.

    ``within`` gives those among the training examples, each once, or ``None`` where it does not look, and
    what was not looked for and why. Distances are in ``unit``. ``compares`` tells whether there is anything
    to compare, and ``left_out`` what of two splits was not looked at and why.
    """

    look: Callable[[Value], Any]
    kept: Callable[[int], Any]
    pairs: Callable[[Any, Any], Iterator[NearPairs]]
    within: Callable[[Any], tuple[Iterator[NearPairs] | None, str]]
    compares: Callable[[Any, Any], bool]
    left_out: Callable[[Any, Any], str]
    unit: str


MakeUp = Callable[[tuple[int, ...], Recipe, int], Values]
"""Makes up, to time a network on, so many examples that become network input of a shape."""

Show = Callable[[Value, Any], Shown]
"""Shows an example, by the traits of the data."""

Pack = Callable[[Examples, Recipe, Path | None, Callable[[int], None]], Values]
"""Packs a split as training takes it; in a folder there may be a file that is found again."""


Decoding = Callable[[Examples, Recipe, Path | None, int], tuple[int, float]]
"""What packing a split costs: bytes in the folder of the cache, and seconds for so many passes over it."""


class FromArray(Protocol):
    """How a kind makes examples of an array [K, ...] that it takes."""

    def __call__(self, array: npt.NDArray[Any], where: str, *, copy: bool) -> Stored:
        """The examples; with ``copy`` they share no memory with the array, called ``where`` in an error."""


class Banking(Protocol):
    """How a kind makes network input of packed examples."""

    def __call__(
        self, values: Values, recipe: Recipe, device: torch.device, *, augment: bool, sharers: int
    ) -> TensorBank:
        """The bank; ``sharers`` processes use the device."""


def _as_it_is(value: Value) -> Value:
    return value


@dataclass(frozen=True)
class InputKind:
    """A kind of examples.

    ``noun`` and ``nouns`` are what one and several are called to people, and ``axes`` names those of network
    input. ``columns`` are the names of table columns that may hold one. ``takes`` tells whether an array of
    all examples is of this kind, and ``from_array`` makes it one, or says what is wrong with it. ``files``
    are how one is read, where files hold one. Of identical examples ``same`` gives equal values.
    ``made_up`` examples serve to time a network, and ``networks`` are names to begin with. ``looks``
    says, behind a comma, what examples of a shape are and how a recipe has them seen; ``augmentation`` and
    ``observation`` say what a network is shown in training, and when it is observed. ``near`` finds near
    copies and ``flaws`` examples that show nothing, where something does. ``tokens`` tells whether networks
    get numbers of tokens, and ``decoding`` foretells what `pack` costs, where that is worth telling.
    ``pixels`` makes a picture [height, width, channels] of an example and the traits of the data, where
    there is one, and ``photo`` an address of a larger one than is shown, no side longer than so many
    pixels, where it can be. ``table`` has the columns of the table that examples [K, D] are rows of.
    ``values`` is what an example consists of, ``in_words`` tells that people know one by its text, and
    ``exported`` is what it is to other tools, if they can have it. Functions of users get an example as
    ``plain`` makes it. ``rewritten`` makes examples of texts, where perturbations change texts instead of
    network input.
    """

    name: str
    noun: str
    nouns: str
    axes: tuple[str, ...]
    columns: tuple[str, ...]
    takes: Callable[[npt.NDArray[Any]], bool]
    from_array: FromArray
    pack: Pack
    bank: Banking
    made_up: MakeUp
    networks: tuple[str, ...]
    looks: Callable[[tuple[int, ...] | None, Recipe | None], str]
    augmentation: Callable[[tuple[int, ...], Recipe], str]
    observation: Callable[[Recipe], str]
    show: Show
    near: Near | None = None
    flaws: Flaws | None = None
    tokens: bool = False
    decoding: Decoding = lambda *_: (0, 0.0)
    files: Files | None = None
    same: Callable[[Value], Value] = _as_it_is
    plain: Callable[[Value], Any] = _as_it_is
    pixels: Callable[[Value, Any], npt.NDArray[np.uint8]] | None = None
    photo: Callable[[Value, int], str | None] | None = None
    table: Callable[[Value, Any], list[Column]] | None = None
    values: str = "values"
    in_words: bool = False
    exported: Exported | None = None
    rewritten: Callable[[list[str]], Stored] | None = None

    def network(self, asked: str | None) -> str:
        """The name of the network that is ``asked`` for, else of the one that such examples begin with."""
        return asked or self.networks[0]

    @property
    def has_normal_form(self) -> bool:
        """Whether examples that differ may be the same."""
        return self.same is not _as_it_is

    @property
    def settings(self) -> Mapping[str, Any]:
        """The part of a recipe that is this kind's: fields by name."""
        part = KIND_SETTINGS.get(self.name)
        return {} if part is None else part.model_fields
