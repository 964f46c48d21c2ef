from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easiness.scores import SCORES, scores_markdown

DOCS = Path(__file__).parents[3] / "docs" / "scores.md"


def test_docs_hold_the_table_as_it_is_generated() -> None:
    assert scores_markdown() in DOCS.read_text(encoding="utf-8")


def test_one_row_per_score_and_no_broken_cells() -> None:
    lines = scores_markdown().split("\n")
    assert len(lines) == len(SCORES) + 2
    assert {line.count("|") for line in lines} == {7}


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_every_score_is_declared_in_full(score) -> None:
    assert all([score.formula, score.unit, score.high_means, score.needs, score.source])
    assert score.range[0] < score.range[1]


def test_scores_import_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, easiness.scores\n"
        "heavy = {'torch', 'scipy', 'pandas', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
