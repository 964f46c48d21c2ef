"""A kind of source, a request to load one, and the checked data set of the splits that it finds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Columns, Dataset, Ids
from easiness.data.other_targets import INSTEAD, NUMBERS, are_tags, check_most_are_tags
from easiness.data.sources.file_blobs import TextFiles
from easiness.data.tags import TAG_STATES, Tags, check_tag_names
from easiness.errors import BadInput, shorten
from easiness.gate import check_names
from easiness.inputs import IMAGE, Blobs, EncodedExamples, EncodedSource, InputKind, Positions, StoredExamples
from easiness.lazy import Array, Integers
from easiness.regular_file import at_home
from easiness.spec import TABLE_OPTIONS, LoadOptions

OF_TABLES = ("columns", *TABLE_OPTIONS, "group")
"""Options that tables take, and few other sources."""


@dataclass(frozen=True)
class SourceRequest:
    """The text of a source, a name or a path, and how it is to be loaded."""

    text: str
    options: LoadOptions
    classes: Sequence[str] | None
    download: bool

    @cached_property
    def path(self) -> Path:
        return absolute(self.text)

    @cached_property
    def exists(self) -> bool:
        return bool(self.text) and os.path.exists(self.path)  # noqa: PTH110 - false for a name too long


@dataclass(frozen=True)
class Source:
    """A kind of source: ``form`` says in a few words what it looks like, ``reads`` if a request is for it.

    A text that is one of its ``names`` stands for it whatever files there are. ``takes_classes`` says whether
    it may lack names of its classes, and ``takes`` which of the options of tables it takes.
    """

    form: str
    reads: Callable[[SourceRequest], bool]
    load: Callable[[SourceRequest], Dataset]
    names: tuple[str, ...] = ()
    takes_classes: bool = False
    takes: tuple[str, ...] = ()

    def dataset(self, request: SourceRequest) -> Dataset:
        if request.classes is not None and not self.takes_classes:
            raise BadInput(f"{request.text}: has class names of its own; leave out classes=")
        for name in OF_TABLES:
            if getattr(request.options, name) is not None and name not in self.takes:
                raise BadInput(f"{request.text}: no table, so --{name} means nothing here; leave it out")
        return self.load(request)


def absolute(text: str) -> Path:
    """The path without ``~`` and ``..``; links in it stay."""
    return Path(os.path.abspath(at_home(text)))  # noqa: PTH100


# what a held-out split may be called, as folders and as the column of a table; the first that is there counts
HELD_OUT_NAMES = ("test", "val", "valid", "validation")
HELD_OUT_PREFIXES = ("test", "val")  # of files; "val" begins all but the first of those
HELD_OUT_ON_HUB = ("test", "validation", "val", "valid")  # where "validation" is what most call it


@dataclass(frozen=True, eq=False)
class Split:
    """A split of a source: examples, ids and unchecked labels [K] in one order.

    In an error ``where`` names the split and ``name_at(i)`` the example at position i. The split has the
    encoded examples (`Blobs`) at ``rows`` [K], by default all. ``unreadable`` names examples that were left
    out already. Examples of one of the ``groups`` [K] are of one origin.
    """

    name: str
    where: str
    examples: StoredExamples | Blobs | TextFiles
    ids: Ids
    labels: Array
    name_at: Callable[[int], str]
    kind: InputKind = IMAGE
    unreadable: tuple[str, ...] = ()
    rows: Positions | None = None
    groups: npt.NDArray[np.object_] | None = None
    columns: Columns | None = None

    @property
    def positions(self) -> Positions:
        return np.arange(len(self.ids)) if self.rows is None else self.rows

    def readable(self) -> Split:
        """The split without unreadable examples, which are named by their ids where these are texts."""
        if not isinstance(self.examples, Blobs | TextFiles):
            return self
        bad = np.isin(self.positions, self.examples.unreadable(np.arange(len(self.examples))))
        rows, by_id = np.flatnonzero(~bad), self.ids.dtype == object
        names = (str(self.ids[at]) if by_id else self.name_at(at) for at in np.flatnonzero(bad).tolist())
        return replace(self.part(rows), unreadable=(*self.unreadable, *names))

    def part(self, rows: Positions) -> Split:
        return replace(
            self,
            ids=self.ids[rows],
            labels=self.labels[rows],
            rows=self.positions[rows],
            name_at=lambda row: self.name_at(int(rows[row])),
            groups=None if self.groups is None else self.groups[rows],
        )

    def stored(self, parts: EncodedSource) -> StoredExamples:
        if isinstance(self.examples, Blobs):
            return EncodedExamples(self.examples, self.positions, parts)
        return self.examples.stored(self.positions) if isinstance(self.examples, TextFiles) else self.examples


def dataset_of(
    name: str,
    source: str | None,
    splits: Sequence[Split],
    classes: Sequence[str] | None,
    *,
    skip_unreadable: bool = False,
    like: Dataset | None = None,
) -> Dataset:
    """The data set of the training split and a held-out one; ``like`` gives classes where labels do not.

    Labels [K, T] are values of tags, of which ``classes`` are the names.
    """
    splits = [split.readable() if skip_unreadable else split for split in splits]
    blobs = ((split.examples, split.positions) for split in splits if isinstance(split.examples, Blobs))
    parts = EncodedSource(tuple(blobs))
    names: Sequence[str] | None = classes if like is None else like.classes
    data: list[Dataset] = []
    for split in splits:
        examples, labels, is_held_out = split.stored(parts), split.labels, bool(data)
        check_ids(split.ids, len(examples), split.where, unique=not is_held_out)
        own: Tags | None = None
        if are_tags(labels):
            own = _tags(labels, len(examples), names, split.where)
            labels, names = own.strata, own.names
        elif like is None:
            labels, names = check_examples(
                labels, len(examples), names, split.where, split.name_at, held_out=is_held_out
            )
        data.append(
            Dataset(
                name=name,
                source=source,
                split=split.name,
                ids=split.ids,
                labels=labels,
                true_labels=labels,
                classes=TAG_STATES if own else tuple(names or ()),
                tags=own,
                stored=examples,
                unreadable=split.unreadable,
                kind=split.kind,
                groups=split.groups,
                columns=split.columns,
            )
        )
    return replace(data[0], held_out=data[1]) if len(data) > 1 else data[0]


def _tags(values: Array, num: int, names: Sequence[str] | None, where: str) -> Tags:
    """The tags in values [K, T], 1, 0, or missing, by their names, which are 0 to T-1 by default."""
    names = tuple(map(str, range(values.shape[1]) if names is None else names))
    if not values.size:
        raise BadInput(f"{where}: none of {num} examples has a tag; name the column of the tags with --label")
    if values.shape != (num, len({*names})) or len(names) != values.shape[1]:
        problem = f"{' x '.join(map(str, values.shape))} tags named {shorten(names)}, of {num} examples"
        raise BadInput(f"{where}: {problem}; give each example a row, and each tag a name of its own")
    check_unicode(names, where)
    check_names(names, f"{where}: names of tags")
    check_tag_names(names, where)
    is_missing = (values != 0) & (values != 1)
    return Tags(names, np.where(is_missing, 0, values).astype(np.int8) - is_missing)


def with_tags(data: Dataset, tags: Tags) -> Dataset:
    """The examples with these tags."""
    return replace(data, tags=tags, labels=tags.strata, true_labels=tags.strata, classes=TAG_STATES)


def check_tags(data: Dataset) -> Dataset:
    """The examples without tags that none has or all have, which a note names, as where none has two tags."""
    tags = data.tags
    assert tags is not None
    tells = (tags.values == 1).any(axis=0) & (tags.values == 0).any(axis=0)
    if not tells.any():
        raise BadInput(f"{data.where}: no tag that some examples have and others lack; give one")
    if not tells.all():
        names = shorten([repr(tags.names[at]) for at in np.flatnonzero(~tells)])
        note = f"left out: tags that no example has, or that all have or may have ({names})"
        held_out = data.held_out
        if held_out is not None and held_out.tags is not None:
            held_out = with_tags(held_out, held_out.tags.of(tells))
        tags = tags.of(tells)
        data = replace(with_tags(data, tags), held_out=held_out, notes=(*data.notes, note))
    if len(tags.names) < 2 or (tags.values == 1).sum(axis=1).max() > 1:
        return data
    return replace(data, notes=(*data.notes, "no example has two tags: without --tags they are classes"))


def one_tag_each(data: Dataset) -> Dataset:
    """The examples with their classes as tags, of which each has one."""
    check_tag_names(data.classes, data.where)
    held_out = None if data.held_out is None else one_tag_each(data.held_out)
    values = data.labels[:, None] == np.arange(data.num_classes)
    return replace(with_tags(data, Tags(data.classes, values.astype(np.int8))), held_out=held_out)


def check_examples(
    labels: Array,
    num_examples: int,
    classes: Sequence[str] | None,
    where: str,
    name: Callable[[int], str],
    *,
    held_out: bool = False,
) -> tuple[Integers, tuple[str, ...]]:
    """The labels [K] as int64 and the class names; of these a ``held_out`` split may lack some."""
    values = _integers(labels, num_examples, where, name)
    check_unicode(classes or (), where)
    check_names(classes or (), f"{where}: names of classes")
    if classes is None:
        # the labels in use are compared with 0, 1, 2, ... without ever allocating up to the largest
        _check_range(values, None, name)
        distinct = np.unique(values)
        gaps = np.flatnonzero(distinct != np.arange(len(distinct)))
        if len(gaps):
            problem = f"label {gaps[0]} never occurs though labels go up to {distinct[-1]}"
            raise BadInput(f"{where}: {problem}; number the classes from 0 without a gap")
        classes = [str(label) for label in distinct]
    name_twice, times = Counter(classes).most_common(1)[0] if classes else ("", 1)
    if times > 1:
        raise BadInput(f"{where}: class name {name_twice!r} occurs twice; give each class its own name")
    _check_range(values, len(classes), name)
    counts = np.bincount(values.astype(np.int64), minlength=len(classes))
    if not counts.all() and not held_out:
        empty = int(counts.argmin())
        empty_class = f"class {classes[empty]!r} (label {empty})"
        raise BadInput(f"{where}: {empty_class} has no example; add one or remove the class")
    if len(classes) < 2:
        raise BadInput(f"{where}: only one class ({classes[0]!r}); at least two are needed")
    return values.astype(np.int64), tuple(classes)


def _integers(labels: Array, num_examples: int, where: str, name: Callable[[int], str]) -> Array:
    if labels.ndim != 1:
        check_most_are_tags(labels, name)
        problem = f"labels have shape {labels.shape}"
        raise BadInput(f"{where}: {problem}; give one integer per example, or {INSTEAD}")
    if len(labels) != num_examples:
        raise BadInput(f"{where}: {num_examples} examples but {len(labels)} labels; give each one label")
    if num_examples == 0:
        raise BadInput(f"{where}: no examples; give at least one per class")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        row = int(np.isnan(labels).argmax())
        raise BadInput(f"{name(row)}: the label is NaN; give it a label or leave the example out")
    if labels.dtype.kind not in "iu":
        raise BadInput(
            f"{where}: labels have dtype {labels.dtype}; convert them to integers 0, 1, 2, ..., or {NUMBERS}"
        )
    return labels


def _check_range(labels: Array, num_classes: int | None, name: Callable[[int], str]) -> None:
    outside = labels < 0
    if num_classes is not None:
        outside |= labels >= num_classes
    if outside.any():
        row = int(outside.argmax())
        bounds = f"0 to {num_classes - 1}" if num_classes else "0, 1, 2, ..."
        raise BadInput(f"{name(row)}: label {labels[row]} is out of range; labels are {bounds}")


def check_ids(ids: Ids, num_examples: int, where: str, *, unique: bool = True) -> None:
    if len(ids) != num_examples:
        raise BadInput(f"{where}: {num_examples} examples but {len(ids)} ids; give one id per example")
    check_names(ids.tolist(), f"{where}: ids")
    check_unicode(ids, where)
    if not unique:
        return
    values, counts = np.unique(ids, return_counts=True)
    if len(values) < len(ids):
        raise BadInput(f"{where}: id {shorten(values[counts > 1])} occurs more than once; ids must be unique")


def own_ids(ids: Array, where: str) -> Ids:
    """Ids [K] that are integers or fixed-width texts as we keep them: int64, or Python's texts."""
    if ids.ndim != 1 or ids.dtype.kind not in "iuU":
        raise BadInput(f"{where}: are not a list of integers or strings; give one per example")
    if ids.dtype.kind == "U":
        return ids.astype(object)
    most = np.iinfo(np.int64).max
    if len(ids) and ids.max() > most:
        raise BadInput(f"{where}: {ids.max()} is above {most}; give the ids as texts")
    return ids.astype(np.int64)


def check_unicode(names: Ids | Sequence[str], where: str) -> None:
    if isinstance(names, np.ndarray) and names.dtype != object:
        return
    for name in names:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise BadInput(f"{where}: {name!r}: is not valid Unicode; rename it") from None
