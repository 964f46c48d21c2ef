"""Heads for tables: gradient-boosted trees beside a logistic regression, weighed on examples left out.

Either may be far better on a table: trees where columns act by thresholds or together, the regression where
examples are few and classes lie on two sides of a plane. Every fourth example is kept from both. These stop
the trees and weigh the logarithms of both probabilities, which calibrates their sum, too. Then the regression
is fitted to all examples. Heads of smaller shares and of few examples are regressions alone: trees would take
as long as everything else.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Tensor

from easiness.heads.ridge import Rows
from easiness.lazy import Floats, Integers

Values = Floats
Positions = Integers

_EVERY = 4  # of which one is kept from both
_TREES = {"max_iter": 20, "learning_rate": 0.3, "max_leaf_nodes": 15, "min_samples_leaf": 10, "max_bins": 63}
_SHRINK = 5.0  # of the values of leaves, in examples: wrong labels weigh less
_FEWEST = 75  # examples for trees
_STEPS = 200  # of the regression at most
_WEIGHT, _MOST_WEIGHT = 0.5, 5.0  # of a member to begin with, and at most


@dataclass(frozen=True, eq=False)
class _Member:
    """A classifier fitted to ``num`` examples, up to a stage if it has ``stages``.

    One more example, of any class, is assumed: no class is impossible.
    """

    model: Any
    num: int
    num_classes: int
    stages: int | None = None

    def __call__(self, x: Values) -> Values:
        return next(self.by_stage(x) if self.stages is None else islice(self.by_stage(x), self.stages, None))

    def by_stage(self, x: Values) -> Iterator[Values]:
        predict = getattr(self.model, "staged_predict_proba", None)
        for probabilities in [self.model.predict_proba(x)] if predict is None else predict(x):
            p = np.zeros((len(x), self.num_classes))
            p[:, self.model.classes_] = probabilities
            yield np.log((self.num * p + 1 / self.num_classes) / (self.num + 1))


@dataclass(frozen=True, eq=False)
class BoostedHead:
    """Members' log probabilities times ``weights``, summed, of features less ``center`` over ``scale``."""

    members: Sequence[_Member]
    weights: Sequence[float]
    center: Values
    scale: Values

    def __call__(self, x: Tensor) -> Tensor:
        values = (x.cpu().double().numpy() - self.center) / self.scale
        logits = sum(weight * one(values) for one, weight in zip(self.members, self.weights, strict=True))
        return torch.from_numpy(np.asarray(logits, np.float32)).to(x.device)

    def state(self) -> dict[str, Tensor]:
        """Nothing: a file of trees would have to be unpickled."""
        return {}


def fit_boosted(
    rows: Sequence[Rows], positions: Positions, labels: Tensor, num_classes: int, trees: bool = True
) -> tuple[list[BoostedHead], float]:
    """A head for each kind of features, and their mean loss (nats) on examples left out.

    The order of ``positions`` [n] has the class shares of the whole in every beginning.
    """
    numbers = labels.cpu().numpy()
    fits = [_fit(one.take(positions).cpu().double().numpy(), numbers, num_classes, trees) for one in rows]
    return [head for head, _ in fits], float(np.mean([loss for _, loss in fits]))


def _fit(x: Values, labels: Positions, num_classes: int, trees: bool) -> tuple[BoostedHead, float]:
    center, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    x = (x - center) / scale
    left_out = np.arange(len(x)) % _EVERY == _EVERY - 1
    left_out[-1] |= not left_out.any()
    own = np.arange(int(left_out.sum())), labels[left_out]
    with _threads().limit(limits=1), warnings.catch_warnings():  # the same bits on any number of cores
        warnings.simplefilter("ignore")  # a regression may not converge
        members, log_p = [], []
        for model in _models(labels[~left_out], trees):
            one = _Member(model.fit(x[~left_out], labels[~left_out]), int((~left_out).sum()), num_classes)
            stages = list(one.by_stage(x[left_out]))
            best = int(np.argmax([stage[own].sum() for stage in stages]))
            log_p.append(stages[best])
            members.append(_Member(model, one.num, num_classes, best))
        weights, loss = _weigh(np.stack(log_p), labels[left_out])
        members[0] = _Member(members[0].model.fit(x, labels), len(x), num_classes)
    return BoostedHead(members, weights, center, scale), loss


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # making it takes as long as growing a tree


def _models(labels: Positions, trees: bool) -> list[Any]:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    if (labels == labels[0]).all():
        return [DummyClassifier()]
    linear = LogisticRegression(max_iter=_STEPS, tol=1e-3)
    if not trees or len(labels) < _FEWEST:
        return [linear]
    return [
        linear,
        HistGradientBoostingClassifier(
            **_TREES, l2_regularization=_SHRINK, early_stopping=False, random_state=0
        ),
    ]


def _weigh(log_p: Values, labels: Positions) -> tuple[list[float], float]:
    """The weights of the log probabilities [members, n, C] that make labels [n] most probable, and the loss.

    Targets are short of 1 as in `temperature_of`: if all are right, the next one is not yet certain.
    """
    num, num_classes = log_p.shape[1:]
    short = 1 / (num + 1)
    target = np.full((num, num_classes), short / num_classes)
    target[np.arange(num), labels] += 1 - short

    def loss(weights: Values) -> tuple[float, Values]:
        log_share = log_softmax(np.tensordot(weights, log_p, 1), axis=1)
        slope: Values = ((np.exp(log_share) - target) * log_p).sum(axis=(1, 2))
        return -float((target * log_share).sum()), slope

    bounds = [(0, _MOST_WEIGHT)] * len(log_p)
    optimum = minimize(loss, np.full(len(log_p), _WEIGHT), jac=True, bounds=bounds, method="L-BFGS-B")
    return optimum.x.tolist(), float(optimum.fun) / max(num, 1)
