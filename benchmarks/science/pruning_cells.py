"""The cells of `pruning.py`: what is kept, how it is trained, and in which order they are done."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

KEPT = (0.3, 0.1, 0.5, 0.7)  # in the order in which they are done
LENGTHS = ("epochs", "steps")  # what a smaller training set has in common with the full one
FIRST_SEEDS = 3  # enough for an interval; the others follow once every share has these
SCORES = {  # each with the end that counts as hard where high means neither easy nor hard
    "easiness": None,
    "el2n": None,
    "aum": None,
    "forgetting_events": None,
    "dyn_unc": "top",
    "dual": "top",
}
SAMPLERS = ("top", "beta", "ccs", "balanced")
RANDOM = ("random", "top")  # of no score: the other samplers would draw the same, but for the balanced one
ARMS = (RANDOM, ("random", "balanced"), *itertools.product(SCORES, SAMPLERS))


@dataclass(frozen=True)
class Cell:
    """One training: with ``kept`` of the examples, chosen by a sampler from a score, or with all of them."""

    score: str
    sampler: str
    kept: float
    length: str
    seed: int

    @property
    def name(self) -> str:
        """Its key among the results."""
        return f"{self.score}/{self.sampler}/{self.kept:g}/{self.length}/{self.seed}"

    @property
    def drop(self) -> float:
        """The share of the examples that is left out."""
        return round(1 - self.kept, 6)

    def options(self):
        """What `keep` is to be given."""
        shared = {"drop": self.drop, "seed": self.seed, "balanced": self.sampler == "balanced"}
        if self.score == "random":
            return {**shared, "policy": "random"}
        keep = SCORES[self.score]
        kept_exactly = "best" if keep is None else "worst"  # drops the easiest, or the other end
        policies = {"beta": "dual", "ccs": "ccs"}
        return {
            **shared,
            "score": self.score,
            "keep": keep,
            "policy": policies.get(self.sampler, kept_exactly),
        }


def full(seed):
    """The training on all examples."""
    return Cell("full", "top", 1.0, "epochs", seed)


def cells(seeds):
    """All cells, in an order such that whatever has been done by some time makes a balanced table."""
    for block in (range(min(seeds, FIRST_SEEDS)), range(FIRST_SEEDS, seeds)):
        yield from map(full, block)
        for kept, seed, length in itertools.product(KEPT, block, LENGTHS):
            for score, sampler in ARMS:
                yield Cell(score, sampler, kept, length, seed)
