"""The grid of `keep`: heads fitted on the examples of each row, all tested on the same others.

The best of many rows is best by luck as well, so the number it was chosen by flatters it. Therefore one half
of the test examples and of the seeds chooses a row, and the other half judges it, with the usual paired
interval (`paired_gain`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from scipy.special import stdtrit

from easiness.analysis import Gain, Interval, paired_gain
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.store import Run
from easiness.studies import keeping
from easiness.studies.keeping import heads
from easiness.studies.keeping.ranks import places
from easiness.studies.keeping.worth import ALL, EASIEST, HARDEST, RANDOM, Worth
from easiness.studies.labels import without
from easiness.studies.suspects import SuspectOptions, suspects

SIZES = (0.05, 0.2, 0.5, 1.0)  # shares of the examples that there are, unless sizes are asked for
FEWEST_OF_CLASS = 5  # examples a class, on average, of the smallest size by default
_STREAM = 0x776F7274  # keeps these random numbers apart from others of the same seed


def cells_of(size: int, shares: Sequence[float]) -> pd.DataFrame:
    """Rows of a grid at a ``size``; ``share`` is NaN for all but the suspects, and for as many at random."""
    ends = product(dict.fromkeys(shares), (False, True), (EASIEST, HARDEST, RANDOM))
    always = [(ALL, 1.0, False), (ALL, np.nan, True), (RANDOM, np.nan, False)]
    rows = [*always, *((end, share, out) for share, out, end in ends)]
    return pd.DataFrame(rows, columns=["kept", "share", "suspects_out"]).assign(size=size)


def kept_in(cell: Any, scores: pd.DataFrame, lots: Floats) -> Integers | None:
    """Positions that a row of the grid keeps, ties by ``lots`` [K]; ``None`` where suspects leave too few."""
    size, p_label = len(scores), scores["p_label"].to_numpy()
    sound = ~(scores["p_wrong"].to_numpy() >= 1 / 2)
    there = sound if cell.suspects_out else np.ones(size, np.bool_)
    num = sound.sum() if np.isnan(cell.share) else round(cell.share * size)
    if num < 1 or num > there.sum():
        return None
    order = np.lexsort((lots, {EASIEST: -p_label, HARDEST: p_label}.get(cell.kept, lots)))
    positions: Integers = order[there[order]][:num]
    return np.sort(positions)


def advise(options: keeping.KeepOptions) -> Worth:
    """Advise which examples to keep of a run on features, and forecast the gain of twice the labels.

    The advice is the fewest examples that lose less than the margin, by heads and by the nearest neighbours.
    One half of the test examples and of the seeds chooses them, the other half judges them.
    """
    run = options.run
    heads.heads_of(run)
    _check(options, len(run.classes), len(run.ids))
    own = of_run(run)
    examples = heads.read_examples(run, options.data, options.seed)
    whole, num_classes = len(examples.pool), examples.pool.num_classes
    _check(options, num_classes, whole)
    usual = [n for n in (round(share * whole) for share in SIZES) if n >= FEWEST_OF_CLASS * num_classes]
    sizes = {*(usual if options.sizes is None else options.sizes), whole}
    grid = grid_of(examples, sorted(sizes), options, own if examples.held_out else None)
    return _advice(examples, own, grid, options)


def _check(options: keeping.KeepOptions, num_classes: int, most: int) -> None:
    for share in options.keep_shares:
        if not 0 < share < 1 or round(share * most) < 1:
            wrong = f"not in (0, 1), or keeps none of {most:,} examples"
            raise BadInput(f"--keep-shares {share:g}: {wrong}; give shares such as 0.2,0.4")
    for one in options.sizes or ():
        if not 2 * num_classes <= one <= most:
            raise BadInput(
                f"--sizes {one}: not between {2 * num_classes} (two of each class) and {most:,} (all "
                "examples that are not tested on); give such numbers"
            )


def of_run(run: Run) -> pd.DataFrame:
    """How easy the examples of a run are and how likely their labels are wrong, as its heads say."""
    suspicion = suspects(SuspectOptions((run,), pictures=False)).ranked.set_index("id")
    suspicion = suspicion.reindex(run.ids.tolist())
    p_label = run.scores()["self_confidence"].to_numpy()
    if np.isnan(p_label).any():
        raise BadInput(
            f"{run.path}: {int(np.isnan(p_label).sum())} examples were left out by no trial; measure more"
        )
    return pd.DataFrame({"p_label": p_label, "p_wrong": suspicion["p_wrong"].to_numpy(np.float64)})


def grid_of(
    examples: heads.SplitVectors, sizes: Sequence[int], options: keeping.KeepOptions, own: pd.DataFrame | None
) -> pd.DataFrame:
    """Rows of the grid that every seed can try, with the ``parts`` they keep, and ``right`` [seeds, n].

    At a size n only n labelled examples exist: folds within them tell which are easy and which labels
    suspect; for the whole size ``own`` does, where it is given. Each seed draws its own examples, with the
    classes in the shares of all, smaller sizes from larger ones.
    """
    grid = pd.concat([cells_of(size, options.keep_shares) for size in sizes], ignore_index=True)
    trials: dict[int, list[tuple[Integers, Mask]]] = {row: [] for row in grid.index}
    of_whole = dict[bytes, Mask]()
    for seed in range(options.seeds):
        order = _in_turn(examples.pool, _generator(options.seed, seed))
        # two numbers to `SeedSequence`, so that no two studies share any
        own_seed = options.seed << 32 | seed
        for at, size in enumerate(sizes):
            tell("trying what to keep", seed * len(sizes) + at, options.seeds * len(sizes))
            whole = size == len(examples.pool)
            draw = np.arange(size) if whole else np.sort(order[:size])
            some = examples.pool if whole else examples.pool.part(draw)
            scores = own if whole and own is not None else heads.judged_by_others(some, own_seed)
            lots, fits = _generator(own_seed, size).random(size), of_whole if whole else {}
            cells: list[Any] = [*grid[grid["size"] == size].itertuples()]
            for cell in cells:
                positions = kept_in(cell, scores, lots)
                if positions is None:
                    continue
                if (key := positions.tobytes()) not in fits:
                    fits[key] = heads.right(some.part(positions), examples.test)
                trials[cell.Index].append((draw[positions], fits[key]))
    grid = grid[[len(one) == options.seeds for one in trials.values()]]
    parts: list[Any] = [[positions for positions, _ in trials[row]] for row in grid.index]
    by_heads: list[Any] = [np.stack([one for _, one in trials[row]]) for row in grid.index]
    num_kept = [float(np.mean([len(part) for part in one])) for one in parts]
    return grid.assign(parts=parts, right=by_heads, num_kept=num_kept)


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, number)))


def _in_turn(some: heads.LabelledVectors, rng: np.random.Generator) -> Integers:
    """Positions in a random order, any beginning of which has the classes in the shares of all."""
    labels = some.labels.numpy()
    order = np.lexsort((rng.random(len(labels)), labels))
    sizes = np.bincount(labels, minlength=some.num_classes).clip(min=1)
    shift = (rng.random(some.num_classes) - 0.5) / sizes
    return np.argsort(places(order, labels) + shift[labels], kind="stable")


def _advice(
    examples: heads.SplitVectors, own: pd.DataFrame, grid: pd.DataFrame, options: keeping.KeepOptions
) -> Worth:
    run, test = options.run, examples.test
    num, num_classes = len(run.ids), len(np.unique(run.labels))
    lots = np.random.default_rng(options.seed).random(num)
    cells: list[Any] = [*grid[grid["size"] == len(examples.pool)].itertuples()]
    masks = dict[Any, Mask]()
    # as many at random as without suspects, which may be none, are held against and not advised
    for cell in (one for one in cells if one.kept != RANDOM or one.share > 0):
        positions = kept_in(cell, own, lots)
        if positions is not None and len(np.unique(run.labels[positions])) == num_classes:
            masks[cell.Index] = ~np.isin(np.arange(num), positions)
    rows = grid.loc[[*masks]]
    by_near: dict[int, Mask] = {}

    def near(row: int) -> Mask:
        if (at := rows.index[row]) not in by_near:
            by_near[at] = heads.right_by_neighbours(examples.pool, test, rows["parts"][at])
        return by_near[at]

    rivals = _rivals(rows.reset_index(drop=True))["over_random"]
    at_random = rivals.fillna(rivals.index.to_series()).astype(int).tolist()
    starts, num_kept = np.flatnonzero(rows["kept"] == ALL).tolist(), rows["num_kept"].tolist()
    by: list[Classifier] = [rows["right"].tolist().__getitem__, near]
    best, _, gains = judged_choice(num_kept, by, starts, at_random, options.margin, options.seed)
    advised_row = rows.index[best]
    aside = np.setdiff1d(np.arange(num), examples.positions)
    whole = grid[(grid["kept"] == ALL) & ~grid["suspects_out"]]
    chance = float(np.bincount(test.labels.numpy()).max() / len(test))
    twice, silent = more_labels(whole["size"].tolist(), whole["right"].tolist(), chance)
    return Worth(
        run=run,
        num_test=len(test),
        num_seeds=options.seeds,
        held_out=examples.held_out,
        margin=options.margin,
        grid=table_of(grid.assign(near=pd.Series(by_near, dtype=object)), advised_row),
        gains=gains,
        keep=without(run, masks[advised_row]),
        suspects=int((own["p_wrong"] >= 1 / 2).sum()),
        twice=twice,
        silent=silent,
        test_wrong=None if examples.held_out else float(own["p_wrong"].to_numpy()[aside].mean()),
        details=options.details,
    )


def _rivals(grid: pd.DataFrame) -> pd.DataFrame:
    """For each row those of all examples of its size, and of as many at random; NaN where there is none."""
    everything = grid.index.to_series().groupby(grid["size"]).transform("first")
    random = grid[(grid["kept"] == RANDOM) & ~grid["suspects_out"]]
    randoms = random[["size", "share"]].assign(over_random=random.index)
    pairs = grid[["size", "share"]].merge(randoms, how="left").set_index(grid.index)
    return pairs.assign(over_all=everything)[["over_all", "over_random"]]


def table_of(grid: pd.DataFrame, advised_row: int) -> pd.DataFrame:
    """Accuracy of heads (``right`` [seeds, n]) and neighbours (``near``) in each row, and what they gain."""
    rivals, by_near = _rivals(grid), grid["near"].dropna()
    table = grid[["size", "kept", "share", "num_kept", "suspects_out"]].assign(
        share=grid["share"].fillna(grid["num_kept"] / grid["size"]),
        accuracy=[float(one.mean()) for one in grid["right"]],
        accuracy_near=by_near.map(np.mean).astype(float),
    )
    by_rival = {name: (grid["right"], rivals[name]) for name in ("over_all", "over_random")}
    for name, (by, rival) in {**by_rival, "near_over_all": (by_near, rivals["over_all"])}.items():
        pairs: dict[Any, Any] = {
            row: at
            for row, at in rival.dropna().items()
            if {row, at} <= {*by.index} and (row != at or name not in by_rival)
        }
        gains = {row: paired_gain(by[at], by[row]) for row, at in pairs.items()}
        ends = {row: (gain.value, *gain.interval) for row, gain in gains.items()}
        columns = [name, f"{name}_low", f"{name}_high"]
        table = table.join(pd.DataFrame.from_dict(ends, orient="index", columns=columns, dtype=float))
    return table.assign(advised=table.index == advised_row).reset_index(drop=True)


LEVEL = 0.98  # that rows are chosen by: intervals judged by are of 95 %, and most rows are to pass them

_NEXT, _RANGE = 0.6, (0.2, 1.3)
"""Share that the next doubling of the labels gives of the gain of the last, and a range wide enough.

On parts of four data sets, with their labels and with three tenths wrong, it was 0.3 to 0.9, and once 1.3
(docs/results/worth.md). Errors that fall as n^-c have 2^-c, 0.84 to 0.35 for c from 0.25 to 1.5.
"""
_OF_DRAWS = 0.4
"""Share of the variance of the accuracy by draws of all examples that is left in the last gain.

Draws of half of them have most of their luck in common with all; measured in the same way, 0.1 to 0.9.
"""
_LEAST, _MOST = 0.25, 0.75  # of all examples: what is about half
_FEWEST_WRONG = 5  # test examples, or next to nothing is left to gain

Classifier = Callable[[int], Mask]  # right [seeds, n] on what a row of the grid keeps, by its number
Gains = dict[str, Gain]
"""Gains by name: ``over_start`` and ``over_all`` of the chosen row, and where there is something to gain
``start_over_all``, and ``over_random``, as many at random.
"""


def choose(
    num_kept: Sequence[float], by: Sequence[Classifier], starts: Sequence[int], margin: float
) -> tuple[int, int]:
    """The number of the row to advise, and of the start that it is held against.

    A start has all examples, or all but the suspects if that is shown to be better and no kind of classifier
    may lose the ``margin``. Rows that keep fewer (``num_kept`` by row) qualify by intervals above ``-margin``
    from the start. The row with the fewest examples wins, then the best one.
    """
    start = starts[0]
    for other in starts[1:]:
        lows = [paired_gain(one(start), one(other)).interval[0] for one in by]
        if max(lows) > 0 and min(lows) > -margin:
            start = other
    best = start, 0.0
    for row in np.argsort(num_kept, kind="stable").tolist():  # few are asked of the second kind
        if row in starts or num_kept[row] > num_kept[best[0]] or num_kept[row] >= num_kept[start]:
            continue
        value, least = math.inf, best[1] if num_kept[row] == num_kept[best[0]] else -math.inf
        for one in by:
            gain = paired_gain(one(start), one(row), LEVEL)
            value = min(value, gain.value if gain.interval[0] > -margin else -math.inf)
            if value <= least:
                break
        else:
            best = row, value
    return best[0], start


def judged_choice(
    num_kept: Sequence[float],
    by: Sequence[Classifier],
    starts: Sequence[int],
    at_random: Sequence[int],
    margin: float,
    seed: int = 0,
) -> tuple[int, int, list[Gains]]:
    """Choose a row on one half of the test examples and of the seeds, four or more; judge it on the other.

    ``at_random`` has for each row the number of the one that keeps as many at random.
    """
    seeds, num = by[0](0).shape
    half = np.random.default_rng(seed).permutation(num) < num // 2
    first, second = slice(None, seeds // 2), slice(seeds // 2, None)
    best, start = choose(num_kept, [_part(one, first, half) for one in by], starts, margin)
    pairs = {
        "over_start": (start, best),
        "start_over_all": (starts[0], start),
        "over_random": (at_random[best], best),
        "over_all": (starts[0], best),
    }
    others, always = [_part(one, second, ~half) for one in by], ("over_start", "over_all")
    pairs = {name: pair for name, pair in pairs.items() if name in always or pair[0] != pair[1]}
    gains = [{name: paired_gain(one(a), one(b)) for name, (a, b) in pairs.items()} for one in others]
    return best, start, gains


def _part(by: Classifier, seeds: slice, examples: Mask) -> Classifier:
    return lambda row: by(row)[seeds][:, examples]


def more_labels(sizes: Sequence[int], right: Sequence[Mask], chance: float) -> tuple[Interval | None, str]:
    """Gain in accuracy of twice the labels, on average over draws of as many; or ``None``, and why.

    The gain from about half of the labels to all of them is seen, and the next doubling gives a part of it
    (`_NEXT`, within `_RANGE`). To it come the test examples and the draw (`_OF_DRAWS`). Heads of ``sizes``,
    ascending, are ``right`` [seeds, n]; ``chance`` is the accuracy of those who have seen nothing.
    """
    shares = np.array(sizes) / sizes[-1]
    near_half = np.flatnonzero((shares >= _LEAST) & (shares <= _MOST))
    if not len(near_half):
        return None, "no size is a quarter to three quarters of all examples (--sizes)"
    (seeds, num), half = right[0].shape, int(near_half[np.abs(np.log2(shares[near_half]) + 1).argmin()])
    now = float(right[-1].mean())
    if now - chance < 2 * math.sqrt(now * (1 - now) / num):
        return None, "accuracy is not above chance"
    if (1 - now) * num < _FEWEST_WRONG - 0.5:  # a count, whatever rounding made of it
        return None, f"fewer than {_FEWEST_WRONG} test examples are wrong"
    by_test = right[-1].mean(axis=0) - right[half].mean(axis=0)
    between = np.array([one.mean(axis=1).var(ddof=1) for one in right[:-1]])
    of_draw = float((between * shares[:-1] / (1 - shares[:-1])).mean())  # of all examples: it falls as 1 / n
    doublings = -math.log2(shares[half])
    gain, part = float(by_test.mean()), _next(_NEXT, doublings)
    below, above = sorted((_next(end, doublings) - part) * gain for end in _RANGE)
    quantile = float(stdtrit((seeds - 1) * (len(sizes) - 1), 0.975))
    noise = quantile * part * math.sqrt(by_test.var(ddof=1) / num + _OF_DRAWS * of_draw)
    value = part * gain
    ends = value - math.hypot(below, noise), value + math.hypot(above, noise)
    return Interval(*(min(one, 1 - now) for one in (value, *ends))), ""  # no more is left to gain


def _next(part: float, doublings: float) -> float:
    """Gain of the next doubling if gains shrink geometrically, by this part each."""
    return 1 / doublings if math.isclose(part, 1) else (1 - part) / (part**-doublings - 1)
