"""The callbacks of skorch and Keras, with the real libraries."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from torch import nn

from easiness import BadInput, Recorder

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

NUM = 40
X = np.random.default_rng(0).normal(size=(NUM, 5)).astype(np.float32)
Y = (X[:, 1] > 0).astype(np.int64)
IDS = [f"row {at}" for at in range(NUM)]


def recorder(out, **options):
    return Recorder(out, ids=IDS, labels=Y, keep_logits=True, **options)


def test_skorch(tmp_path):
    pytest.importorskip("skorch")
    from skorch import NeuralNetClassifier

    from easiness.integrations.skorch import RecordCallback

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(5, 2)

        def forward(self, x):
            return torch.softmax(self.out(x), 1)

    def train(*callbacks):
        torch.manual_seed(0)
        return NeuralNetClassifier(Module, max_epochs=3, verbose=0, callbacks=list(callbacks)).fit(X, Y)

    made = recorder(tmp_path / "run", outputs="probabilities")
    watched, alone = train(RecordCallback(made, X, IDS)), train()
    assert torch.equal(watched.module_.out.weight, alone.module_.out.weight)
    seen = made.run.trials[0].observations(2)
    assert seen.epochs == (1, 2, 3)
    p = watched.predict_proba(X)[np.arange(NUM), Y]
    np.testing.assert_allclose(seen.p_label[-1], p, rtol=1e-5)
    with pytest.raises(BadInput, match="these are probabilities"):
        train(RecordCallback(recorder(tmp_path / "logits"), X, IDS))


def test_keras(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras was imported with another backend")
    from easiness.integrations.keras import RecordCallback

    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dropout(0.2), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made = recorder(tmp_path / "run")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[RecordCallback(made, X, IDS)])
    seen = made.run.trials[0].observations(2)
    assert seen.epochs == (1, 2)
    np.testing.assert_allclose(seen.logits.values[-1], model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
