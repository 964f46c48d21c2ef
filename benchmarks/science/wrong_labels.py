"""Are wrong labels found, counted and told apart, whoever made them wrong?

FOLDER has cifar10, trec and fsdd. Every other cell chose the estimator; the others judge it. Each is held
against the best single score of the record, cleanlab on the probabilities of trials of the run that left
examples out (where there are some), and an oracle: gradient boosting that is told which labels are wrong,
cross-fitted in five folds on all that the record has. `suspects` reads what a run records by default,
without logits. Cells that are finished are kept in --runs.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import labels_text, table
from kit.science import kept, options, publish
from science.feature_labels import by_cleanlab, judged
from science.wrong_labels_runs import cell_run, cells

ERROR, SHARE, LEAST, AP, OF_ORACLE = 0.05, 0.25, 0.02, 0.01, 0.03  # the goals


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
    seen = []
    for epoch in [one for one in run.observed if one <= last]:
        for trial in run.trials:
            one = trial.columns(epoch, ["loss", "margin", "prediction", "label", "entropy", "trained_on"])
            right = one["prediction"] == one["label"]
            values = np.stack([one["loss"], one["margin"], np.exp(-one["loss"]), right, one["entropy"]])
            seen.append(np.where(one["trained_on"] & (run.spec_share < 1), np.nan, values))
    whole = np.ma.masked_invalid(np.reshape(seen, (-1, len(run.trials), *seen[0].shape)))
    means = whole.mean(axis=1).filled(0)  # [epochs, 5, K]
    return dict(zip(("loss", "margin", "p", "right", "entropy"), means.transpose(1, 2, 0), strict=True))


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


def judge(cell, data, runs):
    from easiness.studies.suspects.study import judge as _judged

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
        found |= {"single": best, "single_ap": scores[best], "cleanlab": of_cleanlab(run, labels, wrong)}
        found |= {"oracle": judged(wrong, truth, truth), "suggested": float((rival == true)[wrong].mean())}
        others = run.probabilities()
        others[np.arange(len(labels)), labels] = -1
        found["runner_up"] = float((others.argmax(axis=1) == true)[wrong].mean())
    return found


def goals(one):
    off = abs(one["estimated"] - one["wrong"])
    order = one["ap"] is None or one["ap"] >= one["single_ap"] - AP
    return one["error"] <= ERROR, off <= max(LEAST, SHARE * one["wrong"]), order


MISSES = ("error", "number", "order")
COLUMNS = {
    "data": "{cell.subject.name}",
    "learned in": "{cell.way}",
    "labels": "{labels}",
    "cell": "{purpose}",
    "by": "{by}",
    "calibration error": "{error:.3f}",
    "wrong": "{wrong:.1%}",
    "estimated": "{estimated:.1%}",
    "at least": "{low:.0%}",
    "at most": "{high:.0%}",
    "AP": "{ap:.3f}",
    "AP of best single score": "{single_ap:.3f}",
    "AP of cleanlab": "{cleanlab:.3f}",
    "AP of oracle": "{oracle[ap]:.3f}",
    "error of oracle": "{oracle[error]:.3f}",
    "suggested class is right": "{suggested:.3f}",
    "runner-up is right": "{runner_up:.3f}",
    "missed": "{missed}",
}


def told(cell, one):
    missed = " ".join(word for word, met in zip(MISSES, goals(one), strict=True) if not met)
    more = {"cell": cell, "labels": labels_text(cell.noise, cell.rate), "missed": missed}
    oracle = one.get("oracle", {"ap": None, "error": None})
    return one | more | {"oracle": oracle, "purpose": "judges" if cell.judges else "chose"}


def counted(name, found):
    met = np.array([goals(one) for one in found]).sum(axis=0)
    near = sum(one["ap"] >= one["oracle"]["ap"] - OF_ORACLE for one in found if one["ap"] is not None)
    return name, len(found), *met, sum(one["low"] <= one["wrong"] <= one["high"] for one in found), near


def of_cleanlab(run, labels, wrong):
    """The average precision of cleanlab's margins of left-out probabilities; None where there are none."""
    if run.spec_share == 1:
        return None
    p = run.probabilities(left_out=True)
    if np.isnan(p).any(axis=1).mean() > 1 / 2:
        return None
    return max(one["ap"] for one in by_cleanlab(labels, p, wrong).values())


def shown(there):
    groups = {}
    for cell, one in there:
        way = cell.way if cell.way in ("features", "train share") else "5 to 30 epochs"
        for name in (f"that {'judge' if cell.judges else 'chose'}", f"labels: {cell.noise}", f"by {way}"):
            groups.setdefault(name, []).append(one)
    order = sorted(
        groups, key=lambda name: (not name.startswith("that j"), not name.startswith("that"), name)
    )
    header = ("cells", "number", "calibrated", "counted", "ordered", "range holds", "near the oracle")
    return header, [counted(name, groups[name]) for name in order]


def main():
    asked = options(__doc__, "--data", runs="wrong-labels", more={"--cells": ".*"})
    there = []
    for cell in cells():
        file = asked.runs / f"{cell.name}.judged.json"
        if file.exists() or re.fullmatch(asked.cells, cell.name):
            there.append((cell, kept(file, judge, cell, asked.data, asked.runs)))
            print(cell.name, there[-1][1], flush=True)
    tables = {"cells": table(COLUMNS, [told(*one) for one in there])}
    publish(asked.docs, "wrong-labels", tables, shown(there))


if __name__ == "__main__":
    main()
