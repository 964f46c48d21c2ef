"""What is found in vectors before heads are trained: examples that go together, leaks, and sums that fit."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from easiness import measure, suspects
from easiness.data import Dataset, load_dataset
from easiness.engine import write_result
from easiness.errors import BadInput
from easiness.runs import carrying_out as together, find_leak, leak_of, plan_of
from easiness.runs.carrying_out import check_memory
from easiness.runs.plan import Plan
from easiness.spec import FeaturesRef, Featuring, Heads, Training

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
    file.write_bytes(file.read_bytes()[:-5])
    np.testing.assert_array_equal(find(tmp_path / "features", plan()), found)


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


CANCER = load_breast_cancer(return_X_y=True)


def flipped(labels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    made = labels.copy()
    made[wrong] = (labels[wrong] + rng.integers(1, labels.max() + 1, len(wrong))) % (labels.max() + 1)
    return made


def table(folder: Path, x: np.ndarray, labels: np.ndarray, *more: Any) -> Dataset:
    rows = [",".join([*(f"c{at}" for at in range(x.shape[1])), *(["status"] if more else []), "label"])]
    for at, (row, label) in enumerate(zip(x.tolist(), labels.tolist(), strict=True)):
        rows.append(",".join([*map(str, row), *(str(one[at]) for one in more), f"k{label}"]))
    (folder / "t.csv").write_text("\n".join(rows))
    return load_dataset(folder / "t.csv")


@pytest.mark.parametrize("share", [0, 0.05])
@pytest.mark.parametrize("data", [CANCER, load_iris(return_X_y=True), load_wine(return_X_y=True)])
def test_no_column_of_a_real_table_tells_its_labels(
    tmp_path: Path, data: tuple[np.ndarray, np.ndarray], share: float
) -> None:
    assert find_leak(table(tmp_path, data[0], flipped(data[1], share))) == ""


def test_a_limit_that_classes_have_by_themselves_is_none(tmp_path: Path) -> None:
    x = np.random.default_rng(1).standard_normal((600, 4))
    assert find_leak(table(tmp_path, x, (x[:, 0] > 0).astype(int))) == ""


@pytest.mark.parametrize("form", ["{0}", "state {0}", "{1}", "{2}"])
def test_a_column_that_repeats_the_labels_is_named(tmp_path: Path, form: str) -> None:
    """As numbers, as categories, with one in a hundred other, and with noise."""
    rng, labels = np.random.default_rng(2), flipped(CANCER[1], 0.05)
    other, noisy = flipped(labels, 0.01, seed=3), labels + 0.1 * rng.standard_normal(len(labels))
    column = [form.format(*one) for one in zip(labels, other, noisy, strict=True)]
    found = find_leak(table(tmp_path, CANCER[0], labels, column))
    assert found.startswith("column status alone has ")
    assert "\n" not in found


def test_a_column_of_the_truth_is_none_where_labels_are_wrong(tmp_path: Path) -> None:
    assert find_leak(table(tmp_path, CANCER[0], flipped(CANCER[1], 0.05), CANCER[1])) == ""


def texts(told: bool) -> Dataset:
    rng, labels = np.random.default_rng(4), np.arange(600) % 3
    common = [f"w{at}" for at in range(30)]
    lines = []
    for label in labels:
        words = [*rng.choice(common, 8), *rng.choice([f"t{label}", "t0", "t1", "t2"], 3)]
        lines.append(" ".join([*([f"topic{label}"] if told else []), *words]))
    return load_dataset((lines, labels))


def test_words_that_tell_the_class_are_named() -> None:
    assert "topic0" in find_leak(texts(told=True))
    assert find_leak(texts(told=False)) == ""


def test_groups_that_are_classes_are_named() -> None:
    x, labels = np.random.default_rng(5).standard_normal((60, 3)).astype(np.float32), np.arange(60) % 3
    assert find_leak(load_dataset((x, labels), group=labels)).startswith("the group alone has 100")
    assert find_leak(load_dataset((x, labels), group=np.arange(60) // 6)) == ""


def test_a_leak_is_named_first_and_no_number_is_said(tmp_path: Path) -> None:
    labels = flipped(CANCER[1], 0.05)
    data = table(tmp_path, CANCER[0], labels, labels)
    run = measure(data, features="auto", trials=5, out=tmp_path / "run", progress=False)
    assert leak_of(run).startswith("column status")
    found = suspects(run, pictures=False, progress=False)
    assert np.isnan([found.share, found.low, found.high]).all()
    assert found.sections()[0].note.startswith("Column status alone")
    write_result(tmp_path / "found.json", found)
    said = json.loads((tmp_path / "found.json").read_text())
    assert said["leak"].startswith("column status")
    assert [said[name] for name in ("share", "low", "high")] == [None] * 3


HEADS = Heads(
    features=(FeaturesRef(name="short", identity="a"), FeaturesRef(name="long", identity="b")),
    shares=(0.05, 0.2, 0.8),
)


def test_sums_that_do_not_fit_are_refused() -> None:
    """19 products of 200,000 columns with each other, 4 bytes each: 3 TB."""
    with pytest.raises(BadInput, match=r"'long': vectors of 200,000 values, .* about 3 TB of memory; give"):
        check_memory(HEADS, 400_000, 2, [3, 200_000])
    check_memory(HEADS, 60, 2, [3, 200_000])  # no products of columns
    check_memory(HEADS, 1_281_167, 1000, [768, 768])


def test_thousands_of_classes_take_no_table_of_classes_by_classes(tmp_path: Path) -> None:
    labels = np.arange(4000) // 2
    data = table(tmp_path, np.stack([labels % 7, labels % 11], axis=1), labels)
    tracemalloc.start()
    assert find_leak(data) == ""
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**25
