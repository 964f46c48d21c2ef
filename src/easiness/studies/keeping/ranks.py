"""Ranks of examples by a score of a run, the data that they are of, and trainings on the easiest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import POLICIES, parse_policy
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Array, Figure, Floats, Integers, pd
from easiness.regular_file import at_home
from easiness.runs import data_of, given_data
from easiness.scoring import Score, find_score
from easiness.spec import Keep, Loading, at_least
from easiness.store import Row, Run
from easiness.studies import keeping

_NUM_SHOWN, _NUM_DRAWN = 10, 500  # steps in the table, and in the figure
_MOST_ROWS = 50_000_000  # of a file of all steps
_MOST_STEPS = 10**12  # of a training, or examples of a step
_BATCH_SIZE = 128
_STREAM = 0x70616365  # keeps these random numbers apart from others of the same seed
_OTHER_END = {"top": "bottom", "bottom": "top"}


@dataclass(frozen=True)
class Ranking:
    """A score, and the direction in which `draw_by_rank` ranks by it: from hard to easy.

    By a score that does not speak of ease, from the end to ``keep`` to the other, which has the place of
    easy.
    """

    score: Score
    keep: Keep | None

    @property
    def sign(self) -> float:
        """1 where the largest values come last, -1 where the smallest do."""
        return 1.0 if self.score.high_means == "easy" or self.keep == "bottom" else -1.0

    @property
    def policies(self) -> Mapping[str, tuple[float, float]]:
        """Names of densities over these ranks, that of the end drawn by default first."""
        if self.keep is None:
            return POLICIES
        return {_OTHER_END[self.keep]: POLICIES["easy"], "random": POLICIES["random"]}

    def beta(self, policy: str, others: Iterable[str] = ()) -> tuple[float, float]:
        """The Beta parameters of one of ``policies`` or ``beta:A,B``; ``others`` may be meant by a slip."""
        if policy in POLICIES.keys() - self.policies.keys():
            raise BadInput(
                f"policy {policy!r}: high {self.score.name} means {self.score.high_means}, so neither end is "
                f"{policy}; give {', '.join(self.policies)} or beta:A,B, or leave the policy out"
            )
        return parse_policy(policy, self.policies, others)

    def name(self, beta: tuple[float, float]) -> str:
        """One name for one density, so that the same runs are not trained under two."""
        for policy, density in self.policies.items():
            if beta == density:
                return policy
        a, b = (repr(parameter).removesuffix(".0") for parameter in beta)
        return f"beta:{a},{b}"

    def text(self, policy: str) -> str:
        """The examples that a policy draws, in words."""
        if policy == "random":
            return "any"
        if policy in self.policies:
            return f"mainly {policy} ones" if self.keep is None else f"mainly those at the {policy}"
        return f"those that {policy} draws"

    @property
    def by(self) -> str:
        """The score, and how the ranks run where that is not from hard to easy."""
        if self.keep is None:
            return self.score.name
        return f"{self.score.name}, from the {self.keep} (to keep) to the {_OTHER_END[self.keep]}"


def order_of(score: str, keep: Keep | None = None) -> Ranking:
    """The order by a score; ``keep`` is needed where it is high neither for easy nor for hard examples."""
    if keep not in (None, *_OTHER_END):
        raise BadInput(f"keep {keep!r}: unknown; choose {' or '.join(_OTHER_END)}")
    definition = find_score(score)
    meaning = definition.high_means
    speaks_of_ease = meaning in ("easy", "hard")
    if keep is None and not speaks_of_ease:
        raise BadInput(
            f"score {score!r}: high means {meaning}, neither easy nor hard; give another, such as easiness, "
            "or say which end of it to keep (--keep top or --keep bottom)"
        )
    if keep is not None and speaks_of_ease:
        raise BadInput(
            f"keep {keep}: high {score} means {meaning}, so the policy says which examples are drawn (easy, "
            "hard); leave --keep out"
        )
    return Ranking(definition, keep)


def ranking(run: Run, score: str = "easiness", at: float | None = None, keep: Keep | None = None) -> Floats:
    """A score of the examples of a run [K]: high is easy, or not to ``keep``; never learned is hardest."""
    return rank_values(run, order_of(score, keep), at)[0]


def rank_values(run: Run, order: Ranking, at: float | None) -> tuple[Floats, pd.DataFrame, int]:
    """The values [K] that rank ``at`` a row, the table of all scores, and the number of the row."""
    epoch, score = run.resolve_at(at), order.score
    table = run.scores(**run.argument(epoch))
    columns = {str(name): column.to_numpy() for name, column in table.items()}
    values: Floats = order.sign * score.for_ranking(columns, epoch)
    if not np.isnan(values).any():
        return values, table, epoch
    remedy = "a later epoch"
    if run.shares:
        remedy = "a run of trainings: heads on shares have no course to read it from"
    elif "trials without x" in score.needs:
        remedy = "measure with --train-share below 1, and trials enough to leave each example out"
    elif run.observed[:epoch] != tuple(range(1, epoch + 1)):
        remedy = "measure with --observe all"
    raise BadInput(
        f"{run.path}: {score.name} is undefined for {int(np.isnan(columns[score.name]).sum())} of "
        f"{len(values)} examples {run.at(epoch)}; use another score, or {remedy}"
    )


def scored_data(run: Run, source: Any, loading: Loading = Loading()) -> Dataset:
    """The data that a run has scores of, with a held-out split: its own, or ``holdout`` of each class."""
    ref, limit, holdout = run.spec.data, loading.limit, loading.holdout
    if limit is not None and limit not in (ref.limit, ref.train.num_examples):
        raise BadInput(
            f"limit {limit}: {run.path} has scores of {ref.train.num_examples} examples; leave --limit out"
        )
    if loading.labels is not None and str(at_home(loading.labels).absolute()) != ref.labels:
        there = "its source's labels" if ref.labels is None else f"those of {ref.labels}"
        raise BadInput(f"labels {loading.labels}: {run.path} has scores of {there}; leave --labels out")
    data = data_of(run, source)
    if data.held_out is not None:
        before = data.load_options.holdout
        if holdout is None or holdout == before:
            return data
        if before is not None:
            raise BadInput(
                f"holdout {holdout:g}: {run.path} was measured with {before:g} held out; leave --holdout out"
            )
    elif not holdout:
        raise BadInput(f"{data.name}: has no held-out split to test on; hold a part out (--holdout 0.2)")
    return given_data(data, Loading(holdout=holdout))  # where there is a held-out split it says so


def align(run: Run, values: Floats, data: Dataset) -> Floats:
    """``values`` of the examples of ``run`` in the order of ``data``, all of whose examples it has."""
    where = {name: at for at, name in enumerate(run.ids.tolist())}
    return values[[where[name] for name in data.ids.tolist()]]


@dataclass(frozen=True, eq=False)
class Curriculum(show.Result):
    """The examples of each of ``num_steps`` training steps, the easiest of every class first.

    It gives a list of ``batch_size`` positions in the run for each step, the same ones each time: as
    ``batch_sampler`` of a ``DataLoader`` it is a whole training. The first step draws from the easiest
    ``start`` of the examples, later ones from more and more; when ``whole_after`` of the steps are done, all
    have their turn, pass after pass (linear pacing; Wu, Dyer and Neyshabur 2021). ``values`` [K] are those of
    the ``score``; ``order`` [K] has positions, the easiest first.
    """

    ids: Array
    values: Floats
    order: Integers
    score: str
    row: Row
    num_steps: int
    batch_size: int
    start: float
    whole_after: float
    seed: int

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_STREAM,)))
        pacing = self.num_steps, self.batch_size, self.start, self.whole_after
        return (batch.tolist() for batch in paced_batches(self.order, *pacing, rng))

    def pool(self, step: int) -> int:
        """Number of the easiest examples that a step draws from; steps count from 0."""
        return pool_size(step, len(self.order), self.num_steps, self.batch_size, self.start, self.whole_after)

    def _some(self, most: int) -> list[int]:
        steps = np.linspace(0, self.num_steps - 1, min(most, self.num_steps))
        return [round(step) for step in steps.tolist()]

    def table(self) -> pd.DataFrame:
        """The examples of all steps, a row each: ``step`` from 1, and ``id``."""
        if self.num_steps * self.batch_size > _MOST_ROWS:
            raise BadInput(
                f"{self.num_steps:,} steps of {self.batch_size:,} examples: more than {_MOST_ROWS:,} rows of "
                "a file; go through easiness.keep(..., steps=...) in Python"
            )
        batches = list(self)
        step = np.repeat(np.arange(1, self.num_steps + 1), [len(batch) for batch in batches])
        return pd.DataFrame({"step": step, "id": self.ids[np.concatenate(batches)]})

    def figure(self) -> Figure:
        """The share of the examples that steps are on, by step."""
        steps = self._some(_NUM_DRAWN)
        shares = [self.pool(step) / len(self.order) for step in steps]
        line = show.Curve([step + 1 for step in steps], shares, color=show.TRAIN, marker="")
        figure = show.curves({"": [line]}, (5.2, 2.4), x="step", y="share of examples")
        figure.axes[0].set_ylim(0, 1.05)
        return figure

    def frames(self) -> list[show.Frame]:
        steps = self._some(_NUM_SHOWN)
        pools = [self.pool(step) for step in steps]
        means = [np.nanmean(self.values[self.order[:pool]]) for pool in pools]
        data = pd.DataFrame({"step": steps, "of the easiest": pools, "mean": means})
        data = data.assign(step=data["step"] + 1, share=data["of the easiest"] / len(self.order))
        note = (
            f"By {self.score} {self.row.at}, within each class, ties by the loss; after "
            f"{show.whole_percent(self.whole_after)} of the steps all examples have their turn. "
            "Whether that gains anything on your data is for trainings to show, "
            "beside others with as many steps."
        )
        title = f"{show.quantity(self.num_steps, 'step')} of {show.quantity(self.batch_size, 'example')}"
        columns = {"step": show.counts(), "of the easiest": show.counts(), "share": show.numbers(2)}
        return [
            show.Frame(title, note, data, columns | {"mean": show.numbers(2, title=f"mean {self.score}")})
        ]


def pace(options: keeping.KeepOptions) -> Curriculum:
    """Train on the easiest examples of each class first, ties by the mean loss, and take in harder ones."""
    run, score = options.run, options.score or "easiness"
    num_steps = at_least("--steps", options.steps or 0, 1, _MOST_STEPS)
    batch_size = min(_BATCH_SIZE, len(run.ids)) if options.batch_size is None else options.batch_size
    batch_size = at_least("--batch-size", batch_size, 1, _MOST_STEPS)
    if batch_size > len(run.ids):
        raise BadInput(f"--batch-size {batch_size}: the run has {len(run.ids):,} examples; give fewer")
    ease, table, row = rank_values(run, order_of(score), options.at)
    finer = table["loss"].to_numpy() if "loss" in table else np.zeros(len(ease))
    order = np.argsort(places(np.lexsort((finer, -ease)), run.labels), kind="stable")
    pacing = num_steps, batch_size, float(options.start), float(options.whole_after)
    return Curriculum(run.ids, table[score].to_numpy(), order, score, run.row(row), *pacing, options.seed)


def places(order: Integers, labels: npt.NDArray[np.integer]) -> Floats:
    """The place of each example [K] in its class by the ``order`` of all, in 0..1: classes stay balanced."""
    place = np.empty(len(order))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    return place


def pool_size(step: int, num: int, steps: int, batch_size: int, start: float, whole_after: float) -> int:
    """Number of the easiest of ``num`` examples that a step draws from: ``batch_size`` at least."""
    share = min(1.0, start + (1 - start) * step / (steps * whole_after))
    return min(num, max(batch_size, int(num * share)))


def paced_batches(
    order: Integers, steps: int, batch_size: int, start: float, whole_after: float, rng: np.random.Generator
) -> Iterator[Integers]:
    """The positions of each step: some of the first in ``order``, then pass after pass over all of them."""
    everyone, waiting = np.sort(order), np.empty(0, np.int64)
    for step in range(steps):
        pool = pool_size(step, len(order), steps, batch_size, start, whole_after)
        if pool < len(order):
            yield rng.choice(order[:pool], batch_size, replace=False)
            continue
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, rng.permutation(everyone)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]
