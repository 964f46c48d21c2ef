"""The page of outcomes, and what other commands say of them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness.errors import BadInput
from easiness.pages import outcomes as page
from easiness.store import Run
from recording import answered, counted

EVIL = "</script><script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">&amp;"
# answers of two models to items with keys 4, 4, 4 and 5, two rollouts each: rates 1, 1, .5, 0 and .5, 0, 0, 1
GIVEN = {"A": ("44", "44", "49", "99"), "B": ("49", "67", "67", "55")}
IDS = ["i0", "i1", "i2", "i3"]


def two(out: Path, **options: Any) -> list[Run]:
    return answered(out, GIVEN, "4445", id=IDS, part=[0, 0, 1, 1], **options)


def page_of(runs: Any, folder: Path) -> tuple[str, dict[str, Any]]:
    """The page, and the values that its script reads."""
    ez.report(runs, folder / "page.html")
    text = (folder / "page.html").read_text("utf-8")
    values = re.search('id="map-values">(.*?)</script>', text, re.DOTALL)
    assert values is not None
    return text, json.loads(values[1])


def in_words(text: str) -> str:
    """The words of a page, a blank between elements."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", text.replace("<wbr>", ""))).split())


def test_models_side_by_side(tmp_path: Path) -> None:
    text, values = page_of(two(tmp_path / "runs"), tmp_path)
    words = in_words(text)
    assert "4 items, 2 models" in words
    assert "Trials are rollouts of each of 2 models: how hard items are for these, and for no other." in words
    # by hand: the error of 1, 1, .5, 0 is .4787 / 2, as of .5, 0, 0, 1; that of -.5, -1, -.5, 1 is .8660 / 2
    assert "A 4 8 2 0.625 ± 0.239 –" in words
    assert "B 4 8 2 0.375 ± 0.239 -0.250 ± 0.433" in words
    assert "A is right in 0.62 on average and B in 0.38, a difference of -0.25" in words
    at = {name: place for place, name in enumerate(values["ids"])}
    assert values["answers"][at["i0"]] == [["4", 3, 2, True], ["9", 1, 1, False]]
    assert [sum(count for _, count, *_ in answers) for answers in values["answers"]] == [4] * 4
    assert [values["key"][at[name]] for name in ("i0", "i3")] == ["4", "5"]
    assert [one["name"] for one in values["series"]] == ["all (mean)", "A", "B"]
    rate = values["series"][0]["rate"]["levels"]  # .75, .5, .25, .5
    assert rate == [0.25, 0.5, 0.75]
    (part,) = values["columns"]
    assert part["name"] == "part"
    assert [part["values"][at[f"i{item}"]] for item in range(4)] == ["0", "0", "1", "1"]
    assert part["few"]
    # divided: i3 and i1, of which one model has all and the other none
    (divided,) = re.findall(r'<div id="items-spread">(.*?)</section>', text, re.DOTALL)
    assert set(re.findall(r'title="(i\d)"', divided)[:2]) == {"i1", "i3"}


def test_one_model_and_models_as_trials_say_which_they_mean(tmp_path: Path) -> None:
    runs = two(tmp_path / "runs")
    text, values = page_of(runs[0], tmp_path)
    assert "Trials are rollouts of A: how hard items are for it, and for no other." in in_words(text)
    assert [one["name"] for one in values["series"]] == [""]
    assert repr(runs[0]).endswith("model='A', items=4, trials_are='rollouts')")
    assert 'id="map-matrix"' not in text
    pooled = two(tmp_path / "pooled", trials_are="models")
    text, values = page_of(pooled, tmp_path)
    assert "Trials are models: how hard items are for models like these." in in_words(text)
    assert [one["name"] for one in values["series"][1:]] == ["A", "B"]
    assert "A 4 0.625 ± 0.239" in in_words(text)
    with pytest.raises(BadInput, match=r"trials of .*runs.* are rollouts, and of .*pooled.* models"):
        ez.report([*runs, *pooled], tmp_path / "mixed.html")
    assert not (tmp_path / "mixed.html").exists()


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    right = {f"i{at:02}": rng.binomial(20, at / 49) for at in range(50)}
    runs = counted(tmp_path / "runs", ids=[*right], A=[*right.values()]) + counted(
        None, num=1, ids=["i07", "i08"], B=[1, 0]
    )
    monkeypatch.setattr(page, "_MOST_ITEMS", 20)
    text, values = page_of(runs, tmp_path)
    words = in_words(text)
    assert "20 of the 50 items are on this page" in words
    assert "1 of 2 models lack items that others have" in words
    assert len(values["ids"]) == 20
    alone, _ = page_of(runs[0], tmp_path)
    for side, num in (("p_hard", 0), ("p_easy", 20)):
        (first,) = re.findall(f'<div id="items-{side}">.*?title="(i..)"', alone, re.DOTALL)
        assert right[first] == num


def test_nothing_of_a_table_gets_out_of_its_text(tmp_path: Path) -> None:
    answers = {
        {"A": EVIL}.get(model, model): [[{"4": EVIL}.get(one, one) for one in of_item] for of_item in items]
        for model, items in GIVEN.items()
    }
    ids, texts = [EVIL, *IDS[1:]], [f"{one}\x00\u202e{EVIL}" for one in IDS]
    own: dict[str, Any] = {"part": [0, 0, 1, 1], **dict.fromkeys((EVIL, "group"), [EVIL] * 4)}
    runs = answered(tmp_path / "runs", answers, [*[EVIL] * 3, "5"], id=ids, text=texts, **own)
    text, values = page_of(runs, tmp_path)
    for shown in (text, runs[0]._repr_html_()):
        assert "<script>document" not in shown
        assert "<img" not in shown
    assert "<script" not in shown
    assert "<svg" in shown
    assert EVIL in values["ids"]
    assert {EVIL, "group", "part"} == {one["name"] for one in values["columns"]}
    assert [EVIL, 3, 2, True] in [answers[0] for answers in values["answers"]]


def test_a_folder_stands_for_its_runs_and_options_of_trainings_are_refused(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    two(tmp_path / "runs")
    ask, file = ("report", tmp_path / "runs", "-o", tmp_path / "page.html"), tmp_path / "page.html"
    options = (
        "--at 3, --data x, --by pixels, --old-data x, --suspects 5, --decide x.csv, --pixels 99, --blind"
    )
    for words in options.split(", "):
        ended = command(*ask, *words.split())
        assert ended.code == 2
        assert f"outcomes: {words.split()[0]}" in ended.err
        assert ended.err.count("\n") == 1
        assert not file.exists()
    assert command(*ask).code == 0
    assert "4 items, 2 models" in in_words(file.read_text("utf-8"))


def test_slices_of_items_are_shown_with_the_items(tmp_path: Path, command: Callable[..., Any]) -> None:
    # by hand: half of the items of sums have rate 0 and half .5, those of logic .5 and 1: .75 - .25 wrong
    given, ids = ["99", "49"] * 30 + ["49", "44"] * 30, [f"i{at}" for at in range(120)]
    run, *_ = answered(tmp_path / "runs", dict.fromkeys("AB", given), "4" * 120, id=ids, text=[EVIL] * 120)
    topics = "".join(f"{one},{'logic' if at >= 60 else 'sums'}\n" for at, one in enumerate(ids))
    (tmp_path / "topics.csv").write_text(f"id,topic\n{topics}")
    asked = ("--metadata", tmp_path / "topics.csv", "-o", tmp_path / "page.html")
    assert "are of the page of one run" in command("report", tmp_path / "runs", *asked).err
    for words in ("report", "--explain", "topic"), ("explain", "--by", "topic"):
        assert command(words[0], run.path, *words[1:], *asked).code == 0
        page_text = in_words((tmp_path / "page.html").read_text("utf-8"))
        _, rest = page_text.split("topic: sums Items with topic sums are wrong 0.50 more often")
        assert re.findall(r"&amp; (i\d+) error rate 1.00", rest)[:8] == ids[:16:2]  # marks stay marks
