"""What a kind of perturbation is: a declaration, and what makes one of a level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from easiness.perturb.images import ImageShape, Transform

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
        """Which levels perturb more: those below the neutral one, those above it, or both."""
        levels, neutral = self.levels(image_shape), self.neutral_level(image_shape)
        if min(levels) < neutral < max(levels):
            return "both"
        return "low" if min(levels) < neutral else "high"

    def neutral_level(self, image_shape: ImageShape) -> float:
        """The level that changes nothing."""
        return float(self.neutral(image_shape) if callable(self.neutral) else self.neutral)
