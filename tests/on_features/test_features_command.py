"""Heads on features through the command: the same record however it is made, and gone on with."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from easiness import Run, load_dataset, measure, open_run, suspects
from easiness.spec import Heads

LIMIT = 120


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of vectors of the first 120 digits of every run here: two projections of their pixels."""
    data = load_dataset("digits", limit=LIMIT)
    pixels = load_digits().data[data.ids]
    folder = tmp_path_factory.mktemp("vectors")
    for at in range(2):
        turn = np.random.default_rng(at).standard_normal((64, 24))
        np.save(folder / f"{at}.npy", (pixels @ turn).astype(np.float32))
    return folder


@pytest.fixture
def heads(vectors: Path) -> Callable[..., list[object]]:
    def arguments(out: Path, *options: object) -> list[object]:
        given = ["measure", "digits", "--limit", LIMIT, "--features", vectors / "0.npy", "--trials", 5]
        return [*given, *options, "--out", out]

    return arguments


@pytest.fixture(scope="module")
def lone(made_once: Any, vectors: Path) -> Path:
    def make(out: Path) -> None:
        data = load_dataset("digits", limit=LIMIT)
        measure(data, features=str(vectors / "0.npy"), trials=10, out=out, executor="serial")

    return made_once("lone-heads", make)


def heads_of(run: Run) -> Heads:
    assert run.spec.heads is not None
    return run.spec.heads


def test_every_example_is_left_out_equally_often(lone: Path) -> None:
    run = open_run(lone)
    assert run.shares == (0.2, 0.8)
    assert run.row(2).text == "share 0.8"
    seen = np.stack([trial.observations(10).trained_on for trial in run.trials])
    assert seen.shape == (10, 2, LIMIT)
    np.testing.assert_array_equal((~seen[:, 1]).sum(axis=0), 2)
    assert (seen[:, 0] <= seen[:, 1]).all()
    table = run.scores()
    assert (table["easiness"].dropna().between(0, 2)).all()


@pytest.mark.long
@pytest.mark.usefixtures("quiet_ray")
@pytest.mark.parametrize("options", [[2, "--executor", "processes"], [1], [2, "--executor", "ray"]], ids=str)
def test_the_record_is_the_same_wherever_it_is_made(
    command, heads, tmp_path, contents, lone, options
) -> None:
    path = tmp_path / "run"
    assert command(*heads(path, "--trials", 10, "--jobs", *options)).code == 0
    assert contents(path) == contents(lone)


def test_a_run_grows(command, heads, tmp_path, contents, lone) -> None:
    path = tmp_path / "run"
    assert command(*heads(path)).code == 0
    first = {trial.index: trial.path for trial in open_run(path).trials}
    assert len(first) == 5
    assert command(*heads(path, "--trials", 10)).code == 0
    assert contents(path) == contents(lone)


def test_trials_that_are_missing_or_damaged_are_made_again(
    command, refused, heads, tmp_path, contents, lone, trial_folder
) -> None:
    """The same, whether the trial before it in this process was of the same partition or not."""
    path = tmp_path / "run"
    shutil.copytree(lone, path)
    for index in (8, 1, 5):
        shutil.rmtree(trial_folder(path, index))
    for index, name in ((3, "train.parquet"), (4, "trial.json")):
        (trial_folder(path, index) / name).write_bytes(b"gone")
    assert "damaged" in refused(*heads(path, "--trials", 10))
    assert command(*heads(path, "--trials", 10, "--retrain-damaged")).code == 0
    assert contents(path) == contents(lone)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (["--shares", "0.1,0.8"], "shares"),
        (["--seed", 3], "seed"),
        (["--model", "linear", "--epochs", 2], "model"),
        (["--features", "1.npy"], "features"),
    ],
)
def test_other_settings_are_refused(refused, heads, lone, vectors, monkeypatch, options, difference) -> None:
    monkeypatch.chdir(vectors)
    assert difference in refused(*heads(lone, *options)).split("with other settings: ")[1]


def test_features_in_python(tmp_path, vectors) -> None:
    """One array, rows of numbers, or several of any kind."""
    array = np.load(vectors / "0.npy")

    def pixels(digits: list[np.ndarray]) -> np.ndarray:
        return np.stack([one.ravel() for one in digits])

    several = [pixels, array], (pixels, str(vectors / "1.npy"))
    data = load_dataset("digits", limit=LIMIT)
    for at, given in enumerate([array, array.tolist(), list(array), [array], pixels, *several]):
        run = measure(data, features=given, shares=[0.5], trials=2, out=tmp_path / f"{at}")
        assert len(heads_of(run).features) == (2 if at > 4 else 1)
    named = {name.split(".")[-2] for name in run.trials[0].weights() if name.startswith("share")}
    assert named == {"features_0", "features_1"}
    votes = [open_run(tmp_path / f"{at}").votes().correct for at in range(3)]
    np.testing.assert_array_equal(votes[0], votes[1])
    np.testing.assert_array_equal(votes[0], votes[2])


def test_held_out_examples_are_asked_about_too(command, tmp_path) -> None:
    pixels = load_digits().data
    data = load_dataset("digits", holdout=0.2)
    assert data.held_out is not None
    np.save(tmp_path / "v.npy", pixels[np.concatenate([data.ids, data.held_out.ids])])
    path = tmp_path / "run"
    arguments = ["measure", "digits", "--holdout", 0.2, "--features", tmp_path / "v.npy", "--trials", 5]
    assert command(*arguments, "--out", path).code == 0
    run = open_run(path)
    held_out = run.trials[0].observations(10, probe="held_out")
    assert not held_out.trained_on.any()
    assert held_out.correct[-1].mean() > 0.85
    assert held_out.logits is not None
    assert held_out.logits.values.shape == (3, len(data.held_out), 10)
    assert len(run.scores(split="held_out")) == len(data.held_out)


def test_a_few_examples(command, tmp_path) -> None:
    """Two classes of two: of five folds one would be empty, so there are two."""
    x = np.array([[0, 0], [1, 0], [10, 1], [11, 1]], np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=np.array([0, 0, 1, 1]))
    path = tmp_path / "run"
    arguments = ["measure", tmp_path / "d.npz", "--features", "inputs", "--out", path]
    assert command(*arguments, "--trials", 4).code == 0
    run = open_run(path)
    assert run.shares == (0.5,)
    seen = np.stack([trial.observations(2).trained_on[-1] for trial in run.trials])
    np.testing.assert_array_equal((~seen).sum(axis=0), 2)
    assert len(run.scores()) == 4


def test_arrays_in_python_and_groups(tmp_path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    x = (rng.standard_normal((120, 12)) + y[:, None]).astype(np.float32)
    patients = np.arange(120) // 4
    measure(load_dataset((x, y), group=patients), features=x, trials=5, out=tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert heads_of(run).groups is not None
    seen = np.stack([trial.observations(3).trained_on for trial in run.trials])
    of_patient = seen.reshape(5, len(run.shares), 30, 4)
    assert (of_patient == of_patient[..., :1]).all()
    named = load_dataset((x, y), group=[f"p{one}" for one in patients])
    measure(named, features=x, trials=5, out=tmp_path / "run")
    alone = measure((x, y), features=x, trials=5, out=tmp_path / "alone")
    assert heads_of(alone).groups is None


CODE = """import numpy as np
def squares(pictures):
    return np.stack([one.ravel() ** 2.0 for one in pictures])
"""


def test_code_that_makes_features_runs_only_for_those_who_trust_the_run(
    command, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("squares_of_mine.py").write_text(CODE)
    options = ("--limit", LIMIT, "--trials", 5)
    made = command("measure", "digits", "--features", "squares_of_mine:squares", *options, "--out", "run")
    assert "easiness suspects run --trust" in made.out
    monkeypatch.delitem(sys.modules, "squares_of_mine", raising=False)
    found = suspects(open_run("run"), progress=False)
    assert "code of the module squares_of_mine" in found.left_out_kinds["unlike its class"]
    assert "squares_of_mine" not in sys.modules
    trusted = suspects(open_run("run", trust=True), progress=False)
    assert "unlike its class" not in trusted.left_out_kinds
    assert "squares_of_mine" in sys.modules


PATIENTS, OF_EACH = 12, 5


@pytest.fixture
def arguments(tmp_path: Path) -> list[object]:
    """60 pictures of two classes, five of each patient, and vectors of them."""
    rng = np.random.default_rng(0)
    rows = ["file,label,patient,room"]
    for at in range(PATIENTS * OF_EACH):
        Image.fromarray(rng.integers(0, 255, (6, 6, 3), np.uint8)).save(tmp_path / f"{at}.png")
        rows.append(f"{at}.png,{'xy'[at % 2]},patient {at // OF_EACH},{at % 3}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    np.save(tmp_path / "v.npy", rng.standard_normal((len(rows) - 1, 8)) + (np.arange(60) % 2)[:, None])
    source = ["measure", tmp_path / "list.csv", "--columns", "path=file", "--features", tmp_path / "v.npy"]
    return [*source, "--trials", 5, "--out", tmp_path / "run"]


def test_patients_are_seen_together_or_not_at_all(command, refused, arguments, tmp_path) -> None:
    assert command(*arguments, "--group", "patient").code == 0
    run = open_run(tmp_path / "run")
    assert run.spec.data.model_dump()["group"] == "patient"
    for trial in run.trials:
        seen = trial.observations(2).trained_on.reshape(len(run.shares), PATIENTS, OF_EACH)
        assert (seen == seen[:, :, :1]).all()
        assert (seen.sum(axis=(1, 2)) <= np.array(run.shares) * 60 + OF_EACH).all()
    assert "settings: groups of examples is" in refused(*arguments)
    held_out = [*arguments[:-1], tmp_path / "held-out", "--group", "patient", "--holdout", 0.25]
    assert command(*held_out).code == 0
    splits = (open_run(tmp_path / "held-out").examples(name)[0] for name in ("train", "held_out"))
    ours, theirs = ({int(one.split(".")[0]) // OF_EACH for one in ids} for ids in splits)
    assert not ours & theirs


def test_fewer_groups_suffice_for_smaller_shares(command, refused, arguments, tmp_path) -> None:
    told = refused(*arguments, "--group", "room")
    assert "--group: 3 different values, and share 0.8 rotates over 5 folds" in told
    options = ["--group", "room", "--shares", "0.5", "--trials", 2]
    assert command(*arguments, *options).code == 0
    rooms = np.arange(60) % 3
    for trial in open_run(tmp_path / "run").trials:
        seen = trial.observations(2).trained_on[0]
        assert all(len(set(seen[rooms == room].tolist())) == 1 for room in range(3))


@pytest.fixture
def refusal(refused: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """What is said of 40 vectors of two classes, or as many as there are ``labels``."""

    def call(*options: object, labels: list[int] | None = None) -> str:
        y = np.arange(40) % 2 if labels is None else np.array(labels)
        x = np.random.default_rng(0).standard_normal((len(y), 6)).astype(np.float32)
        np.savez(tmp_path / "data.npz", x=x, y=y)
        line = refused("measure", tmp_path / "data.npz", "--trials", 5, *options, "--out", tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return line

    return call


def test_the_same_features_twice(refusal, tmp_path) -> None:
    values = np.random.default_rng(0).standard_normal((40, 3))
    np.save(tmp_path / "v.npy", values)
    np.savez(tmp_path / "w.npz", x=values)
    for other in ("v.npy", "w.npz"):
        given = [option for name in ("v.npy", other) for option in ("--features", tmp_path / name)]
        assert "are the same as" in refusal(*given)


def test_too_few_examples(refusal) -> None:
    inputs = ["--features", "inputs"]
    assert "3 examples of 3 classes; features need twice as many" in refusal(*inputs, labels=[0, 1, 2])
    assert "class '1' has one example" in refusal(*inputs, labels=[0] * 9 + [1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *((["--shares", given], "give numbers between 0 and 1") for given in ("0", "0.5,1")),
        *((["--shares", given], "have to ascend") for given in ("0.8,0.2", "0.5,0.5")),
        *((["--shares", given], "shares") for given in ("nan", "a", "")),
        (["--shares", "0.999"], "leaves out less than a hundredth"),
        (["--shares", "0.003"], "leaves out less than a hundredth, or no simple part"),
        (["--shares", "0.01,0.8"], "0 of 40 examples are fewer than the 2 classes; give a larger one"),
        (["--shares", "0.98"], "rotates over 50 folds, and data has 40 examples"),
        *(
            (["--model", "linear", "--epochs", 1, *given], f"error: {' '.join(given)}: ")
            for given in (["--precision", "bfloat16"], ["--compile", "on"])
        ),
        (["--train-share", 0.5], "train"),
        (["--pretrained"], "pretrained"),
        (["--observe", "last"], "observe"),
        (["--image-size", 64], "image"),
        (["--recipe", "paper"], "recipe"),
        (["--epochs", 3], "epochs"),
        (["--batch-size", 8], "batch"),
        (["--precision", "bfloat16"], "precision"),
        *((["--trials", given], "trials") for given in ("auto", 7, 0)),
        (["--group", "patient"], "group"),
        *((["--model", given], "model") for given in ("resnet18", "nonsense")),
    ],
)
def test_options_that_make_no_sense(refusal, options, message) -> None:
    assert message in refusal("--features", "inputs", *options)


def test_features_are_named_and_known(refusal, refused, tmp_path) -> None:
    assert "features 'nonsense': not known" in refusal("--features", "nonsense")
    for options in (["--shares", "0.5"], ["--group", "patient"]):
        assert f"{options[0]}: goes with --features" in refusal("--model", "mlp_2", *options)
    line = refused("measure", "digits", "--model", "ridge", "--trials", 5, "--out", tmp_path / "run")
    assert "fits heads on features; name some with --features, such as auto" in line
