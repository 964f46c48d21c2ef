"""The result of `next`: examples to label, and whether the rule that picked them beats random ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from easiness import show
from easiness.data import Dataset
from easiness.lazy import Figure, pd
from easiness.regular_file import in_words

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
