"""skorch with cleanlab's cross-validation: each example is judged by networks that did not train on it."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import torch
from cleanlab.rank import get_label_quality_scores
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn
from torch.utils.data import default_collate

from baselines.plain_loop import BATCH, evaluation_transform, loading, training_transform
from easiness.models import build_model

FOLDS = 5


class Built(nn.Module):
    def __init__(self, model, image_shape, num_classes):
        super().__init__()
        self.model = build_model(model, image_shape, num_classes)

    def forward(self, images):
        return self.model(images)


def collate(transform, pairs):
    return default_collate([(transform(Image.fromarray(image)), label) for image, label in pairs])


class Cleanlab:
    """One of the five folds per call, the next one each time: a fit on 80 %, probabilities of the other 20 %.

    That is what ``cross_val_predict(net, images, labels, cv=5, method="predict_proba")`` repeats five times.
    """

    name = "skorch with cleanlab's cross-validation"
    observes = "probabilities and label quality, out of sample"

    def __init__(self, model, images, labels, num_workers):
        num_classes = int(labels.max()) + 1
        self.images, self.labels = np.ascontiguousarray(images.transpose(0, 2, 3, 1)), labels
        steps_per_epoch = -(-len(labels) * (FOLDS - 1) // FOLDS // BATCH)
        loaders = {
            f"iterator_{use}__{option}": value
            for use in ("train", "valid")
            for option, value in loading(num_workers).items()
        }
        self.network = NeuralNetClassifier(
            Built,
            module__model=model,
            module__image_shape=images.shape[1:],
            module__num_classes=num_classes,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__betas=(0.9, 0.99),
            optimizer__weight_decay=0.1,
            lr=0.001,
            max_epochs=1,
            batch_size=BATCH,
            train_split=None,
            classes=list(range(num_classes)),
            callbacks=[LRScheduler("CosineAnnealingLR", T_max=300 * steps_per_epoch, step_every="batch")],
            iterator_train__shuffle=True,
            iterator_train__collate_fn=functools.partial(collate, training_transform(images.shape[-1])),
            iterator_valid__collate_fn=functools.partial(collate, evaluation_transform()),
            verbose=0,
            **loaders,
        )
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(self.images, labels)
        self.folds = itertools.cycle(list(folds))
        self.quality = np.full(len(labels), np.nan)

    def __call__(self):
        learned, judged = next(self.folds)
        network = clone(self.network).fit(self.images[learned], self.labels[learned])
        probabilities = network.predict_proba(self.images[judged])
        self.quality[judged] = get_label_quality_scores(self.labels[judged], probabilities)
