"""Runs for tests: the one place where they are recorded from logits, or measured in small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from easiness.data import Dataset
from easiness.pages import ReportOptions, render_report
from easiness.records import ObservationLog, Observations
from easiness.spec import DatasetRef, Loading, Probe, Recipe, Resolved, RunSpec, SplitRef, TrialsAre
from easiness.store import Recorder, Run


def recorded(
    out: Path,
    logits: Any,
    labels: Any = None,
    *,
    data: Dataset | None = None,
    ids: Any = None,
    trained_on: Sequence[Any] | None = None,
    **options: Any,
) -> Run:
    """Record one trial, with the seeds 0, 1, ..., for each of ``logits``, but for those that the run has.

    Args:
        out: folder of the run.
        logits: of each trial [epochs, K, C], or [K, C] of its only epoch.
        labels: of the examples; those of ``data`` by default.
        data: what the run is of, with its ids, classes and fingerprint.
        ids: of the examples; those of ``data`` by default, or else 0, 1, ...
        trained_on: for each trial the ids of the examples trained on.
        options: of `Recorder`.
    """
    if data is not None:
        options = {"classes": data.classes, "fingerprint": data.fingerprint, **options}
        labels, ids = data.labels if labels is None else labels, data.ids
    ids = np.arange(len(labels)) if ids is None else ids
    recorder = Recorder(out, ids=ids, labels=labels, **options)
    for seed, (epochs, own) in enumerate(zip(logits, trained_on or repeat(None), strict=False)):
        if seed in recorder:
            continue
        with recorder.trial(seed, trained_on=own) as trial:
            for values in epochs if np.ndim(epochs) == 3 else [epochs]:
                trial.update(ids, values)
                trial.end_epoch()
    return recorder.run


def believing(
    said: Any, trials: int, epochs: int = 1, *, sure: Any = None, noise: float = 1.0, seed: int = 0
) -> Any:
    """Logits [trials, epochs, K, C] of networks that believe in the classes ``said`` [K].

    They are normal around 0, and around ``sure`` for the class that is believed in: a number, or what spreads
    to [epochs, K]; by default from 0 of the first example to 4 of the last.
    """
    said = np.asarray(said)
    sure = np.linspace(0, 4, len(said)) if sure is None else sure
    one_hot = np.eye(int(said.max()) + 1)[said]
    random = np.random.default_rng(seed).normal(0, noise, (trials, epochs, *one_hot.shape))
    return random + np.broadcast_to(sure, (epochs, len(said)))[..., None] * one_hot


def flip(file: Path) -> None:
    """Turn a bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def trial_of_logits(
    logits: Any, labels: Any, *, trained_on: Any = None, keep: Any = None, epochs: tuple[int, ...] = ()
) -> Observations:
    """Observations of one trial from logits [M, K, C], by the log that records real ones."""
    logits, labels = np.asarray(logits), np.asarray(labels, np.int64)
    masks = [None if mask is None else np.asarray(mask, np.bool_) for mask in (trained_on, keep)]
    positions = np.arange(len(labels))
    log = ObservationLog(
        positions, labels, logits.shape[2], trained_on=masks[0], keep_logits=masks[1], epochs=epochs
    )
    for epoch in logits:
        log.update(positions, epoch)
        log.end_epoch()
    return log.observations()


def trial_of_p(p: Any, **rest: Any) -> Observations:
    """One trial of two classes from the probability of the label [M, K], class 0; right where above 1/2."""
    p = np.asarray(p, np.float64)
    return trial_of_logits(np.log(np.stack([p, 1 - p], axis=-1)), np.zeros(p.shape[1]), **rest)


def trial_of_right(right: Any, **rest: Any) -> Observations:
    """One trial of two classes from a table [M, K] of 0 and 1: p_label is 1/4 or 3/4."""
    return trial_of_p(np.where(np.asarray(right, np.bool_), 0.75, 0.25), **rest)


def page_of(runs: Sequence[Run], **options: Any) -> str:
    """The page of `easiness.report`, by its options, as a text."""
    return render_report(ReportOptions(runs, **options))


def run_spec(num: int = 4, *, classes: Sequence[str] = ("no", "yes"), **options: Any) -> RunSpec:
    """What a measured run of ``num`` examples is: of two trials of two epochs by default."""
    usual: dict[str, Any] = {"probes": (Probe(name="train"),), "seed": 5, "trials": 2, "epochs": 2}
    usual["data"] = DatasetRef(train=SplitRef(fingerprint="f", num_examples=num), classes=tuple(classes))
    usual |= {"model": "mlp_3", "recipe": Recipe()}
    usual["resolved"] = Resolved(precision="float32", channels_last=False, threads=1)
    return RunSpec(**usual | options)


def small_run(out: Path, source: Any = "digits", **options: Any) -> Run:
    """Measure a trial of an epoch of a small network on 60 digits, where ``options`` say nothing else."""
    from easiness import measure
    from easiness.runs import given_data

    loading = {name: options.pop(name) for name in vars(Loading()) if name in options}
    data = given_data(source, Loading(**{"limit": 60, **loading}))
    usual = {"model": "mlp_2_w16", "trials": 1, "epochs": 1, "precision": "float32"}
    return measure(data, out=out, **{**usual, **options})


def tagged(out: Path, num: int = 60, **options: Any) -> Run:
    """Measure heads, in ``out/run``, on numbers that tell three tags of examples in ``out/pets.csv``.

    Every second has a dog, every third a car, every fifth an owl. The dog of 3 is missing, the car of 4 is
    too many, and nobody says whether the owl of 5 is there.
    """
    from easiness import load_dataset, measure

    out.mkdir()
    there = np.stack([np.arange(num) % 2, np.arange(num) % 3 == 0, np.arange(num) % 5 == 0], axis=1) * 1.0
    noise = np.random.default_rng(0).normal(0, 0.3, there.shape)
    table = pd.DataFrame(np.hstack([3 * there + noise, there]), columns=[*"abc", "dog", "car", "owl"])
    table.loc[3, "dog"], table.loc[4, "car"], table.loc[5, "owl"] = 0, 1, np.nan
    table.to_csv(out / "pets.csv", index=False)
    data = load_dataset(out / "pets.csv", tags=True, label="dog,car,owl")
    usual = {"model": "ridge", "features": ["inputs"], "trials": 10}
    return measure(data, out=out / "run", **{**usual, **options})


def tagged_pictures(out: Path, names: Sequence[str] = ("dog", "<b>car", "owl")) -> tuple[Run, Dataset]:
    """Measure heads on 240 pictures of three rows of pixels, each bright where the example has its tag.

    Of every 12th the first tag is wrong, and of every 10th nobody says whether it has the second.
    """
    from easiness import load_dataset, measure

    random = np.random.default_rng(0)
    values = (random.random((240, 3)) < [0.5, 0.3, 0.2]).astype(np.int8)
    pictures = np.repeat(values[:, :, None] * np.int64(180), 3, axis=2) + random.integers(0, 60, (240, 3, 3))
    values[::12, 0] = 1 - values[::12, 0]
    values[5::10, 1] = -1
    data = load_dataset((pictures.astype(np.uint8), values), tags=True, classes=names)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.save(out.parent / "vectors.npy", pictures.reshape(240, 9).astype(np.float32) / 255)
    return measure(data, features=out.parent / "vectors.npy", trials=5, out=out, progress=False), data


def counted(
    out: Path | None,
    *,
    ids: Any = None,
    trials_are: Any = "rollouts",
    num: Any = 20,
    group: Any = None,
    **right: Any,
) -> list[Run]:
    """Record runs of outcomes by their models, from how many of ``num`` trials of each item are ``right``."""
    from easiness import record

    rows = [
        pd.DataFrame({"correct": correct}).assign(
            item=range(len(correct)) if ids is None else ids,
            **{"model": name, "count": num} | ({} if group is None else {"group": group}),
        )
        for name, correct in right.items()
    ]
    runs = record(pd.concat(rows), out=out, trials_are=trials_are)
    return [runs] if isinstance(runs, Run) else list(runs)


def answered(
    out: Path | None,
    answers: Mapping[str, Sequence[Sequence[str | None]]],
    keys: Sequence[str | None] | None = None,
    *,
    trials_are: TrialsAre = "rollouts",
    **columns: Sequence[Any],
) -> list[Run]:
    """Record a run of outcomes below ``out`` for each model, from its ``answers`` to K items, one a trial.

    Columns are by item as ``keys`` are: ``id``, ``text``. Without keys the column ``right`` says by model and
    item which of the answers are right.
    """
    from easiness import record

    right, ids = columns.pop("right", None), columns.pop("id", range(99_999))
    rows = [
        {"item": ids[at], "model": model, "trial": trial, "answer": answer}
        | ({} if keys is None else {"key": keys[at]})
        | ({} if right is None else {"right": answer in right[at]})
        | {name: values[at] for name, values in columns.items()}
        for model, of_items in answers.items()
        for at, of_item in enumerate(of_items)
        for trial, answer in enumerate(of_item)
    ]
    runs = record(pd.DataFrame(rows), out=out, trials_are=trials_are)
    return [runs] if isinstance(runs, Run) else list(runs)


def harness(doc_id: int, right: float | None = 1.0, **more: Any) -> dict[str, Any]:
    """A row as lm-evaluation-harness keeps it of a task whose answers are generated."""
    return {
        "doc_id": doc_id,
        "doc": {"question": f"{doc_id} + 1?", "answer": f"think: #### {doc_id + 1}", "level": doc_id % 2},
        "target": str(doc_id + 1),
        "arguments": {"gen_args_0": {"arg_0": "Q: ...", "arg_1": {"until": ["\n"]}}},
        "resps": [["so it is 3"]],
        "filtered_resps": ["3"],
        "filter": "strict-match",
        **{"metrics": ["exact_match"], "exact_match": right},
        **dict.fromkeys(("doc_hash", "prompt_hash", "target_hash"), "h"),
        **more,
    }


def instance(sample: str, score: float | None, **more: Any) -> dict[str, Any]:
    """A row by the schema of Every Eval Ever."""
    return {
        "schema_version": "0.2.2",
        "evaluation_id": "gsm8k/org/m/17",
        **{"model_id": "org/m", "evaluation_name": "gsm8k", "sample_id": sample},
        "interaction_type": "single_turn",
        "input": {"raw": f"what is {sample}?", "formatted": None, "reference": ["4"], "choices": None},
        "output": {"raw": ["It is 4."], "reasoning_trace": []},
        "answer_attribution": [{"turn_idx": 0, "source": "output.raw", "extracted_value": "4"}],
        "evaluation": {"score": score, "is_correct": bool(score), "num_turns": None},
        **{"messages": None, "error": None},
        "metadata": {"epoch": "1", "subject": "sums"},
        **more,
    }


class Hostile:
    """Unpickled, it creates a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)
