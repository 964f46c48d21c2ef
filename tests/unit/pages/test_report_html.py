from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness import BadInput, compare, load_dataset, open_run
from easiness.pages.run_part import class_galleries, left_out
from easiness.pages.template import breakable
from easiness.show.text import whole_percent
from easiness.store import Run
from recording import believing, page_of, recorded, tagged_pictures

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>')
VOID = {"meta", "img", "input", "link", "br", "wbr", "rect", "path", "use"}


class Page:
    """A page as rows of table cells and what else the tests ask about."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"(<(script|style)\b[^>]*>).*?(</\2>)", r"\1\3", text, flags=re.DOTALL)
        opened: list[str] = []
        for end, tag, alone in re.findall(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>", text):
            if end:
                assert opened.pop() == tag
            elif not alone and tag not in VOID:
                opened.append(tag)
        assert opened == []
        self.tags = re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", text)
        self.ids = re.findall(r'\sid="([^"]*)"', text)
        self.links = [html.unescape(one) for one in re.findall(r'<a\b[^>]*?\shref="([^"]*)"', text)]
        self.images: list[dict[str, str]] = [
            {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', one)}
            for one in re.findall(r"<img\b([^>]*)>", text)
        ]
        shown = re.sub(r"<svg\b.*?</svg>", "", text, flags=re.DOTALL)
        self.text = _words(shown)
        self.headings = [
            (int(level), _words(one))
            for level, one in re.findall(r"<h([1-6])\b[^>]*>(.*?)</h\1>", shown, re.DOTALL)
        ]
        self.rows = [
            [_words(cell) for _, cell in re.findall(r"<(t[dh])\b[^>]*>(.*?)</\1>", row, re.DOTALL)]
            for row in re.findall(r"<tr\b[^>]*>(.*?)</tr>", shown, re.DOTALL)
        ]


def _words(shown: str) -> str:
    """The words of a part of a page; a name may go on in the next line behind a joint."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown.replace("<wbr>", ""))).split())


@pytest.fixture(scope="module")
def text(measured: Path) -> str:
    return page_of([open_run(measured)])


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


def test_headings_do_not_skip_a_level_and_links_lead_somewhere(page: Page, measured: Path) -> None:
    for one in (page, Page(page_of([open_run(measured)] * 2))):
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
    page = Page(page_of([run]))
    marks = []
    for gallery in class_galleries(run, run.votes(), run.scores(), per_side=10, max_classes=20):
        marks += [f"easy: {whole_percent(one['p_easy'])}" for one in gallery["easiest"]]
        marks += [f"hard: {whole_percent(one['p_hard'])}" for one in gallery["hardest"]]
    assert len(marks) == 2 * 2 * 10
    # a word on how to read them comes after the galleries
    found = re.findall(r"(?:easy|hard): [<>]?\d+ %", page.text)[: len(marks)]
    assert found == [" ".join(mark.split()) for mark in marks]


def test_several_runs_are_compared_as_in_table_1(record: Callable[..., Any]) -> None:
    labels = np.arange(60) % 3
    runs = [record(believing(labels, 10, 2, seed=seed), labels, name=f"run{seed}") for seed in (1, 2)]
    comparison = compare(runs)
    page = Page(page_of(runs))
    for side in ("easy", "hard"):
        for ties in ("expected", "refine"):
            cells = [comparison.cell(*pair, side, ties) for pair in ((0, 0), (0, 1), (1, 1))]
            texts = []
            for cell in cells:
                assert cell.groups is not None
                low, high = cell.groups.interval
                agreement = "" if math.isnan(cell.agreement.rate) else f" agreement {cell.agreement.rate:.2f}"
                texts.append(f"{cell.groups.rate:.2f} {low:.2f} to {high:.2f}{agreement}")
            assert ["run1", texts[0], texts[1], "0.10"] in page.rows
            assert ["run2", "–", texts[2], "0.10"] in page.rows
            every = cells[1].all_trials
            assert every is not None
            (row,) = (r for r in page.rows if r[:3] == [side, "run1 – run2", ties])
            assert row[-2:] == [f"{every.rate:.3f}", f"{every.tie_mass[0]:.3f}, {every.tie_mass[1]:.3f}"]
    assert "undecided" not in " ".join(cell for row in page.rows for cell in row)
    best = comparison.reliability[0].best("easy")
    assert f"easy set repeats best after epoch {best} ," in page.text


def test_one_trial_of_one_epoch_is_shown_and_said_so(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 10
    page = Page(page_of([record(believing(labels, 1, 1), labels)]))
    assert "One trial tells only right from wrong" in page.text
    assert "there is no noise ceiling" in page.text
    assert "One trial cannot be split into halves" in page.text


def test_names_are_escaped(record: Callable[..., Any]) -> None:
    labels = [0, 1] * 6
    ids = np.array([f"{i}/<b>&\"'{EVIL[0]}" for i in range(12)], object)
    run = record(believing(labels, 2, 2), labels, ids=ids, classes=EVIL)
    text = page_of([run])
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
    shown = [one for one in Page(page_of([run], data=data)).images if " of class " in one["alt"]]
    assert len(shown) == 40  # of the gallery; suspects are shown once more
    with pytest.raises(BadInput, match="not the data"):
        page_of([run], data=load_dataset("digits", limit=30))


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
    page = Page(page_of([record(np.eye(30)[[[named], [named]]], labels)]))
    assert "The 20 hardest of 30 classes are shown, the hardest first" in page.text
    shown = [heading for level, heading in page.headings if level == 3 and heading.isdigit()]
    assert shown == [str(label) for label in range(20)]


@pytest.mark.long
def test_where_nothing_can_be_matched_the_rest_is_shown(record: Callable[..., Any]) -> None:
    labels = np.arange(20) % 2
    right, wrong = 5 * np.eye(2)[labels], 5 * np.eye(2)[1 - labels]
    page = Page(page_of([record([[right], [wrong]], labels)]))  # no example is right in the second trial
    assert "Nothing can be matched here: epoch 1: no example is classified correctly" in page.text


def test_what_cannot_be_reported_is_refused(
    measured: Path, record: Callable[..., Any], tmp_path: Path
) -> None:
    run = open_run(measured)
    other = record(believing([0, 1] * 10, 2, 1), [0, 1] * 10)
    with pytest.raises(BadInput, match="over different data"):
        page_of([run, other])
    with pytest.raises(BadInput, match=r"epoch 3 .*recorded"):
        page_of([run], at=3)
    with pytest.raises(BadInput, match="runs: none was given"):
        page_of([])
    with pytest.raises(BadInput, match=r"the folder .* does not exist"):
        ez.report(run, tmp_path / "missing" / "report.html")


def test_the_epoch_asked_for_is_read(measured: Path) -> None:
    run = open_run(measured)
    counts = run.votes(1).correct.sum(axis=0)
    page = Page(page_of([run], at=1))
    assert f"{100 * (counts == 3).mean():.1f} % of the examples are right in all 3 trials" in page.text


def test_a_class_without_examples_has_no_shares(run_copy: Path) -> None:
    """None of our ways to measure leaves one, but a run that somebody else wrote may hold it."""
    document = json.loads((run_copy / "run.json").read_text())
    document["spec"]["data"]["classes"].append("nobody")
    (run_copy / "run.json").write_text(json.dumps({**document, "sha256": None}))
    (row,) = (row for row in Page(page_of([open_run(run_copy)])).rows if row[:2] == ["nobody", "0"])
    assert row[2:5] == ["", "", ""]


def test_a_page_of_many_runs_has_all_of_them_in_its_rates_and_judges_only_the_first(record, monkeypatch):
    most = 2
    labels = np.arange(12) % 3
    runs = [
        record(believing(labels, 3, 2, seed=at), labels, model=f"net_{at}", name=f"run_{at}")
        for at in range(4)
    ]
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr("easiness.pages.page._MOST_RUNS", most)
    monkeypatch.setattr("easiness.pages.page.tell", lambda *how: told.append(how))
    page = page_of(runs)
    assert told == [("judging examples and labels", done + 1, most) for done in range(most)]
    assert all(f"net_<wbr>{at}" in page for at in range(4))
    assert 'id="run2"' in page
    assert 'id="run3"' not in page
    assert "the first 2 of them in every other part" in page


Record = Callable[..., Run]


def _right(right: Any, labels: Any) -> Any:
    """Logits [trials, epochs, K, 2] that are right where they are told to be."""
    chosen = np.where(np.array(right, bool), labels, 1 - np.array(labels))
    return 3.0 * np.eye(2)[chosen]


def test_how_many_are_right_in_all_trials_and_since_when(record: Record) -> None:
    labels = np.array([0, 1, 0, 1, 0, 1])
    #          example  0  1  2  3  4  5
    first = [[1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1]]
    second = [[1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0]]
    run = record(_right([first, second], labels), labels)
    found = left_out(run, 3)
    assert found is not None
    # at the end all but 5; from epoch 2 on also not 3, which the first has wrong then; from 1 on only 0
    assert (found["num_examples"], found["num_right"]) == (6, 5)
    assert found["since"] == [("epoch 2", 4), ("epoch 1", 1)]
    earlier = left_out(run, 1)
    assert earlier is not None
    assert (earlier["num_right"], earlier["since"]) == (2, [])  # 0 and 3


def test_what_would_be_dropped_is_what_keep_drops(record: Record) -> None:
    labels = np.arange(100) % 2
    run = record(believing(labels, 4, 2), labels)
    found = left_out(run, 2)
    assert found is not None
    assert [(one["share"], one["num"]) for one in found["dropped"]] == [(0.1, 10), (0.3, 30), (0.5, 50)]
    votes = run.votes(2)
    for one in found["dropped"]:
        kept = ez.keep(run, drop=one["share"], policy="easy", at=2).kept_mask
        assert one["num_right"] == int(votes.correct[:, ~kept].all(axis=0).sum())
        p_label = votes.p_label.mean(axis=0)
        assert one["of_dropped"] == pytest.approx(p_label[~kept].mean())
        assert one["of_kept"] == pytest.approx(p_label[kept].mean())
        assert one["of_dropped"] > one["of_kept"]  # mainly easy ones go


def test_nothing_is_said_by_one_trial_or_where_none_is_right(record: Record) -> None:
    labels = np.arange(20) % 2
    one = record(_right(np.ones((1, 1, 20)), labels), labels, name="one")
    disagreeing = record(_right([np.ones((1, 20)), np.zeros((1, 20))], labels), labels, name="two")
    for run in (one, disagreeing):
        assert left_out(run, 1) is None
        assert "What can be left out" not in page_of([run])


def test_a_share_that_takes_a_whole_class_is_left_out(record: Record) -> None:
    labels = np.array([0] * 19 + [1])
    logits = _right(np.ones((2, 1, 20)), labels)
    found = left_out(record(logits, labels), 1)
    assert found is not None
    for share in (one["share"] for one in found["dropped"]):  # the others are refused
        kept = ez.keep(record(logits, labels, name=f"{share}"), drop=share, policy="easy").kept_mask
        assert 19 in np.flatnonzero(kept)


def test_the_commands_are_ones_that_can_be_typed(
    measured: Path, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = left_out(open_run(measured), 1)
    assert found is not None
    assert found["ablate"] is not None
    words = shlex.split(found["keep"])
    monkeypatch.chdir(tmp_path)
    assert words[0] == "easiness"
    assert command(*words[1:]).code == 0
    assert (tmp_path / "kept.csv").read_text().count("\n") == 1 + 70
    words = shlex.split(found["ablate"])
    assert words[:4] == ["easiness", "paper", "ablate", "digits"]
    assert words[words.index("--at") :][:2] == ["--at", "1"]
    assert words[words.index("--holdout") :][:2] == ["--holdout", "0.2"]
    page = page_of([open_run(measured)], at=1)
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert found["keep"] in text
    assert found["ablate"] in text


NUM = 40
CLASSES = ("<b>ant</b>", "bee")
LABELS = np.arange(NUM) % 2


def made(path, harder=(), labels=LABELS, classes=CLASSES):
    """Runs of confident trials with some noise, but for the examples that are ``harder``."""
    favor = 1.5 + np.random.default_rng(0).normal(0, 0.2, (4, NUM)) - 3 * np.isin(np.arange(NUM), harder)
    logits = favor[:, None, :, None] * np.eye(2)[labels]
    return recorded(path, logits.repeat(2, axis=1), labels, classes=classes, model="mine")


def test_the_page_says_what_changed_since(tmp_path):
    old, new = made(tmp_path / "old"), made(tmp_path / "new", harder=(0, 3))
    ez.report(new, tmp_path / "page.html", since=old)
    text = (tmp_path / "page.html").read_text()
    section = text.partition('<section id="changes"')[2].partition("</section>")[0].replace("\xa0", " ")
    assert "2 of 40 examples became harder and 0 easier (5.0 %); 0 came, 0 went." in section.replace(
        "\xa0", " "
    )
    assert '<a href="#changes">What changed</a>' in text
    assert "All 2: class" in " ".join(section.split())
    assert section.count("<li><figure>") == 2
    assert "&lt;b&gt;ant" in section
    assert "<b>ant</b>" not in text
    assert "Became harder" in section
    assert "Became easier" not in section
    (before, after) = re.findall(r"<span>(0\.\d+) → (0\.\d+)</span>", section)[0]
    assert float(before) > 0.7 > 0.3 > float(after)


@pytest.fixture(scope="module")
def renumbered(tmp_path_factory):
    """Runs over one set of pictures in two orders, ids being positions, and where the pictures are.

    In the new version position ``at`` has what was at ``NUM - 1 - at``; those at 0 and 3 became harder.
    """
    folder = tmp_path_factory.mktemp("renumbered")
    pixels = np.random.default_rng(0).integers(0, 255, (NUM, 8, 8, 1)).astype(np.uint8)
    np.savez(folder / "old.npz", x=pixels, y=LABELS)
    np.savez(folder / "new.npz", x=pixels[::-1], y=LABELS[::-1])
    names = ("0", "1")
    made(folder / "old", classes=names)
    made(folder / "new", harder=(0, 3), labels=LABELS[::-1], classes=names)
    return folder


@pytest.mark.long
def test_examples_are_found_by_pixels(renumbered, tmp_path, command):
    page = tmp_path / "page.html"
    new, old = renumbered / "new", renumbered / "old"
    sources = ["--data", f"{new}.npz", "--old-data", f"{old}.npz"]
    ended = command("report", new, "--since", old, "--by", "pixels", *sources, "-o", page)
    assert ended.code == 0, ended.err
    section = page.read_text().partition('<section id="changes"')[2].partition("</section>")[0]
    section = section.replace("\xa0", " ")
    assert "2 of 40 examples became harder and 0 easier" in section
    assert "examples matched by their values" in section
    assert "have another class" not in section
    assert section.count("data:image/png") == 2
    open_run(new).report(
        tmp_path / "same.html", since=open_run(old), by="pixels", data=f"{new}.npz", old_data=f"{old}.npz"
    )
    assert (tmp_path / "same.html").read_bytes() == page.read_bytes()

    command("report", new, "--since", old, "-o", page)
    assert "40 of the examples in both have another class" in page.read_text().replace("\xa0", " ")


def test_what_cannot_be_matched_is_said_in_a_line(renumbered, refused, tmp_path):
    new, old, page = renumbered / "new", renumbered / "old", ["-o", tmp_path / "page.html"]
    by_pixels = ["--since", old, "--by", "pixels", *page]
    assert "new: its data are" in refused("report", new, *by_pixels)
    assert "old: its data are" in refused("report", new, *by_pixels, "--data", f"{new}.npz")
    assert "--by pixels: is how" in refused("report", new, "--by", "pixels", *page)
    assert "it with --since" in refused("report", new, "--old-data", f"{old}.npz", *page)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    assert "is a study" in refused("report", tmp_path / "study", "--since", old, *page)
    assert not page[1].exists()


def test_it_is_of_one_run(tmp_path):
    old, new = made(tmp_path / "old"), made(tmp_path / "new", harder=(0,))
    with pytest.raises(BadInput, match="one run; give one instead of 2"):
        ez.report([new, new], tmp_path / "page.html", since=old)


def test_what_is_said_of_a_tag_with_html_in_its_name_is_said_once(tmp_path: Path) -> None:
    run, data = tagged_pictures(tmp_path / "run", ("<b>dog", "car", "owl"))
    text = ez.report(run, tmp_path / "page.html", data=data).read_text()
    reasons = re.findall('<span class="reason">(.*)</span>', text)
    assert "&lt;b&gt;dog is missing" in text
    assert reasons
    assert not any("dog is" in one for one in reasons)
