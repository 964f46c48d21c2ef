from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from easiness.data import load_dataset
from pixels import images_of


def test_digits():
    data = load_dataset("digits")
    assert len(data) == 1797
    assert data.ids.tolist() == list(range(1797))
    assert data.classes == tuple("0123456789")
    assert data.labels[:10].tolist() == list(range(10))
    assert data.traits.shape == (1, 8, 8)
    assert images_of(data).shape == (1797, 1, 8, 8)
    assert images_of(data).is_contiguous()
    assert data.held_out is None
    assert data.source == "digits"
    assert data.recipe_defaults == {"flip": 0.0}


def test_all_17_levels_are_kept():
    images = images_of(load_dataset("digits")).numpy()[:, 0]
    original = load_digits().images
    assert images[original == 16].min() == 255
    assert images[original == 8].max() == 128  # 127.5, to the even number
    assert len(np.unique(images)) == 17
    assert (np.rint(images / 255 * 16) == original).all()


def test_without_the_file_they_are_asked_for(monkeypatch):
    expected = load_dataset("digits")
    monkeypatch.setattr("easiness.data.sources.digits.find_spec", lambda _: None)
    assert load_dataset("digits").fingerprint == expected.fingerprint
