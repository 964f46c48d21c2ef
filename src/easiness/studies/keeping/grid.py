"""What is worth keeping: at each size heads of what each cell keeps, all tested on the same examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.analysis import paired_gain
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.spec import at_least
from easiness.store import Run
from easiness.studies.keeping.choice import judged_choice, more_labels
from easiness.studies.keeping.heads import (
    Examples,
    Judgement,
    Labelled,
    Positions,
    Right,
    heads_of,
    judged_by_others,
    read_examples,
    right,
    right_by_neighbours,
)
from easiness.studies.keeping.pacing import places
from easiness.studies.keeping.worth import ALL, EASIEST, HARDEST, RANDOM, Worth
from easiness.studies.labels import without
from easiness.studies.suspects import Suspected, suspects

if TYPE_CHECKING:
    import pandas as pd

    from easiness.studies.keeping.study import Kept

SIZES = (0.05, 0.2, 0.5, 1.0)
"""Shares of the examples that there are, unless sizes are asked for."""
FEWEST_OF_CLASS = 5
"""Examples a class, on average, of the smallest size by default."""
FEWEST_SEEDS = 5
"""Draws from which on intervals hold, see `paired_gain`."""
_STREAM = 0x776F7274  # keeps these random numbers apart from others of the same seed

Tried = Mapping["Cell", list[tuple[Positions, Right]]]
"""Of each cell and seed the examples of the pool that are kept, and whether heads on them are right [n]."""


class Cell(NamedTuple):
    """Of ``size`` examples a ``share`` is kept: ``kept`` says which; suspects may be out before that.

    ``share`` is ``None`` where all are kept but the suspects, and for as many at random.
    """

    size: int
    kept: str
    share: float | None
    suspects_out: bool


def cells_of(size: int, shares: Sequence[float]) -> Iterator[Cell]:
    """All cells of a size: all, all but the suspects, and each policy at each share with and without them."""
    yield Cell(size, ALL, 1.0, suspects_out=False)
    yield Cell(size, ALL, None, suspects_out=True)
    yield Cell(size, RANDOM, None, suspects_out=False)
    for share in shares:
        for out in (False, True):
            for kept in (EASIEST, HARDEST, RANDOM):
                yield Cell(size, kept, share, out)


def kept_in(cell: Cell, judged: Judgement, lots: npt.NDArray[np.float64]) -> Positions | None:
    """Positions of the examples that a cell keeps; ``None`` where the suspects leave too few.

    ``lots`` [size] decide at random, and where examples are as easy as each other.
    """
    there = ~judged.suspects if cell.suspects_out else np.ones(cell.size, np.bool_)
    sound = int((~judged.suspects).sum())
    num = cell.size if cell.share == 1 else sound if cell.share is None else round(cell.share * cell.size)
    if num < 1 or num > there.sum():
        return None
    first = {EASIEST: -judged.p_label, HARDEST: judged.p_label}.get(cell.kept, lots)
    order = np.lexsort((lots, first))
    kept: Positions = order[there[order]][:num]
    return np.sort(kept)


def advise(asked: Kept) -> Worth:
    """What to keep of the examples of a run on features, and what twice the labels would give.

    At several sizes closed-form heads are fitted to the easiest, the hardest or random ones of the examples,
    with the suspects or without. Each is held against as many at random and against all, with paired
    intervals. Of the whole size the fewest examples are advised that lose less than the margin, by heads and
    by the nearest neighbours: chosen on one half of the test examples and of the seeds, and judged on the
    other, so that the best of many is not flattered.
    """
    run = asked.run
    heads_of(run)
    _check(asked, len(run.classes), len(run.ids))
    own = of_run(run)
    examples = read_examples(run, asked.data, asked.seed)
    whole, num_classes = len(examples.pool), examples.pool.num_classes
    _check(asked, num_classes, whole)
    usual = [n for n in (round(share * whole) for share in SIZES) if n >= FEWEST_OF_CLASS * num_classes]
    sizes = {*(usual if asked.sizes is None else asked.sizes), whole}
    tried = grid_of(examples, sorted(sizes), asked, own if examples.held_out else None)
    return _advised(examples, own, tried, asked)


def _check(asked: Kept, num_classes: int, most: int) -> None:
    """Make sure that heads can be fitted so to examples of these classes, of which there are ``most``."""
    at_least("--seeds", asked.seeds, FEWEST_SEEDS)
    at_least("--seed", asked.seed, 0)
    if not 0 < asked.margin < 1:
        raise BadInput(
            f"--margin {asked.margin:g}: not between 0 and 1; give a loss of accuracy such as 0.01"
        )
    for share in asked.keep_shares:
        wrong = "not between 0 and 1" if not 0 < share < 1 else f"keeps none of {most:,} examples"
        if not 0 < share < 1 or round(share * most) < 1:
            raise BadInput(f"--keep-shares {share:g}: {wrong}; give shares such as 0.2,0.4")
    for one in asked.sizes or ():
        if not 2 * num_classes <= one <= most:
            raise BadInput(
                f"--sizes {one}: not between {2 * num_classes} (two of each class) and {most:,} (all "
                "examples that are not tested on); give such numbers"
            )


def of_run(run: Run) -> Judgement:
    """How easy the examples of a run are and how likely their labels are wrong, as its heads say."""
    ranked = suspects(Suspected((run,), pictures=False)).ranked.set_index("id").reindex(run.ids.tolist())
    p_label = run.scores()["self_confidence"].to_numpy()
    if np.isnan(p_label).any():
        raise BadInput(
            f"{run.path}: {int(np.isnan(p_label).sum())} examples were left out by no trial; measure more"
        )
    return Judgement(p_label, ranked["p_wrong"].to_numpy(np.float64))


def grid_of(examples: Examples, sizes: Sequence[int], asked: Kept, own: Judgement | None) -> Tried:
    """Each cell that can be tried with every seed.

    At a size n only n labelled examples exist: which are easy and which labels suspect is told from these
    alone, by folds within them. Of the whole size ``own``, what the run says, decides where it is given. Each
    seed draws its own examples, with the classes as all have them, smaller sizes from larger ones. What keeps
    the same examples of the whole is not fitted again.
    """
    tried: dict[Cell, list[tuple[Positions, Right]]] = {}
    of_whole = dict[bytes, Right]()
    for seed in range(asked.seeds):
        order = _in_turn(examples.pool, _generator(asked.seed, seed))
        own_seed = asked.seed << 32 | seed  # two numbers to `SeedSequence`, so that no two studies share any
        for at, size in enumerate(sizes):
            tell("trying what to keep", seed * len(sizes) + at, asked.seeds * len(sizes))
            whole = size == len(examples.pool)
            drawn = np.arange(size) if whole else np.sort(order[:size])
            some = examples.pool if whole else examples.pool.part(drawn)
            judged = own if whole and own is not None else judged_by_others(some, own_seed)
            lots, fitted = _generator(own_seed, size).random(size), of_whole if whole else {}
            for cell in cells_of(size, asked.keep_shares):
                kept = kept_in(cell, judged, lots)
                if kept is None:
                    continue
                if (key := kept.tobytes()) not in fitted:
                    fitted[key] = right(some.part(kept), examples.test)
                tried.setdefault(cell, []).append((drawn[kept], fitted[key]))
    return {cell: one for cell, one in tried.items() if len(one) == asked.seeds}


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, number)))


def _in_turn(some: Labelled, rng: np.random.Generator) -> Positions:
    """Positions in a random order of which any beginning has the classes as all have."""
    labels = some.labels.numpy()
    order = np.lexsort((rng.random(len(labels)), labels))
    sizes = np.bincount(labels, minlength=some.num_classes).clip(min=1)
    shift = (rng.random(some.num_classes) - 0.5) / sizes
    return np.argsort(places(order, labels) + shift[labels], kind="stable")


def _advised(examples: Examples, own: Judgement, tried: Tried, asked: Kept) -> Worth:
    """The result, with what is advised of the cells of the whole size."""
    run, size, test = asked.run, len(examples.pool), examples.test
    by_heads = {cell: np.stack([one for _, one in seeds]) for cell, seeds in tried.items()}
    by_near: dict[Cell, Right] = {}
    lots = np.random.default_rng(asked.seed).random(len(run.ids))
    masks = {cell: _dropped(run, cell, own, lots) for cell in tried if cell.size == size}
    # not what suspects are held against, which may be next to none
    rows = [cell for cell, mask in masks.items() if mask is not None and (cell.kept != RANDOM or cell.share)]

    def heads(row: int) -> Right:
        return by_heads[rows[row]]

    def near(row: int) -> Right:
        cell = rows[row]
        if cell not in by_near:
            parts = [kept for kept, _ in tried[cell]]
            by_near[cell] = right_by_neighbours(examples.pool, test, parts)
        return by_near[cell]

    as_many = [cell._replace(kept=RANDOM, suspects_out=False) for cell in rows]
    at_random = [rows.index(one) if one in rows else at for at, one in enumerate(as_many)]
    starts = [at for at, cell in enumerate(rows) if cell.kept == ALL]
    kept = [_num(tried[cell]) for cell in rows]
    chosen, _, judged = judged_choice(kept, [heads, near], starts, at_random, asked.margin, asked.seed)
    mask = masks[rows[chosen]]
    assert mask is not None
    aside = np.setdiff1d(np.arange(len(run.ids)), examples.positions)
    whole = [cell for cell in tried if cell.kept == ALL and not cell.suspects_out]
    chance = float(np.bincount(test.labels.numpy()).max() / len(test))
    twice, silent = more_labels([one.size for one in whole], [by_heads[one] for one in whole], chance)
    return Worth(
        run=run,
        num_test=len(test),
        num_seeds=asked.seeds,
        held_out=examples.held_out,
        margin=asked.margin,
        grid=table_of({cell: _num(one) for cell, one in tried.items()}, by_heads, by_near, rows[chosen]),
        judged=judged,
        keep=without(run, mask),
        suspects=int(own.suspects.sum()),
        twice=twice,
        silent=silent,
        test_wrong=None if examples.held_out else float(own.p_wrong[aside].mean()),
        detailed=asked.details,
    )


def _num(tried: Sequence[tuple[Positions, Right]]) -> float:
    return float(np.mean([len(kept) for kept, _ in tried]))


def _dropped(run: Run, cell: Cell, own: Judgement, lots: npt.NDArray[np.float64]) -> Right | None:
    """Which examples of the run [K] a cell leaves out; ``None`` where a class would have none left."""
    kept = kept_in(cell._replace(size=len(run.ids)), own, lots)
    if kept is None or len(np.unique(run.labels[kept])) < len(np.unique(run.labels)):
        return None
    return ~np.isin(np.arange(len(run.ids)), kept)


def table_of(
    num: Mapping[Cell, float], heads: Mapping[Cell, Right], near: Mapping[Cell, Right], advised: Cell
) -> pd.DataFrame:
    """A row for each cell: how many it keeps, how right heads and neighbours are [seeds, n], and gains."""
    import pandas as pd

    rows = []
    for cell, own in heads.items():
        everything = Cell(cell.size, ALL, 1.0, suspects_out=False)
        as_many = Cell(cell.size, RANDOM, cell.share, suspects_out=False)
        row: dict[str, Any] = {
            "size": cell.size,
            "kept": cell.kept,
            "share": num[cell] / cell.size if cell.share is None else cell.share,
            "num_kept": num[cell],
            "suspects_out": cell.suspects_out,
            "accuracy": float(own.mean()),
            "accuracy_near": near[cell].mean() if cell in near else np.nan,
        }
        held = {"over_all": (heads, everything), "over_random": (heads, as_many)}
        for name, (by, rival) in {**held, "near_over_all": (near, everything)}.items():
            values = (np.nan, np.nan, np.nan)
            if cell in by and rival in by and (cell != rival or by is near):
                gain = paired_gain(by[rival], by[cell])
                values = (gain.value, *gain.interval)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
        rows.append(row | {"advised": cell == advised})
    return pd.DataFrame(rows)
