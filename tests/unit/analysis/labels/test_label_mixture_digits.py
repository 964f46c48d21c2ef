"""Probabilities of wrong labels among digits whose labels were made wrong, so that it is known which are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

import easiness as ez
from easiness.analysis import LabelEvidence, LabelNoise, label_noise
from easiness.studies.suspects.evidence import gather
from pixels import images_of

Labels = npt.NDArray[np.int64]
Wrong = npt.NDArray[np.bool_]
TRIALS: dict[str, Any] = {"model": "mlp_3", "trials": 5, "precision": "float32", "compile": "off"}
FEW_SEEDS = 4


def planted(true: Labels, share: float, num_classes: int, *, pairs: bool = False) -> Labels:
    """Labels of which about a ``share`` is any other class, or the next one."""
    rng = np.random.default_rng(0)
    further = rng.integers(1, num_classes, len(true))
    wrong = rng.random(len(true)) < share
    return np.where(wrong, (true + (1 if pairs else further)) % num_classes, true)


def all_digits(folder: Path, share: float, *, pairs: bool = False) -> Path:
    """Ten epochs of all digits under labels from a file; the run, and the true labels beside it."""
    true = ez.load_dataset("digits").labels
    folder.mkdir()
    np.save(folder / "true.npy", true)
    given = planted(true, share, 10, pairs=pairs)
    pd.DataFrame({"id": np.arange(len(true)), "label": given}).to_csv(folder / "labels.csv", index=False)
    ez.measure("digits", labels=folder / "labels.csv", epochs=10, out=folder / "run", **TRIALS)
    return folder


def few_classes(folder: Path, share: float, classes: tuple[int, ...]) -> Path:
    """Fifteen epochs of the digits of two or three classes alone, some 360 or 540."""
    data = ez.load_dataset("digits")
    own = np.isin(data.labels, classes)
    true = np.searchsorted(classes, data.labels[own])
    folder.mkdir()
    np.save(folder / "true.npy", true)
    arrays = images_of(data).numpy()[own, 0], planted(true, share, len(classes))
    ez.measure(arrays, epochs=15, batch_size=64, out=folder / "run", **TRIALS)
    return folder


def judged(folder: Path) -> tuple[LabelNoise, Wrong, ez.Run]:
    """What is found, which labels are wrong, and the run."""
    run = ez.open_run(folder / "run")
    return label_noise(gather(run, "train").of_labels), run.labels != np.load(folder / "true.npy"), run


def calibration_error(p_wrong: npt.NDArray[np.float64], wrong: Wrong) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((p_wrong * 10).astype(int), 9)
    return float(np.abs(np.bincount(bins, p_wrong - wrong, 10)).sum() / len(wrong))


def assert_found(folder: Path, *, error: float, apart: float, precision: float) -> None:
    noise, wrong, _ = judged(folder)
    assert calibration_error(noise.p_wrong, wrong) <= error
    assert noise.share == pytest.approx(wrong.mean(), abs=apart)
    if wrong.any():
        assert average_precision_score(wrong, noise.suspicion) >= precision


@pytest.fixture(scope="module")
def a_fifth(made_once: Callable[..., Path]) -> Path:
    return made_once("digits-wrong-20", lambda out: all_digits(out, 0.2))


@pytest.fixture(scope="module")
def clean(made_once: Callable[..., Path]) -> Path:
    return made_once("digits-wrong-0", lambda out: all_digits(out, 0))


@pytest.mark.long
def test_a_fifth_of_the_labels(a_fifth):
    assert_found(a_fifth, error=0.05, apart=0.03, precision=0.95)


@pytest.mark.long
def test_one_in_twenty(tmp_path):
    assert_found(all_digits(tmp_path / "digits", 0.05), error=0.05, apart=0.03, precision=0.9)


@pytest.mark.long
@pytest.mark.parametrize(("share", "pairs"), [(0.4, False), (0.2, True)])
def test_many_labels(share, pairs, tmp_path):
    folder = all_digits(tmp_path / "digits", share, pairs=pairs)
    assert_found(folder, error=0.05, apart=0.03, precision=0.95)


@pytest.mark.long
def test_clean_labels(clean):
    assert_found(clean, error=0.05, apart=0.03, precision=0)
    noise, _, run = judged(clean)
    found = ez.suspects(run, pictures=False)
    assert found.num_likely <= 10
    assert found.share == pytest.approx(noise.share)


@pytest.mark.long
@pytest.mark.parametrize(
    ("classes", "share", "apart"),
    [
        ((3, 5, 8), 0, 0.03),
        ((3, 5, 8), 0.05, 0.03),
        ((3, 5, 8), 0.2, 0.05),
        ((3, 5, 8), 0.4, 0.06),
        ((3, 8), 0, 0.03),
        ((3, 8), 0.05, 0.03),
        ((3, 8), 0.2, 0.07),
    ],
)
def test_few_classes(classes, share, apart, tmp_path):
    assert_found(few_classes(tmp_path / "few", share, classes), error=0.07, apart=apart, precision=0.8)


@pytest.mark.long
def test_two_classes_with_four_in_ten_wrong_are_ordered_but_not_counted(tmp_path):
    """The share of two classes with 40 % wrong is missed by 0.1 either way, which no bound here is to hide.

    Networks learn a part of so many by heart, and take as many sound ones for the other class. What holds is
    that wrong labels come first.
    """
    noise, wrong, _ = judged(few_classes(tmp_path / "two", 0.4, (3, 8)))
    assert 0.2 < noise.share < 0.5
    assert average_precision_score(wrong, noise.suspicion) > wrong.mean() + 0.2


def rows_of(evidence: LabelEvidence, rows: Labels) -> LabelEvidence:
    names = ("labels", "margin", "lead", "rival")
    return replace(evidence, **{name: getattr(evidence, name)[rows] for name in names})


@pytest.mark.long
def test_two_wrong_of_600_are_among_the_first_five(a_fifth):
    """Any sound ones and two wrong ones of a run; the networks were those of a fifth wrong, and so less sure.

    The quarter of the wrong labels with the highest margins is left out: the networks half believe those.
    """
    _, wrong, run = judged(a_fifth)
    evidence = gather(run, "train").of_labels
    telling = np.flatnonzero(wrong & (evidence.margin < np.quantile(evidence.margin[wrong], 0.75)))
    for seed in range(FEW_SEEDS):
        rng = np.random.default_rng(seed)
        sound = rng.choice(np.flatnonzero(~wrong), 598, replace=False)
        two = rng.choice(telling, 2, replace=False)
        found = label_noise(rows_of(evidence, np.r_[two, sound]))
        first = np.lexsort((-found.suspicion, -found.p_wrong))[:5]
        assert {0, 1} <= set(first.tolist()), f"seed {seed}: {first}"
