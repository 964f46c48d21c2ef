"""Labels from votes of several people: what is said of them and of who errs, and the audit of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import easiness as ez
from easiness import BadInput, Run, show
from easiness.runs import data_version
from recording import page_of, recorded

CLASSES = ("=owl, <b>", "cat", "dog")  # in alphabetical order, as those of votes are
NUM = 60
TRUE = np.arange(NUM) % 3
KEY = np.where(np.arange(NUM) < 3, (TRUE + 1) % 3, TRUE)
PEOPLE = {"ann, a": [4, 9], "=bob": [5, 9], "eve <b>": [6, 7]}
COLUMNS = ["id", "label", "class", "p_label", "majority", "votes"]
OF_KEY = ["p_wrong", "was", "suggested", "suggested_class"]
LAST = ["said", "data", "classes"]


def _votes(wrong: dict[str, list[int]], *more: tuple[int, str, str]) -> pd.DataFrame:
    """Votes of people on all items, who say the next class of those that each has wrong."""
    rows = [
        (i, by, CLASSES[(TRUE[i] + (i in errors)) % 3]) for i in range(NUM) for by, errors in wrong.items()
    ]
    return pd.DataFrame([*rows, *more], columns=["item", "by", "label"])


def _file(result: show.Result, path: Path) -> Path:
    path.write_bytes(show.file_bytes(result, path.suffix))
    return path


def _answered(drawn: pd.DataFrame, true: Any, path: Path) -> Path:
    """An audit in which somebody wrote the true label of each, by id."""
    label = drawn["id"].map(dict(enumerate(true)))
    action = np.where(label == drawn["was"], "keep", "relabel")
    names = np.array(CLASSES, object)[label]
    drawn.assign(label=label, action=action, by="me", **{"class": names}).to_csv(path, index=False)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded(tmp_path / "run", [np.eye(3)[TRUE]] * 2, KEY, classes=CLASSES)


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    _votes(PEOPLE).to_csv(path, index=False)
    return path


def test_each_item_has_its_label_its_majority_and_what_was_said():
    people = _votes(PEOPLE, (98, "ann, a", "cat; dog"), (99, "ann, a", "unsure"))
    people = people[~((people["item"] == 5) & (people["by"] == "eve <b>"))]
    table = ez.labels(annotations=people).table()
    assert list(table) == [*COLUMNS, *LAST, *CLASSES]
    assert table["id"].tolist() == [*range(NUM), 98, 99]
    assert table["majority"].isna().to_numpy().nonzero()[0].tolist() == [5, NUM, NUM + 1]  # ties, and none
    assert table["majority"][:NUM].drop([5, 9]).tolist() == np.delete(TRUE, [5, 9]).tolist()
    assert table["majority"][9] == (TRUE[9] + 1) % 3
    assert table["votes"].tolist() == [3] * 5 + [2] + [3] * (NUM - 6) + [1, 0]
    assert table["said"].tolist()[4] == "ann, a: dog; =bob: cat; eve <b>: cat"
    assert table["said"].tolist()[NUM:] == ["ann, a: cat or dog", "ann, a: unsure"]
    last = table.iloc[-1]
    assert (pd.isna(last["label"]), last["class"], pd.isna(last["p_label"])) == (True, "", True)
    known = table[:NUM]
    assert known["class"].tolist() == np.array(CLASSES, object)[known["label"].astype(int)].tolist()
    assert known["p_label"].between(0, 1).all()
    assert np.allclose(table[[*CLASSES]].sum(axis=1), 1)
    assert json.loads(table["classes"][0]) == list(CLASSES)


def test_a_key_of_more_items_and_classes_says_what_is_wrong(votes: Path, tmp_path: Path):
    key = pd.DataFrame({"item": range(NUM + 1), "label": [CLASSES[one] for one in KEY] + ["bee"]})
    key.drop(index=8).to_csv(tmp_path / "key.csv", index=False)
    result = ez.labels(annotations=votes, labels=tmp_path / "key.csv")
    table = result.table()
    classes = ("=owl, <b>", "bee", "cat", "dog")
    assert list(table) == [*COLUMNS, *OF_KEY, *LAST, *classes]
    assert table["id"].tolist() == [*range(NUM + 1)]
    assert table.loc[8, ["was", "p_wrong"]].isna().all()
    names = np.array(classes, object)
    assert names[table["was"].drop(8).astype(int)].tolist() == key["label"].drop(8).tolist()
    assert table["p_wrong"][:3].min() > 0.9
    assert table["p_wrong"][10:NUM].max() < 0.1
    assert table["suggested_class"][:3].tolist() == [CLASSES[one] for one in TRUE[:3]]
    last = table.iloc[NUM]  # nobody says anything: the label stays, without votes
    assert (last["class"], last["votes"], last["said"]) == ("bee", 0, "")
    assert "those that the data have on 4" in result.headline


def test_items_of_a_run_have_its_labels_and_its_networks_speak_where_nobody_does(
    votes: Path, tmp_path: Path, run: Run
):
    some = pd.read_csv(votes)[lambda rows: rows["item"] < 50]
    result = ez.labels(run, annotations=some)
    table = result.table()
    assert table["id"].tolist() == run.ids.tolist()
    assert table["was"].tolist() == KEY.tolist()
    assert table["data"].unique().tolist() == [data_version(run)]
    assert table["votes"].tolist() == [3] * 50 + [0] * 10
    assert table["label"].tolist()[50:] == KEY[50:].tolist()  # nobody says another
    assert any("out of sample" in one for one in result.notices)
    logits = [8 * np.eye(3)[(TRUE + (np.arange(NUM) >= 55)) % 3]] * 2
    parts = [np.arange(0, NUM, 2), np.arange(1, NUM, 2)]
    out = recorded(tmp_path / "out", logits, KEY, classes=CLASSES, trained_on=parts, keep_logits=True)
    heard = ez.labels(out, annotations=some)
    assert not any("out of sample" in one for one in heard.notices)
    assert heard.table()["label"].tolist()[50:] == [*TRUE[50:55], *(TRUE[55:] + 1) % 3]


def test_who_errs_and_what_for_what():
    errors = {"ann": [], "bob": [], "eve": [*range(0, NUM, 3)], "guest": []}
    rows = _votes(errors)
    rows = rows[(rows["by"] != "guest") | (rows["item"] == 7)]
    result = ez.labels(annotations=pd.concat([rows, pd.DataFrame([(8, "guest", "Unsure")], columns=[*rows])]))
    people = result.people().set_index("by")
    assert people["votes"].to_dict() == {"ann": NUM, "bob": NUM, "eve": NUM, "guest": 1}
    assert people["unsure"].to_dict() == {"ann": 0, "bob": 0, "eve": 0, "guest": 1}
    assert people["accuracy"].idxmin() == "eve"
    assert people["takes"]["eve"].startswith("cat for =owl, <b> ")
    assert people["takes"]["ann"] == ""
    assert ((people["low"] <= people["accuracy"]) & (people["accuracy"] <= people["high"])).all()
    document = json.loads(show.file_bytes(result, ".json"))
    assert (document["num_items"], document["num_people"], document["num_votes"]) == (NUM, 4, 3 * NUM + 1)
    assert [document[one] for one in ("share", "low", "high")] == [None] * 3
    assert "nobody has looked" in document["doubt"]
    assert document["people"][2]["by"] == "eve"
    assert len(document["items"]) == NUM


def test_agreement_is_that_of_scikit_learn_beside_chance(votes: Path):
    rows = pd.read_csv(votes)
    rows = rows[(rows["by"] != "eve <b>") | (rows["item"] < 20)]
    between = ez.labels(annotations=rows).agreement()
    wide = rows.pivot(index="item", columns="by", values="label")
    assert between["num"].tolist() == [NUM, 20, 20]
    assert between["people"][0] == ("ann, a", "=bob")
    for row in between.to_dict("records"):
        both = wide[[*row["people"]]].dropna()
        assert row["kappa"] == pytest.approx(cohen_kappa_score(both.iloc[:, 0], both.iloc[:, 1]))
        assert row["agreed"] == pytest.approx((both.iloc[:, 0] == both.iloc[:, 1]).mean())
        assert row["kappa"] == pytest.approx((row["agreed"] - row["chance"]) / (1 - row["chance"]))
        assert row["kappa_low"] < row["kappa"] < row["kappa_high"]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ({"ann": [3]}, "one person alone"),
        ({"ann": [], "bob": []}, "all agree"),
        ({"ann": [3], "bob": []}, None),
    ],
)
def test_what_votes_cannot_tell_is_said(people: dict[str, list[int]], expected: str | None):
    notices = ez.labels(annotations=_votes(people)).notices
    assert [one for one in notices if expected and expected in one] or (expected is None and not notices)
    apart = _votes({"ann": []})
    apart["by"] = np.where(apart["item"] < 9, "ann", "bob")
    assert any("no two people share an item" in one for one in ez.labels(annotations=apart).notices)


def test_items_that_divide_people_are_no_mistakes():
    sure = {f"p{one}": [0] if one < 5 else [] for one in range(14)}  # five of fourteen say another class of 0
    hard = ez.labels(annotations=_votes(sure)).hard()
    assert hard["id"].tolist() == [0]
    assert hard["people"].iloc[0].startswith("=owl, <b> 6")


def test_a_class_that_is_called_like_a_column_has_an_underscore_behind(tmp_path: Path):
    rows = pd.DataFrame({"item": [1, 2, 3], "by": "ann", "label": ["label", "label_", "votes"]})
    result = ez.labels(annotations=rows)
    assert list(result.table())[-3:] == ["label__", "label_", "votes_"]
    read = pd.read_parquet(_file(result, tmp_path / "consensus.parquet"))
    assert list(read) == list(result.table())
    assert list(pd.read_csv(_file(result, tmp_path / "c.csv"))) == [*COLUMNS, *LAST]


def test_an_audit_of_a_run_s_consensus_is_one_of_the_run(votes: Path, run: Run, tmp_path: Path):
    file = _file(ez.labels(run, annotations=votes), tmp_path / "consensus.csv")
    drawn = ez.audit(file, looks=30).table()
    assert drawn["data"].unique().tolist() == [data_version(run)]
    assert drawn["was"].tolist() == KEY[drawn["id"]].tolist()
    assert {"suggested", "suggested_class", "p_wrong", "said"} < {*drawn}
    assert not {"said", "p_wrong"} & {*ez.audit(file, looks=30, blind=True).table()}
    answers = _answered(drawn, TRUE, tmp_path / "audit.csv")
    seen = int((KEY != TRUE)[drawn["id"]].sum())
    for where in (file, run):
        assert ez.audit(where, decided=answers).document()["wrong_seen"] == seen
    assert "said" in page_of([run], decide=answers)
    after = ez.labels(run, annotations=votes, decided=answers)
    assert after.num_looks == 30
    table = after.table().set_index("id")
    assert table["label"][drawn["id"]].tolist() == TRUE[drawn["id"]].tolist()
    assert table["p_wrong"][drawn["id"]].tolist() == (KEY != TRUE)[drawn["id"]].tolist()


def test_an_audit_without_a_key_is_of_the_labels_that_votes_speak_for(votes: Path, tmp_path: Path):
    first = ez.labels(annotations=votes)
    file = _file(first, tmp_path / "consensus.parquet")
    drawn = ez.audit(file, looks=NUM).table()
    assert drawn.sort_values("id")["was"].tolist() == first.label.tolist()
    assert drawn.sort_values("id")["p_wrong"].tolist() == pytest.approx(1 - first.posterior.p_best)
    answers = _answered(drawn, TRUE, tmp_path / "audit.csv")
    assert ez.audit(file, decided=answers).document()["wrong"] == (first.label != TRUE).sum()
    after = ez.labels(annotations=votes, decided=answers)
    assert after.label.tolist() == TRUE.tolist()
    later = _file(after, tmp_path / "later.csv")
    with pytest.raises(BadInput, match=r"audit\.csv: row 2: is of consensus@\w+, and not of later@\w+; "):
        ez.audit(later, decided=answers)


def test_a_consensus_is_a_file_of_labels(votes: Path, tmp_path: Path):
    file = _file(ez.labels(annotations=votes), tmp_path / "consensus.csv")
    data = ez.load_dataset((np.zeros((NUM, 4, 4, 1), np.uint8), KEY), classes=CLASSES, labels=file)
    assert data.labels.tolist() == pd.read_csv(file)["label"].tolist() != KEY.tolist()


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ([], "run: is missing; give the folder of a run, or votes by --annotations"),
        (["RUN", "--labels", "key.csv"], "--labels: goes with --annotations"),
        (["RUN", "key.csv", "--annotations", "votes.csv"], "--files: does not go with --annotations"),
        (["--annotations", "votes.csv", "--relabel-above", "0.9"], "--relabel-above: does not go"),
        (["--annotations", "votes.csv", "--drop-above", "0.9"], "--drop-above: does not go"),
        (["--annotations", "votes.csv", "--only-decided"], "--only-decided: does not go"),
        (["RUN", "--annotations", "other.csv"], "no training example with the id '99'"),
        (["--annotations", "votes.csv", "--labels", "votes.csv"], "votes.csv: has labels of 3 people"),
        (["--annotations", "votes.csv", "--decided", "other.csv"], "the votes has no item with the id '99'"),
        (
            ["--annotations", "votes.csv", "--decided", "two.csv"],
            "two.csv: people write two labels of item '1'",
        ),
        (
            ["--annotations", "votes.csv", "--decided", "unsure.csv"],
            "unsure.csv: nobody looked at an item",
        ),
        (
            ["--annotations", "votes.csv", "--decided", "rule.csv"],
            "rule.csv: says something of every item",
        ),
    ],
)
def test_what_does_not_go_is_refused_in_one_line(
    words: list[str], refusal: str, run: Run, votes: Path, refused: Callable[..., str]
):
    folder = votes.parent
    rows = "".join(f"{one},{KEY[one]},keep\n" for one in range(NUM))
    (folder / "rule.csv").write_text(f"id,label,action\n{rows}")
    (folder / "key.csv").write_text("id,label\n0,cat\n")
    (folder / "other.csv").write_text("item,by,label\n99,ann,cat\n")
    (folder / "two.csv").write_text("item,by,label\n1,ann,cat\n1,bob,dog\n")
    (folder / "unsure.csv").write_text("id,label,action,by\n0,cat,unsure,me\n1,cat,unsure,me\n")
    paths = {"RUN": run.path, **{one.name: one for one in folder.glob("*.csv")}}
    assert refusal in refused("labels", *(paths.get(one, one) for one in words))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda rows: rows.drop(columns="classes"), "no column classes"),
        (lambda rows: rows.assign(label=7), "labels are not as they were written"),
        (lambda rows: rows.assign(data=rows["id"]), "labels are not as they were written"),
        (lambda rows: rows.assign(classes="[1"), "cannot be read"),
        (lambda rows: rows.assign(p_label="high"), "cannot be read"),
    ],
)
def test_a_file_that_is_no_consensus_is_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], refusal: str, votes: Path, refused: Callable[..., str]
):
    file = _file(ez.labels(annotations=votes), votes.with_name("consensus.csv"))
    assert "--split held_out: " in refused("audit", file, "--split", "held_out")
    assert "is a second run" in refused("audit", file, file)
    change(pd.read_csv(file)).to_csv(file, index=False)
    assert refusal in refused("audit", file)


@pytest.mark.parametrize("skills", [(0.9, 0.8, 0.7), (0.95, 0.95, 0.4)])
def test_from_votes_to_an_audit_and_back(
    skills: tuple[float, ...], tmp_path: Path, command: Callable[..., Any]
):
    """The commands on 900 items of known truth, of whose labels a tenth are wrong."""
    random, num = np.random.default_rng(0), 900
    true = random.integers(0, 3, num)
    key = np.where(random.random(num) < 0.1, (true + 1) % 3, true)
    said = [np.where(random.random(num) < one, true, random.integers(0, 3, num)) for one in skills]
    wide = pd.DataFrame(np.array(CLASSES, object)[np.array(said).T], columns=["ann", "bob", "eve"])
    wide.rename_axis("item").to_csv(tmp_path / "votes.csv")
    pd.DataFrame({"id": range(num), "label": np.array(CLASSES, object)[key]}).to_csv(tmp_path / "key.csv")
    making = ["labels", "--annotations", tmp_path / "votes.csv", "--labels", tmp_path / "key.csv"]
    out, audit = tmp_path / "consensus.csv", tmp_path / "audit.csv"
    made = command(*making, "-o", out)
    assert "easiness audit" in made.err + made.out
    assert command("audit", out, "--looks", 200, "-o", audit).code == 0
    _answered(pd.read_csv(audit, keep_default_na=False), true, audit)
    assert command("audit", out, "--decided", audit, "-o", tmp_path / "found.json").code == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["low"] <= (key != true).sum() <= found["high"]
    assert command(*making, "--decided", audit, "-o", out, "-o", tmp_path / "c.json").code == 0
    document, table = json.loads((tmp_path / "c.json").read_text()), pd.read_csv(out)
    assert document["num_looks"] == 200
    assert document["low"] <= (key != true).mean() <= document["high"]
    votes = np.array(CLASSES, object)[true]
    assert (table["class"].str.lstrip("'") == votes).mean() >= (
        pd.read_csv(tmp_path / "votes.csv")["ann"] == votes
    ).mean()
    assert command("audit", out, "--decided", audit).code == 0  # in the order of now
