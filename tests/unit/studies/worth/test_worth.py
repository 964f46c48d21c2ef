from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

import easiness
from easiness import BadInput, worth
from easiness.report import write_result
from easiness.store import Run
from easiness.studies.worth import Worth
from easiness.studies.worth.grid import Cell

NUM, WRONG = 600, 0.3


def _data() -> tuple[np.ndarray, np.ndarray]:
    """Digits in random order, three tenths of whose labels are another class's, but for the last 300."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))[: NUM + 300]
    x, y = x[order].astype(np.float32), y[order]
    wrong = np.flatnonzero(rng.random(NUM) < WRONG)
    y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return x, y


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """Five trials of heads on pixels, of which 300 examples with their own labels are held out."""
    return _measured(tmp_path_factory.mktemp("worth"), NUM + 300)


def _measured(folder: Path, num: int) -> Run:
    x, y = _data()
    arrays: dict[str, Any] = {"x": x[:NUM], "y": y[:NUM]}
    if num > NUM:
        arrays |= {"x_test": x[NUM:num], "y_test": y[NUM:num]}
    np.savez(folder / "digits.npz", **arrays)
    return easiness.measure(
        folder / "digits.npz", features="inputs", trials=5, out=folder / "run", progress=False
    )


@pytest.fixture(scope="module")
def found(run) -> Worth:
    return worth(run, sizes=[200], keep=(0.2, 0.5), seeds=5, margin=0.08, progress=False)


def test_rows_are_held_to_all_and_to_as_many_at_random(found):
    table = found.table()
    assert set(table["size"]) == {200, NUM}
    whole = table[table["size"] == NUM]
    assert len(whole) == 3 + 2 * 2 * 3
    for share, num in ((0.2, 120), (0.5, 300)):
        assert (whole["num_kept"][whole["share"] == share] == num).all()
    everything = whole["accuracy"][(whole["kept"] == "all") & ~whole["suspects_out"]].item()
    hardest = whole[(whole["kept"] == "hardest") & (whole["share"] == 0.5) & ~whole["suspects_out"]]
    random = whole[(whole["kept"] == "random") & (whole["share"] == 0.5) & ~whole["suspects_out"]]
    assert hardest["over_all"].item() == pytest.approx(hardest["accuracy"].item() - everything)
    apart = hardest["accuracy"].item() - random["accuracy"].item()
    assert hardest["over_random"].item() == pytest.approx(apart)
    assert table["advised"].sum() == 1


def test_the_hardest_are_the_wrong_labels_until_the_suspects_are_out(found):
    table = found.table().query(f"size == {NUM} and kept == 'hardest' and share == 0.5")
    with_them, without = table.sort_values("suspects_out")["accuracy"]
    assert with_them < 0.5 < 0.8 < without


def test_the_file_of_labels_has_what_is_advised(found, run, tmp_path):
    file = tmp_path / "keep.csv"
    write_result(file, found.keep)
    labels = pd.read_csv(file)
    assert labels["id"].tolist() == run.ids.tolist()
    assert (labels["action"] == "keep").sum() == found.lines[found.advised].num
    again = easiness.load_dataset(run.spec.data.source, labels=file)
    assert len(again) == (labels["action"] == "keep").sum()


def test_the_command_names_its_files_and_what_to_do_with_them(command, run, tmp_path):
    file, page = tmp_path / "keep.csv", tmp_path / "worth.html"
    options = ("--sizes", 200, "--keep", "0.5", "--seeds", 5, "--margin", 0.08, "--details")
    done = command("worth", run.path, *options, "-o", file, "--page", page)
    assert done.code == 0
    assert {f"wrote {page}", f"wrote {file}"} <= set(done.err.splitlines())
    assert done.err.splitlines().count(f"wrote {file}") == 1
    assert "Of 600 labelled examples" in done.out
    last = done.out.splitlines()[-1]
    assert last.startswith("heads say so; ask networks: easiness verify ")
    assert f"--labels {file}" in last
    assert "--beside random,rs2" in last
    assert pd.read_csv(file).columns.tolist()[:5] == ["id", "label", "class", "was", "action"]
    assert "What to keep of" in page.read_text()


def test_what_it_says(found):
    assert found.advice.startswith(f"of your {NUM}: take the ")
    assert "suspects out, then you can leave out" in found.advice
    assert found.text.count(". ") == 1
    assert (
        found.advice.count(" by linear classifiers") == found.advice.count(" by 15 nearest neighbours") == 1
    )
    assert "would give linear classifiers " in found.ahead
    assert "had no part in the choice" in found.sections()[0].note


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.005, 0.003), "at no loss (-0.1, -0.5 to 0.3 by linear classifiers)"),
        ((-0.009, -0.001), "at a loss of less than 1 point (-0.1, -0.9 to -0.1 by linear classifiers)"),
        ((0.002, 0.004), "and gain (-0.1, 0.2 to 0.4 by linear classifiers)"),
    ],
)
def test_a_loss_that_is_shown_is_not_called_none(found, interval, verdict):
    beyond = replace(found.judged.beyond, value=-0.001, interval=interval)
    judged = replace(found.judged, beyond=beyond, near=None)
    told = replace(found, judged=judged, margin=0.01)
    assert told.advice.endswith(verdict)
    better = replace(judged, near=replace(judged, beyond=replace(beyond, interval=(0.5, 0.6))))
    others = "; -0.1, 50.0 to 60.0 by 15 nearest neighbours)"
    assert replace(told, judged=better).advice.endswith(verdict.replace(")", others))
    worse = replace(judged, near=replace(judged, beyond=replace(beyond, interval=(-0.02, 0))))
    doubt = "where a loss of 1 point is not ruled out (-0.1, "
    assert doubt in replace(told, judged=worse).advice


def test_what_heads_spare_and_neighbours_need_is_not_advised(run):
    """Without suspects and the easiest heads gain, and neighbours lose 2 to 3 points."""
    found = worth(run, sizes=[], keep=(0.5,), margin=0.05, progress=False)
    by = "by linear classifiers and by 15 nearest neighbours"
    none = f"no smaller choice is shown to cost less than 5 points, {by}"
    assert found.advice == f"of your {NUM}: keep all; {none}"
    assert not found.keep.dropped.any()
    table = found.table().query(f"size == {NUM}")
    tried = table.query("kept == 'hardest' and share == 0.5 and suspects_out")
    assert tried["over_all"].item() > 0 > -0.01 > tried["near_over_all"].item()
    assert table["accuracy_near"].isna().sum() > 3  # what heads rule out is not asked
    document = found.document()
    assert document["judged_near"]["over_start"].keys() == {"value", "low", "high"}


@pytest.mark.long
def test_without_a_held_out_split_a_part_is_set_aside(tmp_path):
    found = worth(_measured(tmp_path, NUM), keep=(0.5,), sizes=[], seeds=5, progress=False)
    assert found.num_test + found.num_examples_tried == NUM
    assert 0.15 < found.num_test / NUM < 0.25
    assert found.test_wrong == pytest.approx(WRONG, abs=0.1)
    assert f"on {found.num_test} of {NUM} examples, set aside" in found.sections()[0].note


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [5]}, r"--sizes 5: not between 20"),
        ({"keep": (1.0,)}, r"--keep 1: not between 0 and 1"),
        ({"keep": (0.5, 0.0008)}, r"--keep 0.0008: keeps none of 600 examples; give"),
        ({"sizes": [NUM + 1]}, r"--sizes 601: not between 20 .two of each class. and 600"),
        ({"seeds": 4}, r"--seeds 4: must be at least 5"),
        ({"seed": -1}, r"--seed -1: must be at least 0"),
        ({"margin": 0.0}, r"--margin 0: not between 0 and 1"),
    ],
)
def test_choices_out_of_range_are_refused_before_anything_is_read(run, options, message):
    with pytest.raises(BadInput, match=message):
        worth(run, source="gone", progress=False, **options)


def test_a_run_without_features_is_refused(record):
    logits = np.zeros((2, 1, 4, 2))
    with pytest.raises(BadInput, match="is not on features"):
        worth(record(logits, [0, 1, 0, 1]), progress=False)


@pytest.mark.parametrize("sizes", ["nan", "200,inf", "200.5"])
def test_sizes_that_are_no_whole_numbers_are_refused(run, sizes):
    from typer.testing import CliRunner

    from easiness.cli.main import app

    said = CliRunner().invoke(app, ["worth", str(run.path), "--sizes", sizes])
    assert isinstance(said.exception, BadInput)
    assert "give whole numbers with commas" in str(said.exception)


def test_another_seed_draws_other_examples_at_random(run, found):
    other = worth(run, sizes=[], keep=(0.5,), seeds=5, seed=1, progress=False)

    def drawn(one):
        return next(
            line.right for line in one.lines if line.cell == Cell(NUM, "random", 0.5, suspects_out=False)
        )

    assert (drawn(found) != drawn(other)).any(axis=1).all()
