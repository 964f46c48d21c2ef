"""Ranks of examples by a score of a run, and the data that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness.analysis import POLICIES, parse_policy
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Floats, pd
from easiness.regular_file import at_home
from easiness.runs import data_of, given_data
from easiness.scoring import Score, find_score
from easiness.spec import Keep, Loading
from easiness.store import Run

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
        for policy, known in self.policies.items():
            if beta == known:
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
    found = find_score(score)
    meaning = found.high_means
    speaks_of_ease = meaning in ("easy", "hard")
    if keep is None and not speaks_of_ease:
        raise BadInput(
            f"score {score!r}: high means {meaning}, neither easy nor hard; say which end of it to keep "
            "(--keep top or --keep bottom)"
        )
    if keep is not None and speaks_of_ease:
        raise BadInput(
            f"keep {keep}: high {score} means {meaning}, so the policy says which examples are drawn (easy, "
            "hard); leave --keep out"
        )
    return Ranking(found, keep)


def ranking(run: Run, score: str = "easiness", at: float | None = None, keep: Keep | None = None) -> Floats:
    """A score of the examples of a run [K]: high is easy, or not to ``keep``; never learned is hardest."""
    order, epoch = order_of(score, keep), run.resolve_at(at)
    return ranked(run, order, epoch, run.scores(**run.asked(epoch)))


def ranked(run: Run, order: Ranking, epoch: int, table: pd.DataFrame) -> Floats:
    """The values [K] that rank by a score after ``epoch`` epochs; ``table`` has all scores then."""
    score = order.score
    columns = {str(name): column.to_numpy() for name, column in table.items()}
    values: Floats = order.sign * score.ranked(columns, epoch)
    if not np.isnan(values).any():
        return values
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
    """The data that a run has scores of, loaded as for the run, with a held-out split to test on.

    Where nothing was held out, ``holdout`` of each class are taken from the examples scored.
    """
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


def aligned(run: Run, values: Floats, data: Dataset) -> Floats:
    """``values`` of the examples of ``run`` in the order of ``data``, all of whose examples it has."""
    where = {name: at for at, name in enumerate(run.ids.tolist())}
    return values[[where[name] for name in data.ids.tolist()]]
