from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from easiness.analysis.draw import draw_by_rank
from easiness.errors import TrialFailed
from easiness.inputs import TensorBank
from easiness.inputs.image.preparation import draw_moves
from easiness.records import ObservationLog
from easiness.spec import Draw, Recipe, Resolved, TrialSeeds, trial_seeds
from easiness.training import (
    Course,
    EpochReport,
    Listener,
    Network,
    Observer,
    TrainingSet,
    loop,
    train,
    training_set,
)
from easiness.training.network import evaluation_batch
from pixels import moved_bank

CPU = torch.device("cpu")
SEEDS = TrialSeeds(initialization=1, order=2, augmentation=3, share=4, draw=5)
SHAPE = (1, 4, 4)


def ignore(_: object) -> None:
    pass


class Listening:
    """Stands where a `Network` does; keeps what it is given, and trains nothing."""

    def __init__(self, loss: Callable[[int], float] = lambda step: float(step)) -> None:
        self.model = nn.Linear(1, 1)
        self.optimizer = self
        self.images: list[torch.Tensor] = []
        self.labels: list[list[int]] = []
        self._loss = loss

    def advance(self) -> None:
        pass

    def update(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert self.model.training
        self.images.append(images.clone())
        self.labels.append(labels.tolist())
        return torch.tensor(self._loss(len(self.labels))), torch.zeros(len(labels), 3)

    def at_once(self, shape: tuple[int, int, int]) -> int:
        return evaluation_batch(shape)


def images(num: int) -> torch.Tensor:
    return torch.randint(0, 256, (num, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def run(network: Any, trained_on: list[int], **changes: Any) -> tuple[list[float], list[EpochReport]]:
    """Trains on 20 examples whose labels are their positions, in batches of 4."""
    recipe = changes.pop("recipe", Recipe(batch_size=4))
    reports: list[EpochReport] = []
    seeds, epochs = changes.pop("seeds", SEEDS), changes.pop("epochs", 2)
    steps = changes.pop("steps", len(loop.batches(len(trained_on), recipe.batch_size)))
    bank = moved_bank(images(20), recipe, CPU, shift=1)
    bank.ahead = changes.pop("ahead", None)
    losses = train(
        network,
        bank,
        Course(5, torch.tensor(trained_on), torch.arange(20), seeds, epochs, steps, recipe.batch_size),
        changes.pop("observers", {}),
        Listener(reports.append, changes.pop("on_images", ignore)),
    )
    assert not changes
    return losses, reports


def test_each_epoch_sees_each_example_once_in_another_order():
    network = Listening()
    chosen = [0, 2, 3, 5, 8, 11, 13, 14, 19]
    run(network, chosen, epochs=3)
    assert [len(labels) for labels in network.labels] == [4, 5] * 3
    orders = [network.labels[i] + network.labels[i + 1] for i in (0, 2, 4)]
    for order in orders:
        assert sorted(order) == chosen
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_order_and_augmentation_are_streams_of_their_own():
    first, again, other_order, other_augmentation = (Listening() for _ in range(4))
    positions = list(range(20))
    run(first, positions)
    torch.manual_seed(99)
    run(again, positions)
    run(other_order, positions, seeds=TrialSeeds(1, 22, 3, 4, 5))
    run(other_augmentation, positions, seeds=TrialSeeds(1, 2, 33, 4, 5))
    assert again.labels == first.labels
    assert all(torch.equal(a, b) for a, b in zip(again.images, first.images, strict=True))
    assert other_order.labels != first.labels
    assert other_augmentation.labels == first.labels
    assert not any(torch.equal(a, b) for a, b in zip(other_augmentation.images, first.images, strict=True))


def test_images_fetched_ahead_are_the_same_and_no_more_are_fetched(monkeypatch):
    plain, ahead = Listening(), Listening()
    fetched = []
    fetch = TensorBank.fetch

    def noted(bank: TensorBank, *given: Any) -> Any:
        fetched.append(threading.get_ident())
        return fetch(bank, *given)

    monkeypatch.setattr(TensorBank, "fetch", noted)
    run(plain, list(range(18)), epochs=3, steps=4)  # of five a pass
    assert set(fetched) == {threading.get_ident()}
    fetched.clear()
    before = threading.active_count()
    run(ahead, list(range(18)), epochs=3, steps=4, ahead=CPU)
    assert threading.active_count() == before
    assert len(fetched) == 12
    assert threading.get_ident() not in fetched
    assert ahead.labels == plain.labels
    assert all(torch.equal(a, b) for a, b in zip(ahead.images, plain.images, strict=True))


def test_what_is_fetched_ahead_ends_with_a_training_that_fails():
    before = threading.active_count()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Listening(), list(range(20)), ahead=CPU, on_images=interrupt)
    gc.collect()
    assert threading.active_count() == before


def test_each_example_has_a_draw_of_its_own_in_each_epoch():
    network = Listening()
    run(network, list(range(20)), epochs=2)
    bank = moved_bank(images(20), Recipe(batch_size=4), CPU, shift=1)
    generator = torch.Generator().manual_seed(SEEDS.augmentation)
    for epoch in range(2):
        steps = slice(5 * epoch, 5 * epoch + 5)
        order = torch.tensor(network.labels[steps]).flatten()
        expected = bank.augmented(order, draw_moves(20, 1, 0.5, generator))
        torch.testing.assert_close(torch.cat(network.images[steps]), expected)


def test_every_image_that_goes_through_the_network_is_counted():
    _, observer, network = observed(20)
    counted: list[int] = []
    run(network_with(network), list(range(9)), observers={"train": observer}, on_images=counted.append)
    assert counted == [4, 5, 20] * 2


def test_losses_are_means_over_the_steps_of_an_epoch_and_reported():
    losses, reports = run(Listening(), list(range(20)), epochs=2)
    assert losses == [3.0, 8.0]  # steps 1..5, 6..10
    assert [(r.trial, r.epoch, r.epochs, r.train_loss) for r in reports] == [(5, 1, 2, 3.0), (5, 2, 2, 8.0)]
    assert all(r.seconds >= 0 for r in reports)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_fails_the_trial_with_epoch_and_step(value):
    network = Listening(lambda step: value if step >= 8 else 1.0)
    with pytest.raises(TrialFailed, match="finite at epoch 2, step 3"):
        run(network, list(range(20)), epochs=9)
    assert len(network.labels) == 10


class Fixed(nn.Module):
    """Logits from the image alone in evaluation mode, and nonsense in training mode."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = x.flatten(1)[:, :3] * 7
        return logits if not self.training else torch.zeros_like(logits)


def observed(num: int, *logits_per_update: int) -> tuple[ObservationLog, Observer, Network]:
    recipe = Recipe(gcn=False)
    model = nn.Sequential(Fixed(), nn.Linear(3, 3, bias=False))
    nn.init.eye_(model[1].weight)  # type: ignore[arg-type]
    network = Network(
        model,
        recipe,
        Resolved(precision="float32", channels_last=False, threads=1),
        CPU,
        num_examples=num,
        num_classes=3,
    )
    log = ObservationLog(np.arange(num), np.zeros(num, np.int64), 3, keep_logits=np.ones(num, np.bool_))
    return (
        log,
        Observer(moved_bank(images(num), recipe, CPU, shift=1), log, SHAPE, 3, *logits_per_update),
        network,
    )


@pytest.mark.parametrize("logits_per_update", [1, 3 * 500, 10**6])
def test_an_observation_is_clean_and_whole_in_any_grouping(logits_per_update):
    log, observer, network = observed(1203, logits_per_update)
    network.model.train()
    observer.observe(network, ignore)
    kept = log.observations().logits
    assert kept is not None
    expected = images(1203).flatten(1)[:, :3] / 255 * 7
    np.testing.assert_allclose(kept.values[0], expected, rtol=1e-6)
    assert all(module.training for module in network.model.modules())


def test_what_is_observed_of_images_fetched_ahead_is_the_same():
    (plain, observer, network), (log, fetching, _) = (observed(1203, 3 * 500) for _ in range(2))
    observer.observe(network, ignore)
    fetching.images.ahead = CPU  # type: ignore[misc]
    before = threading.active_count()
    counted: list[int] = []
    fetching.observe(network, counted.append)
    assert threading.active_count() == before
    assert counted == [500, 500, 203]
    ours, theirs = log.observations(), plain.observations()
    for name in ("prediction", "loss", "margin", "error_norm", "entropy", "rival"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def network_with(network: Network) -> Any:
    """Observes with ``network`` and trains nothing."""
    listening: Any = Listening()
    listening.model = network.model
    listening.logits = network.logits
    return listening


NUM, CLASSES = 200, 4
LABELS = np.arange(NUM) % CLASSES
EASE = np.random.default_rng(0).random(NUM)


def draw(**changes: object) -> Draw:
    settings = {"effect": "drop", "rate": 0.3, "beta": (3, 1), "ranking": "0" * 64}
    return Draw.model_validate({**settings, **changes})


def made(
    one: Draw | None, index: int = 0, labels: npt.NDArray[np.int64] = LABELS, share: float = 1.0
) -> TrainingSet:
    ranking = None if one is None else EASE[: len(labels)]
    return training_set(labels, CLASSES, share, one, ranking, trial_seeds(0, index))


def test_without_a_draw_a_share_is_trained_on():
    assert made(None).trained_on.all()
    assert made(None, share=0.25).trained_on.sum() == 50
    np.testing.assert_array_equal(made(None, share=0.25).labels, LABELS)


def test_a_drawn_label_may_be_the_own_one():
    drawn = draw_by_rank(EASE, 0.9, (3, 1), trial_seeds(0, 0).draw)
    changed = made(draw(effect="relabel", rate=0.9)).labels
    own = changed[drawn] == LABELS[drawn]
    # 180 draws of one class in four: 45 expected, standard deviation 5.8
    assert 25 < own.sum() < 65
    left = np.setdiff1d(np.arange(NUM), drawn)
    np.testing.assert_array_equal(changed[left], LABELS[left])


def test_or_never():
    drawn = draw_by_rank(EASE, 0.9, (3, 1), trial_seeds(0, 0).draw)
    changed = made(draw(effect="relabel", rate=0.9, other_label=True)).labels
    np.testing.assert_array_equal(np.flatnonzero(changed != LABELS), drawn)
    # every other class is as likely: 60 of 180 expected for each, standard deviation 6.3
    shifts = np.bincount((changed[drawn] - LABELS[drawn]) % CLASSES, minlength=CLASSES)
    assert shifts[0] == 0
    assert (abs(shifts[1:] - 60) < 25).all()


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("rate", [0.1, 0.6])
def test_the_same_examples_are_drawn_whatever_becomes_of_them(rate, balanced):
    dropped = ~made(draw(rate=rate, balanced=balanced)).trained_on
    options = {"effect": "relabel", "rate": rate, "balanced": balanced, "other_label": True}
    np.testing.assert_array_equal(made(draw(**options)).labels != LABELS, dropped)


@pytest.mark.parametrize("effect", ["drop", "relabel"])
def test_each_trial_draws_its_own_and_always_the_same(effect):
    first, again, other = (made(draw(effect=effect), index) for index in (3, 3, 4))
    np.testing.assert_array_equal(first.trained_on, again.trained_on)
    np.testing.assert_array_equal(first.labels, again.labels)
    same = np.array_equal(first.trained_on, other.trained_on) and np.array_equal(first.labels, other.labels)
    assert not same


PLAIN = Resolved(precision="float32", channels_last=False, threads=1)


class Words(nn.Module):
    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(6, 3, sparse=sparse)
        self.classifier = nn.Linear(3, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.table(tokens).sum(1))
        return logits


def network(*, sparse: bool, w_norm: float = 0.0) -> Network:
    torch.manual_seed(0)
    recipe = Recipe(w_norm=w_norm, alpha=0.1, period=2.0)
    return Network(Words(sparse=sparse), recipe, PLAIN, CPU, num_examples=4, num_classes=2, steps_per_epoch=2)


def step(trained: Network, *tokens: int) -> None:
    trained.step(torch.tensor([[one] for one in tokens]), torch.arange(len(tokens)) % 2)


def test_where_every_row_is_seen_it_is_adam():
    sparse, dense = network(sparse=True), network(sparse=False)
    for _ in range(3):
        step(sparse, *range(6))
        step(dense, *range(6))
    for ours, theirs in zip(sparse.model.parameters(), dense.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_rows_that_are_not_seen_stay_and_rows_have_no_weight_decay():
    trained = network(sparse=True, w_norm=10.0)
    before = {name: value.clone() for name, value in trained.weights().items()}
    step(trained, 1, 2)
    step(trained, 2, 4)
    after = trained.weights()
    moved = (after["table.weight"] != before["table.weight"]).any(1)
    assert moved.tolist() == [False, True, True, False, True, False]
    without = network(sparse=True)
    step(without, 1, 2)
    step(without, 2, 4)
    # the classifier decays, and the first step of a row is its own
    assert not torch.equal(after["classifier.weight"], without.weights()["classifier.weight"])
