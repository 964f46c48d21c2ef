"""The benchmark of what is worth keeping, in small: whole, from pictures to the page."""

import csv
import importlib
import io
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

ROOT = Path(__file__).parents[4]


def shards(folder: Path) -> None:
    """Pictures of four colours, as CIFAR-10 is stored: 240 and 120 to test on."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 255, (4, 1, 1, 3))
    folder.mkdir()
    for split, num in (("train", 240), ("test", 120)):
        labels = rng.integers(4, size=num)
        pictures = np.clip(colours[labels] + 40 * rng.standard_normal((num, 32, 32, 3)), 0, 255)
        rows = []
        for picture in pictures.astype(np.uint8):
            written = io.BytesIO()
            Image.fromarray(picture).save(written, "png")
            rows.append({"bytes": written.getvalue(), "path": None})
        pq.write_table(pa.table({"image": rows, "label": labels}), folder / f"{split}-00000.parquet")


@pytest.mark.long
def test_the_page_has_advice_gains_and_whole_trainings(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    worth = importlib.import_module("science.worth")

    shards(tmp_path / "cifar10")
    cells = {title: cell for title, cell in worth.CELLS.items() if cell[0] == "cifar"}
    monkeypatch.setattr(worth, "CELLS", cells)
    monkeypatch.setattr(worth, "WORLDS", worth.WORLDS[:1])
    monkeypatch.setattr(worth, "RISES", worth.RISES[:1])
    parts = partial(worth.worth_twice.parts, draws=2, names=("cifar10",))
    monkeypatch.setattr(worth.worth_twice, "parts", parts)
    monkeypatch.setitem(worth.MARGINS, "cifar", 0.3)  # so that something can be left out of so few
    for name, value in (("PICTURES", 160), ("PAIRS", 2), ("EPOCHS", 1)):
        monkeypatch.setattr(worth, name, value)
    runs, docs = tmp_path / "runs", tmp_path / "worth.md"
    arguments = ["--data", str(tmp_path), "--runs", str(runs), "--train", "--draws", "2", "--docs", str(docs)]
    worth.main(arguments)
    page = docs.read_text("utf-8")
    assert docs.with_suffix(".svg").exists()

    def table(name):
        return list(csv.DictReader((tmp_path / "worth" / f"{name}.csv").read_text("utf-8").splitlines()))

    advice = {row["data"]: row for row in table("advice")}
    assert list(advice) == [*cells, *worth.SMALL]
    for title, row in advice.items():
        assert row["advice"].startswith(f"of your {160 if title in worth.SMALL else 240}: ")
        assert (row["planted"] == "") == ("wrong" not in title)
    # colours are found: nearly all that are wrong are suspects
    assert int(advice["CIFAR-10, 30 % wrong"]["planted among them"]) > 0.8 * 60
    gains = [row["hardest 40 %"] for row in table("ends")]
    assert all(" to " in cell for cell in gains)
    assert {row["labels"] for row in table("trainings")} >= {"before", "after", "as many at random"}
    for row in table("verdicts"):
        assert f"- **{row['data']}**: {row['verdict']}." in page
