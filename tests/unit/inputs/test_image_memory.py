from __future__ import annotations

import pytest

from easiness import gate
from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import images_of


def test_images_beyond_a_third_of_the_memory_are_refused(folder, monkeypatch):
    data = load_dataset(folder)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * 6 * 3 * 4 * 4)
    assert len(images_of(data)) == 6
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * 6 * 3 * 4 * 4 - 1)
    with pytest.raises(BadInput, match=r"more than a third .*--limit"):
        _ = images_of(load_dataset(folder))


def test_an_unknown_amount_is_no_reason_to_refuse(folder, monkeypatch):
    monkeypatch.setattr(gate, "available_memory", lambda: None)
    assert len(images_of(load_dataset(folder))) == 6


def test_this_machine_has_some_memory():
    available = gate.available_memory()
    assert available is None or 2**20 < available < 2**50
