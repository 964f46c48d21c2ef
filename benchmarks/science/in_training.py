"""Does it pay to train on easy or on hard examples first, or more? Policies against uniform sampling.

Each policy trains from the same initial weights at a seed, as many steps, on clean labels and on labels of
which a fifth is wrong, and is tested on clean ones that nothing was chosen by. Results are kept in `--runs`,
one file a training, seed after seed: it goes on where it was stopped, and every seed that is whole is on the
page. `--seeds 0` trains nothing more and writes the page of what there is. Three to four hours on a core.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit

import easiness as ez
from easiness.analysis import paired_gain
from easiness.models import build_model
from easiness.show import EASY, HARD, dots_with_intervals, picture_bytes, with_interval
from easiness.spec import RECIPES, Recipe, Resolved, trial_seeds
from easiness.studies.keeping import paced_batches, places
from easiness.training import Network, choose_precision, seed_all, set_up

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import part, table
from kit.results import measured
from kit.science import ALONE, kept, options, publish

CPU = torch.device("cpu")
LABELS = {"clean": 0.0, "wrong": 0.2}  # share of wrong labels, each of another class, all alike
START, WHOLE_AFTER = 0.2, 0.5  # of the examples; of the training
LEAST, MOST = 0.5, 1.5  # what an example counts, by its rank
SEED, SCORING_SEED, NOISE_SEED = 29, 1000, 2029  # of what is trained, of what scores, of wrong labels


@dataclass(frozen=True)
class Policy:
    """How a training differs from uniform sampling, and who proposed it.

    ``first`` begins with a part of the examples: easy, hard or any. ``towards`` has easy or hard ones count
    more. ``mined`` times as many examples as a step is taken on go forward, and those of largest loss count.
    Where it is ``cleaned``, labels are what `easiness labels` makes of the run that scores.
    """

    name: str
    text: str
    source: str
    first: str = ""
    towards: str = ""
    mined: int = 1
    cleaned: bool = False


_PACED = f"a step is on the {{}} {START:.0%} at first, on more and more, and on all from half the training on"
UNIFORM = Policy("uniform", "pass after pass over all examples, each in a new order", "")
POLICIES = (
    UNIFORM,
    Policy("easy first", _PACED.format("easiest"), "Bengio et al. 2009; pacing of Wu et al. 2021", "easy"),
    Policy("hard first", _PACED.format("hardest"), "Wu et al. 2021, their anti-curriculum", "hard"),
    Policy("any first", _PACED.format("same random"), "Wu et al. 2021, as the control of both", "any"),
    Policy(
        "mining",
        "twice as many examples go forward, and the half with the larger losses counts",
        "Shrivastava et al. 2016; Jiang et al. 2019; Kawaguchi and Lu 2020",
        mined=2,
    ),
    Policy(
        "towards hard",
        f"the loss of an example counts {LEAST} to {MOST} times, more the harder it is",
        "Loshchilov and Hutter 2015, who sample so",
        towards="hard",
    ),
    Policy(
        "towards easy",
        f"the loss of an example counts {LEAST} to {MOST} times, more the easier it is",
        "Kumar et al. 2010, softly",
        towards="easy",
    ),
)
CLEANED = Policy("cleaned", "uniform sampling of the labels that `easiness labels` leaves", "", cleaned=True)
"""Beside the policies, on wrong labels: it was added after a page of three seeds."""


EXAMPLES, MODEL, EPOCHS, BATCH = 10_000, "wrn_16_1", 6, 128
TRIALS, SCORING_EPOCHS = 10, 5  # that score the examples
STEPS_PER_EPOCH = EXAMPLES // BATCH  # whole batches alone
RECIPE = Recipe.model_validate({**RECIPES["short"], "alpha": 0.006, "batch_size": BATCH})  # larger steps


def labels_of(data, share):
    draw = np.random.default_rng(np.random.SeedSequence(NOISE_SEED))
    step = draw.integers(1, data.num_classes, len(data))
    return np.where(draw.random(len(data)) < share, (data.labels + step) % data.num_classes, data.labels)


def easiest_first(run, split="train"):
    """Positions [K] by how many trials are right, and by the mean loss where as many are."""
    table = run.scores(split=split)
    return np.lexsort((table["loss"], -table["easiness"]))


def batches(policy, rank, seed, among=None) -> Iterator[np.ndarray]:
    """The positions that go forward in each step, of all examples or ``among`` some."""
    rng = np.random.default_rng(seed)
    ends = {"easy": rank, "hard": -rank, "any": rng.random(EXAMPLES), "": rank}
    order = ends[policy.first].argsort(kind="stable") if among is None else among
    start = START if policy.first else 1.0
    return paced_batches(order, EPOCHS * STEPS_PER_EPOCH, BATCH * policy.mined, start, WHOLE_AFTER, rng)


def weights(policy, rank):
    if policy.towards == "":
        return np.ones(len(rank))
    return LEAST + (MOST - LEAST) * (rank if policy.towards == "hard" else 1 - rank)


def train(policy, seed, data, labels, rank, among=None):
    """Which test examples the network is right about after the last step [n], and what it took."""
    began = time.perf_counter()
    with set_up(CPU, 1):
        seeds, signature = trial_seeds(SEED, seed), data.signature(RECIPE)
        seed_all(seeds.initialization)
        network = Network(
            build_model(MODEL, signature, data.num_classes),
            RECIPE.over(EPOCHS),
            Resolved(precision=choose_precision("auto", CPU)[0], channels_last=True, threads=1, folded=True),
            CPU,
            num_examples=EXAMPLES,
            num_classes=data.num_classes,
            steps_per_epoch=STEPS_PER_EPOCH,
        )
        images = data.kind.bank(data.packed(RECIPE), RECIPE, CPU, augment=True, sharers=1)
        count = torch.from_numpy(weights(policy, rank)).float()
        targets, forward = torch.from_numpy(labels), 0
        augmentation = torch.Generator().manual_seed(seeds.augmentation)
        network.model.train()
        for chosen in batches(policy, rank, seeds.order, among):
            positions = torch.from_numpy(chosen)
            drawn = images.draw(positions, augmentation)
            network.optimizer.advance()
            logits = network._forward(images.augmented(positions, drawn))
            losses = F.cross_entropy(logits, targets[positions], reduction="none") * count[positions]
            # the others are in the batch for its statistics alone
            network.optimizer.update(losses.topk(len(losses) // policy.mined).values.mean())
            forward += len(losses)
        right = tested(network, data.held_out, signature)
    return right, {"seconds": round(time.perf_counter() - began, 1), "forward": forward}


def tested(network, held_out, signature):
    bank = held_out.kind.bank(held_out.packed(RECIPE), RECIPE, CPU, augment=False, sharers=1)
    network.model.eval()
    at_once = network.at_once(signature)
    starts = range(0, len(held_out), at_once)
    found = [network.logits(bank.clean(slice(at, min(at + at_once, len(held_out))))) for at in starts]
    return torch.cat(found).argmax(dim=1).numpy() == held_out.labels


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
    ours, theirs = (
        [one[labels, name]["right"][part] for one in results] for name in (policy.name, beside.name)
    )
    return paired_gain(np.array(theirs), np.array(ours), level)


def simulated(seeds, replicates):
    """By shape and gain planted: the true gain, how often all intervals of a page hold it, and gains told."""
    rows = []
    for shape, of_trainings in SHAPES.items():
        for planted in PLANTED:
            rng = np.random.default_rng(29)
            true = _true_gain(rng, of_trainings, planted)
            pages = [_page(rng, of_trainings, planted, seeds) for _ in range(replicates)]
            found = np.array([[(*one.interval, one.excludes_zero) for one in page] for page in pages])
            held = ((found[..., 0] <= true) & (true <= found[..., 1])).all(axis=1).mean()
            rows.append((shape, true, float(held), float(found[..., 2].mean())))
    return {"seeds": seeds, "replicates": replicates, "rows": rows}


def _odds(rng, tested):
    """Log odds that uniform sampling and one policy are right about each test example [2, 1, n]."""
    ease = np.where(rng.random(tested) < 0.5, 4.0, rng.normal(0, 1.5, tested))  # many are always right
    return ease + rng.normal(0, 0.5, (2, 1, tested))  # and what a policy makes of an example


def _true_gain(rng, of_trainings, planted):
    odds = _odds(rng, 1_000_000)[0, 0] + of_trainings(rng, 1_000_000)
    return float((expit(odds + planted) - expit(odds)).mean())


def _page(rng, of_trainings, planted, seeds):
    gains = []
    for _ in range(FAMILY):
        odds = _odds(rng, TESTED) + of_trainings(rng, (2, seeds, 1)) + np.array([0, planted])[:, None, None]
        theirs, ours = rng.random(odds.shape) < expit(odds)
        gains.append(paired_gain(theirs, ours, LEVEL))
    return gains


def write(docs, results, easiness, known_truth):
    """The page, of the seeds that are whole: without results where they are fewer than two."""
    truths = table(TRUTHS, [{"row": row, "gain": 100 * row[1]} for row in known_truth["rows"]])
    if len(results) < 2:
        print("No two seeds are whole yet, and nothing is known.")
        return
    hard = easiness["clean"]["harder_half_of_test"]
    records = [of_policy(results, labels, policy, hard) for labels in LABELS for policy in POLICIES]
    policies = table(COLUMNS, records)
    found = easiness["wrong"]["wrong_in_hardest_fifth"]
    print(f"{len(results)} seeds. Of the wrong labels {found:.0%} are among the hardest fifth.")
    print(*of_cleaned(results), sep="\n")
    shown = [row for row, one in zip(policies[1], records, strict=True) if one["verdict"] in ("", "better")]
    made = "\n".join(sorted({cell["measured"] for one in results for cell in one.values()}))
    tables = {"policies": policies, "known-truth": truths}
    some = part(COLUMNS, shown, ("labels", "policy", "accuracy, %", "beyond uniform", "verdict"))
    publish(docs, "in-training", tables, some, made=made, figure=draw(results))


TRUTHS = {
    "trainings differ": "{row[0]}",
    "true gain": "{gain:+.1f}",
    "pages whose intervals hold all": "{row[2]:.1%}",
    "gains told": "{row[3]:.1%}",
}
COLUMNS = {
    "labels": "{labels}",
    "policy": "{policy.name}",
    "what it does": "{policy.text}",
    "from": "{policy.source}",
    "accuracy, %": "{accuracy:.1f} ± {spread:.1f}",
    "beyond uniform": "{beyond}",
    "verdict": "{verdict}",
    "harder half, %": "{harder:.1f}",
    "beyond uniform, harder half": "{beyond harder}",
    "forward": "{forward:.0f}",
}


def of_cleaned(results):
    some = [one for one in results if ("wrong", CLEANED.name) in one]
    if len(some) < 2:
        return
    right = np.mean([one["wrong", CLEANED.name]["right"] for one in some])
    first = next(policy for policy in OTHERS if policy.first == "easy")
    over, ahead = (gain(some, "wrong", CLEANED, beside=other, level=0.95) for other in (UNIFORM, first))
    yield (
        f"- Added later, on wrong labels ({len(some)} seeds): uniform sampling of what "
        f"`easiness labels RUN --drop-above 0.5` leaves is right on {100 * right:.1f} %, {within(over)} "
        f"beyond all labels and {within(ahead)} "
        f"beyond *{first.name}* (95 % each)."
    )


def of_policy(results, labels, policy, hard):
    cells = [one[labels, policy.name] for one in results]
    right = 100 * np.array([cell["right"] for cell in cells])
    forward = cells[0]["forward"] / results[0][labels, UNIFORM.name]["forward"]
    found = {"labels": name_of(LABELS[labels]), "policy": policy, "forward": forward, "verdict": ""}
    found |= {"accuracy": right.mean(), "spread": right.mean(axis=1).std(ddof=1)}
    found["harder"] = right[:, hard].mean()
    if policy is not UNIFORM:
        whole, part = gain(results, labels, policy), gain(results, labels, policy, hard)
        sided = "better" if whole.value > 0 else "worse"
        verdict = sided if whole.excludes_zero else "undecided"
        found |= {"beyond": within(whole), "verdict": verdict, "beyond harder": within(part)}
    return found


def within(one):
    low, high = one.interval
    return with_interval(100 * one.value, 100 * low, 100 * high, 1, with_sign=True)


def name_of(share):
    return "Clean labels" if share == 0 else f"{share:.0%} wrong labels"


def draw(results):
    series = {}
    for (labels, share), color in zip(LABELS.items(), (EASY, HARD), strict=True):
        gains = [gain(results, labels, policy) for policy in OTHERS]
        series[name_of(share)] = [[100 * end for end in (one.value, *one.interval)] for one in gains], color
    names = [policy.name for policy in OTHERS]
    figure = dots_with_intervals(names, series, "accuracy beyond uniform sampling, points")
    return picture_bytes(figure, ".svg")


SEEDS = 10
BESIDE = ("wrong", CLEANED)


def looked_up(data, name, share, runs):
    """The order of the examples with these labels, easiest first, and what the page says of it."""
    labels = labels_of(data, share)
    # which test examples are hard is asked of the run on clean labels alone
    judged = data if share == 0 else replace(data, held_out=None)
    how = {"model": MODEL, "trials": TRIALS, "epochs": SCORING_EPOCHS, "seed": SCORING_SEED, **ALONE}
    how |= {"recipe": "paper", "observe": "last", "keep_weights": False, "compile": "off"}
    run = ez.measure(replace(judged, labels=labels), **how, out=runs / f"scores-{name}")
    order = easiest_first(run)
    wrong = labels[order] != data.labels[order]
    hardest = wrong[-len(wrong) // 5 :].sum() / max(1, wrong.sum())
    tested = easiest_first(run, "held_out") if share == 0 else order[:0]
    return {
        "order": order.tolist(),
        "wrong": float(wrong.mean()),
        "wrong_in_hardest_fifth": float(hardest),
        "harder_half_of_test": tested[len(tested) // 2 :].tolist(),
    }


def file_of(runs, labels, policy, seed):
    return runs / f"{seed:02}-{labels}-{policy.name.replace(' ', '-')}.json"


def trained(data, order, labels, policy, seed, machine, runs):
    given, among = labels_of(data, LABELS[labels]), None
    rank = places(np.array(order), given)
    if policy.cleaned:
        left = ez.labels(ez.open_run(runs / f"scores-{labels}"), drop_above=0.5)
        given, among = left.labels, np.flatnonzero(~left.is_dropped)
    right, took = train(policy, seed, data, given, rank, among)
    packed = np.packbits(right).tobytes().hex()
    return {"right": packed, "examples": len(right), **took, "measured": machine}


def right_of(kept_training):
    bits = np.frombuffer(bytes.fromhex(kept_training["right"]), np.uint8)
    return np.unpackbits(bits)[: kept_training["examples"]].astype(bool)


def known(runs):
    """The trainings of each seed that is whole, by labels and policy, with ``right`` [n]."""
    cells = list(product(LABELS, POLICIES))
    found: list[dict[tuple[str, str], dict[str, Any]]] = []
    while all(file_of(runs, *cell, len(found)).exists() for cell in cells):
        there = [*cells, *([BESIDE] if file_of(runs, *BESIDE, len(found)).exists() else [])]
        read = [json.loads(file_of(runs, *cell, len(found)).read_text()) for cell in there]
        names = [(labels, policy.name) for labels, policy in there]
        found.append({name: one | {"right": right_of(one)} for name, one in zip(names, read, strict=True)})
    return found


def carry_out(source, runs, seeds):
    whole = ez.load_dataset(source)
    data = replace(whole.limit(EXAMPLES), held_out=whole.held_out)  # class-balanced, and all to test on
    found = {
        name: kept(runs / f"easiness-{name}.json", looked_up, data, name, share, runs)
        for name, share in LABELS.items()
    }
    machine = measured()
    cells = [*product(range(seeds), LABELS, POLICIES), *((seed, *BESIDE) for seed in range(seeds))]
    for seed, labels, policy in cells:
        how = (data, found[labels]["order"], labels, policy, seed, machine, runs)
        one = kept(file_of(runs, labels, policy, seed), trained, *how)
        accuracy = right_of(one).mean()
        print(f"{seed} {labels} {policy.name}: {accuracy:.4f}, {one['seconds']:.0f} s", flush=True)


def main():
    more = {"--seeds": SEEDS, "--replicates": 1000}  # of the simulation of the statistics
    asked = options(__doc__, "--data", runs="in-training", more=more)
    torch.set_num_threads(1)
    if asked.seeds > 0:
        carry_out(str(asked.data), asked.runs, asked.seeds)
    if asked.docs is None:
        return
    results = known(asked.runs)
    files = {name: asked.runs / f"easiness-{name}.json" for name in LABELS}
    easiness = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    seeds = len(results) if len(results) >= 2 else SEEDS
    file = asked.runs / f"simulated-{seeds}-{asked.replicates}.json"
    known_truth = kept(file, simulated, seeds, asked.replicates)
    write(asked.docs, results, easiness, known_truth)


if __name__ == "__main__":
    main()
