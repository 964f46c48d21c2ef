"""``--group``: examples of one origin are seen together or not at all, through the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easiness import open_run

PATIENTS, OF_EACH = 12, 5


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """60 pictures of two classes, five of each patient, and vectors of them."""
    rng = np.random.default_rng(0)
    rows = ["file,label,patient,room"]
    for at in range(PATIENTS * OF_EACH):
        pixels = rng.integers(0, 255, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{at}.png")
        rows.append(f"{at}.png,{'xy'[at % 2]},patient {at // OF_EACH},{at % 3}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    np.save(tmp_path / "v.npy", rng.standard_normal((len(rows) - 1, 8)) + (np.arange(60) % 2)[:, None])
    return tmp_path / "list.csv"


@pytest.fixture
def arguments(manifest: Path, tmp_path: Path) -> list[object]:
    source = ["measure", manifest, "--columns", "path=file", "--features", tmp_path / "v.npy"]
    return [*source, "--trials", 5, "--out", tmp_path / "run"]


def test_patients_are_seen_together_or_not_at_all(command, arguments, tmp_path) -> None:
    assert command(*arguments, "--group", "patient").code == 0
    run = open_run(tmp_path / "run")
    assert run.spec.data.model_dump()["group"] == "patient"
    for trial in run.trials:
        seen = trial.observations(2).trained_on.reshape(len(run.shares), PATIENTS, OF_EACH)
        assert (seen == seen[:, :, :1]).all()
        assert (seen.sum(axis=(1, 2)) <= np.array(run.shares) * 60 + OF_EACH).all()
    assert command(*arguments, "--group", "patient", "--trials", 10).code == 0
    assert len(open_run(tmp_path / "run").trials) == 10


def test_a_run_keeps_its_groups(command, refused, arguments) -> None:
    assert command(*arguments, "--group", "patient").code == 0
    assert "settings: groups of examples is" in refused(*arguments)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("patiens", "no column patiens (did you mean patient?)"),
        ("room", "--group: 3 different values, and share 0.8 rotates over 5 folds"),
    ],
)
def test_groups_that_cannot_be_used(refused, arguments, group, message) -> None:
    assert message in refused(*arguments, "--group", group)


def test_fewer_groups_suffice_for_smaller_shares(command, arguments, tmp_path) -> None:
    options = ["--group", "room", "--shares", "0.5", "--trials", 2]
    assert command(*arguments, *options).code == 0
    rooms = np.arange(60) % 3
    for trial in open_run(tmp_path / "run").trials:
        seen = trial.observations(2).trained_on[0]
        assert all(len(set(seen[rooms == room].tolist())) == 1 for room in range(3))


def test_held_out_patients_are_nobody_s_in_training(command, arguments, tmp_path) -> None:
    assert command(*arguments, "--group", "patient", "--holdout", 0.25).code == 0
    run = open_run(tmp_path / "run")
    patients = [
        {int(one.split(".")[0]) // OF_EACH for one in run.examples(name)[0]} for name in ("train", "held_out")
    ]
    assert not patients[0] & patients[1]


def test_class_folders_have_no_column(refused, pictures, tmp_path) -> None:
    line = refused("measure", pictures, "--features", "auto", "--group", "patient", "--out", tmp_path / "run")
    assert "no manifest and no Parquet file, so it has no column 'patient'; leave out --group" in line
