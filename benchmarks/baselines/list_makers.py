"""From a data set to a list of suspect labels, as users of other tools write it; run as a program, so that
what is timed begins with an empty process and ends with the list.

    python benchmarks/baselines/list_makers.py TOOL KIND SOURCE OUT.npz

SOURCE is a folder of class folders of photos, or an .npz with `x` and `y`. KIND is `features` (a linear
classifier on those of EfficientNet-Lite0) or `network` (one trained from nothing). OUT gets the ids (file
names or row numbers), a score [K] that is higher the more a label is suspected, where the tool marks label
issues which [K], and where it has probabilities the one that a label is wrong [K].
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from baselines.plain_loop import (
    BATCH,
    Numbered,
    PilImages,
    optimizer_and_schedule,
    train_epoch,
    training_transform,
)

FOLDS = 5
MODEL, EPOCHS = "wrn_16_1", 10  # of networks from nothing
HEAD_EPOCHS, HEAD_BATCH = 20, 128


def read(source, transform):
    if source.is_dir():
        photos = ImageFolder(source, transform)
        ids = [Path(path).relative_to(source).as_posix() for path, _ in photos.samples]
        return photos, ids, np.array(photos.targets)
    arrays = np.load(source)
    images, labels = arrays["x"].transpose(0, 3, 1, 2), arrays["y"]
    return PilImages(images, labels, transform), list(range(len(labels))), labels


def features(source):
    from easiness.features.frozen import packaged_network, packaged_weights

    network = packaged_network("features", packaged_weights()).eval()
    network.classifier = nn.Identity()
    prepared = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    examples, ids, labels = read(source, prepared)
    with torch.inference_mode():
        found = [network(images) for images, _ in DataLoader(examples, 64, num_workers=2)]
    return torch.cat(found).numpy(), ids, labels


def cross_validated(x, labels):
    """Probabilities [K, C] out of five folds, by a regression as regularized as serves so many features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    return cross_val_predict(model, x, labels, cv=FOLDS, method="predict_proba")


def cross_trained(source):
    from baselines.cleanlab_folds import Cleanlab

    arrays = np.load(source)
    images, labels = arrays["x"].transpose(0, 3, 1, 2), arrays["y"]
    folds = Cleanlab(MODEL, images, labels, 0)
    folds.network.set_params(max_epochs=EPOCHS)
    found = np.empty((len(labels), int(labels.max()) + 1))
    for learned, judged in [next(folds.folds) for _ in range(FOLDS)]:
        network = folds.network.fit(folds.images[learned], labels[learned])
        found[judged] = network.predict_proba(folds.images[judged])
    return found, labels


def by_cleanlab(p, labels):
    """Its order by self-confidence, its issues, and the probability that is left to the other classes."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    score = -get_label_quality_scores(labels, p)
    return {"score": score, "issue": find_label_issues(labels, p, n_jobs=1), "p": 1 + score}


def dynamics(source, options, seen):
    """One training of a head or of a network, each step shown to ``seen``; ids and labels [K]."""
    if options.kind == "features":
        x, ids, labels = features(source)
        x = (x - x.mean(0)) / (x.std(0) + 1e-6)
        examples = TensorDataset(torch.from_numpy(x), torch.from_numpy(labels))
        model = nn.Linear(x.shape[1], int(labels.max()) + 1)
        optimizer, epochs, batch = torch.optim.Adam(model.parameters(), 1e-3), HEAD_EPOCHS, HEAD_BATCH
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
    else:
        from easiness.models import build_model

        examples, ids, labels = read(source, training_transform(32))
        model = build_model(MODEL, (3, 32, 32), int(labels.max()) + 1)
        epochs, batch = EPOCHS, BATCH
        optimizer, schedule = optimizer_and_schedule(model, -(-len(labels) // batch))
    loader = DataLoader(Numbered(examples), batch, shuffle=True)
    for _ in range(epochs):
        train_epoch(model, loader, optimizer, schedule, seen)
    return ids, labels


def by_cartography(source, options):
    """Confidence of the training dynamics: the mean probability of the given label over the epochs."""
    steps = []

    def seen(logits, labels, at):
        steps.append((at.numpy(), logits.softmax(1).gather(1, labels[:, None])[:, 0].numpy()))

    ids, labels = dynamics(source, options, seen)
    total = np.zeros(len(labels))
    for at, p in steps:
        total[at] += p
    return ids, {"score": -total}


def by_aum(source, options):
    import aum
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        recorder = aum.AUMCalculator(folder, compressed=True)
        ids, labels = dynamics(source, options, lambda z, y, at: recorder.update(z, y, at.tolist()))
        recorder.finalize()
        table = pd.read_csv(Path(folder) / "aum_values.csv").set_index("sample_id")["aum"]
    return ids, {"score": -table.loc[range(len(labels))].to_numpy()}


def by_folds(source, options):
    if options.kind == "features":
        x, ids, labels = features(source)
        return ids, by_cleanlab(cross_validated(x, labels), labels)
    found, labels = cross_trained(source)
    return list(range(len(labels))), by_cleanlab(found, labels)


TOOLS = {"cleanlab": by_folds, "cartography": by_cartography, "aum": by_aum}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("kind", choices=("features", "network"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    warnings.simplefilter("ignore")  # of the libraries
    ids, found = TOOLS[options.tool](options.source, options)
    np.savez(options.out, ids=np.array(ids), **found)


if __name__ == "__main__":
    main()
