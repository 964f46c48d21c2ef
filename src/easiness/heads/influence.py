"""The effect of each training example of ridge heads on their outputs, in closed form.

A head weighs the classes y of its n training examples: ``f(x) = sum_i k(x, i) y_i``, where ``k(x, i)`` is
``1/n + (x - mean)^T (Z^T Z + s I)^-1 z_i`` and ``z_i`` is ``x_i - mean``. Without example i it is
``f(x) - k(x, i) e_i``, with the error ``e_i = (y_i - f(x_i)) / (1 - k(x_i, i))`` on it left out (Sherman and
Morrison 1950; PRESS, Allen 1974). The mean, which changes too, is the weight of a column of ones, not shrunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from easiness.errors import BadInput
from easiness.heads.ridge import STRENGTHS, Rows
from easiness.heads.trial import StoredHeads
from easiness.lazy import Floats, Integers, Reals


class Influence(NamedTuple):
    """The effects of n training examples on the outputs of heads on m others, in logits.

    ``outputs`` [m, C] on the others, ``left_out`` [n, C] on each training example without it. ``weights``
    [m, n]: how much more the output of its class is by an example. ``pulls`` [m, n]: how much less one output
    would be ahead of another without it. ``members`` [n] are their rows, ``labels`` [n] their classes.
    """

    members: Integers
    labels: Integers
    outputs: Floats
    left_out: Floats
    weights: Floats
    pulls: Floats

    def mend(self, other: int, goal: int) -> tuple[int, int]:
        """The one training example, and its other class, that put ``goal`` most ahead on one of the others.

        A label may change to what is likeliest without its example. It is -1 and -1 where ``goal`` has the
        largest output already, or would have it by no single change.
        """
        to = self.left_out.argmax(axis=1)
        at = np.flatnonzero(to != self.labels)
        outputs, rows = np.repeat(self.outputs[[other]], len(at) + 1, axis=0), np.arange(len(at))
        outputs[rows, to[at]] += self.weights[other, at]
        outputs[rows, self.labels[at]] -= self.weights[other, at]
        ahead = outputs[:, goal] - np.delete(outputs, goal, axis=1).max(axis=1)
        best = int(ahead.argmax())
        if ahead[-1] > 0 or ahead[best] <= 0:
            return -1, -1
        return int(self.members[at[best]]), int(to[at[best]])


def influence_of(
    heads: StoredHeads,
    vectors: Sequence[Reals],
    labels: Integers,
    members: Integers,
    others: Integers,
    toward: Integers,
) -> Influence:
    """The exact influence of all training examples of ridge heads on others, in double precision.

    ``members`` [n], the training examples, and ``others`` [m] are rows of the ``vectors`` of each kind of
    features and of ``labels``. Pulls are to the classes ``toward`` [m], from the label. Heads without an
    example, or with another label of it, are fitted at the same strength of the penalty, scale of columns and
    temperature, which follow from the weights; `BadInput` where these are of no fit to the examples.
    """
    classes, away, parts = labels[members], labels[others], []
    for head, own, center, scale in zip(heads.heads.heads, vectors, heads.centers, heads.scales, strict=True):
        rows = Rows(own, center.device, center, scale)
        x, there = rows.take(members).double(), rows.take(others)
        temper = head.bias.double().sum()  # outputs sum to one before a temperature
        y = one_hot(torch.from_numpy(classes), len(head.bias)) * temper
        mean, targets = x.mean(dim=0), y - y.mean(dim=0)
        columns, strength = _columns_and_strength(x - mean, targets, head.weight.double())
        z, apart = (x - mean) * columns, (there.double() - mean) * columns
        if len(z) < z.shape[1]:  # what lies beside the span of the examples says nothing of them
            span, inside = torch.linalg.qr(z.T)
            z, apart = inside.T, apart @ span
        root = torch.linalg.cholesky(z.T @ z + strength * torch.eye(z.shape[1], dtype=z.dtype))
        half = torch.linalg.solve_triangular(root, z.T, upper=False)
        weights = 1 / len(z) + torch.linalg.solve_triangular(root, apart.T, upper=False).T @ half
        rest = 1 - 1 / len(z) - half.square().sum(dim=0)
        errors = (targets - half.T @ (half @ targets)) / rest[:, None]
        outputs, stored = weights @ y, head(there).double()
        if not (outputs - stored).abs().max() <= stored.abs().max() / 100:  # single precision is nearer
            raise BadInput("weights: are of no ridge heads on these features; restore the run from a copy")
        pulls = weights * (errors[:, toward] - errors[:, away]).T
        parts.append([one.numpy() for one in (outputs, y - errors, weights * temper, pulls)])
    return Influence(members, classes, *(np.sum(one, axis=0) for one in zip(*parts, strict=True)))


def _columns_and_strength(z: Tensor, targets: Tensor, weight: Tensor) -> tuple[Tensor, float]:
    """The factors of the columns of ``z`` [n, D], and the strength, by the normal equations."""
    deviation, left, fits = z.square().mean(dim=0).sqrt(), z.T @ (targets - z @ weight), []
    for columns in torch.ones_like(deviation), torch.where(deviation > 0, 1 / deviation, 0):
        scale = max(float((z * columns).square().sum()) / min(z.shape), 1e-12)
        right = torch.where(columns > 0, columns**-2, 0)[:, None] * weight
        fits += [(float((left - scale * one * right).norm()), columns, scale * one) for one in STRENGTHS]
    return min(fits, key=lambda one: one[0])[1:]
