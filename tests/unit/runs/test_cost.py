from __future__ import annotations

import shutil
import statistics
from dataclasses import replace
from typing import Any

import pytest
import torch

import easiness as ez
from easiness import load_dataset, measure
from easiness.runs.carrying_out import cache_beside, resolve_plan  # type: ignore[attr-defined]
from easiness.runs.execution import Cost, effort_text, estimate_cost, seconds_beside
from easiness.runs.progress import Progress
from easiness.spec import Execution, RunSpec
from pixels import PETS, write_noise
from plans import planned

CPU = torch.device("cpu")
COST = Cost(
    num_examples=1_281_167,
    num_held_out=50_000,
    num_trained_on=1_281_167,
    num_observed=1_331_167,
    num_trials=2,
    epochs=10,
    steps_per_epoch=20_019,
    run_bytes=600_000_000,
    cache_bytes=340_000_000_000,
    flops=1e9,
    memory=3 * 10**9,
)


def test_it_is_one_line():
    assert str(COST) == (
        "1,281,167 examples and 50,000 held out; 400,380 steps (2 trials x 10 epochs x 20019): 2.7e+16 FLOP; "
        "about 3 GB of memory; about 600 MB of disk and 340 GB of cached photos"
    )
    known = replace(COST, seconds=28 * 3600.0)
    assert effort_text([known, known]) == "5.3e+16 FLOP, about 2.3 days"
    assert effort_text([known, COST]) == "5.3e+16 FLOP"
    heads = replace(COST, num_examples=100, num_held_out=0, steps_per_epoch=0, cache_bytes=0)
    assert str(heads) == "100 examples; about 600 MB of disk"


def test_hours_are_those_of_trials_that_are_there(tmp_path, measured):
    """Of the same network on the same data by the same settings: others say nothing of them."""
    shutil.copytree(measured, tmp_path / "beside")
    run = ez.open_run(measured)
    assert isinstance(run.spec, RunSpec)
    ((spec, seconds),) = seconds_beside(tmp_path / "new")
    assert spec == run.spec
    assert seconds == statistics.median(trial.document.seconds or 0 for trial in run.trials)
    data = load_dataset("digits", limit=100)
    longer = spec.model_copy(update={"epochs": 2 * spec.epochs})
    assert estimate_cost(longer, data, spec.resolved.jobs, CPU, None).seconds is None
    taken = [(spec, 60.0)]
    assert estimate_cost(longer, data, spec.resolved.jobs, CPU, None, taken).seconds == 120.0
    other = spec.model_copy(update={"model": "mlp_2"})
    assert estimate_cost(other, data, 1, CPU, None, taken).seconds is None


def cost_of(plan, cache=None) -> Cost:
    spec = plan.spec(resolve_plan(plan, CPU, Execution()), plan.trials, plan.epochs)
    return estimate_cost(spec, plan.data, plan.trials, CPU, cache)


@pytest.mark.parametrize("observe", ["every:2", "train"])
def test_every_image_that_is_counted_goes_through(tmp_path, observe):
    told, expected = [], []

    class Counting(Progress):
        def begin(self, *about):
            expected.append(about[-1].num_images)

        def images(self, num):
            told.append(num)

    settings = dict[str, Any](model="mlp_2_w16", trials=2, epochs=3, precision="float32")
    data = load_dataset("digits", limit=60, holdout=0.2)
    measure(data, out=tmp_path / "run", observe=observe, progress=Counting(), **settings)
    assert [sum(told)] == expected


@pytest.mark.parametrize("changes", [{"keep_logits": True}, {"train_share": 0.5}, {"keep_weights": False}])
def test_what_is_kept_counts(tmp_path, changes):
    settings = {"model": "mlp_2_w16", "trials": 2, "epochs": 4, "precision": "float32", **changes}
    cost = cost_of(planned("digits", **settings))
    run = measure("digits", **settings, out=tmp_path / "run")
    taken = sum(file.stat().st_size for trial in run.trials for file in trial.path.iterdir())
    assert taken / 1.5 < cost.run_bytes < taken * 1.5


def test_the_cache_counts_until_it_is_there(tmp_path):
    pets = write_noise(tmp_path / "pets", PETS, [(40, 60, 3), (50, 20, 3), (30, 30, 3)])
    settings: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "epochs": 1, "recipe": {"crop": 21}}
    plan = planned(load_dataset(pets), **settings)
    cache = cache_beside(tmp_path / "run")
    # short sides of 24: 24 x 36, 50 x 20 (smaller already), 24 x 24
    expected = 2 * 3 * (24 * 36 + 50 * 20 + 24 * 24)
    assert cost_of(plan, cache).cache_bytes == expected
    assert cost_of(plan).cache_bytes == 0
    run = measure(plan.data, **settings, out=tmp_path / "run")
    assert isinstance(run.spec, RunSpec)
    assert cost_of(plan, cache).cache_bytes == 0
    (file,) = cache.glob("*.photos")
    assert file.stat().st_size == expected + 6 * 12 + 62
