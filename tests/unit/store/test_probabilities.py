"""Runs of probabilities that somebody else has: what they are of, in which forms, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.scoring import SCORES
from easiness.store import record_probabilities

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.5, 0.3, 0.2]])
LABELS = [0, 1, 2, 1]
NAMES = ["cat", "dog", "owl"]
WITH_IDS = pd.DataFrame({"id": range(4), "label": LABELS})


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def frame(p=P, names=NAMES, **more):
    return pd.DataFrame({**more, **dict(zip(names, np.transpose(p), strict=True))})


def test_a_matrix_is_a_trial_that_has_seen_no_example():
    run = ez.record(probabilities=P, labels=LABELS)
    assert run.probabilities(left_out=True) == pytest.approx(P, abs=1e-6)
    assert (run.ids.tolist(), run.labels.tolist(), run.classes) == ([0, 1, 2, 3], LABELS, ("0", "1", "2"))
    scores = run.scores()
    assert scores["self_confidence"].tolist() == pytest.approx([0.7, 0.6, 0.5, 0.3], abs=1e-6)
    assert scores["easiness"].tolist() == [1, 1, 1, 0]
    empty = [one.name for one in SCORES if scores[one.name].isna().all()]
    assert {"forgetting_events", "first_learned_epoch", "iteration_learned", "memorization"} <= {*empty}
    assert any("forgetting_events" in one and "course" in one for one in ez.scores(run).notices)


def test_without_a_folder_it_goes_with_the_process(tmp_path):
    code = "import easiness as ez; print(ez.record(probabilities=[[.8, .2], [.1, .9]], labels=[0, 1]).path)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not (tmp_path / done.stdout.strip()).exists()


def test_equal_matrices_count_once_and_may_come_again(tmp_path, capsys):
    other = P[:, [0, 2, 1]]
    run = record_probabilities([P, P.copy(), other], LABELS, tmp_path / "run")
    assert len(run.trials) == 2
    assert "1 of 3 matrices equal others, and count once" in capsys.readouterr().err
    assert run.probabilities(left_out=True) == pytest.approx((P + other) / 2, abs=1e-6)
    assert len(record_probabilities(np.stack([P, other]), LABELS, tmp_path / "run").trials) == 2
    assert len(record_probabilities(np.full((4, 3), 1 / 3), LABELS, tmp_path / "run").trials) == 3
    by_name = [frame(), frame(P[:, ::-1], NAMES[::-1])]
    assert len(record_probabilities(by_name, LABELS, tmp_path / "by_name").trials) == 1


FORMS = {
    "npy": lambda: np.save("p.npy", P.astype(np.float32)) or "p.npy",
    "npz of one array": lambda: np.savez("p.npz", P) or "p.npz",
    "npz by name": lambda: np.savez("p.npz", x=P[:2], pred_probs=P) or "p.npz",
    "list": lambda: P.tolist(),
    "table": lambda: frame().to_parquet("p.parquet") or "p.parquet",
    "table in another order": lambda: frame(P[::-1], id=[3, 2, 1, 0]).to_csv("p.csv", index=False) or "p.csv",
    "data frame": lambda: frame(label=LABELS),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form, tmp_path):
    WITH_IDS.to_csv("labels.csv", index=False)
    run = record_probabilities(FORMS[form](), "labels.csv", tmp_path / "run")
    assert run.probabilities(left_out=True) == pytest.approx(P, abs=1e-6)


@pytest.mark.parametrize(
    ("p", "labels", "classes"),
    [
        (P, ["a", "b", "c", "b"], ("a", "b", "c")),  # as scikit-learn orders what it predicts
        (P, [1, 2, 10, 2], ("1", "2", "10")),
        (P, np.array([0.0, 1, 2, 1]), ("0", "1", "2")),
        (frame(), ["cat", "dog", "owl", "dog"], tuple(NAMES)),
        (frame(names=["z", "a", "m"]), ["z", "a", "m", "a"], ("z", "a", "m")),
        (frame(), LABELS, tuple(NAMES)),
    ],
)
def test_labels_are_names_or_numbers(p, labels, classes, tmp_path):
    run = record_probabilities(p, labels, tmp_path / "run")
    assert (run.labels.tolist(), run.classes) == (LABELS, classes)


def test_a_class_without_a_label_is_left_out(capsys):
    p = np.array([[0.8, 0.2, 0], [0.2, 0.3, 0.5], [0, 0, 1]])
    run = ez.record(probabilities=p, labels=[0, 1, 1])
    p = run.probabilities(left_out=True)
    assert p == pytest.approx(np.array([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5]]), abs=1e-6)
    assert (run.labels.tolist(), run.classes) == ([0, 1, 1], ("0", "1"))
    assert "classes left out, that no label is, and rows scaled to sum to 1: 2\n" in capsys.readouterr().err


@pytest.mark.parametrize(("labels", "note"), [([1, 2, 10, 2], "0 to 2 are taken for 1, 2, 10"), (LABELS, "")])
def test_labels_that_are_mapped_in_their_order_are_named(labels, note, capsys):
    ez.record(probabilities=P, labels=labels)
    said = capsys.readouterr().err
    assert note in said if note else not said


def changed(at, value):
    p = P.copy()
    p[at] = value
    return p


REFUSALS = {
    "NaN": (lambda: changed((2, 1), np.nan), LABELS, "probabilities: row 2 is 0.25, nan, 0.5"),
    "sum": (lambda: changed((1, 0), 0.4), LABELS, "row 1 is 0.4, 0.6, 0.3, no probabilities"),
    "logits": (lambda: np.log(P), LABELS, "give of logits their softmax"),
    "large logits": (lambda: 9 * P, LABELS, "row 0 is"),
    "rows": (lambda: P[:3], LABELS, "is 3 x 3, for 4 x 3 labels and classes"),
    "classes": (lambda: [P, P[:, :2]], LABELS, "is 4 x 2, for 4 x 3"),
    "one class": (lambda: np.ones((4, 1)), [0] * 4, "two or more of both"),
    "one example": (lambda: P[:1], [0], "two or more of both"),
    "flat": (lambda: P[:, 0], LABELS, "is 4 x 1, for 4 x 1 labels"),
    "label outside": (lambda: P, [0, 1, 2, 7], "labels: row 3: the label '7' is none of the 3 classes"),
    "label empty": (lambda: P, [0.0, 1, 2, np.nan], "labels: row 3: the label 'nan' is none"),
    "unknown name": (lambda: frame(), ["cat", "dog", "owl", "elk"], "'elk' is none of the 3 classes"),
    "words": (lambda: frame(other=["a"] * 4), LABELS, "holds no numbers alone"),
    "no probabilities": (lambda: frame(age=[31, 40, 52, 8]), LABELS, "row 0 is 31, 0.7"),
    "several arrays": (lambda: np.savez("p.npz", a=P, b=P) or "p.npz", LABELS, "p.npz: has the arrays a, b"),
    "no label column": (lambda: P, pd.DataFrame({"y": LABELS}), "labels: no column label"),
    "another id": (lambda: frame(id=[0, 1, 2, 9]), WITH_IDS, "the id 3"),
    "twice": (lambda: frame(id=[0, 1, 2, 2]), WITH_IDS, "or several"),
    "no file": (lambda: "none.npy", LABELS, "none.npy: no array of numbers that can be read"),
    "other classes": (lambda: [frame(), frame(names=["cat", "dog", "elk"])], LABELS, "has other columns"),
    "one name twice": (lambda: pd.DataFrame(P, columns=["a", "b", "a"]), LABELS, "Duplicate column names"),
    "no columns": (lambda: pd.DataFrame({"id": range(4)}), LABELS, "no column of probabilities"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_one_line_and_leave_nothing(name, tmp_path):
    make, labels, says = REFUSALS[name]
    p = make()
    with pytest.raises(BadInput) as refused:
        record_probabilities(p, labels, tmp_path / "run")
    assert says in str(refused.value)
    assert "; " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": None}, "--labels FILE"),
        ({"table": "t.csv"}, "leave out the table"),
        ({"add": True}, "--add: is of outcomes"),
        ({"trials_are": "models"}, "--trials-are: is of outcomes"),
        ({"columns": {"item": "x"}}, "--columns: is of outcomes"),
    ],
)
def test_options_of_outcomes_are_refused(options, says):
    with pytest.raises(BadInput, match=says):
        ez.record(**{"probabilities": P, "labels": LABELS, **options})


def test_the_command(command, tmp_path):
    np.save("p.npy", P)
    pd.DataFrame({"label": [NAMES[one] for one in LABELS]}).to_csv("labels.csv", index=False)
    done = command("record", "--probabilities", "p.npy", "--labels", "labels.csv", "--out", "run")
    assert (done.code, done.out) == (0, "run: 4 examples, 1 trial\n")
    assert ez.open_run(tmp_path / "run").classes == tuple(NAMES)
