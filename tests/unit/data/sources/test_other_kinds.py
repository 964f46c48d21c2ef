"""Who comes with text or sound is sent to the page on training loops."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from easiness import BadInput, load_dataset

PAGE = "docs/tutorials/loop.md"
TEXTS = pd.DataFrame({"text": ["how many", "who is"], "label": ["NUM", "HUM"]})


def test_errors_for_text_and_sound_name_the_page(tmp_path: Path) -> None:
    assert (Path(__file__).parents[4] / PAGE).is_file()
    TEXTS.to_csv(tmp_path / "a.csv", index=False)
    TEXTS.to_parquet(tmp_path / "a.parquet")
    for name in ("yes", "no"):
        (tmp_path / "sound" / name).mkdir(parents=True)
        (tmp_path / "sound" / name / "1.wav").write_bytes(b"RIFF")
    for source in ("a.csv", "a.parquet", "sound"):
        with pytest.raises(BadInput, match=PAGE) as told:
            load_dataset(tmp_path / source)
        assert "\n" not in str(told.value)


def test_texts_of_hugging_face_name_the_page() -> None:
    datasets = pytest.importorskip("datasets")
    with pytest.raises(BadInput, match=PAGE):
        load_dataset(datasets.Dataset.from_pandas(TEXTS))
