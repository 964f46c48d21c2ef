"""Which recipe finds what longer trainings of other networks find, in the same core time?

Every way to train (recipe, network, epochs) is judged by the rank correlation of its scores with a reference
made by other trials, see `recipes_runs.py`. Runs are kept in `--runs`: it goes on where it was stopped.

    python benchmarks/science/recipes.py --cifar10 FOLDER --imagenette FOLDER
                                         [--runs FOLDER] [--docs docs/results]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import statistics
import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from easiness.inputs import Signature
from easiness.spec import RECIPES
from easiness.training import Workload

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import head, markdown, write_page
from kit.rehearsal import Rehearsal, rehearsing
from science.recipes_figure import draw
from science.recipes_runs import SUBJECTS, judged, reference_runs, way_run

GOAL, MINUTES, CORES = 0.85, 15, 2
SUBSETS = 20  # choices of so many trials
SPLITS = 20  # of the reference's trials in halves
ROUNDS = 5
COMMAND = "python benchmarks/science/recipes.py --cifar10 FOLDER --imagenette FOLDER --docs docs/results"
SCORES = {
    "easiness": "easiness after the last epoch",
    "confidence": "probability of the label, mean over all epochs",
    "loss": "loss after the last epoch",
}


def left_out(run, ids):
    """Probability of the label to the trials [trials, examples] that have not seen the example, else NaN."""
    rows = []
    for trial in run.trials:
        probe = "held_out" if run.spec.data.held_out is not None else "train"
        seen = trial.columns(run.epochs, ["id", "loss", "trained_on"], probe)
        p_label = np.exp(-seen["loss"].astype(float))
        p_label[seen["trained_on"].astype(bool)] = np.nan
        at = {example: row for row, example in enumerate(seen["id"].tolist())}
        rows.append(p_label[[at[example] for example in ids.tolist()]])
    return np.stack(rows)


def mean_of(networks, rows):
    """The reference from the trials at `rows` of each network: the mean of their means.

    NaN for an example that all trials of one of them have seen.
    """
    means = []
    for one, part in zip(networks, rows, strict=True):
        left = np.isfinite(one[part])
        num = np.where(left.any(axis=0), left.sum(axis=0), np.nan)
        means.append(np.where(left, one[part], 0).sum(axis=0) / num)
    return np.mean(means, axis=0)


def make_reference(runs, ids):
    """The consistency of each example, and its correlation between halves of the trials."""
    networks = [left_out(run, ids) for run in runs.values()]
    correlations = []
    for seed in range(SPLITS):
        random = np.random.default_rng(seed)
        orders = [random.permutation(len(one)) for one in networks]
        halves = [mean_of(networks, [order[part::2] for order in orders]) for part in (0, 1)]
        known = np.isfinite(halves[0]) & np.isfinite(halves[1])
        correlations.append(spearmanr(halves[0][known], halves[1][known]).statistic)
    return mean_of(networks, [slice(None)] * len(networks)), float(np.mean(correlations))


def correlations(run, reference):
    """By score, the mean rank correlation of 1, 2, ... trials with the reference; high means easy."""
    p_label = np.stack([run.votes(epoch).p_label for epoch in run.observed])
    last = run.votes(run.epochs)
    known = np.isfinite(reference)
    by_trial = {
        "easiness": last.correct.astype(float),
        "confidence": p_label.mean(axis=0),
        "loss": np.log(np.maximum(last.p_label, 1e-300)),
    }
    num = len(run.trials)
    found = {name: [] for name in SCORES}
    for size in range(1, num + 1):
        chosen = list(itertools.combinations(range(num), size))
        if len(chosen) > SUBSETS:
            random = np.random.default_rng(size)
            chosen = [chosen[at] for at in random.choice(len(chosen), SUBSETS, replace=False)]
        for name, values in by_trial.items():
            means = [values[list(rows)].mean(axis=0) for rows in chosen]
            # one that is right in all is no rank
            ranks = [
                spearmanr(mean[known], reference[known]).statistic if np.ptp(mean[known]) else np.nan
                for mean in means
            ]
            found[name].append(float(np.mean(ranks)))
    return found


def minutes_per_trial(runs):
    """Core minutes of a trial of each run: steps and evaluation batches on one thread, in turn, medians."""
    looks = {}
    with rehearsing():
        torch.set_num_threads(1)
        rehearsals = {}
        for name, run in runs.items():
            recipe = run.spec.recipe
            side = recipe.crop or run.spec.data.image_shape[1]
            workload = Workload(
                run.model,
                recipe,
                Signature((run.spec.data.image_shape[0], side, side)),
                len(run.classes),
                min(recipe.batch_size, len(run.ids)),
                "cpu",
            )
            rehearsals[name] = Rehearsal(workload, run.spec.resolved)
            rehearsals[name].warm_up()
            rehearsals[name].observe()
        for _ in range(ROUNDS):
            for name, rehearsal in rehearsals.items():
                run = runs[name]
                steps = run.epochs * run.spec.recipe.steps_per_epoch(len(run.ids))
                seen = len(run.observed) * len(run.ids)
                seconds = steps * rehearsal.look() + seen * rehearsal.observe() / rehearsal.num_observed
                looks.setdefault(name, []).append(seconds / 60)
    return {name: statistics.median(found) for name, found in looks.items()}


def judge(name, source, folder):
    """Of one subject: the reference's own correlation, and rows (way, run, correlations, minutes a trial)."""
    subject = SUBJECTS[name]
    data, _ = judged(subject, source)
    shared = folder / "reference" / subject.source
    reference, own = make_reference(reference_runs(name, source, shared), data.ids)
    runs = {way: way_run(name, way, source, folder / name) for way in subject.ways}
    minutes = minutes_per_trial(runs)
    return own, [(way, run, correlations(run, reference), minutes[way]) for way, run in runs.items()]


WAYS = (
    "data", "way", "network", "epochs", "trials", "core minutes", *SCORES, "best over the reference's own",
)  # fmt: skip


def ways(name, own, rows):
    """Each way after one trial and after all, as rows of the table."""
    for way, run, found, minutes in rows:
        for num in dict.fromkeys((1, len(run.trials))):
            values = [found[score][num - 1] for score in SCORES]
            shown = ["all right" if np.isnan(value) else f"{value:.3f}" for value in values]
            trained = (name, way, run.model, str(run.epochs), str(num), f"{num * minutes:.1f}")
            yield *trained, *shown, f"{np.nanmax(values) / own:.2f}"


def within_the_time(own, rows):
    """What the default reaches in so much time, as a sentence."""
    _, run, found, minutes = next(row for row in rows if row[0] == "short")
    num = min(len(run.trials), int(MINUTES * CORES / minutes))
    if num == 0:
        return (
            f"A trial of `short` takes {minutes:.0f} core minutes, more than the {MINUTES * CORES} there are."
        )
    score = max(SCORES, key=lambda one: found[one][num - 1])
    share = found[score][num - 1] / own
    verdict = "met" if share >= GOAL else "**missed**"
    return (
        f"{num} trials of `short` ({num * minutes:.0f} core minutes) fit into {MINUTES} minutes on "
        f"{CORES} cores. "
        f"Their {score} reaches {found[score][num - 1]:.3f}, which is {share:.2f} of the reference's own "
        f"{own:.3f} (goal {GOAL}: {verdict})."
    )


REFERENCES = ("data", "examples", "the reference", "halves correlate", "in the time", "measured")


def reference(name, own, rows):
    """What the ways of a subject are judged by, and when, as a row of the table."""
    subject, run = SUBJECTS[name], rows[0][1]
    parts = [
        f"{one.trials} trials of {one.model.rpartition(':')[2]}, {one.epochs} epochs on {one.share:.0%} of "
        + (f"{one.others:,} other examples" if one.others else "the examples")
        for one in subject.references
    ]
    time = within_the_time(own, rows) if name == "cifar10" else ""
    made = f"{measured()}, PyTorch {torch.__version__}"
    return name, f"{len(run.ids):,}", "; ".join(parts), f"{own:.3f}", time, made


def page(tables):
    """The page, of whole tables."""
    ways, references = tables["ways"][1], tables["references"][1]
    measured = "\n".join(dict.fromkeys(row[-1] for row in references))
    settings = ", ".join(f"`{key} = {value!r}`" for key, value in RECIPES["short"].items())
    time = "".join(row[4] for row in references)
    one = [row for row in ways if row[1] in ("short", "paper") and row[4] == "1"]
    names, *shown = ([row[at] for at in (0, 1, 5, 7, 9)] for row in [WAYS, *one])
    return f"""\
{head("Recipes for short trainings", COMMAND, measured)}
Which recipe finds, in a few short trainings, the examples that are easy and hard to longer trainings of other
networks? The reference is how probable each label is to two architectures that have not seen the example.
Recipes are judged by their scores' rank correlation with it. `short` is the paper's with {settings}.

- **`short` is enough on CIFAR-10.** {time}
- **On CIFAR-10 it beats the paper's recipe at equal cost.** On photos both are alike.
- **On digits the paper's is better**: they are soon learned by heart, and the recipe that learns less tells
  more.

One trial each; the last column is the best correlation over that of the reference's own halves:

{markdown(names, shown)}

![Rank correlation with the reference against core minutes](recipes.svg)

One change at a time, at about the same cost: translation by 2, label smoothing, batches of 64 and a network
of depth 10 are no worse than `short`. A larger step size, translation by 4, larger batches and fewer epochs
are.

## What is not certain

There are one to ten trials of each way and no intervals.
"""


def kept(file):
    """The rows of a table that was written before."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [tuple(row) for row in csv.reader(opened)][1:]


def with_others(tables, folder):
    """The tables with the rows of the subjects that were not run, as they are."""
    found = {}
    for name, (header, rows) in tables.items():
        new = {row[0] for row in rows}
        all_rows = [*rows, *(row for row in kept(folder / f"{name}.csv") if row[0] not in new)]
        found[name] = (header, sorted(all_rows, key=lambda row: list(SUBJECTS).index(row[0])))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cifar10", type=Path, required=True)
    parser.add_argument("--imagenette", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--docs", type=Path, help="folder for recipes.md and recipes.svg")
    parser.add_argument(
        "--only", nargs="+", choices=SUBJECTS, help="these alone; the page keeps the others, and its figure"
    )
    options = parser.parse_args()
    sources = {
        "cifar10": str(options.cifar10),
        "imagenette224": str(options.imagenette),
        "digits": "digits",
    }
    results = {}
    for name in options.only or SUBJECTS:
        results[name] = judge(name, sources[SUBJECTS[name].source], options.runs)
        print(f"{name}: halves of the reference {results[name][0]:.3f}")
        print(markdown(WAYS, ways(name, *results[name])), flush=True)
    tables = {
        "ways": (WAYS, [row for name, one in results.items() for row in ways(name, *one)]),
        "references": (REFERENCES, [reference(name, *one) for name, one in results.items()]),
    }
    if options.docs:
        if options.only:
            tables = with_others(tables, options.docs / "recipes")
        else:
            (options.docs / "recipes.svg").write_bytes(draw(results, GOAL, SCORES))
        write_page(options.docs / "recipes.md", page(tables), tables)


if __name__ == "__main__":
    main()
