"""Do different networks find the same sentences, and the same spoken digits, easy and hard?

    python benchmarks/science/beyond_pictures.py --trec FOLDER --fsdd FOLDER --docs FILE.md

Two networks that learn from nothing and heads on features are compared as the paper compares networks on
pictures. Networks are judged on all that they were trained on, heads on the examples that they were not
shown. Then labels are made wrong, and `suspects` is asked by networks, by heads and by both together.

Finished runs are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from feature_labels import judged, made_wrong

import easiness as ez
from kit.machine import measured
from kit.pages import head, markdown, write_page

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
    trained = any(not run.shares for run in pair)
    return ez.compare(pair, at=epoch if trained else None, ties=TIES)


def agreement(cell):
    """The agreement with its interval, or a dash where a ceiling is too near to chance to tell."""
    if np.isnan(cell.agreement):
        return "–"
    return f"{cell.agreement:.2f} ({cell.agreement_low:.2f} to {cell.agreement_high:.2f})"


MATCHING = (
    "data", "networks", "after", "side", "ties", "tie mass of each", "ceilings", "rate", "chance",
    "agreement (95 %)",
)  # fmt: skip


def matching(subject, found, names):
    """A row for each pair, epoch, side and rule for ties."""
    for a, b in combinations(names, 2):
        heads = " and 80 %" if found[a].shares or found[b].shares else ""
        for epoch in EPOCHS:
            result = compared((found[a], found[b]), epoch)
            for side, ties in product(("easy", "hard"), TIES):
                cell = result.cell(0, 1, side, ties)
                ceilings = " / ".join(f"{result.cell(at, at, side, ties).groups.rate:.2f}" for at in (0, 1))
                masses = " / ".join(f"{one.tie_mass[side]:.2f}" for one in result.resolution)
                rates = (f"{cell.groups.rate:.2f}", f"{cell.groups.chance:.2f}", agreement(cell))
                where = (subject.title, f"{a} and {b}", f"{epoch} epochs{heads}", side, ties)
                yield *where, masses, ceilings, *rates


ACCURACY = ("data", "network", "held-out accuracy", "lowest and highest", "processor s")


def accuracies(subject, found, data, runs):
    """Accuracy on the held-out split: the mean over trials and the range, and what one training takes."""
    for name, run in found.items():
        last = run.resolve_epoch(None, None)
        right = [trial.accuracy(last)["held_out"] for trial in run.trials]
        ends = f"{min(right):.3f}, {max(right):.3f}"
        yield (
            subject.title,
            name,
            f"{np.mean(right):.3f}",
            ends,
            f"{seconds_of(data, name, runs, subject):.0f}",
        )


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


OURS, THEIRS = ("networks", "heads", "both"), ("cleanlab, networks", "cleanlab, heads")
LABELS = (
    "data", "labels", "wrong", *OURS, *THEIRS, "calibration error (networks / heads / both)",
    "expected share (networks / heads / both)",
)  # fmt: skip


def labels(subject, found):
    """Average precision of `suspects` on planted labels; of cleanlab's two scores the better one."""
    for (kind, rate), one in found.items():
        aps = [f"{one[name]['ap']:.3f}" for name in OURS]
        aps += [f"{max(score['ap'] for score in one[name].values()):.3f}" for name in THEIRS]
        errors = " / ".join(f"{one[name]['error']:.3f}" for name in OURS)
        shares = " / ".join(f"{one['wrong'] + one[name]['share']:.1%}" for name in OURS)
        yield subject.title, f"{kind} {rate:.0%}", f"{one['wrong']:.1%}", *aps, errors, shares


def tables_of(subject, data, runs):
    """The rows of the three tables about a subject."""
    found = runs_of(subject, data, runs)
    log_p = told_by_another(subject, data, runs)
    planted = {(kind, rate): cell(subject, data, kind, rate, log_p, runs) for kind in KINDS for rate in RATES}
    rows = (
        accuracies(subject, found, data, runs),
        matching(subject, found, list(found)),
        labels(subject, planted),
    )
    return tuple(map(list, rows))


def page(top, matched, planted):
    """The page, of the rows of two of the tables."""
    last = [row for row in matched if row[2].startswith(f"{EPOCHS[-1]} ") and row[4] == TIES[-1]]
    pairs = {}
    for row in last:
        pairs.setdefault(row[:2], []).append(row[-1])
    agreed = [(*pair, *sides) for pair, sides in pairs.items()]
    found = [(*row[:2], *row[3:8]) for row in planted]
    return f"""\
{top}
Do different networks find the same texts (TREC questions) and the same sounds (spoken digits, FSDD) easy and
hard? Two networks and heads on features were compared on each, with {TRIALS} trials ({HEADS} of heads).

**Yes, but less for sounds, and less for what is easy.** Agreement of the easiest and the hardest tenth after
{EPOCHS[-1]} epochs (95 %; chance is 0.10):

{markdown(("data", "networks", "easy", "hard"), agreed)}

Ties are broken by `refine`.

## Wrong labels

Labels were made wrong: any other class (uniform), or as another network would confuse them. Average precision
of `suspects`, and of cleanlab's better score on the same probabilities:

{markdown((*LABELS[:2], *LABELS[3:8]), found)}

- Ask **networks and heads together**: the best of ours, or near it.
- On heads cleanlab is better at uniform errors of TREC.
- **`p_wrong` is too low for confusable labels of TREC**: 5.1 to 6.1 % expected, 20.3 % wrong.
"""


TITLE = "Beyond pictures"
COMMAND = "python benchmarks/science/beyond_pictures.py --trec FOLDER --fsdd FOLDER --docs FILE.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trec", required=True)
    parser.add_argument("--fsdd", required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/beyond-pictures"))
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    of_each = [tables_of(one, ez.load_dataset(getattr(options, one.name)), options.runs) for one in SUBJECTS]
    accuracy, matched, planted = (list(chain(*rows)) for rows in zip(*of_each, strict=True))
    text = page(head(TITLE, COMMAND, measured()), matched, planted)
    print(text)
    if options.docs is not None:
        tables = {"accuracy": (ACCURACY, accuracy), "labels": (LABELS, planted)}
        write_page(options.docs, text, tables | {"matching": (MATCHING, matched)})


if __name__ == "__main__":
    main()
