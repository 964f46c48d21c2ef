"""Which examples to train on at each step, the easiest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.scoring import find_score
from easiness.show import TRAIN, Curve, Frame, Result, count, counted, counts, curves, numbers, whole_percent
from easiness.spec import at_least
from easiness.store import Row
from easiness.studies.keeping.ranks import order_of, ranked

if TYPE_CHECKING:
    from easiness.studies.keeping.study import Kept


_SHOWN, _DRAWN = 10, 500  # steps in the table, and in the figure
_MOST_ROWS = 50_000_000  # of a file of all steps
_MOST_STEPS = 10**12  # of a training, or examples of a step
_BATCH_SIZE = 128
_STREAM = 0x70616365  # keeps these random numbers apart from others of the same seed


@dataclass(frozen=True, eq=False)
class Curriculum(Result):
    """The examples of each of ``num_steps`` training steps, the easiest of every class first.

    It gives a list of ``batch_size`` positions in the run for each step, the same ones whenever it is gone
    through: as ``batch_sampler`` of a ``DataLoader`` it is a whole training. The first step is on some of the
    easiest ``start`` of the examples, the next ones on more and more; when ``whole_after`` of the steps are
    done, all have their turn, pass after pass (linear pacing; Wu, Dyer and Neyshabur 2021).

    ``ids`` and ``values`` [K] are those of the run, the ``score`` in a ``row``; ``order`` [K] has all
    positions, the easiest first.
    """

    ids: npt.NDArray[Any]
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
        paced = paced_batches(self.order, self.num_steps, self.batch_size, self.start, self.whole_after, rng)
        return (batch.tolist() for batch in paced)

    def pool(self, step: int) -> int:
        """How many of the easiest examples a step draws from; steps count from 0."""
        return pool_size(step, len(self.order), self.num_steps, self.batch_size, self.start, self.whole_after)

    def _some(self, most: int) -> list[int]:
        steps: list[int]
        steps = np.linspace(0, self.num_steps - 1, min(most, self.num_steps)).round().astype(int).tolist()
        return steps

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
        steps = self._some(_DRAWN)
        shares = [self.pool(step) / len(self.order) for step in steps]
        drawn = Curve([step + 1 for step in steps], shares, color=TRAIN, marker="")
        figure = curves({"": [drawn]}, (5.2, 2.4), x="step", y="share of examples")
        figure.axes[0].set_ylim(0, 1.05)
        return figure

    def frames(self) -> list[Frame]:
        steps = self._some(_SHOWN)
        pools = [self.pool(step) for step in steps]
        data = pd.DataFrame(
            {
                "step": [step + 1 for step in steps],
                "of the easiest": pools,
                "share": [pool / len(self.order) for pool in pools],
                "mean": [np.nanmean(self.values[self.order[:pool]]) for pool in pools],
            }
        )
        few = self.start * len(self.order) < self.batch_size
        first = f"The first steps are on {count(self.batch_size)} examples, as many as they take. "
        note = (
            f"By {self.score} {self.row.at}, within each class, ties by the loss; after "
            f"{whole_percent(self.whole_after)} of the steps all examples have their turn. "
            f"{first if few else ''}Whether that gains anything on your data is for trainings to show, "
            "beside others with as many steps."
        )
        title = f"{counted(self.num_steps, 'step')} of {counted(self.batch_size, 'example')}"
        columns = {"step": counts(), "of the easiest": counts(), "share": numbers(2)}
        return [Frame(title, note, data, columns | {"mean": numbers(2, title=f"mean {self.score}")})]


def pace(asked: Kept) -> Curriculum:
    """Train on the easiest examples first, and take in harder ones as training goes.

    Examples are ranked within their class, by a score that speaks of ease; ties go by the mean loss.
    """
    run, score = asked.run, asked.score or "easiness"
    num_steps = at_least("--steps", asked.steps or 0, 1, _MOST_STEPS)
    batch_size = min(_BATCH_SIZE, len(run.ids)) if asked.batch_size is None else asked.batch_size
    batch_size = at_least("--batch-size", batch_size, 1, _MOST_STEPS)
    if batch_size > len(run.ids):
        raise BadInput(f"--batch-size {batch_size}: the run has {len(run.ids):,} examples; give fewer")
    meaning = find_score(score).high_means
    if meaning not in ("easy", "hard"):
        raise BadInput(
            f"score {score!r}: high means {meaning}, neither easy nor hard; give another, such as easiness "
            "or difficulty"
        )
    row = run.resolve_at(asked.at)
    table = run.scores(**run.argument(row))
    ease = ranked(run, order_of(score), row, table)
    finer = table["loss"].to_numpy() if "loss" in table else np.zeros(len(ease))
    order = np.argsort(places(np.lexsort((finer, -ease)), run.labels), kind="stable")
    how = (
        score,
        run.row(row),
        num_steps,
        batch_size,
        float(asked.start),
        float(asked.whole_after),
        asked.seed,
    )
    return Curriculum(run.ids, table[score].to_numpy(), order, *how)


def places(order: Integers, labels: npt.NDArray[np.integer]) -> Floats:
    """The place of each example [K] in its class by the ``order`` of all, in 0..1: classes stay balanced."""
    found = np.empty(len(order))
    for label in np.unique(labels):
        own = order[labels[order] == label]
        found[own] = (np.arange(len(own)) + 0.5) / len(own)
    return found


def pool_size(step: int, num: int, steps: int, batch_size: int, start: float, whole_after: float) -> int:
    """How many of ``num`` examples a step is on that is one of ``steps``: as many as it takes at least."""
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
