"""Which examples stay together is found once, and kept beside the features."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.runs import plan_of, together
from easiness.runs.plan import Plan
from easiness.spec import Featuring, Training

VECTORS = np.random.default_rng(0).standard_normal((60, 12)).astype(np.float32)
VECTORS[59] = VECTORS[3]
LABELS = np.arange(60) % 2


def plan(vectors: np.ndarray = VECTORS, **options: Any) -> Plan:
    return plan_of((vectors, LABELS), Training(), 10, featuring=Featuring(features=vectors, **options))


def find(folder: Path, plan: Plan, vectors: np.ndarray = VECTORS) -> np.ndarray:
    return together.examples_together(plan, [vectors], folder)


def test_few_examples_need_no_file(tmp_path: Path) -> None:
    groups = find(tmp_path / "features", plan())
    assert groups[59] == groups[3]
    assert len(set(groups.tolist())) == 59
    assert not (tmp_path / "features").exists()


def test_a_file_saves_looking_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MANY", 50)
    found = find(tmp_path / "features", plan())
    (file,) = (tmp_path / "features").iterdir()
    monkeypatch.setattr(together, "kept_together", lambda *_: pytest.fail("looked again"))
    np.testing.assert_array_equal(find(tmp_path / "features", plan()), found)
    monkeypatch.undo()
    monkeypatch.setattr(together, "_MANY", 50)
    find(tmp_path / "features", plan(group=np.arange(60) // 3))
    assert len(list((tmp_path / "features").iterdir())) == 2
    whole = file.read_bytes()
    for damaged in (b"", whole[:-5], whole + whole, whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(find(tmp_path / "features", plan()), found)
        assert file.read_bytes() == whole
    file.unlink()
    os.mkfifo(file)  # which is not waited for
    np.testing.assert_array_equal(find(tmp_path / "features", plan()), found)
    assert file.read_bytes() == whole


def test_a_file_that_cannot_be_written_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MANY", 50)
    (tmp_path / "features").write_text("in the way")
    assert len(find(tmp_path / "features", plan())) == 60


def test_more_folds_than_examples_that_differ(tmp_path: Path) -> None:
    few = np.repeat(VECTORS[:4], 15, axis=0)
    with pytest.raises(BadInput, match=r"4 of 60 examples differ, and share 0.8 rotates over 5 folds; give"):
        find(tmp_path, plan(few), few)


def test_texts_that_are_the_same_stay_together_whatever_their_vectors() -> None:
    texts = [f"question {at}" for at in range(60)]
    texts[7], texts[20] = "caf\u00e9 au lait", " cafe\u0301  au lait"
    vectors = np.random.default_rng(1).standard_normal((60, 12)).astype(np.float32)
    planned = plan_of((texts, LABELS), Training(), 10, featuring=Featuring(features=vectors))
    groups = together.examples_together(planned, [vectors], Path())
    assert groups[7] == groups[20]
    assert len(set(groups.tolist())) == 59
