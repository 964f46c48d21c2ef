from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import Dataset, load_dataset, open_run, suspects
from easiness.pages import data_map as under_test
from easiness.pages.data_map import Name, data_map, trajectories
from easiness.pages.examples import table_of
from easiness.pages.template import InlineScript, inert, inline_script
from recording import believing, page_of

EVIL = ("</script><img src=x onerror=alert(1)>", "<!--<script>")


def values_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="map-values">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found[1])
    return document


def numbers(column: dict[str, Any]) -> np.ndarray:
    codes = np.frombuffer(base64.b64decode(column["codes"]), f"<u{column['bits'] // 8}").astype(int)
    if "levels" in column:
        return np.array([*column["levels"], *[np.nan] * (256 - len(column["levels"]))])[codes]
    return np.where(codes == (1 << column["bits"]) - 1, np.nan, column["low"] + codes * column["step"])


def column_of(run: dict[str, Any], name: str) -> np.ndarray:
    scores = {score["name"]: score for score in run["scores"]}
    return numbers(scores[scores[name].get("same", name)])


def test_the_map_has_the_scores_the_labels_and_what_is_suspected(measured: Path) -> None:
    run = open_run(measured)
    document = values_of(page_of([run]))
    (of_run,) = document["runs"]
    table = run.scores()
    for name in ("easiness", "confidence", "variability", "loss"):
        np.testing.assert_allclose(column_of(of_run, name), table[name], atol=1e-4)
    # no trial left an example out, so these have no value and no place in the page
    assert {"consistency", "memorization"}.isdisjoint(score["name"] for score in of_run["scores"])
    ranked = suspects(run, pictures=False).ranked.set_index("id").loc[table["id"]]
    np.testing.assert_allclose(column_of(of_run, "p_wrong"), ranked["p_wrong"], atol=1e-4)
    codes = np.frombuffer(base64.b64decode(of_run["suggested"]["codes"]), np.uint8)
    np.testing.assert_array_equal(np.where(codes == 255, -1, codes.astype(int)), ranked["suggested"])
    labels = np.frombuffer(base64.b64decode(document["labels"]["codes"]), np.uint8)
    np.testing.assert_array_equal(labels, run.labels)


def test_a_trajectory_is_the_probability_of_the_label(measured: Path) -> None:
    run = open_run(measured)
    (of_run,) = values_of(page_of([run]))["runs"]
    loss = np.array([[trial.columns(epoch, ["loss"])["loss"] for epoch in (1, 2)] for trial in run.trials])
    p = np.exp(-loss.astype(np.float64))
    each = np.frombuffer(base64.b64decode(of_run["byTrial"]), np.uint8).reshape(100, 3, 2) / 254
    np.testing.assert_allclose(each, p.transpose(2, 0, 1), atol=1 / 508 + 1e-6)
    mean = np.frombuffer(base64.b64decode(of_run["mean"]), np.uint8).reshape(100, 2) / 254
    np.testing.assert_allclose(mean, p.mean(axis=0).T, atol=1 / 508 + 1e-6)
    assert of_run["detailed"] is None


def test_pictures_of_the_page_are_not_there_twice(measured: Path) -> None:
    page = page_of([open_run(measured)])
    assert values_of(page)["pictures"] == {}  # all 100 examples are in the galleries
    shown = re.findall(r'<img data-example="(\d+)"', page)
    assert len(set(shown)) == 100


def test_names_cannot_end_the_values(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 6
    ids = np.array([f"{i}{EVIL[i % 2]}\u2028" for i in range(12)], object)
    page = page_of([record(believing(labels, 2, 2), labels, ids=ids, classes=EVIL)])
    document = values_of(page)
    assert document["classes"] == list(EVIL)
    assert document["ids"] == list(ids)
    assert not any(text in page for text in EVIL)


def test_json_in_a_page_has_no_sign_of_markup() -> None:
    value = {"a": ["</script>", "<!--", "&amp;", 'é"\\']}
    assert not set("<>&") & set(inert(value))
    assert json.loads(inert(value)) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        inert([float("nan")])


def test_a_policy_names_the_script_by_what_is_in_it() -> None:
    # printf 'abc' | openssl dgst -sha256 -binary | base64
    assert InlineScript("abc").source == "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    text = inline_script(under_test.SCRIPTS).text
    assert "</script" not in text
    assert "innerHTML" not in text
    assert text.startswith("(() => {")


def test_a_large_page_stays_small_and_says_what_is_left_out(
    record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    num, epochs, trials = 3000, 6, 3
    labels = np.arange(num) % 3
    rng = np.random.default_rng(0)
    run = record(rng.normal(size=(trials, epochs, num, 3)) + 2 * np.eye(3)[labels], labels)
    monkeypatch.setattr(under_test, "_FINE", 1000)
    whole = data_map([run], ["one"], [epochs], [run.scores()], [None], [])
    assert whole.notes() == ["Scores other than the two of the map are rounded to 1/254 of their range."]
    # two axes of two bytes, at most a byte for each other score, label, prediction, its share, trajectories
    assert len(whole.data({}, [])) < num * (2 * 2 + 19 + 3 + epochs + trials * epochs) * 4 / 3 + 30_000
    monkeypatch.setattr(under_test, "_COLUMN_BYTES", 40_000)
    monkeypatch.setattr(under_test, "_MEAN_BYTES", 4000)
    monkeypatch.setattr(under_test, "_TRIAL_BYTES", 300)
    small = data_map([run], ["one"], [epochs], [run.scores()], [None], [7, 2999])
    assert {7, 2999} <= set(small.points.tolist())
    assert 500 < len(small.points) < 1500
    ((of_run, _),) = small.runs
    assert of_run["rows"] == [1, 3, 6] or len(of_run["rows"]) < epochs
    detailed = base64.b64decode(of_run["detailed"])
    notes = " ".join(small.notes())
    assert f"The map has {len(small.points):,} of the 3,000 examples" in notes
    assert f"of the {epochs} epochs observed" in notes
    assert f"for {len(detailed) // 4} examples" in notes


def test_all_columns_of_many_examples_fit(record: Callable[..., Any]) -> None:
    num = 20_001
    labels = np.arange(num) % 2
    rng = np.random.default_rng(0)
    run = record(rng.normal(size=(2, 2, num, 2)) + 2 * np.eye(2)[labels], labels)
    drawn = data_map([run], ["one"], [2], [run.scores()], [None], [])
    scores = drawn.runs[0][0]["scores"]
    drawn_by_default = ("easiness", "confidence", "variability")
    axes = sum(len(one["codes"]) for one in scores if one["name"] in drawn_by_default)
    assert axes <= num * 5 * 4 / 3 + 12  # 0.33 MB for 50,000
    assert len(drawn.data({}, [])) < num * 40


def test_epochs_that_are_drawn_are_spread_evenly(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 5
    run = record(believing(labels, 2, 9), labels)
    points, none = np.arange(10), np.array([], np.int64)
    found, _ = trajectories(run, 9, points, none, (30, 0))
    assert found["rows"] == [1, 5, 9]
    assert trajectories(run, 8, points, none, (1000, 0))[0]["rows"] == list(range(1, 9))
    assert found["byTrial"] == ""


NUM = 25


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """25 rows of class a, of which the last is unusual in three columns, and 5 of class b."""
    rows = ["size,flat,mostly,colour,label"]
    rows += [f"{at + 1},7,{5 * (at == NUM - 1)},{'blue' if at == NUM - 1 else 'red'},a" for at in range(NUM)]
    rows += [f"{100 + at},7,0,{'red' if at else 'dark: blue'},b" for at in range(5)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return load_dataset(str(tmp_path / "table.csv"), label="label")


def _named(*ids: int) -> list[Name]:
    return [("train", one) for one in ids]


def test_rows_have_all_columns_and_how_unusual_each_is_in_its_class(data: Dataset) -> None:
    wanted = _named(24, 12, 25)
    found = table_of(data, wanted, [0, 0, 1], wanted)
    assert found is not None
    assert found["columns"] == ["size", "flat", "mostly", "colour"]
    assert found["rows"] == {
        0: ["25", "7", "5", "blue"],
        1: ["13", "7", "0", "red"],
        2: ["100", "7", "0", "dark: blue"],
    }
    # the median is 13 and the median distance from it 6: 12 / (1.4826 x 6); 1 of 25 is as rare as 2.05 sd
    assert found["unusual"][0] == [1.3, 0, 2.1, 2.1]
    # 24 of 25 are as rare as 0.05 sd
    assert found["unusual"][1] == [0, 0, 0.1, 0.1]
    # of class b there are too few: the median of all 30 is 15.5, its distance 7.5; 1 is as rare as 2.13 sd
    assert found["unusual"][2] == [7.6, 0, 0, 2.1]


def test_how_unusual_numbers_are_has_one_decimal() -> None:
    numbers = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    data = load_dataset((numbers, np.arange(40) % 2))
    found = table_of(data, _named(1), [1], _named(1))
    assert found is not None
    assert found["unusual"][0] == [round(one, 1) for one in found["unusual"][0]]


def test_the_last_rows_by_worth_are_left_out(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.pages.examples._MOST_CELLS", 9)
    found = table_of(data, _named(3, 4, 5), [0, 0, 0], _named(5, 3, 4))
    assert found is not None
    assert set(found["rows"]) == {0, 2}


def test_arrays_are_tables_and_embeddings_and_pictures_are_none() -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(30) % 2
    named = _named(0)
    found = table_of(load_dataset((draw.normal(size=(30, 3)), labels)), named, [0], named)
    assert found is not None
    assert found["columns"] == ["x[0]", "x[1]", "x[2]"]
    assert table_of(load_dataset((draw.normal(size=(30, 201)), labels)), named, [0], named) is None
    assert table_of(load_dataset("digits", limit=30), named, [0], named) is None


def test_numbers_that_are_named_like_categories_stay_numbers(tmp_path: Path) -> None:
    rows = ["temp: min,temp: max,colour,label"]
    rows += [f"{('1,0,red', '0,1,blue', '0,0,')[at % 3]},{'ab'[at % 2]}" for at in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    found = table_of(load_dataset(tmp_path / "table.csv"), _named(1, 2), [1, 0], _named(1, 2))
    assert found is not None
    assert found["columns"] == ["temp: min", "temp: max", "colour", "colour is missing"]
    assert found["rows"] == {0: ["0", "1", "blue", "0"], 1: ["0", "0", "", "1"]}
