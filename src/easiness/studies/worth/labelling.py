"""``to_label``: which examples without labels to label next."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from easiness import show
from easiness.analysis import drawn_examples
from easiness.data import Dataset, load_unlabelled
from easiness.errors import BadInput
from easiness.runs import passes_shown
from easiness.spec import at_least
from easiness.store import Run, check_opened
from easiness.studies.worth.grid import FEWEST_SEEDS
from easiness.studies.worth.next_labels import NextLabels
from easiness.studies.worth.picking import PICKS, Judged, Positions, near_of
from easiness.studies.worth.reading import Examples, heads_of, in_files, read_examples
from easiness.studies.worth.replay import (
    MOST,
    Replaying,
    margins,
    probabilities,
    recommended,
    replay,
    without_copies,
)

PICKED = 100
"""Picks, unless another number is given."""
DRAWS = 20
"""Draws of a replay, unless another number is given."""


def to_label(
    run: Run,
    pool: Any,
    *,
    picks: int = PICKED,
    seeds: int = DRAWS,
    source: Any = None,
    seed: int = 0,
    progress: bool = True,
) -> NextLabels:
    """Which examples of a pool without labels to label next, beside those of a run on features.

    Picks are what is rare and uncertain (together they cover most of what is uncertain and has no label near
    by), what has the smallest margin, and random ones. Which to follow is told by replays on the run's own
    examples: some are taken for labelled, each rule picks from the rest, and heads of both are tested on the
    held-out split, or on a fifth that is set aside. A rule is recommended only where its gain over random is
    shown with an interval, at the largest number of labelled examples: half of those that there are.

    Args:
        run: on features.
        pool: a folder, a table without labels, an ``.npz`` file with ``x``, for vectors of your own an
            ``.npy`` file of them, or in Python an array; labels that are there are not looked at.
        picks: how many to pick, by each rule.
        seeds: draws of a replay, five at least.
        source: where the run's data are now, a `Dataset` or what `load_dataset` takes; where they were by
            default.
        seed: of the draws.
        progress: show how far it is.

    Raises:
        BadInput: the run has no features, the pool cannot be read or is of another kind, or has too few
            examples.
    """
    check_opened(run=run)
    at_least("--picks", picks, 1, MOST)
    at_least("--seeds", seeds, FEWEST_SEEDS)
    at_least("--seed", seed, 0)
    names = [one.name for one in heads_of(run).features]
    found: list[Dataset] = []

    def unlabelled(data: Dataset) -> Dataset:
        found.append(load_unlabelled(pool, data, vectors=in_files(names)))
        _check_enough(picks, found[0], len(found[0]), "example")
        return found[0]

    with passes_shown(progress):
        examples = read_examples(run, source, seed, unlabelled)
        new = _without_copies(examples.copies, len(run.ids))
        _check_enough(picks, found[0], len(new.positions), "new example")
        tried = without_copies(examples.pool, examples.copies[examples.positions])
        if len(tried) < 2 * len(run.classes):
            raise BadInput(
                f"{run.path}: {len(tried)} examples are too few to replay with; label some at random"
            )
        replayed = replay(tried, examples.test, Replaying(picks, seeds, seed))
    return _picked(run, found[0], examples, new, partial(NextLabels, replayed=tuple(replayed)), picks, seed)


def _check_enough(picks: int, pool: Dataset, num: int, what: str) -> None:
    if num < picks:
        raise BadInput(
            f"--picks {picks}: {pool.name} has {show.counted(num, what)}; pick fewer, or give a larger pool"
        )


def _picked(
    run: Run, pool: Dataset, examples: Examples, new: _New, result: partial[NextLabels], picks: int, seed: int
) -> NextLabels:
    """The picks of each rule, with what is said of the pool."""
    num = len(run.ids)
    order = np.random.default_rng(seed).permutation(new.positions)[:MOST]
    labelled = _drawn(num)
    some = examples.everyone.part(np.concatenate([labelled, order]))
    near, known = near_of(some.x.numpy()), np.arange(len(labelled))
    others = np.arange(len(labelled), len(some))
    p = probabilities(examples.everyone.part(np.arange(num)), some.part(others))
    judged = Judged(others, known, margins(p))
    return result(
        run=str(run.path),
        source=pool.where,
        num_labelled=num,
        num_compared=len(labelled),
        num_copies=new.num_copies,
        num_repeated=new.num_repeated,
        num_pool=len(pool),
        rule=recommended(result.keywords["replayed"]),
        picks={rule: pick(near, judged, picks) for rule, pick in PICKS.items()},
        ids=pool.ids[order - num],
        margin=judged.margin,
        rarity=1 - near.covered(known)[others].astype(np.float64),
        predicted=np.array(run.classes, object)[p.argmax(axis=1)],
        pool=pool,
    )


class _New(NamedTuple):
    """Positions of what is new to label; how many others are copies of labelled ones, or of each other."""

    positions: Positions
    num_copies: int
    num_repeated: int


def _without_copies(same: Positions, num: int) -> _New:
    """What is new behind the first ``num``."""
    own = same[num:]
    copies = np.isin(own, same[:num])
    first = np.zeros(len(own), np.bool_)
    first[np.unique(own, return_index=True)[1]] = True
    return _New(num + np.flatnonzero(first & ~copies), int(copies.sum()), int((~first & ~copies).sum()))


def _drawn(num: int) -> Positions:
    drawn = drawn_examples(num, MOST)
    return np.arange(num) if drawn is None else drawn
