"""The page of `pruning.py`: tables, and sentences that say no more than its figures carry."""

from __future__ import annotations

import numpy as np

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


def arm_text(arm):
    score, sampler = arm
    return f"{score}, {sampler}"


def table(results, found, kept):
    """One share kept: a row for each arm, equal epochs and equal steps side by side."""
    lines = [
        "| score | sampler | seeds | equal epochs | beyond random | equal steps | beyond random |",
        "| --- | --- | --- | ---: | --- | ---: | --- |",
    ]
    for arm in ARMS:
        columns, counts = [], []
        for length in LENGTHS:
            values = accuracies(results, arm, kept, length)
            counts.append(len(values))
            lost = "a class lost" if loses_a_class(results, arm, kept, length) else ""
            columns += [
                percent(np.mean(list(values.values()))) if values else lost,
                "" if arm == RANDOM else within(found.get((arm, kept, length))),
            ]
        seeds = " and ".join(str(one) for one in dict.fromkeys(counts))
        sampler = "" if arm == RANDOM else arm[1]
        lines.append(f"| {arm[0]} | {sampler} | {seeds} | {' | '.join(columns)} |")
    return "\n".join(lines)


def listed(ones, num=4):
    """The first of them with their differences, and how many more there are."""
    shown = ", ".join(f"{arm_text(one.arm)} ({100 * one.value:+.1f})" for one in ones[:num])
    return shown + (f" and {len(ones) - num} more" if len(ones) > num else "")


def verdict(results, found, kept, length):
    """What beats random choice at a share and a length, in a sentence or two."""
    ones = [one for (_, k, at), one in found.items() if (k, at) == (kept, length)]
    if not ones:
        return f"- {kept:.0%} kept, equal {length}: not trained."
    ranked = sorted(ones, key=lambda one: -one.value)
    above = [one for one in ranked if one.verdict == "above"]
    below = [one for one in reversed(ranked) if one.verdict == "below"]
    start = f"- {kept:.0%} kept, equal {length}, of {len(ones)}: "
    best = ranked[0]
    if above:
        better = f"**{len(above)} above random**: {listed(above)}"
    else:
        better = f"**none above random**; the highest is {arm_text(best.arm)}, {within(best)}"
    worse = f"; {len(below)} below it: {listed(below)}" if below else "; none below it"
    lost = [arm_text(arm) for arm in ARMS if loses_a_class(results, arm, kept, length)]
    return start + better + worse + (f"; a class lost by {', '.join(lost)}" if lost else "") + "."


def by_sampler(found):
    """How often each sampler is above and below random choice, and its mean difference."""
    lines = [
        "| sampler | kept | comparisons | above random | below random | mean difference |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for sampler in SAMPLERS:
        for kept in sorted(KEPT, reverse=True):
            mine = [one for one in found.values() if (one.arm[1], one.kept) == (sampler, kept)]
            ones = [one for one in mine if one.arm[0] in SCORES]
            if ones:
                above, below = (sum(one.verdict == which for one in ones) for which in ("above", "below"))
                mean = 100 * np.mean([one.value for one in ones])
                lines.append(f"| {sampler} | {kept:.0%} | {len(ones)} | {above} | {below} | {mean:+.1f} |")
    return "\n".join(lines)


def full_text(results):
    values = list(accuracies(results, RANDOM, 1, "epochs").values())
    return f"All examples: {percent(np.mean(values))} % over {len(values)} seeds. " if values else ""


def page(results, settings, machines):
    """The page for the docs."""
    found = all_compared(results)
    shares = sorted(KEPT, reverse=True)
    verdicts = "\n".join(verdict(results, found, kept, length) for kept in shares for length in LENGTHS)
    tables = "\n\n".join(f"## {kept:.0%} kept\n\n{table(results, found, kept)}" for kept in shares)
    lost = sum(value is None for value in results.values())
    lost_text = (
        " *A class lost*: the sampler leaves a class without examples, which is refused." if lost else ""
    )
    measured, side = "; ".join(machines), 32 // settings.reduce
    return f"""\
<!-- written by: {COMMAND} -->

# What can be left out of CIFAR-10

Measured: {measured}. {len(results) - lost:,} trainings of {settings.model} for {settings.epochs} epochs
by the recipe for short trainings on {settings.examples:,} images of CIFAR-10, class-balanced, at {side}
pixels, or on a part of them; accuracy on {settings.held_out:,} others, in percent.
{full_text(results)}Scores are of {SCORING_TRIALS} other trainings on all {settings.examples:,}, after the
last epoch.{lost_text}

Samplers: **top** keeps exactly the hardest by the score, of `dyn_unc` and `dual` exactly the highest
(`--policy best`, or `worst --keep top`), **balanced** the same of each class; **ccs** and **beta** are
[`--policy ccs` and `--policy dual`](../pruning.md). *Equal epochs*: a smaller set is seen as often, in
fewer steps; *equal steps*: it is seen more often, in as many steps as all examples take. Each is compared
with random choice at the same seed, which decides the weights at the start and what is drawn. Intervals
are Student's at 95 % over seeds, of each difference by itself. Bold are differences that are decided:
there are {len(found)} comparisons, of which one in twenty would be outside of its interval by chance, so
p is adjusted for all of them (Benjamini-Hochberg, at most {FALSE:.0%} of those decided are false on
average; those of one share and length have the random trainings in common, so that they err together).
Few seeds decide large differences only: what is undecided is not shown to be equal. The scores are the
same for all seeds: other scoring runs add a spread that the intervals leave out.

## What beats random choice

{verdicts}

Over all scores, both lengths taken together:

{by_sampler(found)}

![Accuracy beyond random choice by score, sampler, share kept and length](pruning.svg)

{tables}
"""
