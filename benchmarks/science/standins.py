"""Cheap stand-ins for an expensive network: how far they find the same easy and hard examples, at what cost.

A study on real data, CIFAR-10: without `--data` it says so and measures nothing. Its runs are kept in
`--runs`, so that it goes on where it was stopped.

    python benchmarks/science/standins.py --data cifar10-folder [--examples 2500] [--trials 10] [--epochs 8]
                                          [--runs runs/standins] [--figure [docs/results/standins.svg]]
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from easiness import load_dataset
from easiness.analysis import Agreement, GroupMatch, Measured, Rule, agreement, match_groups
from easiness.errors import BadInput, RunFailed
from easiness.inputs import Signature
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Recording, Training
from easiness.training import Workload

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.rehearsal import Rehearsal, rehearsing
from kit.results import Report, parser
from science.standins_text import EXPENSIVE, FIGURE, SIDES, save_figure, say

ROUNDS = 7
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
FRACTION = 0.1
GROUP = 5  # trials
REPLICATES = 500


@dataclass(frozen=True)
class Match:
    """A stand-in against the expensive network, in groups of equal size.

    `ours` and `theirs` are the ceilings, of the expensive network and of the stand-in.
    """

    pair: GroupMatch
    ours: GroupMatch
    theirs: GroupMatch
    agreement: Agreement

    @property
    def interval(self):
        return self.agreement.low, self.agreement.high


@dataclass(frozen=True)
class Row:
    """One stand-in: a run, looked at after `epochs`; `cost` is relative to the expensive network's."""

    network: str
    pixels: int
    epochs: int
    cost: float
    by_side: dict[str, Match]

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
            Training(model=network, epochs=options.epochs, recipe={"reduce": reduce}),
            options.trials,
            recording=Recording(keep_weights=False, splits=("train",)),
        )
        began = time.perf_counter()
        run = carry_out(
            plan,
            folder / f"{network}-{reduce}",
            Execution(executor=executor, jobs=jobs, compile="off"),
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
    with rehearsing():
        rehearsals = {}
        for name, run in runs.items():
            spec = run.spec
            shape = tuple(side // spec.recipe.reduce for side in spec.data.image_shape[1:])
            signature = Signature((spec.data.image_shape[0], *shape))
            workload = Workload(spec.model, spec.recipe, signature, 10, spec.recipe.batch_size, "cpu")
            torch.set_num_threads(spec.resolved.threads)
            rehearsals[name] = Rehearsal(workload, spec.resolved)
            rehearsals[name].warm_up()
            rehearsals[name].observe()
        for _ in range(ROUNDS):
            for name, rehearsal in rehearsals.items():
                recipe = runs[name].spec.recipe
                torch.set_num_threads(runs[name].spec.resolved.threads)
                seconds = rehearsal.look() * recipe.steps_per_epoch(examples)
                looks.setdefault(name, []).append(
                    seconds + rehearsal.observe() * examples / rehearsal.num_observed
                )
    return {name: statistics.median(found) for name, found in looks.items()}


def matched(target, votes, side, size):
    """One side of a `Row`; the bootstrap draws the same trials for the rate and both ceilings.

    A ceiling is that of a run and its copy: so its groups and replicates are those of every other pair.
    """
    rule = Rule(side, FRACTION, "refine")
    pair, ours, theirs = (
        match_groups(
            a,
            replace(a) if b is a else b,
            Rule(side=side, fraction=FRACTION, ties=rule.ties),
            group_size=size,
            num_replicates=REPLICATES,
        )
        for a, b in ((target, votes), (target, target), (votes, votes))
    )
    runs = Measured("the expensive network", target, ours), Measured("the stand-in", votes, theirs)
    return Match(pair, ours, theirs, agreement(*runs, pair, rule))


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
                    {side: matched(target, votes, side, size) for side in SIDES},
                )
            )
    return sorted(rows, key=lambda row: row.cost)


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
    report = Report("Cheap stand-ins", "python benchmarks/science/standins.py --data FOLDER --figure")
    if options.data is None:
        report.say("Nothing was measured: this study needs real images, CIFAR-10 in `--data FOLDER`.")
        report.write(options.json)
        return
    if options.trials < 2:
        sys.exit("--trials: a ceiling takes two trials at least")
    size = min(GROUP, options.trials // 2)
    try:
        data = load_dataset(options.data, limit=options.examples)
        runs = train(data, options.runs, options)
        seconds = seconds_per_epoch(runs, options.examples)
        rows = compare(runs, seconds, data.image_shape[1], options.epochs, size)
    except (BadInput, RunFailed) as error:
        sys.exit(str(error))
    say(report, rows)
    if options.figure is not None:
        save_figure(report, rows, options.figure, options.epochs)
    report.write(options.json)


if __name__ == "__main__":
    main()
