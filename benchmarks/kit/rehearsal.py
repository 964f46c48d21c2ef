"""The network of a trial on made-up pictures: how long a step and an evaluation batch take on a processor."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from easiness import load_dataset
from easiness.inputs import IMAGE, Pack
from easiness.models import build_model
from easiness.training import Network, set_up

CPU = torch.device("cpu")
FLOPS_OF_A_STEP = 80e9  # of a thread, two seconds at the most


def pictures(path, num):
    """So many examples of CIFAR-10's shape: real ones of a folder, or random."""
    if path is not None:
        return load_dataset(path, limit=num)
    pixels = np.random.default_rng(0).integers(0, 256, (num, 3, 32, 32), dtype=np.uint8)
    return load_dataset((pixels, np.arange(num) % 10))


@contextmanager
def rehearsing():
    """Torch set up as for trials, with random numbers of its own and as many threads as before."""
    with set_up(CPU, torch.get_num_threads()):
        torch.manual_seed(0)
        yield


def part_of(workload, facts):
    """The workload with a batch that tells the speed of a step: whole where steps are small."""
    some = max(2, int(FLOPS_OF_A_STEP / max(facts.flops, 1)))
    return replace(workload, batch=min(workload.batch, some))


class Rehearsal:
    """Steps and evaluation batches of a workload, whose photos are cropped already."""

    def __init__(self, workload, resolved):
        self.batch, self.resolved = workload.batch, resolved
        recipe, signature = workload.recipe.over(1), workload.signature
        model = build_model(workload.model, signature, workload.num_classes)
        sizes = {"num_examples": workload.batch, "num_classes": workload.num_classes}
        self.network = Network(model, recipe, resolved, CPU, **sizes)
        self.num_observed = min(self.network.at_once(signature), 4 * workload.batch)
        channels, height, width = signature.shape
        num = max(workload.batch, self.num_observed)
        pixels = np.random.default_rng(0).integers(0, 256, (num, height, width, channels), np.uint8)
        values = Pack.of_array(pixels)
        self.bank = IMAGE.bank(values, recipe.model_copy(update={"crop": 0}), CPU, augment=True, sharers=1)
        self.positions = torch.arange(workload.batch)
        self.drawn = self.bank.draw(self.positions, torch.Generator().manual_seed(0))
        self.labels = torch.arange(workload.batch) % workload.num_classes

    def warm_up(self):
        """The first step, which is not like the others."""
        self.look()

    def look(self):
        """Seconds of a step."""
        began = time.perf_counter()
        self.network.model.train()
        images = self.bank.finish(*self.bank.fetch(self.positions, self.drawn))
        self.network.step(images, self.labels)
        return time.perf_counter() - began

    def observe(self):
        """Seconds of an evaluation batch."""
        began = time.perf_counter()
        self.network.model.eval()
        self.network.logits(self.bank.clean(slice(0, self.num_observed)))
        return time.perf_counter() - began
