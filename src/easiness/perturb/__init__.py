"""Transforms that take some patterns away from pictures, sounds and texts, and a register of them."""

from easiness.perturb.kind import Ids, Kind, Perturbation, Shape, Transform
from easiness.perturb.ours import Case, Color, Order, Radial, Shuffle
from easiness.perturb.registry import KINDS, find_kind, kinds, perturbation, register

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
    "find_kind",
    "kinds",
    "perturbation",
    "register",
]
