"""Who comes with sound is sent to the page on training loops."""

from __future__ import annotations

from pathlib import Path

import pytest

from easiness import BadInput, load_dataset

PAGE = "docs/tutorials/loop.md"


def test_errors_for_sound_name_the_page(tmp_path: Path) -> None:
    assert (Path(__file__).parents[4] / PAGE).is_file()
    for name in ("yes", "no"):
        (tmp_path / "sound" / name).mkdir(parents=True)
        (tmp_path / "sound" / name / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(BadInput, match=PAGE) as told:
        load_dataset(tmp_path / "sound")
    assert "\n" not in str(told.value)
