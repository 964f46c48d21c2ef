"""Ranks of examples by a score of a run, and the data that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

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

_EASE = ("easy", "hard")
_OTHER_END = {"top": "bottom", "bottom": "top"}


@dataclass(frozen=True)
class Ranking:
    """A score, and the direction in which `draw_by_rank` ranks by it.

    By a score that speaks of ease the ranks run from hard to easy, and ``keep`` is ``None``. By any other
    they run from the end to ``keep`` to the other end, which has the place of the easy examples.
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
        """The Beta parameters of a policy: one of ``policies``, or ``beta:A,B``.

        ``others`` are policies without any, that a mistyped one may have been meant to be.
        """
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


def check_end(keep: Keep | None) -> None:
    """Refuse what is no end of a score."""
    if keep not in (None, *get_args(Keep)):
        raise BadInput(f"keep {keep!r}: unknown; choose {' or '.join(get_args(Keep))}")


def order_of(score: str, keep: Keep | None = None) -> Ranking:
    """The order by a score; ``keep`` is needed where it is high neither for easy nor for hard examples."""
    found = find_score(score)
    check_end(keep)
    meaning = found.high_means
    speaks_of_ease = meaning in _EASE
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


def ranking(
    run: Run,
    score: str = "easiness",
    at: float | None = None,
    keep: Keep | None = None,
) -> Floats:
    """A score of the examples of a run [K], its sign turned where needed: high = easy, or not to ``keep``.

    Examples that were never learned are the hardest, where the score has no value for them.
    """
    order, epoch = order_of(score, keep), run.resolve_at(at)
    return ranked(run, order, epoch, run.scores(**run.argument(epoch)))


def ranked(run: Run, order: Ranking, epoch: int, table: pd.DataFrame) -> Floats:
    """The values [K] that rank by a score after ``epoch`` epochs; ``table`` has all scores then."""
    score = order.score
    columns = {str(name): column.to_numpy() for name, column in table.items()}
    values: Floats = order.sign * score.ranked(columns, epoch)
    if np.isnan(values).any():
        undefined = int(np.isnan(columns[score.name]).sum())
        raise BadInput(
            f"{run.path}: {score.name} is undefined for {undefined} of {len(values)} examples "
            f"{run.at(epoch)}; use another score, or {_remedy(score, run, epoch)}"
        )
    return values


def _remedy(score: Score, run: Run, epoch: int) -> str:
    if run.shares:
        return "a run of trainings: heads on shares have no course to read it from"
    if "trials without x" in score.needs:
        return "measure with --train-share below 1, and trials enough to leave each example out"
    if run.observed[:epoch] != tuple(range(1, epoch + 1)):
        return "measure with --observe all"
    return "a later epoch"


def scored_data(run: Run, source: Any, loading: Loading = Loading()) -> Dataset:
    """The data that a run has scores of, with a held-out split to test on.

    The data are loaded as for the run: the same limit, the same part held out. Where nothing was held
    out, ``holdout`` of each class are taken from the examples scored.
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
