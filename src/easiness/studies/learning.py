"""``learning_curve``: how left-out accuracy rises with the share of the examples that heads have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import TIMES, FittedCurve, ShareVotes, fit_curve, share_votes
from easiness.errors import BadInput
from easiness.lazy import Figure, pd
from easiness.store import Run, check_opened

_Z95 = 1.96
_NAMES = {1: "all of them", 2: "twice the data"}


@dataclass(frozen=True, eq=False)
class LearningCurve(show.Result):
    """The ``curve`` of ``num_trials`` trials of a head over ``num_examples`` examples.

    ``chance`` is the accuracy of naming the most frequent class.
    """

    model: str
    num_trials: int
    num_examples: int
    chance: float
    curve: FittedCurve

    @property
    def text(self) -> str:
        """``left-out accuracy by share: 0.2 0.80, 0.8 0.86; twice the data: about 0.88 (0.87 to 0.90)``."""
        pairs = zip(self.curve.shares, self.curve.accuracy, strict=True)
        pairs_text = ", ".join(f"{share:g} {show.number(value, 3)}" for share, value in pairs)
        return f"left-out accuracy by share: {pairs_text}; {self.ahead}"

    @property
    def ahead(self) -> str:
        """The gain of twice the data, or why that is not said."""
        if self.curve.silent:
            return f"what more data would give is unknown: {self.curve.silent}"
        last = self.curve.ahead[-1]
        return f"{_NAMES[2]}: about {show.with_interval(*last.accuracy, 3)}"

    def table(self) -> pd.DataFrame:
        """A row for each share that heads have seen, then one for each number of examples foretold.

        ``share`` is of the examples measured, ``examples`` how many that is. ``accuracy`` is on examples that
        heads have not seen, with the ends ``low`` and ``high`` of its 95 % interval. ``foretold`` tells the
        rows apart.
        """
        shares, error = self.curve.shares, _Z95 * self.curve.error
        low, high = (self.curve.accuracy + sign * error for sign in (-1, 1))
        points = zip(shares, self.curve.accuracy, low.clip(min=0), high.clip(max=1), strict=True)
        ahead = [(one.times, *one.accuracy) for one in self.curve.ahead]
        table = pd.DataFrame([*points, *ahead], columns=["share", "accuracy", "low", "high"])
        table = table.assign(foretold=table.index >= len(shares), model=self.model, trials=self.num_trials)
        table.insert(1, "examples", [round(share * self.num_examples) for share in table["share"]])
        return table

    def figure(self) -> Figure:
        """Accuracy by the number of examples seen, on a logarithmic axis; what is foretold is hollow."""
        table = self.table()
        kinds = {False: (show.LEFT_OUT, "-", "left out"), True: (show.INK, ":", "predicted")}
        lines = []
        for is_forecast, rows in table.groupby("foretold"):
            color, line, name = kinds[bool(is_forecast)]
            reach = [rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]]
            more: dict[str, Any] = {"errors": reach, "solid": not is_forecast}
            name = f"{name}, 95 % interval"
            lines.append(show.Curve(rows["examples"], rows["accuracy"], name, color, line=line, **more))
        figure = show.curves({"": lines}, (5.2, 2.9), x="examples seen", y="accuracy")
        [axes] = figure.axes
        axes.set_xscale("log")
        ticks = table["examples"][~table["foretold"] | (table["share"] == max(TIMES))].tolist()
        axes.set_xticks(ticks, [show.count(one) for one in ticks])
        axes.minorticks_off()
        return figure

    def frames(self) -> list[show.Frame]:
        table = self.table()
        rows = [
            f"{_NAMES[share]} (predicted)" if is_forecast else f"share {share:g}"
            for share, is_forecast in zip(table["share"], table["foretold"], strict=True)
        ]
        columns = {
            "seen": show.names(title="heads have seen"),
            "examples": show.counts(),
            "accuracy": show.numbers(3, title="left-out accuracy", low="low", high="high"),
        }
        note = (
            f"Accuracy of {self.num_trials} trials of {self.model} on left-out examples, of "
            f"{show.count(self.num_examples)} in all. Always naming the most frequent class gives "
            f"{show.number(self.chance)}. Intervals are over examples of the same kind. "
            f"{show.sentence_case(self.ahead)}."
        )
        return [show.Frame("Learning curve", note, table.assign(seen=rows), columns)]


def learning_curve(run: Run) -> LearningCurve:
    """Left-out accuracy by the share of the examples seen, and the forecast for all and for twice as many.

    Heads that had not seen an example count for it. A forecast has a 95 % interval for the accuracy on other
    examples: it allows for the finite number of examples, for which of them heads happened to see, and for
    the form of the curve. Where the shares say nothing of more examples, a reason is given instead.
    """
    check_opened(run=run)
    run.check_course("learning_curve", of_classes=True)
    if not run.shares:
        raise BadInput(
            f"{run.path}: has epochs, not shares, so no learning curve; measure with features (--features)"
        )
    run.resolve_at(None)
    votes = _votes(run)
    return LearningCurve(
        model=run.model,
        num_trials=len(run.trials),
        num_examples=len(run.ids),
        chance=votes.chance,
        curve=fit_curve(votes, len(run.ids)),
    )


def _votes(run: Run) -> ShareVotes:
    """Votes of heads about the examples that they had not seen; a column is read at a time."""
    labels, rows = run.labels, run.observed
    right = np.zeros((len(run.trials), len(rows)), np.int64)
    left_out = np.zeros_like(right)
    of_right = np.zeros((len(rows), len(labels)), np.int64)
    of_heard = np.zeros_like(of_right)
    for at, trial in enumerate(run.trials):
        for row, epoch in enumerate(rows):
            for first, piece in trial.pieces(epoch, ["prediction", "trained_on"]):
                place = slice(first, first + len(piece["prediction"]))
                is_left_out = ~piece["trained_on"]
                correct = is_left_out & (piece["prediction"] == labels[place])
                of_heard[row, place] += is_left_out
                of_right[row, place] += correct
                left_out[at, row] += is_left_out.sum()
                right[at, row] += correct.sum()
    shares = tuple(run.shares[epoch - 1] for epoch in rows)
    chance = float(np.bincount(labels).max() / len(labels))  # of naming the most frequent class
    return share_votes(shares, chance, right, left_out, (of_right, of_heard))
