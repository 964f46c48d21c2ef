from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.store import Run, open_run
from easiness.studies.labels import clean, rule
from easiness.studies.suspects import SuspectOptions
from lengths import long_but
from recording import recorded


@pytest.fixture
def suspecting(monkeypatch: pytest.MonkeyPatch):
    """``suspecting({id: (suggested, p_wrong)})``: what the study of suspects says, most suspicious first."""

    def say(suspects: dict[object, tuple[int, float]], low: float = 0.01) -> None:
        def found(asked: SuspectOptions) -> SimpleNamespace:
            assert not asked.pictures
            assert asked.decided is None
            (run,) = asked.run
            none = (-1, 0.0)
            suggested, p_wrong = zip(*(suspects.get(one, none) for one in run.ids.tolist()), strict=True)
            columns = {"id": run.ids, "label": run.labels, "suggested": suggested, "p_wrong": p_wrong}
            table = pd.DataFrame(columns).assign(suggested_share=1.0)
            ranked = table.iloc[np.argsort(-table["p_wrong"], kind="stable")]
            return SimpleNamespace(low=low, ranked=ranked, decided=None)

        monkeypatch.setattr(rule, "suspects", found)

    return say


def other(label: int) -> int:
    return (label + 1) % 10


@pytest.fixture
def first_two(measured: Path, suspecting) -> Run:
    """Of the run the first example is to be relabelled, the second to be dropped."""
    run = open_run(measured)
    suspecting({run.ids[0]: (other(run.labels[0]), 0.99), run.ids[1]: (other(run.labels[1]), 0.6)})
    return run


def test_the_table_is_in_the_order_of_the_run(first_two: Run):
    table = ez.labels(first_two).table()
    assert table["id"].tolist() == first_two.ids.tolist()
    assert table["id"].dtype == np.int64
    assert table["was"].tolist() == first_two.labels.tolist()
    assert table["action"].tolist() == ["relabel", "drop", *["keep"] * 98]
    assert table["label"].tolist() == [other(first_two.labels[0]), *first_two.labels[1:]]
    assert ez.labels(first_two, relabel_above=1, drop_above=1).headline == "relabels 0 and drops 0 of 100"


def test_where_no_wrong_label_fits_as_well_only_the_surest_are_dropped(measured: Path, suspecting):
    run = open_run(measured)
    for low, dropped in ((0.01, 2), (0.0, 1)):
        suspecting({run.ids[0]: (-1, 0.95), run.ids[1]: (-1, 0.6)}, low)
        assert ez.labels(run).is_dropped.sum() == dropped
        assert ez.labels(run, drop_above=0.5).is_dropped.sum() == 2


def test_decisions_of_a_second_round_go_over_the_source(describe_anew, tmp_path: Path):
    """The second file says what the first run's labels were; what is written says what the source's are."""
    first, second, again = (tmp_path / f"{name}.csv" for name in ("first", "second", "again"))
    source = load_dataset("digits", limit=100)
    rows = {"id": source.ids[:2], "label": [other(source.labels[0]), source.labels[1]], "by": "ann"}
    pd.DataFrame(rows | {"action": ["relabel", "keep"]}).to_csv(first, index=False)
    size = dict[str, Any](model="mlp_2_w8", trials=2, epochs=1, precision="float32")
    run = ez.measure(load_dataset("digits", limit=100, labels=first), out=tmp_path / "run", **size)
    rows = {"id": run.ids[[5, 6]], "label": [other(run.labels[5]), run.labels[6]], "was": run.labels[[5, 6]]}
    pd.DataFrame(rows | {"by": "bob", "action": ["relabel", "drop"]}).to_csv(second, index=False)
    table = ez.labels(run, decided=second, only_decided=True).table()
    assert table["was"].tolist() == source.labels.tolist()
    assert table["action"].tolist() == (["relabel", *["keep"] * 4, "relabel", "drop", *["keep"] * 93])
    # where the source is not found again, was is empty, and checks nothing
    shutil.copytree(run.path, tmp_path / "moved")
    describe_anew(tmp_path / "moved", lambda document: document["spec"]["data"].update(source=None))
    lost = ez.labels(open_run(tmp_path / "moved"), decided=second, only_decided=True).table()
    assert lost["was"].isna().all()
    for written in (table, lost):
        written.to_csv(again, index=False)
        data = load_dataset("digits", limit=100, labels=again)
        assert len(data) == 99
        assert data.labels[[0, 5]].tolist() == [other(source.labels[0]), other(source.labels[5])]


def test_labels_of_a_file_are_those_before(command, suspecting, tmp_path: Path, monkeypatch):
    """What cleaning again is worth is seen beside the file of the run, also where it is written over."""
    monkeypatch.chdir(tmp_path)
    data = load_dataset("digits", limit=100, holdout=0.2)
    pd.DataFrame({"id": data.ids[1:], "label": data.labels[1:]}).to_csv("labels.csv", index=False)
    size = ["--model", "mlp_2_w8", "--limit", 100, "--holdout", 0.2, "--epochs", 1, "--precision", "float32"]
    measured = command("measure", "digits", "--labels", "labels.csv", *size, "--trials", 1, "--out", "run")
    assert measured.code == 0, measured.err
    run = open_run(tmp_path / "run")
    suspecting({run.ids[0]: (other(run.labels[0]), 0.99)})
    given = "--limit 100 --holdout 0.2 --model mlp_2_w8 --epochs 1 --recipe run --out DIR\n"
    err = command("labels", "run", "-o", "again.csv").err
    assert err.endswith(
        f"then easiness verify digits --labels again.csv --before {tmp_path / 'labels.csv'} {given}"
    )
    err = command("labels", "run", "-o", "labels.csv").err
    assert err.endswith(f"then easiness verify digits --labels labels.csv --before 'labels.csv~' {given}")


SMALL = ["--limit", "100", "--holdout", "0.2"]
OF_STEPS = ["--model", "mlp_2_w8", "--trials", "2", "--epochs", "3", "--precision", "float32"]


@pytest.mark.parametrize(
    "options",
    long_but(
        [
            [*OF_STEPS, "--recipe", "mine.toml"],
            [*OF_STEPS, "--recipe", "paper", "--batch-size", "16"],
            ["--features", "inputs.npz", "--shares", "0.3,0.75", "--trials", "4"],
            ["--features", "inputs.npz", "--model", "linear", "--trials", "5", "--epochs", "2"],
        ],
        [[*OF_STEPS, "--recipe", "mine.toml"]],
    ),
)
def test_what_is_printed_verifies_by_what_the_run_was_trained_with(
    command, suspecting, tmp_path: Path, monkeypatch, options: list[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text("base = 'short'\nalpha = 0.002\nw_norm = 0.01\n")
    data = load_dataset("digits", limit=100, holdout=0.2)
    assert data.held_out is not None
    ids = np.concatenate([data.ids, data.held_out.ids])
    x = np.concatenate([one.array.reshape(len(one), -1) for one in (data, data.held_out)])
    np.savez("inputs.npz", x=x.astype(np.float32), ids=ids)
    assert command("measure", "digits", *SMALL, *options, "--out", "my run").code == 0
    run = open_run("my run")
    suspecting({run.ids[0]: (other(run.labels[0]), 0.99), run.ids[1]: (other(run.labels[1]), 0.6)})
    said = command("labels", "my run", "-o", "labels.csv").err.splitlines()[-1]
    words = shlex.split(said.split("then ")[1].replace("DIR", "'verified labels'"))
    finished = command(*words[1:], *(OF_STEPS[-4:] if "--features" not in options else []))
    assert finished.code == 0, (said, finished.err)
    assert "relabelling 1 and dropping 1 of 100 " in finished.out
    before, after = (open_run(f"verified labels/{name}").spec for name in ("before", "after"))
    asked = {"model", "epochs", "recipe", "heads"}
    assert before.model_dump(include=asked) == run.spec.model_dump(include=asked)
    assert before.data.identity() == run.spec.data.identity()
    same = asked - {"heads"}  # whose vectors are those of the examples that are left
    assert after.model_dump(include=same) == before.model_dump(include=same)
    if before.heads is not None:
        assert f"examples at share {before.heads.shares[-1]:g}" in finished.out
        assert len(open_run("verified labels/before").trials) == before.trials


def test_of_a_loop_of_ones_own_the_network_is_to_be_named(command, suspecting, tmp_path: Path):
    labels = [0, 1, 0, 1]
    recorded(tmp_path / "mine", [[np.eye(2)[labels]] * 3], labels, ids=[1, 2, 3, 4], classes=["no", "yes"])
    suspecting({1: (1, 0.99)})
    said = command("labels", tmp_path / "mine", "-o", tmp_path / "labels.csv").err
    words = f"verify SOURCE --labels {tmp_path / 'labels.csv'} --model MODEL --epochs 3 --out DIR\n"
    assert said.endswith(f"then easiness {words}")


def test_what_only_python_has_is_verified_there(command, suspecting, tmp_path: Path):
    data = load_dataset("digits", limit=100, holdout=0.2)
    assert data.held_out is not None
    vectors = np.concatenate([one.array.reshape(len(one), -1) for one in (data, data.held_out)])
    run = ez.measure(data, features=vectors, trials=5, out=tmp_path / "run")
    suspecting({run.ids[0]: (other(run.labels[0]), 0.99)})
    said = command("labels", run.path, "-o", tmp_path / "labels.csv").err
    assert said.endswith("use it by --labels; to verify it, give easiness.verify what the run was given\n")


CLASSES = ("cat", "dog", "owl")


def ranked(**columns):
    """Six examples, two of each class; where nothing else is said, nothing is suspect."""
    table = pd.DataFrame({"id": range(6), "label": [0, 0, 1, 1, 2, 2], "suggested": [1, 1, 2, 2, 0, 0]})
    return table.assign(**{"p_wrong": 0.0, "suggested_share": 1.0, **columns})


def test_relabel_where_the_suggestion_is_right_drop_where_the_label_is_wrong_keep_the_rest():
    found = clean(
        ranked(p_wrong=[0.95, 0.1, 0.95, 0.5, 0.49, 0.9], suggested_share=[0.96, 1, 0.9, 1, 1, 1]), CLASSES
    )
    table = found.table()
    assert list(table) == ["id", "label", "class", "was", "action"]
    # 0.95 * 0.9 does not reach 0.9, 0.9 * 1 does
    assert table["action"].tolist() == ["relabel", "keep", "drop", "drop", "keep", "relabel"]
    assert table["label"].tolist() == [1, 0, 1, 1, 2, 0]
    assert table["class"].tolist() == ["dog", "cat", "dog", "dog", "owl", "cat"]
    assert table["was"].tolist() == [0, 0, 1, 1, 2, 2]
    assert found.headline == "relabels 2 and drops 2 of 6"
    assert found.by_class().to_dict("list") == {
        "class": list(CLASSES),
        "examples": [2, 2, 2],
        "to_others": [1, 0, 1],
        "from_others": [1, 1, 0],
        "dropped": [0, 2, 0],
        "left": [2, 1, 1],
    }


def test_without_a_suggestion_or_a_number():
    suspect = ranked(p_wrong=[0.95, 0, np.nan, 0.95, 0.95, 0], suggested=[np.nan, 0, 2, 2, 2, 0])
    suspect["suggested_share"] = [1, 1, 1, np.nan, 1, 1]
    assert clean(suspect, CLASSES).table()["action"].tolist() == [
        *("drop", "keep", "keep", "drop", "drop", "keep")
    ]


def test_a_class_that_would_be_left_empty():
    with pytest.raises(
        BadInput, match="class 'cat' would be left: of 2, 1 would be relabelled and 1 dropped"
    ):
        clean(ranked(p_wrong=[1, 0.6, 0, 0, 0, 0]), CLASSES)
    # another's suggestion can keep it filled, and a class that had none is not missed
    filled = clean(ranked(p_wrong=[1, 0.6, 0, 0, 0.95, 0]), (*CLASSES, "yak"))
    assert filled.headline == "relabels 2 and drops 1 of 6"


def test_the_share_keeps_pictures_with_several_readings_from_being_relabelled():
    """The simulation that the rule's docstring quotes: of the suggestions taken, how many are right."""
    num, num_classes, trials, rng = 50_000, 10, 10, np.random.default_rng(0)
    rows, true = np.arange(num), rng.integers(num_classes, size=num)
    p = np.full((num, num_classes), 0.05 / 9)
    p[rows, true] = 0.95
    # three in ten pictures are read as one of three classes, which one is drawn from the same shares
    several = rng.random(num) < 0.3
    readings = np.full((num, num_classes), 0.005)
    others = (true[:, None] + rng.integers(1, num_classes, (num, 2))) % num_classes
    for share, label in zip(rng.dirichlet(np.ones(3), num).T, [true, *others.T], strict=True):
        readings[rows, label] += share
    readings /= readings.sum(axis=1, keepdims=True)
    p[several] = readings[several]
    drawn = (readings.cumsum(axis=1) > rng.random((num, 1))).argmax(axis=1)
    true = np.where(several, drawn, true)
    wrong = rng.random(num) < 0.2
    labels = np.where(wrong, (true + rng.integers(1, num_classes, num)) % num_classes, true)
    votes = rng.multinomial(trials, p)
    own = votes[rows, labels]
    votes[rows, labels] = -1
    p_wrong = (np.bincount(own, wrong) / np.bincount(own))[own]  # calibrated
    table = pd.DataFrame({"id": rows, "label": labels, "suggested": votes.argmax(axis=1), "p_wrong": p_wrong})

    def share_right(suggested_share):
        found = clean(table.assign(suggested_share=suggested_share), tuple("abcdefghij"))
        return (found.labels == true)[found.is_relabelled].mean()

    assert share_right(1.0) == pytest.approx(0.81, abs=0.015)
    assert share_right(votes.max(axis=1) / trials) == pytest.approx(0.98, abs=0.015)
