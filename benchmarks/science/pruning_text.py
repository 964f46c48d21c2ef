"""The page of `pruning.py`: tables, and sentences that say no more than its figures carry."""

from __future__ import annotations

from itertools import product

import numpy as np

from kit.pages import head, markdown
from science.pruning_cells import ARMS, KEPT, LENGTHS, RANDOM, SAMPLERS, SCORES
from science.pruning_runs import SCORING_TRIALS
from science.pruning_stats import FALSE, accuracies, all_compared, loses_a_class

COMMAND = "python benchmarks/science/pruning.py --cifar10 FOLDER --docs docs/results"


def percent(share):
    return f"{100 * share:.1f}"


def within(one):
    """`+1.2 (0.3 to 2.1)` in percent, in bold where it is decided."""
    if one is None:
        return ""
    mark = "" if one.verdict == "undecided" else "**"
    value = f"{mark}{100 * one.value:+.1f}{mark}"
    return f"{value} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


COLUMNS = ("", ", beyond random", ", verdict")
CELLS = (
    "kept",
    "score",
    "sampler",
    "seeds",
    *(f"equal {one}{column}" for one in LENGTHS for column in COLUMNS),
)


def cells(results, found):
    """A row for each share kept and arm, equal epochs and equal steps side by side."""
    for kept in sorted(KEPT, reverse=True):
        for arm in ARMS:
            columns, counts = [], []
            for length in LENGTHS:
                values = accuracies(results, arm, kept, length)
                counts.append(len(values))
                lost = "a class lost" if loses_a_class(results, arm, kept, length) else ""
                one = None if arm == RANDOM else found.get((arm, kept, length))
                accuracy = percent(np.mean(list(values.values()))) if values else lost
                columns += [accuracy, within(one), "" if one is None else one.verdict]
            seeds = " and ".join(str(one) for one in dict.fromkeys(counts))
            sampler = "" if arm == RANDOM else arm[1]
            yield f"{kept:.0%}", arm[0], sampler, seeds, *columns


VERDICTS = ("kept", "equal", "random", "arms", "above random", "best arm", "beyond random", "below random")


def verdicts(results, found):
    """A row for each share kept and length: how many arms beat random choice, and the best of them."""
    for kept, length in product(sorted(KEPT, reverse=True), LENGTHS):
        ones = [one for (_, k, at), one in found.items() if (k, at) == (kept, length)]
        if ones:
            above, below = ([one for one in ones if one.verdict == which] for which in ("above", "below"))
            best = max(above or ones, key=lambda one: one.value)
            random = percent(np.mean(list(accuracies(results, RANDOM, kept, length).values())))
            shown = (", ".join(best.arm), within(best))
            yield f"{kept:.0%}", length, random, f"{len(ones)}", f"{len(above)}", *shown, f"{len(below)}"


BY_SAMPLER = ("sampler", "kept", "comparisons", "above random", "below random", "mean difference")


def by_sampler(found):
    """How often each sampler is above and below random choice, and its mean difference."""
    for sampler, kept in product(SAMPLERS, sorted(KEPT, reverse=True)):
        mine = [one for one in found.values() if (one.arm[1], one.kept) == (sampler, kept)]
        ones = [one for one in mine if one.arm[0] in SCORES]
        if ones:
            above, below = (sum(one.verdict == which for one in ones) for which in ("above", "below"))
            mean = 100 * np.mean([one.value for one in ones])
            yield sampler, f"{kept:.0%}", f"{len(ones)}", f"{above}", f"{below}", f"{mean:+.1f}"


def tables(results):
    """The whole tables by their names."""
    found = all_compared(results)
    return {
        "cells": (CELLS, list(cells(results, found))),
        "verdicts": (VERDICTS, list(verdicts(results, found))),
        "samplers": (BY_SAMPLER, list(by_sampler(found))),
    }


def page(results, settings, machines, whole):
    """The page for the docs, of the ``whole`` tables."""
    trained = sum(value is not None for value in results.values())
    everything = percent(np.mean(list(accuracies(results, RANDOM, 1, "epochs").values())))
    rows = [
        (f"{row[0]}, equal {row[1]}", row[2], f"{row[4]} of {row[3]}", *row[5:])
        for row in whole["verdicts"][1]
    ]
    return f"""\
{head("What can be left out of CIFAR-10", COMMAND, "; ".join(machines))}
Which examples can be left out, by which score and sampler, and does any beat random choice? {trained:,}
trainings of {settings.model} on {settings.examples:,} class-balanced images of CIFAR-10 at
{32 // settings.reduce} pixels, or on a part of them. Accuracy is on {settings.held_out:,} others, in percent;
with all examples it is {everything}.

- **Nothing beats random choice everywhere.** `dyn_unc` within classes does at 70 and 50 %.
- **The hardest alone are far worse than random ones**, by easiness, `el2n` and `aum`, at every share.
- **At 10 %** and equal epochs only random choice within classes is above it. At equal steps `ccs` and Beta
  sampling by several scores are.

{markdown(("kept", "random", "above random", "best", "beyond random", "below random"), rows)}

*Equal epochs*: a smaller set is seen as often, in fewer steps. *Equal steps*: it is seen more often.
Samplers: *top* keeps the hardest by the score (of `dyn_unc` and `dual` the highest), *balanced* the same of
each class, *ccs* and *beta* are [`--policy ccs` and `--policy dual`](../pruning.md).

![Accuracy beyond random choice by score, sampler, share kept and length](pruning.svg)

## What is not certain

- Intervals are Student's at 95 % over seeds. Above and below is what is decided after adjusting p for all
  {len(all_compared(results))} comparisons (Benjamini-Hochberg, at most {FALSE:.0%} of those decided are
  false).
- Few seeds decide large differences only: what is undecided is not shown to be equal.
- Scores are of {SCORING_TRIALS} other trainings, the same for all seeds. Other scoring runs would add a
  spread.
- Where a sampler leaves a class without examples, it is refused: *a class lost* in
  [cells](pruning/cells.csv).
"""
