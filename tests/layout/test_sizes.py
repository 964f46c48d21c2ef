"""How large folders are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("of", ["src", "tests"])
def test_no_folder_has_more_than_25_files(of: str) -> None:
    sizes = Counter(file.parent for file in (ROOT / of).rglob("*.py"))
    assert {str(folder) for folder, size in sizes.items() if size > 25} == set()
