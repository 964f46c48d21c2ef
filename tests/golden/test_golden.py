"""What was written and hashed once stays so: folders, documents, schemas, identities, rounded numbers.

Runs on other people's disks depend on it. ``EASINESS_GOLDEN=write pytest tests/golden -n 0`` writes the
values anew, for a change that is meant.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open

import easiness as ez
from easiness.perturb import KINDS
from easiness.spec import DatasetRef, Draw, Probe, Recipe, Resolved, SplitRef, TrialSpec
from recording import answered, recorded

VALUES = Path(__file__).parent
# where, when and how fast something ran, and checksums of files that hold rounded numbers
VOLATILE = {
    *("ran", "created", "written", "started", "finished", "date", "machine", "versions", "version"),
    *("files", "checksums", "sha256", "seconds", "reason", "threads"),
}


def number(value: float) -> float:
    """Four digits: what is computed in other orders on another processor still agrees in them."""
    return float(f"{value:.4g}")


def document(value: Any) -> Any:
    """A JSON value without what differs from one time to the next, floats rounded."""
    if isinstance(value, dict):
        return {
            key: sorted(item) if key == "files" else document(item)
            for key, item in value.items()
            if key == "files" or key not in VOLATILE
        }
    if isinstance(value, list):
        return [document(item) for item in value]
    return number(value) if isinstance(value, float) else value


def table(path: Path) -> dict[str, Any]:
    """The schema of a Parquet file, exact sums of whole numbers and rounded means of the others."""
    frame = pd.read_parquet(path)
    summed: dict[str, Any] = {}
    for name, column in frame.items():
        values = column.to_numpy()
        if name == "class" or isinstance(values[0], str):
            summed[str(name)] = sum(map(len, values))
        elif values.dtype == object:  # logits, of some rows
            kept = [np.abs(one).mean() for one in values if one is not None]
            summed[str(name)] = [len(kept), round(float(np.mean(kept)), 3)]
        elif values.dtype.kind == "f":
            summed[str(name)] = round(float(np.nanmean(values)), 3)
        else:
            summed[str(name)] = int(values.sum())
    schema = {field.name: str(field.type) for field in pq.read_schema(path)}
    return {"rows": len(frame), "schema": schema, "values": summed}


def weights(path: Path) -> dict[str, Any]:
    """Names, shapes and types of the tensors."""
    with safe_open(path, "np") as file:
        return {
            name: [*file.get_slice(name).get_shape(), file.get_slice(name).get_dtype()]
            for name in file.keys()  # noqa: SIM118
        }


def found(root: Path) -> dict[str, Any]:
    """Everything below a folder by its path."""
    read = {
        ".json": lambda p: document(json.loads(p.read_bytes())),
        ".parquet": table,
        ".safetensors": weights,
    }
    return {
        path.relative_to(root).as_posix(): read.get(path.suffix, lambda _: None)(path)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def check(name: str, values: Any) -> None:
    """The values are those on file, byte for byte as JSON, the order of keys included."""
    file = VALUES / f"{name}.json"
    text = json.dumps(values, indent=1) + "\n"
    if os.environ.get("EASINESS_GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


def record(out: Path) -> None:
    """Three trials of two epochs on 150 digits, with logits from a generator."""
    data = ez.load_dataset("digits", limit=150)
    logits = np.stack([np.random.default_rng(seed).normal(size=(2, 150, 10)) for seed in range(3)])
    logits[:, :, np.arange(150), data.labels] += [[1], [2]]
    recorded(out, logits.astype(np.float32), data=data)


def measure(out: Path) -> None:
    """Two trials of two epochs of an MLP on 100 digits that keep all logits."""
    ez.measure(
        ez.load_dataset("digits", limit=100, holdout=0.2),
        model="mlp_2_w16",
        trials=2,
        epochs=2,
        precision="float32",
        jobs=1,
        keep_logits=True,
        train_share=0.8,
        seed=7,
        out=out,
    )


@pytest.fixture(scope="session")
def recorded_run(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return made_once("golden-recorded", record)


@pytest.fixture(scope="session")
def measured_run(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return made_once("golden-measured", measure)


@pytest.fixture(scope="session")
def study(recorded_run: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Trainings without a part of the examples, and with other labels, ranked by the recorded run."""

    def make(out: Path) -> None:
        where = dict[str, Any](model="mlp_2_w16", epochs=2, repetitions=2, holdout=0.2, seed=3, out=out)
        where |= {"precision": "float32", "jobs": 1}
        run, data = ez.open_run(recorded_run), ez.load_dataset("digits", limit=150)
        ez.paper.ablate(
            data, scores=run, rates=(0, 0.3), policies=("easy", "beta:2,1"), steps="steps", **where
        )
        ez.paper.corrupt(
            data, scores=run, rates=(0.3,), policies=("hard",), other_label=True, balanced=True, **where
        )

    return made_once("golden-study", make)


def test_a_recorded_run_is_written_as_it_always_was(recorded_run: Path) -> None:
    check("recorded", found(recorded_run))


def test_a_measured_run_is_written_as_it_always_was(measured_run: Path) -> None:
    check("measured", found(measured_run))


def test_runs_of_outcomes_are_written_as_they_always_were(tmp_path: Path) -> None:
    answers = {"org/m 1": [("4", "4"), ("5", "2")], "m": [("3", "4"), ("2", "2")]}
    answered(tmp_path, answers, ["4", "2"], id=["a", "b"], text=["2 + 2", "1 + 1"], level=[2.5, 1.0])
    # the names of files have digests of bytes that another version of pyarrow writes otherwise
    check(
        "outcomes",
        json.loads(re.sub(r"-[0-9a-f]{12}\.parquet", "-DIGEST.parquet", json.dumps(found(tmp_path)))),
    )


def test_a_study_has_the_runs_that_it_always_had(study: Path) -> None:
    kept = {
        path: value
        for path, value in found(study).items()
        if path.endswith("run.json") or "/trials/" not in path
    }
    names = sorted(path.relative_to(study).as_posix() for path in study.glob("*/trials/*"))
    check("study", {"documents": kept, "trials": names})


REF = DatasetRef(
    source="/data/pets",
    train=SplitRef(fingerprint="aa", num_examples=10),
    held_out=SplitRef(fingerprint="bb", num_examples=4),
    classes=("cat", "dog"),
    image_shape=(3, 8, 8),
)
DRAW = Draw(effect="drop", rate=0.3, beta=(3.0, 1.0), ranking="aa")
SHORT = Recipe(period="epochs", alpha=0.003, translation=0.0, label_smoothing=0.1)
CHANGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "another seed and index": {"seed": 5, "index": 3},
    "a network of three layers for 20 epochs": {"model": "mlp_3", "epochs": 20},
    "the short recipe": {"recipe": SHORT},
    "photos": {"recipe": Recipe(crop=224, reduce=1), "data": REF.model_copy(update={"image_shape": None})},
    "half as many pixels": {"recipe": Recipe(reduce=2)},
    "loaded otherwise": {"data": REF.model_copy(update={"limit": 10, "holdout": 0.2, "source": None})},
    "nothing held out": {"data": REF.model_copy(update={"held_out": None}), "probes": (Probe(name="train"),)},
    "a share": {"train_share": 0.5},
    "some dropped": {"draw": DRAW, "same_steps": True},
    "some relabelled": {
        "draw": DRAW.model_copy(update={"effect": "relabel", "other_label": True, "balanced": True})
    },
    "published weights": {"pretrained": "ab" * 32},
    "bfloat16": {"resolved": Resolved(precision="bfloat16", channels_last=True, threads=1)},
    "elsewhere": {
        "resolved": Resolved(
            precision="float32",
            channels_last=False,
            threads=8,
            jobs=2,
            together=5,
            folded=True,
            compiled=True,
        )
    },
    "seen at the end": {"probes": (Probe(name="train", observe="last", keep_logits="all"),)},
    "seen in training": {"probes": (Probe(name="train", observe="train"),)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_trial_keeps_its_identity(name: str) -> None:
    settings: dict[str, Any] = {
        "data": REF,
        "model": "wrn_16_1",
        "recipe": Recipe(),
        "resolved": Resolved(precision="float32", channels_last=True, threads=2),
        "probes": (Probe(name="train"), Probe(name="held_out")),
        "epochs": 10,
        "seed": 0,
        "index": 0,
    }
    known = VALUES / "hashes.json"
    hashes = json.loads(known.read_text()) if known.exists() else {}
    here = TrialSpec(**{**settings, **CHANGES[name]}).hash
    if os.environ.get("EASINESS_GOLDEN") == "write":
        hashes[name] = here
        known.write_text(json.dumps(hashes, indent=1) + "\n")
    assert hashes[name] == here


def test_what_networks_see_keeps_the_name_that_it_is_kept_by() -> None:
    # whoever changes what a perturbation computes changes its digest, and then both here
    shape = (2, 3, 8, 8)
    images = torch.arange(384, dtype=torch.float32).remainder(251).view(shape) / 251
    weights = torch.linspace(-1, 1, 384).view(shape)
    seen = {}
    for kind in (one for one in KINDS if "image" in one.kinds):
        level = kind.levels(shape[1:])[1]
        made = kind.factory(level, 3) if kind.seeded else kind.factory(level)
        seen[kind.name] = [kind.digest, level, round(float((made(images, ids=[4, 7]) * weights).sum()), 3)]
    check("perturbations", seen)


def test_what_networks_read_and_hear_keeps_the_name_that_it_is_kept_by() -> None:
    sounds = torch.arange(64, dtype=torch.float32).view(1, 1, 4, 16) / 64
    others: dict[str, Any] = {"sound": sounds, "text": ['Who wrote "IBM\'s 360" in the New York of 1984 ?']}
    seen = {}
    for fits, examples in others.items():
        for kind in (one for one in KINDS if fits in one.kinds):
            level = kind.levels((1, 4, 16) if fits == "sound" else ())[2]
            (made,) = (kind.factory(level, 3) if kind.seeded else kind.factory(level))(examples, ids=[4])
            values = made if fits == "text" else round(float((made * sounds[0] ** 2).sum()), 3)
            seen[f"{kind.name} of {fits}"] = [kind.digest, level, values]
    check("perturbations_beyond", seen)
