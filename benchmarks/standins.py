"""Cheap stand-ins for an expensive network: how far they find the same easy and hard examples, at what cost.

A study on real data, CIFAR-10: without `--data` it says so and measures nothing. Its runs are kept in
`--runs`, so that it goes on where it was stopped.

    python benchmarks/standins.py --data cifar10-folder [--examples 2500] [--trials 10] [--epochs 8]
                                  [--runs runs/standins] [--figure [docs/results/standins.svg]]
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from easiness import load_dataset
from easiness.analysis import GroupMatch, corrected_rate
from easiness.analysis.ceiling import matches_with_replicates
from easiness.errors import BadInput, RunFailed
from easiness.studies.execute import carry_out
from easiness.studies.plan import make_plan
from easiness.studies.workers import Workers
from easiness.training.network import evaluation_batch
from easiness.training.speed import Rehearsal, Workload, rehearsing
from results import Report, parser
from standins_figure import draw

ROUNDS = 7
MARGIN = 0.8  # corrected rate from which a stand-in counts as one
EXPENSIVE = "wrn_16_4"
# network, side of the blocks of pixels averaged into one, whether fewer epochs of it are looked at too
RUNS = (
    (EXPENSIVE, 1, True),
    ("wrn_16_2", 1, True),
    ("wrn_16_1", 1, True),
    (EXPENSIVE, 2, True),
    ("wrn_16_1", 2, True),
    ("densenet_bc_16_8", 1, False),
    ("mlp_3", 1, False),
)
SIDES = ("easy", "hard")
FRACTION = 0.1
GROUP = 5  # trials
REPLICATES = 500
DEFINED = 0.9  # share of the replicates that must have a corrected rate for an interval

FIGURE = Path("docs/results/standins.svg")
DOCS = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True)
class Agreement:
    """A stand-in against the expensive network, in groups of equal size.

    `ours` and `theirs` are the ceilings, of the expensive network and of the stand-in. `corrected` and its
    interval are NaN where a ceiling does not exceed chance.
    """

    pair: GroupMatch
    ours: GroupMatch
    theirs: GroupMatch
    corrected: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One stand-in: a run, looked at after `epochs`; `cost` is relative to the expensive network's."""

    network: str
    pixels: int
    epochs: int
    cost: float
    by_side: dict[str, Agreement]

    @property
    def name(self):
        return f"{self.network} at {self.pixels} pixels after {self.epochs} epochs"


def train(data, folder, options):
    """The runs by (network, reduce), each trained as far as it is missing."""
    runs = {}
    executor, jobs = "auto", "auto"
    for network, reduce, _ in RUNS:
        plan = make_plan(
            data,
            model=network,
            trials=options.trials,
            epochs=options.epochs,
            recipe={"reduce": reduce},
            keep_weights=False,
            splits=("train",),
        )
        began = time.perf_counter()
        with Workers(executor) as workers:
            run = carry_out(
                plan,
                folder / f"{network}-{reduce}",
                executor=executor,
                jobs=jobs,
                compiling="off",
                workers=workers,
            )
        # the expensive network, which is the first, decides how many trials at a time for all
        jobs = run.spec.resolved.jobs if jobs == "auto" else jobs
        executor = "serial" if jobs == 1 else "processes"
        runs[network, reduce] = run.first(options.trials)
        print(f"{run.path.name}: {time.perf_counter() - began:.0f} s, {run.spec.resolved.reason}", flush=True)
    return runs


def seconds_per_epoch(runs, examples):
    """Training and observation of each network: steps and evaluation batches in turn, medians over rounds.

    What trial.json says of a run was measured at another time than that of the next, on a shared machine.
    """
    looks = {}
    with rehearsing("cpu"):
        rehearsals = {}
        for name, run in runs.items():
            spec = run.spec
            shape = tuple(side // spec.recipe.reduce for side in spec.data.image_shape[1:])
            workload = Workload(
                spec.model, spec.recipe, (spec.data.image_shape[0], *shape), 10, spec.recipe.batch_size, "cpu"
            )
            torch.set_num_threads(spec.resolved.threads)
            rehearsals[name] = Rehearsal(workload, spec.resolved), evaluation_batch(workload.shape)
            rehearsals[name][0].warm_up()
            rehearsals[name][0].observe()
        for _ in range(ROUNDS):
            for name, (rehearsal, batch) in rehearsals.items():
                recipe = runs[name].spec.recipe
                torch.set_num_threads(runs[name].spec.resolved.threads)
                seconds = rehearsal.look() * recipe.steps_per_epoch(examples)
                looks.setdefault(name, []).append(seconds + rehearsal.observe() * examples / batch)
    return {name: statistics.median(found) for name, found in looks.items()}


def matched(a, b, side, size):
    """Groups of a's trials with groups of b's that share no index, and the rates of the replicates.

    A ceiling is that of a run and its copy: so its groups and replicates are those of every other pair.
    """
    other = replace(a) if b is a else b
    return matches_with_replicates(
        a,
        other,
        side=side,
        fraction=FRACTION,
        ties="refine",
        group_size=size,
        num_replicates=REPLICATES,
    )


def agreement(target, votes, side, size):
    """One side of a `Row`; the bootstrap draws the same trials for the rate and both ceilings."""
    (pair, pairs), (ours, of_ours), (theirs, of_theirs) = (
        matched(a, b, side, size) for a, b in ((target, votes), (target, target), (votes, votes))
    )
    rate = defined(corrected_rate(pair.rate, ours.rate, theirs.rate, pair.chance))
    replicates = np.array(
        [
            defined(corrected_rate(*rates, pair.chance))
            for rates in zip(pairs, of_ours, of_theirs, strict=True)
        ]
    )
    replicates = replicates[~np.isnan(replicates)]
    interval = (math.nan, math.nan)
    if not math.isnan(rate) and len(replicates) >= DEFINED * REPLICATES:
        # as for every matching rate: drawing trials twice moves it, and that is taken off
        low, high = np.percentile(replicates, (2.5, 97.5)) - (replicates.mean() - rate)
        interval = float(low), float(high)
    return Agreement(pair, ours, theirs, rate, interval)


def defined(rate):
    return math.nan if rate is None else rate


def compare(runs, seconds, side_of_images, epochs, size):
    """Every stand-in against the expensive network after all its epochs, cheapest first."""
    expensive = runs[EXPENSIVE, 1]
    target = expensive.votes(epochs)
    rows = []
    for network, reduce, fewer in RUNS:
        run = runs[network, reduce]
        itself = run is expensive
        looks = {epochs // 4, epochs // 2} if itself else {epochs // 2 if fewer else epochs, epochs}
        for at in sorted(looks - {0}):
            votes = run.votes(at)
            rows.append(
                Row(
                    network,
                    side_of_images // reduce,
                    at,
                    seconds[network, reduce] * at / (seconds[EXPENSIVE, 1] * epochs),
                    {side: agreement(target, votes, side, size) for side in SIDES},
                )
            )
    return sorted(rows, key=lambda row: row.cost)


def within(rate, interval):
    """`0.61 (0.55 to 0.66)`, or what of it is defined."""
    if math.isnan(rate):
        return "undefined"
    low, high = interval
    return f"{rate:.2f}" + ("" if math.isnan(low) else f" ({low:.2f} to {high:.2f})")


def show(report, rows, seconds, options, size):
    chance = rows[0].by_side["easy"].pair.chance
    report.say(
        f"The expensive network is {EXPENSIVE} after {options.epochs} epochs on {options.examples:,} "
        f"examples of CIFAR-10: {options.epochs * seconds:.0f} s per trial. Each network has "
        f"{options.trials} trials. Sets are the easiest and the hardest {FRACTION:.0%} under `refine`, "
        f"matched between groups of {size} trials with no index in common; chance is {chance:.2f}. Cost is "
        "training and observation of an epoch, relative to the expensive network's, by steps and "
        f"evaluation batches of all networks in turn (medians of {ROUNDS} rounds), times the share of the "
        "epochs. The corrected rate is (M_AB - chance) / sqrt((M_AA - chance) (M_BB - chance)), 1 where "
        "two networks agree as far as their own noise lets them. Its 95 % interval is a bootstrap that "
        "draws the same trials for the rate and both ceilings.",
        "",
    )
    for side in SIDES:
        ceiling = rows[0].by_side[side].ours
        report.say(
            f"**{side.capitalize()} sets.** The expensive network matches itself at M_AA = "
            f"{within(ceiling.rate, ceiling.interval)}.",
            "",
        )
        report.table(
            ("stand-in", "pixels", "epochs", "cost", "M_AB", "M_BB", "corrected"),
            [
                (
                    row.network,
                    row.pixels,
                    row.epochs,
                    f"{row.cost:.3f}",
                    within(one.pair.rate, one.pair.interval),
                    within(one.theirs.rate, one.theirs.interval),
                    within(one.corrected, one.interval),
                )
                for row in rows
                for one in [row.by_side[side]]
            ],
        )
    for side in SIDES:
        report.say(sentence(rows, side), "")


def sentence(rows, side):
    """Which stand-ins find the same examples as the network itself: whole intervals against the margin."""

    def text(row):
        one = row.by_side[side]
        return f"{row.name} at cost {row.cost:.3f}, {within(one.corrected, one.interval)}"

    def listed(found):
        return "; ".join(map(text, found)) or "none"

    intervals = [(row, row.by_side[side].interval) for row in rows]
    good = [row for row, (low, _) in intervals if low >= MARGIN]
    bad = [row for row, (_, high) in intervals if high < MARGIN]
    undecided = len(rows) - len(good) - len(bad)
    return (
        f"{side.capitalize()} sets, corrected rate against a margin of {MARGIN} set before, cheapest first. "
        f"At or above it: {listed(good)}. Below it: {listed(bad)}. Undecided: the other {undecided}."
    )


def save_figure(report, rows, path, epochs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw(rows, EXPENSIVE, epochs))
    where = os.path.relpath(path.resolve(), DOCS)
    report.say(f"![Corrected matching rate of each stand-in against its relative cost]({where})", "")


def main():
    options = parser(__doc__)
    options.add_argument("--data", help="CIFAR-10 as Parquet or class folders")
    options.add_argument("--examples", type=int, default=2500)
    options.add_argument("--trials", type=int, default=10)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--runs", type=Path, default=Path("runs/standins"))
    options.add_argument(
        "--figure", type=Path, nargs="?", const=FIGURE, help=f"write an SVG, {FIGURE} if unnamed"
    )
    options = options.parse_args()
    report = Report("Cheap stand-ins", "python benchmarks/standins.py --data FOLDER --figure")
    if options.data is None:
        report.say("Nothing was measured: this study needs real images, CIFAR-10 in `--data FOLDER`.")
        report.write(options.json)
        return
    if options.trials < 2:
        sys.exit("--trials: a ceiling takes two trials at least")
    report.say(f"torch {torch.__version__}", "")
    size = min(GROUP, options.trials // 2)
    try:
        data = load_dataset(options.data, limit=options.examples)
        runs = train(data, options.runs, options)
        seconds = seconds_per_epoch(runs, options.examples)
        rows = compare(runs, seconds, data.image_shape[1], options.epochs, size)
    except (BadInput, RunFailed) as error:
        sys.exit(str(error))
    show(report, rows, seconds[EXPENSIVE, 1], options, size)
    if options.figure is not None:
        save_figure(report, rows, options.figure, options.epochs)
    report.write(options.json)


if __name__ == "__main__":
    main()
