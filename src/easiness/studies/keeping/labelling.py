"""``to_label``: which examples without labels to label next, and whether that is worth following."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Gain, drawn_examples
from easiness.data import Dataset, load_unlabelled
from easiness.errors import BadInput
from easiness.regular_file import in_words
from easiness.runs import passes_shown
from easiness.spec import at_least
from easiness.store import Run, check_opened
from easiness.studies.keeping.grid import FEWEST_SEEDS
from easiness.studies.keeping.heads import Examples, heads_of, in_files, read_examples
from easiness.studies.keeping.replay import (
    LEVEL,
    MARGIN,
    MOST,
    PICKS,
    RANDOM,
    RARE,
    RULES,
    Judged,
    Positions,
    Replayed,
    Replaying,
    margins,
    near_of,
    probabilities,
    recommended,
    replay,
    without_copies,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from easiness.data import Dataset


_SHOWN = 10  # picks
_ROOM = 1.25  # left and right of the numbers of labels in the figure
_STYLES = {RARE: (show.HARD, "o"), MARGIN: (show.EASY, "s")}


@dataclass(frozen=True, eq=False)
class NextLabels(show.Result):
    """What to label next of a ``pool`` of M examples without labels, beside ``num_labelled`` of a run.

    ``picks`` has for each rule places in the pool, the first one first. Of the pool ``ids`` [M], ``margin``
    [M] (the probability of the first class less that of the second, 0..1), ``rarity`` [M] (0 beside a
    labelled example, 1 where none is near) and ``predicted`` [M], the name of the first class. Of the
    ``num_pool`` that there were, those were left out that are the same as labelled ones, or nearly
    (``num_copies``), or as others of the pool (``num_repeated``); of very many some were drawn. Rarity is
    beside ``num_compared`` labelled ones, which are drawn where there are very many. ``replayed`` is what
    each rule gained on the run's own examples, and ``rule`` the one that is recommended for it. ``pool`` are
    the examples themselves, to show them.
    """

    run: str
    source: str
    num_labelled: int
    num_compared: int
    num_copies: int
    num_repeated: int
    num_pool: int
    rule: str
    replayed: tuple[Replayed, ...] = field(repr=False)
    picks: dict[str, Positions] = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    margin: npt.NDArray[np.float64] = field(repr=False)
    rarity: npt.NDArray[np.float64] = field(repr=False)
    predicted: npt.NDArray[np.object_] = field(repr=False)
    pool: Dataset | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """``label what is rare and uncertain: it beats random here (+1.8, 0.8 to 2.8)``, or that none does.

        Linear classifiers say so.
        """
        here = f"here by linear classifiers ({_points(self._best.gain)})"
        if self.rule == RANDOM:
            return f"no rule beats random {here}: label at random"
        how = {RARE: "what is rare and uncertain", MARGIN: "what has the smallest margin"}[self.rule]
        return f"label {how}: it beats random {here}"

    @property
    def _best(self) -> Replayed:
        """Of the rules, where most were labelled, the one that is recommended, or gained most."""
        start = max(one.start for one in self.replayed)
        there = [one for one in self.replayed if one.start == start and one.rule in RULES]
        own = [one for one in there if one.rule == self.rule]
        return max(own or there, key=lambda one: one.gain.value)

    def table(self) -> pd.DataFrame:
        """A row for each pick, in an order to label in; those of the rule that is recommended come first.

        ``id``, ``rank`` (from 1, by rule), ``rule``, ``margin``, ``rarity`` and ``predicted``.
        """
        import pandas as pd

        order = [self.rule, *(rule for rule in self.picks if rule != self.rule)]
        return pd.concat([self._picked(rule) for rule in order], ignore_index=True)

    def _picked(self, rule: str) -> pd.DataFrame:
        import pandas as pd

        places = self.picks[rule]
        columns = {
            "id": self.ids[places],
            "rank": np.arange(1, len(places) + 1),
            "rule": rule,
            "margin": self.margin[places],
            "rarity": self.rarity[places],
            "predicted": self.predicted[places],
        }
        return pd.DataFrame(columns)

    def figure(self) -> Figure:
        """What each rule gained over random in the replays, in points, by the labels they began with."""
        figure, axes = show.new_axes(4.6, 2.9)
        axes.axhline(0, color=show.INK, linewidth=0.8, linestyle=":")
        for rule, (color, marker) in _STYLES.items():
            own = [one for one in self.replayed if one.rule == rule]
            middle = np.array([100 * one.gain.value for one in own])
            ends = np.array([[100 * end for end in one.gain.interval] for one in own]).T
            beside = 0.97 if rule == RARE else 1.03
            axes.errorbar(
                [one.start * beside for one in own],
                middle,
                yerr=np.abs(np.nan_to_num(ends - middle)),
                color=color,
                marker=marker,
                markersize=5,
                capsize=3,
                linewidth=1.2,
                label=rule,
            )
        axes.set_xscale("log")
        starts = sorted({one.start for one in self.replayed})
        axes.set_xticks(starts, [f"{one:,}" for one in starts])
        axes.set_xlim(starts[0] / _ROOM, starts[-1] * _ROOM)
        axes.minorticks_off()
        axes.set(xlabel="labelled before", ylabel="gain over random (points)")
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """What the rules gained in the replays, and the first picks of the one that is recommended."""
        return [self._verdict(), self._first()]

    def _verdict(self) -> show.Section:
        few = self._best
        rows = [["labelled before", "pool", "picked", "rule", "accuracy", "over random", "interval"]]
        rows += [
            [
                *(show.count(one) for one in (each.start, each.pool, each.picks)),
                f"{each.rule} *" if each.rule == self.rule and each.start == few.start else each.rule,
                show.number(each.accuracy, 3),
                *_cells(each),
            ]
            for each in self.replayed
        ]
        note = (
            f"{show.capitalized(self.text)}. Replayed on the run's own examples over {len(few.right)} draws, "
            f"tested on {show.count(few.right.shape[1])} others; intervals of {show.percent(LEVEL)}, since "
            f"one of two rules is chosen. It is judged where most are labelled: {show.count(few.start)} of "
            f"the {show.count(self.num_labelled)} that the run has."
        )
        return show.Section(f"What to label next, beside {in_words(self.run)}", note, rows)

    def _first(self) -> show.Section:
        table = self._picked(self.rule).head(_SHOWN)
        rows = [["rank", "id", "predicted", "margin", "rarity"]]
        rows += [
            [str(row.rank), str(row.id), str(row.predicted), f"{row.margin:.2f}", f"{row.rarity:.2f}"]
            for row in table.itertuples()
        ]
        left, looked = self.num_pool - self.num_copies - self.num_repeated, len(self.ids)
        drawn = f"; {looked:,} of the rest were drawn" if looked < left else ""
        beside = (
            f", {self.num_compared:,} of which were drawn" if self.num_compared < self.num_labelled else ""
        )
        note = (
            f"The first of {len(self.picks[self.rule]):,} by the rule {self.rule}, from "
            f"{in_words(self.source)}: {show.counted(self.num_pool, 'example')}; copies left out: "
            f"{self.num_copies:,} of labelled ones, {self.num_repeated:,} of others of the "
            f"pool{drawn}. Margin: how much likelier the class predicted is than the second, 0 where "
            "the heads cannot decide. Rarity: 0 beside a labelled example, 1 where none of the "
            f"{self.num_labelled:,} is near{beside}. Labels there are not looked at."
        )
        return show.Section("First picks", note, rows)


def _cells(each: Replayed) -> list[str]:
    if each.rule == RANDOM:
        return ["", ""]
    low, high = (100 * end for end in each.gain.interval)
    return [f"{100 * each.gain.value:+.1f}", show.interval_text(low, high, 1, signed=True)]


def _points(gain: Gain) -> str:
    low, high = (100 * end for end in gain.interval)
    return f"{100 * gain.value:+.1f}, {low:.1f} to {high:.1f}"


PICKED = 100
"""Picks, unless another number is given."""
DRAWS = 20
"""Draws of a replay, unless another number is given."""


def to_label(
    run: Run,
    pool: Any,
    *,
    picks: int = PICKED,
    seeds: int = DRAWS,
    source: Any = None,
    seed: int = 0,
    progress: bool = True,
) -> NextLabels:
    """Which examples of a pool without labels to label next, beside those of a run on features.

    Picks are what is rare and uncertain (together they cover most of what is uncertain and has no label near
    by), what has the smallest margin, and random ones. Which to follow is told by replays on the run's own
    examples: some are taken for labelled, each rule picks from the rest, and heads of both are tested on the
    held-out split, or on a fifth that is set aside. A rule is recommended only where its gain over random is
    shown with an interval, at the largest number of labelled examples: half of those that there are.

    Args:
        run: on features.
        pool: a folder, a table without labels, an ``.npz`` file with ``x``, for vectors of your own an
            ``.npy`` file of them, or in Python an array; labels that are there are not looked at.
        picks: how many to pick, by each rule.
        seeds: draws of a replay, five at least.
        source: where the run's data are now, a `Dataset` or what `load_dataset` takes; where they were by
            default.
        seed: of the draws.
        progress: show how far it is.

    Raises:
        BadInput: the run has no features, the pool cannot be read or is of another kind, or has too few
            examples.
    """
    check_opened(run=run)
    at_least("--picks", picks, 1, MOST)
    at_least("--seeds", seeds, FEWEST_SEEDS)
    at_least("--seed", seed, 0)
    names = [one.name for one in heads_of(run).features]
    found: list[Dataset] = []

    def unlabelled(data: Dataset) -> Dataset:
        found.append(load_unlabelled(pool, data, vectors=in_files(names)))
        _check_enough(picks, found[0], len(found[0]), "example")
        return found[0]

    with passes_shown(progress):
        examples = read_examples(run, source, seed, unlabelled)
        new = _without_copies(examples.copies, len(run.ids))
        _check_enough(picks, found[0], len(new.positions), "new example")
        tried = without_copies(examples.pool, examples.copies[examples.positions])
        if len(tried) < 2 * len(run.classes):
            raise BadInput(
                f"{run.path}: {len(tried)} examples are too few to replay with; label some at random"
            )
        replayed = replay(tried, examples.test, Replaying(picks, seeds, seed))
    return _picked(run, found[0], examples, new, partial(NextLabels, replayed=tuple(replayed)), picks, seed)


def _check_enough(picks: int, pool: Dataset, num: int, what: str) -> None:
    if num < picks:
        raise BadInput(
            f"--picks {picks}: {pool.name} has {show.counted(num, what)}; pick fewer, or give a larger pool"
        )


def _picked(
    run: Run, pool: Dataset, examples: Examples, new: _New, result: partial[NextLabels], picks: int, seed: int
) -> NextLabels:
    """The picks of each rule, with what is said of the pool."""
    num = len(run.ids)
    order = np.random.default_rng(seed).permutation(new.positions)[:MOST]
    labelled = _drawn(num)
    some = examples.everyone.part(np.concatenate([labelled, order]))
    near, known = near_of(some.x.numpy()), np.arange(len(labelled))
    others = np.arange(len(labelled), len(some))
    p = probabilities(examples.everyone.part(np.arange(num)), some.part(others))
    judged = Judged(others, known, margins(p))
    return result(
        run=str(run.path),
        source=pool.where,
        num_labelled=num,
        num_compared=len(labelled),
        num_copies=new.num_copies,
        num_repeated=new.num_repeated,
        num_pool=len(pool),
        rule=recommended(result.keywords["replayed"]),
        picks={rule: pick(near, judged, picks) for rule, pick in PICKS.items()},
        ids=pool.ids[order - num],
        margin=judged.margin,
        rarity=1 - near.covered(known)[others].astype(np.float64),
        predicted=np.array(run.classes, object)[p.argmax(axis=1)],
        pool=pool,
    )


class _New(NamedTuple):
    """Positions of what is new to label; how many others are copies of labelled ones, or of each other."""

    positions: Positions
    num_copies: int
    num_repeated: int


def _without_copies(same: Positions, num: int) -> _New:
    """What is new behind the first ``num``."""
    own = same[num:]
    copies = np.isin(own, same[:num])
    first = np.zeros(len(own), np.bool_)
    first[np.unique(own, return_index=True)[1]] = True
    return _New(num + np.flatnonzero(first & ~copies), int(copies.sum()), int((~first & ~copies).sum()))


def _drawn(num: int) -> Positions:
    drawn = drawn_examples(num, MOST)
    return np.arange(num) if drawn is None else drawn
