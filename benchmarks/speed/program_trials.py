"""What `program.py` compares: trials of the program, and a bare loop of the same work."""

from __future__ import annotations

import time
from itertools import cycle

import torch

from easiness.models import build_model
from easiness.runs import resolve_plan
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Recording, Training
from easiness.store import RunWriter
from easiness.training import Listener
from easiness.training.loop import batches
from easiness.training.network import Network
from easiness.trial import run_trial

CPU = torch.device("cpu")


class Program:
    """Trials of a run, one after the other: trained, observed, stored."""

    def __init__(self, data, model, folder, epochs, observe="all", resolved=None):
        self.plan = make_plan(
            data, Training(model=model, epochs=epochs), 1, recording=Recording(observe=observe)
        )
        self.resolved = resolved or resolve_plan(self.plan, CPU, Execution(executor="serial", compile="off"))
        self.folder = folder
        self.spec = self.plan.spec(self.resolved, trials=1, epochs=epochs)
        self.done = 0
        with RunWriter(folder) as writer:
            writer.create(self.spec, data.ids, data.labels)

    def trial(self, on_images=lambda num: None):  # noqa: ARG005
        """Train one and keep it."""
        trial, data = self.spec.trial(self.done), self.plan.data
        record = run_trial(trial, data, CPU, listener=Listener(on_images=on_images))
        ids = {name: split.ids for name, split in data.splits.items()}
        with RunWriter(self.folder) as writer:
            writer.add(record, ids, index=self.done, seed=trial.seed, identity=trial.hash, spec=trial)
        self.done += 1


class BareLoop:
    """The same network, batches and order of work, on tensors that are ready."""

    def __init__(self, program):
        data, recipe = program.plan.data, program.plan.recipe
        shape = data.signature(recipe).shape
        self.network = Network(
            build_model(program.plan.model, shape, data.num_classes),
            recipe,
            program.resolved,
            CPU,
            num_examples=len(data),
            num_classes=data.num_classes,
        )
        size = self.network.at_once(shape)
        steps = [b.stop - b.start for b in batches(len(data), recipe.batch_size)]
        looks = [
            min(size, len(split) - at) for split in data.splits.values() for at in range(0, len(split), size)
        ]
        images = torch.randn(max(*steps, *looks), *shape)
        if program.resolved.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        labels = torch.randint(0, data.num_classes, (len(images),))
        self.seconds = 0.0
        self._work = cycle(
            [(self._step, images[:num], labels[:num]) for num in steps]
            + [(self._look, images[:num], None) for num in looks]
        )

    def follow(self, num):
        """Do what the program has just done with ``num`` images."""
        began = time.perf_counter()
        call, images, labels = next(self._work)
        assert len(images) == num
        call(images, labels)
        self.seconds += time.perf_counter() - began

    def _step(self, images, labels):
        self.network.model.train()
        self.network.step(images, labels)

    def _look(self, images, _):
        self.network.model.eval()
        self.network.logits(images)
