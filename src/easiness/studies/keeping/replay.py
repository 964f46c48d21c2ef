"""Rules that pick examples of a pool to label next, replayed as if most examples had no label yet.

The first rule covers what is uncertain. A label at example i says something about a near example j: as much
as they are alike, ``exp(-d_ij^2 / (s_i s_j))``, with d the distance between their features and s the distance
to the tenth nearest, the local scale (Zelnik-Manor and Perona 2004). The most alike example with a label
covers an example. The rule picks, one after another, the example that adds most, ``sum_j u_j max(0, alike_ij
- covered_j)`` over the nearest j in the pool, with u their uncertainty: a facility location weighted by it
(Wei, Iyer and Bilmes 2015). It picks no second copy, and nothing that has labels near by.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from easiness.analysis import drawn_examples, nearest_rows, paired_gain
from easiness.data import Dataset, load_unlabelled
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.lazy import Floats, Integers, Mask, Singles, pd
from easiness.runs import data_of
from easiness.show import quantity
from easiness.spec import at_least
from easiness.store import Run
from easiness.studies import keeping
from easiness.studies.keeping import heads
from easiness.studies.keeping.labelling import LEVEL, MARGIN, MOST, RANDOM, RARE, RULES, NextLabels

NUM_NEAREST = 50
_SCALE = 10  # the nearest whose distance is the local scale


@dataclass(frozen=True, eq=False)
class NearestRows:
    """The ``nearest`` of K examples [K, n], itself first, and how ``alike`` they are [K, n], in 0..1."""

    nearest: Integers
    alike: Singles

    def cover(self, labelled_at: Integers) -> Singles:
        """How alike each example [K] is to one with a label: 0 where none is near."""
        closeness = np.zeros(len(self.nearest), np.float32)
        np.maximum.at(closeness, self.nearest[labelled_at], self.alike[labelled_at])
        return closeness


def near_of(x: Singles, num: int = NUM_NEAREST) -> NearestRows:
    """The examples near to each by its features ``x`` [K, D]; ``num`` of them, or all others."""
    every, num = np.arange(len(x)), min(num, len(x) - 1)
    near_at, far = nearest_rows(x, x, num, every)
    scale = far[:, min(_SCALE, num) - 1].clip(min=1e-6)
    alike = np.exp(-np.square(far) / (scale[:, None] * scale[near_at]))
    itself = np.ones(len(x), np.float32)
    return NearestRows(np.column_stack([every, near_at]), np.column_stack([itself, alike]).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Candidates:
    """A ``pool`` [n] and positions ``labelled_at`` among K examples, and the ``margin`` [n], in 0..1."""

    pool: Integers
    labelled_at: Integers
    margin: Floats


def rare_and_uncertain(near: NearestRows, candidates: Candidates, num: int) -> Integers:
    """Places in the pool of those that together cover most of what is uncertain, the first one first."""
    cover, weights = near.cover(candidates.labelled_at), np.zeros(len(near.nearest), np.float32)
    weights[candidates.pool] = 1 - candidates.margin

    def adds(position: int) -> float:
        others = near.nearest[position]
        return float((weights[others] * (near.alike[position] - cover[others]).clip(min=0)).sum())

    # what one adds only falls as others are picked, so that most need no second look (Minoux 1978)
    waiting = [(-adds(position), place) for place, position in enumerate(candidates.pool.tolist())]
    heapq.heapify(waiting)
    picks: list[int] = []
    while len(picks) < num:
        _, place = heapq.heappop(waiting)
        position = int(candidates.pool[place])
        now = -adds(position)
        if waiting and now > waiting[0][0]:
            heapq.heappush(waiting, (now, place))
            continue
        picks.append(place)
        others = near.nearest[position]
        cover[others] = np.maximum(cover[others], near.alike[position])
    return np.array(picks, np.int64)


Rule = Callable[[NearestRows, Candidates, int], Integers]

PICKS: dict[str, Rule] = {
    RARE: rare_and_uncertain,
    MARGIN: lambda _, candidates, num: np.argsort(candidates.margin, kind="stable")[:num],
    RANDOM: lambda _, candidates, num: np.arange(min(num, len(candidates.pool))),
}
"""Each rule takes a pool in random order, and says which ``num`` of it to label."""


STARTS = (100, 300, 1_000)  # labelled examples that replays begin with, beside half of those that there are
_REST = 4  # a pool has so many times as many examples as are picked, at least
_STREAM = 0x706F6F6C  # keeps these random numbers apart from others of the same seed


def replay(
    some: heads.LabelledVectors,
    test: heads.LabelledVectors,
    picks: int,
    rules: Mapping[str, Rule] = PICKS,
    *,
    seeds: int = 20,
    seed: int = 0,
    wrong: float = 0.0,
    starts: Sequence[int] = STARTS,
) -> pd.DataFrame:
    """The gain of each rule at each start, a row each; see `NextLabels`.

    Each seed takes as many labelled examples as a start has, at random, and hides the labels of the rest,
    from which each rule makes at most so many ``picks``, a share of which gets ``wrong`` labels. Heads of
    what is labelled then are tested on the same ``test`` examples.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    if len(some) > MOST:
        some = some.part(np.sort(rng.permutation(len(some))[:MOST]))
    near, num = near_of(some.x.numpy()), len(some)
    starts = sorted({one for one in starts if 3 * one <= num} | {num // 2})
    rows = []
    for at, start in enumerate(starts):
        here = max(1, min(picks, (num - start) // _REST))
        picks_by_rule = {rule: np.zeros((seeds, len(some)), np.float32) for rule in rules}
        right: dict[str, Mask] = {rule: np.zeros((seeds, len(test)), np.bool_) for rule in rules}
        for draw in range(seeds):
            tell("replaying whom to label", at * seeds + draw, len(starts) * seeds)
            order = rng.permutation(len(some))
            labelled_at, pool = order[:start], order[start:]
            start_set = some.part(labelled_at)
            moments = start_set.moments()
            candidates = Candidates(pool, labelled_at, margins(probabilities(start_set, some.part(pool))))
            noisy = _as_people_label(some, wrong, rng)
            for rule, pick in rules.items():
                own = pool[pick(near, candidates, here)]
                new = noisy.part(own)
                head, _ = heads.fit(start_set.with_others(new), moments + new.moments())
                picks_by_rule[rule][draw, own] = 1
                right[rule][draw] = (head(test.x).argmax(dim=1) == test.labels).numpy()
        for rule in rules:
            alike = _alike(picks_by_rule[rule] - picks_by_rule[RANDOM])
            gain = paired_gain(right[RANDOM], right[rule], LEVEL, alike=alike)
            outcome = (right[rule], float(right[rule].mean()), gain.value, *gain.interval)
            rows.append((start, num - start, here, rule, *outcome))
    columns = ["start", "pool", "picks", "rule", "right", "accuracy", "gain", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _alike(apart: Singles) -> float:
    """By how much more the mean of seeds varies for the picks that they share, at least 1.

    A rule that picks the same examples in every seed has shown what these are worth, not what others would
    be: where an example is worth something wherever it is picked, the mean of seeds varies as the square of
    their mean ``picks - picks at random`` does, rows of ``apart`` [seeds, num].
    """
    mean = apart.mean(axis=0)
    rest = float(np.square(apart - mean).sum()) / max(len(apart) - 1, 1)
    return max(1.0, len(apart) * float(np.square(mean).sum()) / rest if rest else 1.0)


def probabilities(train: heads.LabelledVectors, others: heads.LabelledVectors) -> Floats:
    """Probabilities of each class [n, C] of others, by a head on those known."""
    head, temperature = heads.fit(train)
    p: Floats = torch.softmax(head(others.x).double() / temperature, dim=1).numpy()
    return p


def margins(p: Floats) -> Floats:
    """The first probability less the second [n], of those of each class [n, C]."""
    return np.asarray(np.diff(np.partition(p, -2, axis=1)[:, -2:])[:, 0])


def _as_people_label(
    some: heads.LabelledVectors, wrong: float, rng: np.random.Generator
) -> heads.LabelledVectors:
    if not wrong:
        return some
    num = some.num_classes
    other = (some.labels.numpy() + rng.integers(1, num, len(some))) % num
    labels = np.where(rng.random(len(some)) < wrong, other, some.labels.numpy())
    return heads.LabelledVectors(some.x, torch.from_numpy(labels), some.groups, num)


def best_rule(replays: pd.DataFrame) -> str:
    """The rule with the largest gain where replays begin with most labels, of those shown; else random."""
    most = replays[replays["start"] == replays["start"].max()]
    ahead = most[most["rule"].isin(RULES) & (most["low"] > 0)]
    return str(ahead["rule"][ahead["gain"].idxmax()]) if len(ahead) else RANDOM


def pick_next(run: Run, options: keeping.NextOptions) -> NextLabels:
    """The picks of each rule from a pool, and what each gains in replays; see `label_next`."""
    picks = at_least("--picks", options.picks, 1, MOST)
    names = [one.name for one in heads.heads_of(run).features]
    data = data_of(run, options.data)
    pool, num = load_unlabelled(options.pool, data, vectors=heads.in_files(names)), len(run.ids)
    _check_enough(picks, pool, len(pool), "example")
    examples = heads.read_examples(run, data, options.seed, pool)
    copies = np.isin(examples.copies[num:], examples.copies[:num])
    repeats = pd.Series(examples.copies[num:]).duplicated().to_numpy() & ~copies
    new = num + np.flatnonzero(~copies & ~repeats)
    _check_enough(picks, pool, len(new), "new example")
    # to label a copy tells nothing, and none is picked
    once = np.unique(examples.copies[examples.positions], return_index=True)[1]
    unique = examples.pool.part(np.sort(once))
    if len(unique) < 2 * len(run.classes):
        raise BadInput(f"{run.path}: {len(unique)} examples are too few to replay with; label some at random")
    replays = replay(unique, examples.test, picks, seeds=options.seeds, seed=options.seed)
    order = np.random.default_rng(options.seed).permutation(new)[:MOST]
    sample = drawn_examples(num, MOST)
    some = examples.everyone.part(np.concatenate([np.arange(num) if sample is None else sample, order]))
    near, others = near_of(some.x.numpy()), np.arange(len(some) - len(order), len(some))
    known_at = np.arange(len(some) - len(order))
    p = probabilities(examples.everyone.part(np.arange(num)), some.part(others))
    candidates, rule = Candidates(others, known_at, margins(p)), best_rule(replays)
    looked_at = pd.DataFrame(
        {
            "id": pool.ids[order - num],
            "margin": candidates.margin,
            "rarity": 1 - near.cover(known_at)[others].astype(np.float64),
            "predicted": np.array(run.classes, object)[p.argmax(axis=1)],
        }
    )
    columns = ["id", "rank", "rule", "margin", "rarity", "predicted"]
    picks_by_rule = [
        looked_at.iloc[PICKS[name](near, candidates, picks)].assign(rank=np.arange(1, picks + 1), rule=name)
        for name in sorted(PICKS, key=lambda name: name != rule)
    ]
    return NextLabels(
        run=str(run.path),
        source=pool.where,
        num_labelled=num,
        num_copies=int(copies.sum()),
        num_repeated=int(repeats.sum()),
        num_pool=len(pool),
        num_looked_at=len(order),
        rule=rule,
        replays=replays,
        picks=pd.concat(picks_by_rule, ignore_index=True)[columns],
        pool=pool,
    )


def _check_enough(picks: int, pool: Dataset, num: int, what: str) -> None:
    if num < picks:
        raise BadInput(
            f"--picks {picks}: {pool.name} has {quantity(num, what)}; pick fewer, or give a larger pool"
        )
