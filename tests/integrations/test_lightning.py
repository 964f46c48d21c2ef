"""`RecordCallback` of Lightning with the real library: what it records, and that it disturbs nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from easiness import BadInput, Recorder

pytest.importorskip("lightning")
from lightning.pytorch import LightningModule, Trainer, seed_everything

from easiness.integrations.lightning import RecordCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

NUM = 50
X = torch.from_numpy(np.random.default_rng(0).normal(size=(NUM, 6)).astype(np.float32))
Y = (X[:, 0] > 0).long()
IDS = torch.arange(NUM) * 7


class Module(LightningModule):
    """A network with dropout and batch normalization, so that observing it wrongly would show."""

    def __init__(self, returns: bool = False) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2)
        )
        self.returns = returns

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        ids, x, y = batch
        logits = self(x)
        loss = nn.functional.cross_entropy(logits, y)
        return {"loss": loss, "logits": logits.detach(), "ids": ids} if self.returns else loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.05)


def loader(shuffle=True, batch_size=10):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(IDS, X, Y), batch_size, shuffle=shuffle)


def fit(folder, *callbacks, epochs=3, module=None, checkpoint=None, **options):
    seed_everything(1, verbose=False)
    module = module or Module()
    trainer = Trainer(
        max_epochs=epochs, callbacks=list(callbacks), accelerator="cpu", logger=False,
        default_root_dir=folder, enable_progress_bar=False, enable_model_summary=False,
        **{"enable_checkpointing": False, **options},
    )  # fmt: skip
    trainer.fit(module, loader(), ckpt_path=checkpoint)
    return module, trainer


def recorder(out, **options):
    return Recorder(out, ids=IDS, labels=Y, classes=("no", "yes"), keep_logits=True, model="mine", **options)


def test_every_example_is_seen_after_every_epoch_in_evaluation_mode(tmp_path):
    made = recorder(tmp_path / "run")
    module, _ = fit(tmp_path, RecordCallback(made, loader()))
    seen = made.run.trials[0].observations(2)
    assert seen.epochs == (1, 2, 3)
    assert not seen.augmented
    assert made.run.model == "mine"
    module.eval()
    with torch.no_grad():
        np.testing.assert_allclose(seen.logits.values[-1], module(X).numpy(), rtol=1e-5, atol=1e-6)


def test_the_training_is_the_same_bit_by_bit_and_in_the_same_mode(tmp_path):
    alone, _ = fit(tmp_path)
    watched, _ = fit(tmp_path, RecordCallback(recorder(tmp_path / "run"), loader()))
    for one, other in zip(alone.state_dict().values(), watched.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert watched.training == alone.training


@pytest.mark.parametrize("options", [{"precision": "bf16-mixed"}, {"accumulate_grad_batches": 3}])
def test_mixed_precision_and_accumulated_gradients(tmp_path, options):
    made = recorder(tmp_path / "run")
    fit(tmp_path, RecordCallback(made, loader(shuffle=False)), **options)
    assert made.run.trials[0].observations(2).prediction.shape == (3, NUM)


def test_a_training_that_is_resumed_records_one_whole_trial(tmp_path):
    whole = recorder(tmp_path / "whole")
    fit(tmp_path, RecordCallback(whole, loader()), epochs=4)
    callback_again = RecordCallback(recorder(tmp_path / "resumed"), loader())
    # as a killed training leaves it: a checkpoint after epoch 2, and no trial
    from lightning.pytorch.callbacks import ModelCheckpoint

    kept = ModelCheckpoint(tmp_path / "kept", every_n_epochs=2, save_top_k=-1)
    first = RecordCallback(recorder(tmp_path / "first"), loader())
    fit(tmp_path, first, kept, epochs=2, enable_checkpointing=True)
    fit(tmp_path, callback_again, epochs=4, checkpoint=next((tmp_path / "kept").glob("*.ckpt")))
    resumed = recorder(tmp_path / "resumed").run.trials[0].observations(2)
    assert resumed.epochs == (1, 2, 3, 4)
    reference = whole.run.trials[0].observations(2)
    np.testing.assert_array_equal(resumed.logits.values[:2], reference.logits.values[:2])


def test_what_training_steps_return_is_recorded_as_augmented(tmp_path):
    made = recorder(tmp_path / "run", augmented=True)
    fit(tmp_path, RecordCallback(made), module=Module(returns=True))
    seen = made.run.trials[0].observations(2)
    assert seen.augmented
    assert seen.prediction.shape == (3, NUM)


def test_mappings_with_ids_and_a_forward_of_ones_own(tmp_path):
    rows = [{"name": int(i), "image": x} for i, x in zip(IDS, X, strict=True)]
    given = torch.utils.data.DataLoader(rows, 16)  # type: ignore[arg-type, var-annotated]
    made = recorder(tmp_path / "run")
    callback = RecordCallback(
        made, given, id_key="name", forward=lambda module, inputs: module(inputs["image"]), seed=5
    )
    fit(tmp_path, callback)
    assert 5 in made


def test_what_cannot_be_recorded_is_said_and_nothing_is_stored(tmp_path):
    with pytest.raises(BadInput, match=r"loader for a clean pass.*augmented=True"):
        RecordCallback(recorder(tmp_path / "run"))
    made = recorder(tmp_path / "run")
    part = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(IDS[:40], X[:40]), 10)
    with pytest.raises(BadInput, match="10 of 50 ids"):
        fit(tmp_path, RecordCallback(made, part))
    assert not made.run.trials
    steps = recorder(tmp_path / "steps", augmented=True)
    with pytest.raises(BadInput, match="training_step must return"):
        fit(tmp_path, RecordCallback(steps))


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        ({"x": X, "y": Y}, "'x', 'y'"),
        ((X, Y), "a tuple"),
        (((X, X), Y), "a tuple"),
        ([X], "a list"),
        (X, "a Tensor"),
    ],
)
def test_a_loader_without_ids_is_refused_before_the_training(tmp_path, batch, found):
    made = recorder(tmp_path / "run")
    steps = []
    module = Module()
    module.on_train_batch_start = lambda *_: steps.append(1)
    with pytest.raises(BadInput, match=rf"RecordCallback: a batch .*\({found}\) has no ids"):
        fit(tmp_path, RecordCallback(made, [batch]), module=module)
    assert not steps
    assert not made.run.trials
