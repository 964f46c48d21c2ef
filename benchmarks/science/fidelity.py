"""Faster is the same: easiness from fast settings matches float32 as well as float32 matches itself.

The reference of each network is a run of trials in float32, one after the other, as plain as it gets. Its
noise ceiling is how well groups of its own trials match, with a 95 % interval. Groups of fast trials, of
other seeds, are matched with groups of the reference: as large, and ties broken in the same way. Controls,
deliberately wrong runs with a tenth or a third of the step size or with a tenth of the labels wrong, show
what the check can see and what it cannot. One per network is judged: it has to be found out.

    python benchmarks/science/fidelity.py [--data cifar10-folder] [--examples 1000] [--models wrn_10_1 mlp_3]
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from easiness import load_dataset
from easiness.analysis import Rule, match_groups
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.show import plus_minus, with_interval
from easiness.spec import Execution, Recording, Resolved, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, command, data_text, parser

REFERENCE_SEED = 1000
THREADS = torch.get_num_threads()
PLAIN = {"precision": "float32", "channels_last": False, "threads": THREADS}
SIDES = ("easy", "hard")


@dataclass(frozen=True)
class Way:
    """A way to train the trials of a run. One with wrong labels, or a slow one, is a control.

    A ``judged`` control must be found out.
    """

    name: str
    settings: dict = field(default_factory=dict)
    slower: float = 1
    wrong_labels: bool = False
    judged: bool = False

    @property
    def control(self):
        return self.wrong_labels or self.slower > 1


@dataclass(frozen=True)
class Study:
    """Trials of one network, and the ways to train them."""

    model: str
    alpha: float
    trials: int
    epochs: int
    ways: tuple[Way, ...]


FAST = {"precision": "bfloat16", "channels_last": True}
HALF = {"jobs": 2, "threads": max(1, THREADS // 2)}
STUDIES = (
    Study(
        "wrn_10_1",
        alpha=0.003,  # these trials are short
        trials=10,
        epochs=5,
        ways=(
            Way("bfloat16", FAST),
            Way("bfloat16, compiled", {**FAST, "compiled": True}),
            Way("bfloat16, two processes", {**FAST, **HALF}),
            Way("bfloat16, a tenth of the step size", FAST, slower=10, judged=True),
            Way("bfloat16, a third of the step size", FAST, slower=3),
            Way("bfloat16, a tenth of the labels wrong", FAST, wrong_labels=True),
        ),
    ),
    Study(
        "mlp_3",
        alpha=0.001,
        trials=20,
        epochs=10,
        ways=(
            Way("bfloat16", {"precision": "bfloat16"}),
            Way("float32, a tenth of the step size", slower=10),
            Way("float32, a third of the step size", slower=3),
            Way("float32, a tenth of the labels wrong", wrong_labels=True, judged=True),
        ),
    ),
)


def with_wrong_labels(data):
    rng, labels = np.random.default_rng(0), data.labels.copy()
    wrong = rng.choice(len(labels), len(labels) // 10, replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, data.num_classes, len(wrong))) % data.num_classes
    return replace(data, labels=labels)


def train(data, study, way, seed, folder):
    plan = make_plan(
        with_wrong_labels(data) if way.wrong_labels else data,
        Training(
            model=study.model, epochs=study.epochs, seed=seed, recipe={"alpha": study.alpha / way.slower}
        ),
        study.trials,
        recording=Recording(keep_weights=False, splits=("train",)),
    )
    began = time.perf_counter()
    resolved = Resolved(**{**PLAIN, **way.settings})
    run = carry_out(
        plan, folder / f"{study.model}-{seed}", Execution(device="cpu", cache=False), resolved=resolved
    )
    print(f"{study.model}, {way.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return run


def accuracy(run):
    last = np.array([trial.document.accuracy["train"][-1] for trial in run.trials])
    return plus_minus(last.mean(), last.std(ddof=1) / len(last) ** 0.5)


def text(match):
    return with_interval(match.rate, *match.interval, 3)


def compare(report, data, study, folder):
    reference = train(data, study, Way("reference"), REFERENCE_SEED, folder)
    theirs = reference.votes()
    ceilings = [match_groups(theirs, theirs, Rule(side=side, ties="refine")) for side in SIDES]
    rows = [("float32 with itself: the ceiling", *map(text, ceilings), accuracy(reference))]
    above = {}
    for seed, way in enumerate(study.ways):
        run = train(data, study, way, seed, folder)
        found = [match_groups(run.votes(), theirs, Rule(side=side, ties="refine")) for side in SIDES]
        pairs = list(zip(found, ceilings, strict=True))
        above[way.name] = [match.rate - ceiling.interval[0] for match, ceiling in pairs]
        cells = [f"{text(match)}, {match.rate - ceiling.rate:+.3f}" for match, ceiling in pairs]
        rows.append((way.name, *cells, accuracy(run)))
    report.whole(f"fidelity-{study.model}", ("trials", "easy sets", "hard sets", "accuracy"), rows)
    return above


def conclude(report, name, right, judged):
    """The goal; right ways and controls by how far above the least that is allowed they were."""
    same, below = sum(least >= 0 for least in right), sum(least < 0 for least in judged)
    report.goal(
        "fidelity",
        f"fast trials match float32 as well as it matches itself, {name}",
        f"all in its interval or above, {len(judged)} controls below",
        f"{same} of {len(right)}; {below} of {len(judged)} controls",
        same == len(right) and below == len(judged),
    )


def main():
    made = parser(__doc__)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; scikit-learn's digits otherwise")
    made.add_argument("--examples", type=int, default=1000)
    names = [study.model for study in STUDIES]
    made.add_argument("--models", nargs="+", choices=names, default=names)
    options = made.parse_args()
    report = Report("Faster is the same", command(made, options))
    name = data_text(options.data, "digits of scikit-learn")
    data = load_dataset(options.data or "digits", limit=options.examples)
    right, judged = [], []
    with tempfile.TemporaryDirectory() as folder:
        for study in STUDIES:
            if study.model not in options.models:
                continue
            above = compare(report, data, study, Path(folder))
            right += [min(above[way.name]) for way in study.ways if not way.control]
            judged += [min(above[way.name]) for way in study.ways if way.judged]
    conclude(report, name, right, judged)
    report.write(options.json)


if __name__ == "__main__":
    main()
