"""The examples of a run by how suspect their labels are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.spec import Split
from easiness.store import Row
from easiness.studies.suspects.conflicts_found import Conflicts
from easiness.studies.suspects.glance import Glance
from easiness.studies.suspects.how_many import HowMany

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ABOVE = 0.1
"""The least probability of a wrong label that is listed."""
AT_LEAST = 5
"""So many are listed in any case: one looks at the first ones anyway."""

FIRST = 20
"""Rows that are shown; files have all."""

_BINS = 40
_WIDTH = 60  # letters of a text on a terminal
_BY_HEART = 0.97  # of the labels

_PAIRS = ["kind", "example", "class", "other", "class"]


def how_many_listed(p_wrong: npt.NDArray[np.float64], above: float) -> int:
    """How many of the most suspicious examples are listed, by the probabilities [K] of all."""
    return max(int((p_wrong >= above).sum()), min(AT_LEAST, len(p_wrong)))


@dataclass(frozen=True, eq=False)
class Suspects(show.Result):
    """The labels of a ``split`` of a run, most suspicious first, as ``ranked``, a row for each example.

    Its columns are those of `table` and ``margin``, ``p_label`` (means over trials and epochs),
    ``rival_share`` (of the predictions that are not the label, how many are the suggested class),
    ``num_heard`` trials, and whether they ``left_out`` the example. ``share`` is the expected share of wrong
    labels by the model named by ``model_of_noise``, and ``low`` to ``high`` the range that fits the data;
    over the ``course`` of the training this share stood out. ``known`` is the share
    of the predictions heard that are the label. The table has those of a
    probability of ``above`` or more, and the first few in any case. ``conflicts`` are certain;
    ``left_out_kinds`` says which kinds were not looked for and why. ``others`` are runs that judged along.
    ``told`` is the column of texts or paths, where there is one, and ``shown`` the first suspects themselves;
    ``in_pairs`` has the texts of the first pairs that conflict, by split and id.
    """

    model: str
    split: Split
    num_trials: int
    rows: tuple[Row, ...]
    classes: tuple[str, ...]
    ranked: pd.DataFrame = field(repr=False)
    share: float
    model_of_noise: str
    low: float
    high: float
    course: tuple[tuple[Row, float], ...]
    known: float
    above: float
    conflicts: Conflicts = field(repr=False)
    left_out_kinds: dict[str, str]
    others: tuple[str, ...] = ()
    told: str | None = None
    shown: tuple[show.ShownExample, ...] = field(default=(), repr=False)
    in_pairs: Mapping[tuple[str, object], str] = field(default_factory=dict, repr=False)

    @property
    def num_likely(self) -> int:
        """How many labels are more likely wrong than right."""
        return int((self.ranked["p_wrong"] >= 1 / 2).sum())

    @property
    def num_listed(self) -> int:
        """How many examples the table has."""
        return how_many_listed(self.ranked["p_wrong"].to_numpy(), self.above)

    @property
    def how_many(self) -> HowMany:
        """How many labels are wrong, with its range and over the epochs."""
        fits = self.low, self.high, self.model_of_noise
        return HowMany(len(self.ranked), self.share, *fits, self.course, self.rows[-1])

    @property
    def glance(self) -> Glance:
        """How many labels are wrong, and how many are known."""
        return Glance(len(self.ranked), self.share, self.known)

    def table(self) -> pd.DataFrame:
        """The suspects, most suspicious first.

        ``id``, ``label`` and ``class``, the ``suggested`` label (-1 where nothing tells one) and its class,
        ``p_wrong``, ``suggested_share`` (the share of all predictions heard that name it), ``kind`` and
        ``reason``; where the data are found a ``text``, or a ``path`` where files have positions for ids;
        then the scores behind it.
        """
        return self.ranked.head(self.num_listed)

    def document(self) -> Any:
        """The value of the JSON file: the expected share, conflicts and suspects."""
        return {
            "split": self.split,
            "num_examples": len(self.ranked),
            "share": self.share,
            **self.how_many.document(),
            "known": self.known,
            "num_likely": self.num_likely,
            "kinds_left_out": self.left_out_kinds,
            "conflicts": [show.defined(row) for row in self.conflicts.table().to_dict("records")],
            "suspects": [show.defined(row) for row in self.table().to_dict("records")],
        }

    def figure(self) -> Figure:
        """A histogram of the mean margin of the label, the wrong ones expected in the color of hard.

        Beside it, where it was followed, what stands out over the training.
        """
        curve = self.how_many.has_curve
        figure, axes = show.new_axes(8.2 if curve else 5.2, 2.9)
        if curve:
            both = figure.add_gridspec(1, 2, width_ratios=(5, 3))
            axes.set_subplotspec(both[0])
            beside = figure.add_subplot(both[1])
            show.quiet(beside)
            self.how_many.draw(beside)
        margin = self.ranked["margin"].to_numpy()
        p_wrong = self.ranked["p_wrong"].to_numpy()
        axes.hist(
            [margin, margin],
            _BINS,
            weights=[p_wrong, 1 - p_wrong],
            stacked=True,
            color=[show.HARD, show.FAINT],
            label=["wrong labels, expected", "sound labels"],
        )
        axes.set(xlabel="margin of the label, mean over trials (nats)", ylabel="examples")
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """What is certain, where pictures were compared, then the first suspects."""
        return [*_conflicts(self), _suspects(self)]

    def _repr_html_(self) -> str:
        """What a notebook shows: the figure, then the tables, and with each suspect what it is."""
        rows = (show.Embedded(one.text, one.html()) for one in self.shown)
        return show.result_html(self.figure(), [*_conflicts(self), _suspects(self, [*rows])])

    def summary(self) -> str:
        """How many labels are wrong, and how that was counted, in a few sentences."""
        num = len(self.ranked)
        of = "labels" if self.split == "train" else "labels of held-out examples"
        verb = "is" if self.num_likely <= 1 else "are"
        likely = show.count(self.num_likely) if self.num_likely else "None"
        return (
            f"{likely} of {show.count(num)} {of} {verb} more likely wrong than right; in all "
            f"{self.how_many.expected()}"
        )

    def by_heart(self) -> str:
        """A sentence where labels were being learned by heart, and an epoch before was read; else empty."""
        found, last = self.how_many.by_heart(), self.course[-1][0]
        the_end = "" if self.others else f"; --{last.name} {last.value:g} reads the end"
        return found and f"{found}{the_end}."

    def doubt(self) -> str:
        """A sentence where the networks know too little to be believed; empty where they know enough."""
        if not self.glance.knows_too_little:
            return ""
        return (
            f"{self._right()}: what they do not know they cannot judge, so look at the first ones in any "
            "case."
        )

    @property
    def judges(self) -> str:
        """Who says so: ``networks``, or ``heads`` on features of one."""
        return "networks" if self.rows[-1].share is None else "heads"

    def _right(self) -> str:
        return f"The {self.judges} have {show.percent(self.known)} of the labels right"


def _suspects(found: Suspects, examples: Sequence[str] = ()) -> show.Section:
    """The first suspects; the ``examples`` are for a last column, instead of texts or paths."""
    shown = found.table().head(FIRST)
    column = "example" if examples else found.told
    if found.told is not None and not examples:
        examples = [_shortened(text) for text in shown[found.told]]
    header = ["id", "class", "suggested", "p wrong", "share", "kind", "reason"]
    rows = [
        [
            str(one["id"]),
            str(one["class"]),
            str(one["suggested_class"]),
            show.number(float(one["p_wrong"])),
            show.number(float(one["suggested_share"])),
            str(one["kind"]),
            str(one["reason"]),
        ]
        for one in shown.to_dict("records")
    ]
    rows.insert(0, header)
    if column is not None:
        rows = [[*row, cell] for row, cell in zip(rows, [column, *examples], strict=True)]
    first, last = found.rows[0], found.rows[-1]
    when = last.text if first == last else f"{first.name}s {first.value:g} to {last.value:g}"
    note = (
        f"{found.summary()} From {show.counted(found.num_trials, 'trial')} of {found.model}, "
        f"{when}{_with(found)}. p "
        "wrong is the probability that the label is wrong, share how often the trials say the suggested "
        "class. "
    )
    doubt = found.doubt()
    note += "" if doubt else f"{found._right()}. "
    note += _listed(found, len(shown))
    note += _judges(found)
    left = "".join(f" {name}: not looked for; {why}." for name, why in found.left_out_kinds.items())
    notices = tuple(filter(None, (found.by_heart(), doubt)))
    return show.Section("Labels to look at", note + left, rows, notices)


def _shortened(text: str) -> str:
    """A text for a terminal: one line, and the beginning where it is long."""
    line = " ".join(text[: 8 * _WIDTH].split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH].rstrip()}…"


def _with(found: Suspects) -> str:
    return f", together with {' and '.join(found.others)}" if found.others else ""


def _judges(found: Suspects) -> str:
    """A sentence on who judges, where some labels were left out by no trial, or all are known by heart."""
    left_out = int(found.ranked["left_out"].sum())
    trained_on = len(found.ranked) - left_out
    if not left_out and found.known >= _BY_HEART:
        return (
            " They have trained on these labels, and may have learned wrong ones by heart: with "
            "--train-share 0.8 those judge that were not shown a label."
        )
    if not left_out or not trained_on:
        return ""
    return (
        f" {show.count(left_out)} are judged by the trials that left them out alone; the other "
        f"{show.count(trained_on)} were left out by none, and trials bend towards labels that they train on: "
        "more trials leave out more."
    )


def _listed(found: Suspects, num_shown: int) -> str:
    over = int((found.ranked["p_wrong"] >= found.above).sum())
    if over < found.num_listed:
        which, verb = "none" if not over else show.count(over), "reaches" if over <= 1 else "reach"
        return f"Listed are the first {found.num_listed}; {which} of them {verb} {found.above:g}."
    more = f", the first {num_shown} of them here" if num_shown < over else ""
    verbs = ("reaches", "is") if over == 1 else ("reach", "are")
    return f"{show.count(over)} {verbs[0]} {found.above:g} and {verbs[1]} listed{more}."


def shown_pairs(conflicts: Conflicts) -> pd.DataFrame:
    """The first pairs that contradict something."""
    return _contradicting(conflicts).head(FIRST)


def _contradicting(conflicts: Conflicts) -> pd.DataFrame:
    table = conflicts.table()
    return table[~table["kind"].isin(["duplicate", "near duplicate"])]


def _conflicts(found: Suspects) -> list[show.Section]:
    conflicts = found.conflicts
    note = " ".join(conflicts.sentences())
    if not note:
        return []
    table = _contradicting(conflicts)
    if len(table) > FIRST:
        note += f" The first {FIRST} of {show.count(len(table))} pairs:"
    rows = [[*_PAIRS, (conflicts.unit or "bits").split()[0], *(["text"] if found.in_pairs else [])]]
    for one in table.head(FIRST).to_dict("records"):
        where = "" if one["split_b"] == "train" else " (held out)"
        other = f"{one['id_b']}{where}"
        cells = (one["kind"], one["id_a"], one["class_a"], other, one["class_b"], one["distance"])
        rows.append([str(cell) for cell in cells])
        if found.in_pairs:
            names = ((one[f"split_{side}"], one[f"id_{side}"]) for side in "ab")
            texts = dict.fromkeys(_shortened(found.in_pairs.get(name, "")) for name in names)
            rows[-1].append(" / ".join(texts))
    return [show.Section("Certain conflicts", note, rows)]
