"""Are wrong labels found, counted and told apart, whoever made them wrong?

    python benchmarks/science/wrong_labels.py --data FOLDER [--runs FOLDER] [--docs docs/results]
                                              [--cells PATTERN]

FOLDER has cifar10, trec and fsdd. Every other cell chose the estimator; the others judge it. Each is held
against the best single score of the record, cleanlab on the probabilities of trials of the run that left
examples out (where there are some), and an oracle: gradient boosting that is told which labels are wrong,
cross-fitted in five folds on all that the record has. `suspects` reads what a run records by default,
without logits. Cells that are finished are kept in --runs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import head, markdown, write_page
from science.feature_labels import judged
from science.wrong_labels_runs import cell_run, cells

ERROR, SHARE, LEAST, AP, OF_ORACLE = 0.05, 0.25, 0.02, 0.01, 0.03  # the goals
COMMAND = "python benchmarks/science/wrong_labels.py --data FOLDER --docs docs/results"


def by_default(run):
    """The run with what it would have recorded without logits; runs of before have no rivals either."""

    def columns(trial, epoch, names, split="train"):
        found = trial.columns(epoch, [*names, "label"], split)
        kept = trial.logits(epoch, split)
        if "rival" in names and kept is not None and len(kept.positions) == len(found["label"]):
            others = kept.values[0].astype(float)
            others[np.arange(len(others)), found["label"]] = -np.inf
            found["rival"] = others.argmax(axis=1)
        return found

    trials = [
        SimpleNamespace(columns=partial(columns, trial), logits=lambda *_: None, observed=trial.observed)
        for trial in run.trials
    ]
    names = ("path", "shares", "observed", "classes", "examples", "resolve_row", "resolve_epoch", "row_of")
    return SimpleNamespace(trials=trials, **{name: getattr(run, name) for name in names})


def recorded(run, last):
    """Means over the trials of what is recorded of each label after each epoch, [K, epochs] by name."""
    found = {name: [] for name in ("loss", "margin", "p", "right", "entropy")}
    for epoch in [one for one in run.observed if one <= last]:
        seen = []
        for trial in run.trials:
            one = trial.columns(epoch, ["loss", "margin", "prediction", "label", "entropy", "trained_on"])
            values = (
                one["loss"],
                one["margin"],
                np.exp(-one["loss"]),
                one["prediction"] == one["label"],
                one["entropy"],
            )
            seen.append(np.where(one["trained_on"] & (run.spec_share < 1), np.nan, np.stack(values)))
        whole = np.stack(seen)
        own = np.isnan(whole).all(axis=0)
        means = np.where(own, 0, np.nansum(whole, axis=0) / np.maximum((~np.isnan(whole)).sum(axis=0), 1))
        for name, values in zip(found, means, strict=True):
            found[name].append(values)
    return {name: np.stack(values, axis=1) for name, values in found.items()}


def singles(means):
    """Suspicion [K] by each score that needs no other one."""
    last = slice(-3, None)
    return {
        "loss": means["loss"][:, -1],
        "loss, all epochs": means["loss"].mean(axis=1),
        "margin": -means["margin"][:, -1],
        "margin, last three": -means["margin"][:, last].mean(axis=1),
        "aum": -means["margin"].mean(axis=1),
        "confidence": -means["p"].mean(axis=1),
        "confidence, last three": -means["p"][:, last].mean(axis=1),
        "correctness": -means["right"].mean(axis=1),
    }


def oracle(means, p, labels, wrong):
    """The probability to be wrong [K], by a model that is told which are, of examples it was not told of."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_predict

    features = np.concatenate([*means.values(), p, labels[:, None]], axis=1)
    model = HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=0)
    return cross_val_predict(model, features, wrong, cv=5, method="predict_proba")[:, 1]


def by_cleanlab(run, labels, wrong):
    """The average precision of cleanlab's margins of left-out probabilities; None where there are none."""
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return None
    try:
        p = run.probabilities(left_out=True)
    except Exception:
        return None
    heard = ~np.isnan(p).any(axis=1)
    if heard.mean() < 1 / 2 or not wrong.any():
        return None
    p[~heard] = 1 / p.shape[1]
    found = (
        judged(wrong, -get_label_quality_scores(labels, p, method=one), np.zeros(len(p)))["ap"]
        for one in ("self_confidence", "normalized_margin")
    )
    return max(found)


def judge(cell, data, runs):
    """The results of a cell as plain values."""
    from easiness.studies.suspects.study import _judged

    true, run = cell_run(cell, data, runs)
    labels = run.examples("train")[1]
    wrong = labels != true
    seen = run if run.shares else by_default(run)
    one = _judged(seen, "train", run.observed[-1], False)
    noise, rival = one.noise, one.evidence["rival"]
    found = {**judged(wrong, noise.suspicion, noise.p_wrong), "estimated": noise.share, "by": noise.by}
    found |= {"low": noise.low, "high": noise.high, "wrong": float(wrong.mean())}
    found |= {"read": one.evidence.rows[-1].value, "course": list(noise.shares)}
    if wrong.any():
        run.__dict__["spec_share"] = 0.8 if cell.way in ("train share", "features") else 1.0
        means = recorded(run, run.observed[-1])
        p = np.exp(one.evidence.course.log_p)
        truth = oracle(means, p, labels, wrong)
        scores = {name: judged(wrong, values, truth)["ap"] for name, values in singles(means).items()}
        best = max(scores, key=scores.get)
        found |= {"single": best, "single_ap": scores[best], "cleanlab": by_cleanlab(run, labels, wrong)}
        found |= {"oracle": judged(wrong, truth, truth), "suggested": float((rival == true)[wrong].mean())}
        others = run.probabilities()
        others[np.arange(len(labels)), labels] = -1
        found["runner_up"] = float((others.argmax(axis=1) == true)[wrong].mean())
    return found


def goals(one):
    """Which goals a cell meets: calibration, number, order."""
    off = abs(one["estimated"] - one["wrong"])
    order = one["ap"] is None or one["ap"] >= one["single_ap"] - AP
    return one["error"] <= ERROR, off <= max(LEAST, SHARE * one["wrong"]), order


MISSES = ("error", "number", "order")
COLUMNS = (
    "data",
    "learned in",
    "labels",
    "cell",
    "by",
    "calibration error",
    "wrong",
    "estimated",
    "at least",
)
COLUMNS += ("at most", "AP", "AP of best single score", "AP of cleanlab", "AP of oracle", "error of oracle")
COLUMNS += ("suggested class is right", "runner-up is right", "missed")


def labels_of(cell):
    """How the labels of a cell are called."""
    return f"{cell.noise} {cell.rate:.0%}" if cell.rate else cell.noise


def row(cell, one):
    """A line of the whole table."""
    ap = lambda value: "" if value is None else f"{value:.3f}"  # noqa: E731
    oracle = one.get("oracle", {})
    others = (one["ap"], one.get("single_ap"), one.get("cleanlab"), oracle.get("ap"), oracle.get("error"))
    return (
        cell.subject.name,
        cell.way,
        labels_of(cell),
        "judges" if cell.judges else "chose",
        one["by"],
        ap(one["error"]),
        *(f"{one[key]:.1%}" for key in ("wrong", "estimated")),
        *(f"{one[key]:.0%}" for key in ("low", "high")),
        *map(ap, (*others, one.get("suggested"), one.get("runner_up"))),
        " ".join(word for word, met in zip(MISSES, goals(one), strict=True) if not met),
    )


def counted(name, found):
    """A line of the small table: of how many cells each goal is met."""
    met = np.array([goals(one) for one in found]).sum(axis=0)
    near = sum(one["ap"] >= one["oracle"]["ap"] - OF_ORACLE for one in found if one["ap"] is not None)
    return name, len(found), *met, sum(one["low"] <= one["wrong"] <= one["high"] for one in found), near


def page(results, made):
    """The page of docs/results, and its whole table."""
    every = cells()
    there = [(cell, results[cell.name]) for cell in every if cell.name in results]
    groups = {}
    for cell, one in there:
        way = cell.way if cell.way in ("features", "train share") else "5 to 30 epochs"
        for name in (f"that {'judge' if cell.judges else 'chose'}", f"labels: {cell.noise}", f"by {way}"):
            groups.setdefault(name, []).append(one)
    order = sorted(
        groups, key=lambda name: (not name.startswith("that j"), not name.startswith("that"), name)
    )
    confusable = groups.get("labels: confusable", [])
    under = sum(one["estimated"] < one["wrong"] for one in confusable)
    lacks = Counter(cell.subject.name for cell in every if cell.name not in results)
    header = ("cells", "number", "calibrated", "counted", "ordered", "range holds", "near the oracle")
    text = f"""\
{head("Wrong labels, whoever made them wrong", COMMAND, made)}
Does `suspects` find, count and order wrong labels, whoever made them wrong? Labels are made wrong in
four ways: `uniform` (any other class), `pair` (the next class), `one pair` (one class alone, to the next)
and `confusable`. These last are drawn from the predictions of another network: which label is wrong, and as
what, depends on the example, as it does with people. Half of the cells chose how `suspects` estimates, and
the others judge it. Of {len(every)} cells {len(there)} are measured.

{markdown(header, [counted(name, groups[name]) for name in order])}

A cell counts as

- calibrated with an expected calibration error of `p_wrong` of at most {ERROR},
- counted with the number of wrong labels within a quarter or two points of the truth,
- ordered with an average precision (AP) within {AP} of the best single score that was recorded,
- near the oracle with an AP within {OF_ORACLE} of gradient boosting that is told which labels are wrong
  (cross-fitted in five folds on all that the run records).

Confusable labels are the hardest: {counted("", confusable)[2]} of {len(confusable)} cells are calibrated,
and in {under} the number of wrong labels is estimated too low. Clean labels have no order: they count as
ordered, and not as near the oracle.

## What is not certain

- Not measured, since they take hours:
  {", ".join(f"{number} cells of {name}" for name, number in lacks.items())}.
- A cell is one draw of labels and one run.
- A network that confuses classes stands for people who do. Real mistakes of people were not measured here.
"""
    return text, {"cells": (COLUMNS, [row(cell, one) for cell, one in there])}


def main():
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/wrong-labels"))
    parser.add_argument("--docs", type=Path, help="folder for wrong-labels.md")
    parser.add_argument("--cells", default=".*", help="names of cells, a regular expression")
    options = parser.parse_args()
    results = {}
    options.runs.mkdir(parents=True, exist_ok=True)
    for cell in cells():
        kept = options.runs / f"{cell.name}.judged.json"
        if not kept.exists() and re.fullmatch(options.cells, cell.name):
            kept.write_text(json.dumps(judge(cell, options.data, options.runs)))
            print(*row(cell, json.loads(kept.read_text())), flush=True)
        if kept.exists():
            results[cell.name] = json.loads(kept.read_text())
    if options.docs is not None:
        write_page(options.docs / "wrong-labels.md", *page(results, measured()))


if __name__ == "__main__":
    main()
