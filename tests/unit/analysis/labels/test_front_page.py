"""The table that has easiness beside other tools: what it counts, and who else's list is read how."""

from __future__ import annotations

import json
import runpy
import sys
from argparse import Namespace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
with pytest.MonkeyPatch.context() as path:  # the script adds to it
    path.setattr(sys, "path", [*sys.path])
    front_page = SimpleNamespace(**runpy.run_path(str(BENCHMARKS / "science" / "front_page.py")))
    by_cartography = runpy.run_path(str(BENCHMARKS / "baselines" / "list_makers.py"))["by_cartography"]


def kept(runs, precision):
    """Cells of two draws, in which every tool has this precision at the first and 0.1 more at the second."""
    for draw, setting, labels, (tool, ap) in product(
        range(2), front_page.SETTINGS, front_page.LABELS, precision.items()
    ):
        told = (
            {"said": 0.9, "error": 0.02}
            if tool in ("easiness", "cleanlab")
            else {"said": None, "error": None}
        )
        found = {"seconds": 10 + draw, "ap": ap + draw / 10, "measured": "date 2026-11-28", **told}
        front_page.file_of(runs, *setting, labels, draw, tool).write_text(json.dumps(found))


def test_equal_orders_both_count_and_a_better_one_elsewhere_shows(tmp_path):
    kept(tmp_path, {"easiness": 0.5, "cleanlab": 0.5, "cartography": 0.2, "aum": 0.1})
    other = {"seconds": 1, "ap": 1.0, "measured": "", "said": None, "error": None}
    for draw in (0, 2):  # the third draw lacks the other tools, and does not count
        front_page.file_of(tmp_path, "photos", "features", "uniform", draw, "aum").write_text(
            json.dumps(other)
        )
    won, columns = front_page.best(tmp_path)
    assert columns == 6
    assert won == {"easiness": 5, "cleanlab": 5, "cartography": 0, "aum": 1}
    file = tmp_path / "page.md"
    front_page.main(["--runs", str(tmp_path), "--draws", "0", "--docs", str(file)])
    page = file.read_text()
    assert page.count("0.550 (0.500-0.600)") == 12  # two tools, two columns of three tables
    assert "AUM: 1" in page
    assert "photos, features: 2 draws" in page
    assert "| cartography, confidence | 10 | 0.250 (0.200-0.300) | 0.250 (0.200-0.300) |  |  |  |" in page


@pytest.mark.long
def test_confidence_is_low_where_labels_are_wrong(tmp_path):
    digits = load_digits()
    images = np.repeat((digits.images[:400] * 15).astype(np.uint8)[..., None], 3, axis=-1)
    labels = digits.target[:400].copy()
    labels[:40] = (labels[:40] + 1) % 10
    source = tmp_path / "digits.npz"
    np.savez(source, x=np.kron(images, np.ones((1, 4, 4, 1), np.uint8)), y=labels)
    ids, found = by_cartography(source, Namespace(kind="network", model="mlp_3", epochs=8))
    assert ids == list(range(400))
    assert found["score"][:40].mean() > found["score"][40:].mean() + 0.1


def test_a_folder_has_as_many_photos_as_before_and_says_which_lie_wrong(tmp_path):
    ids = np.array([f"{name}/{at}.jpg" for name in "ab" for at in range(30)])
    for one in ids:
        (tmp_path / "all" / "train" / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "all" / "train" / one).write_bytes(b"")
    truth = np.repeat([0, 1], 30)
    np.savez(tmp_path / "photos.npz", ids=ids, y=truth, log_p=np.log(np.full((60, 2), 0.5)))
    folder, wrong = front_page.planted_photos(tmp_path / "all", "uniform", 0, tmp_path)
    files = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg")}
    assert files == set(wrong)
    assert {one for one in files if one[0] != one[2]} == {one for one, is_wrong in wrong.items() if is_wrong}
    assert 0 < sum(wrong.values()) < 20


@pytest.mark.parametrize(("values", "text"), [([0.25], "0.250 (0.250-0.250)"), ([None], ""), ([], "")])
def test_a_spread_is_the_mean_with_its_ends(values, text):
    assert front_page.spread(values, ".3f") == text


def test_every_cell_begins_with_nothing(tmp_path, monkeypatch):
    """Features that lay beside the last run would be taken from there."""
    asked = []

    def run(command, env, **_):
        out = Path(command[command.index("--out") + 1] if "--out" in command else command[-1])
        asked.append((out.parent, Path(env["EASINESS_CACHE"])))
        assert not any(one.exists() and any(one.iterdir()) for one in asked[-1]) or command[3] == "suspects"
        out.mkdir(exist_ok=True)

    table = {"score": {"a": 2, "b": 1}, "p": {"a": 0.9, "b": 0.1}}
    monkeypatch.setitem(front_page.cell.__globals__, "subprocess", SimpleNamespace(run=run))
    monkeypatch.setitem(front_page.cell.__globals__, "listed", lambda *_: table)
    for _ in range(2):
        found = front_page.cell("easiness", "features", tmp_path, {"a": True, "b": False}, Namespace())
        assert found["ap"] == 1
    assert len({folder for folder, _ in asked}) == 2
    assert list(tmp_path.iterdir()) == []
