"""Pages of a run whose examples have several tags: read, and decided on by the keys of present and absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import easiness as ez
from easiness import open_run
from easiness.runs import decisions_on
from recording import tagged_pictures

pytestmark = [pytest.mark.browser, pytest.mark.long]


def _pages(folder: Path) -> None:
    run, data = tagged_pictures(folder / "run")
    ez.report(run, folder / "report.html", data=data)
    ez.audit(run, looks=20).table().to_csv(folder / "audit.csv", index=False)
    ez.report(run, folder / "audit.html", data=data, decide=folder / "audit.csv")


@pytest.fixture(scope="module")
def folder(made_once: Callable[..., Path]) -> Path:
    return made_once("tags", _pages)


def test_the_page_shows_whole_examples_with_their_tags(folder: Path, open_page: Any, fits: Any) -> None:
    page = open_page(folder / "report.html")
    words = {name: page.locator(f"#{name}").inner_text() for name in ("labels", "run1-galleries")}
    assert "dog is missing" in words["labels"]
    assert "dog is too many" in words["labels"]
    assert "tags: dog, <b>car" in words["run1-galleries"]
    page.locator("#map-label").select_option(label="<b>car: present")
    page.locator("#map-body button").first.click()
    assert "<b>car" in page.locator("#map-card").get_by_text("tags").locator("..").inner_text()
    fits(page)
    pictures = [*json.loads(page.locator("#decide-values").text_content())["pictures"].values()]
    texts = [one for one in pictures if isinstance(one, str)]
    assert len({*texts}) == len(texts) < len(pictures)  # each is there once


def test_keys_say_present_and_absent(folder: Path, open_deciding: Any, tmp_path: Path) -> None:
    page = open_deciding(folder / "report.html", accept_downloads=True)
    assert page.locator("#decide-question").inner_text() == "dog: is it there?"
    assert "Nearest with dog" in page.locator("#decide-near").inner_text()
    assert page.locator("[data-act=keep], [data-act=take]").filter(visible=True).count() == 0
    labels = []
    for key in "pau":
        labels.append(page.locator("#decide-label").inner_text())
        page.keyboard.press(key)
    with page.expect_download() as download:
        page.keyboard.press("w")
    download.value.save_as(tmp_path / "labels.csv")
    rows = pd.read_csv(tmp_path / "labels.csv")
    assert [*rows][:6] == ["id", "tag", "label", "class", "was", "action"]
    assert rows["class"].tolist() == ["present", "absent", labels[2]]
    actions = ["keep" if one == own else "relabel" for one, own in zip(rows["class"], labels, strict=True)]
    assert rows["action"].tolist() == [*actions[:2], "unsure"]
    run = open_run(folder / "run")
    read = decisions_on(run, tmp_path / "labels.csv")
    names = rows["id"].astype(str) + "#" + rows["tag"]
    assert {*zip(run.ids[read.at], read.actions, strict=True)} == {*zip(names, rows["action"], strict=True)}
    page.evaluate("localStorage.clear()")
    page.reload()
    page.set_input_files("#decide-file", tmp_path / "labels.csv")
    page.locator("#decide-note").filter(has_text="Took 3 decisions").wait_for()
