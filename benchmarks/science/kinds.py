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

WAYS = (
    "`kind` (nothing fitted)",
    "data map fitted to these examples",
    "data map fitted to others (5 folds)",
    "the answers of `kind` at random",
)


@dataclass(frozen=True)
class Subject:
    """Examples of a data set, how many of each kind are planted among them, and what learns from them."""

    name: str
    folder: str
    examples: int
    each: int
    model: str
    epochs: int


DIGITS = Subject("Digits", "digits", 1400, 50, "wrn_10_1", 10)
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
    kinds, _ = find_kinds(*evidence)
    table = evidence[0]
    far = (table["distance"] >= FAR).to_numpy()
    kinds[is_hard(table) & far & np.isin(kinds, ["", "slow"])] = "rare"
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


def compared(truth, said, maps, kinds):
    """A row for the rule and for each data map; then precision, recall, F1 and chance by kind."""
    rows = []
    for name, answer in zip(WAYS, (said, *maps), strict=False):
        (low, high), _ = intervals(truth, answer, kinds)
        rows.append((name, f"{macro(truth, answer, kinds):.2f}", f"{low:.2f} to {high:.2f}"))
    rows.append((WAYS[-1], f"{by_chance(truth, said, kinds).mean():.2f}", ""))
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
    each = [
        (kind, p, r, f1, f"{low} to {high}", *rest)
        for kind, p, r, f1, low, high, *rest in zip(kinds, *map(rounded, columns), strict=True)
    ]
    return rows, each


def judge(subject, run, data, truth):
    """What networks know, and rows: of each way, of each kind, and what was said of what was planted."""
    evidence = evidence_of(run, data)
    said = tried(evidence)
    scores = run.scores()
    place = scores["confidence"].to_numpy(), scores["variability"].to_numpy()
    hard = truth != NONE
    accuracy = np.mean([trial.accuracy(run.epochs)["train"] for trial in run.trials])
    natural = (evidence[0]["p_label"][~hard] < 0.5).mean()
    about = (
        f"{subject.name}: {subject.each} of each kind among {subject.examples:,}. {len(run.trials)} trials "
        f"of {subject.model}, {subject.epochs} epochs, know {accuracy:.0%} of the labels, and are wrong "
        f"on {natural:.0%} of the untouched pictures."
    )
    maps = data_map(*(values[hard] for values in place), truth[hard], KINDS)
    of_planted = compared(truth[hard], said[hard], maps, KINDS)
    everything = (*KINDS, NONE)
    of_all = compared(truth, said, data_map(*place, truth, everything), everything)
    named = [*KINDS, "slow", NONE]
    counts = confusion_matrix(truth, said, labels=named)
    answers = [(kind, *map(str, row)) for kind, row in zip(named, counts, strict=True) if row.any()]
    return about, of_planted, of_all, answers


def page(report, found):
    """The page from what `judge` said of each subject."""
    report.say(
        "How often is the `kind` of a hard example right? Wrong labels, blends of two classes, a rare "
        "sub-kind (a tenth of each class, turned and in other colors) and noise are planted among real "
        f"examples. Its rival is a data map (confidence and variability), cut into up to {max(LEAVES)} "
        "regions by the thresholds that fit best.",
        "",
        *(f"- {about}" for about, *_ in found.values()),
        "",
        "Mean F1 over kinds (95 % bootstrap interval over examples), where untouched examples count as of no "
        "kind:",
        "",
    )
    of_all = {name: everything for name, (_, _, everything, _) in found.items()}
    report.table(
        ("way", *found),
        [
            (
                way,
                *(
                    " ".join(f"{f1} ({span})" if span else f1 for _, f1, span in [rows[at]])
                    for rows, _ in of_all.values()
                ),
            )
            for at, way in enumerate(WAYS)
        ],
    )
    report.say("`kind` among all examples:", "")
    report.table(
        ("data", "kind", "precision", "recall", "F1", "F1 of the map, 5 folds"),
        [
            (name, *row[:4], row[7])
            for name, (_, each) in of_all.items()
            for row in each
            if row[0] not in ("rare", NONE)
        ],
    )
    report.say(
        "So believe `wrong label`, and `between two classes` only where networks know nearly all labels "
        "([how much](kinds-known.md)).",
        "",
        "## What is not certain",
        "",
        "- Untouched examples may be of a kind: precision is a lower bound.",
        "- The thresholds of the rule were looked at on examples and plants of seed 0.",
        f"- `easiness` never says `rare` (neighbours in the networks' features {FAR:g} times as far as "
        "usual): on CIFAR-10 it is found hardly better than by chance. `slow` is a definition, and not "
        "planted.",
    )
    sides = [
        (name, among, *side)
        for name, (_, *both, _) in found.items()
        for among, side in zip(("planted", "all"), both, strict=True)
    ]
    ways = [(name, among, *row) for name, among, rows, _ in sides for row in rows]
    report.whole("ways", ("data", "among", "way", "macro-F1", "95 % interval"), ways)
    flat = [(name, among, *row) for name, among, _, each in sides for row in each]
    names = ("precision", "recall", "F1", "95 % interval", "by chance", "map, fitted", "map, 5 folds")
    report.whole("kinds", ("data", "among", "kind", *names), flat)
    answers = [(name, *row) for name, (*_, rows) in found.items() for row in rows]
    report.whole("answers", ("data", "planted", *KINDS, "slow", NONE), answers)


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
    found = {}
    for subject, source in [(DIGITS, "digits")] + ([(CIFAR10, options.data)] if options.data else []):
        data, truth = planted(source, subject.examples, subject.each, options.seed)
        out = options.runs / f"{subject.folder}-{options.seed}"
        run = trained(data, out, subject.model, options.trials, subject.epochs)
        found[subject.name] = judge(subject, run, data, truth.astype(str))
    page(report, found)
    report.write(options.json)
    report.write_page(options.docs)


if __name__ == "__main__":
    main()
