"""Why is it hard? Kinds found among planted examples, beside thresholds in a data map.

Labels that are flipped, blends of two classes, a rare sub-kind of each class and noise are planted, networks
are trained, and what `easiness` says of the planted examples is held against what they are. The baseline is a
data map (Swayamdipta et al. 2020): thresholds on confidence and variability, fitted to the very examples.

    python benchmarks/science/kinds.py [--data cifar10-folder] [--trials 3] [--seed 1] [--runs runs/kinds]
                                       [--docs docs/results/kinds.md]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.studies.suspects.kinds import find_kinds, is_hard
from kit.results import Report, command, parser
from science.kinds_evidence import evidence_of
from science.kinds_plant import KINDS, NONE, planted, trained

REPLICATES = 1000
FAR = 3 / 2  # times as far from its neighbours as is usual in its class: rare
LEAVES = range(4, 17)  # regions that thresholds may cut the data map into


@dataclass(frozen=True)
class Subject:
    """Examples of a data set, how many of each kind are planted among them, and what learns from them."""

    name: str
    folder: str
    examples: int
    each: int
    model: str
    epochs: int


DIGITS = Subject("Digits of scikit-learn", "digits", 1400, 50, "wrn_10_1", 10)
CIFAR10 = Subject("CIFAR-10", "cifar10", 5000, 100, "wrn_16_1", 15)


def macro(truth, said, kinds):
    return f1_score(truth, said, labels=kinds, average="macro", zero_division=0)


def each_f1(truth, said, kinds):
    return f1_score(truth, said, labels=kinds, average=None, zero_division=0)


def intervals(truth, said, kinds):
    """95 % bootstrap intervals over examples, within each kind: of macro-F1, and of each F1."""
    rng = np.random.default_rng(0)
    named = [*kinds, *sorted(set(said) - set(kinds))]
    counts = confusion_matrix(truth, said, labels=named)[: len(kinds)]
    # examples of a kind drawn anew are answers to it drawn anew
    drawn = np.stack([rng.multinomial(row.sum(), row / row.sum(), REPLICATES) for row in counts], axis=1)
    hits = np.diagonal(drawn, axis1=1, axis2=2)
    f1 = 2 * hits / np.maximum(drawn.sum(axis=2) + drawn.sum(axis=1)[:, : len(kinds)], 1)
    return np.quantile(f1.mean(axis=1), (0.025, 0.975)), np.quantile(f1, (0.025, 0.975), axis=0)


def tried(evidence):
    """What `easiness` says of each example, and where it says nothing ``rare``, tried here alone."""
    kinds = find_kinds(evidence).kind.copy()
    far = evidence.near.distance >= FAR
    kinds[is_hard(evidence) & far & np.isin(kinds, ["", "slow"])] = "rare"
    return np.array([kind or NONE for kind in kinds])


def rounded(values):
    return [f"{value:.2f}" for value in values]


def by_chance(truth, said, kinds):
    """Each F1 where the same answers go to the examples at random."""
    rng = np.random.default_rng(1)
    return np.mean([each_f1(truth, rng.permutation(said), kinds) for _ in range(100)], axis=0)


def data_map(confidence, variability, truth, kinds):
    """What the best thresholds say that are fitted to the examples themselves, and to four fifths of them."""
    x = np.stack([confidence, variability], axis=1)
    trees = [
        DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=0)
        for leaves in LEAVES
    ]
    best = max(trees, key=lambda tree: macro(truth, tree.fit(x, truth).predict(x), kinds))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return best.fit(x, truth).predict(x), cross_val_predict(best, x, truth, cv=folds)


def compared(report, title, truth, said, maps, kinds):
    """A row for the rule and for each data map; then precision, recall, F1 and chance by kind."""
    rows = []
    ways = {
        "`kind` (nothing fitted)": said,
        "data map, thresholds fitted to these examples": maps[0],
        "data map, thresholds fitted to other examples (5 folds)": maps[1],
    }
    for name, answer in ways.items():
        (low, high), _ = intervals(truth, answer, kinds)
        rows.append((name, f"{macro(truth, answer, kinds):.2f}", f"{low:.2f} to {high:.2f}"))
    rows.append(("the answers of `kind` at random", f"{by_chance(truth, said, kinds).mean():.2f}", ""))
    report.say(f"### {title}", "")
    report.table(("way", "macro-F1", "95 % interval"), rows)
    _, bounds = intervals(truth, said, kinds)
    options = {"labels": kinds, "average": None, "zero_division": 0}
    columns = (
        precision_score(truth, said, **options),
        recall_score(truth, said, **options),
        each_f1(truth, said, kinds),
        *bounds,
        by_chance(truth, said, kinds),
        *(each_f1(truth, one, kinds) for one in maps),
    )
    report.table(
        ("kind", "precision", "recall", "F1", "95 % interval", "by chance", "map, fitted", "map, 5 folds"),
        [
            (kind, p, r, f1, f"{low} to {high}", *rest)
            for kind, p, r, f1, low, high, *rest in zip(kinds, *map(rounded, columns), strict=True)
        ],
    )


def confusions(report, truth, said):
    """How many of each planted kind got which answer."""
    named = [*KINDS, "slow", NONE]
    counts = confusion_matrix(truth, said, labels=named)
    report.say("### What was planted, and what was said of it", "")
    report.table(
        ("planted", *named),
        [(kind, *counts[named.index(kind)]) for kind in named if counts[named.index(kind)].any()],
    )


def judge(report, subject, run, data, truth):
    evidence = evidence_of(run, data)
    said = tried(evidence)
    scores = run.scores()
    place = scores["confidence"].to_numpy(), scores["variability"].to_numpy()
    hard = truth != NONE
    accuracy = np.mean([trial.accuracy(run.epochs)["train"] for trial in run.trials])
    natural = (evidence.p_label[~hard] < 0.5).mean()
    report.say(
        f"## {subject.name}",
        "",
        f"{subject.each} examples of each kind among {subject.examples:,}; {len(run.trials)} trials of "
        f"{subject.model} with {subject.epochs} epochs. At the end they have {accuracy:.0%} of the labels "
        f"right, and {natural:.0%} of the pictures that nothing was done to have less than half of the "
        "probability on their label.",
        "",
    )
    maps = data_map(*(values[hard] for values in place), truth[hard], KINDS)
    compared(report, "Which kind, among the planted examples", truth[hard], said[hard], maps, KINDS)
    everything = (*KINDS, NONE)
    maps = data_map(*place, truth, everything)
    title = "Among all examples, where the others count as of no kind"
    compared(report, title, truth, said, maps, everything)
    confusions(report, truth, said)


def main():
    made = parser(__doc__)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; digits alone otherwise")
    made.add_argument("--trials", type=int, default=3)
    made.add_argument("--seed", type=int, default=1, help="of the examples, and of what is planted")
    made.add_argument("--runs", type=Path, default=Path("runs/kinds"))
    made.add_argument("--docs", type=Path, help="write the page here")
    options = made.parse_args()
    shown = argparse.Namespace(**{**vars(options), "runs": made.get_default("runs")})  # whatever the folder
    report = Report("Why is it hard?", command(made, shown))
    report.say(
        "Four kinds of hard examples are planted among real ones: labels flipped to any other class; blends "
        "of two pictures of different classes under either's label; a rare sub-kind, in each class a tenth "
        "of them, turned and in other colors in a way of its own; and noise of several grains under any "
        "label. Networks learn from all, and each example gets a `kind`. A data map (confidence and "
        f"variability) is cut into up to {max(LEAVES)} regions by the thresholds that fit best. The rule's "
        "thresholds were looked at on examples and plants of seed 0. Intervals are a bootstrap over "
        "examples, within each kind.",
        "",
        "`slow` is not planted: it is a definition. `rare` (neighbours in the networks' features "
        f"{FAR:g} times as far as is usual in the class) is tried here alone: `easiness` never says it, "
        "since this rule finds it hardly better than by chance on CIFAR-10 and worse than a data map on "
        "digits. Nobody knows which of the untouched examples are truly of a kind, so that "
        "precision among all examples is a lower bound.",
        "",
    )
    subjects = [(DIGITS, "digits")] + ([(CIFAR10, options.data)] if options.data else [])
    for subject, source in subjects:
        data, truth = planted(source, subject.examples, subject.each, options.seed)
        out = options.runs / f"{subject.folder}-{options.seed}"
        run = trained(data, out, subject.model, options.trials, subject.epochs)
        judge(report, subject, run, data, truth.astype(str))
    report.write(options.json)
    report.write_page(options.docs)


if __name__ == "__main__":
    main()
