"""Every score of every example of a run, or one order of difficulty from several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

import numpy as np

from easiness import show
from easiness.analysis import FEWEST, SIDES, Side, Votes, select, tie_mass, usual_fraction
from easiness.engine import SEVERAL_RUNS, At, HeldOutToo, Later, Study, heading
from easiness.errors import BadInput, shorten
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.regular_file import in_words
from easiness.scoring import SCORES as ALL_SCORES, ScoreMoments
from easiness.spec import ALL, Option, Split, observe_text, read_band, setting
from easiness.store import COURSE, Row, Run
from easiness.studies.matching import check_comparable

_LEAVE_OUT = "measure another run with --train-share below 1, such as 0.7"
_STYLES = {"train": (show.TRAIN, "-"), "left_out": (show.LEFT_OUT, "-."), "held_out": (show.HELD_OUT, "--")}
_MOST_MARKED = 15  # epochs up to which each is marked with a dot
_MOST_NAMED = 13  # levels up to which each bar says its share
_RARE = 500  # examples for one that has a tag
_FIRST = 20  # rows of the combined order that are shown


def accuracy_by_split(run: Run) -> dict[str, pd.DataFrame]:
    """Accuracy of the trials (columns) after the epochs that all observed (rows), in [0, 1].

    By split: ``train`` (the examples trained on) and, where there are any, ``left_out`` and ``held_out``.
    """
    accuracies = [[trial.accuracy(epoch) for epoch in run.observed] for trial in run.trials]
    by_split = {
        split: pd.DataFrame([[at[split] for at in one] for one in accuracies if split in one[0]])
        for split in _STYLES
    }
    return {split: one.T.set_axis(run.observed) for split, one in by_split.items() if len(one)}


def draw_accuracy(run: Run, accuracy: Mapping[str, pd.DataFrame], row: Row) -> Figure:
    """Accuracy over epochs or shares, with chance and the ``row`` that is read marked."""
    figure, axes = show.new_axes(5.2, 2.9)
    epochs = np.array(run.shares or run.observed)
    for split, values in accuracy.items():
        color, line = _STYLES[split]
        if values.shape[1] > 1:
            axes.plot(epochs, values, line, color=color, linewidth=0.8, alpha=0.35)
        dots: dict[str, Any] = {"marker": "o" if len(epochs) <= _MOST_MARKED else "", "markersize": 4}
        name = split.replace("_", "-")
        axes.plot(epochs, values.mean(axis=1), line, color=color, linewidth=2, label=name, **dots)
    show.chance_line(axes, run.chance)
    axes.axvline(row.value, color=show.FAINT, linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    show.row_axis(axes, run.shares)
    show.legend_above(axes, len(accuracy))
    return figure


@dataclass(frozen=True)
class Levels:
    """The examples that c trials get right, counted for c = 0..N (Eq. 1 without its scale).

    ``num_examples`` [N + 1] and ``by_class`` [classes, N + 1] count examples, and ``members`` [N + 1] those
    of the easy and of the hard set, ties shared equally. ``cut`` is the level of the last member,
    ``tie_mass`` the share of all examples in that level if the cut splits it, else 0.
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
    """A bar per level; colors show the part that belongs to the easy and to the hard set."""
    figure, axes = show.new_axes(5.2, 2.7)
    total = levels.num_examples.sum()
    at = np.arange(levels.num_trials + 1)
    shares = 100 * levels.shares
    hard, easy = 100 * levels.members["hard"] / total, 100 * levels.members["easy"] / total
    bars = axes.bar(at, shares, 0.82, color=show.FAINT)
    axes.bar(at, hard, 0.82, color=show.HARD, label=f"hardest {levels.fraction:.0%}")
    axes.bar(at, easy, 0.82, bottom=hard, color=show.EASY, label=f"easiest {levels.fraction:.0%}")
    if levels.num_trials < _MOST_NAMED:
        texts = [f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}" for share in shares]
        axes.bar_label(bars, texts, padding=2, color=show.INK, fontsize=show.FONT_SIZE)
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
    """The ``scores`` of a ``split`` after ``epoch`` epochs; easy and hard sets are a ``fraction`` of it."""

    run: Run
    epoch: int
    fraction: float
    scores: pd.DataFrame = field(repr=False)
    split: Split = "train"
    listing = "scores"

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
        run, notes = self.run, list[str | None]()
        if run.spec.observe != ALL and not (self.split == "held_out" and run.augmented):  # that is seen clean
            notes.append(f"observations: {observe_text(run.spec.observe)}")
        notes += [self.scores.attrs.get("unfinished"), self.left_empty(), self.rare_tags()]
        return [f"{in_words(run.path)}: {one}" for one in notes if one]

    def printed_sections(self) -> list[show.Section]:
        return [frame.section for frame in self._by_tag()]  # the table is long enough

    @cached_property
    def by_tag(self) -> pd.DataFrame:
        """A row a tag, if there are some: how many ``examples``, and the share that has it, ``base_rate``.

        ``right`` is the share of the trials that are right, also where it is ``present`` and ``absent``, and
        ``chance`` that of guessing what most examples have.
        """
        votes, there = self.run.votes(self.epoch, split=self.split), self.scores["label"] == 1
        right = pd.Series(votes.num_right / votes.num_trials)
        parts = {"present": right.where(there), "absent": right.mask(there)}
        names = pd.Categorical(self.scores["tag"], self.run.spec.data.tag_names)
        rows = pd.DataFrame({"tag": names, "base_rate": there, "right": right, **parts})
        groups = rows.groupby("tag", observed=True)
        table = groups.mean().assign(examples=groups.size())
        return table.assign(chance=table["base_rate"].clip(lower=1 - table["base_rate"])).reset_index()

    def rare_tags(self) -> str | None:
        """A note that names the tags that few examples have."""
        if self.run.tags is None:
            return None
        counts = self.scores.groupby("tag", sort=False)["label"].agg(["sum", "size"]).itertuples()
        rare = [f"{tag} ({num} of {of:,})" for tag, num, of in counts if num < FEWEST or num * _RARE <= of]
        return f"rare tags, whose rates rest on few examples: {shorten(rare)}" if rare else None

    def _by_tag(self) -> list[show.Frame]:
        if self.run.tags is None:
            return []
        columns = {"tag": show.names(), "examples": show.counts(), "base_rate": show.shares(title="have it")}
        columns |= {"right": show.shares(), "chance": show.shares("Share that a guess has right.")}
        columns |= dict.fromkeys(("present", "absent"), show.shares())
        note = "Share of the trials that are right, beside a guess of what most have, and by what there is."
        return [show.Frame("By tag", note, self.by_tag, columns)]

    def left_empty(self) -> str | None:
        """Name the scores without a value, and say what they need."""
        of_heads = bool(self.run.shares)
        if self.run.of_folds:
            return f"{', '.join(COURSE)} are empty: they follow the course of a training, and there is none"
        names = [one.name for one in ALL_SCORES if of_heads or "trials without x" in one.needs]
        empty = [name for name in names if name in self.scores and self.scores[name].isna().all()]
        if not empty or not (of_heads or (self.split == "train" and empty == names)):
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
        return draw_levels(easiness_levels(votes, len(self.run.stratum_names), self.fraction))

    def frames(self) -> list[show.Frame]:
        names = [str(one).removesuffix("_se") for one in self.scores if str(one).endswith("_se")]
        values = self.scores[names]
        data = values.agg(["mean", "std", "min", "max"]).T.set_axis(["mean", "sd", "least", "most"], axis=1)
        data.insert(0, "score", names)
        data["95 % within"] = [
            (self.scores[f"{one}_high"] - self.scores[f"{one}_low"]).mean() / 2 for one in names
        ]
        data["undefined"] = values.isna().sum()
        of = "examples" if self.run.tags is None else "questions"
        of = of if self.split == "train" else f"held-out {of}"
        columns = {str(name): show.numbers() for name in data}
        frame = show.Frame(
            f"Scores of {len(self.scores):,} {of} {self.run.at(self.epoch)}",
            f"{self.run.network}, {len(self.run.trials)} trials. Over all examples that have the "
            "score. 95 % within: half the width of an example's interval, on average.",
            data,
            columns | {"score": show.names(), "undefined": show.counts()},
        )
        return [frame, *self._by_tag()]


def run_scores(
    run: Run, at: float | None = None, fraction: float | None = None, split: Split = "train"
) -> RunScores:
    """Every score of every example of a split ``at`` an epoch or a share; as `Run.scores`."""
    table = run.scores(at, fraction=fraction, split=split)
    tail = usual_fraction(len(table)) if fraction is None else fraction
    return RunScores(run, run.resolve_at(at), tail, table, split)


@dataclass(frozen=True, eq=False)
class CombinedScores(show.Result):
    """Ranks of examples, or of items, by several runs, and their mean.

    ``agreement`` is Spearman's rank correlation of the runs, the mean over pairs. Some of the runs lack
    ``num_others`` items.
    """

    runs: tuple[Run, ...]
    scores: pd.DataFrame = field(repr=False)
    agreement: float
    num_others: int = 0
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row an example, in the order of the runs: ``id``, ``label``, ``class``.

        ``difficulty`` is the mean over runs of the rank by `difficulty` in each, from 0 (easiest) to 1
        (hardest), with ``difficulty_se``, ``difficulty_low`` and ``difficulty_high``; ``rank_1``, ``rank_2``,
        ... are each run's own ranks, beside ``easiness_1``, ``easiness_2``, ...

        Outcomes have ``id``, ``models`` (their number), ``rate`` (the mean over models) with ``rate_se``, the
        same of difficulty (by expected rate, over models as if these were drawn from many like them), and
        ``rank_1``, ``rate_1``, ``rank_2``, ...
        """
        return self.scores

    @property
    def headline(self) -> str:
        if not self.runs[0].is_outcomes:
            return super().headline
        return (
            f"{show.quantity(len(self.scores), 'item')} in the order of {len(self.runs)} models, whose ranks "
            f"correlate at {self.agreement:.2f}: how hard items are for models like these"
        )

    @property
    def notices(self) -> list[str]:
        others = show.quantity(self.num_others, "item")
        return [f"{others} that some of the models lack: left out"] if self.num_others else []

    def printed_sections(self) -> list[show.Section]:
        return []  # the table is long enough

    def figure(self) -> Figure:
        """The ranks of the first two runs against each other; of outcomes each item's with its interval."""
        if self.runs[0].is_outcomes:
            table = self.scores.sort_values("difficulty", ignore_index=True)
            value = table["difficulty"]
            errors = [value - table["difficulty_low"], table["difficulty_high"] - value]
            line = show.Curve(table.index, value, color=show.HARD, marker="", errors=errors, band=True)
            x, y = "items, the easiest first", "difficulty"
            return show.curves({"": [line]}, (5.2, 2.9), x=x, y=y)
        figure, axes = show.new_axes(4.2, 4.0)
        axes.scatter(self.scores["rank_1"], self.scores["rank_2"], s=4, alpha=0.3, color=show.HARD, lw=0)
        axes.set(xlabel=f"rank in {self.runs[0].path.name}", ylabel=f"rank in {self.runs[1].path.name}")
        return figure

    def frames(self) -> list[show.Frame]:
        hardest = self.scores.sort_values("difficulty", ascending=False, kind="stable").head(_FIRST)
        if self.runs[0].is_outcomes:
            models = ", ".join(run.model for run in self.runs)
            note = f"{self.headline}. Difficulty is the mean rank over models, from 0 to 1. Models: {models}."
            within = show.numbers(2, low="difficulty_low", high="difficulty_high")
            columns = {"id": show.names(), "rate": show.means("rate_se", 2), "difficulty": within}
            return [show.Frame("The hardest items for these models together", note, hardest, columns)]
        names = ", ".join(f"{in_words(run.path)} ({run.model})" for run in self.runs)
        ranks = [f"rank_{at}" for at in range(1, len(self.runs) + 1)]
        note = (
            f"{names}. Difficulty is the mean rank of an example over the runs: 0 is the easiest, 1 "
            f"the hardest. The runs' ranks correlate at {self.agreement:.2f}."
        )
        columns = {**show.id_columns(hardest), "class": show.names()}
        columns |= {name: show.numbers() for name in ("difficulty", *ranks)}
        return [show.Frame("The hardest examples of all runs together", note, hardest, columns)]


def ranks_together(difficulty: Sequence[Floats]) -> tuple[list[Floats], dict[str, Floats], float]:
    """The ranks [K] by several orders of difficulty, the columns of their mean, and how they correlate.

    Ranks are from 0 to 1, the mean rank for equal values.
    """
    ranks = [(pd.Series(one).rank().to_numpy() - 1) / max(len(one) - 1, 1) for one in difficulty]
    moments = ScoreMoments(len(ranks[0]))
    for rank in ranks:
        moments.add(rank)
    estimate = moments.estimate()
    columns: dict[str, Floats] = {
        "difficulty": estimate.value,
        "difficulty_se": estimate.se,
        "difficulty_low": np.maximum(estimate.low, 0),
        "difficulty_high": np.minimum(estimate.high, 1),
    }
    pairs = np.asarray(np.corrcoef(ranks))[np.triu_indices(len(ranks), 1)]
    return ranks, columns, float(pairs.mean())


def combined_scores(runs: Sequence[Run], *, split: Split = "train") -> CombinedScores:
    """One order of difficulty from several runs over the same data: the mean of their ranks.

    Each is read at its last epoch or largest share. Runs see other things, and make other mistakes.
    """
    check_comparable(runs)
    tables = [run.scores(split=split) for run in runs]
    ranks, columns, agreement = ranks_together([table["difficulty"].to_numpy() for table in tables])
    for at, (rank, table) in enumerate(zip(ranks, tables, strict=True), 1):
        columns |= {f"rank_{at}": rank, f"easiness_{at}": table["easiness"].to_numpy()}
    examples = tables[0].loc[:, :"class"]
    scores = pd.concat([examples, pd.DataFrame(columns)], axis=1)
    return CombinedScores(tuple(runs), scores, agreement)


@dataclass(frozen=True)
class ScoresOptions:
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
    fraction: float | None = setting(
        "--fraction", "Share of the examples that are easy, and hard, for p_easy and p_hard; 0.1 by default."
    )
    split: HeldOutToo = "train"
    between: tuple[float, float] | None = setting(
        "--between",
        "Of outcomes: also the probability that the true rate lies between two numbers, such as 0.2,0.8.",
        metavar="LOW,HIGH",
        read=read_band,
    )


def scores(options: ScoresOptions) -> RunScores | CombinedScores:
    """The scores of a run, or the order of difficulty of several together."""
    if options.between is not None:
        raise BadInput("--between: is of outcomes (`easiness record`); leave it out")
    if len(options.run) == 1:
        return run_scores(options.run[0], options.at, options.fraction, options.split)
    for option, value in (("--at", options.at), ("--fraction", options.fraction)):
        if value is not None:
            raise BadInput(f"{option} {value:g}: of several runs each is read at its end; leave it out")
    return combined_scores(options.run, split=options.split)


SCORES = Study(
    *heading("scores"),
    ScoresOptions,
    scores,
    about="Also how probably each example is among the easiest or the hardest.",
    outcomes=Later("easiness.studies.outcomes:scores_of_outcomes"),
)
