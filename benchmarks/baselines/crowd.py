"""Labels from votes as others make them, with the settings that their documentation shows.

Majority, with ties broken at random; Dawid-Skene and GLAD of crowd-kit, of 100 iterations; CROWDLAB
of cleanlab with a model's probabilities out of sample, and its ActiveLab scores. Without a model cleanlab has
the majority alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

ITERATIONS = 100


class Votes(NamedTuple):
    """A row each [n] of ``item``, ``by`` and ``label``, of K items, J people and C classes: ``shape``."""

    item: np.ndarray
    by: np.ndarray
    label: np.ndarray
    shape: tuple[int, int, int]
    heads: np.ndarray | None  # [K, C]
    seed: int

    def counts(self):
        counts = np.zeros((self.shape[0], self.shape[2]))
        np.add.at(counts, (self.item, self.label), 1)
        return counts

    def agreement(self, label):
        """How often each person [J] says the ``label`` [K]."""
        same = np.bincount(self.by, self.label == label[self.item], self.shape[1])
        return same / np.maximum(np.bincount(self.by, minlength=self.shape[1]), 1)


def majority(votes):
    counts = votes.counts()
    label = (counts + np.random.default_rng(votes.seed).random(counts.shape) / 2).argmax(axis=1)
    p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {"label": label, "p": p, "quality": votes.agreement(label)}


def of_crowd_kit(model, votes):
    data = pd.DataFrame({"task": votes.item, "worker": votes.by, "label": votes.label})
    model.fit(data)
    num_items, _, num_classes = votes.shape
    p = model.probas_.reindex(index=range(num_items), columns=range(num_classes)).to_numpy(float)
    p = np.where(np.isnan(p).all(axis=1, keepdims=True), 1 / num_classes, np.nan_to_num(p))
    return {"label": p.argmax(axis=1), "p": p}


def dawid_skene(votes):
    from crowdkit.aggregation import DawidSkene

    model = DawidSkene(n_iter=ITERATIONS)
    told = of_crowd_kit(model, votes)
    errors, quality = (
        model.errors_,
        np.zeros(votes.shape[1]),
    )  # rows (worker, label said), a column each truth
    for by, label in errors.index:
        if label in errors.columns:
            quality[by] += errors.loc[(by, label), label] * model.priors_[label]
    return {**told, "quality": quality}


def glad(votes):
    from crowdkit.aggregation import GLAD

    model = GLAD(n_iter=ITERATIONS)
    told = of_crowd_kit(model, votes)
    return {**told, "quality": model.alphas_.reindex(range(votes.shape[1])).to_numpy()}


def crowdlab(votes):
    from cleanlab.multiannotator import get_active_learning_scores, get_label_quality_multiannotator

    wide = np.full(votes.shape[:2], np.nan)
    wide[votes.item, votes.by] = votes.label
    told = get_label_quality_multiannotator(pd.DataFrame(wide), votes.heads, verbose=False)
    label = told["label_quality"]["consensus_label"].to_numpy()
    sure = told["label_quality"]["consensus_quality_score"].to_numpy()
    p = np.repeat((1 - sure)[:, None] / (votes.shape[2] - 1), votes.shape[2], axis=1)
    p[np.arange(len(p)), label] = sure
    quality = told["annotator_stats"]["annotator_quality"].reindex(range(votes.shape[1])).to_numpy()
    order, _ = get_active_learning_scores(pd.DataFrame(wide), votes.heads)
    return {"label": label, "p": p, "quality": quality, "order": order}


def fitted(votes):
    """What each method says: ``label`` [K], ``p`` [K, C], ``quality`` [J], CROWDLAB's ``order`` [K].

    CROWDLAB alone where there is a model, and all the others where there is none.
    """
    alone = {"majority": majority, "Dawid-Skene": dawid_skene, "GLAD": glad}
    made = {"CROWDLAB": crowdlab} if votes.heads is not None else alone
    return {f"{name}/{key}": one for name, make in made.items() for key, one in make(votes).items()}
