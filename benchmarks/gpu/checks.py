"""Trials in every way that a GPU can train them, against float32 one by one."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch

from easiness import load_dataset
from easiness.records import TrialRecord
from easiness.runs.plan import make_plan
from easiness.spec import Training
from easiness.trial import run_trial
from gpu.parts import first_line
from gpu.steps import WAYS, settings

# how far predictions and losses may be from those in float32: rounding alone, or bfloat16
EXACT, ROUNDED = (0.97, 0.02), (0.90, 0.10)
# of each way: what is other than usual, and how far off trials may be
CHEAP = {
    "again": ({}, EXACT),
    "bfloat16": ({"precision": "bfloat16"}, ROUNDED),
}
COMPILED = {
    "compiled": ({"compiled": True}, EXACT),
    "compiled, bfloat16": (WAYS["+ compiled"], ROUNDED),
}
SECONDS, SECONDS_COMPILED = 20, 100  # that a way may take on a GPU


@contextmanager
def true_float32():
    """No TF32, to which convolutions of float32 are rounded otherwise."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = False
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


def digits_specs(model, num, resolved, examples):
    plan = make_plan(
        load_dataset("digits", limit=examples), Training(model=model, epochs=3, recipe={"flip": 0.0}), num
    )
    spec = plan.spec(resolved, num, 3)
    return plan.data, [spec.trial(index) for index in range(num)]


def train_all(model, num, resolved, device, examples):
    data, specs = digits_specs(model, num, resolved, examples)
    return [run_trial(spec, data, device) for spec in specs]


def agreement(records, others):
    """Share of equal predictions after each epoch and the largest relative difference of training losses."""
    for record in (*records, *others):
        assert isinstance(record, TrialRecord), f"a trial failed: {record}"
    pairs = [(a, b) for a, b in zip(records, others, strict=True)]
    for a, b in pairs:
        for name, seen in a.probes.items():
            assert seen.loss.shape == b.probes[name].loss.shape
        assert {n: (v.shape, v.dtype) for n, v in a.weights.items()} == {
            n: (v.shape, v.dtype) for n, v in b.weights.items()
        }
    same = np.mean([(a.probes["train"].prediction == b.probes["train"].prediction).mean() for a, b in pairs])
    losses = [(np.array(a.train_loss), np.array(b.train_loss)) for a, b in pairs]
    return float(same), float(max((abs(x - y) / x).max() for x, y in losses))


def check(report, device, left, models, ways):
    """Is each way as near to float32 as it should be? ``left`` gives the seconds that are left."""
    rows, fine = [], True
    with true_float32():
        for model in models:
            of_model, all_right = check_model(device, left, model, ways)
            rows += of_model
            fine &= all_right
    header = ("network", "way", "trials", "equal predictions", "largest difference of loss", "as it should")
    report.whole(f"gpu-checks-{models[0]}", header, rows)
    return fine


def check_model(device, left, model, ways):
    """Rows of the table, and whether all is right. A way that fails is a row of its own."""
    examples = 1500 if device.type == "cuda" else 300
    rows, fine, reference = [], True, None
    base = {"channels_last": not model.startswith("mlp")}
    for name, (changes, (least, most)) in ways.items():
        compiled = changes.get("compiled", False)
        num = 1 if compiled else 3  # each trial compiles anew
        if left() < (SECONDS_COMPILED if compiled else SECONDS):
            rows.append((model, name, "0", "-", "-", "not checked, the time is up"))
            continue
        try:
            if reference is None:
                reference = train_all(model, 3, settings(**base), device, examples)
            resolved = settings(**{**base, **changes, **base})
            found = train_all(model, num, resolved, device, examples)
            same, loss = agreement(reference[:num], found)
        except Exception as error:  # that a way does not work at all is what the check is to find
            rows.append((model, name, str(num), "-", "-", f"NO, {first_line(error)}".replace("|", "\\|")))
            fine = False
            continue
        right = same >= least and loss <= most
        fine &= right
        shown = f"{100 * same:.2f} %", f"{100 * loss:.2f} %", "yes" if right else "NO"
        rows.append((model, name, str(num), *shown))
    return rows, fine
