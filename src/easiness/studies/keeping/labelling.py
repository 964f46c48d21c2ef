"""The results of `next`: examples to label, by a rule that may beat random ones; or whom to ask what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from easiness import show
from easiness.analysis import useful_questions
from easiness.data import Dataset
from easiness.lazy import Figure, pd
from easiness.regular_file import in_words
from easiness.spec import command_line
from easiness.studies.labels import Consensus, consensus

if TYPE_CHECKING:
    from easiness.studies.keeping.study import NextOptions

RARE, MARGIN, RANDOM = "rare and uncertain", "margin", "random"
RULES = (RARE, MARGIN)  # rules that are held against `RANDOM`

LEVEL = 0.975  # level of intervals: one of two rules is recommended, and by chance each gets its turn
MOST = 20_000  # examples that a replay draws from

_NUM_SHOWN = 10  # picks
_COLORS = {RARE: show.HARD, MARGIN: show.EASY}


@dataclass(frozen=True, eq=False)
class NextLabels(show.Result):
    """Examples to label next of a ``pool`` without labels, beside ``num_labelled`` examples of a run.

    ``picks`` has a row for each pick: ``id``, ``rank`` (from 1, by rule), ``rule``, ``margin`` (how much
    likelier the first class is than the second, 0..1), ``rarity`` (0 beside a labelled example, 1 where none
    is near) and the class ``predicted``. Copies of labelled ones (``num_copies``) and of others
    (``num_repeated``) were left out, and ``num_looked_at`` of the rest looked at. ``replays`` has the gain of
    each ``rule`` on the run's own examples, a row a ``start`` of so many labelled ones: its ``picks`` of a
    ``pool``, the ``accuracy`` of heads then, the ``gain`` over as many at random with its ends ``low`` and
    ``high``, and ``right`` [seeds, n]. ``rule`` is the recommended one.
    """

    run: str
    source: str
    num_labelled: int
    num_copies: int
    num_repeated: int
    num_pool: int
    num_looked_at: int
    rule: str
    replays: pd.DataFrame = field(repr=False)
    picks: pd.DataFrame = field(repr=False)
    pool: Dataset | None = field(default=None, repr=False)

    @property
    def headline(self) -> str:
        """``Label what is rare and uncertain: it beats random here (+1.8, 0.8 to 2.8)``, or none does."""
        gain, low, high = 100 * self._best[["gain", "low", "high"]]
        here = f"here by linear classifiers ({gain:+.1f}, {low:.1f} to {high:.1f})"
        if self.rule == RANDOM:
            return f"No rule beats random {here}: label at random"
        how = {RARE: "what is rare and uncertain", MARGIN: "what has the smallest margin"}[self.rule]
        return f"Label {how}: it beats random {here}"

    @property
    def _best(self) -> pd.Series:
        most = self.replays[self.replays["start"] == self.replays["start"].max()]
        there = most[most["rule"].isin(RULES if self.rule == RANDOM else [self.rule])]
        best: pd.Series = there.loc[there["gain"].idxmax()]
        return best

    def table(self) -> pd.DataFrame:
        """A row for each pick, in an order to label in; those of the rule that is recommended come first."""
        return self.picks

    def figure(self) -> Figure:
        """The gain of each rule over random in the replays, in points, by the labels they began with."""
        starts = self.replays["start"].unique().tolist()
        columns = ["gain", "low", "high"]
        series = {
            rule: ((100 * self.replays.loc[self.replays["rule"] == rule, columns]).to_numpy().tolist(), color)
            for rule, color in _COLORS.items()
        }
        names = [f"{start:,} labelled before" for start in starts]
        return show.dots_with_intervals(names, series, "gain over random (points)")

    def frames(self) -> list[show.Frame]:
        return [self._verdict(), self._first()]

    def _verdict(self) -> show.Frame:
        few = self._best
        base = self.replays[["start", "pool", "picks", "accuracy", "low", "high"]]
        is_advised = (self.replays["rule"] == self.rule) & (base["start"] == few["start"])
        data = base.assign(
            rule=self.replays["rule"] + np.where(is_advised, " *", ""),
            gain=self.replays["gain"].where(self.replays["rule"] != RANDOM),
        )
        seeds, num = few["right"].shape
        note = (
            f"{self.headline}. Replayed on the run's own examples over {seeds} draws, tested on "
            f"{show.count(num)} others; intervals of {show.percent(LEVEL)}, since one of two rules is "
            f"chosen, where most are labelled: {show.count(few['start'])} of {show.count(self.num_labelled)}."
        )
        columns = {
            "start": show.counts(title="labelled before"),
            "pool": show.counts(),
            "picks": show.counts(title="picked"),
            "rule": show.names(),
            "accuracy": show.numbers(3),
            "gain": show.points(title="over random", low="low", high="high"),
        }
        return show.Frame(f"Examples to label next, beside {in_words(self.run)}", note, data, columns)

    def _first(self) -> show.Frame:
        left, num_looked = self.num_pool - self.num_copies - self.num_repeated, self.num_looked_at
        own = self.picks[self.picks["rule"] == self.rule]
        draw_note = f"; {num_looked:,} of the rest were drawn" if num_looked < left else ""
        note = (
            f"The first of {len(own):,} by the rule {self.rule}, from {in_words(self.source)}: "
            f"{show.quantity(self.num_pool, 'example')}; copies left out: {self.num_copies:,} of labelled "
            f"ones, {self.num_repeated:,} of others of the pool{draw_note}. Margin: how much likelier the "
            "class predicted is than the second. Rarity: 0 beside a labelled example, 1 where none of the "
            f"{self.num_labelled:,} is near. Labels there are not looked at."
        )
        texts = dict.fromkeys(("rank", "id", "predicted"), show.names())
        columns = {**texts, **dict.fromkeys(("margin", "rarity"), show.numbers(2))}
        return show.Frame("First picks", note, own.head(_NUM_SHOWN), columns)


_LOOKS, _NUM_QUESTIONS = 200, 20
_REMEDY = "ask a new person, or look at labels drawn by chance (easiness audit)"


@dataclass(frozen=True, eq=False)
class NextAnswers(show.Result):
    """The ``questions`` to ask people beside their votes for ``labels``, at most so many ``looks``."""

    labels: Consensus = field(repr=False)
    looks: int
    questions: pd.DataFrame = field(repr=False)
    listing = "questions"

    def table(self) -> pd.DataFrame:
        """A row for each question, the most useful first.

        ``id``, how often to ask, ``more`` (once), ``by`` whom, the ``gain`` in the probability of the
        likeliest label that is expected, this label's ``class`` and probability ``p_label`` now, ``votes``.
        """
        return self.questions

    @property
    def headline(self) -> str:
        num, gain = len(self.questions), self.questions["gain"].sum()
        if not num:
            return f"No further answer of these people is expected to put a label right; {_REMEDY}"
        items, people = self.questions[["id", "by"]].nunique()
        who = f"{people:,} {'person' if people == 1 else 'people'} on {show.quantity(items, 'item')}"
        return f"{show.quantity(num, 'question')} to {who}: expected to put {gain:,.1f} labels right"

    @property
    def notices(self) -> Sequence[str]:
        texts, num, doubt = [*self.labels.notices], len(self.questions), self.labels.posterior.doubt
        if 0 < num < self.looks:
            texts.append(f"{self.looks - num:,} more questions to these people would gain nothing; {_REMEDY}")
        return (
            [*texts, f"how many labels answers put right is uncertain: {doubt}"] if num and doubt else texts
        )

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        again = command_line("labels", *self.labels.words, "-o", "consensus.csv")
        files = [one for one in outputs if one.suffix == ".csv" and len(self.questions)]
        return [f"ask as {one} says, add the answers to the votes, then {again}" for one in files]

    def figure(self) -> Figure:
        """How many labels are expected to be put right by so many questions."""
        gain = np.append(0, self.questions["gain"].cumsum())
        curve = show.Curve(np.arange(len(gain)), gain, color=show.TRAIN, marker="")
        return show.curves({"": [curve]}, (5.2, 2.7), x="questions", y="labels put right, expected")

    def frames(self) -> list[show.Frame]:
        columns = {name: show.names() for name in ("id", "by", "class")}
        columns |= {"gain": show.numbers(3), "p_label": show.probabilities(), "votes": show.counts()}
        note = f"{self.headline}. Gain is how much likelier the likeliest class is expected to be."
        return [show.Frame("Whom to ask about what", note, self.questions[:_NUM_QUESTIONS], columns)]


def next_answers(options: NextOptions) -> NextAnswers:
    """Whom of the people of votes to ask about which items of a run, or else of those that votes name."""
    of = consensus(options.run, options.annotations)
    rows, looks = of.csv_rows(), _LOOKS if options.looks is None else options.looks
    item, by = (of.votes.votes[name].to_numpy() for name in ("item", "by"))
    item, by, gain = useful_questions(of.posterior, item, by, rows["votes"].to_numpy(np.float64), looks)
    people = np.array(of.votes.people, object)[by]
    rows = rows.loc[item].reset_index(drop=True).assign(more=1, by=people, gain=gain)
    return NextAnswers(of, looks, rows[["id", "more", "by", "gain", "class", "p_label", "votes"]])
