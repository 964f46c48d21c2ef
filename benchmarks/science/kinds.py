"""Why is it hard? Kinds found among planted examples, beside thresholds in a data map.

Labels that are flipped, blends of two classes, a rare sub-kind of each class and noise are planted, networks
are trained, and what `easiness` says of the planted examples is held against what they are. The baseline is a
data map (Swayamdipta et al. 2020): thresholds on confidence and variability, fitted to the very examples.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from easiness import load_dataset, measure
from easiness.analysis import estimate_noise
from easiness.studies.suspects.evidence import gather
from easiness.studies.suspects.kinds import find_kinds, is_hard
from easiness.studies.suspects.neighbours import find_neighbours

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import options, publish


def evidence_of(run, data=None):
    """The arguments of `find_kinds` for the training examples of a run, as `suspects` has them."""
    evidence = gather(run, "train")
    noise, near = estimate_noise(evidence.course), pd.DataFrame(find_neighbours(run, data))
    table = evidence.table.assign(p_wrong=noise.p_wrong)
    known = (1 - float(evidence["other_share"].mean())) / max(1 - noise.share, 1e-9)
    return table.join(near), evidence.rows[-1], known


KINDS = ("wrong label", "between two classes", "rare", "unlike its class")
NONE = "none"
BLEND = (0.4, 0.6)  # the share of the first picture
GRAINS = (1, 2, 4, 8)  # sides in pixels of the blocks of noise
TURNS = (np.flipud, lambda x: x.transpose(1, 0, 2), np.rot90, lambda x: np.rot90(x, 2))
COLORS = (
    lambda x: 255 - x,
    lambda x: x[..., [1, 2, 0]],
    lambda x: 255 - x[..., [2, 0, 1]],
)


def planted(source, examples, each, seed):
    """A `Dataset` of ``examples`` pictures, and the planted kind of each [examples].

    ``each`` pictures of each kind: the label flipped to any other; a blend with a picture of another class,
    under either's label; turned and in other colors, in each class in a way of its own, so that a tenth of
    ``each`` is alike; and noise of several grains, under any label.
    """
    rng = np.random.default_rng([seed, 0x6B696E64])
    whole = load_dataset(source)
    data = whole.limit(examples, seed=seed)
    x = np.stack(data.values(np.arange(len(data))))
    if x.shape[3] == 1:
        x = np.repeat(x, 3, axis=3)
    y, original = data.labels.copy(), x.copy()
    num_classes, kinds = data.num_classes, np.full(len(data), NONE, object)
    order = rng.permutation(len(data))
    rare = np.concatenate([order[y[order] == c][: each // num_classes] for c in range(num_classes)])
    order = order[~np.isin(order, rare)]
    flipped, blended, noise = order[: 3 * each].reshape(3, each)
    for name, where in zip(KINDS, (flipped, blended, rare, noise), strict=True):
        kinds[where] = name
    y[flipped] = (y[flipped] + rng.integers(1, num_classes, each)) % num_classes
    for at in blended:
        other = rng.choice(np.flatnonzero(data.labels != data.labels[at]))
        share = rng.uniform(*BLEND)
        x[at] = np.rint(share * original[at] + (1 - share) * original[other])
        y[at] = rng.choice([data.labels[at], data.labels[other]])
    for at in rare:
        x[at] = COLORS[y[at] % len(COLORS)](TURNS[y[at] % len(TURNS)](x[at]))
    for at in noise:
        x[at] = noisy(rng, x.shape[1])
        y[at] = rng.integers(num_classes)
    return load_dataset((x, y), classes=data.classes), kinds


def noisy(rng, side):
    grain = rng.choice(GRAINS)
    cells = -(-side // grain)
    values = rng.uniform(40, 215, 3) + rng.uniform(20, 90) * rng.standard_normal((cells, cells, 3))
    pixels = values.repeat(grain, axis=0).repeat(grain, axis=1)[:side, :side]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def trained(data, out, model, epochs):
    how = {"precision": "float32", "executor": "serial", "compile": "off"}
    return measure(data, model=model, trials=TRIALS, epochs=epochs, out=out, **how)


TRIALS, SEED, REPLICATES = 3, 1, 1000
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
    """The kind of each example by `easiness`, and where it names none ``rare``, tried here alone."""
    kinds, _ = find_kinds(*evidence)
    table = evidence[0]
    far = (table["distance"] >= FAR).to_numpy()
    kinds[is_hard(table) & far & np.isin(kinds, ["", "slow"])] = "rare"
    return np.array([kind or NONE for kind in kinds])


def by_chance(truth, said, kinds):
    """Each F1 where the same answers go to the examples at random."""
    rng = np.random.default_rng(1)
    return np.mean([each_f1(truth, rng.permutation(said), kinds) for _ in range(100)], axis=0)


def data_map(confidence, variability, truth, kinds):
    """Answers of the best thresholds that are fitted to the examples, and to four fifths of them."""
    x = np.stack([confidence, variability], axis=1)
    trees = [
        DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=0)
        for leaves in LEAVES
    ]
    best = max(trees, key=lambda tree: each_f1(truth, tree.fit(x, truth).predict(x), kinds).mean())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return best.fit(x, truth).predict(x), cross_val_predict(best, x, truth, cv=folds)


def compared(truth, said, maps, kinds):
    """A row for the rule and for each data map; then precision, recall, F1 and chance by kind."""
    rows = []
    for name, answer in zip(WAYS, (said, *maps), strict=False):
        (low, high), _ = intervals(truth, answer, kinds)
        rows.append((name, f"{each_f1(truth, answer, kinds).mean():.2f}", f"{low:.2f} to {high:.2f}"))
    rows.append((WAYS[-1], f"{by_chance(truth, said, kinds).mean():.2f}", ""))
    _, bounds = intervals(truth, said, kinds)
    columns = (
        *precision_recall_fscore_support(truth, said, labels=kinds, zero_division=0)[:3],
        *bounds,
        by_chance(truth, said, kinds),
        *(each_f1(truth, one, kinds) for one in maps),
    )
    cells = np.vectorize("{:.2f}".format)(columns).T
    return rows, [
        (kind, p, r, f1, f"{low} to {high}", *rest)
        for kind, (p, r, f1, low, high, *rest) in zip(kinds, cells, strict=True)
    ]


def judge(subject, run, data, truth):
    """Rows of each way and of each kind, of what was planted and of all."""
    evidence = evidence_of(run, data)
    said = tried(evidence)
    scores = run.scores()
    place = scores["confidence"].to_numpy(), scores["variability"].to_numpy()
    hard = truth != NONE
    accuracy = np.mean([trial.accuracy(run.epochs)["train"] for trial in run.trials])
    natural = (evidence[0]["p_label"][~hard] < 0.5).mean()
    print(
        f"{subject.name}: {accuracy:.0%} of the labels known, {natural:.0%} of the untouched wrong",
        flush=True,
    )
    maps = data_map(*(values[hard] for values in place), truth[hard], KINDS)
    of_planted = compared(truth[hard], said[hard], maps, KINDS)
    everything = (*KINDS, NONE)
    of_all = compared(truth, said, data_map(*place, truth, everything), everything)
    return of_planted, of_all


def tables(found):
    sides = [
        (name, among, *side)
        for name, both in found.items()
        for among, side in zip(("planted", "all"), both, strict=True)
    ]
    ways = [(name, among, *row) for name, among, rows, _ in sides for row in rows]
    flat = [(name, among, *row) for name, among, _, each in sides for row in each]
    names = ("precision", "recall", "F1", "95 % interval", "by chance", "map, fitted", "map, 5 folds")
    whole = {
        "ways": (("data", "among", "way", "macro-F1", "95 % interval"), ways),
        "kinds": (("data", "among", "kind", *names), flat),
    }
    each = [(row[0], *row[2:6], row[9]) for row in flat if row[1] == "all" and row[2] not in ("rare", NONE)]
    of_kind = ("data", "kind", "precision", "recall", "F1", "F1 of the map, 5 folds")
    return whole, (of_kind, each)


def main():
    asked = options(__doc__, runs="kinds", more={"--data": None})
    found = {}
    for subject, source in [(DIGITS, "digits")] + ([(CIFAR10, str(asked.data))] if asked.data else []):
        data, truth = planted(source, subject.examples, subject.each, SEED)
        run = trained(data, asked.runs / f"{subject.folder}-{SEED}", subject.model, subject.epochs)
        found[subject.name] = judge(subject, run, data, truth.astype(str))
    publish(asked.docs, "kinds", *tables(found))


if __name__ == "__main__":
    main()
