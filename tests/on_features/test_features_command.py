"""Heads on features through the command: the same record however it is made, and gone on with."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from easiness import Run, compare, load_dataset, measure, open_run, suspects
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
    assert run.row_text(2) == "share 0.8"
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
    line = refused(*heads(lone, *options))
    assert "cannot be continued with other settings" in line
    assert difference in line.split("settings: ")[1]


def test_a_training_is_no_run_on_features(refused, lone) -> None:
    line = refused("measure", "digits", "--limit", LIMIT, "--model", "mlp_3", "--epochs", 1, "--out", lone)
    assert "settings: " in line


def test_several_features_are_combined(command, heads, tmp_path, vectors) -> None:
    path = tmp_path / "run"
    assert command(*heads(path, "--features", vectors / "1.npy")).code == 0
    run = open_run(path)
    assert len(heads_of(run).features) == 2
    weights = run.trials[0].weights()
    named = {name.split(".")[-2] for name in weights if name.startswith("share")}
    assert named == {"features_0", "features_1"}


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
    votes = [open_run(tmp_path / f"{at}").votes().correct for at in range(3)]
    np.testing.assert_array_equal(votes[0], votes[1])
    np.testing.assert_array_equal(votes[0], votes[2])


def test_nothing_is_kept_of_weights_unless_wanted(command, heads, tmp_path) -> None:
    path = tmp_path / "run"
    assert command(*heads(path, "--no-weights")).code == 0
    assert not list(path.rglob("weights*"))
    assert len(open_run(path).scores()) == LIMIT


@pytest.mark.long
@pytest.mark.parametrize("model", ["linear", "mlp_2"])
def test_heads_by_steps(command, heads, tmp_path, contents, model) -> None:
    options = ["--model", model, "--epochs", 2, "--shares", "0.5", "--trials", 2]
    assert command(*heads(tmp_path / "one", *options)).code == 0
    assert command(*heads(tmp_path / "two", *options, "--jobs", 2, "--executor", "processes")).code == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert open_run(tmp_path / "one").model == model


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


def test_labels_from_a_file(command, tmp_path, vectors) -> None:
    data = load_dataset("digits", limit=LIMIT)
    labels = data.labels.copy()
    labels[:3] = (labels[:3] + 1) % 10
    rows = [f"{one},{label}" for one, label in zip(data.ids, labels, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows]) + "\n")
    path = tmp_path / "run"
    arguments = ["measure", "digits", "--limit", LIMIT, "--features", vectors / "0.npy", "--trials", 5]
    assert command(*arguments, "--labels", tmp_path / "labels.csv", "--out", path).code == 0
    np.testing.assert_array_equal(open_run(path).labels, labels)


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


def test_several_arrays_in_python_have_names_of_their_own(tmp_path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = (rng.standard_normal((60, 8)) + y[:, None]).astype(np.float32)
    given = [x[:, :5], x[:, 3:], lambda vectors: np.stack(vectors)[:, :2], lambda vectors: np.stack(vectors)]
    for _ in range(2):  # the second finds it whole
        run = measure((x, y), features=given, trials=5, out=tmp_path / "run")
        names = [one.name for one in heads_of(run).features]
        assert names[:2] == ["array", "array 2"]
        assert names[3] == f"{names[2]} 2"
    assert (run.scores()["easiness"] >= 0).all()


def test_one_head_at_the_largest_share_is_no_group(tmp_path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = (rng.standard_normal((60, 4)) + y[:, None]).astype(np.float32)
    run = measure((x, y), features=x, trials=5, out=tmp_path / "run")
    assert compare([run]).reliability[0].drift == {"easy": {}, "hard": {}}


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


def test_fewer_groups_suffice_for_smaller_shares(command, refused, arguments, tmp_path) -> None:
    told = refused(*arguments, "--group", "room")
    assert "--group: 3 different values, and share 0.8 rotates over 5 folds" in told
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
    assert re.search("no table, so .*group", line)


RNG = np.random.default_rng(0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """40 vectors of two classes, with ids."""
    y = np.arange(40) % 2
    np.savez(tmp_path / "data.npz", x=RNG.standard_normal((40, 6)).astype(np.float32), y=y)
    return tmp_path / "data.npz"


@pytest.fixture
def refusal(refused: Callable[..., str], source: Path, tmp_path: Path) -> Callable[..., str]:
    def call(*options: object, data: object = None) -> str:
        line = refused("measure", source if data is None else data, *options, "--out", tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return line

    return call


def test_the_same_features_twice(refusal, tmp_path) -> None:
    values = RNG.standard_normal((40, 3))
    np.save(tmp_path / "v.npy", values)
    np.savez(tmp_path / "w.npz", x=values)
    for other in ("v.npy", "w.npz"):
        given = [option for name in ("v.npy", other) for option in ("--features", tmp_path / name)]
        assert "are the same as" in refusal(*given, "--trials", 5)


def test_features_that_are_not_there(refusal) -> None:
    assert "features 'nonsense': not known" in refusal("--features", "nonsense", "--trials", 5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "3 examples of 3 classes; features need twice as many"),
        ([0] * 9 + [1], "class '1' has one example"),
    ],
)
def test_too_few_examples(refusal, tmp_path, labels, message) -> None:
    np.savez(tmp_path / "few.npz", x=RNG.standard_normal((len(labels), 3)).astype(np.float32), y=labels)
    assert message in refusal("--features", "inputs", "--trials", 5, data=tmp_path / "few.npz")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        *((given, "give numbers between 0 and 1") for given in ("0", "0.5,1")),
        *((given, "have to ascend") for given in ("0.8,0.2", "0.5,0.5")),
        *((given, "shares") for given in ("nan", "a", "")),
        ("0.999", "leaves out less than a hundredth"),
        ("0.003", "leaves out less than a hundredth, or no simple part"),
        ("0.01,0.8", "0 of 40 examples are fewer than the 2 classes; give a larger one"),
        ("0.98", "rotates over 50 folds, and data has 40 examples"),
    ],
)
def test_shares_that_make_no_sense(refusal, shares, message) -> None:
    assert message in refusal("--features", "inputs", "--trials", 5, "--shares", shares)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--train-share", 0.5), ("--pretrained", None), ("--observe", "last"), ("--image-size", 64)),
        *(("--recipe", "paper"), ("--epochs", 3), ("--batch-size", 8), ("--precision", "bfloat16")),
        *(("--trials", "auto"), ("--trials", 7), ("--trials", 0), ("--group", "patient")),
        *(("--model", "resnet18"), ("--model", "nonsense")),
    ],
)
def test_options_that_mean_nothing_here(refusal, option, value) -> None:
    given = [option] if value is None else [option, value]
    line = refusal("--features", "inputs", "--trials", 5, *given)
    assert option.lstrip("-").split("-")[0] in line


@pytest.mark.parametrize("options", [["--shares", "0.5"], ["--group", "patient"]])
def test_options_that_need_features(refusal, options) -> None:
    line = refusal("--model", "mlp_2", "--trials", 5, *options)
    assert re.search(rf"{options[0]}: goes with --features; give some, or leave it out", line)


@pytest.mark.parametrize("options", [["--precision", "bfloat16"], ["--compile", "on"]])
def test_heads_by_steps_take_no_settings_of_networks(refusal, options) -> None:
    line = refusal("--features", "inputs", "--model", "linear", "--epochs", 1, "--trials", 5, *options)
    assert line.startswith(f"easiness: error: {' '.join(options)}: ")


def test_a_closed_form_of_pictures_needs_features(refusal) -> None:
    line = refusal("--model", "ridge", "--trials", 5, data="digits")
    assert "fits heads on features; name some with --features, such as auto" in line
