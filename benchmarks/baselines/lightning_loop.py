"""PyTorch Lightning with a callback that keeps what it sees of every example."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch
from aum import DatasetWithIndex
from torch.nn import functional
from torch.utils.data import DataLoader

from baselines.plain_loop import (
    BATCH,
    PilImages,
    evaluation_transform,
    loading,
    optimizer_and_schedule,
    training_transform,
)
from easiness.models import build_model


class Classifier(lightning.LightningModule):
    def __init__(self, model, steps_per_epoch):
        super().__init__()
        self.model = model
        self.steps_per_epoch = steps_per_epoch

    def training_step(self, batch, batch_idx):  # noqa: ARG002
        images, labels = batch
        return functional.cross_entropy(self.model(images), labels)

    def validation_step(self, batch, batch_idx):  # noqa: ARG002
        images, labels, ids = batch
        return {"logits": self.model(images), "labels": labels, "ids": ids}

    def configure_optimizers(self):
        optimizer, schedule = optimizer_and_schedule(self.model, self.steps_per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class ExampleRecorder(lightning.Callback):
    """Per epoch and example: prediction, probability of the label, margin."""

    def __init__(self):
        self.seen, self.epochs = [], []

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):  # noqa: ARG002
        logits, labels = outputs["logits"], outputs["labels"][:, None]
        of_label = logits.gather(1, labels).squeeze(1)
        margin = of_label - logits.scatter(1, labels, float("-inf")).max(1).values
        p_label = logits.softmax(1).gather(1, labels).squeeze(1)
        columns = (outputs["ids"], logits.argmax(1), p_label, margin)
        self.seen.append([column.cpu() for column in columns])

    def on_validation_epoch_end(self, trainer, pl_module):  # noqa: ARG002
        ids, *columns = (torch.cat(parts).numpy() for parts in zip(*self.seen, strict=True))
        order = ids.argsort()
        self.epochs.append([column[order] for column in columns])
        self.seen.clear()


class Lightning:
    """A trial of one epoch per call; logs, checkpoints and progress are off."""

    name = "PyTorch Lightning with a per-example callback"
    observes = "prediction, probability and margin, in a validation pass over clean images"

    def __init__(self, model, images, labels, num_classes, num_workers):
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
        train = PilImages(images, labels, training_transform(images.shape[-1]))
        clean = DatasetWithIndex(PilImages(images, labels, evaluation_transform()))
        self.train = DataLoader(train, BATCH, shuffle=True, **loading(num_workers))
        self.clean = DataLoader(clean, BATCH, **loading(num_workers))
        self.build = lambda: Classifier(build_model(model, images.shape[1:], num_classes), len(self.train))

    def __call__(self):
        recorder = ExampleRecorder()
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            precision="32-true",
            callbacks=[recorder],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(self.build(), self.train, self.clean)
        self.epochs = recorder.epochs
