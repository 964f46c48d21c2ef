from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, load_dataset
from easiness.runs.source import data_of
from easiness.show.result import sections_text
from easiness.studies.similarity import similarity
from pixels import images_of
from recording import recorded, small_run


def _record(folder: Path, data: Any, favor: Any) -> Run:
    """Five trials that are the surer of the label the larger the favor [K]."""
    logits = np.eye(data.num_classes)[data.labels] * np.asarray(favor, np.float64)[:, None]
    return recorded(folder, [logits] * 5, data=data)


@pytest.fixture
def alike(tmp_path: Path) -> tuple[Run, Any]:
    """Two classes of ten images: the two easiest of each are equal, the two hardest are opposites."""
    random = np.random.default_rng(0)
    x = random.integers(60, 200, (20, 6, 6), dtype=np.uint8)
    x[1], x[11] = x[0], x[10]
    x[9], x[19] = 255 - x[8], 255 - x[18]
    data = load_dataset((x, np.repeat([0, 1], 10)))
    favor = np.tile([9, 8, 3, 3, 3, 3, 3, 3, -3, -4], 2)
    return _record(tmp_path / "run", data, favor), data


def test_equal_images_are_at_0_and_opposites_at_2(alike: tuple[Run, Any]) -> None:
    run, data = alike
    found = similarity(run, data, fraction=0.2, spaces=["pixel"])
    assert found.classes == ("0", "1")
    assert found.sizes == {"easy": 4, "hard": 4, "random as easy": 4, "random as hard": 4, "all": 20}
    assert found.of("pixel", "easy")["value"] == 0
    # normalized images have unit mean square, so an image and its negative are two apart
    assert np.isclose(found.of("pixel", "hard")["value"], 2, atol=1e-4)
    assert np.isclose(found.of("pixel", "hard - easy")["value"], 2, atol=1e-4)
    # unrelated images are at the root of two; one pair in 45 is at 0, another at 2
    value, low, high = found.of("pixel", "all")[["value", "low", "high"]]
    assert 1.3 < value < 1.5
    assert 1 < low < value < high < 1.7
    few = similarity(run, data, fraction=0.3, spaces=["pixel"], at_most=2)
    assert set(few.sizes.values()) == {4}


def test_the_mean_over_all_examples_is_that_of_the_definition(alike: tuple[Run, Any]) -> None:
    run, data = alike
    pixels = images_of(data).numpy().reshape(20, -1).astype(np.float64)
    normal = (pixels - pixels.mean(axis=1, keepdims=True)) / pixels.std(axis=1, keepdims=True)
    means = []
    for members in (normal[:10], normal[10:]):
        distances = np.linalg.norm(members[:, None] - members, axis=2) / 6
        means.append(distances[np.triu_indices(10, 1)].mean())
    found = similarity(run, data, fraction=0.2, spaces=["pixel"])
    assert np.allclose(found.by_class["pixel"][-1], means, atol=1e-4)
    assert np.isclose(found.of("pixel", "all")["value"], np.mean(means), atol=1e-4)


def test_only_classes_with_two_examples_in_both_sets_count(tmp_path: Path) -> None:
    x = np.random.default_rng(1).integers(0, 256, (24, 4, 4), dtype=np.uint8)
    data = load_dataset((x, np.repeat([0, 1, 2], 8)))
    # class 2 has no hard example
    favor = [9, 9, 3, 3, 3, 3, -3, -3, 9, 9, 3, 3, 3, 3, -3, -3, 9, 9, 3, 3, 3, 3, 3, 3]
    run = _record(tmp_path / "run", data, favor)
    found = similarity(run, data, fraction=1 / 6, spaces=["pixel"])
    assert found.num_classes == 3
    assert len(found.classes) < 3
    assert "2" not in found.classes
    assert "of 3 classes" in found.sentence()
    with pytest.raises(BadInput, match="no class has two"):
        similarity(run, data, fraction=1 / 24, spaces=["pixel"])


def test_examples_are_found_by_id_whatever_their_order(alike: tuple[Run, Any], tmp_path: Path) -> None:
    _, data = alike
    order = np.random.default_rng(3).permutation(20)
    logits = np.eye(2)[data.labels] * np.tile([9.0, 8, 3, 3, 3, 3, 3, 3, -3, -4], 2)[:, None]
    options = {"ids": data.ids[order], "fingerprint": data.fingerprint}
    shuffled = recorded(tmp_path / "shuffled", logits[None, order], data.labels[order], **options)
    found = similarity(shuffled, data, fraction=0.2, spaces=["pixel"])
    assert found.of("pixel", "easy")["value"] == 0
    assert np.isclose(found.of("pixel", "hard")["value"], 2, atol=1e-4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(
        tmp_path_factory.mktemp("alike") / "run", limit=400, trials=5, epochs=4, recipe={"batch_size": 16}
    )


def test_both_spaces_of_a_measured_run(trained: Run) -> None:
    data = data_of(trained)
    found, again = (similarity(trained, data, fraction=0.3) for _ in range(2))
    assert found.table().equals(again.table())
    assert len(found.table()) == 2 * (5 + 5)
    assert "classifier layer of trial 0" in sections_text(found.sections())
    for _, rows in found.distances.groupby("space"):
        values = rows.set_index("name")["value"]
        assert values["easy"] < values["all"] < values["hard"]
    # as a network is rescaled, its features are measured in another unit: a mean square norm of 1
    assert 0.1 < found.of("feature", "all")["value"] < 1.5


def test_few_trials_decide_nothing(alike: tuple[Run, Any]) -> None:
    run, data = alike
    run.trials = run.trials[:4]
    found = similarity(run, data, fraction=0.2, spaces=["pixel"])
    assert not found.is_decided
    assert "decides nothing" in found.sentence()
    assert "0.000 (0.000 to 0.000)?" in sections_text(found.sections())


def test_bad_input(alike: tuple[Run, Any], trained: Run) -> None:
    run, data = alike
    with pytest.raises(BadInput, match="loop of your own"):
        similarity(run, data, fraction=0.2)
    with pytest.raises(BadInput, match="not the data"):
        similarity(trained, load_dataset("digits", limit=400, seed=5), fraction=0.3)
