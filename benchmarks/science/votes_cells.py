"""Cells of votes with truth: people, language models and simulated people, each asked a few times an item."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from baselines.crowd import Votes, majority
from kit.science import features_of, in_folds

NUM_VOTES, SEEDS = (2, 3, 5, 10), (0, 1, 2)
EXPERIMENTS = ("sketch", "silhouette", "stylized")
MODELS, KEYS_WRONG = (3, 5, 10), (0.02, 0.1)
TRUE = "the right answer"  # in the place of all texts of it
SKILLED, LAZY, MIXED = 0.9, 0.65, 0.5
HARD = 0.1  # of items
RUN = ", run"  # ends the names of cells with one


@dataclass(frozen=True, eq=False)
class Cell:
    """What each of J people would say of K items, and in which order they are asked.

    Attributes:
        said: a class [K, J], -1 where there is no answer.
        order: people [K, J]; those who have no answer come last.
        votes: how many of them were asked of each item.
        truth: a class [K].
        key: what the data say now [K], or None.
        heads: probabilities out of sample [K, C] of a model that learned from the majority's labels, or None.
        independent: do people err each on their own?
    """

    name: str
    seed: int
    votes: int
    said: np.ndarray
    order: np.ndarray
    truth: np.ndarray
    num_classes: int
    key: Any = None
    heads: np.ndarray | None = None
    independent: bool = False

    def without_run(self):
        return replace(self, name=self.name.removesuffix(RUN), heads=None)

    @property
    def shape(self):
        return (*self.said.shape, self.num_classes)

    def asked(self, more=0):
        """Positions of items and people, and classes, of all votes, with so many ``more`` of each item."""
        num = np.broadcast_to(self.votes + np.asarray(more), len(self.said))
        item, place = np.nonzero(np.arange(self.said.shape[1]) < num[:, None])
        by = self.order[item, place]
        label = self.said[item, by]
        there = label >= 0
        return item[there], by[there], label[there]

    def for_field(self, more=0, with_key=False):
        """All votes. Where there is a key, an item's answers have numbers at random, and it may be a vote."""
        if self.key is None:
            item, by, label = self.asked(more)
            return Votes(item, by, label, self.shape, self.heads, self.seed)
        every = np.column_stack([self.said, self.key])
        number = (every[:, :, None] == self.answers()[:, None]).argmax(axis=2)
        some = number if with_key else number[:, :-1]
        item, by = np.indices(some.shape).reshape(2, -1)
        return Votes(item, by, some.ravel(), (*some.shape, number.shape[1]), None, self.seed)

    def answers(self):
        """The answers to each item [K, J + 1] in an order at random, -1 where there are fewer."""
        draw = np.random.default_rng([self.seed, 1])
        every = np.sort(np.column_stack([self.said, self.key]), axis=1)
        every[:, 1:][every[:, 1:] == every[:, :-1]] = -1
        return draw.permuted(every, axis=1)

    def on_one_other(self):
        """The share of voices [K] on the most frequent answer that is not the key."""
        same = (self.said[:, :, None] == self.said[:, None]).sum(axis=2)
        return np.where(self.said == self.key[:, None], 0, same).max(axis=1) / self.said.shape[1]

    def quality(self):
        """How often each person [J] is right in all that they said."""
        there = self.said >= 0
        return ((self.said == self.truth[:, None]) & there).sum(axis=0) / np.maximum(there.sum(axis=0), 1)


def order_of(said, draw):
    return np.argsort(draw.random(said.shape) + (said < 0), axis=1)


def people(folder, seed):
    table = pd.read_csv(folder / "people" / "model-vs-human.csv")
    for name in EXPERIMENTS:
        rows = table[table["experiment"] == name]
        wide = rows.pivot(index="item", columns="by", values="label")
        classes = sorted(rows["truth"].unique())  # "na" is none of them
        said = np.stack([pd.Index(classes).get_indexer(wide[by]) for by in wide], axis=1)
        truth = pd.Index(classes).get_indexer(rows.groupby("item")["truth"].first()[wide.index])
        order = order_of(said, np.random.default_rng([seed, EXPERIMENTS.index(name)]))
        for num in sorted({min(num, said.shape[1]) for num in NUM_VOTES}):
            yield Cell(f"{name}, {num} votes", seed, num, said, order, truth, len(classes))


def as_value(text):
    """A text that is the same for answers that differ in spaces and quotation marks alone."""
    try:
        return repr(ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError):
        return text.strip()


def models(folder, seed):
    table = pd.read_csv(folder / "outcomes" / "cruxeval-output.csv.gz", keep_default_na=False)
    table = table[table["trial"] == 0]
    answer = np.where(table["right"] == 1, TRUE, table["answer"].map(as_value))
    every = table.assign(answer=answer).pivot(index="item", columns="model", values="answer").to_numpy(object)
    for (kind, rate), num in product(product(("random", "most"), KEYS_WRONG), MODELS):
        draw = np.random.default_rng(
            [seed, round(100 * rate), kind == "most"]
        )  # the same keys for each number
        keys = wrong_keys(every, kind, rate, draw)
        some = every[:, draw.permutation(every.shape[1])[:num]]
        codes, names = pd.factorize(np.column_stack([some, keys, np.full(len(keys), TRUE)]).ravel())
        *said, key, truth = codes.reshape(len(keys), -1).T
        order = np.tile(np.arange(num), (len(keys), 1))
        name = f"CRUXEval, {rate:.0%} of keys wrong ({kind}), {num} models"
        yield Cell(name, seed, num, np.stack(said, axis=1), order, truth, len(names), key=key)


def wrong_keys(answers, kind, rate, draw):
    """Keys [K]: some are another answer that some model gave, or, of ``most``, the answer that most gave."""
    keys = np.full(len(answers), TRUE, object)
    counts = [Counter(row) for row in answers]
    if kind == "most":
        other = [count.most_common(1)[0][0] for count in counts]
    else:
        other = [draw.choice([one for one in count if one != TRUE] or [TRUE]) for count in counts]
    possible = np.flatnonzero([one != TRUE for one in other])
    chosen = draw.choice(possible, round(rate * len(keys)), replace=False)
    keys[chosen] = np.array(other, object)[chosen]
    return keys


def simulated(truth, num_classes, hard, draw):
    """What 12 people say [K, 12]: four skilled, six lazy, one who confuses two classes, one spammer.

    Of hard items all see the same wrong class.
    """
    seen = np.where(hard, (truth + draw.integers(1, num_classes, len(truth))) % num_classes, truth)
    skill = np.repeat([SKILLED, LAZY], [5, 6])
    mixed = np.where(seen < 2, 1 - seen, seen)  # the two first classes
    columns = []
    for place, share in enumerate(skill):
        other = (seen + draw.integers(1, num_classes, len(seen))) % num_classes
        columns.append(np.where(draw.random(len(seen)) < share, seen, other))
        if place == 0:
            columns[0] = np.where((seen < 2) & (draw.random(len(seen)) < MIXED), mixed, columns[0])
    return np.stack([*columns, draw.integers(0, num_classes, len(seen))], axis=1)


def questions(folder):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    rows = pd.read_csv(folder / "trec" / "train.csv")
    x = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(rows["text"])
    return x, pd.factorize(rows["label"], sort=True)[0], LogisticRegression(C=10, max_iter=200)


def pictures(folder, runs):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from easiness import load_dataset

    data = load_dataset(min((folder / "cifar10").glob("train*.parquet")))
    features, _ = features_of(data, "auto", runs)
    balanced = np.concatenate([np.flatnonzero(data.labels == one)[:500] for one in range(10)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=60))
    return features[balanced], np.asarray(data.labels)[balanced], model


def simulations(folder, runs, seed):
    for name in ("TREC", "CIFAR-10"):
        x, truth, model = questions(folder) if name == "TREC" else pictures(folder, runs)
        num_classes = int(truth.max()) + 1
        for together in (False, True):
            draw = np.random.default_rng([seed, name == "TREC", together])
            hard = together & (draw.random(len(truth)) < HARD)
            said = simulated(truth, num_classes, hard, draw)
            order = order_of(said, draw)
            for num in NUM_VOTES:
                how = "together" if together else "independent"
                full = f"{name}, {how}, {num} votes"
                cell = Cell(full, seed, num, said, order, truth, num_classes, independent=not together)
                yield cell
                file = runs / f"{full}, seed {seed}, heads.npy"
                if not file.exists():
                    np.save(file, in_folds(model, x, majority(cell.for_field())["label"], seed))
                yield replace(cell, name=full + RUN, heads=np.load(file))


def cells(folder, runs, seeds=SEEDS):
    """Each cell of the page.

    Args:
        folder: with the folders people, outcomes, trec and cifar10.
        runs: a folder for probabilities of models.
    """
    for seed in seeds:
        yield from people(folder, seed)
        yield from models(folder, seed)
        yield from simulations(folder, runs, seed)
