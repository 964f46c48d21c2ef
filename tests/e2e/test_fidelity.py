"""Faster is the same: easiness from fast settings matches float32 as well as float32 matches itself.

The reference is a run of float32 trials, one after the other. Its noise ceiling is how well groups of its own
trials match each other; groups of fast trials, of other seeds, must match groups of it as well.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import easiness as ez
from easiness import Run
from easiness.analysis import Rule, match_groups
from easiness.data import Dataset
from easiness.runs import carry_out, make_plan
from easiness.spec import Execution, Recording, Resolved, Training
from easiness.trial import run_trial

TRIALS, EPOCHS, ALPHA = 20, 10, 0.003
SIGMAS = 3
Train = Callable[..., Run]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return ez.load_dataset("digits", limit=500)


@pytest.fixture(scope="module")
def train(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains a run of small networks, with the settings and in the way that its options say."""

    def train(name: str, seed: int, *, own: Dataset = data, alpha: float = ALPHA, **settings: Any) -> Run:
        plan = make_plan(
            own,
            Training(model="mlp_2_w64", epochs=EPOCHS, seed=seed, recipe={"alpha": alpha}),
            TRIALS,
            recording=Recording(keep_weights=False),
        )
        resolved = Resolved.model_validate(
            {"precision": "float32", "channels_last": False, "threads": 1, **settings}
        )
        return carry_out(plan, tmp_path_factory.mktemp("fidelity") / name, Execution(), resolved=resolved)

    return train


@pytest.fixture(scope="module")
def reference(train: Train) -> Run:
    return train("reference", seed=1000)


def accuracies(run: Run) -> npt.NDArray[np.float64]:
    """Accuracy on the training examples, [trial, epoch]."""
    return np.array([trial.document.accuracy["train"] for trial in run.trials])


def differences(fast: Run, reference: Run) -> list[str]:
    """What a fast run does not reproduce: of the easy set, the hard set, and the accuracies."""
    found = []
    ours, theirs = fast.votes(), reference.votes()
    for side in ("easy", "hard"):
        ceiling = match_groups(theirs, theirs, Rule(side=side, ties="refine"))
        match = match_groups(ours, theirs, Rule(side=side, ties="refine"))
        assert ceiling is not None
        assert match is not None
        assert match.group_size == ceiling.group_size == TRIALS // 2
        assert ceiling.interval[1] - ceiling.interval[0] < 0.35  # an interval that rules something out
        if match.rate < ceiling.interval[0]:
            found.append(side)
    a, b = accuracies(fast), accuracies(reference)
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    if (np.abs(a.mean(axis=0) - b.mean(axis=0)) > SIGMAS * error).any():
        found.append("accuracy")
    return found


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [{"precision": "bfloat16"}, {"precision": "bfloat16", "jobs": 2}],
    ids=["bfloat16", "bfloat16 in two processes"],
)
def test_fast_trials_match_float32_as_float32_matches_itself(train, reference, settings):
    fast = train("fast", seed=7, **settings)
    assert differences(fast, reference) == []


@pytest.mark.long
def test_the_check_finds_another_step_size(train, reference):
    assert differences(train("slow", seed=7, alpha=ALPHA / 3), reference) == ["easy", "hard", "accuracy"]


@pytest.mark.long
def test_the_check_finds_wrong_labels(train, reference, data):
    rng = np.random.default_rng(0)
    labels = data.labels.copy()
    wrong = rng.choice(len(labels), len(labels) // 10, replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, len(wrong))) % 10
    found = differences(train("wrong", seed=7, own=replace(data, labels=labels)), reference)
    assert "hard" in found
    assert "accuracy" in found


@pytest.fixture
def compiles() -> None:
    """Skips where ``torch.compile`` does not work, such as without a C++ compiler."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.compile(lambda x: (x + 1).sin())(torch.zeros(8))
    except Exception as error:
        pytest.skip(f"torch.compile does not work here: {type(error).__name__}")


class Block(torch.nn.Module):
    """What wide residual networks are made of, with a third of their kernels to compile."""

    def __init__(self) -> None:
        super().__init__()
        self.before = torch.nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(16)
        self.conv = torch.nn.Conv2d(16, 16, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return x + self.conv(torch.relu(self.norm(x)))


def block(input_shape: tuple[int, ...], num_classes: int) -> torch.nn.Module:
    assert input_shape[0] == 1
    pool = torch.nn.AvgPool2d(2)
    return torch.nn.Sequential(Block(), pool, torch.nn.Flatten(), torch.nn.Linear(16 * 4 * 4, num_classes))


@pytest.mark.long  # some ten kernels to compile where torch has kept none
def test_a_compiled_trial_records_what_an_eager_one_does(compiles):
    del compiles
    data = ez.load_dataset("digits", limit=160)  # steps of 128 and, never compiled, of 32
    plan = make_plan(data, Training(model="test_fidelity:block", epochs=6), 1)
    records = []
    for compiled in (False, True):
        resolved = Resolved(precision="float32", channels_last=True, threads=1, compiled=compiled)
        trial = plan.spec(resolved, trials=1, epochs=6).trial(0)
        records.append(run_trial(trial, data, torch.device("cpu")))
    eager, fast = records
    np.testing.assert_allclose(fast.train_loss, eager.train_loss, rtol=1e-3)
    assert not math.isclose(eager.train_loss[0], eager.train_loss[-1], rel_tol=0.05)  # it does learn
    agree = fast.probes["train"].prediction == eager.probes["train"].prediction
    assert agree.mean() > 0.98
