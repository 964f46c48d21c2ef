"""Whatever is read, altered: each of thousands of inputs ends in a result or in one clear line.

``FUZZ_CASES=10000 FUZZ_OF=of_commands pytest tests/fuzz/test_fuzz.py`` reads so many by whole commands.
"""

from __future__ import annotations

import os

import fuzzing
import of_decisions
import pytest
import whole_data
from of_data import TORCHVISION, read_all

from easiness import load_dataset

SAMPLE = int(os.environ.get("FUZZ_CASES", "100"))
TARGET = f"{os.environ.get('FUZZ_OF', 'of_all')}:any_of_them"


@pytest.mark.long
def test_a_sample_of_altered_inputs(start, whole_run):
    counts = fuzzing.check(start, TARGET, whole_run, SAMPLE)
    assert min(counts["refused"], counts["result"]) > SAMPLE // 10


@pytest.mark.long
def test_altered_inputs(start, whole_run):
    counts = fuzzing.check(start, TARGET, whole_run, 4100, SAMPLE)
    assert min(counts["refused"], counts["result"]) > 400


@pytest.mark.long
def test_altered_runs_by_commands_that_take_long(start, whole_run):
    fuzzing.check(start, "of_runs:by_slow_commands", whole_run, 40)


READ = {
    **dict.fromkeys(("npz/a.npz", "npz/b.npz", "hub", "saved", "csv/list.csv", "pets"), "image"),
    **dict.fromkeys(TORCHVISION, "image"),
    **{"voices": "sound", "numbers.csv": "vector", "texts.csv": "text", "numbers.parquet": "vector"},
    **{"texts.parquet": "text", "mail": "text"},
}


@pytest.mark.long
@pytest.mark.parametrize(("name", "kind"), READ.items())
def test_what_is_not_altered_is_read(whole_run, name, kind):
    folder = whole_run / ("tables" if name in [*READ][-5:] else "sources")
    own = {one: one for one in TORCHVISION}
    source = {**own, "saved": f"hf:{folder / name}"}.get(name, folder / name)
    data = load_dataset(source, data_root=folder / "idx")
    assert data.kind.name == kind
    read_all(data)


@pytest.mark.long
def test_texts_that_are_not_altered_are_read(whole_run):
    source = (whole_data.PIXELS, whole_data.LABELS)
    labels = whole_run / "sources" / "texts" / "labels.csv"
    found = load_dataset(source, classes=whole_data.CLASSES, labels=labels)
    assert found.labels.tolist() == (1 - whole_data.LABELS).tolist()
    for name in (of_decisions.CSV, of_decisions.JSON):
        of_decisions.read(whole_run / "decisions" / name)
