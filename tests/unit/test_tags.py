"""Examples with several tags: their questions, what heads and networks learn, and what is recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness import Dataset, Run, load_dataset, measure, open_run
from easiness.data import TAG_STATES, RunTags, Tags, check_tag_names, hold_out
from easiness.errors import BadInput
from easiness.heads import Moments, fit_ridge
from easiness.heads.ridge import Fit, Head, log_odds_of, temperature_of, to_evidence
from easiness.runs import positions_in
from easiness.training import loss_of

VALUES = np.array([[1, 0], [1, -1], [0, 0], [-1, -1]], np.int8)
IDS = np.array(["a.png", "b#1.png", "c.png", "d.png"], object)


def tagged(num: int = 120, seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Noisy vectors [K, 6] whose first three numbers tell three tags, the last of which is rare."""
    random = np.random.default_rng(seed)
    values = (random.random((num, 3)) < [0.5, 0.3, 0.08]).astype(np.int8)
    x = np.concatenate(
        [values + random.normal(0, 0.3, values.shape), random.normal(size=values.shape)], axis=1
    )
    values[::10, 1] = -1
    tags = Tags(("dog", "car", "owl"), values)
    data = load_dataset((x.astype(np.float32), np.arange(num) % 2))
    return replace(data, tags=tags, classes=TAG_STATES, labels=tags.strata, true_labels=tags.strata), x


def test_each_tag_of_which_somebody_says_whether_it_is_there_asks_a_question() -> None:
    questions = Tags(("dog", "car"), VALUES).questions(IDS)
    assert questions.ids.tolist() == ["a.png#dog", "a.png#car", "b#1.png#dog", "c.png#dog", "c.png#car"]
    assert questions.examples.tolist() == [0, 0, 1, 2, 2]
    assert questions.tags.tolist() == [0, 1, 0, 0, 1]
    assert questions.labels.tolist() == [1, 0, 1, 0, 0]


def test_examples_are_balanced_by_their_rarest_tag() -> None:
    values = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, -1]], np.int8)
    assert Tags(("often", "once", "never"), values).strata.tolist() == [1, 0, 3, 0]


def test_ids_of_questions_tell_example_and_tag() -> None:
    read = RunTags.read(Tags(("dog", "car"), VALUES).questions(IDS).ids, ("dog", "car"))
    assert read.examples.tolist() == ["a.png", "a.png", "b#1.png", "c.png", "c.png"]
    assert read.of.tolist() == [0, 1, 0, 0, 1]
    numbers = RunTags.read(np.array(["7#dog", "10#car"], object), ("dog", "car")).examples
    assert numbers.dtype == np.int64
    assert RunTags.read(np.array(["07#dog"], object), ("dog",)).examples.tolist() == ["07"]
    with pytest.raises(ValueError, match="ids"):
        RunTags.read(np.array(["7#cat"], object), ("dog", "car"))


@pytest.mark.parametrize("name", ["a#b", " "])
def test_a_name_that_ids_could_not_tell_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="rename it"):
        check_tag_names(["dog", name], "photos.csv")


def test_a_log_takes_logits_of_tags_in_any_order() -> None:
    questions = Tags(("dog", "car"), VALUES).questions(IDS)
    log = questions.log(2, trained_on=np.array([True, False, False, False]), keep_logits=np.ones(4, np.bool_))
    log.update(np.array([3, 1]), np.array([[9.0, 9.0], [0.5, 9.0]]))
    log.update(np.array([0, 2]), np.array([[2.0, -1.0], [1.5, -3.0]]))
    log.end_epoch()
    seen = log.observations()
    there = np.array([2.0, -1.0, 0.5, 1.5, -3.0])
    signed = np.where([1, 0, 1, 0, 0], there, -there)
    np.testing.assert_array_equal(seen.prediction[0], there > 0)
    np.testing.assert_allclose(seen.loss[0], np.log1p(np.exp(-signed)), rtol=1e-6)
    np.testing.assert_allclose(seen.margin[0], signed)
    assert seen.trained_on.tolist() == [True, True, False, False, False]
    assert seen.logits is not None
    np.testing.assert_allclose(seen.logits.values[0], np.stack([np.zeros(5), there], axis=1))


def test_the_loss_of_tags_is_that_of_those_known() -> None:
    logits = torch.tensor([[0.0, 2.0], [1.0, 5.0]])
    values = torch.tensor([[1.0, 0.0], [0.0, float("nan")]])
    expected = (np.log(2) + np.log1p(np.exp(2)) + np.log1p(np.exp(1))) / 3
    assert float(loss_of(logits, values)) == pytest.approx(expected, rel=1e-6)
    smooth = 0.8 * np.log(2) + 0.2 * np.log(2)  # at a logit of 0 any target costs the same
    assert float(loss_of(logits[:1, :1], values[:1, :1], 0.4)) == pytest.approx(smooth, rel=1e-6)


def test_heads_of_tags_and_of_classes_are_one_closed_form() -> None:
    random = torch.Generator().manual_seed(0)
    x, labels = torch.randn(60, 5, generator=random), torch.arange(60) % 3
    values = torch.nn.functional.one_hot(labels, 3).float()
    of_classes = fit_ridge(Moments.of([(x, labels)], 3), x, labels)
    of_tags = fit_ridge(Moments.of([(x, values)], 3), x, values)
    torch.testing.assert_close(of_tags.head.weight, of_classes.head.weight)
    torch.testing.assert_close(of_tags.left_out, of_classes.left_out)


def test_outputs_become_log_odds_beside_those_of_the_share() -> None:
    """By hand: means 0.8 and 0.2 with a variance of 0.01 are apart by 0.6, drawn to 0.6 * 4 / 5."""
    outputs = torch.tensor([[0.7], [0.9], [0.7], [0.9], [0.1], [0.3], [0.1], [0.3]])
    there = torch.tensor([[1.0]] * 4 + [[0.0]] * 4)
    fit = to_evidence(Fit(Head(torch.ones(1, 1), torch.zeros(1)), outputs), there)
    np.testing.assert_allclose(fit.left_out[0, 0], (0.7 - 0.44) * 48, rtol=1e-4)
    np.testing.assert_allclose(fit.head(torch.tensor([[0.7]]))[0, 0], fit.left_out[0, 0], rtol=1e-5)
    assert float(log_odds_of(there)[0]) == 0
    apart = to_evidence(Fit(fit.head, 1.0 * there), there).left_out  # without a spread, by 0.8 drawn together
    np.testing.assert_allclose(apart.max(), (1 - 0.4) * 2 * 16 / 0.8, rtol=1e-5)
    assert float(log_odds_of(torch.tensor([[1.0], [0.0], [0.0]]))[0]) == pytest.approx(np.log(1.5 / 2.5))
    rare = torch.tensor([[0.0]] * 8)
    assert (
        float(to_evidence(Fit(fit.head, outputs), rare).left_out.abs().max()) == 0
    )  # nothing is known of it
    assert temperature_of(torch.zeros(3, 1), torch.zeros(3, 1), log_odds_of(torch.zeros(3, 1))) > 0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data, x = tagged()
    return measure(data, features=x, trials=5, out=tmp_path_factory.mktemp("tags") / "run", progress=False)


def test_a_run_of_tags_is_of_questions_read_again(run: Run) -> None:
    data, _ = tagged()
    again = open_run(run.path)
    assert again.tags is not None
    assert (again.classes, again.tags.names) == (TAG_STATES, ("dog", "car", "owl"))
    assert len(again.ids) == 3 * 120 - 12
    np.testing.assert_array_equal(again.labels, data.questions.labels)
    np.testing.assert_array_equal(again.strata(), 2 * again.tags.of + again.labels)
    np.testing.assert_array_equal(positions_in(data, again), again.tags.examples)


def test_no_question_of_an_example_is_judged_by_heads_that_know_another(run: Run) -> None:
    assert run.tags is not None
    for trial in run.trials:
        for row in trial.observed:
            knows = trial.columns(row, ["trained_on"])["trained_on"].astype(int)
            sums = np.bincount(run.tags.examples, knows)
            assert ((sums == 0) | (sums == np.bincount(run.tags.examples))).all()


def test_heads_know_tags_that_vectors_tell(run: Run) -> None:
    """Between values .3 apart by one standard deviation of 1 / .3, about 95 % can be told."""
    assert run.trials[0].document.accuracy["left_out"][-1] > 0.9
    p = run.probabilities(left_out=True)[:, 1]
    assert run.tags is not None
    for tag in range(3):
        own = run.tags.of == tag
        assert p[own].mean() == pytest.approx(run.labels[own].mean(), abs=0.05)


def test_fingerprints_are_of_values_and_names_of_tags() -> None:
    data, _ = tagged()
    assert data.tags is not None
    values = data.tags.values.copy()
    values[0, 0] = 1 - values[0, 0]
    others = [Tags(data.tags.names, values), Tags(("dog", "car", "elk"), data.tags.values)]
    changed = [replace(data, tags=one).fingerprint for one in others]
    assert len({data.fingerprint, *changed}) == 3


@pytest.mark.parametrize("how", [{"observe": "train"}, {"train_share": 0.8, "observe": "last"}])
def test_networks_learn_an_output_a_tag(how: dict[str, Any], tmp_path: Path) -> None:
    data, _ = tagged(400)
    data = hold_out(data, 0.2)
    run = measure(data, model="mlp_2", epochs=30, trials=1, out=tmp_path / "run", progress=False, **how)
    held_out = run.trials[0].document.accuracy["held_out"][-1]
    assert run.tags_of("held_out") is not None
    assert held_out > 0.9


def test_networks_do_not_learn_one_tag_alone(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    data = load_dataset((x, np.arange(40)[:, None] % 2), tags=True)
    for how in ({"model": "mlp_1"}, {"model": "mlp_1", "features": ["inputs"]}):
        with pytest.raises(BadInput, match="has one tag, and networks learn two or more; give its values"):
            measure(data, out=tmp_path / "run", progress=False, **how)
    measure(data, model="ridge", features=["inputs"], trials=5, out=tmp_path / "run", progress=False)


def test_trees_do_not_judge_tags(tmp_path: Path) -> None:
    data, x = tagged()
    with pytest.raises(BadInput, match="choose ridge or mlp_1"):
        measure(data, features=x, model="boosting", trials=5, out=tmp_path / "run", progress=False)
