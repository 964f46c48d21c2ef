"""Ranking examples by a score of a run, to train on a part of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.runs import data_of, given_data
from easiness.scores import Score
from easiness.spec import Keep, Loading
from easiness.store import Run
from easiness.studies.training_sets.policies import Order, order_of

if TYPE_CHECKING:
    import pandas as pd


def ranking(
    run: Run,
    score: str = "easiness",
    epoch: int | None = None,
    keep: Keep | None = None,
    *,
    share: float | None = None,
) -> npt.NDArray[np.float64]:
    """A score of the examples of a run [K], its sign turned where needed: high = easy, or not to ``keep``.

    Examples that were never learned are the hardest, where the score has no value for them.
    """
    order, epoch = order_of(score, keep), run.resolve_epoch(epoch, share)
    return ranked(run, order, epoch, run.scores(**run.asked(epoch)))[1]


def ranked(
    run: Run, order: Order, epoch: int, table: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The score after ``epoch`` epochs [K] as in the table of scores, and the values that rank by it [K]."""
    score = order.score
    columns = {str(name): column.to_numpy() for name, column in table.items()}
    values: npt.NDArray[np.float64] = order.sign * score.ranked(columns, epoch)
    if np.isnan(values).any():
        undefined = int(np.isnan(columns[score.name]).sum())
        raise BadInput(
            f"{run.path}: {score.name} is undefined for {undefined} of {len(values)} examples "
            f"{run.at(epoch)}; use another score, or {_remedy(score, run, epoch)}"
        )
    return columns[score.name], values


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

    Args:
        run: with the scores.
        source: a `Dataset` or what `load_dataset` takes.
        loading: the limit, which is that of the run anyway, and the share of each class to hold out, where
            there is no held-out split.
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


def aligned(run: Run, values: npt.NDArray[np.float64], data: Dataset) -> npt.NDArray[np.float64]:
    """``values`` of the examples of ``run`` in the order of ``data``, all of whose examples it has."""
    where = {name: at for at, name in enumerate(run.ids.tolist())}
    return values[[where[name] for name in data.ids.tolist()]]
