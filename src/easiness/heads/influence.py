"""The effect of each training example of ridge heads on their outputs, in closed form.

A head weighs the classes y of its n training examples: ``f(x) = sum_i k(x, i) y_i``, where ``k(x, i)`` is
``1/n + (x - mean)^T (Z^T Z + s I)^-1 z_i`` and ``z_i`` is ``x_i - mean``. Without example i it is
``f(x) - k(x, i) e_i``, with the error ``e_i = (y_i - f(x_i)) / (1 - k(x_i, i))`` on it left out (Sherman and
Morrison 1950; PRESS, Allen 1974). The mean, which changes too, is the weight of a column of ones, not shrunk.
Tags are regressed alike, and what nobody says of one is the mean of what is said of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from easiness.errors import BadInput
from easiness.heads.ridge import STRENGTHS, Rows, targets_of
from easiness.heads.trial import StoredHeads, with_means
from easiness.lazy import Floats, Integers, Reals


class Influence(NamedTuple):
    """The effects of n training examples on the outputs of heads on m others, in logits.

    ``outputs`` [m, C] on the others, ``left_out`` [n, C] on each training example without it. ``weights``
    [m, n]: how much more the output of its class is by an example. ``pulls`` [m, n]: how much less one output
    would be ahead of another without it. ``members`` [n] are their rows, ``labels`` [n] their classes, or
    [n, C] values of tags.
    """

    members: Integers
    labels: Integers | Reals
    outputs: Floats
    left_out: Floats
    weights: Floats
    pulls: Floats

    def of_tag(self, other: int, tag: int) -> Influence:
        """The same for one of the others, and those of which the ``tag`` is known: absent and present."""
        known, states = np.flatnonzero(np.isfinite(self.labels[:, tag])), np.array([-0.5, 0.5])
        return Influence(
            self.members[known],
            self.labels[known, tag].astype(np.int64),
            self.outputs[[other], tag, None] * states,
            self.left_out[known, tag, None] * states,
            self.weights[[other]][:, known] / 2,
            self.pulls[[other]][:, known],
        )

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
    labels: Integers | Reals,
    members: Integers,
    others: Integers,
    toward: Integers,
    tags: Integers | None = None,
) -> Influence:
    """The exact influence of all training examples of ridge heads on others, in double precision.

    ``members`` [n], the training examples, and ``others`` [m] are rows of the ``vectors`` of each kind of
    features and of ``labels``. Pulls are to the classes ``toward`` [m], from the label. With values of tags
    [K, C], NaN where nobody says, they are to states of one of the ``tags`` [m] each, from the other. Heads
    without an example, or with another label of it, are fitted at the same strength of the penalty, scale of
    columns and temperature, which follow from the weights, and of tags at the same means for what nobody
    says; `BadInput` where these are of no fit to the examples.
    """
    values, parts = torch.from_numpy(with_means(labels)[members]), []
    one_of, which = np.eye(len(heads.heads.heads[0].bias)), toward if tags is None else tags
    beside = one_of[labels[others]] if tags is None else one_of[tags] * 2 * (1 - toward[:, None])
    ahead = torch.from_numpy(one_of[which] - beside)
    for head, kind, center, scale in zip(
        heads.heads.heads, vectors, heads.centers, heads.scales, strict=True
    ):
        rows = Rows(kind, center.device, center, scale)
        x, there = rows.take(members).double(), rows.take(others)
        mean, weight, y = x.mean(dim=0), head.weight.double(), targets_of(values, len(head.bias)).double()
        # outputs of classes sum to one before a temperature
        factor = head.bias.double().sum().expand(len(head.bias)) if tags is None else None
        columns, strength, factor = _penalty(x - mean, y - y.mean(dim=0), weight, factor)
        y = y * factor
        targets, beyond = y - y.mean(dim=0), 0 if tags is None else head.bias + mean @ weight - y.mean(dim=0)
        z, apart = (x - mean) * columns, (there.double() - mean) * columns
        if len(z) < z.shape[1]:  # what lies beside the span of the examples says nothing of them
            span, inside = torch.linalg.qr(z.T)
            z, apart = inside.T, apart @ span
        root = torch.linalg.cholesky(z.T @ z + strength * torch.eye(z.shape[1], dtype=z.dtype))
        half = torch.linalg.solve_triangular(root, z.T, upper=False)
        weights = 1 / len(z) + torch.linalg.solve_triangular(root, apart.T, upper=False).T @ half
        rest = 1 - 1 / len(z) - half.square().sum(dim=0)
        errors = (targets - half.T @ (half @ targets)) / rest[:, None]
        outputs, stored = weights @ y + beyond, head(there).double()
        if not (outputs - stored).abs().max() <= stored.abs().max() / 100:  # single precision is nearer
            raise BadInput("weights: are of no ridge heads on these features; restore the run from a copy")
        own = outputs, y - errors + beyond, weights * factor[which, None], weights * (ahead @ errors.T)
        parts.append([one.numpy() for one in own])
    return Influence(members, labels[members], *(np.sum(one, axis=0) for one in zip(*parts, strict=True)))


def _penalty(
    z: Tensor, targets: Tensor, weight: Tensor, factor: Tensor | None
) -> tuple[Tensor, float, Tensor]:
    """The factors of the columns of ``z`` [n, D], the strength and factors of outputs, by normal equations.

    Where the ``factor`` of each output is not known it is that which leaves least over.
    """
    deviation, fits = z.square().mean(dim=0).sqrt(), []
    cross, left = z.T @ targets, z.T @ (z @ weight)
    for columns in torch.ones_like(deviation), torch.where(deviation > 0, 1 / deviation, 0):
        scale = max(float((z * columns).square().sum()) / min(z.shape), 1e-12)
        right = torch.where(columns > 0, columns**-2, 0)[:, None] * weight
        for strength in (scale * one for one in STRENGTHS):
            side = left + strength * right
            own = (side * cross).sum(dim=0) / cross.square().sum(dim=0).clamp(min=1e-300)
            own = own if factor is None else factor
            fits.append((float((side - own * cross).norm()), columns, strength, own))
    return min(fits, key=lambda one: one[0])[1:]
