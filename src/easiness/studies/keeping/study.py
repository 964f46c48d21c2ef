"""``worth``: what to keep of a run's examples, by heads on every size, share and end of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from easiness.analysis import Interval
from easiness.errors import BadInput
from easiness.runs import passes_shown
from easiness.store import Run, check_opened
from easiness.studies.keeping.choice import Row, judged_choice, more_labels
from easiness.studies.keeping.grid import ALL, KEEP, RANDOM, Asked, Seen, grid_of, kept_in
from easiness.studies.keeping.heads import Examples, Judgement, heads_of, read_examples, right_by_neighbours
from easiness.studies.keeping.value import Line, Worth, lines_of
from easiness.studies.labels import without
from easiness.studies.suspects import Suspected, suspects

LOSS = 0.01
"""Loss of accuracy that counts as none, unless another is given."""


def worth(
    run: Run,
    *,
    sizes: Sequence[int] | None = None,
    keep: Sequence[float] = KEEP,
    seeds: int = 5,
    margin: float = LOSS,
    source: Any = None,
    seed: int = 0,
    progress: bool = True,
) -> Worth:
    """What to keep of the examples of a run on features, and what twice the labels would give.

    At several sizes closed-form heads are fitted to the easiest, the hardest or random ones of the examples,
    with the suspects or without, and tested on the held-out split, or on a fifth that is set aside. At a size
    n all is found out from n labelled examples alone; of the whole size the run's own heads say what is easy
    and suspect. Each is held against as many at random and against all, with paired intervals.

    Of the whole size the fewest examples are advised that lose less than the ``margin``, by heads and by the
    15 nearest neighbours: chosen on one half of the test examples and of the seeds, and judged on the other,
    so that the best of many is not flattered. Others may need more; `verify` confirms it by whole trainings.

    Args:
        run: on features, with two trials or more.
        sizes: numbers of labelled examples to try; a twentieth, a fifth, a half and all by default.
        keep: shares of them to keep.
        seeds: draws of each size, five at least.
        margin: loss of accuracy that counts as none, in 0..1; think of it before you look.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; where they were by default.
        seed: of the draws.
        progress: show how far it is.

    Raises:
        BadInput: the run has no features or too few trials, its data are not found, or a choice is out of
            its range.
    """
    check_opened(run=run)
    heads_of(run)
    asked = Asked(sizes, keep, seeds, seed)
    asked.check(len(run.classes), len(run.ids))
    if not 0 < margin < 1:
        raise BadInput(f"--margin {margin:g}: not between 0 and 1; give a loss of accuracy such as 0.01")
    own = of_run(run)
    with passes_shown(progress):
        examples = read_examples(run, source, seed)
        grid = grid_of(examples, asked, own if examples.held_out else None)
        return _advised(run, examples, own, grid, asked, margin)


def of_run(run: Run) -> Judgement:
    """How easy the examples of a run are and how likely their labels are wrong, as its heads say."""
    ranked = suspects(Suspected((run,), pictures=False)).ranked.set_index("id").reindex(run.ids.tolist())
    p_label = run.scores()["self_confidence"].to_numpy()
    if np.isnan(p_label).any():
        raise BadInput(
            f"{run.path}: {int(np.isnan(p_label).sum())} examples were left out by no trial; measure more"
        )
    return Judgement(p_label, ranked["p_wrong"].to_numpy(np.float64))


def _advised(
    run: Run, examples: Examples, own: Judgement, grid: Sequence[Seen], asked: Asked, margin: float
) -> Worth:
    """The result, with what is advised of the cells of the whole size."""
    near = [cache(partial(right_by_neighbours, examples.pool, examples.test, one.kept)) for one in grid]
    lines = lines_of([(one.cell, one.num, np.stack(one.right)) for one in grid])
    lots = np.random.default_rng(asked.seed).random(len(run.ids))
    size = len(examples.pool)
    there = [number for number, line in enumerate(lines) if line.cell.size == size]
    dropped = {
        number: _dropped(run, lines[number], own, lots) for number in there if _is_choice(lines[number])
    }
    rows = [number for number, mask in dropped.items() if mask is not None]
    cells = [lines[number].cell for number in rows]
    at_random = [
        next(
            (at for at, one in enumerate(cells) if one == replace(cell, kept=RANDOM, suspects_out=False)),
            at_own,
        )
        for at_own, cell in enumerate(cells)
    ]
    starts = [at for at, cell in enumerate(cells) if cell.kept == ALL]
    tried = [Row(lines[number].num, lines[number].right, near[number]) for number in rows]
    judged = judged_choice(tried, starts, at_random, margin, asked.seed)
    chosen = rows[judged.chosen]
    mask = dropped[chosen]
    assert mask is not None
    aside = np.setdiff1d(np.arange(len(run.ids)), examples.positions)
    twice, silent = _more(examples, lines)
    return Worth(
        run=str(run.path),
        num_examples=len(run.ids),
        num_test=len(examples.test),
        num_seeds=asked.seeds,
        held_out=examples.held_out,
        margin=margin,
        lines=tuple(
            replace(line, near=one() if one.cache_info().currsize else None)
            for line, one in zip(lines, near, strict=True)
        ),
        advised=chosen,
        start=rows[judged.start],
        judged=judged,
        keep=without(run, mask),
        suspects=int(own.suspects.sum()),
        twice=twice,
        silent=silent,
        test_wrong=None if examples.held_out else float(own.p_wrong[aside].mean()),
    )


def _more(examples: Examples, lines: Sequence[Line]) -> tuple[Interval | None, str]:
    """Foretell what twice the labels would give heads, or say why that is not known."""
    whole = [one for one in lines if one.cell.kept == ALL and not one.cell.suspects_out]
    chance = float(np.bincount(examples.test.labels.numpy()).max() / len(examples.test))
    return more_labels([one.cell.size for one in whole], [one.right for one in whole], chance)


def _is_choice(line: Line) -> bool:
    """Not what suspects are held against: as many at random, which may be next to none."""
    return line.cell.kept != RANDOM or line.cell.share is not None


def _dropped(run: Run, line: Line, own: Judgement, lots: Any) -> Any:
    """Which examples of the run [K] a line leaves out; ``None`` where a class would have none left."""
    kept = kept_in(replace(line.cell, size=len(run.ids)), own, lots)
    if kept is None:
        return None
    left = np.bincount(run.labels[kept], minlength=len(run.classes))
    if ((left == 0) & (np.bincount(run.labels, minlength=len(run.classes)) > 0)).any():
        return None
    mask = np.ones(len(run.ids), np.bool_)
    mask[kept] = False
    return mask
