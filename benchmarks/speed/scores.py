"""All of our scores against per-example Python, and the held-out ones against cleanlab, on the same numbers.

Logits of a generated run. Per-example Python is what people use for these scores: the calculator of the `aum`
package, and a script that goes through a dictionary of logits example by example, as the one published with
data maps (Swayamdipta et al. 2020) does. Ours begin from the same logits: statistics of every example, then
every score with its standard error.

    python benchmarks/speed/scores.py [--examples 10000] [--trials 10] [--epochs 20] [--rounds 5]
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from aum import AUMCalculator
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy.special import softmax

from easiness.records import KeptLogits, ObservationLog, Observations, example_statistics
from easiness.scoring import SCORES, find_score, score_columns
from easiness.scoring.held_out import margin_and_rival, off_the_diagonal

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin
from kit.rounds import in_turn, medians

NUM_CLASSES = 10
BLOCK = 1 << 14  # examples that our program scores at a time
BATCH = 128  # of a training loop, to which aum's calculator listens
OURS_BATCH = 1024  # of an evaluation pass
FEW = 1000  # examples of one trial for per-example Python, whose time is the same for each
FASTER = 20
FROM_LOGITS = "all three, from the logits of a trial"


def generated_logits(examples, trials, epochs, labels):
    """[trials, epochs, examples, classes]: the label's logit grows with the epochs, less where hard."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((trials, epochs, examples, NUM_CLASSES), np.float32)
    growth = np.linspace(0, 5, epochs, dtype=np.float32)[:, None] - rng.gamma(2, 1, examples).astype("f4")
    logits[:, :, np.arange(examples), labels] += growth
    return logits


def our_statistics(logits, labels):
    ids = np.arange(len(labels))
    batches = [ids[first : first + OURS_BATCH] for first in range(0, len(ids), OURS_BATCH)]
    for trial in logits:
        log = ObservationLog(ids, labels, NUM_CLASSES)
        for epoch in trial:
            for batch in batches:
                log.update(batch, epoch[batch])
            log.end_epoch()
        yield log.observations()


def with_aum(logits, labels):
    calculator = AUMCalculator("unused", compressed=True)
    ids = list(range(len(labels)))
    for epoch in torch.from_numpy(logits):
        for first in range(0, len(ids), BATCH):
            rows = slice(first, first + BATCH)
            calculator.update(epoch[rows], labels[rows], ids[rows])
    return np.array([calculator.sums[i] / calculator.counts[i] for i in ids])


def by_dictionary(dynamics):
    """Four scores by id and the mean loss by epoch, from {id: gold label and logits of every epoch}."""
    confidence, variability, correctness, forgetting = {}, {}, {}, {}
    logits, golds = defaultdict(list), defaultdict(list)
    for guid, seen in dynamics.items():
        of_gold, right = [], []
        for epoch, epoch_logits in enumerate(seen["logits"]):
            probabilities = torch.nn.functional.softmax(torch.tensor(epoch_logits), dim=-1)
            of_gold.append(float(probabilities[seen["gold"]]))
            right.append(int(np.argmax(epoch_logits) == seen["gold"]))
            logits[epoch].append(epoch_logits)
            golds[epoch].append(seen["gold"])
        confidence[guid] = np.mean(of_gold)
        variability[guid] = np.std(of_gold)
        correctness[guid] = sum(right)
        forgetting[guid] = sum(a > b for a, b in itertools.pairwise(right))
    criterion = torch.nn.CrossEntropyLoss()
    losses = {i: criterion(torch.tensor(logits[i]), torch.tensor(golds[i])).item() for i in logits}
    return confidence, variability, correctness, forgetting, losses


def against_python(report, examples, trials, epochs, rounds):
    labels = np.random.default_rng(1).integers(0, NUM_CLASSES, examples)
    logits = generated_logits(examples, trials, epochs, labels)
    few = min(examples, FEW)
    # lists of numbers, as they come out of the JSON files of the published script
    dynamics = {
        i: {"gold": int(labels[i]), "logits": logits[0, :, i].astype(np.float64).tolist()} for i in range(few)
    }
    as_tensor = torch.from_numpy(labels[:few])
    observed = []

    def observe():
        observed[:] = our_statistics(logits, labels)

    ways = {
        "statistics": observe,
        "scores": lambda: score_columns(observed, epochs),
        "aum": lambda: with_aum(logits[0, :, :few], as_tensor),
        "dictionary": lambda: by_dictionary(dynamics),
    }
    times, found = in_turn(ways, rounds)
    of_trial = score_columns(observed[:1], epochs)
    assert len(found["scores"]["aum"]) == examples
    np.testing.assert_allclose(found["aum"], of_trial["aum"][:few], rtol=1e-4, atol=1e-4)
    for name, values in zip(("confidence", "variability"), found["dictionary"], strict=False):
        np.testing.assert_allclose(list(values.values()), of_trial[name][:few], rtol=1e-4, atol=1e-6)

    times["both"] = list(map(sum, zip(times["statistics"], times["scores"], strict=True)))
    theirs = ("aum", "dictionary")
    cells = {name: epochs * (few if name in theirs else examples * trials) for name in times}
    each = {name: 1e9 * value / cells[name] for name, value in medians(times).items()}
    rows = [
        ("statistics", "ours: statistics of every example", "-"),
        ("scores", f"ours: all {len(SCORES)} scores with errors", "-"),
        ("both", "**ours: both**", len(SCORES)),
        ("aum", "aum's calculator", 1),
        ("dictionary", "dictionary of logits, example by example (cartography)", 4),
    ]
    over = {name: f"{value / each['both']:.1f}x" for name, value in each.items()}
    report.whole(
        "scores",
        ("what", "scores", "ns per example x trial x epoch", "over ours"),
        [(what, num, f"{each[name]:,.0f}", over[name]) for name, what, num in rows],
    )
    for name, whose in zip(theirs, ("aum's calculator", "a cartography script"), strict=True):
        what, met = f"all scores from logits, against {whose}", each[name] >= FASTER * each["both"]
        report.goal(f"scores-{name}", what, f"at least {FASTER}x faster", f"{over[name]} faster", met)


def recorded(logits, labels):
    seen = example_statistics(logits, labels)
    return Observations(
        labels=labels,
        num_classes=logits.shape[1],
        trained_on=np.zeros(len(labels), np.bool_),
        logits=KeptLogits(np.arange(len(labels)), logits[None]),
        **{name: values[None] for name, values in seen._asdict().items()},
    )


def held_out_work(labels, logits):
    """Name, our work and cleanlab's on the same out-of-sample probabilities [n, classes]."""
    p = softmax(logits.astype(np.float64), axis=1)
    narrow = p.astype(np.float32)  # the precision in which cleanlab is faster
    blocks = [recorded(logits[i : i + BLOCK], labels[i : i + BLOCK]) for i in range(0, len(labels), BLOCK)]

    def from_record(*scores):
        accumulators = [find_score(score).start(labels) for score in scores]
        for number, block in enumerate(blocks):
            block.__dict__.pop("p_label", None)  # computed once per record, and now anew
            for accumulator in accumulators:
                accumulator.add(block, 1, number * BLOCK)
        return [accumulator.result().value for accumulator in accumulators]

    def quality(method, probabilities=narrow):
        return get_label_quality_scores(labels, probabilities, method=method)

    def issues(probabilities=narrow):
        return find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)

    def from_logits():
        p = softmax(logits, axis=1)
        return quality("self_confidence", p), quality("normalized_margin", p), issues(p)

    every = ("self_confidence", "normalized_margin", "confident_learning_flag")
    ours = {
        "self_confidence": lambda: from_record("self_confidence")[0],
        "normalized_margin": lambda: (margin_and_rival(p, labels)[0] + 1) / 2,
    }
    for name, own in ours.items():
        yield name, own, partial(quality, name)
    yield "confident_learning_flag", lambda: off_the_diagonal(p, labels), issues
    yield FROM_LOGITS, lambda: from_record(*every), from_logits


def agree(name, ours, theirs, as_labelled):
    """Numbers are the same but for rounding, flags but for one in a thousand.

    cleanlab's filter flags no example that is predicted ``as_labelled``; those are left out here. Other
    differences, and how many on other data: benchmarks/science/flags.py.
    """
    if name == "confident_learning_flag":
        assert not theirs[as_labelled].any()
        assert (ours != theirs)[~as_labelled].mean() <= 1e-3
    elif name != FROM_LOGITS:
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def against_cleanlab(report, examples, rounds):
    rows, ratios = [], {}
    for num_classes in (10, 100):
        rng = np.random.default_rng(2)
        labels = rng.integers(0, num_classes, examples)
        logits = rng.standard_normal((examples, num_classes), np.float32)
        logits[np.arange(examples), labels] += 2
        ways = held_out_work(labels, logits)
        work = {(name, side): one for name, *both in ways for side, one in enumerate(both)}
        times, found = in_turn(work, rounds)
        spent = medians(times)
        for name in dict.fromkeys(name for name, _ in work):
            agree(name, found[name, 0], found[name, 1], logits.argmax(axis=1) == labels)
            mine, other = spent[name, 0], spent[name, 1]
            if name != FROM_LOGITS:
                ratios[f"{name}, {num_classes} classes"] = mine / other
            rows.append((name, num_classes, f"{mine * 1e3:.1f}", f"{other * 1e3:.1f}", f"{mine / other:.2f}"))
    report.whole("scores-cleanlab", ("score", "classes", "ours ms", "cleanlab ms", "ours / cleanlab"), rows)
    report.say(
        f"From the logits of a trial all three held-out scores of {rows[-1][1]} classes take {rows[-1][4]} "
        "times as long as cleanlab's: ours are summed over trials, with standard errors.",
        "",
    )
    worst = max(ratios, key=ratios.get)
    report.goal(
        "scores-cleanlab",
        "held-out scores against cleanlab, from probabilities",
        "at most 1.0x its time",
        f"at most {ratios[worst]:.2f}x ({worst})",
        ratios[worst] <= 1.0,
    )


def main():
    sizes = {"examples": 10_000, "trials": 10, "epochs": 20, "rounds": 5, "held_out": 50_000}
    options, report = begin(__doc__, "Scores, against per-example Python and against cleanlab", **sizes)
    against_python(report, options.examples, options.trials, options.epochs, options.rounds)
    against_cleanlab(report, options.held_out, options.rounds)
    report.write(options.json)


if __name__ == "__main__":
    main()
