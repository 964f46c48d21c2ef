"""The real data sets that may lie beside the project."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from easiness.data import load_dataset
from pixels import images_of

pytestmark = pytest.mark.shared_data


def shared(name: str) -> Path:
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("EASINESS_DATA", beside)) / name
    if not path.exists():
        pytest.skip(f"{path} is absent; set EASINESS_DATA to the folder that holds {name}")
    return path


@pytest.mark.long
def test_cifar10():
    data = load_dataset(shared("cifar10"))
    assert len(data) == 50_000
    assert data.held_out is not None
    assert len(data.held_out) == 10_000
    assert " ".join(data.classes) == "airplane automobile bird cat deer dog frog horse ship truck"
    assert data.labels[:5].tolist() == [6, 9, 9, 4, 1]  # the order of the original distribution
    assert data.held_out.labels[:5].tolist() == [3, 8, 8, 0, 6]
    assert np.bincount(data.labels).tolist() == [5000] * 10
    assert data.ids[[0, -1]].tolist() == [0, 49_999]
    assert data.traits.shape == (3, 32, 32)
    part = data.limit(50, seed=0)
    assert images_of(part).shape == (50, 3, 32, 32)
    assert np.bincount(part.labels).tolist() == [5] * 10


def test_imagenette224():
    data = load_dataset(shared("imagenette224"))
    assert len(data) == 1000
    assert data.held_out is not None
    assert (len(data.held_out), data.held_out.split) == (400, "val")
    assert (data.classes[0], data.num_classes) == ("n01440764", 10)
    assert images_of(data.limit(20, seed=0)).shape == (20, 3, 224, 224)
