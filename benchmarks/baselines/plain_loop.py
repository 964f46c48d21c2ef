"""The training loop of most papers' code.

PIL images, torchvision transforms, a DataLoader with persistent workers, float32, all cores.
"""

from __future__ import annotations

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from easiness.models import build_model

BATCH = 128


def loading(num_workers):
    """A DataLoader's options for so many processes that load images; 0 are none but its own."""
    return {"num_workers": num_workers, "persistent_workers": num_workers > 0}


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


def training_transform(side):
    augment = [transforms.RandomCrop(side, padding=side // 8), transforms.RandomHorizontalFlip()]
    return transforms.Compose([*augment, evaluation_transform()])


def evaluation_transform():
    return transforms.Compose([transforms.ToTensor(), transforms.Lambda(contrast_normalize)])


def optimizer_and_schedule(model, steps_per_epoch):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001, betas=(0.9, 0.99), weight_decay=0.1)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300 * steps_per_epoch)


class PlainLoop:
    """A trial of one epoch per call: train on shuffled, augmented batches, then see which are right."""

    name = "plain PyTorch loop"
    observes = "right or wrong, in a pass over clean images"

    def __init__(self, model, images, labels, num_classes, num_workers):
        train = PilImages(images, labels, training_transform(images.shape[-1]))
        clean = PilImages(images, labels, evaluation_transform())
        self.train = DataLoader(train, BATCH, shuffle=True, **loading(num_workers))
        self.clean = DataLoader(clean, BATCH, **loading(num_workers))
        self.build = lambda: build_model(model, images.shape[1:], num_classes)

    def __call__(self):
        model = self.build()
        criterion = nn.CrossEntropyLoss()
        optimizer, schedule = optimizer_and_schedule(model, len(self.train))
        model.train()
        for images, labels in self.train:
            optimizer.zero_grad()
            criterion(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        correct = []
        with torch.no_grad():
            for images, labels in self.clean:
                correct.append(model(images).argmax(1) == labels)
        self.correct = torch.cat(correct)
