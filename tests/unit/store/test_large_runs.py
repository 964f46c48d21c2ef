"""Runs of very many trials: what is opened and listed, as trials are many."""

from __future__ import annotations

import builtins
import io
import json
import os
import shutil
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.spec import content_hash
from easiness.store import RunWriter, open_run, run_folder, trial_document

NUM = 600  # more than `trial_document.FEWEST`


def multiply(path: Path, spec, num: int) -> None:
    """Trials beside the first one: its observations under other names."""
    (first,) = open_run(path).trials
    sealed = json.loads((first.path / "trial.json").read_bytes())
    for index in range(1, num):
        trial = spec.trial(index)
        value = {**sealed["trial"], "index": index, "hash": trial.hash, "spec": trial.model_dump(mode="json")}
        folder = path / "trials" / f"{index:04d}-{trial.hash[:12]}"
        folder.mkdir()
        for name in value["files"]:
            os.link(first.path / name, folder / name)
        (folder / "trial.json").write_text(json.dumps({"trial": value, "sha256": content_hash(value)}))


@pytest.fixture(scope="module")
def large(made_once) -> Path:
    """A run of 600 trials, indexed."""
    return made_once("large-run", make_large)


def make_large(path: Path, num: int = NUM) -> None:
    from easiness.record import ObservationLog, TrialRecord
    from easiness.spec import DatasetRef, Probe, Recipe, Resolved, RunSpec, SplitRef

    ids, labels = np.arange(4), np.array([0, 1, 1, 0])
    spec = RunSpec(
        data=DatasetRef(train=SplitRef(fingerprint="f", num_examples=4), classes=("no", "yes")),
        model="mlp_3",
        recipe=Recipe(),
        resolved=Resolved(precision="float32", channels_last=False, threads=1),
        probes=(Probe(name="train"),),
        seed=5,
        trials=num,
        epochs=1,
    )
    log = ObservationLog(ids, labels, 2)
    log.update(np.arange(4), np.eye(2, dtype=np.float32)[labels])
    log.end_epoch()
    record = TrialRecord({"train": log.observations()}, [0.5], ran={"seconds": 2})
    with RunWriter(path) as writer:
        writer.create(spec, ids, labels)
        trial = spec.trial(0)
        writer.add(record, {"train": ids}, index=0, seed=5, identity=trial.hash, spec=trial)
    multiply(path, spec, num)
    with RunWriter(path) as writer:
        run = writer.read()
        run.check()


@pytest.fixture
def counted(monkeypatch) -> Counter[str]:
    """How often files of a name are opened, and folders of a name listed."""
    seen: Counter[str] = Counter()
    opened, listed = io.open, os.scandir

    def count_open(file, *args, **kwargs):
        seen[Path(str(file)).name] += 1
        return opened(file, *args, **kwargs)

    def count_scandir(path="."):
        seen[f"{Path(str(path)).name}/"] += 1
        return listed(path)

    monkeypatch.setattr(io, "open", count_open)
    monkeypatch.setattr(builtins, "open", count_open)
    monkeypatch.setattr(os, "scandir", count_scandir)
    return seen


def test_no_document_is_read_that_the_index_knows(large, counted):
    run = open_run(large)
    assert len(run.trials) == NUM
    assert (run.epochs, run.observed) == (1, (1,))
    assert [trial.index for trial in run.trials] == list(range(NUM))
    assert run.trials[7].known.accuracy == {"train": 1.0}
    assert counted["trial.json"] == 0
    assert counted["trials/"] == 1
    assert run.trials[7].document.index == 7
    assert counted["trial.json"] == 1


def test_what_is_as_it_was_when_it_was_checked_is_not_read_to_check_it_again(large, counted):
    open_run(large).check()
    assert counted["trial.json"] == counted["train.parquet"] == 0


@pytest.fixture
def copy(large, tmp_path) -> Path:
    return Path(shutil.copytree(large, tmp_path / "run"))  # with the times of the files


def test_a_document_that_changed_is_read_whatever_the_index_says(copy, counted):
    (file,) = (copy / "trials").glob("0033-*/trial.json")
    content = bytearray(file.read_bytes())
    content[50] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"0033-.*trial\.json: .*damaged"):
        open_run(copy)
    content[50] ^= 1
    file.write_bytes(content)
    counted.clear()
    assert len(open_run(copy).trials) == NUM
    assert counted["trial.json"] == 1


def test_observations_that_changed_are_refused_though_the_document_did_not(copy):
    (file,) = (copy / "trials").glob("0033-*/train.parquet")
    content = bytearray(file.read_bytes())
    content[50] ^= 1
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"0033-.*train\.parquet: .*damaged"):
        open_run(copy).check()


@pytest.mark.parametrize("content", [b"", b"x", b"0\n{}", None])
def test_an_index_that_cannot_be_used_is_not(copy, content):
    index = copy / trial_document.INDEX
    if content is None:
        index.unlink()
    else:
        index.write_bytes(content)
    assert len(open_run(copy).trials) == NUM
    with RunWriter(copy) as writer:
        writer.read()
    assert set(trial_document.read_index(copy)) == {folder.name for folder in (copy / "trials").iterdir()}


def test_an_index_is_not_older_than_the_trials_that_it_speaks_of(copy, counted):
    shutil.rmtree(next((copy / "trials").glob("0033-*")))
    assert [trial.index for trial in open_run(copy).trials] == [*range(33), *range(34, NUM)]
    assert counted["trial.json"] == 0


def test_small_runs_have_none(tmp_path, add):
    for index in range(3):
        add(tmp_path / "run", index)
    assert not (tmp_path / "run" / trial_document.INDEX).exists()


def test_adding_trials_lists_the_folder_once_however_many_there_are(
    tmp_path, make_record, make_spec, counted
):
    spec, ids = make_spec(trials=40), np.array([30, 10, 20, 40])
    with RunWriter(tmp_path / "run") as writer:
        writer.create(spec, ids, np.array([0, 1, 1, 0]))
        seen = []
        for num in (10, 20):
            counted.clear()
            for index in range(num - 10, num):
                trial = spec.trial(index)
                writer.add(
                    make_record(), {"train": ids}, index=index, seed=5, identity=trial.hash, spec=trial
                )
            seen.append((sum(counted.values()) - counted["trials/"], counted["trials/"]))
    assert seen[0][0] == seen[1][0]  # as much for the second ten as for the first
    assert seen == [(seen[0][0], 1), (seen[0][0], 0)]


def test_a_writer_keeps_the_index_as_it_adds(copy, make_record, monkeypatch):
    written = []
    monkeypatch.setattr(run_folder, "write_index", lambda _, trials: written.append(len(trials)))
    spec, ids = open_run(copy).spec.measured, np.arange(4)
    with RunWriter(copy) as writer:
        writer.read()
        for index in range(NUM, NUM + 3):
            assert spec is not None
            trial = spec.trial(index)
            writer.add(make_record(1), {"train": ids}, index=index, seed=5, identity=trial.hash, spec=trial)
    assert written == []  # three of six hundred are read in a moment
    with RunWriter(copy) as writer:
        writer.read()
        for index in range(NUM + 3, NUM + 20):
            trial = spec.trial(index)  # type: ignore[union-attr]
            writer.add(make_record(1), {"train": ids}, index=index, seed=5, identity=trial.hash, spec=trial)
    assert written == [NUM + 20]


@pytest.mark.parametrize("indexed", [True, False])
def test_of_a_trial_that_is_known_little_is_held(copy, indexed):
    if not indexed:
        (copy / trial_document.INDEX).unlink()
    open_run(copy)
    tracemalloc.start()
    try:
        run = open_run(copy)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 2500 * len(run.trials)  # bytes; a document has ten times as many
