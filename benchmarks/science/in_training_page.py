"""The page of `in_training.py`: gains over uniform sampling, their intervals, and what these are worth.

A gain is the mean difference of accuracies of trainings with the same seed, with an interval over seeds and
test examples (`paired_gain`). Intervals are so wide that with 95 % all gains of the page lie in theirs
(Bonferroni): what leaves 0 out is better or worse by chance in one of twenty such pages at the most.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from easiness.analysis import paired_gain
from easiness.show.svg import EASY, FONT_SIZE, INK, picture_bytes, quiet
from kit.science import publish
from science.in_training_policies import CLEANED, LABELS, POLICIES, UNIFORM

OTHERS = [policy for policy in POLICIES if policy is not UNIFORM]
FAMILY = len(OTHERS) * len(LABELS)  # gains that the page tells
LEVEL = 1 - 0.05 / FAMILY

SHAPES = {  # of the world that is simulated: what is drawn for each training, on the scale of log odds
    "normally": lambda rng, size: 0.15 * rng.standard_normal(size),
    "with heavy tails (t, 2 degrees of freedom)": lambda rng, size: 0.1 * rng.standard_t(2, size),
    "one in 20 fails": lambda rng, size: 0.1 * rng.standard_normal(size) - (rng.random(size) < 0.05),
    "hardly at all": lambda rng, size: 0.01 * rng.standard_normal(size),
}
PLANTED = (0.0, 0.3)  # log odds that every policy gains
TESTED = 500  # test examples of a simulated page


def gain(results, labels, policy, part=slice(None), *, beside=UNIFORM, level=LEVEL):
    """The gain of a policy over uniform sampling or another, on a part of the test examples."""
    ours, theirs = (
        [one[labels, name]["right"][part] for one in results] for name in (policy.name, beside.name)
    )
    return paired_gain(np.array(theirs), np.array(ours), level)


def verdict(one):
    if not one.shown:
        return "undecided"
    return "better" if one.value > 0 else "worse"


def simulated(seeds, replicates):
    """By shape and gain planted: the true gain, how often all intervals of a page hold it, and gains told."""
    rows = []
    for shape, of_trainings in SHAPES.items():
        for planted in PLANTED:
            rng = np.random.default_rng(29)
            true = _true_gain(rng, of_trainings, planted)
            pages = [_page(rng, of_trainings, planted, seeds) for _ in range(replicates)]
            held = np.mean(
                [all(one.interval[0] <= true <= one.interval[1] for one in page) for page in pages]
            )
            told = np.mean([[one.shown for one in page] for page in pages])
            rows.append((shape, true, float(held), float(told)))
    return {"seeds": seeds, "replicates": replicates, "rows": rows}


def _odds(rng, tested):
    """Log odds that uniform sampling and one policy are right about each test example [2, 1, n]."""
    ease = np.where(rng.random(tested) < 0.5, 4.0, rng.normal(0, 1.5, tested))  # many are always right
    return ease + rng.normal(0, 0.5, (2, 1, tested))  # and what a policy makes of an example


def _true_gain(rng, of_trainings, planted):
    """The gain over all examples and trainings that there might be."""
    odds = _odds(rng, 1_000_000)[0, 0] + of_trainings(rng, 1_000_000)
    return float((expit(odds + planted) - expit(odds)).mean())


def _page(rng, of_trainings, planted, seeds):
    gains = []
    for _ in range(FAMILY):
        odds = _odds(rng, TESTED) + of_trainings(rng, (2, seeds, 1)) + np.array([0, planted])[:, None, None]
        theirs, ours = rng.random(odds.shape) < expit(odds)
        gains.append(paired_gain(theirs, ours, LEVEL))
    return gains


def points(value, sign="+"):
    return f"{100 * value:{sign}.1f}"


def write(docs, results, easiness, known_truth):
    """The page, of the seeds that are whole: without results where they are fewer than two."""
    rows = [(shape, points(v), f"{held:.1%}", f"{told:.1%}") for shape, v, held, told in known_truth["rows"]]
    truths = ("trainings differ", "true gain", "pages whose intervals hold all", "gains told")
    if len(results) < 2:
        print("No two seeds are whole yet, and nothing is known.")
        return
    hard = easiness["clean"]["harder_half_of_test"]
    policies = [row(results, labels, policy, hard) for labels in LABELS for policy in POLICIES]
    found = easiness["wrong"]["wrong_in_hardest_fifth"]
    print(f"{len(results)} seeds. Of the wrong labels {found:.0%} are among the hardest fifth.")
    print(*of_cleaned(results), sep="\n")
    shown = [[one[at] for at in SHOWN] for one in policies if one[6] in ("", "better")]
    made = "\n".join(sorted({cell["measured"] for one in results for cell in one.values()}))
    tables = {"policies": (HEADER, policies), "known-truth": (truths, rows)}
    some = ([HEADER[at] for at in SHOWN], shown)
    publish(docs, "in-training", tables, some, made=made, figure=draw(results))


HEADER = (
    "labels", "policy", "what it does", "from", "accuracy, %", "beyond uniform", "verdict", "harder half, %",
    "beyond uniform, harder half", "forward",
)  # fmt: skip
SHOWN = (0, 1, 4, 5, 6)  # columns on the page


def of_cleaned(results):
    """The gain of cleaned labels, over the seeds that have them, in a sentence."""
    some = [one for one in results if ("wrong", CLEANED.name) in one]
    if len(some) < 2:
        return
    right = np.mean([one["wrong", CLEANED.name]["right"] for one in some])
    first = next(policy for policy in OTHERS if policy.first == "easy")
    over, ahead = (gain(some, "wrong", CLEANED, beside=other, level=0.95) for other in (UNIFORM, first))
    yield (
        f"- Added later, on wrong labels ({len(some)} seeds): uniform sampling of what "
        f"`easiness labels RUN --drop-above 0.5` leaves is right on {points(right, '')} %, {within(over)} "
        f"beyond all labels and {within(ahead)} "
        f"beyond *{first.name}* (95 % each)."
    )


def row(results, labels, policy, hard):
    cells = [one[labels, policy.name] for one in results]
    right = np.array([cell["right"] for cell in cells])
    forward = cells[0]["forward"] / results[0][labels, UNIFORM.name]["forward"]
    spread = f" ± {points(right.mean(axis=1).std(ddof=1), '')}"
    told = [f"{points(right.mean(), '')}{spread}", "", ""]
    harder = [points(right[:, hard].mean(), ""), ""]
    if policy is not UNIFORM:
        whole, part = gain(results, labels, policy), gain(results, labels, policy, hard)
        told[1:] = within(whole), verdict(whole)
        harder[1] = within(part)
    return (
        name_of(LABELS[labels]),
        policy.name,
        policy.text,
        policy.source,
        *told,
        *harder,
        f"{forward:.0f}",
    )


def within(one):
    return f"{points(one.value)} ({points(one.interval[0])} to {points(one.interval[1])})"


def name_of(share):
    return "Clean labels" if share == 0 else f"{share:.0%} wrong labels"


def draw(results):
    """Gains with their intervals as SVG, a panel for each kind of labels; filled marks leave 0 out."""
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    for axes, (labels, share) in zip(
        figure.subplots(1, len(LABELS), sharey=True), LABELS.items(), strict=True
    ):
        quiet(axes)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        for at, policy in enumerate(OTHERS):
            one = gain(results, labels, policy)
            axes.plot(100 * np.array(one.interval), [at, at], color=EASY, linewidth=1)
            face = EASY if one.shown else "white"
            axes.plot(100 * one.value, at, "o", color=EASY, markersize=4, markerfacecolor=face)
        axes.set_title(name_of(share), color=INK, fontsize=FONT_SIZE + 1, loc="left")
        axes.set_yticks(range(len(OTHERS)), [policy.name for policy in OTHERS])
        axes.set_ylim(len(OTHERS) - 0.5, -0.5)
        axes.set_xlabel("accuracy beyond uniform sampling, points")
    return picture_bytes(figure, ".svg")
