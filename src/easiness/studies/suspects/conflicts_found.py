"""What is certain before any statistics: identical examples with two labels, examples in both splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from easiness import show
from easiness.errors import shorten
from easiness.spec import Split

if TYPE_CHECKING:
    import pandas as pd

    from easiness.data import Dataset

Kind = Literal[
    "two labels",
    "in both splits",
    "nearly in both splits",
    "nearly, two labels",
    "duplicate",
    "near duplicate",
]

FIRST = 20
"""Rows that a terminal shows; files have all."""

_WIDTH = 60  # letters of a text on a terminal
_PAIRS = ["kind", "example", "class", "other", "class"]

COLUMNS = (
    "kind",
    *(f"{name}_a" for name in ("split", "id", "label", "class")),
    *(f"{name}_b" for name in ("split", "id", "label", "class")),
    "distance",
)


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


@dataclass(frozen=True)
class Pair:
    """A training example and an ``other``, held out or training too, that are the same or nearly so.

    ``distance`` is 0 for identical ones, and for others in the unit of their kind: of pictures the bits of
    144 that their perceptual hashes differ in, of texts the percent of their runs of letters that only one
    has.
    """

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
    """What `find_conflicts` found among so many training and held-out examples, which people call ``nouns``.

    ``two_labels`` are groups of identical training examples with two labels or more, ``duplicates`` those
    with one, which contradict nothing. Of a held-out example ``in_both`` has the first identical training
    example of each label, and ``nearly_in_both`` the nearest that is not identical, of each label; so has a
    training example ``nearly_within`` among those before it. ``looked_for_near`` and ``looked_within`` tell
    whether near ones were looked for, whose distances are in ``unit``. ``flawed`` says of those in
    which there is nothing to see or hear what they are, by split and id. ``notes`` are sentences on what was
    not looked for and why, and on what to be careful with.
    """

    num_train: int
    num_held_out: int
    two_labels: tuple[Group, ...] = ()
    duplicates: tuple[Group, ...] = ()
    in_both: tuple[Pair, ...] = ()
    nearly_in_both: tuple[Pair, ...] = ()
    looked_for_near: bool = False
    notes: tuple[str, ...] = ()
    nouns: str = "pictures"
    nearly_within: tuple[Pair, ...] = ()
    looked_within: bool = False
    unit: str = ""
    flawed: Mapping[tuple[str, object], str] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """A row per pair; a group of n identical examples has n - 1 rows, each beside its first.

        Columns are the ``kind`` (`Kind`), split, id, label and class name of either example (``split_a``,
        ..., ``class_b``) and their ``distance`` (see `Pair`).
        """
        import pandas as pd

        rows: list[tuple[object, ...]] = []
        for kind, groups in (("two labels", self.two_labels), ("duplicate", self.duplicates)):
            rows += [_row(kind, group[0], other, 0) for group in groups for other in group[1:]]
        for kind, pairs in (
            ("in both splits", self.in_both),
            ("nearly in both splits", self.nearly_in_both),
            ("nearly, two labels", self.nearly_with_two_labels),
            ("near duplicate", [pair for pair in self.nearly_within if pair.labels_agree]),
        ):
            rows += [_row(kind, pair.train, pair.other, pair.distance) for pair in pairs]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def nearly_with_two_labels(self) -> list[Pair]:
        """The near copies among training examples that have another label."""
        return [pair for pair in self.nearly_within if not pair.labels_agree]

    def unsettled(self, decided: Labels) -> Conflicts:
        """Those that contradict something still, when labels are as ``decided``, and all of one label."""

        def left(*some: Example) -> list[int]:
            labels = (decided.get((one.split, one.id), one.label) for one in some)
            return [label for label in labels if label is not None]

        def both(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
            return tuple(pair for pair in pairs if len(left(pair.train, pair.other)) == 2)

        return replace(
            self,
            two_labels=tuple(group for group in self.two_labels if len({*left(*group)}) > 1),
            in_both=both(self.in_both),
            nearly_in_both=both(self.nearly_in_both),
            nearly_within=tuple(
                pair
                for pair in self.nearly_within
                if pair.labels_agree or len({*left(pair.train, pair.other)}) > 1
            ),
        )

    def sentences(self) -> list[str]:
        """What a person should know first; the notes come last."""
        if not self.num_train:
            return list(self.notes)
        found = [self._groups_text(self.two_labels, "with two labels or more")]
        if self.duplicates:
            found.append(self._groups_text(self.duplicates, "with one label"))
        if self.looked_within:
            found.append(self._text_of_within())
        if self.num_held_out:
            found.append(self._text_of_both("are in the training split as well", self.in_both))
            if self.looked_for_near:
                found.append(
                    self._text_of_both("have a near copy in the training split", self.nearly_in_both)
                )
        for flaw in dict.fromkeys(self.flawed.values()):
            ids = [str(one) for (_, one), what in self.flawed.items() if what == flaw]
            verb = "is" if len(ids) == 1 else "are"
            found.append(f"{len(ids):,} of the {self.nouns} {verb} {flaw}: {shorten(ids)}.")
        return found + list(self.notes)

    def _text_of_both(self, what: str, pairs: Sequence[Pair]) -> str:
        held_out = {pair.other.id for pair in pairs}
        differ = {pair.other.id for pair in pairs if not pair.labels_agree}
        text = f"{len(held_out):,} of {self.num_held_out:,} held-out {self.nouns} {what}"
        if differ:
            text += f", {len(differ):,} of them with another label"
        return text + "."

    def _text_of_within(self) -> str:
        near, differ = (
            {one.id for pair in pairs for one in (pair.train, pair.other)}
            for pairs in (self.nearly_within, self.nearly_with_two_labels)
        )
        text = f"{len(near):,} of {self.num_train:,} training {self.nouns} have a near copy among the others"
        if differ:
            text += f", {len(differ):,} of them with another label"
        return text + "."

    def _groups_text(self, groups: Sequence[Group], what: str) -> str:
        if not groups:
            return f"No identical training {self.nouns} {what}."
        some = "1 group" if len(groups) == 1 else f"{len(groups):,} groups"
        return f"{some} of identical training {self.nouns} ({sum(map(len, groups)):,} in all) {what}."


def _row(kind: str, a: Example, b: Example, distance: int) -> tuple[object, ...]:
    return (kind, *vars(a).values(), *vars(b).values(), distance)


def shown_pairs(conflicts: Conflicts, decided: Labels) -> pd.DataFrame:
    """The pairs that contradict something still, when labels are as ``decided``."""
    return _contradicting(conflicts.unsettled(decided))


def _contradicting(conflicts: Conflicts) -> pd.DataFrame:
    table = conflicts.table()
    return table[~table["kind"].isin(["duplicate", "near duplicate"])]


def pairs_section(
    conflicts: Conflicts,
    texts: Mapping[tuple[str, object], str],
    decided: Labels,
    most: int | None = FIRST,
) -> list[show.Section]:
    """The certain conflicts, if any, with the ``texts`` of examples by split and id; ``most`` pairs.

    Pairs that no longer contradict anything by what is ``decided`` are counted, and not shown.
    """
    note = " ".join(conflicts.sentences())
    if not note:
        return []
    table = _contradicting(conflicts.unsettled(decided))
    settled = len(_contradicting(conflicts)) - len(table)
    if settled:
        note += f" {show.counted(settled, 'pair')} {'is' if settled == 1 else 'are'} settled by decisions."
    if most is not None and len(table) > most:
        note += f" The first {most} of {show.count(len(table))} pairs:"
    rows = [[*_PAIRS, (conflicts.unit or "bits").split()[0], *(["text"] if texts else [])]]
    for one in table[:most].to_dict("records"):
        where = "" if one["split_b"] == "train" else " (held out)"
        other = f"{one['id_b']}{where}"
        cells = (one["kind"], one["id_a"], one["class_a"], other, one["class_b"], one["distance"])
        rows.append([str(cell) for cell in cells])
        if texts:
            names = ((one[f"split_{side}"], one[f"id_{side}"]) for side in "ab")
            said = dict.fromkeys(shortened(texts.get(name, "")) for name in names)
            rows[-1].append(" / ".join(said))
    return [show.Section("Certain conflicts", note, rows)]


def shortened(text: str) -> str:
    """A text for a terminal: one line, and the beginning where it is long."""
    line = " ".join(text[: 8 * _WIDTH].split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH].rstrip()}…"
