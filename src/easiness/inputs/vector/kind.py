"""Vectors as a kind of examples: arrays [K, D] of floats, such as features of another network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.inputs.exported import Exported
from easiness.inputs.kind import Examples, InputKind, Values
from easiness.inputs.packed import Packed
from easiness.inputs.vector.columns import columns_of
from easiness.inputs.vector.stored import AT_ONCE, Vector, VectorTraits, to_vectors
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank

_UNUSUAL = 3  # columns that are named


def _takes(array: npt.NDArray[Any]) -> bool:
    return array.ndim == 2 and array.dtype.kind == "f"


def _pack(
    examples: Examples,
    recipe: Recipe,  # noqa: ARG001
    cache: Path | None,  # noqa: ARG001
    on_packed: Callable[[int], None],  # noqa: ARG001
) -> Packed:
    """The vectors of one split, standardized by the training examples."""
    traits: VectorTraits = examples.traits
    rows, num = examples.stored.map(lambda value: value), len(examples.stored)
    made = np.empty((num, *traits.shape), np.float32)
    for start in range(0, num, AT_ONCE):
        made[start : start + AT_ONCE] = traits.standardized(np.stack(list(islice(rows, AT_ONCE))))
    return Packed.of_array(made)


def _bank(
    values: Values,
    recipe: Recipe,  # noqa: ARG001
    device: torch.device,
    *,
    augment: bool,  # noqa: ARG001
    sharers: int,
) -> TensorBank:
    from easiness.inputs.bank import TensorBank
    from easiness.inputs.vector.preparation import AsTheyAre

    return TensorBank(values, AsTheyAre(), device, sharers=sharers)


def _made_up(shape: tuple[int, ...], recipe: Recipe, num: int) -> Packed:  # noqa: ARG001
    return Packed.of_array(np.random.default_rng(0).standard_normal((num, *shape), np.float32))


@dataclass(frozen=True, eq=False)
class ShownVector:
    """A vector, as the columns in which it is most unusual among the training examples."""

    value: Vector
    traits: VectorTraits
    uri: None = None
    sound: None = None
    suffix: str = ".csv"

    @property
    def text(self) -> str:
        """``petal length = 4.2 (+3.1 sd), x[3] = -1 (-2.8 sd)``: the most unusual columns in order."""
        (unusual,) = self.traits.standardized(self.value[None])
        order = np.argsort(-np.abs(unusual), kind="stable")[:_UNUSUAL]
        called = self.traits.called
        named = (f"{called(at)} = {self.value[at]:.3g} ({unusual[at]:+.1f} sd)" for at in order.tolist())
        return ", ".join(named)

    def file(self) -> bytes:
        """Its values, one a line."""
        return "".join(f"{value!r}\n" for value in self.value.tolist()).encode()


def _looks(shape: tuple[int, ...] | None, recipe: Recipe | None) -> str:  # noqa: ARG001
    return "" if shape is None else f", vectors of {shape[0]} values"


def _augmentation(shape: tuple[int, ...], recipe: Recipe) -> str:  # noqa: ARG001
    return "none"


def _observation(recipe: Recipe) -> str:  # noqa: ARG001
    return "the vector, standardized by the training examples"


VECTOR = InputKind(
    name="vector",
    noun="vector",
    nouns="vectors",
    axes=("values",),
    columns=("vector", "embedding", "features"),
    takes=_takes,
    from_array=to_vectors,
    pack=_pack,
    bank=_bank,
    made_up=_made_up,
    networks=("linear", "mlp_2"),
    looks=_looks,
    augmentation=_augmentation,
    observation=_observation,
    show=ShownVector,
    table=columns_of,
    in_words=True,
    exported=Exported("vector", "numbers", lambda value, _: value.tolist(), dtype="Embedding"),
)
