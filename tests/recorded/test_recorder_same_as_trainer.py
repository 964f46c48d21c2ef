"""`Recorder` fed with the logits of a measured run gives the same statistics, and so the same scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import easiness as ez
from easiness.store import STATISTICS
from recording import small_run


@pytest.fixture(scope="module")
def with_logits(tmp_path_factory) -> ez.Run:
    """Three trials on 80 % of 60 digits each, with every logit kept."""
    return small_run(
        tmp_path_factory.mktemp("with_logits") / "run", trials=3, epochs=3, train_share=0.8, keep_logits=True
    )


def logits_of(run: ez.Run, index: int) -> np.ndarray:
    """[epochs, K, classes]"""
    return run.trials[index].observations(len(run.classes)).logits.values  # type: ignore[union-attr]


def shuffled_batches(num: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    yield from np.array_split(random.permutation(num), 7)


def as_numpy(ids: np.ndarray, logits: np.ndarray) -> tuple[Any, Any]:
    return ids, logits


def as_double(ids: np.ndarray, logits: np.ndarray) -> tuple[Any, Any]:
    return ids.tolist(), logits.astype(np.float64)


def as_torch(ids: np.ndarray, logits: np.ndarray) -> tuple[Any, Any]:
    return torch.from_numpy(ids), torch.from_numpy(logits).requires_grad_()


def record(run: ez.Run, path: Path, give, logits=logits_of) -> ez.Run:
    random = np.random.default_rng(0)
    recorder = ez.Recorder(
        path,
        ids=run.ids,
        labels=run.labels,
        classes=run.classes,
        fingerprint=run.spec.data.train.fingerprint,
        keep_logits=True,
    )
    for index, trial in enumerate(run.trials):
        trained_on = run.ids[trial.columns(1, ["trained_on"])["trained_on"]]
        with recorder.trial(seed=index, trained_on=random.permutation(trained_on)) as recorded:
            for epoch_logits in logits(run, index):
                for positions in shuffled_batches(len(run.ids), random):
                    recorded.update(*give(run.ids[positions], epoch_logits[positions]))
                recorded.end_epoch()
    return recorder.run


@pytest.mark.parametrize("give", [as_numpy, as_double, as_torch])
def test_same_logits_same_scores(with_logits, tmp_path, give):
    recorded = record(with_logits, tmp_path / "mine", give)
    for epoch in (1, 3):
        pd.testing.assert_frame_equal(recorded.scores(epoch), with_logits.scores(epoch), check_exact=True)
    for ours, theirs in zip(recorded.trials, with_logits.trials, strict=True):
        names = [*STATISTICS, "label", "trained_on", "id"]
        for epoch in (1, 2, 3):
            a, b = ours.columns(epoch, names), theirs.columns(epoch, names)
            for name in names:
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        assert ours.document.accuracy == theirs.document.accuracy
        first, second = ours.observations(10).logits, theirs.observations(10).logits
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.values, second.values)


def test_half_precision_is_widened_before_anything(with_logits, tmp_path):
    """bfloat16 tensors give what their exact values in float32 give."""

    def rounded(run, index):
        return torch.from_numpy(logits_of(run, index)).bfloat16().float().numpy()

    def as_bfloat16(ids, logits):
        return torch.from_numpy(ids), torch.from_numpy(logits).bfloat16()

    half = record(with_logits, tmp_path / "half", as_bfloat16, rounded)
    single = record(with_logits, tmp_path / "single", as_numpy, rounded)
    pd.testing.assert_frame_equal(half.scores(), single.scores(), check_exact=True)
    assert not half.scores()["loss"].equals(with_logits.scores()["loss"])


def test_recorded_and_measured_runs_are_compared(with_logits, tmp_path, command):
    recorded = record(with_logits, tmp_path / "mine", as_numpy)
    match = ez.matching_rate(recorded, with_logits, side="easy", fraction=0.2, ties="refine")
    assert match.rate == 1.0
    status = command("status", tmp_path / "mine")
    assert status.code == 0
    assert status.out.startswith(f"{tmp_path / 'mine'}: recorded, 3 trials finished\n")
