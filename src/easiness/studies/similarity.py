"""Do easy examples look alike? Mean distances between examples of one class: easy, hard and any ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from easiness import show, training
from easiness.analysis import MIN_GROUP, SIDES, Side, Votes, select, tie_mass
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import feature_reader
from easiness.inputs import tell
from easiness.lazy import Figure, Floats, Integers, Mask, pd
from easiness.named_import import needing_torch
from easiness.runs import data_of, passes_shown, positions_in, recipe_of
from easiness.store import Row, Run, check_opened

Space = Literal["pixel", "feature"]
SetName = Literal["easy", "hard", "random as easy", "random as hard", "all"]
SPACES: tuple[Space, ...] = get_args(Space)
SETS: tuple[SetName, ...] = get_args(SetName)
DIFFERENCES: dict[str, tuple[SetName, SetName]] = {
    "easy - random": ("easy", "random as easy"),
    "hard - random": ("hard", "random as hard"),
    "hard - easy": ("hard", "easy"),
    "easy - all": ("easy", "all"),
    "hard - all": ("hard", "all"),
}
"""Pairs of sets: the mean of the second is taken from that of the first."""

_COLORS: dict[SetName, str] = {"easy": show.EASY, "all": show.INK, "hard": show.HARD}
_TITLES: dict[Space, str] = {"pixel": "in input space", "feature": "in feature space"}
_NAMES: dict[SetName, str] = {
    "random as easy": "random, as many as easy",
    "random as hard": "random, as many as hard",
    "all": "any two",
}
_UNITS: dict[Space, str] = {
    "pixel": "Images after global contrast normalization, vectors standardized. Distances are divided by the "
    "root of the number of values: unrelated images are 1.41 apart.",
    "feature": "Input of the classifier layer of trial {trial}. Distances are in units of the root "
    "mean squared norm.",
}

_REPLICATES, _SEED = 1000, 0
_MEASURING = "measuring distances within sets"


@dataclass(frozen=True)
class Similarity(show.Result):
    """The distances that `similarity` found.

    ``classes`` are those that count, with two examples or more in the easy and in the hard set, of
    ``num_classes``. ``sizes`` are the examples looked at per set, in these classes, and ``smallest`` those of
    the smallest easy or hard set of a class. ``trial`` is the one whose features were read, if any.
    ``distances`` has a row for each space and set and for each difference: the ``value`` (a mean over
    classes) with the ends of its 95 % bootstrap interval over examples; ``by_class`` [sets, C] has the means.
    """

    model: str
    row: Row
    num_trials: int
    fraction: float
    tie_mass: dict[Side, float]
    classes: tuple[str, ...]
    num_classes: int
    sizes: dict[SetName, int]
    smallest: int
    trial: int | None
    distances: pd.DataFrame
    by_class: dict[Space, Floats]

    @property
    def is_decided(self) -> bool:
        """Are there trials enough for the sets to mean something?"""
        return self.num_trials >= MIN_GROUP

    def of(self, space: Space, name: str) -> pd.Series:
        rows = self.distances
        return rows[(rows["space"] == space) & (rows["name"] == name)].iloc[0]

    def table(self) -> pd.DataFrame:
        """A row per space and set, and per space and difference."""
        masses = {f"tie_mass_{side}": mass for side, mass in self.tie_mass.items()}
        constants = {"fraction": self.fraction, "classes": len(self.classes), **masses}
        trials = {"trials": self.num_trials}
        return self.distances.assign(model=self.model, **self.row.argument, **trials, **constants)

    def figure(self) -> Figure:
        """A panel per space: the mean over classes with its interval, and a faint line for each class."""
        num = len(self.by_class)
        figure, panels = show.new_panels(2.7 * num + 0.3, 2.9, 1, num)
        at = range(len(_COLORS))
        rows = [SETS.index(name) for name in _COLORS]
        for axes, (space, by_class) in zip(panels, self.by_class.items(), strict=True):
            for values in by_class[rows].T:
                axes.plot(at, values, color=show.FAINT, linewidth=0.8)
            for x, (name, color) in enumerate(_COLORS.items()):
                value, low, high = self.of(space, name)[["value", "low", "high"]]
                ends = [[value - low], [high - value]]
                show.draw_curve(axes, show.Curve([x], [value], color=color, errors=ends))
            axes.set_xticks(list(at), [*_COLORS])
            axes.set_xlim(-0.4, len(_COLORS) - 0.6)
            axes.set_title(_TITLES[space], color=show.INK, fontsize=show.FONT_SIZE, loc="left")
        panels[0].set_ylabel("mean distance within a class", color=show.INK, fontsize=show.FONT_SIZE)
        return figure

    def frames(self) -> list[show.Frame]:
        sets = (
            f"Easiest and hardest {100 * self.fraction:g} % {self.row.at}, {self.num_trials} "
            f"trials of {self.model}, ties refined (tie mass {show.number(self.tie_mass['easy'])} and "
            f"{show.number(self.tie_mass['hard'])}). {self._classes_text()} "
            "95 % intervals from a bootstrap over examples."
        )
        if not self.is_decided:
            sets += f" With fewer than {MIN_GROUP} trials nothing is decided."
        note = (
            f"{sets} Random: a random set of the same size in each class. A difference below 0: closer to "
            "each other."
        )
        table = self.table().assign(decided=self.is_decided, name=lambda rows: rows["name"].replace(_NAMES))
        columns = {
            "name": show.names(title="examples of a class"),
            "value": show.numbers(3, title="mean distance", low="low", high="high", decisive="decided"),
            "examples": show.counts(),
        }
        return [
            show.Frame(
                f"Mean distance within a class {_TITLES[space]}",
                f"{_UNITS[space].format(trial=self.trial)} {note}",
                table[table["space"] == space],
                columns,
            )
            for space in self.by_class
        ]

    def sentence(self) -> str:
        sets = (self.of("pixel", name)[["value", "low", "high"]] for name in ("easy", "hard", "all"))
        easy, hard, every = (show.with_interval(*one) for one in sets)
        text = (
            f"In input space, the mean distance between two examples of a class is {easy} among the easiest "
            f"{100 * self.fraction:g} % of all examples, {hard} among the hardest, and {every} among all "
            f"(unrelated images are 1.41 apart; 95 % intervals over examples). {self._classes_text()}"
        )
        if not self.is_decided:
            text += f" With fewer than {MIN_GROUP} trials this decides nothing."
        return text

    def _classes_text(self) -> str:
        num, of = len(self.classes), self.num_classes
        few = f"Only {num} of {of} classes have two easy and two hard examples; each of these counts equally."
        return few if num < of else f"Each of the {of} classes counts equally."


def similarity(
    run: Run,
    data: Any = None,
    *,
    fraction: float = 0.1,
    at: float | None = None,
    spaces: Sequence[Space] = SPACES,
    at_most: int = 500,
    device: str = "auto",
    progress: bool = True,
) -> Similarity:
    """Mean Euclidean distance between two examples of a class: easy ones, hard ones, any.

    The easy and the hard set are of the whole data, ties refined. Each class with two examples or more in
    both counts equally. Beside them stand random sets as large in each class, and all of its examples; of
    each, and each class, at most ``at_most`` are looked at, drawn at random.

    ``pixel``: evaluation input in global contrast normalization, of vectors standardized, divided by the root
    of the number of values, so that two unrelated images are at 1.41. ``feature``: input of the classifier
    layer of a trained network of the run, in units of the root of the mean squared norm over all examples.

    Intervals are a bootstrap over the examples of each set and class; an example drawn twice is not paired
    with itself. With two or three examples in a class they are too narrow.

    ``data`` are those of the run, or what `load_dataset` takes; by default where the run found them.
    """
    check_opened(run=run)
    run.check_course("similarity", of_classes=True)
    data = data_of(run, data)
    if data.kind.tokens and "pixel" in spaces:
        raise BadInput(
            f"{data.name}: {data.kind.nouns} have no distance in what a network gets, which are numbers of "
            'words; give spaces=["feature"]'
        )
    where = positions_in(data, run)
    votes = run.votes(run.resolve_at(at))
    counts, finer = votes.num_right, (votes.mean_p_label, votes.keys, _SEED)
    members_of = {side: select(counts, fraction, side, "refine", *finer) > 0 for side in SIDES}
    of_class = [np.bincount(votes.labels[one], minlength=len(run.classes)) for one in members_of.values()]
    smaller = np.min(of_class, axis=0)
    labels_kept = np.flatnonzero(smaller >= 2).tolist()
    if not labels_kept:
        raise BadInput(
            f"{run.path}: no class has two easy and two hard examples at fraction {fraction:g}; "
            "use a larger fraction"
        )
    reader, trial = _reader(run, data, spaces, device)
    shape = (len(SETS), len(labels_kept))
    means = {space: np.empty(shape) for space in spaces}
    replicates = {space: np.empty((*shape, _REPLICATES)) for space in spaces}
    sizes = dict.fromkeys(SETS, 0)
    norms = []
    with passes_shown(progress):
        for at, label in enumerate(labels_kept):
            for row, (name, members) in enumerate(_members(votes, members_of, label, at_most)):
                sizes[name] += len(members)
                by_space = reader.distances(np.sort(where[members]))
                resamples = draws(len(members), _REPLICATES, np.random.default_rng([_SEED, label, row, 1]))
                whole = np.ones((1, len(members)))
                for space in spaces:
                    means[space][row, at] = resampled_means(by_space[space].distances, whole)[0]
                    replicates[space][row, at] = resampled_means(by_space[space].distances, resamples)
                if name == "all" and "feature" in spaces:
                    norms.append(by_space["feature"].squared_norms)
                tell(_MEASURING, at * len(SETS) + row + 1, len(labels_kept) * len(SETS))
    if norms:
        unit = float(np.sqrt(np.concatenate(norms).mean())) or 1.0
        means["feature"] /= unit
        replicates["feature"] /= unit
    return Similarity(
        model=run.model,
        row=run.row(votes.epoch),
        num_trials=votes.num_trials,
        fraction=fraction,
        tie_mass={side: tie_mass(counts, fraction, side) for side in SIDES},
        classes=tuple(run.classes[label] for label in labels_kept),
        num_classes=len(run.classes),
        sizes=sizes,
        smallest=int(smaller[labels_kept].min()),
        trial=trial,
        distances=pd.DataFrame(_rows(means, replicates, sizes)),
        by_class=means,
    )


def _members(
    votes: Votes, extremes: dict[Side, Mask], label: int, at_most: int
) -> Iterator[tuple[SetName, Integers]]:
    """Positions of the examples of a class in each of `SETS`, in that order."""
    own = np.flatnonzero(votes.labels == label)
    easy, hard = own[extremes["easy"][own]], own[extremes["hard"][own]]
    groups, sizes = (easy, hard, own, own, own), [len(easy), len(hard)]
    for row, (name, group, num) in enumerate(zip(SETS, groups, [*sizes, *sizes, len(own)], strict=True)):
        rng = np.random.default_rng([_SEED, label, row, 0])
        yield name, rng.permutation(group)[: min(num, at_most)]


def _reader(
    run: Run, data: Dataset, spaces: Sequence[Space], device: str
) -> tuple[training.InputReader, int | None]:
    with needing_torch("similarity"):
        target = training.resolve_device(device)
    if "feature" not in spaces:
        return training.InputReader(data, recipe_of(run, data), target, None), None
    if run.spec.measured is None:
        raise BadInput(
            f"{run.path}: was recorded from a training loop of your own, so its network cannot be built "
            "again; use pixel space alone"
        )
    first = run.trials[0]
    return feature_reader(run, data, first, target), first.index


def _rows(
    means: Mapping[Space, Floats], replicates: Mapping[Space, Floats], sizes: Mapping[SetName, int]
) -> Iterator[dict[str, Any]]:
    """From means [sets, C] and their replicates [sets, C, R] of each space; classes count equally."""
    row = {name: at for at, name in enumerate(SETS)}
    for space in means:
        values, draw_means = means[space].mean(axis=1), replicates[space].mean(axis=1)
        rows = [("distance", name, values[at], draw_means[at], sizes[name]) for name, at in row.items()]
        for name, (a, b) in DIFFERENCES.items():
            apart = (one[row[a]] - one[row[b]] for one in (values, draw_means))
            rows.append(("difference", name, *apart, sizes[a] + sizes[b]))
        for kind, name, value, draw, num in rows:
            low, high = np.quantile(draw, [0.025, 0.975])
            ends = {"value": value, "low": low, "high": high}
            yield {"space": space, "kind": kind, "name": name, **ends, "examples": num}


def draws(num: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Times that each of ``num`` examples is in sets drawn anew [R, n]; one alone counts as all."""
    times = rng.multinomial(num, np.full(num, 1 / num), size=replicates).astype(np.float64)
    times[(times > 0).sum(axis=1) == 1] = 1
    return times


def resampled_means(distances: Floats, weights: Floats) -> Floats:
    """Mean over the pairs of different examples of sets [R], in which each is so many times (``weights``)."""
    totals = ((weights @ distances) * weights).sum(axis=1)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    means: Floats = totals / pairs
    return means
