"""What a kind of perturbation is: a declaration, what makes one of a level, and what that takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy.typing as npt
import torch
from torch import Tensor

from easiness.errors import BadInput, EasinessError
from easiness.named_import import describe

Ids: TypeAlias = Sequence[int] | Sequence[str] | npt.NDArray[Any] | Tensor
"""The examples' own ids, integers or texts, one per image."""

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height and width."""


class Transform(Protocol):
    """Anything that turns a batch of images into another of the same shape."""

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """Images [b, c, h, w] from images [b, c, h, w] with values in [0, 1], on the same device."""


def as_batch(images: Tensor, ids: Ids | None) -> Tensor:
    """``images`` in at least single precision; half precision is widened, which changes no value.

    Raises:
        BadInput: they are not floats [b, c, h, w], or ``ids`` are not as many.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        given = (
            f"{images.dtype} {list(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        )
        raise BadInput(f"images: are {given}; give a float tensor [b, c, h, w] with values in [0, 1]")
    if ids is not None and len(ids) != len(images):
        raise BadInput(f"{len(ids)} ids for {len(images)} images: give one id per image")
    return images.float() if images.dtype.itemsize < 4 else images


def clamp_for_display(images: Tensor) -> Tensor:
    """``images`` cut to [0, 1]: for the eye only, networks see them as they are."""
    return images.clamp(0, 1)


Factory: TypeAlias = Callable[..., Transform]
Levels: TypeAlias = Sequence[float] | Callable[[ImageShape], Sequence[float]]
Level: TypeAlias = float | Callable[[ImageShape], float]


@dataclass(frozen=True)
class Kind:
    """A kind of perturbation: ``factory(level)`` makes one, ``factory(level, seed)`` where it is ``seeded``.

    ``chosen_levels`` are the default ones and ``neutral`` the one that changes nothing; either may be a
    function of the image's shape (c, h, w). ``label`` names the level on an axis. ``clamped`` tells that
    values may leave [0, 1], so that pictures of them need `clamp_for_display`. ``digest`` stands for what
    the factory's transforms compute, in the names of files that keep what networks saw of it: it changes when
    that does, and only then. Without one the text of its module stands for it.
    """

    name: str
    factory: Factory
    chosen_levels: Levels
    neutral: Level
    label: str
    seeded: bool = False
    clamped: bool = True
    digest: str | None = None

    def levels(self, image_shape: ImageShape) -> tuple[float, ...]:
        """The default levels, the neutral one among them, from the neutral to the strongest.

        Where there are levels on both sides of the neutral one they ascend.
        """
        chosen = self.chosen_levels(image_shape) if callable(self.chosen_levels) else self.chosen_levels
        neutral = self.neutral_level(image_shape)
        levels = {*map(float, chosen), neutral}
        return tuple(sorted(levels, reverse=neutral == max(levels)))

    def stronger(self, image_shape: ImageShape) -> Literal["low", "high", "both"]:
        """The side of the neutral level on which levels perturb more, or ``both``."""
        levels, neutral = self.levels(image_shape), self.neutral_level(image_shape)
        if min(levels) < neutral < max(levels):
            return "both"
        return "low" if min(levels) < neutral else "high"

    def neutral_level(self, image_shape: ImageShape) -> float:
        """The level that changes nothing."""
        return float(self.neutral(image_shape) if callable(self.neutral) else self.neutral)


@dataclass(frozen=True)
class Perturbation:
    """``kind`` (as it was asked for) at ``level``, with the ``seed`` of its randomness."""

    kind: str
    level: float
    seed: int
    transform: Transform = field(repr=False, compare=False)

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The perturbed images [b, c, h, w], in at least single precision.

        Raises:
            BadInput: the images or ids are not as they should be, or a transform of the user's own
                raises an exception or returns something else than such images.
        """
        images = as_batch(images, ids)
        try:
            out = self.transform(images, ids=ids)
        except (EasinessError, MemoryError, torch.cuda.OutOfMemoryError):
            raise
        except Exception as error:
            raise BadInput(f"{self._name}: raised {describe(error)}") from error
        if not isinstance(out, Tensor) or out.shape != images.shape or not out.is_floating_point():
            given = f"{out.dtype} {list(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise BadInput(
                f"{self._name}: returned {given}; return floats {list(images.shape)}, as it was given"
            )
        return out

    @property
    def _name(self) -> str:
        return f"perturbation {self.kind!r} at level {self.level:g}"
