"""How far people agree beyond chance: Cohen's kappa of two of them, Fleiss' of more, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from easiness.analysis.tail_model import Interval
from easiness.lazy import Array, Floats, Integers

_DRAWS = 2_000
_TAILS = (2.5, 97.5)  # percent


class Kappa(NamedTuple):
    """How far people agree on ``num`` examples.

    ``agreement`` is the share of the pairs of answers to one example that are the same, in 0..1. ``kappa`` is
    what that is beyond chance, at most 1, or ``None`` where all answers are the same and chance alone would
    agree as well. Both have 95 % intervals. ``chance`` is the share that agrees by chance.
    """

    num: int
    agreement: Interval
    chance: float
    kappa: Interval | None


def kappa(answers: Integers, counts: Array | None = None, seed: int = 0) -> Kappa | None:
    """The agreement of two people or more, of whom each has answered all examples.

    For two people it is Cohen's kappa (1960), where each person has a distribution of answers; for more it is
    Fleiss' (1971), where all have one.

    The intervals are quantiles of the posterior over how often people answer in each of the ways that were
    seen (a Bayesian bootstrap, Rubin 1981), with an example more on which all agree, spread evenly over the
    categories, and half a one on which nobody does: where few examples are of a category, or all agree, what
    was seen alone would say too much.

    ``answers`` are categories [people, n], 0 or more, each ``counts`` [n] times, once by default; ``None``
    without examples.
    """
    num_people = len(answers)
    if not answers.size:
        return None
    categories, answers = np.unique(answers, return_inverse=True)
    ways = answers.reshape(num_people, -1)
    if counts is None:
        ways, counts = np.unique(ways, axis=1, return_counts=True)
    num = int(counts.sum())
    same = np.eye(len(categories))
    by_person = same[ways]  # [people, ways, categories]
    counts_by_way = by_person.sum(axis=0)
    pairs = (counts_by_way * (counts_by_way - 1)).sum(axis=1) / (num_people * (num_people - 1))
    agreement = np.concatenate([pairs, np.ones(len(categories)), [0]])
    if num_people > 2:
        by_person = by_person.mean(axis=0, keepdims=True)
    usual = np.average(by_person.mean(axis=0), axis=0, weights=counts)
    differ = usual * (1 - usual)  # how often two people give each answer where they differ by chance
    more = np.concatenate([same, [differ / differ.sum() if differ.any() else usual]])
    by_person = np.concatenate([by_person, np.broadcast_to(more, (len(by_person), *more.shape))], axis=1)
    prior = [*[1 / len(categories)] * len(categories), 0.5]
    draws = np.random.default_rng(seed).dirichlet([*counts, *prior], _DRAWS)
    exact = np.array([[*counts, *[0] * len(prior)]]) / num
    share = _with_range((exact @ agreement)[0], draws @ agreement)
    (chance,), chances = (_by_chance(weights, by_person) for weights in (exact, draws))
    if len(categories) == 1:
        return Kappa(num, share, float(chance), None)
    value, values = (share.value - chance) / (1 - chance), (draws @ agreement - chances) / (1 - chances)
    return Kappa(num, share, float(chance), _with_range(value, values))


def _with_range(value: float, draws: Floats) -> Interval:
    low, high = np.percentile(draws, _TAILS)
    return Interval(float(value), float(min(low, value)), float(max(high, value)))


def _by_chance(weights: Floats, by_person: Floats) -> Floats:
    """Agreement by chance where ways of answering occur as often as each row of ``weights`` [draws, ways]."""
    usual = weights @ by_person  # [people or 1, draws, categories]
    return np.asarray((usual[0] * usual[-1]).sum(axis=1))
