"""Certain conflicts, before any statistics: identical examples with two labels, examples in both splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.data import DIGEST_BYTES, Dataset, value_digest
from easiness.errors import BadInput, shorten
from easiness.inputs import FLAWS, NearPairs, kind_named, track
from easiness.lazy import Integers, pd
from easiness.runs import find_data
from easiness.spec import Split, content_hash
from easiness.store import Arrays, Run, kept_in_run

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
"""Kinds of near copies among training examples."""

FIRST = 20
"""Rows that a terminal shows; files have all."""

_COMPARING = "comparing examples"
_WIDTH = 60  # letters of a text on a terminal
_SPLITS: tuple[Split, ...] = get_args(Split)
_SPLIT_B = np.array(["both" in name for name in KINDS], np.int64)  # of a kind of pairs

_SIDE = ("split", "id", "label", "class")
COLUMNS = ("kind", *(f"{name}_{side}" for side in "ab" for name in _SIDE), "distance")
"""Columns of pairs: a training example (``a``) and another one (``b``), which may be held out.

A group of n identical training examples has n - 1 pairs, each of its first one and another. A held-out
example has a pair with the first identical training example of each label, and with the nearest that is not
identical, of each label; a training example has one with the nearest before it. ``distance`` is 0 for
identical ones, and else in the unit of their kind: bits of 144 that the perceptual hashes of pictures differ
in, percent of the runs of letters that only one text has.
"""

Labels = Mapping[tuple[str, object], int | None]
"""Labels by split and id, `None` where an example is of no class."""


@dataclass(frozen=True, eq=False)
class Conflicts:
    """The ``pairs`` found among so many training and held-out examples, which people call ``nouns``.

    They are rows of `COLUMNS`, by kind. ``looked_for_near`` and ``looked_within`` tell whether near ones were
    looked for, whose distances are in ``unit``. ``flaws`` says of examples in which there is nothing to see
    or hear what they are, by split and id. ``notes`` are sentences on what was not looked for and why, and on
    what to be careful with.
    """

    num_train: int
    num_held_out: int
    pairs: pd.DataFrame
    looked_for_near: bool = False
    looked_within: bool = False
    notes: tuple[str, ...] = ()
    nouns: str = "pictures"
    unit: str = ""
    flaws: Mapping[tuple[str, object], str] = field(default_factory=dict)

    @staticmethod
    def none(nouns: str, *notes: str) -> Conflicts:
        """No pairs, and why not."""
        return Conflicts(0, 0, pd.DataFrame(columns=[*COLUMNS]), notes=notes, nouns=nouns)

    def of(self, *kinds: str) -> pd.DataFrame:
        return self.pairs[self.pairs["kind"].isin(kinds)]

    def open_pairs(self, labels: Labels) -> pd.DataFrame:
        """The pairs that contradict something still, when some ``labels`` are as decided."""
        pairs = self.of("two labels", "in both splits", "nearly in both splits", WITHIN[0])
        both = pd.DataFrame(index=pairs.index)
        for side in "ab":
            names = zip(*(pairs[f"{name}_{side}"] for name in _SIDE[:3]), strict=True)
            both[side] = np.array([labels.get((split, one), own) for split, one, own in names], float)
        group = pairs["id_a"].where(pairs["kind"] == "two labels", np.arange(len(pairs)).astype(object))
        groups = both.assign(kind=pairs["kind"], group=group).groupby(["kind", "group"], sort=False)
        lowest, highest = (groups[["a", "b"]].transform(end) for end in ("min", "max"))
        differ = lowest.min(axis=1) < highest.max(axis=1)
        return pairs[differ.where(pairs["split_b"] == "train", both.notna().all(axis=1))]

    def sentences(self) -> list[str]:
        """The sentences that a person should know first; the notes come last."""
        if not self.num_train:
            return list(self.notes)
        nouns, texts = self.nouns, list[str]()
        for kind, labels in (("two labels", "two labels or more"), ("duplicate", "one label")):
            first = self.of(kind)["id_a"]
            if num := first.nunique():
                groups = f"{show.quantity(num, 'group')} of identical training {nouns}"
                texts.append(f"{groups} ({num + len(first):,} in all) with {labels}.")
            elif kind == "two labels":
                texts.append(f"No identical training {nouns} with {labels}.")
        train, held_out = f"{self.num_train:,} training", f"{self.num_held_out:,} held-out"
        near, in_both = self.num_held_out and self.looked_for_near, "in the training split"
        for has_looked, kinds, sides, of, what in (
            (self.looked_within, WITHIN, "ab", train, "have a near copy among the others"),
            (self.num_held_out, ("in both splits",), "b", held_out, f"are {in_both} as well"),
            (near, ("nearly in both splits",), "b", held_out, f"have a near copy {in_both}"),
        ):
            if has_looked:
                pairs = self.of(*kinds)
                two = pairs[pairs["label_a"] != pairs["label_b"]]
                ids = [f"id_{side}" for side in sides]
                num, others = (len({*one[ids].to_numpy().flat}) for one in (pairs, two))
                with_other = f", {others:,} of them with another label" if others else ""
                texts.append(f"{num:,} of {of} {nouns} {what}{with_other}.")
        for flaw in dict.fromkeys(self.flaws.values()):
            names = [str(one) for (_, one), what in self.flaws.items() if what == flaw]
            verb = "is" if len(names) == 1 else "are"
            texts.append(f"{len(names):,} of the {nouns} {verb} {flaw}: {shorten(names)}.")
        return texts + list(self.notes)

    def frames(
        self, texts: Mapping[tuple[str, object], str], labels: Labels, most: int | None = FIRST
    ) -> list[show.Frame]:
        """The table to read, if any, with the ``texts`` of examples by split and id; ``most`` pairs.

        Pairs that no longer contradict anything by the ``labels`` decided are counted, and not shown.
        """
        note = " ".join(self.sentences())
        if not note:
            return []
        table = self.open_pairs(labels)
        if num := len(self.pairs) - len(self.of("duplicate", "near duplicate")) - len(table):
            note += f" {show.quantity(num, 'pair')} {'is' if num == 1 else 'are'} settled by decisions."
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
            "distance": show.names(title=(self.unit or "bits").split()[0]),
        }
        table = table.assign(other=table["id_b"].astype(str) + held_out)
        if texts:
            columns["text"] = show.names()
            names = (zip(table[f"split_{side}"], table[f"id_{side}"], strict=True) for side in "ab")
            both = zip(*([short_text(texts.get(name, "")) for name in side] for side in names), strict=True)
            table = table.assign(text=[" / ".join(dict.fromkeys(pair)) for pair in both])
        return [show.Frame("Certain conflicts", note, table, columns)]


def short_text(text: str) -> str:
    """A text for a terminal: one line, and the beginning where it is long."""
    line = " ".join(text[: 8 * _WIDTH].split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH].rstrip()}…"


def find_conflicts(data: Dataset) -> Conflicts:
    """Identical training examples with two labels, and examples in the training and the held-out split.

    Examples are identical where their decoded values and shapes are, by SHA-256, in the normal form of their
    kind: a picture saved anew without loss is the same, and so is a text with other spaces. Their kind says
    what nearly identical means. Labels are those to train with. Every example is decoded once, in threads.
    """
    return _conflicts(data, _search(data))


def conflicts_in(run: Run, data: Dataset) -> Conflicts:
    """`find_conflicts` in the ``data`` of a run, which keeps what was found."""
    return _conflicts(data, arrays_of(run, data))


def kept_conflicts(run: Run, data: Dataset) -> Conflicts | None:
    """The conflicts once found in the ``data`` of a run, where they are kept."""
    arrays = arrays_of.read(run, data)
    return None if arrays is None else _conflicts(data, arrays)


def conflicts_of(run: Run, source: Any = None) -> Conflicts:
    """`conflicts_in` the data of a run; where its examples cannot be had, nothing and why."""
    data, why = find_data(run, source)
    if run.tags is not None:
        why = "each has several tags"
    elif data is not None:
        try:
            return conflicts_in(run, data)
        except BadInput as error:
            if source is not None:
                raise
            why = str(error)
    nouns = kind_named(run.spec.data.kind).nouns
    return Conflicts.none(nouns, f"{show.sentence_case(nouns)} were not compared: {why}.")


def _are_of(arrays: Arrays, _: Run, data: Dataset) -> bool:
    """Are all pairs of examples that there are, and flaws of a kind that there is?"""
    try:
        _conflicts(data, arrays)
    except LookupError:
        return False
    return all((arrays[name] >= 0).all() for name in ("pairs", "flawed"))


@kept_in_run(
    "conflicts",
    {
        "pairs": (np.int64, ("pairs", 4)),  # number in `KINDS`, positions of both, distance
        "looked": (np.bool_, (2,)),
        "flawed": (np.int64, ("flawed", 3)),  # number of the split, position, number in `FLAWS`
        "notes": (np.uint8, ("bytes",)),
    },
    lambda _, data: content_hash([SEARCH, *(part.fingerprint for part in data.splits.values())]),
    _are_of,
)
def arrays_of(_: Run, data: Dataset) -> Arrays:
    return _search(data)


def _conflicts(data: Dataset, arrays: Arrays) -> Conflicts:
    def example(split: int, at: int) -> tuple[Split, Any, int, str]:
        part = data.splits[_SPLITS[split]]
        label = int(part.labels[at])
        return _SPLITS[split], part.ids[at : at + 1].tolist()[0], label, data.classes[label]

    rows = [
        (KINDS[kind], *example(0, train), *example(_SPLIT_B[kind], other), distance)
        for kind, train, other, distance in sorted(arrays["pairs"].tolist(), key=lambda row: row[0])
    ]
    looked_for_near, looked_within = arrays["looked"].tolist()
    return Conflicts(
        len(data),
        0 if data.held_out is None else len(data.held_out),
        pd.DataFrame(rows, columns=[*COLUMNS]),
        looked_for_near,
        looked_within,
        tuple(arrays["notes"].tobytes().decode(errors="replace").splitlines()),
        data.kind.nouns,
        "" if data.kind.near is None else data.kind.near.unit,
        {example(split, at)[:2]: FLAWS[flaw] for split, at, flaw in arrays["flawed"].tolist()},
    )


def _search(data: Dataset) -> Arrays:
    near, held_out = data.kind.near, data.held_out
    views = {name: _look(split) for name, split in data.splits.items()}
    digests = np.concatenate([one for one, _, _ in views.values()]).view(f"V{DIGEST_BYTES}").ravel()
    ends = np.cumsum([len(split) for split in data.splits.values()])[:-1]
    parts = np.split(np.unique(digests, return_inverse=True)[1].ravel(), ends)
    numbers = dict(zip(views, parts, strict=True))  # the same for identical examples
    pairs, flags, notes = [*_identical(data.labels, numbers)], [False, False], list[str]()
    if held_out is None:
        notes.append(f"Nothing is held out, so no {data.kind.noun} can be in both splits.")
    if near is not None:
        looks = views["train"][1]
        others = near.collection(0) if held_out is None else views["held_out"][1]
        within, left_out = near.within(looks)
        notes += [near.left_out(looks, others), left_out]
        blocks: dict[Split, Iterable[NearPairs]] = {"train": within or ()}
        if held_out is not None:
            blocks["held_out"] = near.pairs(looks, others)
        flags = [held_out is not None and near.compares(looks, others), within is not None]
        for split, of_split in blocks.items():
            pairs += [_nearly(data, split, block, numbers) for block in of_split]
    flaws = [
        (_SPLITS.index(name), at, flaws[at])
        for name, (_, _, flaws) in views.items()
        for at in np.flatnonzero(flaws).tolist()
    ]
    return {
        "pairs": np.concatenate(pairs),
        "looked": np.array(flags),
        "flawed": np.array(flaws, np.int64).reshape(-1, 3),
        "notes": np.frombuffer("\n".join(filter(None, notes)).encode(), np.uint8),
    }


def _look(split: Dataset) -> tuple[npt.NDArray[np.uint8], Any, Integers]:
    """Decode every example once: the SHA-256 of its shape and values [K, 32], its looks, and its flaw [K].

    How it looks is kept where near ones are to be found.
    """
    near, flaws = split.kind.near, split.kind.flaws

    def see(value: npt.NDArray[Any]) -> tuple[bytes, Any, tuple[float, float, float]]:
        look = None if near is None else near.look(value)
        return value_digest(split.kind, value), look, (0, 0, 0) if flaws is None else flaws.look(value)

    numbers = np.zeros((len(split), 3))
    digests = np.zeros((len(split), DIGEST_BYTES), np.uint8)
    looks = None if near is None else near.collection(len(split))
    for at, (digest, look, three) in enumerate(track(split.stored.map(see), _COMPARING, len(split))):
        digests[at], numbers[at] = np.frombuffer(digest, np.uint8), three
        if looks is not None:
            looks.keep(at, look)
    return digests, looks, np.zeros(len(split), np.int64) if flaws is None else flaws.among(numbers)


def _identical(labels: Integers, numbers: Mapping[Split, Integers]) -> Iterator[Integers]:
    """Pairs of the first of each group of identical training examples and another, by the first; then those
    of a held-out example and the first identical training example of each label."""
    train = pd.DataFrame({"number": numbers["train"], "label": labels, "at": np.arange(len(labels))})
    several = train[train.duplicated("number", keep=False)]
    groups = several.groupby("number")
    several = several.assign(first=groups["at"].transform("min"), num=groups["label"].transform("nunique"))
    several = several[several["at"] > several["first"]].sort_values(["first", "at"])
    kinds = np.where(several["num"] > 1, KINDS.index("two labels"), KINDS.index("duplicate"))
    yield _pairs(kinds, several["first"], several["at"], 0)
    other = numbers.get("held_out", np.zeros(0, np.int64))
    held_out = pd.DataFrame({"number": other, "other": np.arange(len(other))})
    both = held_out.merge(train.drop_duplicates(["number", "label"]), on="number")
    yield _pairs(KINDS.index("in both splits"), both["at"], both["other"], 0)


def _nearly(data: Dataset, split: Split, block: NearPairs, numbers: Mapping[Split, Integers]) -> Integers:
    """Pairs of each example and the nearest training example of each label that is not identical."""
    near = pd.DataFrame({"at": block.train, "other": block.held_out, "distance": block.distance})
    near = near[numbers["train"][near["at"]] != numbers[split][near["other"]]]
    near = near.assign(label=data.labels[near["at"]]).sort_values(["other", "label", "distance", "at"])
    near = near.drop_duplicates(["other", "label"]).sort_values(["other", "distance"])
    kinds: Any = KINDS.index("nearly in both splits")
    if split == "train":
        agree = near["label"] == data.labels[near["other"]]
        kinds = np.where(agree, *map(KINDS.index, WITHIN[::-1]))
    return _pairs(kinds, near["at"], near["other"], near["distance"])


def _pairs(*columns: Any) -> Integers:
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.int64)
