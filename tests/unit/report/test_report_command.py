from __future__ import annotations

from pathlib import Path

import pytest

from easiness import BadInput
from easiness.cli.report import report


def test_the_last_line_is_the_path_of_the_page(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "a page.html"
    report([measured], page, epoch=1)
    assert capsys.readouterr().out == f"{page}\n"
    assert "read after epoch 1" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "message"), [("page.pdf", "end the name in .html"), ("missing/page.html", "does not exist")]
)
def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        report([tmp_path / "no run either"], tmp_path / name)


def test_a_source_with_other_data_leaves_no_page(measured: Path, tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(BadInput, match="limit 100: exceeds"):
        report([measured], tmp_path / "page.html", source=str(pictures))
    assert not (tmp_path / "page.html").exists()
