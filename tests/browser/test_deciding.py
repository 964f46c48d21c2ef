"""Deciding on labels in the page, as a person does: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import easiness as ez
from easiness import load_dataset, open_run, suspects
from easiness.csv_cells import from_cell, to_cell
from easiness.runs import data_version, decisions_on
from easiness.store import Run
from recording import believing, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

CLASSES = ("=cmd", "<img src=x onerror=\"document.title='evil'\">", 'plain, "quoted"', "חתול")
NUM = 1100
NAMES = ("{:04d}.png", "<b>{:04d}.png", '=1+{:04d},"a".png', "\u202efle{:04d}.png", "-{:04d};'.png")


def _pictures(folder: Path) -> None:
    """1,100 pictures of four classes; all names try to break out, and two pictures are equal."""
    rng = np.random.default_rng(0)
    for at in range(NUM):
        pixels = rng.integers(0, 256, (4, 4), np.uint8)
        if at in (4, 5):
            pixels[:] = 200
        path = folder / CLASSES[at % 4] / NAMES[at % 5].format(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def _recorded(folder: Path) -> None:
    """The page of a run whose networks doubt every eleventh label."""
    _pictures(folder / "photos")
    data = load_dataset(str(folder / "photos"))
    believed = np.where(np.arange(NUM) % 11 == 0, (data.labels + 1) % 4, data.labels)
    run = recorded(folder / "run", believing(believed, 3, 3, sure=[[2], [3], [4]], seed=1), data=data)
    ez.report(run, folder / "report.html", data=data)
    rows = [["id", "label", "class", "was", "action", "by", "split", "stratum", "draw", "p_wrong"]]
    for at in (9, 3, 6, 12):
        action = ["keep", "Bob"] if at in (3, 12) else ["", ""]
        stratum = "known" if at == 12 else "=1+1"
        label = str(data.labels[at])
        rows.append([to_cell(str(data.ids[at])), label, "", label, *action, "train", stratum, "1", "0.7"])
    with (folder / "audit.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    asked: dict[str, Any] = {"data": data, "decide": folder / "audit.csv"}
    ez.report(run, folder / "decide.html", **asked, blind=False)
    ez.report(run, folder / "blind.html", **asked)


@pytest.fixture(scope="module")
def folder(made_once: Callable[..., Path]) -> Path:
    """The folder of a run over 1,100 pictures, with its page."""
    return made_once("deciding", _recorded)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return open_run(folder / "run")


@pytest.fixture(scope="module")
def opened(open_page: Any, folder: Path) -> Page:
    """The page, open for all tests, which begin with nothing decided."""
    return open_page(folder / "report.html", viewport={"width": 1280, "height": 800}, accept_downloads=True)


@pytest.fixture
def page(opened: Page) -> Page:
    opened.set_viewport_size({"width": 1280, "height": 800})
    opened.evaluate("localStorage.clear()")
    opened.reload()
    return opened


def begin(page: Page, name: str = "Ada") -> None:
    """Open the view by the keyboard, and say who decides."""
    page.locator("[data-decide-open]").focus()
    page.keyboard.press("Enter")
    if page.locator("#decide-begin").is_visible():
        page.keyboard.type(name)
        page.keyboard.press("Enter")


def press(page: Page, keys: Iterable[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page: Page, path: Path, name: str = "labels.csv") -> list[dict[str, str]]:
    """The file that the page saves, at ``path`` as well."""
    with page.expect_download() as download:
        page.keyboard.press("w")
    download.value.save_as(path)
    assert download.value.suggested_filename == name
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def said(page: Page) -> str:
    return page.locator("#decide-spoken").inner_text()


def note(page: Page) -> str:
    return page.locator("#decide-note").inner_text()


def wait_for(page: Page, name: str, text: str) -> None:
    """Until an element says something; the page's policy forbids Playwright to ask a function again."""
    page.locator(f"#decide-{name}").filter(has_text=re.compile(text)).wait_for()


def give(page: Page, name: str, text: str) -> None:
    """Drag a file onto the page."""
    page.evaluate(
        """([name, text]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], name, {type: "text/csv"}));
            const options = {dataTransfer, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("dragover", options));
            document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        [name, text],
    )
    page.locator("#decide-note").wait_for(state="visible")


def test_the_keyboard_alone_goes_through_all_of_it(page: Page, run: Run, tmp_path: Path) -> None:
    begin(page)
    assert page.evaluate("document.activeElement.id") == "decide-name"
    assert page.locator("#decide-count").inner_text() == "0 of 100 suspects decided"
    given = json.loads(page.locator("#decide-values").text_content() or "")
    ids, labels = given["examples"]["ids"][:8], given["examples"]["labels"][:8]
    assert page.evaluate("document.querySelector('#decide-shown img').naturalWidth") == 4
    press(page, "ks")
    assert said(page).startswith(f"{ids[1].rpartition('/')[2]}: relabelled {CLASSES[given['suggested'][1]]}.")
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.id") == "decide-class"
    page.keyboard.type("quot")
    assert page.locator("#decide-classes [role=option]").all_inner_texts() == ['plain, "quoted"']
    page.keyboard.press("Enter")
    press(page, "dukk")
    page.keyboard.press("b")
    assert said(page).startswith("Undone. " + ids[6].rpartition("/")[2])
    assert page.locator("#decide-count").inner_text() == "5 of 100 suspects decided, 1 unsure"
    page.keyboard.press("ArrowLeft")
    assert "kept as" in page.locator("#decide-so-text").inner_text()
    page.keyboard.press("l")
    assert page.locator("#decide-rows li").count() == 100
    assert page.evaluate("document.activeElement.dataset.place") == "5"
    press(page, ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "Enter"))
    assert page.locator('[data-act="take"]').get_attribute("aria-pressed") == "true"
    rows = saved(page, tmp_path / "labels.csv")
    assert [row["action"] for row in rows] == [*("keep", "relabel", "relabel", "drop", "unsure", "keep")]
    found = decisions_on(run, tmp_path / "labels.csv")
    assert found.of.ids[found.at].tolist() == ids[:6]
    third = labels[2] if labels[2] == run.classes.index('plain, "quoted"') else 2
    assert found.labels.tolist()[:3] == [labels[0], given["suggested"][1], third]
    assert set(found.by) == {"Ada"}
    assert {row["data"] for row in rows} == {data_version(run)}
    assert all(time.endswith("Z") for time in found.times)
    press(page, ("l", "Escape", "?"))
    assert "?\nshow this help" in page.locator("#decide-begin .decide-keys").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "decide-name"
    page.keyboard.press("Escape")
    assert not page.locator("#decide").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Decide"
    assert page.locator("[data-decide-so-far]").inner_text() == ", 5 decided so far"


@pytest.mark.parametrize("focus", ["#decide-only", "#decide-rows button", "body"])
def test_keys_of_the_list_work_wherever_the_focus_is(page: Page, tmp_path: Path, focus: str) -> None:
    begin(page)
    press(page, "kul")
    page.locator(focus).last.focus() if focus != "body" else page.evaluate("document.activeElement.blur()")
    page.locator("#decide-only").select_option("unsure")
    assert page.locator("#decide-rows li").count() == 1
    assert page.evaluate("document.activeElement !== document.body") or focus == "body"
    assert len(saved(page, tmp_path / "labels.csv")) == 2
    page.keyboard.press("Escape")
    assert page.locator("#decide-one").is_visible()
    assert page.evaluate("document.activeElement.id") == "decide-name"
    assert page.locator("#decide-count").inner_text() == "1 of 100 suspects decided, 1 unsure"


def test_a_reload_and_a_second_tab_lose_nothing(page: Page) -> None:
    begin(page)
    press(page, "kd")
    page.reload()
    begin(page)
    assert page.locator("#decide-count").inner_text() == "2 of 100 suspects decided"
    other = page.context.new_page()
    other.goto(page.url)
    begin(other)
    press(other, "uu")
    wait_for(page, "count", ", 2 unsure$")
    other.keyboard.press("b")
    wait_for(page, "count", ", 1 unsure$")
    press(page, "k")
    page.keyboard.press("ArrowLeft")
    other.keyboard.press("ArrowLeft")
    wait_for(other, "so-text", "kept")
    other.evaluate("document.getElementById('decide-by').value = 'Bob'")
    press(other, "d")
    wait_for(page, "so-text", "dropped")
    page.keyboard.press("b")
    assert "was decided meanwhile by Bob; it stays as it is" in note(page)
    assert "by Bob" in page.locator("#decide-so-text").inner_text()
    other.close()


def test_undo_outlives_a_reload(page: Page) -> None:
    begin(page)
    press(page, "kdu")
    page.keyboard.press("b")
    page.reload()
    begin(page)
    assert page.locator("#decide-count").inner_text() == "2 of 100 suspects decided"
    press(page, "b")
    assert said(page).startswith("Undone.")
    assert page.locator("#decide-so").is_hidden()
    page.locator('[data-act="before"]').click()
    page.locator("#decide-undecide").click()
    page.reload()
    begin(page)
    assert page.locator("#decide-count").inner_text() == "0 of 100 suspects decided"
    press(page, "b")
    assert "kept as" in page.locator("#decide-so-text").inner_text()
    press(page, "bb")
    assert said(page) == "Nothing to undo."
    spoilt = """() => {
        const name = Object.keys(localStorage).find(one => one.endsWith("history"));
        localStorage.setItem(name, '[["train/nobody", 3], 7]');
    }"""
    page.evaluate(spoilt)
    page.reload()
    begin(page)
    press(page, "b")
    assert said(page) == "Nothing to undo."


def test_each_page_saves_what_was_decided_for_it(page: Page, run: Run, folder: Path, tmp_path: Path) -> None:
    begin(page)
    press(page, "kd")
    page.evaluate("""() => {  // keeps the third with a label that it does not have
        const [prefix] = Object.keys(localStorage).find(name => name.includes('train/')).split('train/');
        const { ids, labels } = JSON.parse(document.getElementById('decide-values').textContent).examples;
        localStorage.setItem(`${prefix}train/${ids[2]}`, `["keep", ${(labels[2] + 1) % 4}]`);
    }""")
    other = page.context.new_page()
    other.goto((folder / "blind.html").as_uri())
    begin(other)
    assert other.locator("#decide-count").inner_text() == "1 of 3 decided"
    press(other, "d")
    page.reload()
    begin(page)
    assert page.locator("#decide-count").inner_text() == "2 of 100 suspects decided"
    rows = saved(page, tmp_path / "labels.csv")
    assert [(row["action"], row["split"]) for row in rows] == [("keep", "train"), ("drop", "train")]
    assert len(decisions_on(run, tmp_path / "labels.csv")) == 2
    other.goto((folder / "decide.html").as_uri())
    begin(other)
    rows = saved(other, tmp_path / "decided.csv", "audit.csv")
    assert [(from_cell(row["id"]), row["by"]) for row in rows] == [
        (run.ids[at], by) for at, by in ((9, ""), (3, "Bob"), (6, ""), (12, "Bob"))
    ]
    assert note(other).startswith("Saved 2 decisions as")
    other.keyboard.press("ArrowRight")
    other.locator("#decide-undecide").click()
    other.reload()
    begin(other)
    assert other.locator("#decide-count").inner_text() == "0 of 3 decided"
    other.close()


def test_after_ten_the_page_says_how_many_were_wrong(page: Page) -> None:
    begin(page)
    press(page, "sssdkkkku")
    assert not page.locator("#decide-note").is_visible()
    page.keyboard.press("d")
    found = note(page)
    assert found.startswith("Of 10 labels seen 5 were wrong (1 unsure), where 9.0 were expected.")
    assert "easiness suspects run --decided labels.csv learns from them" in found


def test_names_of_files_and_classes_stay_text(page: Page, run: Run, folder: Path, tmp_path: Path) -> None:
    begin(page, '=1+1,"<b>')
    press(page, "s" * 40)
    page.keyboard.press("l")
    assert page.title().startswith("Easy and hard examples")
    assert page.evaluate("[...document.querySelectorAll('#decide b, #decide img[src=x]')].length") == 0
    rows = saved(page, tmp_path / "labels.csv")
    cells = [cell for row in rows for cell in (row["id"], row["class"], row["by"])]
    assert not any(cell.startswith(("=", "-", "+", "@")) for cell in cells)
    found = decisions_on(run, tmp_path / "labels.csv")
    assert (len(found), set(found.by)) == (40, {'=1+1,"<b>'})
    data = load_dataset(str(folder / "photos"), labels=str(tmp_path / "labels.csv"))
    changed = run.labels != data.labels
    assert np.flatnonzero(changed).tolist() == sorted(found.at)
    assert data.labels[found.at].tolist() == found.labels.tolist()
    learnt = suspects(run, decided=str(tmp_path / "labels.csv"), pictures=False).ranked.set_index("id")
    assert (learnt.loc[found.of.ids[found.at], "p_wrong"] == 1).all()


def test_a_file_is_read_back_and_the_later_decision_stays(page: Page, tmp_path: Path) -> None:
    begin(page)
    press(page, "ks")
    rows = saved(page, tmp_path / "labels.csv")
    text = (tmp_path / "labels.csv").read_text("utf-8")
    page.keyboard.press("b")
    page.keyboard.press("b")
    assert page.locator("#decide-count").inner_text().startswith("0 of")

    def at(time: str) -> str:
        # a second may pass between two decisions
        return text.replace(rows[0]["time"], time).replace(rows[1]["time"], time)

    give(page, "clean.csv", at("").replace("Ada", ""))
    wait_for(page, "count", "^1 of")
    assert note(page).startswith("Took 1 decision from clean.csv, and left 1 that says keep")
    give(page, "labels.csv", text)
    wait_for(page, "count", "^2 of")
    assert note(page).startswith("Took 2 decisions from labels.csv.")
    later = at("2100-01-01T00:00:00Z").replace("Ada", "Bob").replace("keep", "drop")
    give(page, "later.csv", later)
    wait_for(page, "note-text", "^Took 2")
    give(page, "earlier.csv", at("2001-01-01T00:00:00Z"))
    wait_for(page, "note-text", "earlier.csv")
    assert note(page).startswith("Took 0 decisions from earlier.csv, and left 2")
    again = saved(page, tmp_path / "again.csv")
    assert [(row["action"], row["by"]) for row in again] == [("drop", "Bob"), ("relabel", "Bob")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda text, data: text.replace(data, "cats@0123456789ab"),
            "is of cats@0123456789ab, and",
        ),
        (lambda text, _: text.replace(",keep,", ",maybe,"), "the action maybe is unknown"),
        (lambda text, _: text.replace("id,label", "name,label"), "has no column id"),
    ],
)
def test_a_file_of_another_run_is_refused_by_name(
    page: Page, run: Run, tmp_path: Path, change: Callable[[str, str], str], why: str
) -> None:
    begin(page)
    press(page, "k")
    saved(page, tmp_path / "labels.csv")
    text = (tmp_path / "labels.csv").read_text("utf-8")
    give(page, "theirs.csv", change(text, data_version(run)))
    wait_for(page, "note-text", "^theirs.csv: ")
    assert why in note(page)
    if "cats" in why:
        assert note(page).startswith("theirs.csv: row 2: is of cats@0123456789ab")
        assert data_version(run) in note(page)
    assert page.locator("#decide-count").inner_text() == "1 of 100 suspects decided"


def test_five_hundred_decisions_change_little_of_the_page_each(page: Page) -> None:
    begin(page)
    press(page, "k" * 3)
    page.evaluate("""() => {
        window.changed = 0;
        new MutationObserver((all) => {
            for (const one of all) window.changed += one.addedNodes.length + one.removedNodes.length + 1;
        }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    }""")
    each = page.evaluate("""async () => {
        const each = [];
        let stopped = false;
        for (let i = 0; i < 500; i++) {
            window.changed = 0;
            const options = {key: "kdu"[i % 3], bubbles: true, cancelable: true};
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
            await new Promise((done) => setTimeout(done));
            each.push(window.changed);
            if (i === 96) {
                stopped = document.querySelector("#decide-done-title").checkVisibility();
                document.querySelector("#decide-done-more").click();
                await new Promise((done) => setTimeout(done));
            }
        }
        return stopped ? each : [];
    }""")
    assert page.locator("#decide-count").inner_text() == "68 of 100 suspects decided, 32 unsure; 403 beyond"
    assert max(each) < 120
    assert np.mean(each[-50:]) < 2 * np.mean(each[:50])


SMALL = """() => [
  ...document.querySelectorAll('#decide :is(button, input, select, .decide-file)')
].filter(e => {
  const box = e.getBoundingClientRect();
  if (!e.checkVisibility() || e.matches('[type=checkbox], [type=file]')) return false;
  return Math.min(box.width, box.height) < 43.9;
}).map(e => e.outerHTML.slice(0, 120))"""
WIDE = "() => Math.max(document.documentElement.scrollWidth, document.querySelector('#decide').scrollWidth)"


def test_a_thumb_reaches_all_of_it_on_a_phone(open_page: Any, folder: Path) -> None:
    size = {"width": 390, "height": 844}
    page = open_page(folder / "report.html", viewport=size, has_touch=True)
    page.locator("[data-decide-open]").tap()
    assert (page.evaluate(SMALL), page.evaluate(WIDE)) == ([], 390)
    page.locator("#decide-start").tap()
    assert (page.evaluate(SMALL), page.evaluate(WIDE)) == ([], 390)
    for act in ("keep", "take", "drop", "unsure", "back"):
        page.locator(f'[data-act="{act}"]').tap()
    page.locator("#decide-class").tap()
    assert page.locator("#decide-classes").is_visible()
    page.locator("#decide-classes [role=option]").nth(1).tap()
    assert page.locator("#decide-count").inner_text() == "4 of 100 suspects decided"
    page.locator("#decide-show-list").tap()
    assert (page.evaluate(SMALL), page.evaluate(WIDE)) == ([], 390)


def test_where_the_browser_keeps_nothing_it_says_so_once(open_page: Any, folder: Path) -> None:
    page = open_page(folder / "report.html")
    refuse = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
    page.add_init_script(refuse)
    page.reload()
    page.locator("[data-decide-open]").click()
    assert "keeps nothing for this page" in note(page)
    assert "so save labels.csv before" in note(page)
    page.locator("#decide-note-close").click()
    press(page, "kd")
    assert page.locator("#decide-count").inner_text() == "2 of 100 suspects decided"
    assert not page.locator("#decide-note").is_visible()
    page.evaluate("window.asked = new Event('beforeunload', {cancelable: true}); dispatchEvent(window.asked)")
    assert page.evaluate("window.asked.defaultPrevented")


def test_what_was_decided_on_a_copy_stands_with_the_other(page: Page) -> None:
    given = json.loads(page.locator("#decide-values").text_content() or "")
    place, (other, how) = next((int(at), copies[0]) for at, copies in given["copies"].items())
    assert how == "identical"
    begin(page)
    page.keyboard.press("l")
    for _ in range(place // 100):
        page.locator("#decide-list-after").click()
    page.locator("#decide-rows button").nth(place % 100).click()
    assert page.locator("#decide-copies").inner_text().endswith(": undecided")
    for width, height in ((1280, 800), (1024, 700), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(UNDER) >= 0, width
    page.keyboard.press("d")
    page.keyboard.press("l")
    for _ in range(other // 100 - page.locator("#decide-rows").evaluate(FIRST) // 100):
        page.locator("#decide-list-after").click()
    while other < page.locator("#decide-rows").evaluate(FIRST):
        page.locator("#decide-list-before").click()
    page.locator("#decide-rows button").nth(other % 100).click()
    assert page.locator("#decide-copies").inner_text().endswith(": dropped by Ada")
    page.locator("#decide-copies button").click()
    assert "dropped" in page.locator("#decide-so-text").inner_text()


# pixels between what stands beside an example and the buttons below it
UNDER = """() => {
  const of = name => document.getElementById(`decide-${name}`);
  const [one, copies, acts] = [of("one"), of("copies"), of("acts")];
  one.scrollTop = 0;
  if (getComputedStyle(acts).position === 'sticky') one.scrollTop = one.scrollHeight;
  return acts.getBoundingClientRect().top - copies.getBoundingClientRect().bottom;
}"""
FIRST = "rows => Number(rows.querySelector('.decide-row-number').textContent.replace(',', '')) - 1"


@pytest.mark.parametrize("name", ["decide", "blind"])
def test_a_file_is_gone_through_in_its_order(
    open_page: Any, folder: Path, run: Run, tmp_path: Path, name: str
) -> None:
    page = open_page(folder / f"{name}.html", accept_downloads=True)
    begin(page)
    assert page.locator("#decide-count").inner_text() == "1 of 3 decided"
    assert page.locator("#decide-near h4, #decide-faint:visible").count() == (name == "decide")
    press(page, "dk")
    assert page.locator("#decide-done").inner_text().startswith("All 3 of this list are decided.")
    assert not page.locator("#decide-done-more").is_visible()
    page.keyboard.press("b")
    rows = saved(page, tmp_path / "labels.csv", "audit.csv")
    assert "audit.csv" in page.locator("#decide-save").inner_text()
    assert "; easiness audit run --decided audit.csv says how many" in note(page)
    assert [from_cell(row["id"]) for row in rows] == [run.ids[at] for at in (9, 3, 6, 12)]
    assert [(row["action"], row["by"]) for row in rows] == [
        ("drop", "Ada"),
        ("keep", "Bob"),
        ("", ""),
        ("keep", "Bob"),
    ]
    assert {row["stratum"] for row in rows} == {"'=1+1", "known"}
    assert ("p_wrong" in rows[0]) == (name == "decide")
    assert decisions_on(run, tmp_path / "labels.csv").actions.tolist() == ["drop", "keep", "keep"]
    page.reload()
    begin(page)
    assert page.locator("#decide-count").inner_text() == "2 of 3 decided"


def test_two_people_see_who_said_what_and_are_merged(
    open_page: Any, folder: Path, run: Run, tmp_path: Path, command: Any
) -> None:
    evil = "<img src=x onerror=\"document.title='evil'\">: x"
    following = np.roll(run.classes, -1)[run.labels]
    said_by = {"=ann, or al": np.array(run.classes)[run.labels], "bob; jr": following, evil: ["unsure"] * NUM}
    votes = pd.concat([pd.DataFrame({"item": run.ids, "by": by, "label": of}) for by, of in said_by.items()])
    votes.to_csv(tmp_path / "votes.csv", index=False)
    consensus, audit, merged = (tmp_path / f"{name}.csv" for name in ("consensus", "audit", "merged"))
    making = ("labels", run.path, "--annotations", tmp_path / "votes.csv")
    assert command(*making, "-o", consensus).code == 0
    assert command("audit", consensus, "--looks", 4, "-o", audit).code == 0
    drawn = pd.read_csv(audit, dtype=str, keep_default_na=False)
    drawn.loc[2, "said"] = "al: <b>perhaps</b>; bob; jr: no"
    drawn.loc[3, "said"] = ""
    drawn.to_csv(audit, index=False)
    reading = ("report", run.path, "--decide", audit, "--data", folder / "photos", "-o")
    assert command(*reading, tmp_path / "page.html").code == 0
    files = []
    for name, keys in {"Ada": "kddk", "Bob": "kdku"}.items():  # they differ on the last two
        page = open_page(tmp_path / "page.html", accept_downloads=True)
        begin(page, name)
        own, other = (run.classes[(int(drawn["was"][0]) + step) % 4] for step in (0, 1))
        rows = page.locator("#decide-votes-list li")
        assert page.locator("#decide-votes-sum").inner_text() == f"3 said {own} ×1, {other} ×1, unsure ×1"
        assert [row.locator("bdi").all_text_contents() for row in rows.all()] == [
            *([own, "=ann, or al"], [other, "bob; jr"], ["unsure", evil])
        ]
        assert page.locator("#decide-votes-list .differs").all_text_contents() == [other]
        press(page, keys[:2])
        assert rows.all_text_contents() == [drawn["said"][2]]  # which cannot be told apart
        press(page, keys[2])
        assert page.locator("#decide-votes").is_hidden()
        press(page, keys[3])
        files.append(tmp_path / f"{name}.csv")
        saved(page, files[-1], "audit.csv")
        exported = pd.read_csv(files[-1], dtype=str, keep_default_na=False)
        for column in ("id", "order", "stratum", "draw", "said"):
            assert exported[column].tolist() == drawn[column].tolist()
        assert page.title().startswith("Labels to decide")
    assert command("labels", run.path, *files, "-o", merged).code == 0
    table = pd.read_csv(merged, dtype=str, keep_default_na=False)
    assert set(table["said"]) == {
        *("Ada: keep; Bob: keep", "Ada: drop; Bob: drop"),
        *("Ada: drop; Bob: keep", "Ada: keep; Bob: unsure"),
    }
    assert command("report", run.path, "--decide", merged, "-o", tmp_path / "third.html").code == 0
    page = open_page(tmp_path / "third.html", accept_downloads=True)  # a third looks at what is open
    begin(page, "Eve")
    assert page.locator("#decide-votes-sum").inner_text() == "2 said drop ×1, keep ×1"
    assert page.locator("#decide-votes-list .differs").all_text_contents() == ["drop"]
    press(page, "kk")
    saved(page, merged, "merged.csv")
    ended = command("audit", consensus, "--decided", merged, "--certificate", "-o", tmp_path / "c.html")
    assert (ended.code, ended.err) == (0, f"wrote {tmp_path / 'c.html'}\n")
    assert command(*making, "--decided", merged, "-o", consensus).code == 0
