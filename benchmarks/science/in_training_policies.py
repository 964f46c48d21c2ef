"""The trainings behind `in_training.py`: policies, the easiness that they go by, and the loop.

A policy says which examples each step is taken on and how much each of them counts. All take as many steps of
as many examples, from the same initial weights at a seed, and anneal to the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

import easiness as ez
from easiness.models import build_model
from easiness.spec import RECIPES, Recipe, Resolved, trial_seeds
from easiness.studies.keeping import paced_batches
from easiness.training import Network, choose_precision, seed_all, set_up
from kit.science import ALONE

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


@dataclass(frozen=True)
class Settings:
    """Settings that all trainings share; results of others are not comparable."""

    examples: int = 10_000
    model: str = "wrn_16_1"
    epochs: int = 6
    alpha: float = 0.006
    batch: int = 128
    trials: int = 10  # that score the examples
    scoring_epochs: int = 5

    @property
    def recipe(self) -> Recipe:
        """The recipe for short trainings, with a larger step size."""
        return Recipe.model_validate({**RECIPES["short"], "alpha": self.alpha, "batch_size": self.batch})

    def load(self, source):
        """The examples, class-balanced, and all that are there to test on."""
        data = ez.load_dataset(source)
        return replace(data.limit(self.examples), held_out=data.held_out)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches alone."""
        return self.examples // self.batch

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch


def labels_of(data, share):
    draw = np.random.default_rng(np.random.SeedSequence(NOISE_SEED))
    step = draw.integers(1, data.num_classes, len(data))
    return np.where(draw.random(len(data)) < share, (data.labels + step) % data.num_classes, data.labels)


def scored(data, labels, settings, folder):
    """The run that scores the examples with these labels by the paper's recipe, as far as it is missing."""
    return ez.measure(
        replace(data, labels=labels),
        model=settings.model,
        trials=settings.trials,
        epochs=settings.scoring_epochs,
        seed=SCORING_SEED,
        recipe="paper",
        observe="last",
        keep_weights=False,
        out=folder,
        compile="off",
        **ALONE,
    )


def easiest_first(run, split="train"):
    """Positions [K] by how many trials are right, and by the mean loss where as many are."""
    table = run.scores(split=split)
    return np.lexsort((table["loss"], -table["easiness"]))


def cleaned(run):
    """The labels [K] that `labels` leaves, and the positions of the examples that it does not drop."""
    found = ez.labels(run, drop_above=0.5)
    return found.labels, np.flatnonzero(~found.dropped)


def batches(policy, rank, settings, seed, among=None) -> Iterator[np.ndarray]:
    """The positions that go forward in each step, of all examples or ``among`` some."""
    rng = np.random.default_rng(seed)
    ends = {"easy": rank, "hard": -rank, "any": rng.random(settings.examples), "": rank}
    order = ends[policy.first].argsort(kind="stable") if among is None else among
    start = START if policy.first else 1.0
    size = settings.batch * policy.mined
    return paced_batches(order, settings.steps, size, start, WHOLE_AFTER, rng)


def weights(policy, rank):
    """The weight of each example [K], 1 in the mean."""
    if policy.towards == "":
        return np.ones(len(rank))
    return LEAST + (MOST - LEAST) * (rank if policy.towards == "hard" else 1 - rank)


def train(policy, seed, data, labels, rank, settings, among=None):
    """Which test examples the network is right about after the last step [n], and what it took."""
    began = time.perf_counter()
    with set_up(CPU, 1):
        seeds, recipe = trial_seeds(SEED, seed), settings.recipe
        signature = data.signature(recipe)
        seed_all(seeds.initialization)
        network = Network(
            build_model(settings.model, signature, data.num_classes),
            recipe.over(settings.epochs),
            Resolved(precision=choose_precision("auto", CPU)[0], channels_last=True, threads=1, folded=True),
            CPU,
            num_examples=settings.examples,
            num_classes=data.num_classes,
            steps_per_epoch=settings.steps_per_epoch,
        )
        images = data.kind.bank(data.packed(recipe), recipe, CPU, augment=True, sharers=1)
        count = torch.from_numpy(weights(policy, rank)).float()
        targets, forward = torch.from_numpy(labels), 0
        augmentation = torch.Generator().manual_seed(seeds.augmentation)
        network.model.train()
        for chosen in batches(policy, rank, settings, seeds.order, among):
            positions = torch.from_numpy(chosen)
            drawn = images.draw(positions, augmentation)
            network.optimizer.advance()
            logits = network._forward(images.augmented(positions, drawn))
            losses = F.cross_entropy(logits, targets[positions], reduction="none") * count[positions]
            # the others are in the batch for its statistics alone
            network.optimizer.update(losses.topk(len(losses) // policy.mined).values.mean())
            forward += len(losses)
        right = tested(network, data.held_out, recipe, signature)
    return right, {"seconds": round(time.perf_counter() - began, 1), "forward": forward}


def tested(network, held_out, recipe, signature):
    """Whether the network is right about each example [n]."""
    bank = held_out.kind.bank(held_out.packed(recipe), recipe, CPU, augment=False, sharers=1)
    network.model.eval()
    at_once = network.at_once(signature)
    starts = range(0, len(held_out), at_once)
    found = [network.logits(bank.clean(slice(at, min(at + at_once, len(held_out))))) for at in starts]
    return torch.cat(found).argmax(dim=1).numpy() == held_out.labels
