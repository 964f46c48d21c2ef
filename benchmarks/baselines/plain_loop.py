"""The training loop of most papers' code.

PIL images, torchvision transforms, a DataLoader with persistent workers, float32, all cores.
"""

from __future__ import annotations

import torch
from PIL import Image
from torch import nn
from torch.utils.data import Dataset
from torchvision import transforms

BATCH = 128


def loading(num_workers):
    """A DataLoader's options for so many processes that load images; 0 are none but its own."""
    return {"num_workers": num_workers, "persistent_workers": num_workers > 0}


class Numbered(Dataset):
    def __init__(self, examples):
        self.examples = examples

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, at):
        return (*self.examples[at], at)


class PilImages(Dataset):
    """A PIL image and a label an item, as torchvision's own data sets hand to a transform."""

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


def train_epoch(model, loader, optimizer, schedule, seen=lambda *_: None):
    """Train, and show ``seen`` the logits of every step, its labels and what more the loader gives."""
    criterion = nn.CrossEntropyLoss()
    model.train()
    for images, labels, *more in loader:
        optimizer.zero_grad()
        logits = model(images)
        criterion(logits, labels).backward()
        optimizer.step()
        schedule.step()
        seen(logits.detach(), labels, *more)


def right(model, loader):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(images).argmax(1) == labels for images, labels in loader])
