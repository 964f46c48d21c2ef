from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, RunFailed, load_dataset, open_run
from easiness.regular_file import shared
from easiness.report.page import render_report, write_report
from easiness.report.run_part import class_galleries
from easiness.report.template import breakable
from easiness.show.text import whole_percent
from easiness.studies.matching.outlook import outlook
from easiness.studies.matching.study import compare
from recording import believing

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>')
VOID = {"meta", "img", "input", "link", "br", "wbr", "rect", "path", "use"}


class Page(HTMLParser):
    """A page as rows of table cells and what else the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self._in_a_name = False  # behind a place where a line may break
        self.feed(text)
        assert self._open == [], self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self._in_a_name = tag == "wbr"
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "img":
            self.images.append(values)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"script", "style", "svg"} & set(self._open):
            return
        said = data.split()
        if self._in_a_name and said:
            self.words[-1] += said[0]
            self.words += said[1:]
        else:
            self.words += said
        if self.rows and {"td", "th"} & set(self._open):
            glue = "" if self._in_a_name else " "
            self.rows[-1][-1] = glue.join([self.rows[-1][-1], " ".join(said)]).strip()
        self._in_a_name = False
        if self._open and re.fullmatch("h[1-6]", self._open[-1]):
            self.headings[-1] = (self.headings[-1][0], data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def text(measured: Path) -> str:
    return render_report([open_run(measured)])


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_it_asks_nothing_of_the_network(text: str) -> None:
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= namespaces
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_only_our_script_may_run(text: str) -> None:
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL)
    inert = [kind for kind, _ in scripts if kind]
    assert inert == [f' type="application/json" id="{name}-values"' for name in ("map", "decide")]
    digests = [hashlib.sha256(text.encode()).digest() for kind, text in scripts if not kind]
    ours = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    allowed = dict(part.strip().split(" ", 1) for part in policy[1].split(";"))
    assert allowed == {
        "default-src": "'none'",
        "img-src": "data:",
        "media-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": " ".join(ours),
        "connect-src": "'none'",
    }


def test_the_same_run_gives_the_same_bytes(measured: Path, tmp_path: Path) -> None:
    write_report([open_run(measured)], tmp_path / "again.html")
    with shared(tmp_path):
        assert (tmp_path / "again.html").read_bytes() == render_report([open_run(measured)]).encode()


def test_headings_do_not_skip_a_level_and_links_lead_somewhere(page: Page, measured: Path) -> None:
    for one in (page, Page(render_report([open_run(measured)] * 2))):
        levels = [level for level, _ in one.headings]
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip([1, *levels[1:]], levels[1:], strict=False))
        assert len(set(one.ids)) == len(one.ids)
        assert {link.removeprefix("#") for link in one.links} <= set(one.ids)


def test_the_numbers_shown_are_those_computed(page: Page, measured: Path) -> None:
    run = open_run(measured)
    counts = run.votes().correct.sum(axis=0)
    assert f"{100 * (counts == 3).mean():.1f} % of the examples are right in all 3 trials" in page.text
    for level in range(4):
        number = int((counts == level).sum())
        assert [str(level), str(number), f"{number:.1f} %"] in [row[:3] for row in page.rows]
    accuracy = np.array([trial.document.accuracy["train"] for trial in run.trials])
    for epoch in (1, 2):
        expected = [
            str(epoch),
            f"{accuracy[:, epoch - 1].mean():.3f}",
            f"{accuracy[:, epoch - 1].std(ddof=1):.3f}",
        ]
        assert expected in page.rows
    ceiling = compare([run]).cell(0, 0, "hard", "refine").groups
    assert ceiling is not None
    assert math.isnan(ceiling.interval[0])  # groups of one trial have none
    row = ["hard", "refine", f"{ceiling.rate:.3f} undecided", ""]
    assert row in [found[:4] for found in page.rows]


def test_every_class_has_its_pictures(page: Page, measured: Path) -> None:
    ids = open_run(measured).ids
    named = [re.fullmatch(r"Example (\d+) of class \d", image["alt"] or "") for image in page.images]
    shown = [int(one[1]) for one in named if one]  # the others are of suspects
    assert set(shown) <= set(ids.tolist())
    assert len(shown) == 10 * 2 * 5  # ten examples a class: half of them on each side
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.images)


def test_no_membership_is_shown_of_fewer_than_five_trials(page: Page) -> None:
    of_three_trials = page.text[: page.text.index("How to read this page", 500)]
    assert not re.search(r"(?:easy|hard): [<>]?\d+ %", of_three_trials)


def test_every_example_says_how_sure_its_membership_is(record: Callable[..., Any]) -> None:
    labels = np.arange(100) % 2
    run = record(believing(labels, 6, 1), labels)
    page = Page(render_report([run]))
    marks = []
    difficulty = run.scores()["difficulty"].to_numpy()
    for gallery in class_galleries(run, run.votes(), difficulty, per_side=10, max_classes=20):
        marks += [f"easy: {whole_percent(one.p_easy)}" for one in gallery.easiest]
        marks += [f"hard: {whole_percent(one.p_hard)}" for one in gallery.hardest]
    assert len(marks) == 2 * 2 * 10
    # a word on how to read them comes after the galleries
    found = re.findall(r"(?:easy|hard): [<>]?\d+ %", page.text)[: len(marks)]
    assert found == [" ".join(mark.split()) for mark in marks]


def test_probabilities_are_never_quite_sure() -> None:
    assert [whole_percent(p).split() for p in (0.973, 0.995, 0.9901, 0.99, 0.004, 0.01)] == [
        ["97", "%"],
        [">99", "%"],
        [">99", "%"],
        ["99", "%"],
        ["<1", "%"],
        ["1", "%"],
    ]


@pytest.mark.long
def test_the_page_says_what_the_sets_hold_and_warns_where_they_still_change(
    record: Callable[..., Any],
) -> None:
    labels = np.arange(100) % 2
    rng = np.random.default_rng(0)
    favor = np.linspace(-2, 2, 100)[:, None] * np.eye(2)[labels]
    epochs = np.stack([favor, favor, favor, -favor])
    run = record(rng.normal(size=(12, 4, 100, 2)) + 2 * epochs, labels)
    ahead = outlook(run)
    assert len(ahead.warnings()) == 2
    page = Page(render_report([run]))
    for text in (*ahead.sentences(), *ahead.warnings()):
        assert " ".join(text.split())[1:] in page.text
    before = Page(render_report([run], epoch=3))
    assert "training after epoch 3 changed them" in before.text
    assert "training still changes them" not in before.text


def test_several_runs_are_compared_as_in_table_1(record: Callable[..., Any]) -> None:
    labels = np.arange(60) % 3
    runs = [record(believing(labels, 10, 2, seed=seed), labels, name=f"run{seed}") for seed in (1, 2)]
    comparison = compare(runs)
    page = Page(render_report(runs, comparison=comparison))
    for side in ("easy", "hard"):
        for ties in ("expected", "refine"):
            cells = [comparison.cell(*pair, side, ties) for pair in ((0, 0), (0, 1), (1, 1))]
            texts = []
            for cell in cells:
                assert cell.groups is not None
                low, high = cell.groups.interval
                agreement = "" if math.isnan(cell.agreement) else f" agreement {cell.agreement:.2f}"
                texts.append(f"{cell.groups.rate:.2f} {low:.2f} to {high:.2f}{agreement}")
            assert ["run1", texts[0], texts[1], "0.10"] in page.rows
            assert ["run2", "–", texts[2], "0.10"] in page.rows
            every = cells[1].all_trials
            assert every is not None
            (row,) = (r for r in page.rows if r[:3] == [side, "run1 – run2", ties])
            assert row[-2:] == [f"{every.rate:.3f}", f"{every.tie_mass[0]:.3f}, {every.tie_mass[1]:.3f}"]
    assert "undecided" not in " ".join(cell for row in page.rows for cell in row)
    best = comparison.reliability[0].best_epoch("easy")
    assert f"easy set repeats best after epoch {best} ," in page.text


def test_one_trial_of_one_epoch_is_shown_and_said_so(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 10
    page = Page(render_report([record(believing(labels, 1, 1), labels)]))
    assert "One trial tells only right from wrong" in page.text
    assert "there is no noise ceiling" in page.text
    assert "One trial cannot be split into halves" in page.text


@pytest.mark.long
def test_one_trial_beside_more_is_compared_by_all_trials(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 20
    runs = [record(believing(labels, n, 1, seed=n), labels, name=f"trials{n}") for n in (1, 4)]
    page = Page(render_report(runs))
    every = compare(runs).cell(0, 1, "easy", "expected").all_trials
    assert every is not None
    assert ["trials1", "none one trial", f"{every.rate:.2f} all trials", "0.10"] in page.rows


def test_names_are_escaped(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 6
    ids = np.array([f"{i}/<b>&\"'{EVIL[0]}" for i in range(12)], object)
    run = record(believing(labels, 2, 2), labels, ids=ids, classes=EVIL)
    text = render_report([run])
    assert EVIL[0] not in text
    assert EVIL[1] not in text
    page = Page(text)
    assert page.tags.count("script") == 4  # those of the map and of deciding: values and what draws them
    assert page.images == []
    assert {EVIL[0], EVIL[1]} <= {heading for _, heading in page.headings}
    assert "3/<b>&\"'<script>alert(1)</script>" in page.text


def test_pictures_come_from_the_source_that_is_named(record: Callable[..., Any]) -> None:
    data = load_dataset("digits", limit=40)
    logits = believing(data.labels, 2, 1)
    run = record(logits, data=data)
    shown = [one for one in Page(render_report([run], source=data)).images if " of class " in one["alt"]]  # type: ignore[operator]
    assert len(shown) == 40  # of the gallery; suspects are shown once more
    with pytest.raises(BadInput, match="not the data"):
        render_report([run], source=load_dataset("digits", limit=30))


def test_names_go_on_behind_their_joints() -> None:
    parts = {
        "cats/IMG_2021-07_the.final-copy.jpeg": "cats/|IMG_|2021-|07_|the.|final-|copy.jpeg",
        "0.66 and 1e-3 <b>": "0.66 and 1e-|3 &lt;b&gt;",
        "_private": "_private",
    }
    assert {name: "|".join(breakable(name).split("<wbr>")) for name in parts} == parts
    html = breakable("a_b")
    assert breakable(html) is html


def test_many_classes_are_counted_and_the_hardest_shown(record: Callable[..., Any]) -> None:
    labels = np.arange(90) % 30
    named = np.where(labels < 5, 29, labels)  # classes 0 to 4 are never right, the others always
    page = Page(render_report([record(np.eye(30)[[[named], [named]]], labels)]))
    assert "The 20 hardest of 30 classes are shown, the hardest first" in page.text
    shown = [heading for level, heading in page.headings if level == 3 and heading.isdigit()]
    assert shown == [str(label) for label in range(20)]


@pytest.mark.long
def test_where_nothing_can_be_matched_the_rest_is_shown(record: Callable[..., Any]) -> None:
    labels = np.arange(20) % 2
    right, wrong = 5 * np.eye(2)[labels], 5 * np.eye(2)[1 - labels]
    page = Page(
        render_report([record([[right], [wrong]], labels)])
    )  # no example is right in the second trial
    assert "Nothing can be matched here: epoch 1: no example is classified correctly" in page.text


def test_what_cannot_be_reported_is_refused(
    measured: Path, record: Callable[..., Any], tmp_path: Path
) -> None:
    run = open_run(measured)
    other = record(believing([0, 1] * 10, 2, 1), [0, 1] * 10)
    with pytest.raises(BadInput, match="over different data"):
        render_report([run, other])
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded"):
        render_report([run], epoch=3)
    with pytest.raises(BadInput, match="runs: none was given"):
        render_report([])
    with pytest.raises(RunFailed, match="cannot be written"):
        write_report([run], tmp_path / "missing" / "report.html")


def test_the_epoch_asked_for_is_read(measured: Path) -> None:
    run = open_run(measured)
    counts = run.votes(1).correct.sum(axis=0)
    page = Page(render_report([run], epoch=1))
    assert f"{100 * (counts == 3).mean():.1f} % of the examples are right in all 3 trials" in page.text


def test_a_class_without_examples_has_no_shares(run_copy: Path) -> None:
    """None of our ways to measure leaves one, but a run that somebody else wrote may hold it."""
    document = json.loads((run_copy / "run.json").read_text())
    document["spec"]["data"]["classes"].append("nobody")
    (run_copy / "run.json").write_text(json.dumps({**document, "sha256": None}))
    (row,) = (row for row in Page(render_report([open_run(run_copy)])).rows if row[:2] == ["nobody", "0"])
    assert row[2:5] == ["", "", ""]


def test_a_page_of_many_runs_has_all_of_them_in_its_rates_and_judges_only_the_first(record, monkeypatch):
    most = 2
    labels = np.arange(12) % 3
    runs = [
        record(believing(labels, 3, 2, seed=at), labels, model=f"net_{at}", name=f"run_{at}")
        for at in range(4)
    ]
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr("easiness.report.page._MOST_RUNS", most)
    monkeypatch.setattr("easiness.report.page.tell", lambda *how: told.append(how))
    page = render_report(runs)
    assert told == [("judging examples and labels", done + 1, most) for done in range(most)]
    assert all(f"net_<wbr>{at}" in page for at in range(4))
    assert 'id="run2"' in page
    assert 'id="run3"' not in page
    assert "the first 2 of them in every other part" in page
