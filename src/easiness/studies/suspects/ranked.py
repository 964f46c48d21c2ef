"""The labels of a run by how suspect they are, and how many are wrong: in words, numbers and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from easiness import features, show
from easiness.data import UNKNOWN, UNSURE, Decisions
from easiness.inputs import IMAGE, VECTOR
from easiness.lazy import Axes, Figure, Floats, pd
from easiness.regular_file import in_words
from easiness.spec import Split, command_line, loading_of
from easiness.store import Row, Run
from easiness.studies.suspects.conflicts import FIRST, Conflicts, Labels, pairs_frames, shortened
from easiness.studies.suspects.evidence import Glance
from easiness.studies.suspects.kinds import NOT_CARRIED

_UNKNOWN = "cannot be told"
_FEWEST_OF_CURVE = 3  # points
_ASIDE = 0.06  # of the axis: how far behind its end the range is drawn

_BY = {
    "margins": "Counted by margins: labels that stand out.",
    "transition": (
        "Counted by which class is labelled as which other. Networks cannot tell hard examples from "
        "mixed-up labels, so the range is wide. Features (measure --features) or an audit tell more."
    ),
    "expected": "Counted by which labels heads expect that did not see the example.",
    "classes": "Counted by classes: examples of one class lie together, whatever their labels.",
}


def about(share: float, num: int) -> str:
    """``about 312``: how many of ``num`` a share is."""
    return "fewer than one" if share * num < 1 else f"about {round(share * num):,}"


def fitting(low: float, high: float, num: int) -> str:
    """``150 to 520``, or ``up to 12``: a range of shares of ``num``."""
    least, most = math.floor(low * num), math.ceil(high * num)
    return f"{f'{least:,} to' if least else 'up to'} {most:,}"


def likely_wrong(num: int, of: str = "") -> str:
    """``12 of 300 labels are more likely wrong than right``, where ``of`` is as many labels."""
    return f"{f'{num:,}' if num else 'None'}{of} {'is' if num <= 1 else 'are'} more likely wrong than right"


_TRIALS = 20
_LARGE = 32  # pixels: networks that know photos say little of smaller pictures


def features_command(run: Run) -> str | None:
    """The command that measures usual features of the examples of a run of networks.

    ``None`` where none know such examples or are installed, and of a run without a source or on features.
    """
    spec = run.spec.measured
    if spec is None or spec.data.source is None or run.shares:
        return None
    kind, side = spec.data.kind, max((spec.data.image_shape or (0,))[1:], default=_LARGE)
    if kind == VECTOR.name or (kind == IMAGE.name and side < _LARGE) or not features.has_usual(kind):
        return None
    words = ("--features", "auto", "--trials", _TRIALS, loading_of(spec.data))
    return command_line("measure", spec.data.source, *words, "--out", _out(run))


def to_judge_along(run: Run) -> str:
    """A sentence with the commands by which features judge the labels along; empty where none can."""
    command = features_command(run)
    if command is None:
        return ""
    both = command_line("suspects", run.path, _out(run))
    return f"Heads on features cost little and judge along: {command}, then {both}."


def _out(run: Run) -> Path:
    return Path(f"{run.path}-features")


ABOVE = 0.1
"""The least probability of a wrong label that is listed."""
AT_LEAST = 5
"""So many are listed in any case: one looks at the first ones anyway."""

_BINS = 40
_BY_HEART = 0.97  # of the labels


def how_many_listed(p_wrong: Floats, above: float) -> int:
    """How many of the most suspicious examples are listed, by the probabilities [K] of all."""
    return max(int((p_wrong >= above).sum()), min(AT_LEAST, len(p_wrong)))


@dataclass(frozen=True, eq=False)
class LabelDecisions:
    """The ``decisions`` of a ``file`` on the labels of a run.

    Of those that somebody was sure of ``foretold`` were expected to be wrong. ``factor`` is by how much the
    odds of the last ones looked at have changed for examples like them. ``audit`` is the command that tells
    of the rest, where decisions from the top of the list alone do not.
    """

    file: Path
    decisions: Decisions
    foretold: float
    factor: float
    audit: str = ""

    @property
    def num_sure(self) -> int:
        return int(self.decisions.sure.sum())

    @property
    def num_wrong(self) -> int:
        return int(self.decisions.wrong.sum())

    @property
    def labels(self) -> Labels:
        """The labels decided, by split and id."""
        made = self.decisions.part(self.decisions.sure)
        pairs = zip(made.of.ids[made.at].tolist(), made.labels.tolist(), strict=True)
        return {(made.split, name): None if label == UNKNOWN else label for name, label in pairs}

    def sentence(self) -> str:
        num, wrong = len(self.decisions) - self.num_sure, self.num_wrong
        still = (
            f", {num:,} left unsure {'is' if num == 1 else 'are'} still open and not listed" if num else ""
        )
        return (
            f"{self.num_sure:,} are decided{still}: {wrong:,} {'was' if wrong == 1 else 'were'} found wrong, "
            f"where {self.foretold:,.1f} were expected. This multiplies the odds of the labels near them by "
            f"{show.number(self.factor)}."
        )

    def doubt(self) -> str:
        """A sentence where decisions do not tell of the rest, with the command that does; else empty."""
        above = "Decisions are from the top of the list, and say little of those below"
        return f" {above}; an audit tells: {self.audit}." if self.audit else ""

    def note(self) -> str:
        """A sentence where the file names every example; else empty."""
        num = len(self.decisions)
        if num < len(self.decisions.of.ids):
            return ""
        return (
            f"{in_words(self.file)} has an action for each of the {num:,} examples, as labels writes it: all "
            "count as looked at; empty the action of those that nobody has seen."
        )


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
    ``left_out_kinds`` says which kinds were not looked for and why. ``others`` are folders of runs that
    judged along, with what they are of.
    ``told`` is the column of texts or paths, where there is one, and ``shown`` the first suspects themselves;
    ``in_pairs`` has the texts of pairs that conflict, by split and id. What was ``decided`` is last
    in ``ranked``, with its ``action``, is 0 or 1 in ``p_wrong`` where somebody was sure, and is not listed.
    A ``leak`` says what tells the labels: the number of wrong ones is then not a number. ``doubts`` are what
    one has to know of the runs before one believes it, ``missing`` code of a network that cannot be had here.
    """

    model: str
    split: Split
    num_trials: int
    rows: tuple[Row, ...]
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
    others: tuple[tuple[Path, str], ...] = ()
    told: str | None = None
    shown: tuple[show.ShownExample, ...] = field(default=(), repr=False)
    in_pairs: Mapping[tuple[str, object], str] = field(default_factory=dict, repr=False)
    decided: LabelDecisions | None = None
    doubts: tuple[str, ...] = ()
    leak: str = ""
    missing: str = ""

    @property
    def notices(self) -> list[str]:
        missing = f"{self.missing}; the labels are judged by the record, without the networks"
        return [missing] if self.missing else []

    @property
    def num_likely(self) -> int:
        """How many labels are more likely wrong than right."""
        return int((self.ranked["p_wrong"] >= 1 / 2).sum())

    @property
    def num_listed(self) -> int:
        return how_many_listed(self._to_look_at["p_wrong"].to_numpy(), self.above)

    @property
    def _to_look_at(self) -> pd.DataFrame:
        return self.ranked if self.decided is None else self.ranked[self.ranked["action"] == ""]

    @property
    def _undecided(self) -> Floats:
        """How likely each label is wrong of which nobody is sure."""
        undecided = self.ranked["action"].isin(("", UNSURE))
        return self.ranked["p_wrong"][undecided].to_numpy()

    @property
    def about(self) -> str:
        """``about 312 (3.1 %)``: how many can be expected to be wrong."""
        if self.leak:
            return _UNKNOWN
        return f"{about(self.share, len(self.ranked))} ({show.percent(self.share)})"

    @property
    def between(self) -> str:
        """``150 to 520``: how many fit the data."""
        return _UNKNOWN if self.leak else fitting(self.low, self.high, len(self.ranked))

    @property
    def glance(self) -> Glance:
        """How many labels are wrong, and how many are known."""
        return Glance(len(self.ranked), self.share, self.known, leak=self.leak)

    def table(self) -> pd.DataFrame:
        """The suspects, most suspicious first, and last those in which there is nothing to see or hear.

        ``id``, ``label`` and ``class``, the ``suggested`` label (-1 where nothing tells one) and its class,
        ``p_wrong``, ``suggested_share`` (the share of all predictions heard that name it), ``kind`` and
        ``reason``; where the data are found a ``text``, or a ``path`` where files have positions for ids;
        then the scores behind it.
        """
        flawed = [name for split, name in self.conflicts.flawed if split == self.split]
        open_ones = self._to_look_at
        listed = (np.arange(len(open_ones)) < self.num_listed) | open_ones["id"].isin(flawed)
        return open_ones[listed].drop(columns="action", errors="ignore")

    def document(self) -> Any:
        document: dict[str, Any] = {
            "split": self.split,
            "num_examples": len(self.ranked),
            **({"leak": self.leak} if self.leak else {}),
            "share": self.share,
            "model_of_noise": self.model_of_noise,
            "low": self.low,
            "high": self.high,
            "course": [row.argument | {"share_standing_out": share} for row, share in self.course],
            "known": self.known,
            "num_likely": self.num_likely,
            "kinds_left_out": self.left_out_kinds,
            "conflicts": self.conflicts.pairs.to_dict("records"),
            "suspects": self.table().to_dict("records"),
        }
        if self.decided is not None:
            looked_at, left = self.ranked[len(self._to_look_at) :], self._undecided
            numbers = len(left), int((left >= 1 / 2).sum()), float(left.sum())
            document["decisions"] = {
                "decided": self.decided.num_sure,
                "unsure": len(self.decided.decisions) - self.decided.num_sure,
                "found_wrong": self.decided.num_wrong,
                "foretold_wrong": self.decided.foretold,
                "odds_factor": self.decided.factor,
                "audit": self.decided.audit or None,
                "left": dict(zip(("num_examples", "num_likely", "expected_wrong"), numbers, strict=True)),
                "examples": looked_at.to_dict("records"),
            }
        return show.defined(document)

    def figure(self) -> Figure:
        """A histogram of the mean margin of the label, the wrong ones expected in the color of hard.

        Beside it, where it was followed, what stands out over the training.
        """
        figure, axes = show.new_axes(8.2 if self.has_curve else 5.2, 2.9)
        if self.has_curve:
            both = figure.add_gridspec(1, 2, width_ratios=(5, 3))
            axes.set_subplotspec(both[0])
            beside = figure.add_subplot(both[1])
            show.quiet(beside)
            self._draw_course(beside)
        margin, p_wrong = self.ranked["margin"].to_numpy(), self.ranked["p_wrong"].to_numpy()
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

    @property
    def has_curve(self) -> bool:
        return len(self.course) >= _FEWEST_OF_CURVE

    def course_figure(self) -> Figure:
        figure, axes = show.new_axes(3.6, 2.4)
        self._draw_course(axes)
        return figure

    def _draw_course(self, axes: Axes) -> None:
        """Draw the curve with the row read, and behind its end what is expected and what fits the data."""
        rows, stands_out = zip(*((row.value, 100 * share) for row, share in self.course), strict=True)
        read = self.rows[-1]
        axes.plot(rows, stands_out, color=show.INK, linewidth=1.4, marker="o", markersize=3)
        of_read = stands_out[rows.index(read.value)]
        axes.plot(read.value, of_read, "o", color=show.HARD, markersize=7, label="read")
        aside = rows[-1] + _ASIDE * (rows[-1] - rows[0])
        low, high = 100 * self.low, 100 * self.high
        axes.vlines(aside, low, high, color=show.HARD, linewidth=3, label="fits the data")
        axes.plot(aside, 100 * self.share, "_", color=show.INK, markersize=9, markeredgewidth=2)
        axes.set(xlabel=read.name, ylabel="labels that stand out (%)")
        axes.set_ylim(bottom=0)
        show.whole_ticks(axes)
        show.legend_above(axes, 2)

    def frames(self) -> list[show.Frame]:
        return self._frames(FIRST)

    @property
    def headline(self) -> str:
        return self.summary()

    def in_words(self) -> str:
        return show.sections_text(self.printed())  # the note begins with the headline

    def markdown(self) -> str:
        return show.sections_markdown([frame.section for frame in self._frames(None)]) + "\n"

    def _repr_html_(self) -> str:
        *others, last = self.sections()
        if self.shown:
            cells = "example", *(show.Embedded(one.text, one.html()) for one in self.shown)
            behind = last.rows[0].index("reason") + 1
            both = zip(last.rows, cells, strict=True)
            last = replace(last, rows=[[*row[:behind], cell] for row, cell in both])
        return show.result_html(self.figure(), [*others, last])

    def _frames(self, most: int | None) -> list[show.Frame]:
        leak = [show.Frame("What tells the labels", self.summary(), pd.DataFrame())] if self.leak else []
        decided = {} if self.decided is None else self.decided.labels
        pairs = pairs_frames(self.conflicts, self.in_pairs, decided, most)
        shown = self.table()[:most]
        columns = {
            "id": show.names(),
            "class": show.names(),
            "suggested_class": show.names(title="suggested"),
            "p_wrong": show.numbers(2, title="p wrong"),
            "suggested_share": show.numbers(2, title="say so"),
            "kind": show.names(),
            "reason": show.names(),
        }
        if self.told is not None:
            columns[self.told] = show.Column(shortened)
        of_all = "" if self.decided is None else self.decided.note()
        notices = tuple(filter(None, (self.by_heart(), self.doubt(), *self.doubts, of_all)))
        return [
            *leak,
            *pairs,
            show.Frame("Labels to look at", self._note(len(shown)), shown, columns, notices),
        ]

    def summary(self) -> str:
        if self.leak:
            return f"{self.leak[:1].upper()}{self.leak[1:]}. How many labels are wrong cannot be told."
        of = "labels" if self.split == "train" else "labels of held-out examples"
        likely = likely_wrong(self.num_likely, f" of {len(self.ranked):,} {of}")
        fits = f"{self.about} can be expected to be wrong; {self.between} fit the data"
        found = f"{likely}; in all {fits}. {_BY[self.model_of_noise]}"
        if (made := self.decided) is None:
            return found
        return f"{found} {made.sentence()}{self._left(made.num_wrong)}{made.doubt()}"

    def _left(self, num_wrong: int) -> str:
        p_wrong, num_all = self._undecided, len(self.ranked)
        if not (num := len(p_wrong)):
            return ""
        low, high = (round(max(end * num_all - num_wrong, 0), 6) / num for end in (self.low, self.high))
        likely, share = likely_wrong(int((p_wrong >= 1 / 2).sum())), float(p_wrong.mean())
        return (
            f" Left are {num:,} that are not decided: {likely[:1].lower()}{likely[1:]}, and "
            f"{about(share, num)} ({show.percent(share)}) can be expected to be wrong; "
            f"{fitting(low, high, num)} fit the data."
        )

    def by_heart(self) -> str:
        """A sentence where labels were being learned by heart, and an epoch before was read; else empty."""
        (last, at_end), read, num = self.course[-1], self.rows[-1], len(self.ranked)
        if read.number >= last.number:
            return ""
        the_end = "" if self.others else f"; --at {last.value:g} reads the end"
        return (
            f"Labels are being learned by heart: {read.at} {about(dict(self.course)[read], num)} stood out, "
            f"{last.at} {about(at_end, num)}, so it was read {read.at}{the_end}."
        )

    def doubt(self) -> str:
        """A sentence where the networks know too little to be believed; empty where they know enough."""
        if not self.glance.knows_too_little:
            return ""
        return (
            f"{self._right}: what they do not know they cannot judge, so look at the first ones in any case."
        )

    @property
    def reasons_mean(self) -> str:
        """The words that all reasons share, said once."""
        none = "; none was {} on the labels that it judges" if self.ranked["left_out"].all() else ""
        if self.rows[-1].share is None:
            who = "The reason says how many networks name another class, and from when on"
            return f"{who}{none.format('trained')}."
        return (
            "The reason says how many heads name another class, and how little of the data was enough for "
            f"that. A head is a small classifier of the features{none.format('fitted')}."
        )

    @property
    def _right(self) -> str:
        judges = "networks" if self.rows[-1].share is None else "heads"
        return f"The {judges} have {show.percent(self.known)} of the labels right"

    def _note(self, num_shown: int) -> str:
        first, last = self.rows[0], self.rows[-1]
        when = last.text if first == last else f"{first.name}s {first.value:g} to {last.value:g}"
        others = " and ".join(f"{in_words(path)} {what}" for path, what in self.others)
        kinds: dict[str, list[str]] = {}
        for kind, why in self.left_out_kinds.items():
            if kind not in NOT_CARRIED:
                kinds.setdefault(why, []).append(kind)
        sentences = [
            "" if self.leak else self.summary(),
            f"From {show.counted(self.num_trials, 'trial')} of {self.model}, {when}"
            f"{f', together with {others}' if others else ''}.",
            '"p wrong" is the probability that the label is wrong, "say so" how often the trials say the '
            f"suggested class. {self.reasons_mean}",
            "" if self.doubt() else f"{self._right}.",
            self._listed(num_shown),
            self._judges(),
            *(f"Not looked for: {' and '.join(some)} ({why})." for why, some in kinds.items()),
        ]
        return " ".join(filter(None, sentences))

    def _judges(self) -> str:
        """Who judges, where some labels were left out by no trial, or all are known by heart; else empty."""
        left_out = int(self.ranked["left_out"].sum())
        trained_on = len(self.ranked) - left_out
        if not left_out and self.known >= _BY_HEART:
            return (
                "They trained on these labels, and may have learned wrong ones by heart. With "
                "--train-share 0.8, only trials that were not shown a label judge it."
            )
        if not left_out or not trained_on:
            return ""
        return (
            f"{left_out:,} are judged only by trials that left them out. The other {trained_on:,} were left "
            "out by none, and trials favor labels that they train on. More trials leave out more."
        )

    def _listed(self, num_shown: int) -> str:
        p_wrong = self._to_look_at["p_wrong"]
        over = int((p_wrong >= self.above).sum())
        if over < self.num_listed:
            which, verb = f"{over:,}" if over else "none", "reaches" if over <= 1 else "reach"
            largest = "" if over else f" (the largest is {p_wrong.max():.3f})"
            return f"Listed are the first {self.num_listed}; {which} of them {verb} {self.above:g}{largest}."
        more = f", the first {num_shown} of them here" if num_shown < over else ""
        verbs = ("reaches", "is") if over == 1 else ("reach", "are")
        return f"{over:,} {verbs[0]} {self.above:g} and {verbs[1]} listed{more}."
