from __future__ import annotations

import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.inputs import IMAGE, encoded
from easiness.inputs.image import kind as decode
from pixels import images_of

original = decode._decoded


def test_large_pictures_are_decoded_one_at_a_time(folder, monkeypatch):
    """Others wait, of which a small file may hold many."""
    lock = decode._ALONE
    held = []
    monkeypatch.setattr(decode, "_decoded", lambda *given: held.append(lock.locked()) or original(*given))
    monkeypatch.setattr(decode, "_LARGE", 15)
    assert len(images_of(load_dataset(folder))) == 6
    monkeypatch.setattr(decode, "_LARGE", 16)
    assert len(images_of(load_dataset(folder))) == 6
    assert held == [True] * 6 + [False] * 6


def test_headers_of_millions_of_empty_files_are_not_all_tried(folder, monkeypatch):
    """The first ones stand for all."""
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    tried = []
    read = IMAGE.files.read_header
    monkeypatch.setattr(type(IMAGE.files), "read_header", lambda _, *given: tried.append(1) or read(*given))
    monkeypatch.setattr(encoded, "_HOPELESS", 2)
    monkeypatch.setattr(encoded, "CHUNK", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with pytest.raises(BadInput, match="an empty file"):
        _ = load_dataset(folder).traits
    assert len(tried) < 6
