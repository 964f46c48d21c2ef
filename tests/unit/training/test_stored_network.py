from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness import BadInput, Recipe, load_dataset, open_run
from easiness.perturb import Color, Radial, Shuffle, perturbation
from easiness.record import ObservationLog
from easiness.record.observations import STATISTICS
from easiness.training.observer import Observer
from easiness.training.stored_network import TransformedExamples, open_network, threads_of
from pixels import images_of, make_bank, packed_photos

CPU = torch.device("cpu")


def observe(run, data, trial, transform):
    """What the stored network of a trial sees of the training examples."""
    signature = data.signature(run.spec.recipe)
    network = open_network(run.spec, trial.weights(), signature, data.num_classes, CPU)
    bank = make_bank(images_of(data), run.spec.recipe, CPU, augment=False)
    log = ObservationLog(data.ids, data.labels, data.num_classes)
    images = TransformedExamples(bank, data.ids, transform)
    with threads_of(run.spec):
        Observer(images, log, signature.shape, data.num_classes).observe(network, lambda _: None)
    return log.observations()


@pytest.mark.parametrize("transform", [Color(1), Shuffle(1), Radial(100)])
def test_without_a_change_everything_recorded_comes_again_bit_by_bit(measured, transform):
    run = open_run(measured)
    data = load_dataset("digits", limit=100)
    for trial in run.trials:
        seen = observe(run, data, trial, transform)
        recorded = trial.columns(run.epochs, STATISTICS)
        for name in STATISTICS:
            assert np.array_equal(getattr(seen, name)[0], recorded[name]), name


def test_a_convolutional_network_too(tmp_path):
    from easiness import measure

    run = measure(
        "digits", model="wrn_10_1", limit=40, trials=1, epochs=1, precision="float32", out=tmp_path / "run"
    )
    seen = observe(run, load_dataset("digits", limit=40), run.trials[0], Radial(6))
    assert np.array_equal(seen.loss[0], run.trials[0].columns(1, ["loss"])["loss"])


def test_what_a_network_gets_is_transformed_before_it_is_normalized():
    images = torch.randint(
        0, 256, (5, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    recipe = Recipe()
    bank = make_bank(images, recipe, CPU, augment=True)
    assert torch.equal(bank.raw(slice(1, 4)), images[1:4] / 255)
    ids = np.arange(10, 15)
    seen = TransformedExamples(bank, ids, Shuffle(0.5, seed=3)).clean(slice(1, 4))
    expected = Shuffle(0.5, seed=3)(images[1:4] / 255, ids=[11, 12, 13]).double()
    for one, values in zip(seen, expected, strict=True):
        by_hand = (values - values.mean()) / (values.std(correction=0) + 1e-6)
        np.testing.assert_allclose(one, by_hand, atol=2e-5)
    plain = Recipe(gcn=False)
    half = TransformedExamples(make_bank(images, plain, CPU, augment=False), ids, Color(0))
    grey = images.float().mean(1, keepdim=True) / 255
    torch.testing.assert_close(half.clean(slice(0, 5)), grey.expand(-1, 3, -1, -1))


def test_photos_are_cropped_before_they_are_transformed():
    rng = np.random.default_rng(0)
    photos = packed_photos([rng.integers(0, 256, (32, 40, 3), dtype=np.uint8) for _ in range(3)])
    recipe = Recipe(crop=28)
    bank = make_bank(photos, recipe, CPU, augment=False)
    raw = bank.raw(slice(0, 3))
    assert raw.shape == (3, 3, 28, 28)
    assert np.array_equal((raw[0] * 255).round().permute(1, 2, 0), photos.take(np.array([0]))[0][2:30, 6:34])
    same = TransformedExamples(bank, np.arange(3), perturbation("radial", 100))
    assert torch.equal(same.clean(slice(0, 3)), bank.clean(slice(0, 3)))


def test_weights_of_another_network_are_refused(measured):
    run = open_run(measured)
    weights = {name: value for name, value in run.trials[0].weights().items() if not name.endswith("bias")}
    with pytest.raises(BadInput, match="mlp_3: the stored weights"):
        open_network(run.spec, weights, (1, 8, 8), 10, CPU)  # type: ignore[arg-type]


def test_random_state_and_threads_are_left_alone(measured):
    run = open_run(measured)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    open_network(run.spec, run.trials[0].weights(), (1, 8, 8), 10, CPU)  # type: ignore[arg-type]
    assert run.spec.kind == "measured"
    with threads_of(
        run.spec.model_copy(update={"resolved": run.spec.resolved.model_copy(update={"threads": 2})})
    ):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), before)
