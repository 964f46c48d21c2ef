"""A data set as a value: ids and labels at hand, examples decoded only when they are asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.data.tables.table import column_values, vectors_of
from easiness.data.tags import Questions, Tags
from easiness.errors import BadInput
from easiness.gate import check_fits
from easiness.inputs import IMAGE, InputKind, Signature, StoredExamples, Values, track
from easiness.lazy import Array, Floats, Integers, Mask, Singles
from easiness.spec import DatasetRef, LoadOptions, Recipe, SplitRef

R = TypeVar("R")

Ids = Integers | npt.NDArray[np.object_]

Columns: TypeAlias = Callable[[str, Array, Callable[..., Any]], Any]
"""Reads a column of a table by its name, in rows by their ids, by `vectors_of` or `column_values`."""

DIGEST_BYTES = 32


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples of one split, and the held-out split beside it.

    ``ids`` [K] are the examples' own (int64, or str in an object array) and survive every subset;
    ``labels`` [K] are the labels to train with and ``true_labels`` [K] differ only after corruption.
    ``source`` is what `load_dataset` takes to find the data again: an absolute path or a known name,
    ``None`` for arrays and other objects, and ``load_options`` how it was loaded from there. ``kind`` is
    what the examples are; a held-out split has the training examples as ``standard``. ``recipe_changes``
    are recipe settings that this subject needs. ``limited_to`` is the size of a subset made by `limit` at
    seed 0, which `load_dataset` makes again. ``unreadable`` names examples left out on request, and ``notes``
    what is there and not used. By their names ``num_other_files`` files are no pictures; ``other_files`` are
    the first. Examples of one of the ``groups`` [K] are of one origin. ``columns`` reads their table.
    """

    name: str
    source: str | None
    split: str
    ids: Ids = field(repr=False)
    labels: Integers = field(repr=False)
    true_labels: Integers = field(repr=False)
    classes: tuple[str, ...]
    stored: Any = field(repr=False)
    held_out: Dataset | None = None
    recipe_changes: dict[str, Any] = field(default_factory=dict)
    load_options: LoadOptions = field(default_factory=LoadOptions)
    unreadable: tuple[str, ...] = ()
    limited_to: int | None = None
    notes: tuple[str, ...] = ()
    num_other_files: int = 0
    other_files: tuple[str, ...] = ()
    groups: npt.NDArray[np.object_] | None = field(default=None, repr=False)
    kind: InputKind = field(default=IMAGE, repr=False)
    standard: StoredExamples | None = field(default=None, repr=False)
    columns: Columns | None = field(default=None, repr=False)
    tags: Tags | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.labels) == len(self.true_labels) == len(self.stored)
        assert len(self.ids) > 0
        if self.held_out is not None and self.held_out.standard is not self.stored:
            object.__setattr__(self, "held_out", replace(self.held_out, standard=self.stored))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        held_out = "" if self.held_out is None else f", held_out={len(self.held_out)}"
        return f"Dataset({self.name!r}, examples={len(self)}, classes={self.num_classes}{held_out})"

    @property
    def splits(self) -> dict[Literal["train", "held_out"], Dataset]:
        """The splits by the name of the probe that observes them."""
        return {"train": self} if self.held_out is None else {"train": self, "held_out": self.held_out}

    @property
    def num_unreadable(self) -> int:
        """Number of examples of this split that were left out on request."""
        return len(self.unreadable)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def num_outputs(self) -> int:
        """Number of outputs of a network: one a class, or one a tag."""
        return self.num_classes if self.tags is None else len(self.tags.names)

    @cached_property
    def questions(self) -> Questions:
        """The questions that the examples ask, each recorded: their class, or whether each tag is there."""
        if self.tags is not None:
            return self.tags.questions(self.ids)
        return Questions(self.ids, np.arange(len(self)), np.zeros(len(self), np.int64), self.labels)

    @property
    def targets(self) -> Integers | Singles:
        """Labels [K] to train with, or values of tags [K, T], NaN where nobody says."""
        return self.labels if self.tags is None else self.tags.targets

    @cached_property
    def traits(self) -> Any:
        """Facts that examples of both splits share: the `Traits` of their kind."""
        if self.standard is not None:
            return self.stored.traits.held_out_from(self.standard)
        if self.held_out is None:
            return self.stored.traits
        return self.stored.traits.join(
            self.held_out.stored.traits, self.where, (self.split, self.held_out.split)
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """The `notes`, and how examples are changed as they are read; headers of files are read for it."""
        return self.notes if self.kind.files is None else (*self.notes, *self.stored.traits.notes)

    @property
    def where(self) -> str:
        """Name of the data in an error."""
        return self.source or self.name

    @property
    def recipe_defaults(self) -> dict[str, Any]:
        """Recipe settings that differ for these examples from those of `Recipe`."""
        return {**self.traits.recipe(), **self.recipe_changes}

    def signature(self, recipe: Recipe) -> Signature:
        """Input of a network for an example under ``recipe``; `BadInput` where that does not suit them."""
        signature: Signature = self.traits.signature(recipe, self.where)
        return signature

    @cached_property
    def array(self) -> Array:
        """The examples as stored, [K, ...]: pictures uint8 [K, height, width, channels]; kept once decoded.

        Raises:
            BadInput: an example is unreadable, shapes differ, or all of them do not fit in memory.
        """
        self.signature(Recipe())
        array = np.empty(0)
        for at, value in enumerate(self.stored.map(lambda value: value)):
            if at == 0:
                check_fits(len(self) * value.nbytes, self.where)
                array = np.empty((len(self), *value.shape), value.dtype)
            if value.shape != array.shape[1:]:
                raise BadInput(f"{self.where}: {self.kind.nouns} of several sizes; ask for `values` instead")
            array[at] = value
        return array

    def values(self, positions: Integers) -> list[Array]:
        """The examples at ``positions`` [n], in any order; pictures are uint8 [height, width, channels].

        Only these are decoded, and nothing is kept.

        Raises:
            BadInput: one of them is unreadable.
        """
        return self.map(positions, lambda value: value)

    def map(self, positions: Integers, function: Callable[[Array], R]) -> list[R]:
        """``function`` of each of the `values`, which are not held: photos can be large."""
        ascending, back = np.unique(positions, return_inverse=True)
        results = list(self.stored.subset(ascending).map(function))
        return [results[at] for at in back.tolist()]

    def column(self, name: str) -> Iterator[Array]:
        """Vectors [n, D] in a column of the table that the examples are read from, some at a time."""
        if self.columns is None:
            raise BadInput(f"{self.where}: is no table, so it has no column {name}; give a Parquet file")
        vectors: Iterator[Array] = self.columns(name, self.ids, vectors_of)
        return vectors

    def cells(self, name: str) -> Array:
        """The cells [K] of a column of the table that the examples are read from, see `column_values`."""
        if self.columns is None:
            remedy = f"give a table of id and {name} with --metadata"
            raise BadInput(f"{self.where}: is no table, so it has no column {name}; {remedy}")
        cells: Array = self.columns(name, self.ids, column_values)
        return cells

    def packed(
        self, recipe: Recipe, cache: Path | None = None, on_packed: Callable[[int], None] = lambda _: None
    ) -> Values:
        """The examples as training takes them under ``recipe``, decoded once where they can be kept.

        A file in the folder ``cache`` keeps photos; ``on_packed`` is called with how many it has so far.
        """
        return self.kind.pack(self, recipe, cache, on_packed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the class names, then (id, label, digest of the stored bytes) in order.

        Nothing is decoded for it. Each part is a line of JSON: ids do not run together, ``1`` is not ``"1"``.
        """
        return self._identities[0]

    @property
    def contents(self) -> str:
        """SHA-256 (hex) over the digests of the stored bytes in order, whatever their labels and ids."""
        return self._identities[1]

    @cached_property
    def _identities(self) -> tuple[str, str]:
        names = ["classes", *self.classes] if self.tags is None else ["tags", *self.tags.names]
        labels = self.labels if self.tags is None else self.tags.values
        total = hashlib.sha256(json.dumps(names).encode())
        contents = hashlib.sha256()
        for row in zip(self.ids.tolist(), labels.tolist(), self.stored.digests(), strict=True):
            total.update(b"\n" + json.dumps(row).encode())
            contents.update(row[-1].encode())
        return total.hexdigest(), contents.hexdigest()

    def limit(self, k: int, seed: int = 0) -> Dataset:
        """A class-balanced, seeded subset of ``k`` examples in their original order.

        At one seed a smaller subset is part of a larger one. Class sizes differ by at most one, except
        that a class with too few examples gives all it has. The held-out split is limited in the same
        way, to ``k`` of its own examples where it has more.

        Raises:
            BadInput: ``k`` exceeds the number of examples or is below the number of classes.
        """
        if k > len(self):
            raise BadInput(f"limit {k}: exceeds the {len(self)} examples of {self.name}; use a smaller limit")
        if k < self.num_classes:
            raise BadInput(
                f"limit {k}: below the {self.num_classes} classes of {self.name}; keep one of each"
            )
        if seed < 0:
            raise BadInput(f"seed {seed}: negative; use 0 or above")
        held_out = self.held_out
        if held_out is not None and k < len(held_out):
            held_out = held_out._take(balanced_subset(held_out.labels, k, seed))
        # a source and a limit do not find a subset of another seed, or of a subset, again
        found_again = self.source if seed == 0 and self.limited_to is None else None
        subset = self._take(balanced_subset(self.labels, k, seed))
        return replace(subset, held_out=held_out, source=found_again, limited_to=k)

    def part(self, positions: Integers) -> Dataset:
        """The examples at ascending ``positions`` alone, which a network gets as it gets them among all."""
        return replace(self._take(positions), held_out=None, standard=self.standard or self.stored)

    def without_values(self) -> Dataset:
        """The same examples without their values, which then come another way: small when pickled."""
        held_out = None if self.held_out is None else self.held_out.without_values()
        stored = _NoValues(len(self), self.stored.traits)
        return replace(self, stored=stored, held_out=held_out, standard=None, columns=None)

    def _take(self, positions: Integers) -> Dataset:
        return replace(
            self,
            ids=self.ids[positions],
            labels=self.labels[positions],
            true_labels=self.true_labels[positions],
            stored=self.stored.subset(positions),
            groups=None if self.groups is None else self.groups[positions],
            tags=None if self.tags is None else self.tags.take(positions),
        )

    def ref(self) -> DatasetRef:
        """Record that a run keeps of this data."""
        splits = self.splits.values()
        refs = [
            SplitRef(
                fingerprint=split.fingerprint,
                num_examples=len(split),
                num_questions=0 if split.tags is None else len(split.questions.ids),
            )
            for split in splits
        ]
        unreadable = tuple(name for split in splits for name in split.unreadable)
        shape = {"kind": self.kind.name, "shape": self.traits.shape}
        if self.kind.name == IMAGE.name:  # as it was called when there was no other
            shape = {"image_shape": self.traits.shape}
        return DatasetRef(
            source=self.source,
            **self.load_options.model_dump(),
            limit=self.limited_to,
            num_unreadable=len(unreadable),
            unreadable=unreadable,
            num_other_files=self.num_other_files,
            other_files=self.other_files,
            train=refs[0],
            held_out=refs[1] if len(refs) > 1 else None,
            classes=self.classes,
            tag_names=() if self.tags is None else self.tags.names,
            **shape,
        )


@dataclass(frozen=True)
class _NoValues:
    """Facts on examples that are elsewhere: their number and their traits."""

    num: int
    traits: Any

    def __len__(self) -> int:
        return self.num


def balanced_subset(labels: Integers, k: int, seed: int) -> Integers:
    """Positions, ascending, of the first ``k`` of the examples with ``labels`` [K] in one seeded order.

    It deals out the classes in turn; one that runs out leaves its turns to the others.
    """
    rng = np.random.default_rng(seed)
    lots = rng.random(len(labels))
    by_class = np.lexsort((lots, labels))
    _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    turn = np.empty(len(labels), np.int64)
    turn[by_class] = np.arange(len(labels)) - np.repeat(starts, sizes)
    # Within a turn the lots decide the order, so that no class is always served first.
    return np.sort(np.lexsort((lots, turn))[:k])


def texts_of(data: Dataset, positions: Integers | None = None) -> list[str]:
    """The texts of the examples at ``positions`` [n], in any order; of all of them by default."""
    at = np.arange(len(data)) if positions is None else positions
    return data.map(at, data.kind.plain)


def rewrite_texts(data: Dataset, change: Callable[..., Any]) -> Dataset:
    """The examples of one split with other texts: ``change`` gets them all and ``ids``, and gives as many."""
    assert data.kind.rewritten is not None
    texts = change(texts_of(data), ids=data.ids)
    return replace(data, stored=data.kind.rewritten(texts), held_out=None)


def value_digest(kind: InputKind, value: Array) -> bytes:
    """SHA-256 of a decoded example of a kind: of the shape and the values of its `InputKind.same`."""
    value = kind.same(value)
    digest = hashlib.sha256(repr(value.shape).encode())
    digest.update(np.ascontiguousarray(value).data)
    return digest.digest()


def value_digests(data: Dataset) -> npt.NDArray[np.uint8]:
    """`value_digest` of every example of a data set, [K, 32]; each is decoded once, in threads."""
    digests = np.zeros((len(data), DIGEST_BYTES), np.uint8)
    read = data.stored.map(partial(value_digest, data.kind))
    for at, digest in enumerate(track(read, "reading examples", len(data))):
        digests[at] = np.frombuffer(digest, np.uint8)
    return digests


def same_values(*parts: Dataset) -> Integers | None:
    """A number for every example of the parts, one behind the other, equal for equal examples.

    ``None`` for kinds without a normal form: there equal vectors tell.
    """
    return same_at(*((data, np.arange(len(data))) for data in parts))


def same_at(*parts: tuple[Dataset, Integers]) -> Integers | None:
    """`same_values` of the examples at some positions of each part, one part behind the other."""
    if not parts[0][0].kind.has_normal_form:
        return None
    digests = np.concatenate([value_digests(data)[positions] for data, positions in parts])
    numbers = np.unique(digests.view(f"V{DIGEST_BYTES}").ravel(), return_inverse=True)[1]
    return np.asarray(numbers, np.int64)


def hold_out(data: Dataset, share: float) -> Dataset:
    """``data`` with ``share`` of the examples of each class held out, at random with seed 0.

    Groups are held out whole, so that classes have about that share. Every class keeps an example to train
    on, and examples their ids. The source of data that were limited before does not find the parts again,
    since it holds out first.
    """
    if not 0 < share < 1:
        raise BadInput(f"holdout {share}: must be above 0 and below 1")
    if data.held_out is not None:
        raise BadInput(f"{data.name}: has a held-out split ({data.held_out.split}); leave out holdout")
    lots = np.random.default_rng(0).random(len(data))
    sizes = np.bincount(data.labels, minlength=data.num_classes)
    targets = np.maximum(np.minimum((share * sizes + 0.5).astype(np.int64), sizes - 1), 0)
    is_held_out = (_draw_examples if data.groups is None else _draw_groups)(data, targets, lots)
    if not is_held_out.any():
        raise BadInput(f"holdout {share}: holds out none of the {len(data)} examples; use a larger share")
    if data.limited_to is not None:
        data = replace(data, source=None, limited_to=None)
    part = replace(data._take(np.flatnonzero(is_held_out)), split="test", unreadable=())
    options = data.load_options.model_copy(update={"holdout": share})
    return replace(data._take(np.flatnonzero(~is_held_out)), held_out=part, load_options=options)


def _draw_examples(data: Dataset, targets: Integers, lots: Floats) -> Mask:
    mask = np.zeros(len(data), np.bool_)
    for label, num in enumerate(targets.tolist()):
        members = np.flatnonzero(data.labels == label)
        mask[members[np.argsort(lots[members])[:num]]] = True
    return mask


def _draw_groups(data: Dataset, targets: Integers, lots: Floats) -> Mask:
    _, group = np.unique(np.asarray(data.groups, str), return_inverse=True)
    sizes = np.bincount(data.labels, minlength=data.num_classes)
    counts = np.zeros(len(sizes), np.int64)
    mask = np.zeros(len(data), np.bool_)
    by_group = np.argsort(group, kind="stable")
    members_of = np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1)
    for members in sorted(members_of, key=lambda members: float(lots[members[0]])):
        own = np.bincount(data.labels[members], minlength=len(sizes))
        over = np.maximum(counts + own - targets, 0).sum()
        if 2 * over <= len(members) and (counts + own < np.maximum(sizes, 1)).all():
            mask[members] = True
            counts += own
    return mask


def merge_splits(data: Dataset) -> Dataset:
    """Training and held-out examples as one training split, in this order, and nothing held out.

    Ids are ``<split>/<id>``, unless they are strings that are unique without.
    """
    other = data.held_out
    if other is None:
        raise BadInput(f"{data.name}: has no held-out split to merge; hold a part out (--holdout 0.2)")
    ids = np.concatenate([part.ids.astype(object) for part in (data, other)])
    if data.ids.dtype != object or other.ids.dtype != object or len(set(ids.tolist())) < len(ids):
        names = [f"{part.split}/{one}" for part in (data, other) for one in part.ids.tolist()]
        ids = np.array(names, dtype=object)
    return replace(
        data,
        name=f"{data.name} with {other.split}",
        source=None,
        split=f"{data.split}+{other.split}",
        ids=ids,
        labels=np.concatenate([data.labels, other.labels]),
        true_labels=np.concatenate([data.true_labels, other.true_labels]),
        stored=JoinedExamples((data.stored, other.stored)),
        held_out=None,
        groups=None,
        columns=None,
        tags=None if data.tags is None or other.tags is None else data.tags.join(other.tags),
        unreadable=data.unreadable + other.unreadable,
        limited_to=None,
    )


class JoinedExamples(StoredExamples):
    """The examples of two splits, one after the other."""

    def __init__(self, parts: tuple[Any, Any]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @cached_property
    def traits(self) -> Any:
        first, second = self.parts
        return first.traits.pooled(second.traits, (len(first), len(second)))

    def subset(self, positions: Integers) -> Any:
        first = len(self.parts[0])
        here, there = positions[positions < first], positions[positions >= first] - first
        if not len(here) or not len(there):  # what is empty has nothing in common
            return self.parts[1].subset(there) if len(there) else self.parts[0].subset(here)
        return JoinedExamples((self.parts[0].subset(here), self.parts[1].subset(there)))

    def digests(self) -> list[str]:
        return list(chain.from_iterable(part.digests() for part in self.parts))

    def unreadable(self) -> list[int]:
        first = len(self.parts[0])
        places = [part.unreadable() if hasattr(part, "unreadable") else [] for part in self.parts]
        return [*places[0], *(first + at for at in places[1])]

    def sizes(self) -> Integers:
        return np.concatenate([part.sizes() for part in self.parts])

    def map(self, function: Callable[[Array], R]) -> Iterator[R]:
        return chain.from_iterable(part.map(function) for part in self.parts)

    def name(self, position: int) -> str:
        first = len(self.parts[0])
        return str(self.parts[position >= first].name(position - first * (position >= first)))
