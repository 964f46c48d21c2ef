"""Are wrong labels found, counted and told apart, whoever made them wrong?

    python benchmarks/science/wrong_labels.py --data FOLDER [--runs FOLDER] [--docs docs/results]
                                              [--cells PATTERN]

FOLDER has cifar10, trec and fsdd. Every other cell chose the estimator; those with a star judge it. Each is
held against the best single score of the record, cleanlab on the probabilities of trials of the run that left
examples out (where there are some), and an oracle: gradient boosting that is told which labels are wrong,
cross-fitted in five folds on all that the record has. `suspects` reads what a run records by default, without
logits. Cells that are finished are kept in --runs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
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
    noise, rival = one.noise, one.evidence.rival
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


def row(name, one):
    """A line of the table."""
    met = [word for word, met in zip(("error", "number", "order"), goals(one), strict=True) if not met]
    ap = lambda value: "" if value is None else f"{value:.3f}"  # noqa: E731
    return (
        f"| {name} | {one['by']} | {one['error']:.3f} | {one['wrong']:.1%} | {one['estimated']:.1%} "
        f"({one['low']:.0%} to {one['high']:.0%}) | {ap(one['ap'])} | {ap(one.get('single_ap'))} | "
        f"{ap(one.get('cleanlab'))} | {ap(one.get('oracle', {}).get('ap'))} | "
        f"{ap(one.get('oracle', {}).get('error'))} | "
        f"{ap(one.get('suggested'))} / {ap(one.get('runner_up'))} | "
        f"{', '.join(met)} |"
    )


def page(results):
    """The page of docs/results."""
    every = cells()
    there = [(cell, results[cell.name]) for cell in every if cell.name in results]
    lines = [f"<!-- written by: {COMMAND} -->", "", "# Wrong labels, whoever made them wrong", ""]
    about = __doc__.split("\n\n")[2].removeprefix("FOLDER has cifar10, trec and fsdd. ")
    lines += [line.strip() for line in about.splitlines() if line.strip()]
    most = f"{len(there)} of {len(every)} cells are measured; the others take hours."
    lines += ["", f"{most} Measured: {measured()}", ""]
    for judges, what in ((False, "that chose"), (True, "that judge")):
        own = [one for cell, one in there if cell.judges == judges]
        if own:
            met = np.array([goals(one) for one in own]).sum(axis=0)
            covered = sum(one["low"] <= one["wrong"] <= one["high"] for one in own)
            near = sum(one["ap"] >= one["oracle"]["ap"] - OF_ORACLE for one in own if one["ap"] is not None)
            lines.append(
                f"- Of {len(own)} cells {what}, {met[0]} have a calibration error of at most {ERROR}, "
                f"{met[1]} the number within a quarter or two points, {met[2]} an order within {AP} of the "
                f"best single score, {near} within {OF_ORACLE} of the oracle; {covered} ranges hold the true "
                f"share."
            )
    head = "| cell | by | error | wrong | estimated | AP | best single | cleanlab | oracle | its error |"
    lines += ["", f"{head} suggested / runner-up | missed |", "|---|---|" + "---:|" * 9 + "---|"]
    for cell, one in there:
        name = f"{cell.subject.name}, {cell.way}, {cell.noise}{'' if not cell.rate else f' {cell.rate:.0%}'}"
        lines.append(row(name + ("*" if cell.judges else ""), one))
    return "\n".join(lines) + "\n"


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
            print(row(cell.name, json.loads(kept.read_text())), flush=True)
        if kept.exists():
            results[cell.name] = json.loads(kept.read_text())
    if options.docs is not None:
        (options.docs / "wrong-labels.md").write_text(page(results))


if __name__ == "__main__":
    main()
