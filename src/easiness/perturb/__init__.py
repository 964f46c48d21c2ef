"""Transforms that take some patterns away from pictures, sounds and texts, and a register of them."""

from easiness.perturb.kind import Ids, Kind, Perturbation, Shape, Transform, clamp_for_display
from easiness.perturb.ours import Case, Color, Order, Radial, Shuffle
from easiness.perturb.registry import KINDS, default_levels, find_kind, kinds, perturbation, register

__all__ = [
    "KINDS",
    "Case",
    "Color",
    "Ids",
    "Kind",
    "Order",
    "Perturbation",
    "Radial",
    "Shape",
    "Shuffle",
    "Transform",
    "clamp_for_display",
    "default_levels",
    "find_kind",
    "kinds",
    "perturbation",
    "register",
]
