from .kind import (
    Ids as Ids,
    Kind as Kind,
    Perturbation as Perturbation,
    Shape as Shape,
    Transform as Transform,
)
from .ours import Case as Case, Color as Color, Order as Order, Radial as Radial, Shuffle as Shuffle
from .registry import (
    KINDS as KINDS,
    find_kind as find_kind,
    kinds as kinds,
    perturbation as perturbation,
    register as register,
)
