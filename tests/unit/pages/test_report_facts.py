"""What a notebook shows of a run."""

from __future__ import annotations

import errno
import html
import os
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import easiness as ez
from easiness import Recipe, load_dataset, measure, open_run
from easiness.engine.results import check_output_file, check_output_folder, output_folder, write_file
from easiness.errors import BadInput, RunFailed
from easiness.pages.facts import data_name, describe_data, measure_command, run_facts
from easiness.pages.run_part import measure_more, next_step
from easiness.show.text import chosen_percent, count, duration, percent
from easiness.store import Run
from easiness.studies.scores import accuracy_curves
from easiness.studies.suspects import Glance
from pixels import write_pictures
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
    parts, recipe = found
    assert recipe is None
    program, *arguments = shlex.split(" ".join(parts))
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
    parts, changed = found
    assert changed is not None
    assert Recipe(**tomllib.loads(changed)) == run.spec.recipe  # type: ignore[union-attr]
    for option in ("--recipe recipe.toml", "--train-share 0.5", "--keep-logits", "--no-weights"):
        assert option in parts


def test_another_size_of_photos_needs_no_recipe_file(tmp_path: Path) -> None:
    grey = ((f"{'ab'[at % 2]}/{at}.png", np.full((16, 20, 3), 30 * at, np.uint8)) for at in range(8))
    photos = write_pictures(tmp_path / "photos", grey)
    size = dict[str, Any](trials=1, epochs=1, precision="float32", recipe={"batch_size": 4, "image_size": 8})
    run = measure(photos, model="mlp_2_w8", **size, out=tmp_path / "run")
    found = measure_command(run, load_dataset(photos))
    assert found is not None
    parts, changed = found
    assert changed is None
    assert {"--recipe short", "--batch-size 4", "--image-size 8"} <= {*parts}


def test_a_page_of_before_the_end_says_so(measured: Path) -> None:
    run = open_run(measured)
    curves = accuracy_curves(run)
    assert run_facts(run, curves, 1)["unfinished"] == run.warning(1)
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
    run.report(tmp_path / "a.html", at=1)
    ez.report(run, tmp_path / "b.html", at=1)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_file_that_can_be_written(tmp_path, monkeypatch):
    check_output_file(tmp_path / "a.csv", (".parquet", ".csv"))
    (tmp_path / "a.csv").write_text("old")
    check_output_file(tmp_path / "a.csv", (".csv",))
    monkeypatch.chdir(tmp_path)
    check_output_file(Path("b.csv"), (".csv",))
    write_file(tmp_path / "a.csv", b"new")
    assert (tmp_path / "a.csv").read_text() == "new"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz", ".csv"])
def test_a_suffix_that_says_nothing(tmp_path, name):
    with pytest.raises(BadInput, match=r"tell the format; .*\.parquet or \.csv"):
        check_output_file(tmp_path / name, (".parquet", ".csv"))


def test_places_where_no_file_can_be(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(BadInput, match=r"a\.csv: is a folder"):
        check_output_file(tmp_path / "a.csv", (".csv",))
    with pytest.raises(BadInput, match=r"b\.csv: .*folder .*none does not exist"):
        check_output_file(tmp_path / "none" / "b.csv", (".csv",))
    with pytest.raises(BadInput, match=r"x{9}\.\.\.: cannot be written \(File name too long"):
        check_output_file(tmp_path / f"{'x' * 300}.csv", (".csv",))


def test_places_where_no_new_folder_can_be(tmp_path):
    check_output_folder(tmp_path / "new")
    with pytest.raises(BadInput, match="exists already"):
        check_output_folder(tmp_path)
    with pytest.raises(BadInput, match=r"folder .*none does not exist"):
        check_output_folder(tmp_path / "none" / "new")


def test_a_folder_that_cannot_be_filled_is_not_left(tmp_path):
    def fill():
        with output_folder(tmp_path / "new") as folder:
            (folder / "part").write_text("a")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunFailed, match=r"new: .*written"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def no_room(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.csv").write_text("old")
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(RunFailed, match=r"a\.csv: .*No space left"):
        write_file(tmp_path / "a.csv", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


def test_the_last_line_is_the_path_of_the_page(
    measured: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    page = tmp_path / "a page.html"
    assert command("report", measured, "--at", 1, "-o", page).out == f"{page}\n"
    assert "read after epoch 1" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "message"), [("page.pdf", "end the name in .html"), ("missing/page.html", "does not exist")]
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    measured: Path, tmp_path: Path, refused: Callable[..., str], name: str, message: str
) -> None:
    assert message in refused("report", measured, "-o", tmp_path / name)


def test_a_source_with_other_data_leaves_no_page(measured: Path, tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(BadInput, match="limit 100: exceeds"):
        ez.report(open_run(measured), tmp_path / "page.html", data=str(pictures))
    assert not (tmp_path / "page.html").exists()


NUM = 60
KNOWS_LITTLE = Glance(NUM, 0.1, 0.3)


def _said(run: Run) -> tuple[str, str]:
    step = next_step(run)
    return step.why, step.command


def _logits(believed: Any, trials: int = 4) -> Any:
    noise = np.random.default_rng(0).normal(0, 0.5, (trials, 4, len(believed), 3))
    return noise + 6 * np.eye(3)[believed]


def test_labels_that_look_wrong_are_to_be_looked_at(record: Callable[..., Run]) -> None:
    believed = np.arange(NUM) % 3
    labels = believed.copy()
    labels[[4, 20, 41]] = (labels[[4, 20, 41]] + 1) % 3
    run = record(_logits(believed), labels, name="my run")
    assert _said(run) == ("labels: about 3 of 60 look wrong", f"easiness suspects '{run.path}'")


def test_of_sound_labels_the_page_is_next(record: Callable[..., Run]) -> None:
    run = record(_logits(np.arange(NUM) % 3), np.arange(NUM) % 3)
    assert _said(run) == (
        "labels: none of 60 looks wrong at a glance",
        f"easiness report {run.path} -o report.html",
    )


def test_networks_that_know_too_little_do_not_judge(record: Callable[..., Run]) -> None:
    """Right are the 20 examples of the first class. What was recorded no command measures."""
    run = record(_logits(np.zeros(NUM, int)), np.arange(NUM) % 3)
    why = "labels: the networks have 33.3\N{NO-BREAK SPACE}% right, which is too little to judge them"
    assert _said(run) == (why, f"easiness report {run.path} -o report.html")


@pytest.fixture
def small(tmp_path: Path) -> Run:
    """One trial by a recipe that has no name."""
    recipe = {"batch_size": 20, "alpha": 0.01}
    data = load_dataset("digits", limit=50)
    return measure(data, model="mlp_3", trials=1, epochs=1, recipe=recipe, seed=3, out=tmp_path / "a run")


def test_what_one_trial_does_not_tell_more_do(small: Run, command: Callable[..., Any]) -> None:
    why, line = _said(small)
    assert why.startswith("one trial tells only right from wrong")
    options = "--model mlp_3 --epochs 1 --seed 3 --trials 5 --limit 50"
    assert line == f"easiness measure digits {options} --out '{small.path}'"
    assert command(*shlex.split(line)[1:]).code == 0
    assert len(open_run(small.path).trials) == 5


def test_of_small_pictures_more_epochs_are_to_be_learned(measured: Path, command: Callable[..., Any]) -> None:
    line = measure_more(open_run(measured), KNOWS_LITTLE)
    assert line == (
        f"easiness measure digits --model mlp_3 --epochs 4 --trials 3 --limit 100 --out {measured}"
    )
    assert command(*shlex.split(line)[1:], "--dry-run").code == 0
    assert measure_more(open_run(measured), Glance(NUM, 0.1, 0.9)) is None


def test_photos_are_judged_by_features(small: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small.spec.measured
    assert spec is not None
    photos = spec.model_copy(update={"data": spec.data.model_copy(update={"image_shape": None})})
    monkeypatch.setattr(small, "spec", photos)
    monkeypatch.setattr(small, "trials", [*small.trials] * 2)
    monkeypatch.setattr("easiness.features.has_usual", lambda kind: kind == "image")
    line = measure_more(small, KNOWS_LITTLE)
    assert line == (
        f"easiness measure digits --features auto --trials 20 --limit 50 --out '{small.path}-features'"
    )
    monkeypatch.setattr("easiness.features.has_usual", lambda _: False)
    assert "--epochs 2" in str(measure_more(small, KNOWS_LITTLE))
