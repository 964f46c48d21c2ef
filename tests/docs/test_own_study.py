"""The study of docs/how-to/own-study.md, installed as the page says, has all that a study of ours has."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from doc_blocks import blocks_of

import easiness as ez
from easiness.commands import ENTRY_POINTS
from easiness.store import last_events

PAGE = "docs/how-to/own-study.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The files of the page in a folder on the path, with what pip makes of its pyproject.toml."""
    files = {block.saved: block.text for block in blocks_of(PAGE) if block.saved is not None}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    about = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    points = (f"{name} = {home}\n" for name, home in project["entry-points"][ENTRY_POINTS].items())
    (about / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{''.join(points)}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield files
    for name in ("noise", "missed"):
        sys.modules.pop(name, None)
        vars(ez).pop(name, None)


def test_it_fits_a_screen(installed: dict[str, str]) -> None:
    assert len(installed["noise.py"].splitlines()) <= 60


@pytest.mark.usefixtures("installed")
def test_it_has_a_command_a_function_resumption_files_and_a_part_of_the_page(
    command: Callable[..., Any],
) -> None:
    told = command("--help").out
    assert "Say which classes random labels cost most." in " ".join(told.split())
    asked = ["noise", "digits", "--model", "mlp_3", "--epochs", 2, "--jobs", 1, "--out", "noise"]
    forecast = command(*asked, "--dry-run")
    assert "2 runs with 6 trials, 0 of them finished" in forecast.out
    assert "labels are drawn at random" in forecast.out
    first = command(*asked, "-o", "noise.csv", "-o", "noise.html")
    assert first.code == 0, first.err
    assert first.out.splitlines()[-1].endswith("is missed most")
    rows = pd.read_csv("noise.csv")
    assert rows.columns.tolist() == ["class", "missed", "without"]
    assert rows["missed"].between(0, 1).all()
    assert rows["missed"].mean() > rows["without"].mean()
    assert "Missed by class" in Path("noise.html").read_text()

    trained = [len(last_events(Path("noise", name))) for name in ("sound", "noisy")]
    again = command(*asked)
    assert again.out == first.out
    assert [len(last_events(Path("noise", name))) for name in ("sound", "noisy")] == trained
    registered: Any = ez  # which has more functions than its stub names
    found = registered.noise("digits", model="mlp_3", epochs=2, jobs=1, out="noise", progress=False)
    pd.testing.assert_frame_equal(found.table().astype({"class": int}), rows)

    of_run = registered.missed(ez.open_run("noise/sound"))
    assert command("report", "noise/sound", "-o", "page.html").code == 0
    page = Path("page.html").read_text()
    assert of_run.headline in page
    assert "Missed by class" in page
