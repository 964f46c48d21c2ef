"""Examples with tags whose truth is known: scenes of digits, questions joined in pairs, and simulated heads.

Scenes are two to four of scikit-learn's digits in one picture, of 6 to 12 pixels each, some rarer than
others; pairs are two of TREC's questions in one text, with both topics as tags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from kit.science import features_of

SCENES, HALF, SIZES = 4000, 12, (6, 8, 10, 12)  # pictures, pixels of half a side, and of digits
PICTURES = 150  # of digits that scenes do not have, in each of the sizes
MISSING, ADDED = 0.1, 0.02  # at random
FORGOTTEN, MADE_UP = 0.12, 0.003  # as people do
BY_SIZE, BY_RATE = 1.0, 0.7  # log odds that a tag is forgotten: a standard deviation smaller, rarer
KINDS = ("clean", "random", "people")


class Cell(NamedTuple):
    """Features ``x`` [K, D], and which tags are there [K, T] and how large they are [K, T], 0 where not."""

    x: np.ndarray
    truth: np.ndarray
    size: np.ndarray

    def labels(self, kind, seed):
        """The tags that are given [K, T], 0 or 1, of which some are wrong."""
        there, lots = self.truth == 1, np.random.default_rng([seed, 4]).random(self.truth.shape)
        if kind == "clean":
            return self.truth
        if kind == "random":
            return np.where(there, lots >= MISSING, lots < ADDED).astype(int)
        size, rate = self.size[there], np.log(self.truth.mean(axis=0))
        odds = -BY_SIZE * (self.size - size.mean()) / size.std() - BY_RATE * (rate - rate.mean()) / rate.std()
        level = brentq(lambda one: expit(one + odds)[there].mean() - FORGOTTEN, -20, 20)
        return np.where(there, lots >= expit(level + odds), lots < MADE_UP).astype(int)


def resized(picture, side):
    from PIL import Image

    return np.asarray(Image.fromarray(picture.astype(np.uint8)).resize((side, side), 2), float)  # bilinear


def scenes(seed):
    """Scenes, and as features how well other digits match them, in each size and where they do best."""
    from sklearn.datasets import load_digits

    digits, draw = load_digits(), np.random.default_rng([seed, 1])
    pictures, half = digits.images * 255 / 16, len(digits.target) // 2
    own, others = np.split(draw.permutation(len(digits.target)), [half])
    of = [own[digits.target[own] == digit] for digit in range(10)]
    rates = (1.0 + draw.permutation(10)) ** -0.8
    canvas = np.zeros((SCENES, 2 * HALF, 2 * HALF), np.float32)
    truth, size = np.zeros((2, SCENES, 10), int)
    for row, scene in enumerate(canvas):
        num = draw.integers(2, 5)
        here = draw.choice(10, num, replace=False, p=rates / rates.sum())
        for digit, corner in zip(here, draw.permutation(4)[:num], strict=True):
            side = draw.integers(SIZES[0], SIZES[-1] + 1)
            top, left = draw.integers(0, HALF - side + 1, 2) + HALF * np.array(divmod(corner, 2))
            scene[top : top + side, left : left + side] = resized(pictures[draw.choice(of[digit])], side)
            truth[row, digit], size[row, digit] = 1, side
    draw = np.random.default_rng([seed, 2])
    x = [match(canvas, pictures[draw.choice(others, PICTURES, replace=False)], side) for side in SIZES]
    return Cell(np.concatenate(x, axis=1), truth, size)


def match(canvas, pictures, side):
    """The cube of the best correlation [K, n] of pictures in a size with any place in scenes [K, H, W]."""
    small = apart(np.stack([resized(one, side) for one in pictures]), side)
    best = np.zeros((len(canvas), len(small)), np.float32)
    for at in range(0, len(canvas), 64):
        places = np.lib.stride_tricks.sliding_window_view(canvas[at : at + 64], (side, side), axis=(1, 2))
        found = apart(places, side, 50) @ small.T  # empty places match nothing
        best[at : at + 64] = found.reshape(len(places), -1, len(small)).max(axis=1)
    return best**3


def apart(pictures, side, more=0):
    """Pictures as vectors of length 1 about their means, or shorter where they have little in them."""
    flat = pictures.reshape(-1, side * side).astype(np.float32)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / (np.linalg.norm(flat, axis=1, keepdims=True) + more)


def pairs(data, runs, seed):
    """Pairs of TREC's questions, and hashed features of their texts; long questions are large."""
    from easiness import load_dataset

    table = pd.read_csv(data / "train.csv").drop_duplicates("text")
    order = np.random.default_rng([seed, 3]).permutation(len(table) // 2 * 2).reshape(-1, 2)
    topics = np.unique(table["label"], return_inverse=True)[1][order]
    text = table["text"].to_numpy()[order]
    truth, size = np.zeros((2, len(order), topics.max() + 1), int)
    for topic, one in zip(topics.T, text.T, strict=True):
        rows = np.arange(len(order)), topic
        truth[rows], size[rows] = 1, np.maximum(size[rows], [len(words) for words in one])
    file = runs / f"pairs, seed {seed}.csv"
    pd.DataFrame({"text": [" ".join(one) for one in text], "label": topics[:, 0]}).to_csv(file, index=False)
    x, _ = features_of(load_dataset(file, text="text", label="label"), "hashed", runs)
    return Cell(x, truth, size)


class Shape(NamedTuple):
    """Tags of shares from and to, rates that ``differ`` in log odds, and how far ``apart`` heads' scores are.

    ``hard`` is the part of examples of which heads know little, ``tail`` the degrees of freedom of scores,
    ``fade`` how much more people forget what is a standard deviation less visible.
    """

    num: int = 3000
    tags: int = 10
    shares: tuple[float, float] = (0.05, 0.5)
    missing: float = 0.1
    added: float = 0.02
    differ: float = 0.3
    apart: float = 3.0
    hard: float = 0.0
    tail: float = np.inf
    fade: float = 0.0


SHAPES = {
    "clean": Shape(missing=0, added=0),
    "one rate": Shape(differ=0),
    "rates differ": Shape(tags=20, shares=(0.01, 0.5), missing=0.12, added=0.01, differ=0.7),
    "three tags": Shape(num=2000, tags=3, shares=(0.1, 0.4), differ=0.5),
    "80 tags": Shape(num=2000, tags=80, shares=(0.005, 0.3), missing=0.15, added=0.005, differ=0.5),
    "20 in 10,000": Shape(num=10_000, shares=(0.002, 0.1), missing=0.15, added=0.001),
    "two groups": Shape(hard=0.25),
    "heavy tails": Shape(tail=4),
    "heads know little": Shape(apart=1.5),
    "by visibility": Shape(missing=0.12, added=0.005, differ=0.5, fade=1.0),
}


def simulated(shape, seed):
    """Log odds, labels and truth [K, T]; the odds are those of labels at a score, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    draw, size, (low, high) = np.random.default_rng([seed, 7]), (shape.num, shape.tags), shape.shares
    truth = (draw.random(size) < np.geomspace(low, high, shape.tags)).astype(int)
    apart = shape.apart * np.exp(0.15 * draw.normal(size=shape.tags))
    apart = apart * np.where(draw.random((shape.num, 1)) < shape.hard, 0.3, 1.2 if shape.hard else 1.0)
    visible, score = draw.normal(size=(2, *size))
    if np.isfinite(shape.tail):
        score /= np.sqrt(draw.chisquare(shape.tail, size) / (shape.tail - 2))
    score += (truth - 0.5) * apart + 0.7 * bool(shape.fade) * truth * visible
    by_tag, lots = shape.differ * draw.normal(size=(2, shape.tags)), draw.random(size)
    missing, added = logit(np.maximum([shape.missing, shape.added], 1e-9))
    forgets, adds = expit(missing + by_tag[0] - shape.fade * visible), expit(added + by_tag[1])
    labels = np.where(truth == 1, lots >= forgets, lots < adds).astype(int)
    log_odds = np.zeros(size)
    for tag, own in enumerate(score.T[:, :, None]):
        log_odds[:, tag] = LogisticRegression().fit(own, labels[:, tag]).decision_function(own)
    return log_odds, labels, truth
