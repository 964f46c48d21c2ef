"""Slices of examples that are harder: by columns of a table, of a file, and by what is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness import BadInput, Run
from easiness.inputs import IMAGE, SOUND, TEXT, VECTOR
from easiness.inputs.sound.kind import SoundTraits
from recording import counted, page_of, recorded

NUM = 240
AT = np.arange(NUM)
HARD = AT % 8 < 2  # a quarter, as many of each class
CLASSES = AT % 2


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts with columns of every kind."""
    columns = {
        "name": [f"n{at}" for at in AT],
        "text": [f"{'long ' * (1 + at % 5)}text of {at}" for at in AT],
        "label": np.where(CLASSES, "b", "a"),
        "speaker": np.where(HARD, "ann", np.where(AT % 3, "bob", "eve")),
        "age": [None if at % 40 == 39 else at * 7 % 31 for at in AT],
        "day": pd.Timestamp("2024-05-01 10:00") + pd.to_timedelta(AT // 60, "D"),
        "is_new": AT % 5 == 0,
        "kind": np.where(CLASSES, "B", "A"),
        "one": "x",
        "many": [f"m{at % 60}" for at in AT],
    }
    file = tmp_path_factory.mktemp("table") / "train.parquet"
    pd.DataFrame(columns).to_parquet(file)
    return file


@pytest.fixture(scope="module")
def data(table: Path) -> ez.Dataset:
    return ez.load_dataset(table, id="name")


def wrong_in(trials: int, hard: Any = HARD, *, of: int = 4) -> np.ndarray:
    """Logits [of, K, 2]: hard examples are wrong in so many trials, others in one, in turn."""
    number = np.where(hard, trials, 1)
    is_wrong = (np.arange(of)[:, None] - AT // 8) % of < number
    return 3.0 * np.eye(2)[np.where(is_wrong, 1 - CLASSES, CLASSES)]


@pytest.fixture(scope="module")
def run(data: ez.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("runs") / "run", wrong_in(3), data=data)


def test_a_harder_group_is_named_first_with_its_numbers(run: Run, data: ez.Dataset) -> None:
    found = ez.explain(run, by="speaker", data=data)
    first = found.table().iloc[0]
    assert (first["column"], first["value"], first["examples"], first["named"]) == (
        "speaker",
        "ann",
        60,
        True,
    )
    assert first["effect"] == pytest.approx(0.5)
    assert first["low"] < 0.5 < first["high"] < 0.6
    assert first["error_rate"] == pytest.approx(0.75)
    assert first["difficulty"] > found.table()["difficulty"].iloc[1]
    assert found.headline.startswith(
        "Texts with speaker ann are wrong 0.50 more often than others of their class ("
    )
    assert {*AT[HARD].tolist()} > {*found.examples_of(0).tolist()}
    assert [one["value"] for one in found.document()["slices"]] == found.table()["value"].tolist()


def test_every_kind_of_column_and_what_tells_nothing(run: Run, data: ez.Dataset) -> None:
    by = ("speaker", "age", "day", "is_new", "kind", "one", "many", "name", "words")
    found = ez.explain(run, by=by, data=data)
    assert found.left_out == {
        "kind": "is the label, or follows from it",
        "one": "has one value",
        "many": "has 60 values, more than 50",
        "name": "has another value for each example",
    }
    assert "Left out: kind is the label, or follows from it; one has" in found.notices[0]
    np.testing.assert_array_equal(
        found.columns["age"], [np.nan if at % 40 == 39 else at * 7 % 31 for at in AT]
    )
    assert found.columns["day"].tolist() == [f"2024-05-0{1 + at // 60}" for at in AT]
    assert {*found.columns["is_new"]} == {"True", "False"}
    assert found.columns["words"].tolist() == [float(4 + at % 5) for at in AT]
    values = found.table().groupby("column")["value"].agg(set)
    assert values["speaker"] == {"ann", "bob", "eve"}
    assert "slope" in values["age"]
    assert "age x words" in values


def test_nothing_is_named_where_nothing_differs(data: ez.Dataset, tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", np.random.default_rng(0).normal(size=(4, NUM, 2)), data=data)
    found = ez.explain(run, by=["speaker", "auto"], data=data)
    assert {*found.columns} == {"speaker", "words", "characters"}
    assert found.headline.startswith("None of ")
    assert "would be named in 80 of 100." in found.headline
    assert not found.table()["named"].any()


def test_a_column_that_is_held_takes_what_follows_from_it(run: Run, data: ez.Dataset, tmp_path: Path) -> None:
    group = np.where(HARD & (AT % 16 < 10), "mostly hard", "rest")
    pd.DataFrame({"id": data.ids, "group": group}).to_csv(tmp_path / "groups.csv", index=False)
    alone = ez.explain(run, metadata=tmp_path / "groups.csv", data=data)
    assert alone.table()["named"].all()
    held = ez.explain(run, metadata=tmp_path / "groups.csv", adjust="speaker", data=data)
    assert not held.table()["named"].any()
    assert held.equal == ("speaker",)
    assert held.table()["effect"].isna().all()  # nothing is left to tell


def test_numbers_of_any_size_are_held(run: Run, data: ez.Dataset) -> None:
    rows = pd.DataFrame({"id": data.ids, "half": np.where(AT % 8 < 4, "a", "b"), "dark": HARD / 2})
    rows["time"] = np.where(AT % 8 == 7, np.inf, 1.7e18 + AT * 1e12)
    for adjust, effect in (("time", 0.25), ("dark,time", 0)):
        found = ez.explain(run, metadata=rows, by="half", adjust=adjust, data=data)
        assert found.table()["effect"].abs()[0] == pytest.approx(effect, abs=0.02)


def test_values_and_columns_may_have_names_of_ours(run: Run, data: ez.Dataset) -> None:
    rows = pd.DataFrame({"id": data.ids, "neighbourhood": np.where(HARD, "slope", "valley")})
    found = ez.explain(run, metadata=rows)
    assert found.headline.startswith(
        "Examples with neighbourhood slope are wrong 0.50 more often than others"
    )
    assert found.table()["error_rate"][0] == pytest.approx(0.75)
    assert HARD[found.examples_of(0)].all()
    rows["words"] = np.where(AT % 3, "few", "many")
    assert {*ez.explain(run, metadata=rows, by="auto,words", data=data).columns["words"]} == {"few", "many"}


def test_trials_that_left_an_example_out_judge_it_alone(data: ez.Dataset, tmp_path: Path) -> None:
    halves = [data.ids[AT % 16 < 8], data.ids[AT % 16 >= 8]] * 2
    logits = wrong_in(0, np.ones(NUM, np.bool_))
    is_left_out = np.array([~np.isin(data.ids, half) for half in halves])
    logits[is_left_out & HARD] = 3.0 * np.eye(2)[(1 - CLASSES)[np.nonzero(is_left_out & HARD)[1]]]
    run = recorded(tmp_path / "run", logits, data=data, trained_on=halves)
    first = ez.explain(run, by="speaker", data=data).table().iloc[0]
    assert (first["value"], first["error_rate"]) == ("ann", 1.0)


def test_other_meanings_of_hard(run: Run, data: ez.Dataset) -> None:
    for score, said in (("difficulty", "more difficulty than"), ("p_wrong", "more p_wrong than")):
        found = ez.explain(run, by="speaker", score=score, data=data)  # type: ignore[arg-type]
        assert found.table()["value"].iloc[0] == "ann"
        assert said in found.headline
    with pytest.raises(BadInput, match=r"^--score 'aum': unknown; choose error_rate, difficulty or p_wrong$"):
        ez.explain(run, by="speaker", score="aum", data=data)  # type: ignore[arg-type]


def test_groups_are_the_units(table: Path, tmp_path: Path) -> None:
    data = ez.load_dataset(table, id="name", group=[f"g{at // 4}" for at in AT])
    run = recorded(tmp_path / "run", wrong_in(3), data=data)
    assert "over 60 groups" in ez.explain(run, by="speaker", data=data).notices[0]


def test_metadata_go_by_id_in_any_order(run: Run, tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": [f"n{at}" for at in AT[::-2]], "speaker": np.where(HARD, "ann", "bob")[::-2]})
    rows.to_json(tmp_path / "speakers.json", orient="records")
    found = ez.explain(run, metadata=tmp_path / "speakers.json")
    values = found.columns["speaker"]
    assert values[1] == "ann"
    assert values[0] is None  # of whom no row says anything
    assert found.table().set_index("value")["examples"].to_dict() == {"ann": 30, "bob": 90}
    assert found.noun == "example"  # whose data nobody knows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,speaker\nn0,ann\n", "no column id"),
        ("id,speaker\nn0,ann\nx,bob\n", "row 3: .* has no example with the id 'x'"),
        ("id,speaker\nn0,ann\nn0,bob\n", "row 3: the id 'n0' is in row 2 already; keep one"),
        ("id\nn0\n", "has no column of values; give a table of id and other columns"),
        ("id,speaker\n,\n", "has no example with the id ''"),
        ("id,age\nn0,1\nn2,2\nn1,1\n", "nothing to explain by .no value has 20 examples"),
    ],
)
def test_metadata_that_are_of_something_else(run: Run, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "meta.csv"
    file.write_text(content)
    with pytest.raises(BadInput, match=said):
        ez.explain(run, metadata=file)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "spaeker"}, r"train.parquet: no column spaeker \(did you mean speaker,"),
        ({"by": ["speaker", "speaker"]}, "--by: column speaker is named twice"),
        ({"by": "kind"}, r"nothing to explain by \(kind is the label, or follows from it\); give --by"),
        ({"by": "speaker", "adjust": "auto"}, "--adjust auto: stands for many columns"),
        ({"by": "speaker", "split": "held_out"}, "has no held-out split"),
    ],
)
def test_columns_that_cannot_be(run: Run, data: ez.Dataset, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        ez.explain(run, data=data, **asked)


def test_rows_of_the_other_split_are_passed_over(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32), np.arange(200) % 2
    data = ez.load_dataset((x, y), holdout=0.4)
    run = ez.measure(data, features="inputs", trials=5, out=tmp_path / "run", progress=False)
    ids = np.concatenate([data.ids, data.held_out.ids])  # type: ignore[union-attr]
    pd.DataFrame({"id": ids, "side": np.where(ids % 3, "a", "b")}).to_csv(tmp_path / "m.csv", index=False)
    for split, num in (("train", 120), ("held_out", 80)):
        found = ez.explain(run, metadata=tmp_path / "m.csv", split=split, data=data)  # type: ignore[arg-type]
        assert found.columns["side"].tolist() == ["a" if one % 3 else "b" for one in found.ids.tolist()]
        assert len(found.ids) == num
    by_values = ez.explain(run, data=data)
    assert {*by_values.columns} == {"length"}
    around = ez.explain(run, features="inputs", data=data)
    assert {*around.columns} == {"length", "frequency", "contradiction", "neighbourhood"}
    document = around.document()
    assert {*document["neighbourhoods"]} == {*around.columns["neighbourhood"]}
    assert {"slices", "examples", "effects"} < {*document}
    at = around.table().query("column == 'neighbourhood'").index[0]
    shown = around.columns["neighbourhood"][around.examples_of(at)]
    assert {*shown} == {around.table()["value"][at]}


def test_items_of_a_benchmark(tmp_path: Path, command: Callable[..., Any]) -> None:
    right = {name: np.where(HARD, 3 + AT % 3, 8 + (AT + one) % 3) for one, name in enumerate("xyz")}
    rollouts = counted(tmp_path / "rollouts", num=10, group=AT // 2, **right)
    pd.DataFrame({"id": AT, "topic": np.where(HARD, "law", "art")}).to_csv(
        tmp_path / "topics.csv", index=False
    )
    found = ez.explain(rollouts[0], metadata=tmp_path / "topics.csv")
    assert "over 120 groups" in found.notices[0]
    assert found.table()["effect"].abs().iloc[0] == pytest.approx(0.5, abs=0.01)
    assert found.headline.startswith("Items with topic law are wrong 0.50 more often than others (")
    models = counted(tmp_path / "models", num=10, trials_are="models", **right)[0]
    out = tmp_path / "found.json"
    asked = ("explain", models.path, "--metadata", tmp_path / "topics.csv", "-o", out)
    assert command(*asked).code == 0
    assert out.exists()
    assert "its items have no column age; there is none" in command("explain", models.path, "--by", "age").err


def test_the_page_has_slices_and_their_examples(run: Run, data: ez.Dataset, tmp_path: Path) -> None:
    page = page_of([run], explain=("speaker", "auto"), data=data)
    assert "speaker: ann" in page
    assert page.count("error rate 0.75") == 8
    assert '"names":["ann","bob","eve"]' in page
    pd.DataFrame({"id": data.ids, "easiness": AT, "<b>": AT % 4}).to_csv(tmp_path / "odd.csv", index=False)
    odd = page_of([run], metadata=tmp_path / "odd.csv", data=data)
    assert odd.count('"name":"easiness"') == 1
    assert "<b>:" not in odd
    assert "What hardness goes along with" in page_of([run], data=data)
    assert "What hardness goes along with" not in page_of([run])
    with pytest.raises(BadInput, match="--explain, --metadata: are of the page of one run"):
        page_of([run, run], explain=("speaker",), data=data)


def test_measures_by_hand() -> None:
    stripes = np.tile(np.array([[0, 255]], np.uint8), (4, 3))[..., None]
    measures = IMAGE.measures(stripes, None)
    assert (measures["width"], measures["height"]) == (6, 4)
    assert measures["brightness"] == measures["contrast"] == 0.5
    # inside the Laplacian is 2 or -2, at the upright edges 1 and -1
    assert measures["sharpness"] == pytest.approx(np.sqrt((4 * 4 + 2 * 1) / 6))
    assert TEXT.measures(np.frombuffer("two wörds".encode(), np.uint8), None) == {"words": 2, "characters": 9}
    traits = SoundTraits(8000, 1.0)
    heard = SOUND.measures(np.full(800, 0.1, np.float32), traits)
    assert heard == {"duration": 0.1, "loudness": pytest.approx(-20)}
    assert SOUND.measures(np.zeros(800, np.float32), traits)["loudness"] == -100
    rows = VECTOR.from_array(np.array([[3.0, 4.0], [0.0, 1.0]]), "x", copy=True)
    assert VECTOR.measures(np.array([3.0, 4.0], np.float32), rows.traits) == {"length": 5}
