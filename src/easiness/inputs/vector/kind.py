"""Vectors as a kind of examples: arrays [K, D] of floats, such as features of another network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.inputs.exported import Exported
from easiness.inputs.kind import Examples, InputKind, Values
from easiness.inputs.packed import Packed
from easiness.inputs.vector.stored import AT_ONCE, Vector, VectorTraits, to_vectors
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank

_UNUSUAL = 3  # columns that are named
_TO_SD = 1.4826  # of a normal distribution, from the median distance of the median

_Floats = npt.NDArray[np.floating[Any]]


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


class Column(NamedTuple):
    """Values [K, n] in ``at`` of the vectors: of a number one, of a category one for each of ``texts``."""

    name: str
    at: slice
    texts: Sequence[str] = ()

    def text(self, value: _Floats) -> str:
        """The text of a value [n]."""
        if not self.texts:
            return f"{value[0]:.7g}"
        return self.texts[int(value.argmax())] if value.any() else ""

    def unusual(self, values: _Floats, usual: _Floats) -> _Floats:
        """How far each of ``values`` [m, n] is from what is ``usual`` [K, n], in standard deviations.

        For numbers from their median, by the median distance from it. For categories, and where most numbers
        are the same, as far as what is as rare of a normal distribution.
        """
        if not self.texts:
            middle = np.median(usual)
            scale = _TO_SD * np.median(np.abs(usual - middle))
            if scale > 0:
                return np.asarray(np.abs(values[:, 0] - middle) / scale)
        from scipy.special import ndtri

        same = [(usual == one).all(axis=1).mean() for one in values]
        with np.errstate(divide="ignore"):
            rare: _Floats = -ndtri(np.array(same) / 2)
        return rare


def _columns(values: _Floats, traits: VectorTraits) -> list[Column]:
    """Columns of the table that vectors [K, D] were made of.

    The columns of a category stand side by side, and one of them is 1, or the next that says that it is
    missing.
    """
    names = [*map(traits.called, range(values.shape[1]))]
    found, first = [], 0
    for name, group in groupby(names, lambda name: name.partition(": ")[0]):
        own = list(group)
        at = slice(first, first + len(own))
        first += len(own)
        texts = [one.partition(": ")[2] for one in own]
        flagged = names[first : first + 1] == [f"{name} is missing"]
        part = values[:, at.start : at.stop + flagged]
        if all(texts) and np.isin(part, (0, 1)).all() and (part.sum(axis=1) == 1).all():
            found.append(Column(name, at, texts))
        else:
            found += [Column(one, slice(i, i + 1)) for i, one in enumerate(own, at.start)]
    return found


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
    table=_columns,
    in_words=True,
    exported=Exported("vector", "numbers", lambda value, _: value.tolist(), dtype="Embedding"),
)
