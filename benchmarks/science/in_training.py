"""Does it pay to train on easy or on hard examples first, or more? Policies against uniform sampling.

Each policy trains from the same initial weights at a seed, as many steps, on clean labels and on labels of
which a fifth is wrong, and is tested on clean ones that nothing was chosen by. Results are kept in `--runs`,
one file a training, seed after seed: it goes on where it was stopped, and every seed that is whole is on the
page. `--seeds 0` trains nothing more and writes the page of what there is. Three to four hours on a core.

    python benchmarks/science/in_training.py --data FOLDER [--runs FOLDER] [--seeds 10]
                                             [--docs docs/results/in-training.md]
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

import easiness as ez

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.studies.keeping import places
from kit.machine import measured
from kit.science import kept, options
from science import in_training_page as paper
from science.in_training_policies import (
    CLEANED,
    LABELS,
    POLICIES,
    Settings,
    cleaned,
    easiest_first,
    labels_of,
    scored,
    train,
)

SEEDS = 10
BESIDE = ("wrong", CLEANED)


def looked_up(data, settings, runs):
    """By name of the labels: the order of the examples, easiest first, and what the page says of it."""

    def made(name, share):
        labels = labels_of(data, share)
        # which test examples are hard is asked of the run on clean labels alone
        judged = data if share == 0 else replace(data, held_out=None)
        run = scored(judged, labels, settings, runs / f"scores-{name}")
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

    return {
        name: kept(runs / f"easiness-{name}.json", lambda name=name, share=share: made(name, share))
        for name, share in LABELS.items()
    }


def file_of(runs, labels, policy, seed):
    return runs / f"{seed:02}-{labels}-{policy.name.replace(' ', '-')}.json"


def trained(data, order, labels, policy, seed, settings, machine, runs):
    """A training as it is kept, with the ``machine``."""
    given, among = labels_of(data, LABELS[labels]), None
    rank = places(np.array(order), given)
    if policy.cleaned:
        given, among = cleaned(ez.open_run(runs / f"scores-{labels}"))
    right, took = train(policy, seed, data, given, rank, settings, among)
    return {
        "right": np.packbits(right).tobytes().hex(),
        "examples": len(right),
        **took,
        "measured": machine,
    }


def right_of(kept_training):
    """Which test examples it is right about [n]."""
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


def carry_out(settings, source, runs, seeds):
    """Train what is missing, seed after seed."""
    runs.mkdir(parents=True, exist_ok=True)
    own = json.loads(json.dumps(asdict(settings)))
    if kept(runs / "settings.json", lambda: own) != own:
        sys.exit(f"{runs}: of other settings; give another folder")
    data = settings.load(source)
    found, machine = looked_up(data, settings, runs), measured()
    cells = [*product(range(seeds), LABELS, POLICIES), *((seed, *BESIDE) for seed in range(seeds))]
    for seed, labels, policy in cells:
        order = found[labels]["order"]
        one = kept(
            file_of(runs, labels, policy, seed),
            lambda order=order, labels=labels, policy=policy, seed=seed: trained(
                data, order, labels, policy, seed, settings, machine, runs
            ),
        )
        accuracy = right_of(one).mean()
        print(f"{seed} {labels} {policy.name}: {accuracy:.4f}, {one['seconds']:.0f} s", flush=True)


def main(arguments=None):
    fields = asdict(Settings())
    more = {f"--{name.replace('_', '-')}": value for name, value in fields.items()}
    more |= {"--seeds": SEEDS, "--replicates": 1000}  # of the simulation of the statistics
    asked = options(__doc__, "--data", runs="in-training", more=more, arguments=arguments)
    settings = Settings(**{name: getattr(asked, name) for name in fields})
    torch.set_num_threads(1)
    if asked.seeds > 0:
        carry_out(settings, str(asked.data), asked.runs, asked.seeds)
    if asked.docs is None:
        return
    results = known(asked.runs)
    files = {name: asked.runs / f"easiness-{name}.json" for name in LABELS}
    easiness = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    seeds = len(results) if len(results) >= 2 else SEEDS
    known_truth = kept(
        asked.runs / f"simulated-{seeds}-{asked.replicates}.json",
        lambda: paper.simulated(seeds, asked.replicates),
    )
    paper.write(asked.docs, results, easiness, known_truth)


if __name__ == "__main__":
    main()
