"""Training plus recording of `easiness measure` against a plain PyTorch loop, side by side.

The plain loop is what most papers' code does: PIL images, torchvision transforms, a DataLoader with two
workers, float32, all cores, an evaluation pass per epoch. Same network, data, batch size and number of
passes; rounds of both are interleaved and compared by the ratio of their medians.

    python benchmarks/training.py [--model wrn_16_4] [--examples 2000] [--rounds 3] [--data cifar10-folder]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from easiness import load_dataset
from easiness.models import build_model
from easiness.store import RunWriter
from easiness.studies.plan import make_plan
from easiness.training import resolve
from easiness.trial import run_trial
from machine import measured

BATCH = 128


class PilImages(Dataset):
    """What torchvision's own data sets hand to a transform: a PIL image and a label."""

    def __init__(self, images, labels, transform):
        self.images = [Image.fromarray(image.transpose(1, 2, 0)) for image in images]
        self.labels = labels
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]


def contrast_normalize(image):
    return (image - image.mean()) / (image.std() + 1e-6)


class PlainLoop:
    """One epoch per call: train on shuffled, augmented batches, then count what is right."""

    def __init__(self, model, images, labels, num_classes):
        common = [transforms.ToTensor(), transforms.Lambda(contrast_normalize)]
        augment = [transforms.RandomCrop(images.shape[-1], padding=4), transforms.RandomHorizontalFlip()]
        train = PilImages(images, labels, transforms.Compose(augment + common))
        test = PilImages(images, labels, transforms.Compose(common))
        workers = {"num_workers": 2, "persistent_workers": True}
        self.train = DataLoader(train, BATCH, shuffle=True, **workers)
        self.test = DataLoader(test, BATCH, **workers)
        self.model = build_model(model, images.shape[1:], num_classes)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=0.001, betas=(0.9, 0.99), weight_decay=0.1
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 300 * len(self.train))

    def __call__(self):
        self.model.train()
        for images, labels in self.train:
            self.optimizer.zero_grad()
            self.criterion(self.model(images), labels).backward()
            self.optimizer.step()
            self.schedule.step()
        self.model.eval()
        correct = []
        with torch.no_grad():
            for images, labels in self.test:
                correct.append(self.model(images).argmax(1) == labels)
        return torch.cat(correct)


class Easiness:
    """One trial of one epoch per call: trained, observed and stored on disk."""

    def __init__(self, model, images, labels, folder):
        self.plan = make_plan((images, labels), model=model, trials=1, epochs=1, batch_size=BATCH)
        self.device = torch.device("cpu")
        data = self.plan.data
        began = time.perf_counter()
        self.resolved = resolve(
            model, self.plan.recipe, data.image_shape, data.num_classes, len(data), self.device
        )
        self.seconds_to_resolve = time.perf_counter() - began
        self.folder = folder
        self.calls = 0

    def __call__(self):
        data = self.plan.data
        spec = self.plan.spec(self.resolved, trials=1, epochs=1).trial(self.calls)
        record = run_trial(spec, data, self.device)
        if not self.calls:
            with RunWriter(self.folder) as writer:
                writer.create(self.plan.spec(self.resolved, 1, 1), data.ids, data.labels)
        with RunWriter(self.folder) as writer:
            writer.add(record, {"train": data.ids}, index=self.calls, seed=0, identity=spec.hash, spec=spec)
        self.calls += 1


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def load(path, num_examples):
    if path is not None:
        data = load_dataset(path, limit=num_examples)
        return data.images.numpy(), data.labels
    rng = np.random.default_rng(0)
    labels = np.arange(num_examples) % 10
    return rng.integers(0, 256, (num_examples, 3, 32, 32), dtype=np.uint8), labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="wrn_16_4")
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    options = parser.parse_args()
    images, labels = load(options.data, options.examples)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        plain = PlainLoop(options.model, images, labels, 10)
        ours = Easiness(options.model, images, labels, Path(folder) / "run")
        plain(), ours()  # workers, kernels and caches warm
        times = {"plain": [], "easiness": []}
        for _ in range(options.rounds):
            times["plain"].append(timed(plain))
            times["easiness"].append(timed(ours))
    medians = {name: statistics.median(values) for name, values in times.items()}
    settings = f"{ours.resolved.precision}{', channels-last' if ours.resolved.channels_last else ''}"
    print(measured())
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {options.rounds} rounds")
    print(f"{options.model}, {len(images)} examples, batch {BATCH}: seconds per trial and epoch")
    print(f"easiness chose {settings} in {ours.seconds_to_resolve:.1f} s (once per run, not counted)")
    for name, values in times.items():
        print(f"{name:9} median {medians[name]:7.2f}  all {' '.join(f'{value:.2f}' for value in values)}")
    print(f"ratio of medians {medians['plain'] / medians['easiness']:.2f}")


if __name__ == "__main__":
    main()
