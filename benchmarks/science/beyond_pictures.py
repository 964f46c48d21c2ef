"""Do different networks find the same sentences, and the same spoken digits, easy and hard?

Two networks that learn from nothing and heads on features are compared as the paper compares networks on
pictures. Networks are judged on all that they were trained on, heads on the examples that they were not
shown. Then labels are made wrong, and `suspects` is asked by networks, by heads and by both together.

Finished runs are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import easiness as ez
from easiness.show import with_interval
from kit.pages import part
from kit.science import kept, options, publish
from science.feature_labels import by_cleanlab, judged, made_wrong
from science.wrong_labels_runs import confusing

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
    networks: tuple[str, str]
    features: str
    confuses: str
    judge: str


SUBJECTS = (
    Subject("trec", "TREC", ("bag", "text_cnn"), "hashed", "text_cnn", "bag"),
    Subject("fsdd", "FSDD", ("mlp_3", "wrn_10_1"), "logmel", "wrn_10_1", "mlp_3"),
)


def measure(data, out, **settings):
    return ez.measure(data, out=out, jobs=1, executor="serial", progress=False, **settings)


def runs_of(subject, data, runs):
    found = {}
    for network in subject.networks:
        settings = {"model": network, "trials": TRIALS, "epochs": EPOCHS[-1]}
        found[network] = measure(data, runs / f"{subject.name}-{network}", **settings)
    found["heads"] = measure(
        data, runs / f"{subject.name}-heads", features=[subject.features], model="ridge", trials=HEADS
    )
    return found


def agreement(cell):
    """The agreement with its interval, or a dash where a ceiling is too near to chance to tell."""
    return with_interval(cell.agreement.rate, cell.agreement.low, cell.agreement.high) or "–"


MATCHING = (
    "data", "networks", "after", "side", "ties", "tie mass of each", "ceilings", "rate", "chance",
    "agreement (95 %)",
)  # fmt: skip


def matching(subject, found, names):
    for a, b in combinations(names, 2):
        heads = " and 80 %" if found[a].shares or found[b].shares else ""
        for epoch in EPOCHS:
            pair = found[a], found[b]
            trained = any(not run.shares for run in pair)
            result = ez.compare(pair, at=epoch if trained else None, ties=TIES)
            for side, ties in product(("easy", "hard"), TIES):
                cell = result.cell(0, 1, side, ties)
                ceilings = " / ".join(f"{result.cell(at, at, side, ties).groups.rate:.2f}" for at in (0, 1))
                masses = " / ".join(f"{one['tie_mass'][side]:.2f}" for one in result.resolution)
                rates = (f"{cell.groups.rate:.2f}", f"{cell.groups.chance:.2f}", agreement(cell))
                where = (subject.title, f"{a} and {b}", f"{epoch} epochs{heads}", side, ties)
                yield *where, masses, ceilings, *rates


def cell(subject, data, kind, rate, log_p, runs):
    labels = made_wrong(data.labels, kind, rate, log_p, seed=7)
    wrong = labels != data.labels
    planted = replace(data, labels=labels, true_labels=labels, held_out=None, source=None)
    folder = runs / f"{subject.name}-{kind}-{rate:g}"
    how = {"model": subject.judge, "trials": PLANTED, "epochs": EPOCHS[-1], "train_share": SHARE}
    networks = measure(planted, folder / "networks", **how, keep_logits=True)
    heads = measure(planted, folder / "heads", features=[subject.features], model="ridge", trials=HEADS)
    found = {"wrong": float(wrong.mean())}
    for name, asked in (("networks", networks), ("heads", heads), ("both", [heads, networks])):
        ranked = ez.suspects(asked, pictures=False, progress=False).ranked
        ranked["rank"] = np.arange(len(ranked))
        ranked = ranked.set_index("id").loc[data.ids.tolist()]
        found[name] = judged(wrong, -ranked["rank"].to_numpy(), ranked["p_wrong"].to_numpy())
    found["cleanlab, networks"] = by_cleanlab(labels, networks.probabilities(left_out=True), wrong)
    found["cleanlab, heads"] = by_cleanlab(labels, heads.probabilities(left_out=True), wrong)
    print(subject.name, kind, rate, {k: found[k] for k in ("networks", "heads", "both")}, flush=True)
    return found


OURS, THEIRS = ("networks", "heads", "both"), ("cleanlab, networks", "cleanlab, heads")
LABELS = (
    "data", "labels", "wrong", *OURS, *THEIRS, "calibration error (networks / heads / both)",
    "expected share (networks / heads / both)",
)  # fmt: skip


def labels(subject, found):
    for (kind, rate), one in found.items():
        aps = [f"{one[name]['ap']:.3f}" for name in OURS]
        aps += [f"{max(score['ap'] for score in one[name].values()):.3f}" for name in THEIRS]
        errors = " / ".join(f"{one[name]['error']:.3f}" for name in OURS)
        shares = " / ".join(f"{one['wrong'] + one[name]['share']:.1%}" for name in OURS)
        yield subject.title, f"{kind} {rate:.0%}", f"{one['wrong']:.1%}", *aps, errors, shares


def tables_of(subject, data, runs):
    found = runs_of(subject, data, runs)
    log_p = confusing(subject, data, None, runs)
    planted = {
        (kind, rate): kept(
            runs / f"{subject.name}-{kind}-{rate:g}.json", cell, subject, data, kind, rate, log_p, runs
        )
        for kind, rate in product(KINDS, RATES)
    }
    return list(matching(subject, found, list(found))), list(labels(subject, planted))


def main():
    asked = options(__doc__, "--trec", "--fsdd", runs="beyond-pictures")
    of_each = [tables_of(one, ez.load_dataset(getattr(asked, one.name)), asked.runs) for one in SUBJECTS]
    matched, planted = (list(chain(*rows)) for rows in zip(*of_each, strict=True))
    pairs = {}
    for row in matched:
        if row[2].startswith(f"{EPOCHS[-1]} ") and row[4] == TIES[-1]:
            pairs.setdefault(row[:2], []).append(row[-1])
    agreed = [(*pair, *sides) for pair, sides in pairs.items()]
    some = part(LABELS, planted, (*LABELS[:2], *LABELS[3:8]))
    tables = {"labels": (LABELS, planted), "matching": (MATCHING, matched)}
    sides = ("data", "networks", "easy", "hard")
    publish(asked.docs, "beyond-pictures", tables, (sides, agreed), some)


if __name__ == "__main__":
    main()
