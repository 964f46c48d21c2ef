"""A trial that drops or relabels examples: what it trains on, for how many steps, and what it records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from easiness import trial as trial_module
from easiness.data import Dataset, load_dataset
from easiness.records import TrialRecord
from easiness.spec import Draw, Probe, Recipe, Resolved, TrialSpec, trial_seeds
from easiness.training import Network, training_set
from easiness.trial import run_trial

EASE = np.linspace(0, 1, 200)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """200 digits to train on and 60 others held out."""
    return load_dataset("digits", holdout=0.2).limit(200)


def draw(**changes: Any) -> Draw:
    return Draw.model_validate(
        {"effect": "drop", "rate": 0.5, "beta": (3, 1), "ranking": "0" * 64, **changes}
    )


class Watched(Network):
    """A network that notes how it was made and how often it was trained."""

    made: list[Watched]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.num_examples: int = options["num_examples"]
        self.batches: list[int] = []
        self.made.append(self)

    def update(self, images: Any, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.batches.append(len(labels))
        return super().update(images, labels)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    Watched.made = []
    monkeypatch.setattr(trial_module, "Network", Watched)
    return Watched


def asked(data: Dataset, one: Draw | None, probes: tuple[str, ...] = ("train",), **spec: Any) -> TrialSpec:
    settings: dict[str, Any] = {
        "data": data.ref(),
        "model": "mlp_2_w16",
        "recipe": Recipe(flip=0.0, batch_size=64),
        "resolved": Resolved(precision="float32", channels_last=False, threads=1),
        "probes": tuple(Probe.model_validate({"name": name}) for name in probes),
        "epochs": 2,
        "seed": 0,
        "index": 0,
        "draw": one,
    }
    return TrialSpec(**{**settings, **spec})


def trained(
    data: Dataset, one: Draw | None, probes: tuple[str, ...] = ("train",), **spec: Any
) -> TrialRecord:
    ranking = None if one is None else EASE
    return run_trial(asked(data, one, probes, **spec), data, torch.device("cpu"), ranking=ranking)


def test_a_smaller_set_takes_fewer_steps(data, watched):
    record = trained(data, draw())
    (network,) = watched.made
    assert network.batches == [64, 36, 64, 36]
    assert record.probes["train"].num_epochs == 2


def test_or_as_many_as_the_full_one_and_is_observed_as_often(data, watched):
    full = trained(data, None)
    same = trained(data, draw(), same_steps=True)
    everything, smaller = watched.made
    assert everything.batches == [64, 64, 64, 8] * 2
    assert smaller.batches == [64, 36, 64, 36] * 2
    assert same.probes["train"].num_epochs == full.probes["train"].num_epochs == 2
    assert len(same.train_loss) == 2
    # the schedule goes by steps of the full set: both have come as far along the cosine
    rates = [network.optimizer._optimizers[0].param_groups[0]["lr"] for network in watched.made]
    assert rates[0] == rates[1]


def test_or_as_many_as_a_part_has_and_each_epoch_sees_another(data, watched):
    """Two epochs of 100 are 128 and 72 of one pass over the 200, and none comes twice before all have."""
    trained(data, None, steps_of=100)
    (network,) = watched.made
    assert network.batches == [64, 64, 64, 8]
    as_before, part = asked(data, None), asked(data, None, steps_of=100)
    assert as_before.hash != part.hash
    assert "steps_of" not in as_before.model_dump()


def test_what_is_recorded_of_relabelled_examples(data):
    one = draw(effect="relabel", other_label=True)
    record = trained(data, one, ("train", "held_out"))
    chosen = training_set(data.labels, data.num_classes, 1.0, one, EASE, trial_seeds(0, 0))
    np.testing.assert_array_equal(record.probes["train"].labels, chosen.labels)
    assert (record.probes["train"].labels != data.labels).sum() == 100
    assert data.held_out is not None
    np.testing.assert_array_equal(record.probes["held_out"].labels, data.held_out.labels)
