"""Vectors as a kind of examples: arrays [K, D] of floats, such as features of another network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from easiness.errors import BadInput
from easiness.inputs.kind import ExportForm, InputKind, ShownValue, Signature, StoredExamples, Traits
from easiness.inputs.pack import Pack
from easiness.lazy import Array, Floats, Mask, Reals, Singles, special

Vector: TypeAlias = Singles  # one example: [D]
_AT_ONCE = 4096  # rows that are looked at, or widened to double precision, at a time
_UNUSUAL = 3  # columns that are named
_TO_SD = 1.4826  # from the median distance of the median, for a normal distribution


@dataclass(frozen=True, eq=False)
class VectorTraits(Traits):
    """Traits of vectors: their width, and ``mean`` and ``scale`` [D] of each value.

    ``scale`` is the (population) standard deviation, and 1 for a value that is ``constant`` [D]: the same in
    all. ``names`` [D] are those of the columns of a table.
    """

    mean: Floats
    scale: Floats
    constant: Mask
    names: tuple[str, ...] | None = None

    @property
    def of_columns(self) -> bool:
        """Are values columns of a table, each in its own unit, and not items of a list?"""
        return self.names is not None and not all(name.endswith("]") for name in self.names)

    def name_of(self, at: int) -> str:
        return f"x[{at}]" if self.names is None else self.names[at]

    @property
    def shape(self) -> tuple[int]:
        return (len(self.mean),)

    def signature(self, *_: object) -> Signature:
        return Signature(self.shape)

    def join(self, held_out: VectorTraits, where: str, names: tuple[str, str]) -> VectorTraits:
        """The traits of the training split, by which both are standardized; widths must be the same."""
        ours, theirs = len(self.mean), len(held_out.mean)
        if ours != theirs:
            raise BadInput(
                f"{where}: vectors of {names[0]} have {ours} values but those of {names[1]} {theirs}; give "
                "both splits the same"
            )
        return self

    def pooled(self, other: VectorTraits, nums: tuple[int, int]) -> VectorTraits:
        share = nums[1] / sum(nums)
        apart = other.mean - self.mean
        ours, theirs = (np.where(one.constant, 0.0, one.scale) ** 2 for one in (self, other))
        variance = (1 - share) * ours + share * theirs + share * (1 - share) * apart**2
        constant = self.constant & other.constant & (apart == 0)
        scale = np.where(constant, 1.0, np.sqrt(variance))
        return VectorTraits(self.mean + share * apart, scale, constant, self.names)

    def standardize(self, values: Singles) -> Singles:
        """Values [n, D] less the training examples' mean, over their deviation; constant ones become 0."""
        scaled_values = ((values.astype(np.float64) - self.mean) / self.scale).astype(np.float32)
        scaled_values[:, self.constant] = 0
        return scaled_values


class StoredVectors(StoredExamples):
    """Vectors [K, D] in memory, identified as float32, little-endian; ``names`` [D] are a table's."""

    noun = "vector"

    def __init__(self, values: Singles, names: tuple[str, ...] | None = None) -> None:
        self._items = np.ascontiguousarray(values)
        self._prefix = f"{values.shape[1]}:".encode()
        self._names = names

    @cached_property
    def traits(self) -> VectorTraits:
        parts = [self._items[at : at + _AT_ONCE] for at in range(0, len(self), _AT_ONCE)]
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(self)
        squares = sum(((part - mean) ** 2).sum(axis=0) for part in parts) / len(self)
        scale = np.sqrt(squares)
        same = (self._items == self._items[:1]).all(axis=0)  # not left to rounding
        mean, scale = np.where(same, self._items[0], mean), np.where(same, 1.0, scale)
        return VectorTraits(mean, scale, same, self._names)

    def _content(self, item: Vector) -> bytes:
        return self._prefix + item.astype("<f4").tobytes()


class ShownVector(ShownValue):
    """A vector, as the columns in which it is most unusual among the training examples."""

    @property
    def text(self) -> str:
        """``petal length = 4.2 (+3.1 sd), x[3] = -1 (-2.8 sd)``: the most unusual columns in order."""
        (unusual,) = self.traits.standardize(self.value[None])
        order = np.argsort(-np.abs(unusual), kind="stable")[:_UNUSUAL]
        name_of = self.traits.name_of
        parts = (f"{name_of(at)} = {self.value[at]:.3g} ({unusual[at]:+.1f} sd)" for at in order.tolist())
        return ", ".join(parts)

    @property
    def cell(self) -> list[float]:
        values: list[float] = self.value.tolist()
        return values


class VectorColumn(NamedTuple):
    """Values [K, n] at ``at`` in vectors: one of a number, or one for each of the ``texts`` of a category."""

    name: str
    at: slice
    texts: Sequence[str] = ()

    def text(self, value: Reals) -> str:
        if not self.texts:
            return f"{value[0]:.7g}"
        return self.texts[int(value.argmax())] if value.any() else ""

    def unusual(self, values: Reals, usual: Reals) -> Reals:
        """The distance of each of ``values`` [m, n] from the ``usual`` [K, n], in standard deviations.

        Numbers are compared with their median, by the median distance from it. Categories, and numbers that
        are mostly the same, have the distance of equally rare values of a normal distribution.
        """
        if not self.texts:
            middle = np.median(usual)
            scale = _TO_SD * np.median(np.abs(usual - middle))
            if scale > 0:
                return np.asarray(np.abs(values[:, 0] - middle) / scale, np.float64)

        same = [(usual == one).all(axis=1).mean() for one in values]
        with np.errstate(divide="ignore"):
            rare: Reals = -special.ndtri(np.array(same) / 2)
        return rare


class VectorKind(InputKind):
    """Vectors of one length, which networks see standardized by the training examples."""

    name = "vector"
    noun, nouns = "vector", "vectors"
    axes = ("values",)
    columns = ("vector", "embedding", "features")
    networks = ("linear", "mlp_2")
    show = ShownVector
    export_form = ExportForm("vector", "numbers", dtype="Embedding")
    in_words = True

    def takes(self, array: Array) -> bool:
        return array.ndim == 2 and array.dtype.kind == "f"

    def from_array(self, array: Array, where: str, *, copy: bool) -> StoredVectors:
        if 0 in array.shape:
            shape = "x".join(map(str, array.shape))
            raise BadInput(f"{where}: shape {shape} holds no values; give at least one")
        with np.errstate(over="ignore"):
            values = array.astype(np.float32, copy=copy)
        blocks = (values[at : at + _AT_ONCE] for at in range(0, max(len(values), 1), _AT_ONCE))
        bad = np.flatnonzero(~np.concatenate([np.isfinite(one).all(axis=1) for one in blocks]))
        if len(bad):
            column = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
            raise BadInput(
                f"{where}: example {bad[0]} has {array[bad[0], column]} in column {column}; give finite "
                "values, or drop the example"
            )
        return StoredVectors(values)

    def measures(self, value: Vector, traits: VectorTraits) -> dict[str, float]:
        """The values of a row of a table by their names; of other vectors their length."""
        if not traits.of_columns:
            return {"length": float(np.linalg.norm(value))}
        return {traits.name_of(at): one for at, one in enumerate(value.tolist())}

    def pack(self, examples: Any, *_: object) -> Pack:
        traits: VectorTraits = examples.traits
        rows, num = examples.stored.map(lambda value: value), len(examples.stored)
        packed_rows = np.empty((num, *traits.shape), np.float32)
        for start in range(0, num, _AT_ONCE):
            packed_rows[start : start + _AT_ONCE] = traits.standardize(np.stack(list(islice(rows, _AT_ONCE))))
        return Pack.of_array(packed_rows)

    def table(self, values: Reals, traits: VectorTraits) -> list[VectorColumn]:
        """Columns of the table that vectors [K, D] were made of; one of those of a category is 1."""
        names = [*map(traits.name_of, range(values.shape[1]))]
        columns, first = [], 0
        for name, group in groupby(names, lambda name: name.partition(": ")[0]):
            own = list(group)
            at = slice(first, first + len(own))
            first += len(own)
            texts = [one.partition(": ")[2] for one in own]
            has_flag = names[first : first + 1] == [f"{name} is missing"]
            part = values[:, at.start : at.stop + has_flag]
            if all(texts) and np.isin(part, (0, 1)).all() and (part.sum(axis=1) == 1).all():
                columns.append(VectorColumn(name, at, texts))
            else:
                columns += [VectorColumn(one, slice(i, i + 1)) for i, one in enumerate(own, at.start)]
        return columns

    def looks(self, shape: tuple[int, ...], /) -> str:
        return f", vectors of {shape[0]} values"

    def observation(self, *_: object) -> str:
        return "the vector, standardized by the training examples"


VECTOR = VectorKind()
