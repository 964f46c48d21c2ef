"""Kinds of digits among which examples that are hard for a known reason were planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easiness import load_dataset, measure, open_run
from easiness.data import Dataset
from easiness.studies.suspects.kinds import KindEvidence, find_kinds
from easiness.studies.suspects.neighbours import find_neighbours
from pixels import images_of

EACH = 25


def planted() -> Dataset:
    """600 digits: the first 25 under another label, then 25 blends, and 25 of noise."""
    rng = np.random.default_rng(0)
    data = load_dataset("digits", limit=600)
    order = rng.permutation(600)
    x, y = images_of(data).numpy()[order, 0], data.labels[order].copy()
    flipped, blended, noise = np.arange(3 * EACH).reshape(3, EACH)
    y[flipped] = (y[flipped] + rng.integers(1, 10, EACH)) % 10
    for at in blended:
        other = rng.choice(np.flatnonzero(y[3 * EACH :] != y[at])) + 3 * EACH
        x[at] = (x[at].astype(int) + x[other]) // 2
    # the blocks of noise are as large as a stroke, so that it is no texture
    x[noise] = rng.integers(0, 256, (EACH, 4, 4)).repeat(2, axis=1).repeat(2, axis=2)
    y[noise] = rng.integers(0, 10, EACH)
    return load_dataset((x, y))


@pytest.fixture(scope="module")
def trained(made_once: Callable[..., Path]) -> Path:
    def make(out: Path) -> None:
        measure(planted(), model="mlp_3", trials=3, epochs=8, precision="float32", compile="off", out=out)

    return made_once("planted-kinds", make)


def evidence(path: Path) -> KindEvidence:
    """By the last epoch alone; a label is suspect where one class is named and the label not believed."""
    run = open_run(path)
    trials = [trial.observations(10) for trial in run.trials]
    p_label = np.mean([one.p_label[-1] for one in trials], axis=0)
    named = np.zeros((len(run.labels), 10))
    for one in trials:
        named[np.arange(len(run.labels)), one.prediction[-1]] += 1 / len(trials)
    named[np.arange(len(run.labels)), run.labels] = 0
    near, why = find_neighbours(run, planted())
    assert why == ""
    return KindEvidence(
        p_wrong=(1 - p_label) * named.max(axis=1),
        p_label=p_label,
        p_rival=np.mean([one.p_label[-1] * np.exp(-one.margin[-1]) for one in trials], axis=0),
        rival=np.where(named.any(axis=1), named.argmax(axis=1), -1),
        first_right=np.full(len(run.labels), np.nan),
        num_epochs=run.epochs,
        known=0.95,
        near=near,
    )


@pytest.mark.long
def test_planted_kinds_are_found(trained: Path) -> None:
    kinds = find_kinds(evidence(trained)).kind

    def share(kind: str, where: slice) -> float:
        return float((kinds[where] == kind).mean())

    flipped, blended, noise = (slice(at, at + EACH) for at in range(0, 3 * EACH, EACH))
    untouched = slice(3 * EACH, None)
    assert share("wrong label", flipped) > 0.8
    assert share("unlike its class", noise) > 0.3
    assert share("", untouched) > 0.85
    # what is said of one kind is not said of the others as well
    assert max(share("wrong label", where) for where in (blended, noise)) < 0.5
    assert max(share("unlike its class", where) for where in (flipped, blended)) < 0.1
    assert max(share(kind, untouched) for kind in ("wrong label", "unlike its class")) < 0.06
    assert share("between two classes", blended) > share("between two classes", untouched)
