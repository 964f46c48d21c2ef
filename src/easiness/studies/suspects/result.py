"""The labels of a run by how suspect they are, and how many are wrong: in words, numbers and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness import show
from easiness.data import UNKNOWN, UNSURE, Decisions, RunTags, unfold_tags
from easiness.lazy import Figure, Floats, pd
from easiness.regular_file import in_words
from easiness.runs import CellTexts
from easiness.spec import Split
from easiness.store import Row
from easiness.studies.suspects.conflicts import FIRST, Conflicts, Labels, short_text
from easiness.studies.suspects.evidence import VOTES, Glance
from easiness.studies.suspects.kinds import NEVER_NAMED

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
    "tags": "Counted by tag, from how often each is given where trials expect it and where they do not.",
}


def _about(share: float, num: int) -> str:
    """``about 312``: how many of ``num`` a share is."""
    return "fewer than one" if share * num < 1 else f"about {round(share * num):,}"


def _range(low: float, high: float, num: int) -> str:
    """``150 to 520``, or ``up to 12``: a range of shares of ``num``."""
    least, most = math.floor(low * num), math.ceil(high * num)
    return f"{f'{least:,} to' if least else 'up to'} {most:,}"


def _likely_wrong(p_wrong: Floats, none: str, of: str = "") -> str:
    """``12 of 300 labels are more likely wrong than right``, where ``of`` is as many labels."""
    num = int((p_wrong >= 1 / 2).sum())
    return f"{f'{num:,}' if num else none}{of} {'is' if num <= 1 else 'are'} more likely wrong than right"


ABOVE = 0.1
"""The least probability of a wrong label that is listed."""
AT_LEAST = 5
"""So many are listed in any case: one looks at the first ones anyway."""

_BINS = 40
_BY_HEART = 0.97  # of the labels


def num_to_list(p_wrong: Floats, above: float) -> int:
    """How many of the most suspicious examples are listed, by the probabilities [K] of all."""
    return max(int((p_wrong >= above).sum()), min(AT_LEAST, len(p_wrong)))


@dataclass(frozen=True, eq=False)
class LabelDecisions:
    """The ``decisions`` of a ``file`` on the labels of a run.

    So many of those that somebody was sure of were ``expected_wrong``. ``factor`` is by how much the odds of
    the last ones looked at have changed for examples like them. ``audit`` is the command that tells of the
    rest, where decisions from the top of the list alone do not.
    """

    file: Path
    decisions: Decisions
    expected_wrong: float
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
        sure = self.decisions.part(self.decisions.sure)
        pairs = zip(sure.of.ids[sure.at].tolist(), sure.labels.tolist(), strict=True)
        return {(sure.split, name): None if label == UNKNOWN else label for name, label in pairs}

    def sentence(self) -> str:
        num, wrong = len(self.decisions) - self.num_sure, self.num_wrong
        unsure = f", {num:,} left unsure {'is' if num == 1 else 'are'} still open and not listed"
        was = "was" if wrong == 1 else "were"
        return (
            f"{self.num_sure:,} are decided{unsure if num else ''}: {wrong:,} {was} found wrong, where "
            f"{self.expected_wrong:,.1f} were expected. This multiplies the odds of the labels near them by "
            f"{show.number(self.factor)}."
        )

    def note(self) -> str:
        """A sentence where the file names every example; else empty."""
        num = len(self.decisions)
        if num < len(self.decisions.of.ids):
            return ""
        return (
            f"{in_words(self.file)} has an action for each of the {num:,} examples, as labels writes it: all "
            "count as looked at; empty the action of those that nobody has seen."
        )


class Views(NamedTuple):
    """Texts of all examples, the first suspects themselves, and texts of ``pairs`` that conflict."""

    texts: CellTexts | None = None
    examples: tuple[show.ShownExample, ...] = ()
    pairs: Mapping[tuple[str, object], str] = {}


@dataclass(frozen=True, eq=False)
class Suspects(show.Result):
    """The labels of a ``split`` of a run, most suspicious first, as ``ranked``, a row for each example.

    Its columns are those of `table` and ``margin``, ``p_label`` (means over trials and epochs),
    ``rival_share`` (of the predictions that are not the label, how many are the suggested class),
    ``num_heard`` trials, and whether they ``left_out`` the example. Decided ones come last, with their
    ``action``; their ``p_wrong`` is 0 or 1 where somebody was sure.

    ``share`` is the expected share of wrong labels by the model named by ``model_of_noise``, ``low`` to
    ``high`` the range that fits the data; over the ``course`` of the training this share stood out. ``known``
    is the share of the predictions heard that are the label. The table has labels of a probability of
    ``above`` or more, and the first few in any case. ``conflicts`` are certain; ``left_out_kinds`` says which
    kinds were not looked for and why. ``others`` are folders of runs that judged along. A ``leak`` says what
    tells the labels: the number of wrong ones is then not a number. ``doubts`` are sentences on the runs.
    With ``tags`` a row here has the id of a question, and in what is written ``id`` and ``tag``.
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
    views: Views = field(default=Views(), repr=False)
    decided: LabelDecisions | None = None
    doubts: tuple[str, ...] = ()
    leak: str = ""
    tags: RunTags | None = field(default=None, repr=False)

    @property
    def num_likely(self) -> int:
        """How many labels are more likely wrong than right."""
        return int((self.ranked["p_wrong"] >= 1 / 2).sum())

    @property
    def num_listed(self) -> int:
        by = "suggested_share" if self.of_votes else "p_wrong"
        return num_to_list(self._open[by].to_numpy(), self.above)

    @property
    def of_votes(self) -> bool:
        """Are bare votes all that is known? They tell no probability and no number."""
        return self.model_of_noise == "votes"

    @property
    def _open(self) -> pd.DataFrame:
        """Examples that nobody has looked at."""
        return self.ranked if self.decided is None else self.ranked[self.ranked["action"] == ""]

    @property
    def _unsure(self) -> Floats:
        """How likely each label is wrong of which nobody is sure."""
        return self.ranked["p_wrong"][self.ranked["action"].isin(("", UNSURE))].to_numpy()

    @property
    def about(self) -> str:
        """``about 312 (3.1 %)``: how many can be expected to be wrong."""
        if self.leak or self.of_votes:
            return "cannot be told"
        return f"{_about(self.share, len(self.ranked))} ({show.percent(self.share)})"

    @property
    def between(self) -> str:
        """``150 to 520``: how many fit the data."""
        return (
            "cannot be told" if self.leak or self.of_votes else _range(self.low, self.high, len(self.ranked))
        )

    @property
    def glance(self) -> Glance:
        """How many labels are wrong, and how many are known."""
        return Glance(len(self.ranked), self.share, self.known, leak=self.leak)

    def table(self) -> pd.DataFrame:
        """The suspects, most suspicious first, and last those in which there is nothing to see or hear.

        ``id``, ``label`` and ``class``, the ``suggested`` label (-1 where nothing tells one) and its class,
        ``p_wrong``, ``suggested_share`` (the share of all predictions heard that name it), ``kind`` and
        ``reason``; where the data are found a ``text``, or a ``path`` where files have positions for ids;
        then the scores behind it. A ``tag`` is ``suggested`` to be ``missing`` or ``present``.
        """
        flaws = [name for split, name in self.conflicts.flaws if split == self.split]
        rows = self._open
        rows = rows[(np.arange(len(rows)) < self.num_listed) | rows["id"].isin(flaws)]
        return unfold_tags(rows.drop(columns="action", errors="ignore"), self.tags)

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
            "kinds_left_out": {**self.left_out_kinds, **NEVER_NAMED},
            "conflicts": self.conflicts.pairs.to_dict("records"),
            "suspects": self.table().to_dict("records"),
        }
        if self.decided is not None:
            left, looked_at = self._unsure, unfold_tags(self.ranked[self.ranked["action"] != ""], self.tags)
            document["decisions"] = {
                "decided": self.decided.num_sure,
                "unsure": len(self.decided.decisions) - self.decided.num_sure,
                "found_wrong": self.decided.num_wrong,
                "foretold_wrong": self.decided.expected_wrong,
                "odds_factor": self.decided.factor,
                "audit": self.decided.audit or None,
                "left": {
                    "num_examples": len(left),
                    "num_likely": int((left >= 1 / 2).sum()),
                    "expected_wrong": float(left.sum()),
                },
                "examples": looked_at.to_dict("records"),
            }
        return show.without_nan(document)

    def figure(self) -> Figure:
        """A histogram of the mean margin of the label, the wrong ones expected in the color of hard."""
        figure, axes = show.new_axes(5.2, 2.9)
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

    def course_figure(self) -> Figure | None:
        """The curve with the row read, and behind its end what is expected and what fits the data."""
        if len(self.course) < _FEWEST_OF_CURVE:
            return None
        figure, axes = show.new_axes(3.6, 2.4)
        rows, shares = zip(*((row.value, 100 * share) for row, share in self.course), strict=True)
        last = self.rows[-1]
        axes.plot(rows, shares, color=show.INK, linewidth=1.4, marker="o", markersize=3)
        share, low, high = shares[rows.index(last.value)], 100 * self.low, 100 * self.high
        axes.plot(last.value, share, "o", color=show.HARD, markersize=7, label="read")
        aside = rows[-1] + _ASIDE * (rows[-1] - rows[0])
        axes.vlines(aside, low, high, color=show.HARD, linewidth=3, label="fits the data")
        axes.plot(aside, 100 * self.share, "_", color=show.INK, markersize=9, markeredgewidth=2)
        axes.set(xlabel=last.name, ylabel="labels that stand out (%)")
        axes.set_ylim(bottom=0)
        show.whole_ticks(axes)
        show.legend_above(axes, 2)
        return figure

    def frames(self) -> list[show.Frame]:
        return self._frames(FIRST)

    def in_words(self) -> str:
        return show.sections_text(self.printed_sections())  # the note begins with the headline

    def markdown(self) -> str:
        return show.sections_markdown([frame.section for frame in self._frames(None)]) + "\n"

    def _repr_html_(self) -> str:
        *others, last = self.sections()
        if self.views.examples:
            cells = "example", *(show.HtmlCell(one.text, one.html()) for one in self.views.examples)
            behind = last.rows[0].index("reason") + 1
            both = zip(last.rows, cells, strict=True)
            last = replace(last, rows=[[*row[:behind], cell] for row, cell in both])
        return show.result_html(self.figure(), [*others, last])

    def _frames(self, most: int | None) -> list[show.Frame]:
        leak = [show.Frame("A value tells the labels", self.headline, pd.DataFrame())] if self.leak else []
        labels, note = ({}, "") if self.decided is None else (self.decided.labels, self.decided.note())
        data = self.table()[:most]
        columns = {
            **show.id_columns(data),
            "class": show.names(),
            "suggested_class": show.names(title="suggested"),
            "p_wrong": show.numbers(2, title="p wrong"),
            "suggested_share": show.numbers(2, title="say so"),
            "kind": show.names(),
            "reason": show.names(),
        }
        if self.views.texts is not None:
            columns[self.views.texts.column] = show.Column(short_text)
        notices = tuple(filter(None, (self.by_heart(), self.doubt(), *self.doubts, note)))
        pairs = self.conflicts.frames(self.views.pairs, labels, most)
        return [*leak, *pairs, show.Frame("Labels to look at", self._note(len(data)), data, columns, notices)]

    @property
    def headline(self) -> str:
        if self.leak:
            return f"{show.sentence_case(self.leak)}. How many labels are wrong cannot be told."
        if self.of_votes:
            return (
                f"A trial {VOTES}; give the probabilities behind them (predict_proba, a softmax). Labels are "
                "in the order of the share of votes for one other class. An "
                "audit counts the wrong ones (`easiness audit`)."
            )
        of = "labels" if self.split == "train" else "labels of held-out examples"
        likely = _likely_wrong(self.ranked["p_wrong"].to_numpy(), "None", f" of {len(self.ranked):,} {of}")
        range_ = f"{self.about} can be expected to be wrong; {self.between} fit the data"
        return f"{likely}; in all {range_}. {_BY[self.model_of_noise]}{self._after_decisions()}"

    def _after_decisions(self) -> str:
        """Sentences on decisions, on how many of the others are wrong, and on an audit; else empty."""
        if self.decided is None:
            return ""
        text, p_wrong, num_all = f" {self.decided.sentence()}", self._unsure, len(self.ranked)
        if num := len(p_wrong):
            wrong = self.decided.num_wrong
            low, high = (round(max(end * num_all - wrong, 0), 6) / num for end in (self.low, self.high))
            share = float(p_wrong.mean())
            text += (
                f" Left are {num:,} that are not decided: {_likely_wrong(p_wrong, 'none')}, and "
                f"{_about(share, num)} ({show.percent(share)}) can be expected to be wrong; "
                f"{_range(low, high, num)} fit the data."
            )
        if self.decided.audit:
            text += " Decisions are from the top of the list, and say little of those below; an audit tells: "
            text += f"{self.decided.audit}."
        return text

    def by_heart(self) -> str:
        """A sentence where labels were being learned by heart, and an epoch before was read; else empty."""
        (last, at_end), read, num = self.course[-1], self.rows[-1], len(self.ranked)
        if read.number >= last.number:
            return ""
        the_end = "" if self.others else f"; --at {last.value:g} reads the end"
        return (
            f"Labels are being learned by heart: {read.at} {_about(dict(self.course)[read], num)} stood out, "
            f"{last.at} {_about(at_end, num)}, so it was read {read.at}{the_end}."
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
        otherwise = "name another class" if self.tags is None else "say otherwise"
        none = "; none was {} on the labels that it judges" if self.ranked["left_out"].all() else ""
        if self.rows[-1].share is None:
            who = f"The reason says how many networks {otherwise}, and from when on"
            return f"{who}{none.format('trained')}."
        return (
            f"The reason says how many heads {otherwise}, and how little of the data was enough for "
            f"that. A head is a small classifier of the features{none.format('fitted')}."
        )

    @property
    def _right(self) -> str:
        judges = "networks" if self.rows[-1].share is None else "heads"
        return f"The {judges} have {show.percent(self.known)} of the labels right"

    def _note(self, num: int) -> str:
        """The sentences above the first ``num`` suspects."""
        first, last = self.rows[0], self.rows[-1]
        when = last.text if first == last else f"{first.name}s {first.value:g} to {last.value:g}"
        others = " and ".join(f"{in_words(path)} {what}" for path, what in self.others)
        kinds: dict[str, list[str]] = {}
        for kind, why in self.left_out_kinds.items():
            kinds.setdefault(why, []).append(kind)
        over = int((self._open["p_wrong"] >= self.above).sum())
        extent = f"Listed are the first {self.num_listed}; {self.above:g} or more: {over or 'none'}."
        if over >= self.num_listed:
            more = f", the first {num} of them here" if num < over else ""
            extent = f"Listed are those of {self.above:g} or more: {over:,}{more}."
        sentences = [
            "" if self.leak else self.headline,
            f"From {show.quantity(self.num_trials, 'trial')} of {self.model}, {when}"
            f"{f', together with {others}' if others else ''}.",
            '"p wrong" is the probability that the label is wrong, "say so" how often the trials say the '
            f"suggested class. {self.reasons_mean}",
            "" if self.doubt() else f"{self._right}.",
            extent,
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
