"""Trials in every way that a GPU can train them, against float32 one by one."""

from __future__ import annotations

import numpy as np

from easiness import load_dataset
from easiness.record import TrialRecord
from easiness.studies.plan import make_plan
from easiness.trial import run_trials
from gpu_steps import WAYS, settings


def digits_specs(model, num, resolved, examples):
    plan = make_plan(
        load_dataset("digits", limit=examples), model=model, trials=num, epochs=3, recipe={"flip": 0.0}
    )
    spec = plan.spec(resolved, num, 3)
    return plan.data, [spec.trial(index) for index in range(num)]


def train_all(model, num, resolved, device, examples, one_by_one):
    data, specs = digits_specs(model, num, resolved, examples)
    if one_by_one:
        return [run_trials([spec], data, device)[0] for spec in specs]
    return run_trials(specs, data, device)


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


def check(report, device, clock):
    """Trials in every way against float32, one by one and without a graph."""
    on_gpu = device.type == "cuda"
    examples = 1500 if on_gpu else 300
    # how far predictions and losses may be from those in float32: rounding alone, or bfloat16
    exact, rounded = (0.97, 0.02), (0.90, 0.10)
    rows, fine = [], True
    for model in ("mlp_3", "wrn_16_1") if on_gpu else ("mlp_3_w32", "wrn_10_1"):
        last = not model.startswith("mlp")
        ways = [
            ("graph", {"graphed": True}, True, exact),
            ("side by side", {"together": 3}, False, exact),
            ("side by side, graph", {"together": 3, "graphed": True}, False, exact),
            ("bfloat16", {"precision": "bfloat16"}, True, rounded),
            ("bfloat16, graph", {"precision": "bfloat16", "graphed": True}, True, rounded),
        ]
        if on_gpu:
            ways += [
                ("compiled", {"compiled": True}, True, exact),
                ("compiled, graph, bfloat16", WAYS["+ compiled, CUDA graph"], True, rounded),
            ]
        base = {"channels_last": last}
        reference = train_all(model, 3, settings(**base), device, examples, True)
        again = train_all(model, 3, settings(**base), device, examples, True)
        ways_found = [("again", agreement(reference, again), exact)]
        for name, changes, one_by_one, allowed in ways:
            num = 1 if changes.get("compiled") else 3  # each trial compiles anew
            if clock.left() < 400:
                report.say(f"{model}, {name}: not checked, the time is up")
                continue
            resolved = settings(**{**base, **changes, "channels_last": last})
            found = train_all(model, num, resolved, device, examples, one_by_one)
            ways_found.append((name, agreement(reference[:num], found), allowed))
        for name, (same, loss), (least, most) in ways_found:
            right = same >= least and loss <= most
            fine &= right
            rows.append((model, name, f"{100 * same:.2f} %", f"{100 * loss:.2f} %", "yes" if right else "NO"))
    report.say("Three trials of three epochs on digits, against float32, one by one, without a graph:", "")
    report.table(("network", "way", "equal predictions", "largest difference of loss", "as it should"), rows)
    return fine
