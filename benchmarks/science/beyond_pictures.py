"""Do different networks find the same sentences, and the same spoken digits, easy and hard?

    python benchmarks/science/beyond_pictures.py --trec FOLDER --fsdd FOLDER --docs FILE.md

Each data set is measured by two networks that learn from nothing and by heads on features, and each two of
them are compared as the paper compares networks on pictures: how much of one's easiest (hardest) tenth is in
the other's, beside what two groups of trials of the same network share (its ceiling), and the agreement that
is left without the noise of few trials. Ties are shared out (`expected`), or broken by the mean probability
of the label (`refine`). Networks are trained on the whole training split and judged on it after several
epochs; heads are fitted on 80 % and judge the examples that they were not shown.

Then labels are made wrong: 5 and 20 % of them, any other class (uniform), or as another network would confuse
them, which was trained on the other half. `suspects` is asked by networks, by heads, and by both together;
cleanlab gets the heads' and the networks' own held-out probabilities.

Finished runs are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from feature_labels import judged, made_wrong

import easiness as ez
from kit.machine import measured

TRIALS, EPOCHS, HEADS = 10, (2, 10), 20
TIES = ("expected", "refine")
PLANTED = 8  # trials on planted labels
SHARE = 0.6  # that each of these trains on; fewer than 2 % of the examples are never left out
RATES = (0.05, 0.2)
KINDS = ("uniform", "confusable")


@dataclass(frozen=True)
class Subject:
    """A data set: its networks, its features, whose mistakes confuse labels, and who judges these."""

    name: str
    title: str
    nouns: str
    networks: tuple[str, str]
    features: str
    confuses: str
    judge: str


SUBJECTS = (
    Subject("trec", "TREC questions", "questions", ("bag", "text_cnn"), "hashed", "text_cnn", "bag"),
    Subject(
        "fsdd", "Spoken digits (FSDD)", "recordings", ("mlp_3", "wrn_10_1"), "logmel", "wrn_10_1", "mlp_3"
    ),
)


def spent(make):
    """What ``make`` gives, and the seconds of processor time that it took of this process."""
    before = time.process_time()
    return make(), time.process_time() - before


def measure(data, out, **settings):
    """A run, trained in this process where it is not there yet."""
    return ez.measure(data, out=out, jobs=1, executor="serial", progress=False, **settings)


def runs_of(subject, data, runs):
    """The runs of a subject by name: networks on all examples, and heads."""
    found = {}
    for network in subject.networks:
        settings = {"model": network, "trials": TRIALS, "epochs": EPOCHS[-1]}
        found[network] = measure(data, runs / f"{subject.name}-{network}", **settings)
    found["heads"] = measure(
        data, runs / f"{subject.name}-heads", features=[subject.features], model="ridge", trials=HEADS
    )
    return found


def compared(pair, epoch):
    """A pair of runs compared, with ties shared out and with ties broken."""
    heads = [run for run in pair if run.shares]
    read = {"share": heads[0].shares[-1]} if heads else {}
    return ez.compare(list(pair), epoch=epoch, ties=TIES, **read)


def agreement(cell):
    """The agreement with its interval, or a dash where a ceiling is too near to chance to tell."""
    if np.isnan(cell.agreement):
        return "–"
    return f"{cell.agreement:.2f} ({cell.agreement_low:.2f} to {cell.agreement_high:.2f})"


def matching_table(found, names):
    """A row for each pair, epoch, side and rule for ties, behind a sentence on the last epoch."""
    told = {"easy": [], "hard": []}
    lines = [
        "| networks | after | side | ties | tie mass of each | ceilings | rate | chance | agreement (95 %) |",
        "|---|---|---|---|---|---|---:|---:|---|",
    ]
    for a, b in combinations(names, 2):
        heads = " and 80 %" if found[a].shares or found[b].shares else ""
        for epoch in EPOCHS:
            result = compared((found[a], found[b]), epoch)
            for side, ties in product(("easy", "hard"), TIES):
                cell = result.cell(0, 1, side, ties)
                if (epoch, ties) == (EPOCHS[-1], TIES[-1]):
                    told[side].append(cell.agreement)
                ceilings = " / ".join(f"{result.cell(at, at, side, ties).groups.rate:.2f}" for at in (0, 1))
                masses = " / ".join(f"{one.tie_mass[side]:.2f}" for one in result.resolution)
                lines.append(
                    f"| {a} and {b} | {epoch} epochs{heads} | {side} | {ties} | {masses} | {ceilings} | "
                    f"{cell.groups.rate:.2f} | {cell.groups.chance:.2f} | {agreement(cell)} |"
                )
    easy, hard = (f"{np.nanmin(one):.2f} to {np.nanmax(one):.2f}" for one in told.values())
    answer = (
        f"With ties broken, two of them agree on {easy} of the easiest tenth after {EPOCHS[-1]} epochs, and "
    )
    return [
        answer + f"on {hard} of the hardest; by chance it would be 0.10, and 1 if they were the same.",
        "",
        *lines,
    ]


def accuracy_table(found, data, names, runs, subject):
    """Accuracy on the held-out split: the mean over trials and the range, and what one training takes."""
    lines = ["| | held-out accuracy | lowest and highest | processor s |", "|---|---:|---:|---:|"]
    for name in names:
        run = found[name]
        last = run.resolve_epoch(None, None)
        right = [trial.accuracy(last)["held_out"] for trial in run.trials]
        lines.append(
            f"| {name} | {np.mean(right):.3f} | {min(right):.3f}, {max(right):.3f} | "
            f"{seconds_of(data, name, runs, subject):.0f} |"
        )
    return lines


def seconds_of(data, name, runs, subject):
    """Seconds of processor time of one training, or of heads with the making of their features."""
    kept = runs / f"{subject.name}-{name}.seconds.json"
    if not kept.exists():
        out = runs / f"{subject.name}-{name}-timed"
        settings = {"features": [subject.features], "model": "ridge", "trials": HEADS}
        if name != "heads":
            settings = {"model": name, "trials": 1, "epochs": EPOCHS[-1]}
        _, seconds = spent(lambda: measure(data, out, **settings))
        kept.write_text(json.dumps(seconds))
    return json.loads(kept.read_text())


def told_by_another(subject, data, runs):
    """Log probabilities [K, C] by networks that were trained on the other half of the examples."""
    kept = runs / f"{subject.name}-confusing.npy"
    if not kept.exists():
        halves = np.random.default_rng(0).permutation(len(data)) % 2
        log_p = np.zeros((len(data), data.num_classes))
        for half in (0, 1):
            rows = np.flatnonzero(halves == half)
            others = data.part(np.flatnonzero(halves != half))
            run = measure(
                replace(others, held_out=data.part(rows)),
                runs / f"{subject.name}-confusing-{half}",
                model=subject.confuses,
                trials=1,
                epochs=EPOCHS[-1],
                seed=99,
                keep_logits=True,
            )
            log_p[rows] = np.log(run.probabilities(split="held_out") + 1e-9)
        np.save(kept, log_p)
    return np.load(kept)


def by_cleanlab(run, labels, wrong):
    """Judges cleanlab's scores of the mean held-out probabilities of a run."""
    from cleanlab.rank import get_label_quality_scores

    p = run.probabilities(left_out=True)
    heard = ~np.isnan(p).any(axis=1)  # every example is left out by some trial, but for a few
    p[~heard] = 1 / p.shape[1]
    quality = {
        m: get_label_quality_scores(labels, p, method=m) for m in ("self_confidence", "normalized_margin")
    }
    return {name: judged(wrong, -one, 1 - one) for name, one in quality.items()}


def cell(subject, data, kind, rate, log_p, runs):
    """What is found of planted labels, from the file that keeps it or anew."""
    kept = runs / f"{subject.name}-{kind}-{rate:g}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    labels = made_wrong(data.labels, kind, rate, log_p, seed=7)
    wrong = labels != data.labels
    planted = replace(data, labels=labels, true_labels=labels, held_out=None, source=None)
    folder = runs / f"{subject.name}-{kind}-{rate:g}"
    networks = measure(
        planted,
        folder / "networks",
        model=subject.judge,
        trials=PLANTED,
        epochs=EPOCHS[-1],
        train_share=SHARE,
        keep_logits=True,
    )
    heads = measure(planted, folder / "heads", features=[subject.features], model="ridge", trials=HEADS)
    found = {"wrong": float(wrong.mean())}
    for name, asked in (("networks", networks), ("heads", heads), ("both", [heads, networks])):
        ranked = ez.suspects(asked, pictures=False, progress=False).ranked
        ranked["rank"] = np.arange(len(ranked))
        ranked = ranked.set_index("id").loc[data.ids.tolist()]
        found[name] = judged(wrong, -ranked["rank"].to_numpy(), ranked["p_wrong"].to_numpy())
    found["cleanlab, networks"] = by_cleanlab(networks, labels, wrong)
    found["cleanlab, heads"] = by_cleanlab(heads, labels, wrong)
    kept.write_text(json.dumps(found, indent=1))
    print(subject.name, kind, rate, {k: found[k] for k in ("networks", "heads", "both")}, flush=True)
    return found


def labels_table(found):
    lines = [
        "| labels | wrong | networks | heads | both | cleanlab, networks | cleanlab, heads | calibration "
        "error (networks / heads / both) | expected share (networks / heads / both) |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    ours, theirs = ("networks", "heads", "both"), ("cleanlab, networks", "cleanlab, heads")
    for (kind, rate), one in found.items():
        aps = [f"{one[name]['ap']:.3f}" for name in ours]
        aps += [f"{max(score['ap'] for score in one[name].values()):.3f}" for name in theirs]
        errors = " / ".join(f"{one[name]['error']:.3f}" for name in ours)
        shares = " / ".join(f"{one['wrong'] + one[name]['share']:.1%}" for name in ours)
        lines.append(f"| {kind} {rate:.0%} | {one['wrong']:.1%} | {' | '.join(aps)} | {errors} | {shares} |")
    return lines


def section(subject, data, runs):
    """The part of the page about a subject."""
    found = runs_of(subject, data, runs)
    whole = [*subject.networks, "heads"]
    log_p = told_by_another(subject, data, runs)
    planted = {(kind, rate): cell(subject, data, kind, rate, log_p, runs) for kind in KINDS for rate in RATES}
    return [
        f"## {subject.title}",
        "",
        f"{len(data):,} {subject.nouns} to train on, {len(data.held_out):,} held out, {data.num_classes} "
        f"classes. {TRIALS} trials of each network, {HEADS} of heads on `{subject.features}`.",
        "",
        *accuracy_table(found, data, whole, runs, subject),
        "",
        *matching_table(found, whole),
        "",
        "Average precision of `suspects` on planted labels, then how well `p_wrong` is calibrated; of "
        "cleanlab's two scores the better one:",
        "",
        *labels_table(planted),
        "",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trec", required=True)
    parser.add_argument("--fsdd", required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/beyond-pictures"))
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Beyond pictures",
        "",
        *__doc__.split("\n\n")[2].splitlines(),
        "",
        *__doc__.split("\n\n")[3].splitlines(),
        "",
    ]
    for subject in SUBJECTS:
        lines += section(subject, ez.load_dataset(getattr(options, subject.name)), options.runs)
    text = "\n".join([*lines, f"`python benchmarks/science/beyond_pictures.py`, {measured()}.", ""])
    print(text)
    if options.docs is not None:
        options.docs.write_text(text)


if __name__ == "__main__":
    main()
