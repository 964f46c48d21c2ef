"""Labels of which it is known which are wrong, lists of suspects of all kinds, and many audits of them."""

from __future__ import annotations

import numpy as np

from easiness.analysis import Strata, most_wrong, wrong_in_strata

KINDS = ("calibrated", "overconfident", "people", "useless", "inverted")
"""The worth of p_wrong: right; three times too sure; half of the wrong labels overlooked and some sound ones
suspected; nothing, in the same distribution; the most suspicious ones last."""

SHARPNESS = 0.3  # of a beta distribution: most labels are surely right or surely wrong


def world(kind, num_wrong, num, rng):
    """p_wrong [num], falling, and which labels are wrong, exactly ``num_wrong`` of them."""
    mean = max(num_wrong, 0.4) / num
    if kind == "people":
        wrong = np.arange(num) < num_wrong
        overlooked = rng.beta(1.8 * mean, 3, num)
        seen = np.where(rng.random(num) < 0.5, overlooked, rng.beta(5, 1.5, num))
        suspected = np.where(
            rng.random(num) < 0.03, rng.beta(0.5, 0.5, num), rng.beta(0.9 * mean + 0.01, 3, num)
        )
        p = np.where(wrong, seen, suspected)
    else:
        p = rng.beta(SHARPNESS * mean, SHARPNESS * (1 - mean), num).clip(1e-12, 1 - 1e-12)
        wrong = np.zeros(num, np.bool_)
        wrong[np.argsort(rng.exponential(size=num) * (1 - p) / p)[:num_wrong]] = True
        if kind == "useless":
            rng.shuffle(wrong)
        if kind == "inverted":
            p[np.argsort(p)] = np.sort(p)[::-1].copy()
        if kind == "overconfident":
            odds = (p / (1 - p)) ** 3
            p = odds / (1 + odds)
    order = np.argsort(-p, kind="stable")
    return p[order], wrong[order]


def counts(strata: Strata, looks, wrong, times, rng):
    """How many wrong labels are seen in each stratum, in so many draws [times, H]."""
    parts = np.split(wrong, strata.ends[:-1])
    return np.stack(
        [
            rng.hypergeometric(part.sum(), len(part) - part.sum(), num, times)
            for part, num in zip(parts, looks, strict=True)
        ],
        axis=1,
    )


def intervals(sizes, looks, seen, confidence=0.975):
    """Estimate, lower and upper bound [3, times] of counts seen [times, H]."""
    some, which = np.unique(seen, axis=0, return_inverse=True)
    total = sum(sizes)
    found = [
        (
            wrong_in_strata(sizes, looks, one),
            total - most_wrong(sizes, looks, np.subtract(looks, one), confidence),
            most_wrong(sizes, looks, one, confidence),
        )
        for one in some
    ]
    return np.array(found, np.float64)[which.ravel()].T


def at_random(p_wrong):
    """One stratum: an audit by simple random draws."""
    return Strata(np.array([len(p_wrong)]), np.ones(1), p_wrong.mean(keepdims=True))
