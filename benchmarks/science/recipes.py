"""Which recipe finds what longer trainings of other networks find, in the same core time?

Every way to train (recipe, network, epochs) is judged by the rank correlation of its scores with a reference
made by other trials, which are of two architectures, longer, and have not
seen the example (the consistency of Jiang et al., arXiv 2002.03206). Where there are enough other examples of
the same kind they learn from a share of those alone; else from half of the examples each, and tell of the
other half. Runs are kept in `--runs`: it goes on where it was stopped.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from easiness import load_dataset, measure
from easiness.data.dataset import balanced_subset
from easiness.show import EASY, HARD, Curve, curves, picture_bytes

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import part, table
from kit.results import measured
from kit.science import ALONE, PAIRED, options, publish

PLAIN = {"precision": "float32", "keep_weights": False}
SHORT = {"period": "epochs", "alpha": 0.003, "translation": 0.0}


@dataclass(frozen=True)
class Way:
    """A recipe, network and length to be judged, and how often it is trained."""

    recipe: dict[str, Any]
    model: str
    epochs: int
    trials: int = 1


@dataclass(frozen=True)
class Reference:
    """Trials of one architecture that make a part of the reference.

    They learn from a ``share`` of ``others``, so many examples that are not judged, or of those judged.
    """

    model: str
    epochs: int
    trials: int
    share: float = 0.5
    others: int | None = None


@dataclass(frozen=True)
class Subject:
    """Examples, the trials that make their reference, and the ways to be judged by it."""

    source: str
    limit: int | None
    references: tuple[Reference, ...]
    ways: dict[str, Way] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)  # of every recipe


CIFAR10 = (
    Reference("wrn_16_1", 20, 5, others=10_000),
    Reference("recipes:plain", 12, 2, share=0.25, others=40_000),
)
SUBJECTS = {
    "cifar10": Subject(
        "cifar10",
        10_000,
        CIFAR10,
        {"short": Way(SHORT, "wrn_16_1", 10, 4), "paper": Way({}, "wrn_16_1", 10, 2)},
    ),
    # a part of the examples above, so that the reference serves both
    "cifar10 half": Subject(
        "cifar10",
        5_000,
        CIFAR10,
        {
            "short": Way(SHORT, "wrn_16_1", 10),
            "paper": Way({}, "wrn_16_1", 10),
            "step size 0.01": Way({**SHORT, "alpha": 0.01}, "wrn_16_1", 10),
            "translation 2": Way({**SHORT, "translation": 0.0625}, "wrn_16_1", 10),
            "translation 4": Way({**SHORT, "translation": 0.125}, "wrn_16_1", 10),
            "no augmentation": Way({**SHORT, "flip": 0.0}, "wrn_16_1", 10),
            "label smoothing 0.1": Way({**SHORT, "label_smoothing": 0.1}, "wrn_16_1", 10),
            "batch size 64": Way({**SHORT, "batch_size": 64}, "wrn_16_1", 10),
            "batch size 256": Way({**SHORT, "batch_size": 256}, "wrn_16_1", 10),
            # at about the same core time
            "twice, half as long": Way(SHORT, "wrn_16_1", 5, 2),
            "width 2": Way(SHORT, "wrn_16_2", 4),
            "depth 10": Way(SHORT, "wrn_10_1", 20),
        },
    ),
    "imagenette224": Subject(
        "imagenette224",
        None,
        (Reference("wrn_10_1", 20, 4), Reference("densenet_bc_10_8", 20, 4)),
        {
            "short": Way({**SHORT, "crop_scale": 0.35}, "wrn_10_1", 10, 3),
            "paper": Way({}, "wrn_10_1", 10, 3),
        },
        {"crop": 64},
    ),
    "digits": Subject(
        "digits",
        None,
        (Reference("wrn_10_1", 20, 6), Reference("mlp_3", 20, 6)),
        {"short": Way(SHORT, "wrn_10_1", 10, 10), "paper": Way({}, "wrn_10_1", 10, 10)},
    ),
}


def judged(subject, source):
    """The examples to be judged, without a held-out split, and the whole data set that they are from."""
    full = replace(load_dataset(source), held_out=None)
    return (full if subject.limit is None else full.limit(subject.limit)), full


STAGES = ((32,), (64, 64), (128, 128), (256,))  # widths of the convolutions at each size


def plain(input_shape, num_classes):
    """A network of another family than those judged, for the reference: no shortcuts.

    3x3 convolutions with batch normalization and ReLU, halved by maxima between stages.
    """
    layers: list[nn.Module] = []
    channels = input_shape[0]
    for at, widths in enumerate(STAGES):
        layers += [nn.MaxPool2d(2)] if at else []
        for width in widths:
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


def reference_runs(name, source, folder):
    subject = SUBJECTS[name]
    return {
        one.model: measure(
            seen_by(one, subject, source),
            model=one.model,
            epochs=one.epochs,
            trials=one.trials,
            train_share=one.share,
            recipe={"period": one.epochs, "alpha": 0.003, **subject.changes},
            observe="last",
            out=folder / one.model.rpartition(":")[2],
            **PLAIN,
            **PAIRED,
        )
        for one in subject.references
    }


def seen_by(one, subject, source):
    """The examples for a part of the reference; those judged are held out where it learns from others."""
    data, full = judged(subject, source)
    if one.others is None:
        return data
    # at one seed a smaller subset is part of a larger one: these serve every subject of the source
    largest = max(other.limit for other in SUBJECTS.values() if other.source == subject.source)
    held = full.limit(largest)
    rest = full._take(np.flatnonzero(~np.isin(full.ids, held.ids)))
    rest = rest._take(balanced_subset(rest.labels, one.others, 0))
    return replace(rest, source=None, held_out=replace(held, split="test", source=None, limited_to=None))


def way_run(name, way_name, source, folder):
    subject, out = SUBJECTS[name], folder / way_name.replace(" ", "-")
    way = subject.ways[way_name]
    how = {"model": way.model, "epochs": way.epochs, "trials": way.trials, "compile": "off"}
    recipe = {**way.recipe, **subject.changes}
    return measure(judged(subject, source)[0], **how, recipe=recipe, out=out, **PLAIN, **ALONE)


COLORS = {"short": EASY, "paper": HARD}
MARKERS = {"easiness": "o", "confidence": "s", "loss": "D"}
SHOWN = ("cifar10", "imagenette224", "digits")


def draw(results):
    """The figure as SVG: ``paper`` and ``short`` with one trial, two, and so on, by each score."""
    panels = {}
    for name in (one for one in SHOWN if one in results):
        own, rows = results[name]
        panel = panels[f"{name}, {len(rows[0][1].ids):,} examples"] = []
        for way, _, found, minutes in rows:
            for score, values in found.items() if way in COLORS else ():
                x = minutes * np.arange(1, len(values) + 1)
                panel.append(Curve(x, values, f"{way}, {score}", COLORS[way], MARKERS[score]))
        ends = [0, max(curve.x[-1] for curve in panel)]
        panel += [Curve(ends, [part * own] * 2, marker="", line=":") for part in (1, GOAL)]
    x, y = "core minutes", "rank correlation with the reference"
    figure = curves(panels, (3.3 * len(panels), 3.6), x=x, y=y, columns=len(SCORES))
    return picture_bytes(figure, ".svg")


GOAL, MINUTES, CORES = 0.85, 15, 2
SUBSETS = 20  # choices of so many trials
SPLITS = 20  # of the reference's trials in halves
SCORES = ("easiness", "confidence", "loss")  # of the last epoch, but for the mean confidence


def left_out(run, ids):
    """Probability of the label to the trials [trials, examples] that have not seen the example, else NaN."""
    rows = []
    for trial in run.trials:
        probe = "held_out" if run.spec.data.held_out is not None else "train"
        seen = trial.columns(run.epochs, ["id", "loss", "trained_on"], probe)
        p_label = np.exp(-seen["loss"].astype(float))
        p_label[seen["trained_on"].astype(bool)] = np.nan
        at = {example: row for row, example in enumerate(seen["id"].tolist())}
        rows.append(p_label[[at[example] for example in ids.tolist()]])
    return np.stack(rows)


def mean_of(networks, rows):
    """The reference from the trials at `rows` of each network: the mean of their means.

    NaN for an example that all trials of one of them have seen.
    """
    masked = [np.ma.masked_invalid(one[some]).mean(axis=0) for one, some in zip(networks, rows, strict=True)]
    return np.mean([np.ma.filled(one, np.nan) for one in masked], axis=0)


def make_reference(runs, ids):
    """The consistency of each example, and its correlation between halves of the trials."""
    networks = [left_out(run, ids) for run in runs.values()]
    correlations = []
    for seed in range(SPLITS):
        random = np.random.default_rng(seed)
        orders = [random.permutation(len(one)) for one in networks]
        halves = [mean_of(networks, [order[part::2] for order in orders]) for part in (0, 1)]
        known = np.isfinite(halves[0]) & np.isfinite(halves[1])
        correlations.append(spearmanr(halves[0][known], halves[1][known]).statistic)
    return mean_of(networks, [slice(None)] * len(networks)), float(np.mean(correlations))


def correlations(run, reference):
    """By score, the mean rank correlation of 1, 2, ... trials with the reference; high means easy."""
    p_label = np.stack([run.votes(epoch).p_label for epoch in run.observed])
    last = run.votes(run.epochs)
    known = np.isfinite(reference)
    by_trial = {
        "easiness": last.correct.astype(float),
        "confidence": p_label.mean(axis=0),
        "loss": np.log(np.maximum(last.p_label, 1e-300)),
    }
    found = {name: [] for name in SCORES}
    for size in range(1, len(run.trials) + 1):
        chosen = list(itertools.combinations(range(len(run.trials)), size))
        if len(chosen) > SUBSETS:
            random = np.random.default_rng(size)
            chosen = [chosen[at] for at in random.choice(len(chosen), SUBSETS, replace=False)]
        for name, values in by_trial.items():
            means = [values[list(rows)].mean(axis=0) for rows in chosen]
            # one that is right in all is no rank
            ranks = [
                spearmanr(mean[known], reference[known]).statistic if np.ptp(mean[known]) else np.nan
                for mean in means
            ]
            found[name].append(float(np.mean(ranks)))
    return found


def judge(name, source, folder):
    """The reference's own correlation, and rows (way, run, correlations, minutes a trial) of a subject."""
    subject = SUBJECTS[name]
    data, _ = judged(subject, source)
    shared = folder / "reference" / subject.source
    reference, own = make_reference(reference_runs(name, source, shared), data.ids)
    runs, rows = {way: way_run(name, way, source, folder / name) for way in subject.ways}, []
    for way, run in runs.items():
        seconds = statistics.median(trial.document.ran["seconds"] for trial in run.trials)
        minutes = seconds * run.spec.resolved.threads / 60  # of a core
        rows.append((way, run, correlations(run, reference), minutes))
    return own, rows


WAYS = {
    "data": "{name}",
    "way": "{way}",
    "network": "{run.model}",
    "epochs": "{run.epochs}",
    "trials": "{num}",
    "core minutes": "{minutes:.1f}",
    **{score: f"{{{score}}}" for score in SCORES},
    "best over the reference's own": "{best:.2f}",
}


def ways(name, own, rows):
    for way, run, found, minutes in rows:
        for num in dict.fromkeys((1, len(run.trials))):
            values = {score: found[score][num - 1] for score in SCORES}
            one = {key: "all right" if np.isnan(value) else f"{value:.3f}" for key, value in values.items()}
            one |= {"name": name, "way": way, "run": run, "num": num, "minutes": num * minutes}
            yield one | {"best": np.nanmax([*values.values()]) / own}


def within_the_time(own, rows):
    _, run, found, minutes = next(row for row in rows if row[0] == "short")
    num = min(len(run.trials), int(MINUTES * CORES / minutes))
    score = max(SCORES, key=lambda one: found[one][num - 1])
    share = found[score][num - 1] / own
    verdict = "met" if share >= GOAL else "**missed**"
    return (
        f"{num} trials of `short` ({num * minutes:.0f} core minutes) fit into {MINUTES} minutes on "
        f"{CORES} cores. "
        f"Their {score} reaches {found[score][num - 1]:.3f}, which is {share:.2f} of the reference's own "
        f"{own:.3f} (goal {GOAL}: {verdict})."
    )


REFERENCES = ("data", "examples", "the reference", "halves correlate", "in the time", "measured")


def reference(name, own, rows):
    subject, run = SUBJECTS[name], rows[0][1]
    parts = [
        f"{one.trials} trials of {one.model.rpartition(':')[2]}, {one.epochs} epochs on {one.share:.0%} of "
        + (f"{one.others:,} other examples" if one.others else "the examples")
        for one in subject.references
    ]
    time = within_the_time(own, rows) if name == "cifar10" else ""
    made = f"{measured()}, PyTorch {torch.__version__}"
    return name, f"{len(run.ids):,}", "; ".join(parts), f"{own:.3f}", time, made


def main():
    asked = options(__doc__, "--cifar10", "--imagenette", runs="recipes")
    sources = {"cifar10": str(asked.cifar10), "imagenette224": str(asked.imagenette), "digits": "digits"}
    results = {name: judge(name, sources[one.source], asked.runs) for name, one in SUBJECTS.items()}
    whole = table(WAYS, [row for name, one in results.items() for row in ways(name, *one)])
    references = [reference(name, *one) for name, one in results.items()]
    tables = {"ways": whole, "references": (REFERENCES, references)}
    one = [row for row in whole[1] if row[1] in ("short", "paper") and row[4] == "1"]
    shown = part(WAYS, one, [whole[0][at] for at in (0, 1, 5, 7, 9)])
    made, figure = "\n".join(dict.fromkeys(row[-1] for row in references)), draw(results)
    publish(asked.docs, "recipes", tables, shown, made=made, figure=figure)


if __name__ == "__main__":
    main()
