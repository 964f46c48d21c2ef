from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from scipy.stats import entropy

from easiness.record import example_statistics, known_rival, to_numpy


def test_by_hand():
    # softmax of [0, log 3] is [1/4, 3/4]
    logits = np.array([[0, np.log(3)], [0, np.log(3)]], np.float32)
    seen = example_statistics(logits, np.array([1, 0]))
    assert seen.prediction.tolist() == [1, 1]
    assert seen.rival.tolist() == [0, 1]
    np.testing.assert_allclose(seen.loss, [np.log(4 / 3), np.log(4)], rtol=1e-6)
    np.testing.assert_allclose(seen.margin, [np.log(3), -np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(seen.error_norm, [np.sqrt(2) / 4, np.sqrt(2) * 3 / 4], rtol=1e-6)
    np.testing.assert_allclose(seen.entropy, [0.56233514] * 2, rtol=1e-6)


# few classes and many are laid out differently; 300 examples of 300 classes are more than a block
@pytest.mark.parametrize("num_classes", [7, 64, 65, 300])
def test_against_scipy(num_classes):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, (300, num_classes)).astype(np.float32)
    labels = rng.integers(0, num_classes, 300)
    rows = np.arange(300)
    seen = example_statistics(logits, labels)
    log_p = log_softmax(logits.astype(np.float64), axis=1)
    p = np.exp(log_p)
    others = logits.copy()
    others[rows, labels] = -np.inf
    np.testing.assert_array_equal(seen.prediction, logits.argmax(1))
    np.testing.assert_array_equal(seen.rival, others.argmax(1))
    np.testing.assert_allclose(seen.loss, -log_p[rows, labels], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(seen.margin, logits[rows, labels] - others.max(1), rtol=1e-6)
    np.testing.assert_allclose(
        seen.error_norm, np.linalg.norm(p - np.eye(num_classes)[labels], axis=1), rtol=1e-6, atol=1e-12
    )
    np.testing.assert_allclose(seen.entropy, entropy(p, axis=1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("num_classes", [7, 64, 65, 300])
@pytest.mark.parametrize("batch", [1, 2, 219])
def test_an_example_has_the_same_bits_in_any_batch(num_classes, batch):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, (438, num_classes)).astype(np.float32)
    labels = rng.integers(0, num_classes, 438)
    together = example_statistics(logits, labels)
    parts = [example_statistics(logits[i : i + batch], labels[i : i + batch]) for i in range(0, 438, batch)]
    for name, expected in together._asdict().items():
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), expected)


def test_no_examples_have_no_statistics():
    seen = example_statistics(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    assert [len(field) for field in seen] == [0] * 6


def test_types_are_those_of_the_record():
    seen = example_statistics(np.zeros((2, 3)), np.array([0, 1]))
    assert {seen.prediction.dtype, seen.rival.dtype} == {np.dtype(np.int32)}
    assert {field.dtype for field in seen[1:-1]} == {np.dtype(np.float32)}


def test_the_logits_given_are_left_alone():
    logits = np.array([[1.0, 2.0], [3.0, -1.0]])
    before = logits.copy()
    example_statistics(logits, np.array([0, 1]))
    np.testing.assert_array_equal(logits, before)


def test_equal_logits_predict_the_first_class():
    seen = example_statistics(np.zeros((2, 4), np.float32), np.array([0, 3]))
    assert seen.prediction.tolist() == [0, 0]
    assert seen.margin.tolist() == [0, 0]
    np.testing.assert_allclose(seen.loss, np.log(4), rtol=1e-6)
    np.testing.assert_allclose(seen.entropy, np.log(4), rtol=1e-6)


# columns beyond the fifth are below the others
@pytest.mark.parametrize("num_classes", [5, 100])
def test_the_rival_is_the_largest_other_the_first_of_equals(num_classes):
    logits = np.full((6, num_classes), -9, np.float32)
    logits[:, :5] = [
        [5, 3, 4, 1, 0],
        [1, 3, 3, 5, 3],
        [5, 5, 2, 5, 1],
        [5, 5, 2, 5, 1],
        [0, 0, 0, 0, 0],
        [2, 1, 0, 0, 1],
    ]
    seen = example_statistics(logits, np.array([0, 3, 0, 2, 0, 1]))
    assert seen.prediction.tolist() == [0, 3, 0, 0, 0, 0]
    assert seen.rival.tolist() == [2, 1, 1, 0, 1, 0]
    assert seen.margin.tolist() == [1, 2, 0, -3, 0, -1]


def test_predictions_tell_a_part_of_the_rivals():
    prediction = np.array([[1, 0, 2], [0, 0, 1]], np.int32)
    rival = known_rival(prediction, np.array([0, 0, 1]))
    assert rival.tolist() == [[1, -1, 2], [-1, -1, -1]]
    assert rival.dtype == np.int32


def test_extreme_logits_stay_finite():
    logits = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4]], np.float32)
    seen = example_statistics(logits, np.array([0, 1, 2]))
    np.testing.assert_allclose(seen.loss, [0, 2e4, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(seen.margin, [1e4, -2e4, 0])
    np.testing.assert_allclose(seen.error_norm, [0, np.sqrt(2), np.sqrt(2 / 3)], rtol=1e-6)
    np.testing.assert_allclose(seen.entropy, [0, 0, np.log(3)], rtol=1e-6)


def test_a_loss_near_zero_keeps_its_digits():
    # -log(1 / (1 + exp(-20))); 1 - p is below what float32 resolves beside 1
    seen = example_statistics(np.array([[20.0, 0.0]], np.float32), np.array([0]))
    np.testing.assert_allclose(seen.loss, np.log1p(np.exp(-20.0)), rtol=1e-6)
    np.testing.assert_allclose(seen.error_norm, np.sqrt(2) * np.exp(-20.0), rtol=1e-6)


def test_the_prediction_is_taken_before_rounding_to_half_precision():
    logits = np.array([[1.0, 1.0 + 2**-12]], np.float32)
    assert logits.astype(np.float16).argmax() == 0
    seen = example_statistics(logits, np.array([0]))
    assert seen.prediction.tolist() == [1]
    assert seen.margin.tolist() == [-(2**-12)]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_tensors_are_widened_exactly(dtype):
    tensor = torch.linspace(-3, 3, 100).to(dtype).requires_grad_()
    array = to_numpy(tensor)
    assert array.dtype == np.float32
    assert (torch.from_numpy(array) == tensor.detach().float()).all()


def test_other_kinds_keep_their_type():
    assert to_numpy(np.ones(2, np.float16)).dtype == np.float32
    assert to_numpy(np.ones(2, np.float64)).dtype == np.float64
    assert to_numpy(torch.ones(2, dtype=torch.float64)).dtype == np.float64
    assert to_numpy(torch.ones(2, requires_grad=True)).dtype == np.float32
    assert to_numpy(torch.tensor([1, 2])).dtype == np.int64
    assert to_numpy([1, 2]).tolist() == [1, 2]
    assert to_numpy(["a.png", "b.png"]).tolist() == ["a.png", "b.png"]
