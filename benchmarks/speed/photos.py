"""Training and evaluation on a folder of photos against torchvision's ImageFolder with a DataLoader.

The baseline is what the documentation of PyTorch shows: ImageFolder, RandomResizedCrop(224), a flip and
ToTensor, Resize(256) and CenterCrop(224) to evaluate, a DataLoader with two persistent workers each,
float32, all cores. Both train the same small network at the same batch size, and evaluate on all photos
after every epoch. Each works in a process of its own, and their epochs take turns. In the first epoch
easiness reads and reduces the photos to a cache; the ratio is that of the epochs from the second on.
Then the same for the way of the photos alone, without a network.

    python benchmarks/speed/photos.py [--data FOLDER] [--photos 400] [--rounds 5]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from easiness.spec import Execution, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from baselines.plain_loop import right, train_epoch
from kit.results import begin, data_text
from kit.rounds import OwnProcess

BATCH = 64
SIDE = 224
GOAL = 2
NUM_CLASSES = 10


def small_network(input_shape, num_classes):
    widths = [input_shape[0], 16, 32, 64, 64]
    layers = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], num_classes))


def serve_torchvision(turns, folder, _, rounds):
    augment = [transforms.RandomResizedCrop(SIDE), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    centre = [transforms.Resize(256), transforms.CenterCrop(SIDE), transforms.ToTensor()]
    train = torchvision.datasets.ImageFolder(folder, transforms.Compose(augment))
    test = torchvision.datasets.ImageFolder(folder, transforms.Compose(centre))
    workers = {"num_workers": 2, "persistent_workers": True}
    train_loader = DataLoader(train, BATCH, shuffle=True, **workers)
    test_loader = DataLoader(test, BATCH, **workers)
    model = small_network((3, SIDE, SIDE), len(train.classes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)

    def epoch():
        train_epoch(model, train_loader, optimizer, schedule)
        return right(model, test_loader)

    def read(loader):
        return sum(len(images) for images, _ in loader)

    for _ in range(1 + rounds):
        turns.take(epoch)
    for _ in range(rounds):
        turns.take(lambda: read(train_loader))
        turns.take(lambda: read(test_loader))
    return f"torchvision: float32, {torch.get_num_threads()} threads and two workers"


def serve_easiness(turns, folder, scratch, rounds):
    from easiness.runs import resolve_plan
    from easiness.runs.plan import make_plan
    from easiness.training import Listener
    from easiness.training.network import evaluation_batch
    from easiness.trial import run_trial

    cpu = torch.device("cpu")
    model = "photos:small_network"
    recipe = {"crop": SIDE}
    plan = make_plan(folder, Training(model=model, epochs=1 + rounds, batch_size=BATCH, recipe=recipe), 1)
    resolved = resolve_plan(plan, cpu, Execution())
    spec = plan.spec(resolved, trials=1, epochs=1 + rounds).trial(0)

    turns.begin()
    images = plan.data.packed(plan.recipe, scratch / "cache")

    def end_of_epoch(_):
        turns.end()
        turns.begin()

    run_trial(spec, plan.data, cpu, images={"train": images}, listener=Listener(end_of_epoch))

    torch.set_num_threads(resolved.threads)
    bank = plan.data.kind.bank(images, plan.recipe, cpu, augment=True, sharers=1)
    generator = torch.Generator().manual_seed(0)
    at_once = evaluation_batch((3, SIDE, SIDE))

    def train():
        positions = torch.randperm(len(bank), generator=generator)
        drawn = bank.draw(positions, generator)
        for at in range(0, len(bank), BATCH):
            bank.augmented(positions[at : at + BATCH], drawn[at : at + BATCH])

    def evaluate():
        for at in range(0, len(bank), at_once):
            bank.clean(slice(at, min(at + at_once, len(bank))))

    # the turn that began after the last epoch is the first of these
    train()
    turns.end()
    turns.take(evaluate)
    for _ in range(rounds - 1):
        turns.take(train)
        turns.take(evaluate)
    return f"easiness: {resolved.precision}, {resolved.reason}"


def make_photos(folder, num):
    rng = np.random.default_rng(0)
    for at in range(num):
        # noise of few pixels made large has the detail of a photo, about
        small = Image.fromarray(rng.integers(0, 256, (94, 125, 3), dtype=np.uint8))
        path = folder / f"class_{at % NUM_CLASSES}" / f"{at}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        small.resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)


def compare(report, folder, scratch, rounds, name):
    num = len(torchvision.datasets.ImageFolder(folder))
    work = (serve_torchvision, serve_easiness)
    with ExitStack() as stack:
        sides = [stack.enter_context(OwnProcess(one, folder, scratch, rounds)) for one in work]
        first = [side.seconds() for side in sides]
        epochs = [[side.seconds() for side in sides] for _ in range(rounds)]
        alone = [[[side.seconds() for side in sides] for _ in range(2)] for _ in range(rounds)]
        settings = [side.result() for side in sides]
    theirs, ours = (statistics.median(times) for times in zip(*epochs, strict=True))
    ratio = theirs / ours
    report.whole(
        "photos-epochs",
        ["seconds of training on all photos and evaluating all", "torchvision", "easiness", "ratio"],
        [
            ["first epoch (easiness fills its cache)", *(f"{s:.2f}" for s in first), _ratio(*first)],
            ["each epoch from the second on", f"{theirs:.2f}", f"{ours:.2f}", _ratio(theirs, ours)],
        ],
    )
    rows = []
    for at, what in enumerate(("random crops to train on", "centre crops to evaluate")):
        medians = [statistics.median(times[at][side] for times in alone) for side in (0, 1)]
        rows.append([what, *(f"{num / s:,.0f}" for s in medians), _ratio(*medians)])
    header = ["images per second without a network", "torchvision", "easiness", "ratio"]
    report.whole("photos-rates", header, rows)
    report.whole("photos-settings", ["photos", "settings"], [[f"{num:,}", one] for one in settings])
    what = f"an epoch on photos ({name}) from the second on, over ImageFolder and DataLoader"
    report.goal("photos", what, f"at least {GOAL}x", f"{ratio:.1f}x", ratio >= GOAL)


def _ratio(theirs, ours):
    return f"{theirs / ours:.1f}x"


def main():
    options, report = begin(__doc__, "Photos", data=None, photos=400, rounds=5)
    name = data_text(options.data, "made-up JPEGs", options.data and options.data.resolve().name)
    with tempfile.TemporaryDirectory() as scratch:
        folder, scratch = options.data, Path(scratch)
        if folder is None:
            folder = scratch / "photos"
            make_photos(folder, options.photos)
        compare(report, folder, scratch, options.rounds, name)
    report.write(options.json)


if __name__ == "__main__":
    main()
