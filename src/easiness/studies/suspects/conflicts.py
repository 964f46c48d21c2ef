"""What is certain before any statistics: identical examples with two labels, examples in both splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.data import DIGEST_BYTES, Dataset, value_digest
from easiness.errors import BadInput, shorten
from easiness.inputs import FLAWS, NearPairs, counted, kind_named
from easiness.runs import find_data
from easiness.spec import Split, content_hash
from easiness.store import Arrays, Run, kept_in_run

if TYPE_CHECKING:
    import pandas as pd

SEARCH = 3
"""To be raised where `find_conflicts` finds others in the same data."""

Kind = Literal[
    "two labels",
    "duplicate",
    "in both splits",
    "nearly in both splits",
    "nearly, two labels",
    "near duplicate",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which a table has them."""
WITHIN: tuple[Kind, ...] = ("nearly, two labels", "near duplicate")
"""Those of near copies among training examples."""

FIRST = 20
"""Rows that a terminal shows; files have all."""

_COMPARING = "comparing examples"
_NOTHING_HELD_OUT = "Nothing is held out, so no {} can be in both splits."
_MANY = 10  # near copies: where half of those that have any have more, it may be their kind
_WIDTH = 60  # letters of a text on a terminal
_SPLITS = get_args(Split)

COLUMNS = (
    "kind",
    *(f"{name}_{side}" for side in "ab" for name in ("split", "id", "label", "class")),
    "distance",
)

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Example:
    """An example by the ``split`` that it is in and its ``id`` there, with its label and that one's name."""

    split: Split
    id: int | str
    label: int
    class_name: str

    @staticmethod
    def at(data: Dataset, name: Split, position: int) -> Example:
        """The example at a position of a split of ``data``."""
        split = data.splits[name]
        label = int(split.labels[position])
        return Example(name, split.ids[position : position + 1].tolist()[0], label, data.classes[label])


class Pair(NamedTuple):
    """A training example and an ``other``, held out or training too, that are the same or nearly so.

    A group of n identical training examples has n - 1 pairs, each of its first one and another. Of a held-out
    example there is the first identical training example of each label, and the nearest that is not
    identical, of each label; so has a training example the nearest among those before it. ``distance`` is 0
    for identical ones, and for others in the unit of their kind: of pictures the bits of 144 that their
    perceptual hashes differ in, of texts the percent of their runs of letters that only one has.
    """

    kind: Kind
    train: Example
    other: Example
    distance: int

    @property
    def labels_agree(self) -> bool:
        """Do both have one label?"""
        return self.train.label == self.other.label


Labels = Mapping[tuple[str, object], int | None]
"""Labels by split and id, `None` where an example is of no class."""

Group = tuple[Example, ...]
"""Training examples that are identical, two or more, in the order of the data."""


@dataclass(frozen=True)
class Conflicts:
    """The ``pairs`` found among so many training and held-out examples, which people call ``nouns``.

    ``looked_for_near`` and ``looked_within`` tell whether near ones were looked for, whose distances are in
    ``unit``. ``flawed`` says of those in which there is nothing to see or hear what they are, by split and
    id. ``notes`` are sentences on what was not looked for and why, and on what to be careful with.
    """

    num_train: int
    num_held_out: int
    pairs: tuple[Pair, ...] = ()
    looked_for_near: bool = False
    looked_within: bool = False
    notes: tuple[str, ...] = ()
    nouns: str = "pictures"
    unit: str = ""
    flawed: Mapping[tuple[str, object], str] = field(default_factory=dict)

    def of(self, *kinds: str) -> tuple[Pair, ...]:
        """The pairs of some kinds."""
        return tuple(pair for pair in self.pairs if pair.kind in kinds)

    def groups(self, kind: str) -> tuple[Group, ...]:
        """The groups of identical training examples: with ``two labels`` or more, or each a ``duplicate``."""
        groups: dict[Example, list[Example]] = {}
        for pair in self.of(kind):
            groups.setdefault(pair.train, [pair.train]).append(pair.other)
        return tuple(map(tuple, groups.values()))

    def table(self) -> pd.DataFrame:
        """A row per pair, by kind.

        Columns are the ``kind`` (`Kind`), split, id, label and class name of either example (``split_a``,
        ..., ``class_b``) and their ``distance`` (see `Pair`).
        """
        import pandas as pd

        pairs = sorted(self.pairs, key=lambda pair: KINDS.index(pair.kind))
        rows = [
            (one.kind, *vars(one.train).values(), *vars(one.other).values(), one.distance) for one in pairs
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def unsettled(self, decided: Labels) -> Conflicts:
        """Those that contradict something still, when labels are as ``decided``."""
        group = {one[0]: one for one in self.groups("two labels")}

        def contradicts(pair: Pair) -> bool:
            some = group[pair.train] if pair.kind == "two labels" else pair[1:3]
            labels = [decided.get((one.split, one.id), one.label) for one in some]
            left = [label for label in labels if label is not None]
            return len(left) == 2 if pair.other.split == "held_out" else len({*left}) > 1

        kinds = "two labels", "in both splits", "nearly in both splits", WITHIN[0]
        return replace(self, pairs=tuple(pair for pair in self.of(*kinds) if contradicts(pair)))

    def sentences(self) -> list[str]:
        """What a person should know first; the notes come last."""
        if not self.num_train:
            return list(self.notes)
        of, found = f"identical training {self.nouns}", []
        for kind, what in (("two labels", "two labels or more"), ("duplicate", "one label")):
            groups = self.groups(kind)
            num, in_all = show.counted(len(groups), "group"), sum(map(len, groups))
            if groups:
                found.append(f"{num} of {of} ({in_all:,} in all) with {what}.")
            elif kind == "two labels":
                found.append(f"No {of} with {what}.")
        if self.looked_within:
            near = {one.id: False for pair in self.of(*WITHIN) for one in pair[1:3]}
            near |= {one.id: True for pair in self.of(WITHIN[0]) for one in pair[1:3]}
            of = f"{self.num_train:,} training {self.nouns} have a near copy among the others"
            found.append(_with_another(near, of))
        for kind, what, looked in (
            ("in both splits", "are in the training split as well", self.num_held_out),
            ("nearly in both splits", "have a near copy in the training split", self.looked_for_near),
        ):
            if self.num_held_out and looked:
                near = {pair.other.id: False for pair in self.of(kind)}
                near |= {pair.other.id: True for pair in self.of(kind) if not pair.labels_agree}
                found.append(_with_another(near, f"{self.num_held_out:,} held-out {self.nouns} {what}"))
        for flaw in dict.fromkeys(self.flawed.values()):
            ids = [str(one) for (_, one), what in self.flawed.items() if what == flaw]
            verb = "is" if len(ids) == 1 else "are"
            found.append(f"{len(ids):,} of the {self.nouns} {verb} {flaw}: {shorten(ids)}.")
        return found + list(self.notes)


def _with_another(near: Mapping[int | str, bool], of: str) -> str:
    """How many are ``near`` to another one, and how many of them to one of another label."""
    differ = sum(near.values())
    return f"{len(near):,} of {of}{f', {differ:,} of them with another label' if differ else ''}."


def find_conflicts(data: Dataset) -> Conflicts:
    """Identical training examples with two labels, and examples in the training and the held-out split.

    Examples are identical where their decoded values and shapes are, by SHA-256, in the normal form of their
    kind: a picture saved anew without loss is the same, and so is a text with other spaces. What nearly
    identical means is up to their kind. Labels are those to train with. Every example is decoded once, in
    threads.
    """
    return _named(data, _search(data))


def conflicts_in(run: Run, data: Dataset) -> Conflicts:
    """`find_conflicts` in the ``data`` of a run, which keeps what was found."""
    return _named(data, _searched(run, data))


def kept_conflicts(run: Run, data: Dataset) -> Conflicts | None:
    """What `find_conflicts` once found in the ``data`` of a run, where that is kept."""
    arrays = _searched.kept(run, data)
    return None if arrays is None else _named(data, arrays)


def conflicts_of(run: Run, source: Any = None) -> Conflicts:
    """`conflicts_in` the data of a run; where its examples cannot be had, nothing and why."""
    data, why = find_data(run, source)
    if data is not None:
        try:
            return conflicts_in(run, data)
        except BadInput as error:
            if source is not None:
                raise
            why = str(error)
    nouns = kind_named(run.spec.data.kind).nouns
    return Conflicts(0, 0, notes=(f"{show.capitalized(nouns)} were not compared: {why}.",), nouns=nouns)


def _identity(run: Run, data: Dataset) -> str:  # noqa: ARG001
    return content_hash([SEARCH, *(part.fingerprint for part in data.splits.values())])


def _are_of(arrays: Arrays, run: Run, data: Dataset) -> bool:  # noqa: ARG001
    """Are all pairs of examples that there are, and flaws of a kind that there is?"""

    def below(values: Positions, most: Any) -> bool:
        return bool(((values >= 0) & (values < most)).all())

    (kind, train, other, _), (split, at, flaw) = arrays["pairs"].T, arrays["flawed"].T
    if not below(kind, len(KINDS)) or not below(split, len(_SPLITS)):
        return False
    sizes = np.array([len(data.splits[name]) if name in data.splits else 0 for name in _SPLITS])
    both = np.array(["both" in name for name in KINDS], np.int64)
    of_pairs = below(train, len(data)) and below(other, sizes[both[kind]])
    return of_pairs and below(at, sizes[split]) and below(flaw, len(FLAWS))


@kept_in_run(
    "conflicts",
    {
        "pairs": (np.int64, ("pairs", 4)),  # number in `KINDS`, positions of both, distance
        "looked": (np.bool_, (2,)),
        "flawed": (np.int64, ("flawed", 3)),  # number of the split, position, number in `FLAWS`
        "notes": (np.uint8, ("bytes",)),
    },
    _identity,
    _are_of,
)
def _searched(run: Run, data: Dataset) -> Arrays:  # noqa: ARG001
    return _search(data)


def _named(data: Dataset, found: Arrays) -> Conflicts:
    """What `_search` found, as examples with their names."""
    kinds = data.kind
    held_out = data.held_out
    looked_for_near, looked_within = found["looked"].tolist()
    pairs = (
        Pair(
            KINDS[kind],
            Example.at(data, "train", train),
            Example.at(data, "held_out" if "both" in KINDS[kind] else "train", other),
            distance,
        )
        for kind, train, other, distance in found["pairs"].tolist()
    )
    return Conflicts(
        len(data),
        0 if held_out is None else len(held_out),
        tuple(pairs),
        looked_for_near,
        looked_within,
        tuple(found["notes"].tobytes().decode(errors="replace").splitlines()),
        kinds.nouns,
        "" if kinds.near is None else kinds.near.unit,
        {
            (_SPLITS[split], Example.at(data, _SPLITS[split], at).id): FLAWS[flaw]
            for split, at, flaw in found["flawed"].tolist()
        },
    )


def _search(data: Dataset) -> Arrays:
    """What `find_conflicts` finds, by positions."""
    near, nouns, held_out = data.kind.near, data.kind.nouns, data.held_out
    seen = {name: _Seen.of(split) for name, split in data.splits.items()}
    numbers = dict(zip(seen, _numbered([one.digests for one in seen.values()]), strict=True))
    pairs, looked = list(_identical(data, numbers)), [False, False]
    notes = [] if held_out is not None else [_NOTHING_HELD_OUT.format(data.kind.noun)]
    if near is not None:
        looks = seen["train"].looks
        others = near.kept(0) if held_out is None else seen["held_out"].looks
        within, left_out = near.within(looks)
        looked[1] = within is not None
        notes += [near.left_out(looks, others), left_out]
        found: list[tuple[Split, str, Iterable[NearPairs]]] = [("train", "training", within or ())]
        if held_out is not None:
            looked[0] = near.compares(looks, others)
            found.append(("held_out", "held-out", near.pairs(looks, others)))
        for split, words, blocks in found:
            num_near = np.zeros(len(numbers[split]), np.int64)
            for block in blocks:
                pairs += _nearly(data, split, block, numbers, num_near)
            notes.append(_alike(num_near, f"{words} {nouns}", nouns))
    flawed = [
        (_SPLITS.index(name), at, one.flaws[at])
        for name, one in seen.items()
        for at in np.flatnonzero(one.flaws).tolist()
    ]
    return {
        "pairs": np.array(pairs, np.int64).reshape(-1, 4),
        "looked": np.array(looked),
        "flawed": np.array(flawed, np.int64).reshape(-1, 3),
        "notes": np.frombuffer("\n".join(filter(None, notes)).encode(), np.uint8),
    }


class _Seen(NamedTuple):
    """Every example of a split as the SHA-256 of its shape and values, [K, 32], its looks, and its flaw."""

    digests: npt.NDArray[np.uint8]
    looks: Any
    flaws: Positions

    @staticmethod
    def of(split: Dataset) -> _Seen:
        """Decodes every example once; how it looks is kept where near ones are to be found."""
        near, flaws = split.kind.near, split.kind.flaws

        def see(value: npt.NDArray[Any]) -> tuple[bytes, Any, tuple[float, float, float]]:
            seen = None if near is None else near.look(value)
            return value_digest(split.kind, value), seen, (0, 0, 0) if flaws is None else flaws.look(value)

        numbers = np.zeros((len(split), 3))
        digests = np.zeros((len(split), DIGEST_BYTES), np.uint8)
        looks = None if near is None else near.kept(len(split))
        for at, (digest, look, three) in enumerate(counted(split.stored.map(see), _COMPARING, len(split))):
            digests[at], numbers[at] = np.frombuffer(digest, np.uint8), three
            if looks is not None:
                looks.keep(at, look)
        none = np.zeros(len(split), np.int64)
        return _Seen(digests, looks, none if flaws is None else flaws.among(numbers))


def _numbered(digests: list[npt.NDArray[np.uint8]]) -> list[Positions]:
    """A number for each example of each split, the same for identical ones."""
    joined = np.concatenate(digests)
    numbers = np.unique(joined.view("V32").ravel(), return_inverse=True)[1].ravel()
    return np.split(numbers.astype(np.int64), np.cumsum([len(part) for part in digests])[:-1])


def _identical(data: Dataset, numbers: Mapping[Split, Positions]) -> Iterator[tuple[int, int, int, int]]:
    """Pairs of the first of each group of identical training examples and another, by the first; then those
    of a held-out example and the first identical training example of each label."""
    labels, train = data.labels, numbers["train"]
    order = np.argsort(train, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(train[order])) + 1)
    for part in sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0])):
        kind = KINDS.index("two labels" if len(np.unique(labels[part])) > 1 else "duplicate")
        yield from ((kind, int(part[0]), other, 0) for other in part[1:].tolist())
    by_number: dict[int, list[int]] = {}
    for at in np.sort(np.unique(np.column_stack([train, labels]), axis=0, return_index=True)[1]).tolist():
        by_number.setdefault(int(train[at]), []).append(at)
    for at, number in enumerate(numbers.get("held_out", np.zeros(0, np.int64)).tolist()):
        yield from ((KINDS.index("in both splits"), one, at, 0) for one in by_number.get(number, ()))


def _nearly(
    data: Dataset, split: Split, found: NearPairs, numbers: Mapping[Split, Positions], num_near: Positions
) -> Iterator[tuple[int, int, int, int]]:
    """Pairs of each example of a split and the nearest training example of each label that is not identical.

    How many training examples are near to each is added to ``num_near`` [K].
    """
    other = numbers["train"][found.train] != numbers[split][found.held_out]
    some, others, distance = found.train[other], found.held_out[other], found.distance[other]
    num_near += np.bincount(others, minlength=len(num_near))
    if split == "train":  # of each pair both are training examples
        num_near += np.bincount(some, minlength=len(num_near))
    labels = data.labels[some]
    order = np.lexsort((some, distance, labels, others))
    keys = np.column_stack([others, labels])[order]
    nearest = order[np.flatnonzero(np.diff(keys, axis=0, prepend=-1).any(axis=1))]
    nearest = nearest[np.lexsort((distance[nearest], others[nearest]))]
    kinds = np.full_like(nearest, 3)
    if split == "train":
        agree = labels[nearest] == data.labels[others[nearest]]
        kinds = np.where(agree, *map(KINDS.index, WITHIN[::-1]))
    columns = kinds, some[nearest], others[nearest], distance[nearest]
    yield from zip(*(column.tolist() for column in columns), strict=True)


def _alike(num_near: Positions, some_of: str, nouns: str) -> str:
    some = num_near[num_near > 0]
    if not len(some) or np.median(some) <= _MANY:
        return ""
    return (
        f"Half of the {some_of} with a near copy have {int(np.median(some)):,} or more: {nouns} of "
        "this kind may look alike without being copies (drawings, digits), so look at them first."
    )


def pairs_frames(
    conflicts: Conflicts,
    texts: Mapping[tuple[str, object], str],
    decided: Labels,
    most: int | None = FIRST,
) -> list[show.Frame]:
    """The certain conflicts, if any, with the ``texts`` of examples by split and id; ``most`` pairs.

    Pairs that no longer contradict anything by what is ``decided`` are counted, and not shown.
    """
    note = " ".join(conflicts.sentences())
    if not note:
        return []
    table = conflicts.unsettled(decided).table()
    settled = len(conflicts.pairs) - len(conflicts.of("duplicate", "near duplicate")) - len(table)
    if settled:
        note += f" {show.counted(settled, 'pair')} {'is' if settled == 1 else 'are'} settled by decisions."
    if most is not None and len(table) > most:
        note += f" The first {most} of {len(table):,} pairs:"
    table = table[:most]
    held_out = np.where(table["split_b"] == "train", "", " (held out)")
    columns = {
        "kind": show.names(),
        "id_a": show.names(title="example"),
        "class_a": show.names(title="class"),
        "other": show.names(),
        "class_b": show.names(title="class"),
        "distance": show.names(title=(conflicts.unit or "bits").split()[0]),
    }
    if texts:
        names = (zip(table[f"split_{side}"], table[f"id_{side}"], strict=True) for side in "ab")
        both = zip(*([shortened(texts.get(name, "")) for name in side] for side in names), strict=True)
        table = table.assign(text=[" / ".join(dict.fromkeys(pair)) for pair in both])
        columns["text"] = show.names()
    table = table.assign(other=table["id_b"].astype(str) + held_out)
    return [show.Frame("Certain conflicts", note, table, columns)]


def shortened(text: str) -> str:
    """A text for a terminal: one line, and the beginning where it is long."""
    line = " ".join(text[: 8 * _WIDTH].split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH].rstrip()}…"
