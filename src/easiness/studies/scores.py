"""Every score of every example of a run, or one order of difficulty from several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from easiness import show
from easiness.analysis import SIDES, Side, Votes, select, tie_mass, usual_fraction
from easiness.engine import SEVERAL_RUNS, At, HeldOutToo, Study
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.regular_file import in_words
from easiness.scoring import SCORES as ALL_SCORES, ScoreMoments
from easiness.spec import ALL, Option, Split, observe_text
from easiness.store import Row, Run
from easiness.studies.matching import check_comparable

_LEAVE_OUT = "measure another run with --train-share below 1, such as 0.7"
_STYLES = {"train": (show.TRAIN, "-"), "left_out": (show.LEFT_OUT, "-."), "held_out": (show.HELD_OUT, "--")}
_MOST_MARKED = 15  # epochs up to which each is marked with a dot
_MOST_NAMED = 13  # levels up to which each bar says its share
_FIRST = 20  # rows of the combined order that are shown


@dataclass(frozen=True)
class AccuracyCurves:
    """Accuracy of the trials of a run after each of ``epochs``, which are those observed in all trials.

    ``by_split`` has an array [trials, epochs] of shares in [0, 1] for ``train`` (the examples trained
    on) and, where there are any, ``left_out`` and ``held_out``. ``chance`` is that of guessing a class.
    """

    epochs: tuple[int, ...]
    by_split: dict[str, Floats]
    chance: float

    def mean(self, split: str) -> Floats:
        """Mean over trials after each epoch, [epochs]."""
        return np.asarray(self.by_split[split].mean(axis=0))

    def deviation(self, split: str) -> Floats | None:
        """Standard deviation over trials after each epoch, [epochs]; ``None`` with one trial."""
        values = self.by_split[split]
        return values.std(axis=0, ddof=1) if len(values) > 1 else None


def accuracy_curves(run: Run) -> AccuracyCurves:
    """The accuracy of all finished trials, over the epochs observed in all of them."""
    recorded = [[trial.accuracy(epoch) for epoch in run.observed] for trial in run.trials]
    by_split = {
        split: np.array([[at[split] for at in one] for one in recorded if split in one[0]])
        for split in _STYLES
        if any(split in one[0] for one in recorded)
    }
    return AccuracyCurves(run.observed, by_split, 1 / len(run.classes))


def draw_accuracy(curves: AccuracyCurves, row: Row, shares: tuple[float, ...] = ()) -> Figure:
    """Accuracy over epochs, or ``shares``, with chance and the ``row`` that is read marked."""
    figure, axes = show.new_axes(5.2, 2.9)
    epochs = np.array(shares or curves.epochs)
    for split, values in curves.by_split.items():
        color, line = _STYLES[split]
        if len(values) > 1:
            axes.plot(epochs, values.T, line, color=color, linewidth=0.8, alpha=0.35)
        axes.plot(
            epochs,
            curves.mean(split),
            line,
            color=color,
            linewidth=2,
            marker="o" if len(epochs) <= _MOST_MARKED else "",
            markersize=4,
            label=split.replace("_", "-"),
        )
    show.chance_line(axes, curves.chance)
    axes.axvline(row.value, color=show.FAINT, linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    show.row_axis(axes, shares)
    show.legend_above(axes, len(curves.by_split))
    return figure


@dataclass(frozen=True)
class Levels:
    """The examples that c trials get right, counted for c = 0..N (Eq. 1 without its scale).

    ``num_examples`` [N + 1] and ``by_class`` [classes, N + 1] count examples. ``members`` [N + 1] is how
    many of each level belong to the easy and to the hard set, ties shared equally (``expected``).
    ``cut`` is the level of the last member, ``tie_mass`` the share of all examples in that level if the
    cut splits it, else 0.
    """

    num_examples: Integers
    by_class: Integers
    fraction: float
    members: dict[Side, Floats]
    cut: dict[Side, int]
    tie_mass: dict[Side, float]

    @property
    def num_trials(self) -> int:
        return len(self.num_examples) - 1

    @property
    def shares(self) -> Floats:
        """Share of all examples in each level, [N + 1]."""
        return np.asarray(self.num_examples / self.num_examples.sum())

    @property
    def class_easiness(self) -> Floats:
        """Mean easiness (Eq. 1) of the examples of each class, [classes]; NaN for a class without any."""
        level = np.arange(self.num_trials + 1)
        with np.errstate(invalid="ignore"):
            mean_count = (self.by_class @ level) / self.by_class.sum(axis=1)
        return np.asarray(mean_count / level[self.num_examples > 0].max())


def easiness_levels(votes: Votes, num_classes: int, fraction: float = 0.1) -> Levels:
    """Count the examples of each level."""
    counts = votes.num_right.astype(np.int64)
    num = votes.num_trials + 1
    by_class = np.bincount(votes.labels * num + counts, minlength=num_classes * num)
    members: dict[Side, Floats] = {
        side: np.bincount(counts, select(counts, fraction, side), num).astype(float) for side in SIDES
    }
    return Levels(
        num_examples=np.bincount(counts, minlength=num),
        by_class=by_class.reshape(num_classes, num),
        fraction=fraction,
        members=members,
        cut={side: int(np.flatnonzero(members[side])[0 if side == "easy" else -1]) for side in SIDES},
        tie_mass={side: tie_mass(counts, fraction, side) for side in SIDES},
    )


def draw_levels(levels: Levels) -> Figure:
    """A bar per level; the part of it that belongs to the easy and to the hard set is colored."""
    figure, axes = show.new_axes(5.2, 2.7)
    total = levels.num_examples.sum()
    at = np.arange(levels.num_trials + 1)
    shares = 100 * levels.shares
    hard, easy = 100 * levels.members["hard"] / total, 100 * levels.members["easy"] / total
    axes.bar(at, shares, 0.82, color=show.FAINT)
    axes.bar(at, hard, 0.82, color=show.HARD, label=f"hardest {levels.fraction:.0%}")
    axes.bar(at, easy, 0.82, bottom=hard, color=show.EASY, label=f"easiest {levels.fraction:.0%}")
    if levels.num_trials < _MOST_NAMED:
        for level, share in enumerate(shares):
            axes.annotate(
                f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}",
                (level, share),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=show.INK,
                fontsize=show.FONT_SIZE,
            )
    axes.set(
        xlabel=f"number of trials, of {levels.num_trials}, that are right",
        ylabel="share of examples (%)",
        xlim=(-0.6, levels.num_trials + 0.6),
    )
    show.whole_ticks(axes)
    show.legend_above(axes, 2)
    return figure


@dataclass(frozen=True, eq=False)
class RunScores(show.Result):
    """The ``scores`` of ``run`` after ``epoch`` epochs; ``fraction`` is that of the easy and the hard set.

    ``split`` says of which examples.
    """

    run: Run
    epoch: int
    fraction: float
    scores: pd.DataFrame = field(repr=False)
    split: Split = "train"
    listing = "scores"

    def __repr__(self) -> str:
        return f"RunScores({self.run!r}, {self.run.row(self.epoch).text}, examples={len(self.scores)})"

    def in_full(self) -> str:
        data = self.run.spec.data.train.fingerprint
        return (
            f"RunScores({self.run!r}, data={data!r}, epoch={self.epoch}, fraction={self.fraction:g}, "
            f"split={self.split!r})"
        )

    def table(self) -> pd.DataFrame:
        """A row for each example, see `Run.scores`."""
        return self.scores

    @property
    def notices(self) -> list[str]:
        run, found = self.run, list[str | None]()
        if run.spec.observe != ALL and not (self.split == "held_out" and run.augmented):  # that is seen clean
            found.append(f"observations: {observe_text(run.spec.observe)}")
        found += [self.scores.attrs.get("unfinished"), self.left_empty()]
        return [f"{in_words(run.path)}: {one}" for one in found if one]

    def printed(self) -> list[show.Section]:
        return []  # the table is long enough

    def left_empty(self) -> str | None:
        """Name the scores without a value: of networks those that need trials which left examples out."""
        of_heads = bool(self.run.shares)
        asked = [one.name for one in ALL_SCORES if of_heads or "trials without x" in one.needs]
        empty = [name for name in asked if name in self.scores and self.scores[name].isna().all()]
        if not empty or not (of_heads or (self.split == "train" and empty == asked)):
            return None
        if of_heads:
            why = "they follow the course of one training, and heads on shares have none"
        else:
            how = "record trials with trained_on=" if self.run.spec.measured is None else _LEAVE_OUT
            why = f"they need trials that left examples out; {how}"
        return f"{', '.join(empty)} are empty: {why}"

    def figure(self) -> Figure:
        """The examples by how many trials are right, and where the two sets are cut off."""
        votes = self.run.votes(self.epoch, split=self.split)
        return draw_levels(easiness_levels(votes, len(self.run.classes), self.fraction))

    def frames(self) -> list[show.Frame]:
        return [self._by_score(), self._by_class()]

    def _by_score(self) -> show.Frame:
        scored = [str(one).removesuffix("_se") for one in self.scores if str(one).endswith("_se")]
        values = self.scores[scored]
        data = values.agg(["mean", "std", "min", "max"]).T.set_axis(["mean", "sd", "least", "most"], axis=1)
        data.insert(0, "score", scored)
        data["95 % within"] = [
            (self.scores[f"{one}_high"] - self.scores[f"{one}_low"]).mean() / 2 for one in scored
        ]
        data["undefined"] = values.isna().sum()
        of = "examples" if self.split == "train" else "held-out examples"
        columns = {str(name): show.numbers() for name in data}
        return show.Frame(
            f"Scores of {len(self.scores)} {of} {self.run.at(self.epoch)}",
            f"{self.run.network}, {len(self.run.trials)} trials. Over all examples that have the "
            "score. 95 % within: half the width of an example's interval, on average.",
            data,
            columns | {"score": show.names(), "undefined": show.counts()},
        )

    def _by_class(self) -> show.Frame:
        own = self.scores.groupby("label", sort=True)
        data = own[["easiness", "p_easy", "p_hard"]].mean()
        data["class"] = [self.run.classes[int(label)] for label in data.index]
        data["examples"] = own.size()
        data["never learned"] = own["never_learned"].sum()
        columns = {
            "class": show.names(),
            "examples": show.counts(),
            "easiness": show.numbers(),
            "p_easy": show.numbers(title="p easy"),
            "p_hard": show.numbers(title="p hard"),
            "never learned": show.counts(),
        }
        return show.Frame(
            "Easiness by class",
            "Means over the examples of a class; p easy and p hard are the probabilities to be among the "
            f"truly easiest and hardest {100 * self.fraction:g} % of all examples.",
            data,
            columns,
        )


def run_scores(
    run: Run, at: float | None = None, fraction: float | None = None, split: Split = "train"
) -> RunScores:
    """Every score of every example of a split ``at`` an epoch or a share; as `Run.scores`."""
    table = run.scores(at, fraction=fraction, split=split)
    asked = usual_fraction(len(table)) if fraction is None else fraction
    return RunScores(run, run.resolve_at(at), asked, table, split)


@dataclass(frozen=True, eq=False)
class CombinedScores(show.Result):
    """Examples with the ranks that several runs give them, and the mean of these, the hardest first.

    ``agreement`` is Spearman's rank correlation of the runs, the mean over pairs.
    """

    runs: tuple[Run, ...]
    scores: pd.DataFrame = field(repr=False)
    agreement: float
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row an example, in the order of the runs.

        ``id``, ``label``, ``class``; ``difficulty``, the mean over runs of the rank by `difficulty`
        in each, from 0 (easiest) to 1 (hardest), with ``difficulty_se``, ``difficulty_low`` and
        ``difficulty_high`` over runs; then each run's own rank, ``rank_1``, ``rank_2``, ..., and
        ``easiness_1``, ``easiness_2``, ...
        """
        return self.scores

    def printed(self) -> list[show.Section]:
        return []  # the table is long enough

    def figure(self) -> Figure:
        """The ranks of the first two runs against each other."""
        figure, axes = show.new_axes(4.2, 4.0)
        axes.scatter(self.scores["rank_1"], self.scores["rank_2"], s=4, alpha=0.3, color=show.HARD, lw=0)
        axes.set(xlabel=f"rank in {self.runs[0].path.name}", ylabel=f"rank in {self.runs[1].path.name}")
        return figure

    def frames(self) -> list[show.Frame]:
        names = ", ".join(f"{in_words(run.path)} ({run.model})" for run in self.runs)
        hardest = self.scores.sort_values("difficulty", ascending=False, kind="stable").head(_FIRST)
        ranks = [f"rank_{at}" for at in range(1, len(self.runs) + 1)]
        note = (
            f"{names}. Difficulty is the mean rank of an example over the runs: 0 is the easiest, 1 "
            f"the hardest. The runs' ranks correlate at {self.agreement:.2f}."
        )
        columns = {"id": show.names(), "class": show.names()}
        columns |= {name: show.numbers() for name in ("difficulty", *ranks)}
        return [show.Frame("The hardest examples of all runs together", note, hardest, columns)]


def combined_scores(runs: Sequence[Run], *, split: Split = "train") -> CombinedScores:
    """One order of difficulty from several runs over the same data, such as a training and heads on features.

    Each is read at its last epoch or largest share. What runs see differs, and so do their mistakes: the mean
    of their ranks is nearer to what a third one finds hard than either. No weight is fitted.
    """
    check_comparable(runs)
    tables = [run.scores(split=split) for run in runs]
    # from 0 to 1, the mean rank for equal values
    ranks = [(table["difficulty"].rank().to_numpy() - 1) / max(len(table) - 1, 1) for table in tables]
    moments = ScoreMoments(len(tables[0]))
    for rank in ranks:
        moments.add(rank)
    found = moments.estimate()
    columns: dict[str, Floats] = {
        "difficulty": found.value,
        "difficulty_se": found.se,
        "difficulty_low": np.maximum(found.low, 0),
        "difficulty_high": np.minimum(found.high, 1),
    }
    for at, (rank, table) in enumerate(zip(ranks, tables, strict=True), 1):
        columns |= {f"rank_{at}": rank, f"easiness_{at}": table["easiness"].to_numpy()}
    fixed = tables[0][["id", "label", "class"]]
    pairs = np.asarray(np.corrcoef(ranks))[np.triu_indices(len(ranks), 1)]
    return CombinedScores(tuple(runs), pd.concat([fixed, pd.DataFrame(columns)], axis=1), float(pairs.mean()))


@dataclass(frozen=True)
class Scored:
    """Options of `scores`."""

    run: Annotated[
        tuple[Run, ...],
        Option(
            "",
            "Folder of a run. Several on the same data give one common order of difficulty.",
            **SEVERAL_RUNS,
        ),
    ]
    at: At = None
    fraction: Annotated[
        float | None,
        Option(
            "--fraction",
            "Share of the examples that are easy, and hard, for p_easy and p_hard; 0.1 by default.",
        ),
    ] = None
    split: HeldOutToo = "train"


def scores(asked: Scored) -> RunScores | CombinedScores:
    """The scores of a run, or the order of difficulty of several together."""
    if len(asked.run) == 1:
        return run_scores(asked.run[0], asked.at, asked.fraction, asked.split)
    for option, value in (("--at", asked.at), ("--fraction", asked.fraction)):
        if value is not None:
            raise BadInput(f"{option} {value:g}: of several runs each is read at its end; leave it out")
    return combined_scores(asked.run, split=asked.split)


SCORES = Study(
    "scores",
    "Look",
    "Write every score of every example, with standard errors.",
    Scored,
    scores,
    about="Also how probably each example is among the easiest or the hardest.",
)
