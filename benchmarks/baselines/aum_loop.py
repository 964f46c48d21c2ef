"""The plain loop with the `aum` package's recorder."""

from __future__ import annotations

import aum
from torch import nn
from torch.utils.data import DataLoader

from baselines.plain_loop import BATCH, PilImages, loading, optimizer_and_schedule, training_transform
from easiness.models import build_model


class AumLoop:
    """A trial of one epoch per call, recorded as the package's own description shows: while training."""

    name = "plain loop with the aum recorder"
    observes = "the margin, in the training steps (augmented, no pass of its own)"

    def __init__(self, model, images, labels, num_classes, num_workers, folder):
        train = aum.DatasetWithIndex(PilImages(images, labels, training_transform(images.shape[-1])))
        self.train = DataLoader(train, BATCH, shuffle=True, **loading(num_workers))
        self.build = lambda: build_model(model, images.shape[1:], num_classes)
        self.folder = folder

    def __call__(self):
        model = self.build()
        criterion = nn.CrossEntropyLoss()
        optimizer, schedule = optimizer_and_schedule(model, len(self.train))
        recorder = aum.AUMCalculator(str(self.folder), compressed=True)
        model.train()
        for images, labels, ids in self.train:
            optimizer.zero_grad()
            logits = model(images)
            criterion(logits, labels).backward()
            optimizer.step()
            schedule.step()
            recorder.update(logits.detach(), labels, ids.tolist())
        recorder.finalize()
