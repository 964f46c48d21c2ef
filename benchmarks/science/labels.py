"""Which score finds wrong labels, beside cleanlab from a cross-validation of as many training steps?

Labels of CIFAR-10 are made wrong: `uniform` gives an example one of the other classes at random, `pair` the
one next to its own. The labels are written as a CSV file and laid over the source, as a user would. Beside
each run the same network is trained in five folds of a cross-validation, in about as many steps, for what
cleanlab needs. Runs are kept in `--runs` and results in `labels.json` beside the page.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from easiness import load_dataset, measure, suspects
from easiness.data.label_files import apply_labels
from easiness.scoring import SCORES

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import table
from kit.results import measured
from kit.science import PAIRED, calibration_error, options, publish

SUSPECTS = "suspects"

NETWORK = {"model": "wrn_16_1", "precision": "float32", "keep_weights": False, **PAIRED}
TRIALS, EPOCHS, EXAMPLES, FOLDS = 5, 10, 10_000, 5
FOLD_EPOCHS = 13  # 8,000 of 10,000 examples: 12.5 epochs are as many steps in all; cleanlab gets the rest
SEED = 20  # of the planted labels


class Cell(NamedTuple):
    """A kind of noise and how many in a hundred labels it makes wrong."""

    noise: str
    percent: int

    @property
    def name(self) -> str:
        return f"{self.noise}-{self.percent}"

    @property
    def title(self) -> str:
        return f"{self.noise} {self.percent} %" if self.percent else "none wrong"


CELLS = tuple(map(Cell._make, product(("uniform", "pair"), (5, 20, 40))))
CLEAN = Cell("uniform", 0)
RECIPES = ("short", "paper")


def planted(labels, num_classes, cell):
    """The labels [n] with a share of them wrong, the same number of every class."""
    random = np.random.default_rng(np.random.SeedSequence([SEED, cell.percent, cell.noise == "pair"]))
    wrong = labels.copy()
    for one in range(num_classes):
        of_class = np.flatnonzero(labels == one)
        chosen = random.choice(of_class, round(len(of_class) * cell.percent / 100), replace=False)
        step = 1 if cell.noise == "pair" else random.integers(1, num_classes, len(chosen))
        wrong[chosen] = (one + step) % num_classes
    return wrong


def noisy(source, cell, folder):
    """The labels as they were [n], and the examples with those of a cell, which a file has, over them."""
    data = replace(load_dataset(source), held_out=None).limit(EXAMPLES)
    file = folder / f"{cell.name}.csv"
    if not file.exists():
        rows = {"id": data.ids, "label": planted(data.labels, data.num_classes, cell)}
        pd.DataFrame(rows).to_csv(file, index=False)
    return data.labels, apply_labels(data, file)


def cell_run(source, cell, recipe, folder, train_share=1.0):
    return measure(
        noisy(source, cell, folder)[1],
        **NETWORK,
        epochs=EPOCHS,
        trials=TRIALS,
        recipe=recipe,
        train_share=train_share,
        keep_logits=train_share < 1,
        out=folder / (f"{cell.name}-{recipe}" + ("" if train_share == 1 else f"-share-{train_share}")),
    )


def cross_validated(source, cell, recipe, folder):
    _, data = noisy(source, cell, folder)
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(len(data)), data.labels)
    probabilities = np.zeros((len(data), data.num_classes))
    for fold, (learned, judged) in enumerate(splits):
        held = replace(data._take(judged), split="test", source=None, limited_to=None)
        part = replace(data._take(learned), source=None, limited_to=None, held_out=held)
        how = {"seed": fold, "epochs": FOLD_EPOCHS, "trials": 1, "observe": "last", "keep_logits": True}
        out = folder / f"{cell.name}-{recipe}-fold-{fold}"
        run = measure(part, **NETWORK, **how, recipe=recipe, out=out)
        seen = run.trials[0].observations(data.num_classes, None, "held_out")
        probabilities[judged] = softmax(seen.logits.values[-1].astype(float), axis=1)
    return probabilities


SUSPICIOUS = {"hard": 1, "suspect label": 1, "unsure": 1, "ambiguous": 1, "easy": -1, "sound label": -1}
QUALITIES = (
    ("self_confidence", False),
    ("self_confidence", True),
    ("normalized_margin", False),
    ("normalized_margin", True),
    ("confidence_weighted_entropy", False),
)


def of_run(run):
    """Suspicion [n] by name: each recorded score, and means of p and of the margin over trials."""
    table = run.scores()
    found = {
        one.name: SUSPICIOUS[one.high_means] * table[one.name].to_numpy()
        for one in SCORES
        if not table[one.name].isna().all()
    }
    for name, column in (("p", "p_label"), ("margin", "margin")):
        seen = np.stack([getattr(t.observations(len(run.classes)), column) for t in run.trials])
        for when, epochs in (("last", seen[:, -1:]), ("last 3", seen[:, -3:]), ("all", seen)):
            found[f"mean {name}, {when}"] = -epochs.mean(axis=(0, 1))
    return {name: np.nan_to_num(values, nan=np.nanmin(values)) for name, values in found.items()}


def of_suspects(run):
    """Probability of a wrong label [n] as `suspects` gives it, in the order of the run."""
    ranked = suspects(run, pictures=False).ranked.set_index("id")
    return ranked["p_wrong"].reindex(run.ids.tolist()).to_numpy()


def of_cleanlab(labels, probabilities):
    """Suspicion [n] by name of cleanlab's quality scores, and which its filter finds."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    found = {
        f"cleanlab {method}{', adjusted' * adjusted}": -get_label_quality_scores(
            labels, probabilities, method=method, adjust_pred_probs=adjusted
        )
        for method, adjusted in QUALITIES
    }
    return found, find_label_issues(labels, probabilities)


def of_forest(images, labels):
    pixels = images.reshape(len(images), -1)
    forest = RandomForestClassifier(100, n_jobs=2, random_state=0)
    p = cross_val_predict(forest, pixels, labels, cv=FOLDS, method="predict_proba")
    return -p[np.arange(len(labels)), labels]


def judged(suspicion, wrong):
    """AUROC, average precision, precision at the number of wrong labels, and the share of these missed.

    Examples that are as suspicious share the places that they have: of those at the cut a part counts.
    """
    num = int(wrong.sum())
    cut = np.sort(suspicion)[::-1][num - 1]
    over, at = suspicion > cut, suspicion == cut
    hits = wrong[over].sum() + wrong[at].mean() * (num - over.sum())
    return {
        "auroc": float(roc_auc_score(wrong, suspicion)),
        "ap": float(average_precision_score(wrong, suspicion)),
        "precision": float(hits / num),
        "missed": float(1 - hits / num),
    }


def calibration(p_wrong, wrong):
    """Expected calibration error in bins of equal width, the true and the estimated share of wrong labels."""
    found = {"share": float(wrong.mean()), "estimated": float(p_wrong.mean())}
    return found | {"error": calibration_error(p_wrong, wrong), "likely": int((p_wrong >= 0.5).sum())}


SHOWN = "short"  # the recipe whose cells are all on the page; the others are in its table
COLUMNS = ("AP", "AUROC", "precision", "missed")


def tables(results):
    of_each = {(recipe, cell): f"{cell.name}-{recipe}" for recipe, cell in product(RECIPES, (CLEAN, *CELLS))}
    there = [(*key, results[name]) for key, name in of_each.items() if name in results]
    dirty = [one for one in there if one[1] != CLEAN]
    shown = [_shown(*one) for one in there if one[0] == SHOWN or ("scores" in one[2] and _gain(one[2]) < 0)]
    return {"cells": _cells(there), "scores": _scores(dirty)}, table(COLUMNS_SHOWN, shown)


def _best(scores, cleanlab):
    names = [name for name in scores if name.startswith("cleanlab") == cleanlab and name != SUSPECTS]
    names = [name for name in names if cleanlab or "forest" not in name]
    return max(names, key=lambda name: scores[name]["ap"])


def _gain(found):
    return found["scores"][SUSPECTS]["ap"] - found["scores"][_best(found["scores"], True)]["ap"]


COLUMNS_SHOWN = {
    "recipe": "{recipe}",
    "labels": "{cell.title}",
    "suspects": "{suspects:.3f}",
    "best other score": "{other}",
    "cleanlab's best": "{cleanlab}",
    "suspects less cleanlab": "{gain:+.3f}",
    "estimated wrong": "{calibration[estimated]:.1%}",
    "calibration error": "{calibration[error]:.3f}",
}


def _shown(recipe, cell, found):
    one = {"recipe": recipe, "cell": cell, "calibration": found["calibration"], "other": "", "cleanlab": ""}
    if scores := found.get("scores"):
        best = {key: _best(scores, key == "cleanlab") for key in ("other", "cleanlab")}
        one |= {key: f"{scores[of]['ap']:.3f} ({of.removeprefix('cleanlab ')})" for key, of in best.items()}
        one |= {"suspects": scores[SUSPECTS]["ap"], "gain": _gain(found)}
    return one


def _cells(there):
    """Each cell with what its probabilities are worth, also of trials that leave examples out."""
    rows = []
    for recipe, cell, found in there:
        of = found.get("filter", {})
        kept = (of.get("found", ""), *(f"{of[key]:.1%}" if of else "" for key in ("precision", "recall")))
        for trials, one in (("all", found), ("left out", found.get("left out"))):
            if one:
                c = one["calibration"]
                values = (f"{c['error']:.3f}", f"{c['share']:.1%}", f"{c['estimated']:.1%}", c["likely"])
                rows.append((recipe, cell.title, trials, *values, *kept, found["measured"]))
    names = ("calibration error", "wrong", "estimated", "p_wrong over 0.5")
    by_cleanlab = ("found by cleanlab's filter", "of these wrong", "of all wrong")
    return ("recipe", "labels", "trials", *names, *by_cleanlab, "measured"), rows


def _scores(noisy):
    rows = []
    for recipe, cell, found in noisy:
        sides = (("all", found["scores"]), ("left out", found.get("left out", {}).get("scores", {})))
        every = [(trials, name, of) for trials, scores in sides for name, of in scores.items()]
        for trials, name, of in sorted(every, key=lambda one: -one[2]["ap"]):
            values = [f"{of[key.lower()]:.3f}" for key in COLUMNS]
            rows.append((recipe, cell.title, trials, name, *values))
    return ("recipe", "labels", "trials", "score", *COLUMNS), rows


LEFT_OUT = 0.8  # train share of runs whose trials leave examples out
OF_LEFT_OUT = ("uniform-20-short", "pair-20-short", "uniform-20-paper")  # that have one


def judge(source, cell, recipe, folder):
    true, data = noisy(source, cell, folder)
    wrong, run = data.labels != true, cell_run(source, cell, recipe, folder)
    p_wrong = of_suspects(run)
    found = {"measured": measured(), "torch": torch.__version__, "calibration": calibration(p_wrong, wrong)}
    if not wrong.any():
        return found
    by_cleanlab, issues = of_cleanlab(data.labels, cross_validated(source, cell, recipe, folder))
    found["filter"] = {
        "found": int(issues.sum()),
        "precision": float(wrong[issues].mean()),
        "recall": float(issues[wrong].mean()),
    }
    forest = {"random forests on pixels": of_forest(data.array, data.labels)}
    suspicion = {SUSPECTS: p_wrong, **of_run(run), **by_cleanlab, **forest}
    found["scores"] = {name: judged(np.asarray(values), wrong) for name, values in suspicion.items()}
    if f"{cell.name}-{recipe}" in OF_LEFT_OUT:
        left = cell_run(source, cell, recipe, folder, LEFT_OUT)
        suspicion = {SUSPECTS: of_suspects(left), **of_run(left)}
        scores = {name: judged(np.asarray(values), wrong) for name, values in suspicion.items()}
        found["left out"] = {"calibration": calibration(suspicion[SUSPECTS], wrong), "scores": scores}
    return found


def main():
    asked = options(__doc__, "--cifar10", runs="labels")
    file = (asked.docs or asked.runs) / "labels.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for cell, recipe in product((CLEAN, *CELLS), RECIPES):
        name = f"{cell.name}-{recipe}"
        if name not in results:
            results[name] = judge(str(asked.cifar10), cell, recipe, asked.runs)
            print(name, json.dumps(results[name]["calibration"]), flush=True)
            file.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    made = "\n".join(sorted({f"{one['measured']}, PyTorch {one['torch']}" for one in results.values()}))
    publish(asked.docs, "labels", *tables(results), made=made)


if __name__ == "__main__":
    main()
