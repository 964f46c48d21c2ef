"""What a notebook shows of a run."""

from __future__ import annotations

import html
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import easiness as ez
from easiness import Recipe, load_dataset, measure, open_run
from easiness.report.facts import data_name, describe_data, measure_command, run_facts
from easiness.report.run_figures import accuracy_curves
from easiness.show.text import chosen_percent, count, duration, percent
from easiness.store import Run
from recording import believing, small_run


def test_numbers_read_well() -> None:
    assert count(12345) == "12,345"
    assert percent(0.1234) == "12.3\N{NO-BREAK SPACE}%"
    assert chosen_percent(0.1) == "10\N{NO-BREAK SPACE}%"
    assert [duration(s) for s in (8.12, 90, 9000)] == [
        "8.1\N{NO-BREAK SPACE}s",
        "1.5\N{NO-BREAK SPACE}min",
        "2.5\N{NO-BREAK SPACE}h",
    ]


def test_facts_of_a_measured_run(measured: Path) -> None:
    run = open_run(measured)
    curves = accuracy_curves(run)
    facts = run_facts(run, curves, 2)
    mean, deviation = curves.mean("train")[1], curves.deviation("train")
    assert deviation is not None
    assert facts["train accuracy after epoch 2"] == f"{mean:.3f} ± {deviation[1]:.3f}"
    assert facts["network"] == "mlp_3"
    assert facts["trials"] == "3"
    assert facts["data"] == "digits, 100 examples of it"
    assert facts["recipe"] == "short, but flip = 0.0"
    assert data_name(run) == "digits"
    assert describe_data(run) == "100 examples of 10 classes, grey pictures of 8 × 8 pixels"


def test_the_command_continues_the_run(measured: Path, command: Callable[..., Any]) -> None:
    run = open_run(measured)
    found = measure_command(run, load_dataset("digits", limit=100))
    assert found is not None
    assert found.recipe is None
    program, *arguments = shlex.split(found.line)
    assert program == "easiness"
    before = sorted((measured / "trials").iterdir())
    assert command(*arguments).code == 0  # it refuses other settings, and has nothing left to train
    assert sorted((measured / "trials").iterdir()) == before


@pytest.mark.parametrize("known", [True, False])
def test_a_changed_recipe_is_part_of_the_command(tmp_path: Path, known: bool) -> None:
    recipe = {"batch_size": 20, "alpha": 0.01} if known else {}
    kept = {"keep_logits": True, "keep_weights": False}
    run = small_run(tmp_path / "run", model="mlp_3", limit=50, recipe=recipe, train_share=0.5, **kept)
    found = measure_command(run, load_dataset("digits") if known else None)
    assert found is not None
    assert found.recipe is not None
    assert Recipe(**tomllib.loads(found.recipe)) == run.spec.recipe  # type: ignore[union-attr]
    for option in ("--recipe recipe.toml", "--train-share 0.5", "--keep-logits", "--no-weights"):
        assert option in found.parts


def test_another_batch_size_needs_no_recipe_file(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", model="mlp_3", limit=50, batch_size=25)
    found = measure_command(run, load_dataset("digits"))
    assert found is not None
    assert found.recipe is None
    assert {"--recipe short", "--batch-size 25"} <= {*found.parts}


def test_another_size_of_photos_needs_no_recipe_file(tmp_path: Path) -> None:
    for at in range(8):
        file = tmp_path / "photos" / "ab"[at % 2] / f"{at}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 16), (30 * at, 0, 0)).save(file)
    size = dict[str, Any](trials=1, epochs=1, precision="float32", batch_size=4, image_size=8)
    run = measure(tmp_path / "photos", model="mlp_2_w8", **size, out=tmp_path / "run")
    found = measure_command(run, load_dataset(tmp_path / "photos"))
    assert found is not None
    assert found.recipe is None
    assert {"--recipe short", "--batch-size 4", "--image-size 8"} <= {*found.parts}


def test_a_page_of_before_the_end_says_so(measured: Path) -> None:
    run = open_run(measured)
    curves = accuracy_curves(run)
    assert run_facts(run, curves, 1)["unfinished"] == run.unfinished(1)
    assert "unfinished" not in run_facts(run, curves, 2)


def test_a_recorded_run_has_no_command(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 5
    run = record(believing(labels, 1, 1), labels)
    assert measure_command(run, None) is None
    assert data_name(run) is None
    assert {"seed", "time", "ran on"}.isdisjoint(run_facts(run, accuracy_curves(run), 1))


HOSTILE = "<script>$x$|"


def _facts(shown: str) -> dict[str, str]:
    rows = ET.fromstring(re.sub(r"<svg.*</svg>", "", shown, flags=re.DOTALL)).iter("tr")
    return {row[0].text: row[1].text for row in rows}  # type: ignore[misc]


def test_a_table_of_facts_and_a_figure(measured: Path):
    run = ez.open_run(measured)
    shown = run._repr_html_()
    facts = _facts(shown)
    assert facts["folder"] == str(measured)
    assert facts["examples"].startswith("100 examples of 10 classes")
    assert shown.count("<svg") == 1
    assert "number of trials, of 3, that are right" in shown
    assert not re.search(r"(src|href)=\"(?!#)", shown)  # nothing is loaded
    ET.fromstring(shown)
    assert repr(run) == f"Run({str(measured)!r}, model='mlp_3', trials=3, epochs=2)"


def test_no_name_becomes_markup(record):
    run = record(np.zeros((1, 1, 2, 2)), [0, 1], name=HOSTILE, classes=(HOSTILE, "b"))
    shown = run._repr_html_()
    assert "<script" not in shown
    assert html.escape(HOSTILE) in shown
    assert "mathjax_ignore" in shown


def test_without_easiness_there_is_the_table_alone(record, tmp_path):
    wrong = np.array([[[[0.0, 1.0], [1.0, 0.0]]]])
    assert "<svg" not in record(wrong, [0, 1], name="wrong")._repr_html_()
    empty = ez.Recorder(tmp_path / "empty", ids=[1, 2], labels=[0, 1]).run
    assert _facts(empty._repr_html_())["trials"] == "none finished"


def test_a_run_writes_its_report(measured: Path, tmp_path: Path):
    run: Run = ez.open_run(measured)
    run.report(tmp_path / "a.html", epoch=1)
    ez.write_report([run], tmp_path / "b.html", epoch=1)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
