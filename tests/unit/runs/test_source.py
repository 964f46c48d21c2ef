"""A data set that is loaded already is held out from and limited as its source is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.data import hold_out
from easiness.errors import BadInput
from easiness.runs.source import find_data, given_data
from easiness.spec import Loading, LoadOptions
from easiness.studies.keeping.ranks import scored_data
from pixels import PETS, write_noise
from recording import believing

PART: dict[str, Any] = {"limit": 60, "holdout": 0.2}
SMALL: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "epochs": 1, "precision": "float32"}


@pytest.fixture(scope="module")
def digits() -> ez.Dataset:
    return ez.load_dataset("digits")


@pytest.mark.parametrize("options", [{"holdout": 0.2}, {"holdout": 0.2, "limit": 60}])
def test_measured_alike_and_gone_on_with(digits, tmp_path, contents, options):
    data, loaded = given_data(digits, Loading(**options)), ez.load_dataset("digits", **options)
    run = ez.measure(data, **SMALL, out=tmp_path / "one")
    other = ez.measure(loaded, **SMALL, out=tmp_path / "other")
    assert run.spec == other.spec
    assert [trial.document.accuracy.keys() for trial in run.trials] == [{"train", "held_out"}]
    assert contents(run.path) == contents(other.path)
    more = ez.measure(data, **{**SMALL, "trials": 2}, out=run.path)
    assert contents(more.path)[0] == contents(other.path)[0]
    assert len(ez.measure(loaded, **{**SMALL, "trials": 2}, out=run.path).trials) == 2
    with pytest.raises(BadInput, match="cannot be continued"):
        ez.measure(given_data(digits, Loading(**options | {"holdout": None})), **SMALL, out=run.path)


def test_a_split_that_is_held_out_is_not_replaced(digits):
    with pytest.raises(BadInput, match=r"digits: .*held-out split \(test\); leave out holdout"):
        given_data(hold_out(digits, 0.3), Loading(**PART))


def test_what_is_unreadable_cannot_be_left_out_any_more(digits):
    with pytest.raises(BadInput, match=r"digits: .*loaded already, .* skip_unreadable"):
        given_data(digits, Loading(skip_unreadable=True))
    so_loaded = replace(digits, load_options=LoadOptions(skip_unreadable=True))
    assert given_data(so_loaded, Loading(skip_unreadable=True)) is so_loaded


def test_the_run_finds_its_examples_in_the_same_data_set(digits, tmp_path):
    run = ez.measure(given_data(digits, Loading(**PART)), **SMALL, out=tmp_path / "run")
    for source in (None, digits, given_data(digits, Loading(**PART)), hold_out(digits, 0.2)):
        data, why = find_data(run, source)
        assert data is not None, why
        assert data.ref() == run.spec.data
    for holdout in (None, 0.2):
        assert scored_data(run, digits, Loading(holdout=holdout)).ref() == run.spec.data


def test_what_was_limited_first_is_not_looked_for_at_the_source(digits, tmp_path: Path):
    part = digits.limit(100)
    run = ez.measure(given_data(part, Loading(holdout=0.2)), **SMALL, out=tmp_path / "run")
    assert (len(run.ids), run.spec.data.source, run.spec.data.limit) == (80, None, None)
    assert run.spec.data.held_out is not None
    assert run.spec.data.held_out.num_examples == 20
    assert set(run.ids) < set(part.ids)
    assert find_data(run, None) == (None, "the run does not say where they are (--data names them)")
    data, _ = find_data(run, part)
    assert data is not None
    assert data.ref() == run.spec.data


def test_a_recorded_run_without_its_texts_says_why(tmp_path):
    made = ez.Recorder(tmp_path / "run", ids=[5, 3], labels=[0, 1], classes=["no", "yes"])
    assert find_data(made.run, None) == (None, "the run does not say where they are (--data names them)")
    made.keep(texts=["one", "two"])
    file = tmp_path / "run" / "data.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    why = f"{file}: the examples that the run keeps are damaged; restore the file or give --data"
    assert find_data(made.run, None) == (None, f"the data of the run cannot be read ({why})")
    file.unlink()
    why = f"{file}: the examples that the run kept are gone; restore the file or give --data"
    assert find_data(made.run, None) == (None, f"the data of the run cannot be read ({why})")


@pytest.mark.parametrize("as_path", [True, False])
def test_a_recorded_run_is_found_in_data_of_which_it_left_some_out(tmp_path, record, as_path):
    for split in ("train", "test"):
        write_noise(tmp_path / "photos" / split, PETS, [(8, 8, 3)] * 3)
    (tmp_path / "photos/train/cat/1.png").write_bytes(b"broken")
    kept = ez.load_dataset(tmp_path / "photos", skip_unreadable=True)
    options: dict[str, Any] = {"ids": kept.ids, "classes": kept.classes}
    run = record(believing(kept.labels, 1, 1), kept.labels, **options)
    source = tmp_path / "photos" if as_path else ez.load_dataset(tmp_path / "photos")
    data, _ = find_data(run, source)
    assert data is not None
    assert data.ref().train == kept.ref().train
    assert data.held_out is not None
    assert kept.held_out is not None
    assert data.held_out.fingerprint == kept.held_out.fingerprint
    np.testing.assert_array_equal(data.array, kept.array)
    others = record(believing(kept.labels, 1, 1), kept.labels[::-1], name="others", **options)
    with pytest.raises(BadInput, match=r"photos: .* not the data of .* \(ids, labels or classes"):
        find_data(others, source)
