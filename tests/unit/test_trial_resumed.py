"""A training that goes on from what was kept of it ends in the bits of one that was never stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.models import model_name
from easiness.records import TrialRecord
from easiness.spec import Draw, Probe, Recipe, Resolved, TrialSpec
from easiness.training import EpochReport, Listener, Standing
from easiness.trial import run_trial
from plans import Memory

CPU = torch.device("cpu")
EPOCHS = 4
LEFT_OUT = Probe(name="train", keep_logits="left_out", observe="every:3")


@pytest.fixture(scope="module")
def data() -> Dataset:
    """60 digits to train on, and 20 others held out."""
    digits = load_dataset("digits")
    others = replace(digits._take(np.arange(60, 80)), split="test")
    return replace(digits._take(np.arange(60)), held_out=others)


class Dropping(nn.Sequential):
    """Draws from torch's own generator in training, and has a buffer that no state dict keeps."""

    def __init__(self, input_shape: tuple[int, int, int], num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), num_classes), nn.Dropout(0.4))
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen += 1
        logits: torch.Tensor = super().forward(images) * (1 + self.seen / 100)
        return logits


def asked(data: Dataset, **changes: Any) -> TrialSpec:
    resolved = {"precision": "float32", "channels_last": False, "threads": 1}
    settings: dict[str, Any] = {
        "data": data.ref(),
        "model": "mlp_2_w8",
        "recipe": Recipe(flip=0.5, batch_size=16),
        "resolved": Resolved(**{**resolved, **changes.pop("resolved", {})}),
        "probes": (Probe(name="train"), Probe(name="held_out")),
        "epochs": EPOCHS,
        "seed": 0,
    }
    return TrialSpec(**{**settings, **changes, "index": 0})


def bits(result: TrialRecord) -> Any:
    assert result.weights is not None
    arrays: dict[str, Any] = {f"weights {name}": value.tobytes() for name, value in result.weights.items()}
    for name, seen in result.probes.items():
        for column in ("prediction", "loss", "margin", "error_norm", "entropy", "rival"):
            arrays[f"{name} {column}"] = getattr(seen, column).tobytes()
        if seen.logits is not None:
            arrays[f"{name} logits"] = seen.logits.values.tobytes()
        arrays[f"{name} epochs"] = seen.epochs
    return arrays, result.train_loss


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "wrn_10_1", "resolved": {"channels_last": True, "folded": True}},
        {"model": "wrn_10_1", "resolved": {"precision": "bfloat16", "folded": True}},
        {"model": model_name(Dropping)},
        {"train_share": 0.5, "probes": (LEFT_OUT,)},
        {"probes": (Probe(name="train", observe="last"),)},
        {"probes": (Probe(name="train", observe="train"), Probe(name="held_out"))},
        {"model": "wrn_10_1", "resolved": {"channels_last": True}},
    ],
    ids=str,
)
def test_it_goes_on_bit_for_bit_from_each_epoch(data, changes):
    spec, keeper, images = asked(data, **changes), Memory(), list[int]()
    whole = bits(run_trial(spec, data, CPU, listener=Listener(on_images=images.append), keeper=keeper))
    assert [state.epoch for state in keeper.kept] == [1, 2, 3]
    for state in keeper.kept[::2]:
        reports, rest = list[EpochReport](), list[int]()
        torch.manual_seed(99)
        again = run_trial(
            spec, data, CPU, listener=Listener(reports.append, rest.append), keeper=Memory(state)
        )
        assert bits(again) == whole
        assert [report.epoch for report in reports] == list(range(state.epoch + 1, EPOCHS + 1))
        assert state.images + sum(rest) == sum(images)


@pytest.mark.parametrize("model", ["bag_4", "text_cnn"])
def test_texts_go_on(model):
    texts = [f"{'Who' if at % 2 else 'Where'} is number {at} ?" for at in range(24)]
    data, keeper = load_dataset((texts, [0, 1] * 12)), Memory()
    recipe = Recipe(batch_size=8, word_dropout=0.3)
    spec = asked(data, model=model, recipe=recipe, probes=(Probe(name="train"),))
    whole = run_trial(spec, data, CPU, keeper=keeper)
    assert bits(run_trial(spec, data, CPU)) == bits(whole)
    for state in keeper.kept[:2]:
        assert bits(run_trial(spec, data, CPU, keeper=Memory(state))) == bits(whole)


def test_it_goes_on_within_a_pass_over_few_examples(data):
    """An epoch of as many steps as all examples take, over a half of them, ends in the middle of a pass."""
    ranking = np.arange(60.0)
    draw = Draw(effect="drop", rate=0.4, beta=(1.0, 1.0), ranking="0" * 64)
    spec, keeper = asked(data, draw=draw, same_steps=True), Memory()
    whole = run_trial(spec, data, CPU, ranking=ranking, keeper=keeper)
    for state in keeper.kept:
        again = run_trial(spec, data, CPU, ranking=ranking, keeper=Memory(state))
        assert bits(again) == bits(whole)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "mlp_2_w9"}, "of another network"),
        ({"probes": (Probe(name="train", observe="last"), Probe(name="held_out"))}, "of other epochs"),
        ({"probes": (Probe(name="train", keep_logits="all"), Probe(name="held_out"))}, "of other examples"),
    ],
)
def test_the_state_of_another_training_is_refused_and_changes_nothing(data, other, message):
    kept, keeper = Memory(), Memory()
    run_trial(asked(data, **other), data, CPU, keeper=kept)

    class Refused(Memory):
        def begin(self, standing: Standing) -> None:
            with pytest.raises(BadInput, match=message):
                super().begin(standing)

    whole = run_trial(asked(data), data, CPU, keeper=keeper)
    again = run_trial(asked(data), data, CPU, keeper=Refused(kept.kept[1]))
    assert bits(again) == bits(whole)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("losses", lambda value: value[:, :1]),
        ("optimizer/0/exp_avg", lambda value: value[:1]),
        ("optimizer/steps", lambda value: value[None]),
        ("optimizer/0/other", None),
        ("random/cpu", lambda value: value[:8]),
        ("observed/train/0/loss", lambda value: value[:, :5]),
        ("observed/train/0/loss", lambda value: value[:1]),
        ("observed/train/0/prediction", lambda value: value.float()),
        ("observed/train/0/prediction", lambda value: value + 2**30),
        ("observed/train/0/rival", lambda value: value - 2**30),
        ("observed/held_out/0/loss", lambda value: value.double()),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(data, name, change):
    keeper = Memory()
    whole = run_trial(asked(data), data, CPU, keeper=keeper)
    state = keeper.kept[1]
    value = torch.zeros(1) if change is None else change(state.tensors[name])
    state = replace(state, tensors={**state.tensors, name: value})

    class Refused(Memory):
        def begin(self, standing: Standing) -> None:
            with pytest.raises(BadInput):
                super().begin(standing)

    again = run_trial(asked(data), data, CPU, keeper=Refused(state))
    assert bits(again) == bits(whole)
