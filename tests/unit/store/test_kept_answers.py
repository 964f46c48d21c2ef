from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from easiness.store import Form, keep_answer, kept_answer

ARRAYS = {"a": np.arange(6.0).reshape(3, 2).T, "b": np.array([1, 2])}
FORMS: dict[str, Form] = {"a": (np.float64, ("n", 3)), "b": (np.int64, ("n",))}


def test_an_answer_is_kept_for_what_it_was_made_from(tmp_path: Path) -> None:
    assert kept_answer(tmp_path, "one", "these", FORMS) is None
    keep_answer(tmp_path, "one", "these", ARRAYS)
    found = kept_answer(tmp_path, "one", "these", FORMS)
    assert found is not None
    assert found["a"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["b"].tolist() == [1, 2]
    assert kept_answer(tmp_path, "one", "others", FORMS) is None
    assert kept_answer(tmp_path, "two", "these", FORMS) is None
    assert [file.name for file in tmp_path.iterdir()] == ["answer-one.safetensors"]


@pytest.mark.parametrize(
    "forms",
    [
        {"a": (np.float64, ("n", 2))},
        {"a": (np.float32, ("n", 3))},
        {"a": (np.float64, ("n",))},
        {"a": (np.float64, ("n", "n"))},
        {"c": (np.float64, ("n",))},
    ],
)
def test_an_answer_of_another_form_is_none(tmp_path: Path, forms: dict[str, Form]) -> None:
    keep_answer(tmp_path, "one", "these", ARRAYS)
    assert kept_answer(tmp_path, "one", "these", forms) is None


def test_a_damaged_answer_is_none(tmp_path: Path) -> None:
    keep_answer(tmp_path, "one", "these", ARRAYS)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert kept_answer(tmp_path, "one", "these", FORMS) is None
        file.write_bytes(content[:at])
        assert kept_answer(tmp_path, "one", "these", FORMS) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "answer-one.safetensors").mkdir()
    keep_answer(tmp_path, "one", "these", ARRAYS)
    assert kept_answer(tmp_path, "one", "these", FORMS) is None
    keep_answer(tmp_path / "gone", "one", "these", ARRAYS)
    (tmp_path / "trials").symlink_to(tmp_path)
    keep_answer(tmp_path, "two", "these", ARRAYS)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["answer-one.safetensors", "trials"]
