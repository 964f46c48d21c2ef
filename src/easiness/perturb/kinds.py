"""The kinds of perturbation by name, ours and any that a user registers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from easiness.errors import BadInput, nearest
from easiness.perturb.images import ImageShape, Transform
from easiness.perturb.imports import import_named, is_import_name

Factory: TypeAlias = Callable[..., Transform]
_F = TypeVar("_F", bound=Factory)

_KINDS: dict[str, Kind] = {}


@dataclass(frozen=True)
class Kind:
    """A kind of perturbation: ``factory(level)`` makes one, ``factory(level, seed)`` where it is ``seeded``.

    ``label`` names the level on an axis. ``clamped`` tells that values may leave [0, 1], so that
    pictures of them need `clamp_for_display`. Some levels depend on the size of the images, so both
    are functions of the image's shape (c, h, w).
    """

    name: str
    factory: Factory
    chosen_levels: Callable[[ImageShape], Sequence[float]]
    neutral: Callable[[ImageShape], float]
    label: str
    seeded: bool
    clamped: bool

    def levels(self, image_shape: ImageShape) -> tuple[float, ...]:
        """The default levels, the neutral one among them, from the neutral to the strongest.

        Where there are levels on both sides of the neutral one they ascend.
        """
        levels = {float(level) for level in self.chosen_levels(image_shape)} | {self._neutral(image_shape)}
        return tuple(sorted(levels, reverse=self._neutral(image_shape) == max(levels)))

    def stronger(self, image_shape: ImageShape) -> Literal["low", "high", "both"]:
        """Which levels perturb more: those below the neutral one, those above it, or both."""
        levels, neutral = self.levels(image_shape), self._neutral(image_shape)
        if min(levels) < neutral < max(levels):
            return "both"
        return "low" if min(levels) < neutral else "high"

    def _neutral(self, image_shape: ImageShape) -> float:
        return float(self.neutral(image_shape))


def register(
    name: str,
    *,
    levels: Sequence[float] | Callable[[ImageShape], Sequence[float]],
    neutral: float | Callable[[ImageShape], float],
    label: str | None = None,
    seeded: bool = False,
    clamped: bool = True,
) -> Callable[[_F], _F]:
    """Decorate a function, or a class, that makes a transform from a level, to make it known as ``name``.

        @register("blur", levels=(0, 1, 2), neutral=0)
        def blur(level):
            def transform(images, ids=None):
                return ...  # the same shape, from the level and the ids alone
            return transform

    ``levels`` are the default ones and ``neutral`` the one that changes nothing; either may be a
    function of the image's shape (c, h, w). ``label`` names the level on an axis, ``seeded`` asks for
    a second argument, a seed, and ``clamped`` is false where values never leave [0, 1].

    Raises:
        BadInput: the name is taken or no plain word, or a level is not finite.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise BadInput(f"perturbation name {name!r}: use lower-case letters, digits and underscores")
    fixed = [*([] if callable(levels) else levels), *([] if callable(neutral) else [neutral])]
    for level in fixed:
        if not math.isfinite(level):
            raise BadInput(f"perturbation {name!r}: level {level} is not finite")

    def decorate(factory: _F) -> _F:
        known = _KINDS.get(name)
        # a notebook cell that is run again, or a module that is loaded again, replaces its own
        if known is not None and _origin(known.factory) != _origin(factory):
            raise BadInput(f"perturbation {name!r} exists already: choose another name")
        _KINDS[name] = Kind(
            name,
            factory,
            levels if callable(levels) else lambda _: levels,
            neutral if callable(neutral) else lambda _: neutral,
            label or name,
            seeded,
            clamped,
        )
        return factory

    return decorate


def _origin(factory: Factory) -> tuple[str | None, str | None]:
    return getattr(factory, "__module__", None), getattr(factory, "__qualname__", None)


def kinds() -> tuple[str, ...]:
    """The names that are known, in the order of their registration."""
    return tuple(_KINDS)


def find_kind(name: str) -> Kind:
    """The kind called ``name``; ``package.module:name`` imports the module first, which registers it.

    Raises:
        BadInput: there is none (the nearest are named), or the module cannot be imported.
    """
    short = import_named(name) if is_import_name(name) else name
    if short not in _KINDS:
        raise BadInput(
            f"perturbation {name!r} is not known{nearest(short, _KINDS)}: give one of {', '.join(_KINDS)}, "
            "or package.module:name for one that the module registers"
        )
    return _KINDS[short]


def default_levels(kind: str, image_shape: ImageShape) -> tuple[float, ...]:
    """The levels of a kind for images of shape (c, h, w), from the neutral to the strongest.

    Raises:
        BadInput: the kind is not known.
    """
    return find_kind(kind).levels(image_shape)
