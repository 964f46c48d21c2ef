"""Keeping more and more of what is easy, the fewer are kept: the Beta sampling of DUAL (Cho et al. 2025)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from easiness.analysis.draw import as_numbers, check_seed, num_drawn, of_length, quotas
from easiness.analysis.tiebreak import id_keys, tie_order
from easiness.errors import BadInput

EXPONENT = 4.0
"""c_D, as in the authors' code: the higher, the later the density moves to easy examples."""

CONCENTRATION = 15.0
"""C of the paper."""

ANCHORS = 10
"""Of so many of the most important examples the mean prediction decides where the density starts from."""

_STREAM = 0x6475616C  # keeps these random numbers apart from others of the same seed
_CLOSEST = 1e-6  # to 0 or 1 that a mean prediction counts as, so that every density is finite


def beta_parameters(rate: float, anchor: float, exponent: float = EXPONENT) -> tuple[float, float]:
    """The parameters a, b of the density, where ``rate`` of the examples are dropped.

    b = C (1 - anchor) (1 - rate^exponent) and a = C + 1 - b, C = 15 (Cho et al. 2025, arXiv 2502.06905;
    the 1 is that of their code). The mean a / (a + b) rises from near ``anchor``, the mean
    prediction of the most important examples, towards 1 as more are dropped: then easier ones are kept.
    """
    b = CONCENTRATION * (1 - anchor) * (1 - rate**exponent)
    return CONCENTRATION + 1 - b, b


def draw_by_beta(
    importance: npt.ArrayLike,
    prediction: npt.ArrayLike,
    rate: float,
    *,
    ids: npt.ArrayLike,
    exponent: float = EXPONENT,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the ``round(rate * K)`` of K examples that Beta sampling does not keep.

    Those kept are drawn one after another without replacement, each in proportion to its importance times
    the density of Beta(a, b) at its mean prediction, see `beta_parameters`. What has an importance of 0 is
    kept only where nothing else is left. The choice depends on ids and ``seed``, not on the order of the
    examples.

    Args:
        importance: one number per example [K], high = to keep. Where some are negative the least is
            taken from all; infinities count as the nearest finite value.
        prediction: mean probability of the label over epochs [K], in [0, 1].
        rate: share of the examples to drop, in [0, 1).
        ids: ids of the examples [K], distinct integers or texts.
        exponent: how early the density moves to easy examples, above 0: the later the higher.
        seed: of the draws, 0 or above.
        labels: classes of the examples [K]. Where given, the draw is made within each class, which loses
            the same share as far as whole examples allow; the density is that of all.

    Raises:
        BadInput: an argument out of range, lengths that differ, or NaN among the numbers.
    """
    weights = _weights(as_numbers(importance))
    check_seed(seed)
    num = num_drawn(rate, len(weights))
    p = as_numbers(of_length(prediction, len(weights), "prediction"))
    if p.min() < 0 or p.max() > 1:
        raise BadInput("prediction: not all in [0, 1]; give mean probabilities of the label")
    if not 0 < exponent < math.inf:
        raise BadInput(f"exponent {exponent:g}: give a positive number such as {EXPONENT:g}")
    keys = id_keys(of_length(ids, len(weights), "ids"))
    p = np.clip(p, _CLOSEST, 1 - _CLOSEST)
    most = np.lexsort((tie_order(keys, seed), -weights))[:ANCHORS]
    a, b = beta_parameters(rate, math.fsum(p[most]) / len(most), exponent)
    with np.errstate(divide="ignore"):
        weight = np.log(weights) + (a - 1) * np.log(p) + (b - 1) * np.log1p(-p)
    stream = np.random.SeedSequence(seed, spawn_key=(_STREAM,)).generate_state(1, np.uint64)[0]
    # successive draws are the largest of log weight plus Gumbel noise (Yellott 1977), here of each id
    uniform = ((tie_order(keys, int(stream)) >> np.uint64(12)).astype(np.float64) + 0.5) / 2**52
    gumbel = -np.log(-np.log(uniform))
    last = np.lexsort((gumbel, weight + gumbel))  # the last to be drawn first
    if labels is None:
        return np.sort(last[:num])
    classes = of_length(labels, len(weights), "labels")
    _, own, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    shares = quotas(rate, num, sizes, np.random.default_rng(np.random.SeedSequence(seed)))
    return np.sort(np.concatenate([last[own[last] == label][:share] for label, share in enumerate(shares)]))


def _weights(importance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The importance as weights of 0 and above, the largest 1; all 1 where none differs from 0."""
    finite = importance[np.isfinite(importance)]
    if len(finite) == 0:
        return np.where(importance > 0, 1.0, 0.0) if (importance > 0).any() else np.ones(len(importance))
    w = np.clip(importance, finite.min(), finite.max()) / 2  # halves, whose difference cannot overflow
    w = w - min(w.min(), 0)
    return w / w.max() if w.max() > 0 else np.ones(len(w))
