"""Worlds of `worth.py`: grids of which the truth is known, and what is made of them.

A head is right about a test example where its ability, how easy the example is, what the row makes of this
example, what the draw of the seed makes of it and a rest add up to more than 0. Rows are four shares kept,
the easiest, the hardest and at random, with the suspects and without; those that are no draw are the same
for all seeds, as in the whole size of `ez.keep`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from easiness.analysis import paired_gain
from easiness.studies.keeping import judged_choice

SHARES, SEEDS, MARGIN = (0.2, 0.4, 0.6, 0.8), 5, 0.01
SIZE = 10_000
TRUTH = 400_000  # examples that the truth is the mean over


@dataclass(frozen=True)
class World:
    """``loss`` of a share kept by policy, in latent units; gain of the suspects ``out``; tails and groups."""

    name: str
    loss: dict[str, float]
    out: float = 0.0
    tails: float = np.inf  # degrees of freedom of how easy test examples are
    groups: float = 0.0  # what a row gains in one half of the examples and loses in the other
    own: float = 0.15  # spread of what a row makes of an example
    of_seed: float = 0.02  # spread of a draw
    jagged: float = 0.0  # spread of the true ability over rows


WORLDS = (
    World("nothing lost", {"easiest": 0, "hardest": 0, "random": 0}),
    World("as pictures", {"easiest": 0.5, "hardest": 0.03, "random": 0.12}, out=0.02),
    World("many at the margin", {"easiest": 0.06, "hardest": 0.045, "random": 0.05}, of_seed=0.03),
    World("rows by luck", {"easiest": 0.05, "hardest": 0.05, "random": 0.05}, jagged=0.03, own=0.3),
    World("two groups", {"easiest": 0.1, "hardest": 0.05, "random": 0.06}, groups=0.4),
    World(
        "heavy tails, noisy seeds", {"easiest": 0.1, "hardest": 0.05, "random": 0.05}, tails=2.5, of_seed=0.1
    ),
    World("three tenths wrong", {"easiest": 0.3, "hardest": 0.6, "random": 0.1}, out=0.15),
)


def _rows():
    """Number kept, policy, suspects out and loss of ability of each row; the first two are the starts."""
    yield SIZE, "all", False, 0.0
    yield 0.97 * SIZE, "all", True, 0.0
    for share in SHARES:
        for out in (False, True):
            for kept in ("easiest", "hardest", "random"):
                yield share * SIZE, kept, out, (1 / share - 1) / 4


def _abilities(world, rng):
    rows = list(_rows())
    ability = np.array([1.0 + world.out * out - world.loss.get(kept, 0) * far for _, kept, out, far in rows])
    return rows, ability + world.jagged * rng.standard_normal(len(rows)) * (np.arange(len(rows)) > 1)


def easy_ones(world, num, rng):
    if np.isinf(world.tails):
        return rng.standard_normal(num)
    return rng.standard_t(world.tails, num) * np.sqrt((world.tails - 2) / world.tails)


def grid(world, num, seed):
    """The rows with [seeds, num] right or wrong, and the true accuracy of each."""
    rng = np.random.default_rng(seed)
    rows, ability = _abilities(world, rng)
    easy, group = easy_ones(world, num, rng), np.where(rng.random(num) < 0.5, 1, -1)
    rest = 0.15 * rng.standard_normal((SEEDS, num))  # of draws, which the rows of a seed share
    many = np.sort(easy_ones(world, TRUTH // 20, rng))
    found, truth = [], []
    tilt = rng.standard_normal(len(rows)) * (np.arange(len(rows)) > 1)
    for at, (_, policy, _, _) in enumerate(rows):
        fixed = ability[at] + easy + world.own * rng.standard_normal(num) * (at > 0)
        fixed = fixed + world.groups * tilt[at] * group
        drawn = policy == "random"
        more = world.of_seed * rng.standard_normal((SEEDS, 1)) + rest if drawn else 0
        found.append(np.broadcast_to(fixed + more > 0, (SEEDS, num)))
        spread = world.own**2 * (at > 0) + (world.of_seed**2 + 0.15**2) * drawn
        truth.append(
            np.mean([_right(ability[at] + sign * world.groups * tilt[at], many, spread) for sign in (-1, 1)])
        )
    return found, np.array(truth)


def _right(ability, easy, spread):
    """The mean probability to be right over examples so easy."""
    from scipy.special import ndtr

    if spread == 0:
        return (ability + easy > 0).mean()
    return ndtr((ability + easy) / np.sqrt(spread)).mean()


def at_random():
    """For each row the number of that which keeps as many at random."""
    rows = list(_rows())
    wanted = [(kept, "random", False) for kept, *_ in rows]
    names = [(kept, policy, out) for kept, policy, out, _ in rows]
    return [names.index(one) if one in names else at for at, one in enumerate(wanted)]


def seen(world, num, seed):
    """One draw of a world: gains of the chosen row, naive and judged, and the truth."""
    right, truth = grid(world, num, seed)
    kept = [row[0] for row in _rows()]
    chosen, start, [judged] = judged_choice(kept, [right.__getitem__], [0, 1], at_random(), MARGIN, seed)
    true, beyond = truth[chosen] - truth[start], judged["over_start"]
    naive = paired_gain(right[start], right[chosen])
    return {
        "kept": kept[chosen] / SIZE,
        "moved": chosen != start,
        "naive": naive.value - true,
        "judged": beyond.value - true,
        "naive holds": naive.interval[0] <= true <= naive.interval[1],
        "judged holds": beyond.interval[0] <= true <= beyond.interval[1],
        "naive says": naive.interval[0] > -MARGIN,
        "says": beyond.interval[0] > -MARGIN,
        "true loss": true <= -MARGIN,
    }


def table(draws, nums=(500, 2000, 10_000), worlds=WORLDS):
    """A row a world and number of test examples: bias in points, coverage, and false claims of no loss."""
    for world in worlds:
        for num in nums:
            all_seen = [seen(world, num, seed) for seed in range(draws)]
            moved = [one for one in all_seen if one["moved"]]
            yield world.name, num, len(all_seen), moved


def in_cells(name, num, draws, moved):
    if not moved:
        return [name, f"{num:,}", str(draws), "0", *[""] * 9]
    of = {key: np.array([one[key] for one in moved], float) for key in moved[0]}
    return [
        name,
        f"{num:,}",
        f"{draws}",
        f"{len(moved) / draws:.2f}",
        f"{of['kept'].mean():.2f}",
        f"{100 * of['naive'].mean():+.2f}",
        f"{100 * of['judged'].mean():+.2f}",
        f"{of['naive holds'].mean():.2f}",
        f"{of['judged holds'].mean():.2f}",
        f"{(of['naive says'] * of['true loss']).sum() / draws:.3f}",
        f"{(of['says'] * of['true loss']).sum() / draws:.3f}",
        f"{of['says'].mean():.2f}",
        f"{(of['says'] * of['true loss']).sum():.0f} of {of['says'].sum():.0f}",
    ]


HEADER = (
    "world", "test examples", "draws", "a row is advised", "mean share kept", "naive: off", "judged: off",
    "naive: interval holds", "judged: interval holds", "naive: wrongly no loss", "judged: wrongly no loss",
    "judged: confirmed", "wrongly, of those confirmed",
)  # fmt: skip
