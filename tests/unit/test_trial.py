from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import easiness.trial as trial_module
from easiness.data import Dataset, load_dataset
from easiness.errors import TrialFailed
from easiness.inputs.image.pixels import ArrayImages
from easiness.records import Observations, TrialRecord, example_statistics
from easiness.spec import Probe, Recipe, Resolved, TrialSpec
from easiness.training import EpochReport, Listener
from easiness.trial import run_trial
from pixels import images_of

CPU = torch.device("cpu")
COLUMNS = ("prediction", "loss", "margin", "error_norm", "entropy", "rival")


@pytest.fixture(scope="module")
def data() -> Dataset:
    """200 digits to train on, and 60 others held out."""
    digits = load_dataset("digits")
    train = digits.limit(200)
    others = np.setdiff1d(np.arange(len(digits)), train.ids)[:60]
    return replace(train, held_out=replace(digits._take(others), split="test"))


def spec(data: Dataset, **changes: Any) -> TrialSpec:
    precision = changes.pop("precision", "float32")
    channels_last = changes.pop("channels_last", False)
    threads = changes.pop("threads", 1)
    settings: dict[str, Any] = {
        "data": data.ref(),
        "model": "mlp_3_w32",
        "recipe": Recipe(flip=0.0, batch_size=64),
        "resolved": Resolved(precision=precision, channels_last=channels_last, threads=threads),
        "probes": (Probe(name="train"), Probe(name="held_out")),
        "epochs": 2,
        "seed": 0,
        "index": 0,
    }
    return TrialSpec(**{**settings, **changes})


def assert_same(a: TrialRecord, b: TrialRecord) -> None:
    """Bit for bit, but for where and how long they ran."""
    assert a.train_loss == b.train_loss
    assert a.probes.keys() == b.probes.keys()
    for name in a.probes:
        for column in ("labels", "trained_on", *COLUMNS):
            np.testing.assert_array_equal(getattr(a.probes[name], column), getattr(b.probes[name], column))
    assert_same_weights(a, b)


def assert_same_weights(a: TrialRecord, b: TrialRecord) -> None:
    assert a.weights is not None
    assert b.weights is not None
    assert a.weights.keys() == b.weights.keys()
    for name, value in a.weights.items():
        np.testing.assert_array_equal(value, b.weights[name])


def differ(a: TrialRecord, b: TrialRecord) -> bool:
    assert a.weights is not None
    assert b.weights is not None
    return any((value != b.weights[name]).any() for name, value in a.weights.items())


@pytest.mark.parametrize("model", ["mlp_3_w32", "wrn_10_1"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_it_is_the_same_bit_for_bit_whatever_ran_before(data, model, precision):
    asked = spec(data, model=model, precision=precision, train_share=0.7)
    first = run_trial(asked, data, CPU)
    torch.manual_seed(123)
    np.random.default_rng(5).random(100)
    run_trial(spec(data, index=9, epochs=1), data, CPU)
    assert_same(run_trial(asked, data, CPU), first)
    assert np.isfinite(first.train_loss).all()
    for seen in first.probes.values():
        assert all(np.isfinite(getattr(seen, column)).all() for column in COLUMNS)


@pytest.mark.parametrize("fails", [False, True])
def test_random_state_and_threads_of_the_caller_are_as_before(data, fails):
    threads = torch.get_num_threads()
    during = []
    torch.manual_seed(4)
    before = torch.get_rng_state()

    def on_epoch(_: EpochReport) -> None:
        during.append(torch.get_num_threads())
        if fails:
            raise KeyboardInterrupt

    asked = spec(data, threads=threads + 1)
    if fails:
        with pytest.raises(KeyboardInterrupt):
            run_trial(asked, data, CPU, listener=Listener(on_epoch))
    else:
        run_trial(asked, data, CPU, listener=Listener(on_epoch))
    assert set(during) == {threads + 1}
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), before)


def test_it_learns_and_records_both_splits_after_each_epoch(data):
    reports: list[EpochReport] = []
    counted: list[int] = []
    listener = Listener(reports.append, counted.append)
    record = run_trial(spec(data, model="mlp_3", epochs=8), data, CPU, listener=listener)
    assert sum(counted) == 8 * (200 + 200 + 60)
    accuracy = record.accuracy()
    assert list(accuracy) == ["train", "held_out"]
    assert accuracy["train"][-1] > 0.7 > accuracy["train"][0]
    assert accuracy["held_out"][-1] > 0.6
    assert record.train_loss[-1] < record.train_loss[0]
    assert record.probes["train"].loss.shape == (8, 200)
    assert record.probes["held_out"].loss.shape == (8, 60)
    np.testing.assert_array_equal(record.probes["train"].labels, data.labels)
    np.testing.assert_array_equal(record.probes["held_out"].labels, data.held_out.labels)
    assert record.probes["train"].trained_on.all()
    assert not record.probes["held_out"].trained_on.any()
    for epoch, report in enumerate(reports):
        assert (report.epoch, report.epochs, report.trial) == (epoch + 1, 8, 0)
        assert report.train_loss == record.train_loss[epoch]
        assert report.accuracy == {name: values[epoch] for name, values in accuracy.items()}
    assert {"seconds", "device", "torch", "machine"} <= record.ran.keys()


def by_hand(weights: dict[str, np.ndarray], split: Dataset) -> np.ndarray:
    """Logits of the three-layer perceptron on clean, normalized images."""
    x = images_of(split).numpy().reshape(len(split), -1).astype(np.float64)
    x = (x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 255e-6)
    for layer in ("hidden1", "hidden2"):
        x = np.maximum(x @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"], 0)
    return x @ weights["classifier.weight"].T + weights["classifier.bias"]


def test_the_last_observation_is_what_the_weights_say(data):
    probes = (Probe(name="train", keep_logits="all"), Probe(name="held_out", keep_logits="all"))
    record = run_trial(spec(data, probes=probes), data, CPU)
    assert record.weights is not None
    for name, split in (("train", data), ("held_out", data.held_out)):
        expected = by_hand(record.weights, split)
        seen = record.probes[name]
        assert seen.logits is not None
        np.testing.assert_array_equal(seen.logits.positions, np.arange(len(split)))
        np.testing.assert_allclose(seen.logits.values[-1], expected, rtol=1e-3, atol=1e-4)
        statistics = example_statistics(expected, split.labels)
        np.testing.assert_array_equal(seen.prediction[-1], statistics.prediction)
        np.testing.assert_allclose(seen.loss[-1], statistics.loss, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(seen.margin[-1], statistics.margin, rtol=1e-3, atol=1e-4)


def with_noise(data: Dataset, at: np.ndarray) -> Dataset:
    """The same data with other images and labels at these positions."""
    pixels = images_of(data).numpy().copy()
    pixels[at] = np.random.default_rng(1).integers(0, 256, pixels[at].shape)
    labels = data.labels.copy()
    labels[at] = (labels[at] + 1) % data.num_classes
    return replace(data, stored=ArrayImages(pixels), labels=labels)


@pytest.mark.parametrize("model", ["mlp_3_w32", "wrn_10_1"])
def test_what_is_left_out_is_never_trained_on(data, model):
    asked = spec(data, model=model, train_share=0.5)
    record = run_trial(asked, data, CPU)
    trained_on = record.probes["train"].trained_on
    changed = run_trial(asked, with_noise(data, np.flatnonzero(~trained_on)), CPU)
    assert_same_weights(changed, record)
    assert changed.train_loss == record.train_loss
    seen, before = changed.probes["train"], record.probes["train"]
    # observations agree to rounding where the images are the same, and differ where they are not
    np.testing.assert_allclose(seen.loss[:, trained_on], before.loss[:, trained_on], rtol=1e-4, atol=1e-5)
    assert (seen.loss[:, ~trained_on] != before.loss[:, ~trained_on]).mean() > 0.9
    one = np.flatnonzero(trained_on)[:1]
    assert differ(run_trial(asked, with_noise(data, one), CPU), record)


def test_the_weight_decay_is_that_of_the_examples_trained_on(data):
    # an all-black picture has no gradient in the first layer: only decay moves those weights
    black = replace(data, stored=ArrayImages(np.zeros((200, 1, 8, 8), np.uint8)))
    recipe = Recipe(batch_size=50, w_norm=1.0, period=4)

    def decayed(share: float) -> float:
        kept = []
        for period_recipe in (recipe, recipe.model_copy(update={"w_norm": 0.0})):
            asked = spec(black, recipe=period_recipe, train_share=share, epochs=1)
            record = run_trial(asked, black, CPU)
            assert record.weights is not None
            kept.append(record.weights["hidden1.weight"].astype(np.float64))
        return float(np.linalg.norm(kept[0]) / np.linalg.norm(kept[1]))

    for share, num, steps in ((1.0, 200, 4), (0.5, 100, 2)):
        decay = np.sqrt(50 / (num * 4))
        eta = 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps / 4))
        assert decayed(share) == pytest.approx(np.prod(1 - eta * decay), rel=1e-4)


def test_logits_are_kept_where_asked(data):
    probes = (Probe(name="train", keep_logits="left_out"), Probe(name="held_out", keep_logits="left_out"))
    record = run_trial(spec(data, probes=probes, train_share=0.7), data, CPU)
    seen: Observations = record.probes["train"]
    assert seen.logits is not None
    np.testing.assert_array_equal(seen.logits.positions, np.flatnonzero(~seen.trained_on))
    assert seen.logits.values.shape == (2, 60, 10)
    left_out = ~seen.trained_on
    np.testing.assert_array_equal(seen.logits.values.argmax(2), seen.prediction[:, left_out])
    held_out = record.probes["held_out"].logits
    assert held_out is not None
    assert held_out.values.shape == (2, 60, 10)
    without = run_trial(spec(data), data, CPU)
    assert without.probes["train"].logits is None


def test_bfloat16_is_close_to_float32_and_not_the_same(data):
    full, half = (
        run_trial(spec(data, model="wrn_10_1", epochs=1, precision=p), data, CPU)
        for p in ("float32", "bfloat16")
    )
    assert half.train_loss != full.train_loss
    assert half.train_loss == pytest.approx(full.train_loss, rel=0.02)
    assert half.weights is not None
    assert {v.dtype for v in half.weights.values()} == {np.dtype(np.float32), np.dtype(np.int64)}


class Overflowing(torch.nn.Module):
    """Fails in training or when looked at."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.linear = torch.nn.Linear(64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.linear(images.flatten(1))
        if self.training != (self.where == "training"):
            return logits
        return logits * float("inf")


@pytest.mark.parametrize(
    ("where", "reason"),
    [("training", "the loss stopped being finite at epoch "), ("observed", "epoch 1: logits")],
)
def test_a_trial_that_fails_says_when_and_ends_at_once(data, monkeypatch, where, reason):
    monkeypatch.setattr(trial_module, "build_model", lambda *_: Overflowing(where))
    reports: list[EpochReport] = []
    counted: list[int] = []
    with pytest.raises(TrialFailed, match=reason):
        run_trial(spec(data), data, CPU, listener=Listener(reports.append, counted.append))
    assert reports == []
    assert sum(counted) <= 200 + 200


def test_nothing_of_a_network_outlives_its_trial(data, monkeypatch):
    """Without a look for garbage: networks of trials before would fill the memory of a GPU."""
    made: list[weakref.ref[Any]] = []

    def noted(kind: Any) -> Any:
        def build(*given: Any, **named: Any) -> Any:
            network = kind(*given, **named)
            made.extend([weakref.ref(network), weakref.ref(network.model)])
            return network

        return build

    monkeypatch.setattr(trial_module, "Network", noted(trial_module.Network))  # type: ignore[attr-defined]
    asked = spec(data, epochs=1)
    run_trial(asked, data, CPU)  # torch keeps the very first in what it imports for its optimizers
    made.clear()
    gc.collect()
    gc.disable()
    try:
        run_trial(asked, data, CPU)
        left = [one() for one in made]
    finally:
        gc.enable()
    assert left == [None] * 2
