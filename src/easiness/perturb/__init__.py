"""Batched transforms that take some patterns away from images, and a register of them."""

from easiness.perturb.color import Color
from easiness.perturb.kind import Ids, ImageShape, Kind, Perturbation, Transform, clamp_for_display
from easiness.perturb.radial import Radial
from easiness.perturb.registry import KINDS, default_levels, find_kind, kinds, perturbation, register
from easiness.perturb.shuffle import Shuffle

__all__ = [
    "KINDS",
    "Color",
    "Ids",
    "ImageShape",
    "Kind",
    "Perturbation",
    "Radial",
    "Shuffle",
    "Transform",
    "clamp_for_display",
    "default_levels",
    "find_kind",
    "kinds",
    "perturbation",
    "register",
]
