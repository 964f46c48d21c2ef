"""Do easy examples look alike? Mean distances between examples of one class: easy, hard and any ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from easiness import show
from easiness.analysis import (
    MIN_GROUP,
    SIDES,
    Side,
    Votes,
    select,
    tie_mass,
)
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import feature_reader
from easiness.inputs import IMAGE, tell
from easiness.lazy import Figure, Floats, Integers, Mask, pd
from easiness.named_import import needing_torch
from easiness.runs import data_of, passes_shown, positions_in, recipe_of
from easiness.store import Row, Run, check_opened

if TYPE_CHECKING:
    from easiness.training import InputReader

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

_SHOWN: tuple[tuple[SetName, str, str], ...] = (
    ("easy", "easy", show.EASY),
    ("all", "any", show.INK),
    ("hard", "hard", show.HARD),
)
_TITLES: dict[Space, str] = {"pixel": "in pixels", "feature": "in features"}
_INPUT = "in input space"  # the title of `pixel` for examples that are no pictures
_NAMES: dict[SetName, str] = {
    "easy": "easy",
    "hard": "hard",
    "random as easy": "random, as many as easy",
    "random as hard": "random, as many as hard",
    "all": "any two",
}
_UNITS: dict[Space, str] = {
    "pixel": "Images after global contrast normalization. Distances are divided by the root of the number of "
    "values: unrelated images are 1.41 apart.",
    "feature": "Input of the classifier layer of trial {trial}. Distances are in units of the root "
    "mean squared norm.",
}
_INPUT_UNIT = "Standardized values. Distances are divided by the root of the number of values."

_REPLICATES, _SEED = 1000, 0
_MEASURING = "measuring distances within sets"


@dataclass(frozen=True)
class Similarity(show.Result):
    """The distances that `similarity` found.

    ``classes`` are those that count: with two examples or more in the easy and in the hard set;
    ``num_classes`` is how many there are. ``sizes`` are the examples looked at per set, in these classes,
    and ``smallest`` those of the smallest easy or hard set of a class. ``tie_mass`` is that of the two
    cuts. ``trial`` is the one whose features were read, ``None`` where no features were.
    ``pictures`` tells whether the examples are pictures. ``distances`` has a row for each space and set and
    for each difference: the ``value`` (a mean over classes) with the ends of its 95 % bootstrap interval over
    examples; ``by_class`` [sets, C] has the means of each class.
    """

    model: str
    row: Row
    num_trials: int
    fraction: float
    tie_mass: dict[Side, float]
    classes: tuple[str, ...]
    num_classes: int
    at_most: int
    sizes: dict[SetName, int]
    smallest: int
    trial: int | None
    distances: pd.DataFrame
    by_class: dict[Space, Floats]
    pictures: bool = True

    @property
    def decided(self) -> bool:
        """Are there trials enough for the sets to mean something?"""
        return self.num_trials >= MIN_GROUP

    def of(self, space: Space, name: str) -> pd.Series:
        rows = self.distances
        return rows[(rows["space"] == space) & (rows["name"] == name)].iloc[0]

    def table(self) -> pd.DataFrame:
        """A row per space and set, and per space and difference."""
        fixed = {
            "model": self.model,
            **self.row.argument,
            "trials": self.num_trials,
            "fraction": self.fraction,
            "classes": len(self.classes),
            "tie_mass_easy": self.tie_mass["easy"],
            "tie_mass_hard": self.tie_mass["hard"],
        }
        return self.distances.assign(**fixed)

    def figure(self) -> Figure:
        """A panel per space: the mean over classes with its interval, and a faint line for each class."""
        num = len(self.by_class)
        figure, panels = show.new_panels(2.7 * num + 0.3, 2.9, 1, num)
        at = range(len(_SHOWN))
        shown = [SETS.index(name) for name, _, _ in _SHOWN]
        for axes, (space, by_class) in zip(panels, self.by_class.items(), strict=True):
            for values in by_class[shown].T:
                axes.plot(at, values, color=show.FAINT, linewidth=0.8)
            for x, (name, _, color) in zip(at, _SHOWN, strict=True):
                value, low, high = self.of(space, name)[["value", "low", "high"]]
                show.draw_curve(
                    axes, show.Curve([x], [value], color=color, errors=[[value - low], [high - value]])
                )
            axes.set_xticks(list(at), [label for _, label, _ in _SHOWN])
            axes.set_xlim(-0.4, len(_SHOWN) - 0.6)
            axes.set_title(self._title(space), color=show.INK, fontsize=show.FONT_SIZE, loc="left")
        panels[0].set_ylabel("mean distance within a class", color=show.INK, fontsize=show.FONT_SIZE)
        return figure

    def frames(self) -> list[show.Frame]:
        sets = (
            f"Easiest and hardest {100 * self.fraction:g} % {self.row.at}, {self.num_trials} "
            f"trials of {self.model}, ties refined (tie mass {show.number(self.tie_mass['easy'])} and "
            f"{show.number(self.tie_mass['hard'])}). {self._counted()} "
            "95 % intervals from a bootstrap over examples."
        )
        if not self.decided:
            sets += f" With fewer than {MIN_GROUP} trials nothing is decided."
        random = "Random: a random set of the same size in each class. Below 0: closer to each other."
        table = self.table().assign(decided=self.decided, in_words=lambda rows: rows["name"].replace(_NAMES))
        value = partial(show.numbers, 3, low="low", high="high", decided="decided")
        frames = []
        for space in self.by_class:
            unit, name = _UNITS[space].format(trial=self.trial), f"{space} space"
            if space == "pixel" and not self.pictures:
                unit, name = _INPUT_UNIT, "input space"
            own = dict(iter(table[table["space"] == space].groupby("kind")))
            distances = {
                "in_words": show.names(title="examples of a class"),
                "value": value(title="mean distance"),
                "examples": show.counts(),
            }
            differences = {"name": show.names(title="difference"), "value": value()}
            frames += [
                show.Frame(
                    f"Mean distance within a class, {name}", f"{unit} {sets}", own["distance"], distances
                ),
                show.Frame(f"Differences, {name}", random, own["difference"], differences),
            ]
        return frames

    def sentence(self) -> str:
        sets = (self.of("pixel", name)[["value", "low", "high"]] for name in ("easy", "hard", "all"))
        easy, hard, every = (show.with_interval(*one) for one in sets)
        normalized = "unrelated images are 1.41 apart"
        if not self.pictures:
            normalized = "standardized values"
        text = (
            f"{self._title('pixel').capitalize()}, the mean distance between two examples of a class "
            f"is {easy} among the easiest {100 * self.fraction:g} % of all examples, {hard} among the "
            f"hardest, and {every} among all ({normalized}; 95 % intervals over examples). "
            f"{self._counted()}"
        )
        if not self.decided:
            text += f" With fewer than {MIN_GROUP} trials this decides nothing."
        return text

    def _title(self, space: Space) -> str:
        return _INPUT if space == "pixel" and not self.pictures else _TITLES[space]

    def _counted(self) -> str:
        if len(self.classes) == self.num_classes:
            return f"Each of the {self.num_classes} classes counts equally."
        return (
            f"Only {len(self.classes)} of {self.num_classes} classes have two easy and two hard examples; "
            "each of these counts equally."
        )


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
    both counts equally. A random set as large as the easy one in each class, another as large as the hard
    one, and all examples of the class stand beside them; of each, and each class, at most ``at_most`` are
    looked at, drawn at random.

    ``pixel``: evaluation input in global contrast normalization, of vectors standardized; distances are
    divided by the root of the number of values, so that two unrelated images are at 1.41. ``feature``: input
    of the classifier layer of a trained network of the run, in units of the root of the mean squared norm
    over all examples.

    Intervals are a bootstrap over the examples of each set and class, independent between sets; an
    example drawn twice is not paired with itself, and a draw of one example alone counts as the set
    itself (so two or three examples in a class make intervals too narrow). Classes and trials are taken
    as they are.

    ``data`` are those of the run, or what `load_dataset` takes; by default where the run found them.
    """
    check_opened(run=run)
    data = data_of(run, data)
    if data.kind.tokens and "pixel" in spaces:
        raise BadInput(
            f"{data.name}: {data.kind.nouns} have no distance in what a network gets, which are numbers of "
            'words; give spaces=["feature"]'
        )
    where = positions_in(data, run)
    votes = run.votes(run.resolve_at(at))
    weights, masses = _extremes(votes, fraction)
    of_class = [np.bincount(votes.labels[one], minlength=len(run.classes)) for one in weights.values()]
    smaller = np.min(of_class, axis=0)
    counted = np.flatnonzero(smaller >= 2).tolist()
    if not counted:
        raise BadInput(
            f"{run.path}: no class has two easy and two hard examples at fraction {fraction:g}; "
            "use a larger fraction"
        )
    reader, used = _reader(run, data, spaces, device)
    shape = (len(SETS), len(counted))
    means = {space: np.empty(shape) for space in spaces}
    replicates = {space: np.empty((*shape, _REPLICATES)) for space in spaces}
    sizes = dict.fromkeys(SETS, 0)
    norms = []
    with passes_shown(progress):
        for at, label in enumerate(counted):
            for row, (name, members) in enumerate(_members(votes, weights, label, at_most)):
                sizes[name] += len(members)
                found = reader.distances(np.sort(where[members]))
                drawn = draws(len(members), _REPLICATES, np.random.default_rng([_SEED, label, row, 1]))
                for space in spaces:
                    means[space][row, at] = mean_distance(found[space].distances)
                    replicates[space][row, at] = resampled_means(found[space].distances, drawn)
                if name == "all" and "feature" in spaces:
                    norms.append(found["feature"].squared_norms)
                tell(_MEASURING, at * len(SETS) + row + 1, len(counted) * len(SETS))
    if norms:
        unit = float(np.sqrt(np.concatenate(norms).mean())) or 1.0
        means["feature"] /= unit
        replicates["feature"] /= unit
    return Similarity(
        model=run.model,
        row=run.row(votes.epoch),
        num_trials=votes.num_trials,
        fraction=fraction,
        tie_mass=masses,
        classes=tuple(run.classes[label] for label in counted),
        num_classes=len(run.classes),
        at_most=at_most,
        sizes=sizes,
        smallest=int(smaller[counted].min()),
        trial=used,
        distances=pd.DataFrame(
            row for space in spaces for row in _rows(space, means[space], replicates[space], sizes)
        ),
        by_class=means,
        pictures=data.kind == IMAGE,
    )


def _extremes(votes: Votes, fraction: float) -> tuple[dict[Side, Mask], dict[Side, float]]:
    """Members [K] of the easy and of the hard set, ties refined, and the tie masses of the cuts."""
    counts, p_label = votes.num_right, votes.mean_p_label
    members: dict[Side, Mask] = {
        side: select(counts, fraction, side, "refine", p_label, votes.keys, _SEED) > 0 for side in SIDES
    }
    return members, {side: tie_mass(counts, fraction, side) for side in SIDES}


def _members(
    votes: Votes, extremes: dict[Side, Mask], label: int, at_most: int
) -> Iterator[tuple[SetName, Integers]]:
    """Positions of the examples of a class in each of `SETS`, in that order."""
    own = np.flatnonzero(votes.labels == label)
    easy, hard = own[extremes["easy"][own]], own[extremes["hard"][own]]
    wanted: dict[SetName, tuple[Integers, int]] = {
        "easy": (easy, len(easy)),
        "hard": (hard, len(hard)),
        "random as easy": (own, len(easy)),
        "random as hard": (own, len(hard)),
        "all": (own, len(own)),
    }
    for row, name in enumerate(SETS):
        group, num = wanted[name]
        rng = np.random.default_rng([_SEED, label, row, 0])
        yield name, rng.permutation(group)[: min(num, at_most)]


def _reader(run: Run, data: Dataset, spaces: Sequence[Space], device: str) -> tuple[InputReader, int | None]:
    """Reader of distances, and the trial that it takes features from."""
    with needing_torch("similarity"):
        from easiness.training import InputReader, resolve_device
    target = resolve_device(device)
    if "feature" not in spaces:
        return InputReader(data, recipe_of(run, data), target, None), None
    if run.spec.measured is None:
        raise BadInput(
            f"{run.path}: was recorded from a training loop of your own, so its network cannot be built "
            "again; use pixel space alone"
        )
    first = run.trials[0]
    return feature_reader(run, data, first, target), first.index


def _rows(
    space: Space, means: Floats, replicates: Floats, sizes: Mapping[SetName, int]
) -> Iterator[dict[str, Any]]:
    """From means [sets, C] and their replicates [sets, C, R]; classes count equally."""
    values, drawn = means.mean(axis=1), replicates.mean(axis=1)
    row = {name: at for at, name in enumerate(SETS)}
    found: dict[str, Any] = {
        name: ("distance", values[at], drawn[at], sizes[name]) for name, at in row.items()
    }
    found |= {
        name: (
            "difference",
            values[row[a]] - values[row[b]],
            drawn[row[a]] - drawn[row[b]],
            sizes[a] + sizes[b],
        )
        for name, (a, b) in DIFFERENCES.items()
    }
    for name, (kind, value, draw, num) in found.items():
        low, high = np.quantile(draw, [0.025, 0.975])
        ends = {"value": value, "low": low, "high": high}
        yield {"space": space, "kind": kind, "name": name, **ends, "examples": num}


def mean_distance(distances: Floats) -> float:
    """Mean over the pairs of two different examples, from distances [n, n] that are 0 on the diagonal."""
    num = len(distances)
    return float(distances.sum()) / (num * (num - 1))


def draws(num: int, replicates: int, rng: np.random.Generator) -> Floats:
    """The number of times that each of ``num`` >= 2 examples is in each of the sets drawn anew: [R, n].

    A set of one example alone has no distance; the original set stands for it.
    """
    drawn = rng.multinomial(num, np.full(num, 1 / num), size=replicates).astype(np.float64)
    drawn[(drawn > 0).sum(axis=1) == 1] = 1
    return drawn


def resampled_means(distances: Floats, drawn: Floats) -> Floats:
    """`mean_distance` of each of the sets ``drawn`` [R, n]; an example is not paired with itself."""
    totals = ((drawn @ distances) * drawn).sum(axis=1)
    pairs = drawn.sum(axis=1) ** 2 - (drawn**2).sum(axis=1)
    means: Floats = totals / pairs
    return means
