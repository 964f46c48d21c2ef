"""Does it depend on the amount of data whether hard examples are to be dropped (Sorscher et al. 2022)?

Networks are trained to their end on 1,500 and on 6,000 pictures, and on what is left of them when easy, hard
or random ones are dropped; those on 20,000 are read from a study by `easiness paper all --preset overnight`.
It goes on where it was; sizes that are not finished are left out of the page.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from easiness import load_dataset, open_run
from easiness.paper.reproduction import find_preset
from easiness.paper.training_sets import contrast, plan_ranked
from easiness.runs import carry_out, carry_out_all, make_plan
from easiness.show import EASY, HARD, INK, Curve, curves, picture_bytes, with_interval
from easiness.spec import Drawing, Execution, Recording, Training
from easiness.studies.keeping import ranking

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import part
from kit.science import options, publish

RATES, POLICIES = (0.3, 0.6), ("easy", "random", "hard")
PRESET = find_preset("overnight")  # whose network, recipe and repetitions the smaller sizes have
SCORES = "scores"


@dataclass(frozen=True)
class Size:
    """How long networks are trained on so many examples: smaller sets are seen more often."""

    examples: int
    batch_size: int
    scoring_epochs: int
    epochs: int


SIZES = (Size(1500, 64, 16, 32), Size(6000, 128, 12, 20))


def train(size, data, folder, preset=PRESET):
    """Train what is missing of a size: the networks that rank its examples, and those that are tested."""
    small = replace(data.limit(size.examples), held_out=data.held_out)
    own = {"batch_size": size.batch_size}
    training = Training(model=preset.ablation_model, epochs=size.scoring_epochs, recipe=own)
    seen = Recording(observe="last", keep_weights=False, splits=("train",))
    execution = Execution(jobs=1)
    scores = carry_out(make_plan(small, training, preset.trials, recording=seen), folder / SCORES, execution)
    sets = plan_ranked(
        "drop",
        small,
        ranking(scores),
        replace(training, epochs=size.epochs, seed=3, recipe=own | preset.learned),
        Drawing(
            rates=(0, *RATES),
            policies=POLICIES,
            repetitions=preset.repetitions,
            at=size.scoring_epochs,
            balanced=True,
        ),
        observe="last",
    )
    carry_out_all(sets.runs, folder, execution)


def accuracies(folder, preset=PRESET):
    """The accuracies after the last epoch by policy and rate, and the run of all; nothing where one lacks."""
    found = {}
    for name in ((policy, rate) for policy in POLICIES for rate in (0, *RATES)):
        path = folder / ("full" if name[1] == 0 else f"drop-{name[0]}-{name[1]:.2f}")
        run = open_run(path) if (path / "run.json").is_file() else None
        if run is None or len(run.trials) < preset.repetitions:
            return None, None
        trials = run.trials[: preset.repetitions]
        found[name] = np.array([trial.document.accuracy["held_out"][-1] for trial in trials])
    return found, open_run(folder / "full")


def beside(found, policy, other, rate):
    return [(1, found[policy, rate]), (-1, found[other, rate])]


def percent(one):
    """A difference in points of accuracy with its interval; bold where the interval leaves out zero."""
    low, high = one.interval
    text = with_interval(100 * one.value, 100 * low, 100 * high, 1, with_sign=True)
    return f"**{text}**" if low > 0 or high < 0 else text


COMPARED = (("hard", "random"), ("easy", "random"), ("hard", "easy"))


DIFFERENCES = tuple(f"{one} - {other}" for one, other in COMPARED)
DROPPED = (f"{policy} dropped" for policy in POLICIES)
ACCURACIES = ("examples", "epochs", "all", "dropped", *DROPPED, *DIFFERENCES)
CHANGES = ("dropped", *DIFFERENCES)


def tables(sizes):
    rows, changes = [], []
    for found, run in sizes:
        for rate in RATES:
            accuracy = [f"{100 * found[policy, rate].mean():.1f}" for policy in POLICIES]
            all_of_them = f"{100 * found['random', 0].mean():.1f}"
            start = [f"{run.spec.data.train.num_examples:,}", str(run.epochs), all_of_them, f"{rate:.0%}"]
            against = [percent(contrast(beside(found, *pair, rate))) for pair in COMPARED]
            rows.append([*start, *accuracy, *against])
    (small, _), (large, _) = sizes[0], sizes[-1]
    for rate in RATES:
        terms = [
            beside(large, *pair, rate) + [(-weight, group) for weight, group in beside(small, *pair, rate)]
            for pair in COMPARED
        ]
        changes.append([f"{rate:.0%}", *(percent(contrast(one)) for one in terms)])
    return {"accuracies": (ACCURACIES, rows), "changes": (CHANGES, changes)}


def draw(sizes):
    panels, numbers = {}, [run.spec.data.train.num_examples for _, run in sizes]
    for rate in RATES:
        panel = panels[f"{rate:.0%} dropped"] = []
        for policy, color, marker in (("hard", HARD, "s"), ("easy", EASY, "o")):
            ones = [contrast(beside(found, policy, "random", rate)) for found, _ in sizes]
            value, low, high = 100 * np.array([[one.value, *one.interval] for one in ones]).T
            errors, name = [value - low, high - value], f"{policy} ones dropped"
            panel.append(Curve(numbers, value, name, color, marker, errors=errors))
    figure = curves(panels, (6.6, 3.2), x="training examples", y="accuracy beyond random, points")
    for axes in figure.axes:
        axes.axhline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_xticks(numbers, [f"{one:,}" for one in numbers])
        axes.set_xticks([], minor=True)
    return picture_bytes(figure, ".svg")


def main(sizes=SIZES, preset=PRESET):
    asked = options(__doc__, "--data", "--runs", more={"--largest": None})
    data = load_dataset(str(asked.data))
    folders = [asked.runs / str(size.examples) for size in sizes]
    for size, folder in zip(sizes, folders, strict=True):
        train(size, data, folder, preset)
    folders += [] if asked.largest is None else [asked.largest / "trials"]
    read = [accuracies(folder, preset) for folder in folders]
    for folder, (found, _) in zip(folders, read, strict=True):
        if found is None:
            print(f"{folder}: not finished; left out", file=sys.stderr)
    finished = [one for one in read if one[0] is not None]
    found = tables(finished)
    shown = part(*found["accuracies"], [ACCURACIES[at] for at in SHOWN])
    publish(asked.docs, "amount-of-data", found, shown, figure=draw(finished))


SHOWN = (0, 3, 2, 7, 8)  # columns of the accuracies on the page


if __name__ == "__main__":
    main()
