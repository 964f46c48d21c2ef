from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import dirichlet_multinomial, expon, norm
from sklearn.metrics import average_precision_score

import easiness as ez
from easiness.analysis import LabelEvidence, LabelNoise, label_noise
from easiness.analysis.labels.mixture import LogConcave, Pairs, roots_of
from easiness.studies.suspects.evidence import gather
from label_worlds import calibration_error
from lengths import long_but
from pixels import images_of


def evidence(margin, lead=None, *, rival=None, num_classes=4, p_predicted=0.9) -> LabelEvidence:
    """Labels go round; what is not right (a margin below 0) is taken for the next class."""
    margin = np.asarray(margin, np.float64)
    labels = np.arange(len(margin)) % num_classes
    if rival is None:
        rival = np.where(margin < 0, (labels + 1) % num_classes, -1)
    lead = np.abs(margin) if lead is None else np.broadcast_to(np.asarray(lead, float), margin.shape)
    return LabelEvidence(labels, margin, lead, np.asarray(rival), p_predicted, num_classes)


def checked(told: LabelEvidence) -> LabelNoise:
    found = label_noise(told)
    assert np.isfinite(found.p_wrong).all()
    assert np.isfinite(found.suspicion).all()
    assert ((found.p_wrong >= 0) & (found.p_wrong <= 1)).all()
    assert found.share == pytest.approx(found.p_wrong.mean())
    return found


def test_labels_that_all_networks_have_right_are_sound():
    assert checked(evidence(np.linspace(6, 8, 40))).p_wrong.max() < 0.01


@pytest.mark.parametrize("num_classes", [2, 4, 20])
def test_a_few_far_off_where_wrong_labels_are_expected(num_classes):
    margin = [*np.linspace(-6.5, -5.5, 10), *np.linspace(4, 7, 190)]
    found = checked(evidence(margin, num_classes=num_classes))
    assert found.p_wrong[:10].min() > 0.9
    assert found.p_wrong[10:].max() < 0.1
    assert found.share == pytest.approx(0.05, abs=0.01)
    assert checked(evidence([*[-1e4] * 5, *[1e4] * 35])).p_wrong[:5].min() > 0.9


def test_one_of_many():
    found = checked(evidence([-6, *np.linspace(4, 7, 399)]))
    assert found.p_wrong[0] > 0.5
    assert found.share < 0.01
    assert found.suspicion.argmax() == 0


def test_nearly_right_is_not_wrong():
    """Sure networks would be far off a wrong label; here they waver."""
    found = checked(evidence([*np.linspace(-0.5, 0.5, 10), *np.linspace(4, 7, 190)], lead=5.5))
    assert found.p_wrong.max() < 0.2


@pytest.mark.parametrize("margin", [[3, 3], [5, -5], [-5, -5], [0, 0], [1e-12, -1e-12]])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_two_examples(margin, num_classes):
    checked(evidence(margin, num_classes=num_classes))


@pytest.mark.parametrize("margin", [-2.0, 0.0, 2.0, 1e5])
@pytest.mark.parametrize("p_predicted", [0.25, 1.0])
def test_all_margins_equal_say_nothing_of_one(margin, p_predicted):
    found = checked(evidence(np.full(40, margin), p_predicted=p_predicted))
    assert np.ptp(found.p_wrong) < 1e-6


STRENGTHS = np.geomspace(1, 3000, 17)


def test_rates_are_shrunk_towards_how_often_each_class_is_named():
    """The rivals 0, 1, 2 have 4, 6 and 2 of 12; of label 0 they are 1 and 2, so 6 and 2 of the 8 left."""
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 0]), 3)
    rates, s = pairs.rates(np.array([6.0, 2.0, 4.0]), pairs.label, pairs.rival)
    faint = 1e-3 * 13
    usual = np.array([6 + faint, 2 + faint, 4 + faint]) / [8 + 2 * faint, 8 + 2 * faint, 6 + 2 * faint]
    np.testing.assert_allclose(rates, (np.array([6, 2, 4]) + s * usual) / (np.array([8, 8, 4]) + s))


@pytest.mark.parametrize(
    ("mass", "strongest"),
    [([40, 0, 0, 40, 40, 0], False), ([20, 20, 20, 20, 20, 20], True), ([9, 5, 4, 8, 9, 3], None)],
)
def test_the_strength_is_the_likeliest(mass, strongest):
    """Against the library's Dirichlet-multinomial, a class at a time."""
    pairs = Pairs(np.array([0, 0, 1, 1, 2, 2]), np.array([1, 2, 0, 2, 0, 1]), 3)
    counts = np.array(mass).reshape(3, 2)
    named = np.bincount(pairs.rival, mass) + 1e-3 * (sum(mass) + 1)
    usual = named[pairs.rival].reshape(3, 2)
    usual /= usual.sum(axis=1, keepdims=True)
    likelihood = [
        sum(
            dirichlet_multinomial.logpmf(row, s * of, row.sum())
            for row, of in zip(counts, usual, strict=True)
        )
        for s in STRENGTHS
    ]
    found = pairs.rates(np.array(mass, float), pairs.label, pairs.rival)[1]
    assert found == pytest.approx(STRENGTHS[int(np.argmax(likelihood))])  # type: ignore[arg-type]
    if strongest is not None:
        assert found == pytest.approx(3000 if strongest else 1)


CENTERS = np.linspace(-4, 4, 41)
WIDTH = 0.2
DENSITIES = {
    "normal": norm.pdf(CENTERS, 0.5, 1),
    "exponential": expon.pdf(CENTERS, -4.1, 1.5),
    "uniform": np.full(41, 1 / 8.2),
}


def bumps() -> np.ndarray:
    return norm.pdf(CENTERS, -2, 0.4) + norm.pdf(CENTERS, 2, 0.4)


SHAPES = {
    **DENSITIES,
    "bumps": bumps(),
    "sharp": norm.pdf(CENTERS, 2, 0.2),
    "one bin": np.eye(41)[30],
    "both ends": np.eye(41)[0] + np.eye(41)[40],
    "counts": np.random.default_rng(0).poisson(3 * DENSITIES["normal"]).astype(float),
    "heavy tails": 1 / (1 + np.square(3 * CENTERS)),
    "rough": np.random.default_rng(1).exponential(size=41) ** 3,
}


@pytest.mark.parametrize("before", [None, "sharp", "rough"])
@pytest.mark.parametrize("name", SHAPES)
def test_none_that_is_log_concave_fits_better(name, before):
    """The loss is convex: it is least where no slope can fall more, or less, and fit better for it."""
    density, target = LogConcave(CENTERS), SHAPES[name] / SHAPES[name].sum() + 1e-12
    if before:
        density.fit(SHAPES[before] + 1e-9)
    found = density.fit(target) * WIDTH
    falls = -np.diff(np.log(found), 2)
    assert (falls > -1e-6).all()
    hinges = -np.maximum(np.arange(41)[:, None] - np.arange(1, 40), 0)
    uphill = (target - found) @ hinges
    spread = np.sqrt(found @ np.square(hinges) - np.square(found @ hinges) + 1e-12)
    assert (uphill / spread < 1e-3).all()
    assert (np.abs(uphill / spread)[falls > 1e-3] < 1e-3).all()
    assert found @ CENTERS == pytest.approx(target @ CENTERS / target.sum(), abs=1e-3)


def test_spreads_that_rounding_has_bent_have_roots():
    bent = np.array([[[1e20, 1e20], [1e20, 1e20 - 1e5]], [[-1e-3, 0], [0, 1]]])
    roots = roots_of(bent, 1e-9)
    assert np.isfinite(roots).all()
    np.testing.assert_allclose(roots[0] @ roots[0].T, bent[0], rtol=1e-2)


NUM, TRIALS, HARD = 1000, 5, 0.05

Wrong = npt.NDArray[np.bool_]


def world(
    num_classes: int, share: float, *, hard_share: float = HARD, heart: float = 0.0
) -> tuple[LabelEvidence, Wrong]:
    """What is told of labels, and which are wrong: these are nearer to 0 by a part ``heart`` of the lead."""
    rng = np.random.default_rng(num_classes + round(100 * share))
    true, further, confused = rng.integers([num_classes - 1] * 3, size=(NUM, 3)).T
    wrong = rng.random(NUM) < share
    labels = np.where(wrong, (true + 1 + further) % num_classes, true)
    hard = rng.random(NUM) < hard_share
    sure = np.where(hard, 2, 8) * rng.gamma(8, 1 / 8, NUM)  # of an example, over all trials
    # what each network says [trials, K]: of hard ones now the class and now one other
    lead = sure * rng.gamma(25, 1 / 25, (TRIALS, NUM))
    other = hard & (rng.random((TRIALS, NUM)) < rng.random(NUM))
    said = np.where(other, (true + 1 + confused) % num_classes, true)
    right = said == labels
    margin = np.where(right, lead, -(1 - heart) * lead) + rng.normal(0, 0.3, (TRIALS, NUM))
    named = (said[..., None] == np.arange(num_classes)).sum(axis=0)
    named[np.arange(NUM), labels] = 0
    rival = np.where(named.any(axis=1), named.argmax(axis=1), -1)
    p_predicted = float((1 / (1 + (num_classes - 1) * np.exp(-lead))).mean())
    return LabelEvidence(labels, margin.mean(0), lead.mean(0), rival, p_predicted, num_classes), wrong


@pytest.mark.parametrize("share", [0, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("num_classes", long_but([3, 10, 50], [10]))
def test_probabilities_are_what_they_say(num_classes, share):
    told, wrong = world(num_classes, share)
    found = label_noise(told)
    assert calibration_error(found.p_wrong, wrong) <= 0.05
    assert found.share == pytest.approx(wrong.mean(), abs=0.04)  # 0.02 to 0.04 too high, by the hard ones
    if share:
        assert average_precision_score(wrong, found.suspicion) >= 0.9


def test_hard_examples_are_counted_among_the_wrong_ones():
    told, wrong = world(3, 0.2, hard_share=0.1)
    assert wrong.mean() + 0.03 < label_noise(told).share < wrong.mean() + 0.07


@pytest.mark.parametrize("heart", [0.3, 0.6])
def test_labels_learned_by_heart(heart):
    told, wrong = world(3, 0.2, heart=heart)
    found = label_noise(told)
    assert calibration_error(found.p_wrong, wrong) <= 0.05
    assert found.share == pytest.approx(wrong.mean(), abs=0.05)
    assert average_precision_score(wrong, found.suspicion) >= 0.95


def test_labels_learned_by_heart_almost_wholly_are_missed_but_come_first():
    told, wrong = world(3, 0.2, heart=0.9)
    found = label_noise(told)
    assert found.share < wrong.mean() / 2
    assert average_precision_score(wrong, found.suspicion) >= 0.9


Labels = npt.NDArray[np.int64]

MEASURED: dict[str, Any] = {"model": "mlp_3", "trials": 5, "precision": "float32", "compile": "off"}
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
    data = ez.load_dataset("digits", labels=folder / "labels.csv")
    ez.measure(data, epochs=10, out=folder / "run", **MEASURED)
    return folder


def few_classes(folder: Path, share: float, classes: tuple[int, ...]) -> Path:
    """Fifteen epochs of the digits of two or three classes alone, some 360 or 540."""
    data = ez.load_dataset("digits")
    own = np.isin(data.labels, classes)
    true = np.searchsorted(classes, data.labels[own])
    folder.mkdir()
    np.save(folder / "true.npy", true)
    arrays = images_of(data).numpy()[own, 0], planted(true, share, len(classes))
    ez.measure(arrays, epochs=15, recipe={"batch_size": 64}, out=folder / "run", **MEASURED)
    return folder


def judged(folder: Path) -> tuple[LabelNoise, Wrong, ez.Run]:
    """What is found, which labels are wrong, and the run."""
    run = ez.open_run(folder / "run")
    return (
        label_noise(gather(run, "train").course.last.of_labels),
        run.labels != np.load(folder / "true.npy"),
        run,
    )


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
@pytest.mark.parametrize(
    ("share", "pairs", "precision"), [(0.05, False, 0.9), (0.4, False, 0.95), (0.2, True, 0.95)]
)
def test_shares_of_labels(share, pairs, precision, tmp_path):
    folder = all_digits(tmp_path / "digits", share, pairs=pairs)
    assert_found(folder, error=0.05, apart=0.03, precision=precision)


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
    evidence = gather(run, "train").course.last.of_labels
    telling = np.flatnonzero(wrong & (evidence.margin < np.quantile(evidence.margin[wrong], 0.75)))
    for seed in range(FEW_SEEDS):
        rng = np.random.default_rng(seed)
        sound = rng.choice(np.flatnonzero(~wrong), 598, replace=False)
        two = rng.choice(telling, 2, replace=False)
        found = label_noise(rows_of(evidence, np.r_[two, sound]))
        first = np.lexsort((-found.suspicion, -found.p_wrong))[:5]
        assert {0, 1} <= set(first.tolist()), f"seed {seed}: {first}"


def test_no_rivals():
    """The last epochs' margins may be below 0 on average although every prediction is right."""
    found = checked(evidence(np.linspace(-3, 6, 60), rival=np.full(60, -1)))
    assert found.p_wrong.argmax() == 0
