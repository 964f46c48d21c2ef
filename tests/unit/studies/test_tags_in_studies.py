"""Studies of runs of tags: what of classes is said by class is said by tag and whether it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness.data import MARK, read_decisions
from easiness.errors import BadInput
from easiness.runs import data_version, labelled_examples
from easiness.store import Run
from easiness.studies.learning import learning_curve
from easiness.studies.similarity import similarity
from easiness.studies.suspects.evidence import glance
from recording import tagged

NUM = 60
TAGS = ("dog", "car", "owl")
STRATA = [f"{tag}: {state}" for tag in TAGS for state in ("absent", "present")]
WRONG = [(3, "dog"), (4, "car")]


@pytest.fixture(scope="module")
def folder(made_once) -> Path:
    return made_once("pets-with-tags", tagged)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return ez.open_run(folder / "run")


def questions(table: pd.DataFrame) -> list[tuple[int, str]]:
    return [*zip(table["id"].tolist(), table["tag"].tolist(), strict=True)]


def test_scores_are_of_examples_and_tags(run: Run) -> None:
    table = run.scores()
    assert [*table][:4] == ["id", "tag", "label", "class"]
    assert questions(table.head(4)) == [(0, "dog"), (0, "car"), (0, "owl"), (1, "dog")]
    assert len(table) == 3 * NUM - 1
    assert (5, "owl") not in questions(table)
    assert table["class"].tolist() == [("absent", "present")[label] for label in table["label"]]


def test_a_tag_is_read_beside_its_base_rate_and_what_a_guess_has_right(run: Run) -> None:
    scores = ez.scores(run)
    rows = scores.by_tag.set_index("tag")
    assert rows["examples"].to_dict() == {"dog": 60, "car": 60, "owl": 59}
    assert rows["base_rate"].to_dict() == {"dog": 29 / 60, "car": 21 / 60, "owl": 11 / 59}
    assert rows["chance"].to_dict() == pytest.approx({"dog": 31 / 60, "car": 39 / 60, "owl": 48 / 59})
    right, strata = run.votes().correct.mean(axis=0), run.strata()
    assert rows.loc["dog", "present"] == pytest.approx(right[strata == 1].mean())
    assert rows.loc["dog", "right"] == pytest.approx(right[strata <= 1].mean())
    assert run.chance == pytest.approx((31 + 39 + 48) / 179)
    assert "owl (11 of 59)" in scores.notices[-1]
    assert scores.frames()[-1].title == "By tag"


def test_suspects_are_missing_or_too_many(run: Run) -> None:
    found = ez.suspects(run)
    table = found.table()
    assert [*table][:7] == ["id", "tag", "label", "class", "suggested", "suggested_class", "p_wrong"]
    assert questions(table.head(2)) == WRONG[::-1]
    assert table["suggested"].tolist()[:2] == ["missing", "present"]
    assert table["suggested_class"].tolist()[:2] == ["absent", "present"]
    assert table["reason"].iloc[0].startswith("car is too many: all 2 say absent")
    assert table["reason"].iloc[1].startswith("dog is missing: all 2 say present")
    assert (table["p_wrong"].head(2) > 0.85).all()
    assert (table["p_wrong"][2:] < 0.1).all()
    assert table["reason"].iloc[2].partition(":")[0] in TAGS  # nobody says that it is wrong
    assert found.share * len(run.ids) == pytest.approx(2, abs=0.5)
    assert found.model_of_noise == "tags"
    assert found.left_out_kinds == {"kinds": "each example has several tags"}
    assert found.document()["suspects"][0]["tag"] == "car"
    assert found.ranked["id"].iloc[0] == f"4{MARK}car"
    assert glance(run).num_wrong == 2


def test_several_runs_of_tags_judge_together(run: Run, tmp_path: Path) -> None:
    other = tagged(tmp_path / "other", seed=1)
    assert sorted(questions(ez.suspects([run, other]).table().head(2))) == WRONG
    both = ez.scores([run, other])
    assert [*both.table()][:5] == ["id", "tag", "label", "class", "difficulty"]
    cells = ez.compare([run, other]).table()
    hard = cells[(cells["side"] == "hard") & ~cells["ceiling"]].iloc[0]
    assert hard["all_trials_class_chance"] > hard["all_trials_chance"]  # by tag and state
    changes = ez.diff(run, other)
    assert sorted(changes.by_class()["class"]) == sorted(STRATA)
    assert [*changes.table()][:4] == ["id", "tag", "label", "class"]
    assert (changes.table()["old_id"] == changes.table()["id"]).all()


def test_an_audit_goes_through_a_file_and_back(run: Run, tmp_path: Path) -> None:
    table = ez.audit(run, looks=len(run.ids)).table()
    assert [*table][:5] == ["id", "tag", "label", "class", "was"]
    assert {*table["suggested"]} <= {"present", "missing"}
    wrong = np.array([one in WRONG for one in questions(table)])
    labels = np.where(wrong, 1 - table["label"], table["label"])
    table = table.assign(label=labels, action=np.where(wrong, "relabel", "keep"), by="ann")
    table.drop(columns="class").to_csv(tmp_path / "audit.csv", index=False)
    found = ez.audit(run, decided=tmp_path / "audit.csv")
    assert (found.whole["wrong"], found.whole["low"], found.whole["high"]) == (2, 2, 2)
    stated = ez.audit(run, decided=tmp_path / "audit.csv", certificate=True)
    assert (stated.document()["at_most"], stated.document()["left"]["at_most"]) == (2, 0)
    decided = ez.suspects(run, decided=tmp_path / "audit.csv").document()["decisions"]
    assert sorted(questions(pd.DataFrame(decided["examples"]).head(2))) == WRONG
    merged = ez.labels(run, tmp_path / "audit.csv").table()
    assert sorted(questions(merged[merged["action"] == "relabel"])) == WRONG
    assert {*merged["suggested"]} <= {"present", "missing"}
    table[wrong][["id", "tag", "label", "was", "action", "by"]].to_csv(tmp_path / "known.csv", index=False)
    known = ez.audit(run, looks=1, known=tmp_path / "known.csv").table()
    assert sorted(questions(known.tail(2))) == WRONG


def test_labels_by_rule_flip_tags_and_are_measured(run: Run, folder: Path, tmp_path: Path, command) -> None:
    file, out = tmp_path / "labels.csv", tmp_path / "again"
    above = ["--relabel-above", "0.92", "--drop-above", "0.5"]
    assert command("labels", run.path, *above, "-o", file).code == 0
    table = pd.read_csv(file)
    assert [*table] == ["id", "tag", "label", "class", "was", "action"]
    assert questions(table[table["action"] == "relabel"]) == WRONG[1:]
    assert questions(table[table["action"] == "drop"]) == WRONG[:1]
    rows = ez.labels(run, relabel_above=0.92, drop_above=0.5).by_class().set_index("class")
    assert rows.index.tolist() == STRATA
    assert rows.loc["car: present", "to_others"] == rows.loc["car: absent", "from_others"] == 1
    assert rows.loc["dog: absent", "dropped"] == 1
    words = ["--tags", "--label", "dog,car,owl", "--labels", file, "--features", "inputs", "--trials", "5"]
    assert command("measure", folder / "pets.csv", *words, "--out", out).code == 0
    after = ez.open_run(out).scores().set_index(["id", "tag"])["label"]
    assert after[WRONG[1]] == 0
    assert [*run.scores().set_index(["id", "tag"]).index.difference(after.index)] == WRONG[:1]


def test_a_tag_that_a_rule_would_lose_stays(run: Run) -> None:
    result = ez.labels(run, relabel_above=1, drop_above=0)
    assert not result.is_dropped.any()
    assert result.notices[0].startswith("no example would be left of dog: absent, dog: present,")


@pytest.mark.parametrize(("cell", "label"), [("present", 1), ("missing", 0), ("1.0", 1), ("absent", 0)])
def test_labels_of_tags_are_read_by_number_and_by_name(run: Run, tmp_path: Path, cell, label) -> None:
    (tmp_path / "a.csv").write_text(f"id,tag,label,by\n7.0, dog,{cell},ann\n")
    read = read_decisions(tmp_path / "a.csv", labelled_examples(run, "train"), "train", data_version(run))
    assert [str(run.ids[at]) for at in read.at] == ([f"7{MARK}dog"] if label == 0 else [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,label\n7,1\n", "no column tag, and"),
        ("id,tag,label\n7,dgo,1\n", "the tag 'dgo' is none of the data (did you mean dog?)"),
        ("id,tag,label\n5,owl,1\n", "has no training example with the id '5' and a value of the tag 'owl'"),
        ("id,tag,label\n7,dog,1\n7,dog,0\n", "the id '7#dog' stands there twice"),
        ("id,tag,label\n7,dog,2\n", "give the name of a class, or its index from 0 to 1"),
    ],
)
def test_what_a_file_of_tags_lacks_is_said(run: Run, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInput) as error:
        ez.suspects(run, decided=tmp_path / "a.csv", pictures=False)
    assert words in str(error.value)


def test_questions_are_left_out(run: Run, tmp_path: Path, command) -> None:
    part = ez.keep(run, drop=0.3, policy="hard", balanced=True)
    assert part.by_class()["class"].tolist() == STRATA
    assert [*part.table()] == ["id", "tag", "label", "class"]
    assert command("suspects", run.path, "-o", tmp_path / "s.csv").code == 0
    listed = pd.read_csv(tmp_path / "s.csv")
    rest = ez.keep(run, ids=tmp_path / "s.csv")
    assert {*questions(rest.table())}.isdisjoint(questions(listed))


@pytest.mark.parametrize(
    "words",
    [
        ("keep", "RUN"),
        ("keep", "RUN", "--steps", "5"),
        ("next", "RUN", "--pool", "FILE"),
        ("labels", "RUN", "--annotations", "FILE"),
        ("explain", "RUN", "--features", "inputs"),
        ("paper", "perturb", "RUN", "--kind", "color"),
        ("paper", "validate", "FILE", "--tags", "--model", "mlp_2_w16", "--trials", "2", "--epochs", "1"),
    ],
)
def test_what_is_of_one_class_each_is_refused(folder: Path, tmp_path: Path, refused, words) -> None:
    places = {"RUN": folder / "run", "FILE": folder / "pets.csv"}
    own = ("--out", tmp_path / "out") if "validate" in words else ()
    error = refused(*(places.get(one, one) for one in words), *own)
    assert "has several tags an example" in error
    assert f"`{' '.join(words[: 2 if words[0] == 'paper' else 1])}" in error


def test_slices_are_of_questions(run: Run) -> None:
    rows = pd.DataFrame({"id": np.arange(NUM), "half": np.arange(NUM) % 2, "at": np.arange(NUM) % 31})
    found = ez.explain(run, metadata=rows)
    assert found.frames()[0].title == "What goes along with hardness of 179 questions"
    examples = found.table().set_index(["column", "value"])["examples"]
    assert (examples["half", "1"], examples["at", "slope"]) == (30, NUM)  # also those in the middle


def test_functions_of_classes_refuse_runs_of_tags(run: Run) -> None:
    for function in (learning_curve, similarity):
        with pytest.raises(BadInput, match="is of one class each"):
            function(run)
