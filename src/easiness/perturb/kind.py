"""Kinds of perturbation: a declaration, what makes one of a level, and what that takes and gives."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from easiness.errors import BadInput, recast
from easiness.lazy import Array
from easiness.named_import import describe

Ids: TypeAlias = Sequence[int] | Sequence[str] | Array | Tensor
"""The examples' own ids, integers or texts, one per example."""

Shape: TypeAlias = tuple[int, ...]
"""Channels, height and width of pictures, and of the log-mel pictures of sounds; of texts nothing: ``()``."""

FITTING = ("image", "sound", "text")
"""Names of the kinds of examples that there are perturbations of."""


class Transform(Protocol):
    """Anything that turns a batch of images into another of the same shape."""

    def __call__(self, images: Tensor, /, *, ids: Ids | None = None) -> Tensor:
        """Images [b, c, h, w] from images [b, c, h, w] with values in [0, 1], on the same device."""


def as_batch(images: Tensor, ids: Ids | None) -> Tensor:
    """``images`` [b, c, h, w], half precision widened to single, which changes no value."""
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        raise BadInput(f"images: are {_form(images)}; give a float tensor [b, c, h, w] with values in [0, 1]")
    if ids is not None and len(ids) != len(images):
        raise BadInput(f"{len(ids)} ids for {len(images)} images: give one id per image")
    return images.float() if images.dtype.itemsize < 4 else images


def _form(images: Any) -> str:
    return f"{images.dtype} {list(images.shape)}" if isinstance(images, Tensor) else type(images).__name__


def check_seed(kind: str, seed: int) -> None:
    if seed < 0:
        raise BadInput(f"{kind} seed {seed}: negative; use 0 or above")


def plain_ids(ids: Ids | None, what: str) -> Iterable[Any]:
    """Ids as Python's own numbers and texts; a list stays as it is, so that [1, "a"] stays mixed."""
    if ids is None:
        raise BadInput(what)
    return ids.tolist() if isinstance(ids, np.ndarray | Tensor) else ids


def random_bits(example: object, seed: int, num: int) -> npt.NDArray[np.uint64]:
    """Random bits [num] by an example's id and a seed alone.

    No release of NumPy changes them, as `numpy.random.Generator`'s methods may be.
    """
    if isinstance(example, int | np.integer):
        text = f"int {int(example)}"
    elif isinstance(example, str):
        text = f"text {example}"
    else:
        raise BadInput(f"id {example!r}: neither an integer nor a text; give the examples' own ids")
    # file names need not be valid text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    sequence = np.random.SeedSequence(int.from_bytes(digest, "little"), spawn_key=(seed,))
    return np.random.PCG64(sequence).random_raw(num)


Factory: TypeAlias = Callable[..., Callable[..., Any]]
"""Makes a `Transform`, or what makes other texts of some [K]: ``transform(texts, ids=ids)``."""

Levels: TypeAlias = Sequence[float] | Callable[[Any], Sequence[float]]
Level: TypeAlias = float | Callable[[Any], float]


@dataclass(frozen=True)
class Kind:
    """A kind of perturbation: ``factory(level)`` makes one, ``factory(level, seed)`` where it is ``seeded``.

    It fits examples of ``kinds`` (`FITTING`): of pictures, and of the log-mel pictures of sounds, the factory
    makes a `Transform`, of texts what makes as many others of them. ``chosen_levels`` are the default ones
    and ``neutral`` the one that changes nothing; either may be a function of the examples' `Shape`. ``label``
    names the level on an axis. Levels are ordered by their ``strength``, which grows, or falls, from the
    neutral one on.
    ``digest`` stands for what the factory's transforms compute, in the names of files that keep what networks
    saw of it: it changes when that does, and only then. Without one nothing is kept.
    """

    name: str
    factory: Factory
    chosen_levels: Levels
    neutral: Level
    label: str
    seeded: bool = False
    digest: str | None = None
    kinds: tuple[str, ...] = ("image",)
    strength: Callable[[float], float] = float

    def levels(self, shape: Shape) -> tuple[float, ...]:
        """The default levels, the neutral one among them, in the order of `in_order`."""
        return self.in_order(self._own_levels(shape), shape)

    def _own_levels(self, shape: Shape) -> Sequence[float]:
        return self.chosen_levels(shape) if callable(self.chosen_levels) else self.chosen_levels

    def in_order(self, levels: Iterable[float], shape: Shape) -> tuple[float, ...]:
        """Some levels and the neutral one, each once, from that to the strongest.

        Levels on both sides of the neutral one ascend.
        """
        neutral = self.neutral_level(shape)
        falling = all(self.strength(level) <= self.strength(neutral) for level in self._own_levels(shape))
        return tuple(sorted({*map(float, levels), neutral}, key=self.strength, reverse=falling))

    def neutral_level(self, shape: Shape) -> float:
        return float(self.neutral(shape) if callable(self.neutral) else self.neutral)

    def at(self, level: float, seed: int, name: str) -> Perturbation:
        """The perturbation at ``level``, as it is asked for by ``name``."""
        if not math.isfinite(level):
            raise BadInput(f"perturbation {name!r}: level {level} is not finite; give a number")
        bare = Perturbation(name, float(level), seed, None)
        with bare.failing():
            transform = self.factory(level, seed) if self.seeded else self.factory(level)
        return replace(bare, transform=transform)


@dataclass(frozen=True)
class Perturbation:
    """``kind`` (as it was asked for) at ``level``, with the ``seed`` of its randomness."""

    kind: str
    level: float
    seed: int
    transform: Any = field(repr=False, compare=False)

    def __call__(self, examples: Any, /, *, ids: Ids | None = None) -> Any:
        """The perturbed images [b, c, h, w], in at least single precision, or as many perturbed texts."""
        batch = examples if isinstance(examples, list) else as_batch(examples, ids)
        with self.failing():
            out = self.transform(batch, ids=ids)
        if isinstance(batch, list):
            if isinstance(out, list) and len(out) == len(batch) and all(isinstance(one, str) for one in out):
                return out
            actual = f"{len(out)} items" if isinstance(out, list) else type(out).__name__
            expected = f"a list of {len(batch)} texts"
        else:
            if isinstance(out, Tensor) and out.shape == batch.shape and out.is_floating_point():
                return out
            actual, expected = _form(out), f"floats {list(batch.shape)}"
        raise BadInput(f"{self._name}: returned {actual}; return {expected}, as it was given")

    def failing(self) -> AbstractContextManager[None]:
        """Name the perturbation where code of the user's own fails in the block."""
        return recast(lambda error: BadInput(f"{self._name}: raised {describe(error)}"))

    @property
    def _name(self) -> str:
        return f"perturbation {self.kind!r} at level {self.level:g}"
