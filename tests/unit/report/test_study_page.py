from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from easiness.report.study_page import Illustration, Part, StudyPage, render_study
from easiness.show.section import Section
from easiness.studies.paper.claims import Claim, Statistic

EVIL = "<script>alert('cats & dogs')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;cats &amp; dogs&#39;)&lt;/script&gt;"
SVG = "<svg id='drawn'></svg>"


def statistic(low: float, high: float, name: str = "a rate") -> Statistic:
    return Statistic(name, (low + high) / 2, (low, high), "above", 0.2)


CLAIMS = [
    Claim("1", "sets match", "above 0.2", (statistic(0.3, 0.4), statistic(0.5, 0.6)), note="of two"),
    Claim("2", "so do others", "above 0.2", (statistic(0.0, 0.1),)),
    Claim("3", "who knows", "above 0.2", (Statistic("open", float("nan"), None, "above", 0.2),)),
    Claim("4", "elsewhere", "above 0.2", (), not_tested="only for photos"),
]


def page(text: str = "plain", claims: list[Claim] = CLAIMS) -> str:
    section = Section(text, text, [[text, "value"], [text, "1.0"], ["other", text]])
    parts = [
        Part("first", text, text, [Illustration(text, SVG)], [section]),
        Part("second", "Second", "", [Illustration(text, SVG, [section, section])]),
        Part("third", "Third"),
    ]
    return render_study(StudyPage(text, text, parts, claims))


class Balance(HTMLParser):
    """Finds elements that are closed in another order than they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, _attrs):
        if tag not in {"meta", "wbr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_elements_are_closed():
    balance = Balance()
    balance.feed(page())
    assert balance.open == []


def test_everything_given_is_escaped():
    evil = [
        Claim(EVIL, EVIL, EVIL, (statistic(0.3, 0.4, EVIL),), note=EVIL),
        Claim(EVIL, EVIL, EVIL, (), not_tested=EVIL),
    ]
    html = page(EVIL, evil)
    assert "<script" not in html
    # title, heading, subtitle, list of contents; the first part's title, lead and caption, the title of its
    # section where it opens and above the table, the note and three cells; the second's caption, the titles
    # of two sections, one note of both and their cells; of each claim id, text, condition and note or
    # reason, of one its id above the statistics and the name of one
    assert html.replace("<wbr>", "").count(ESCAPED) == 4 + 9 + 10 + 10
    assert "cats & dogs" not in html


def test_it_asks_nothing_of_the_network():
    html = page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for asking in ("http:", "https:", "<link", "<script", "@import", "url(", "<iframe"):
        assert asking not in html.split("<main", 1)[1], asking
        assert asking not in re.sub(r"<!--.*?-->", "", html), asking


def test_figures_are_in_the_page():
    html = page("alt text")
    assert html.count("<figure") == 2
    assert html.count(SVG) == 2
    assert html.count("<figcaption>alt text</figcaption>") == 2


def test_tables_are_folded_and_a_note_of_several_is_said_once():
    html = page("alt text")
    parts = html.split("<figcaption>")[1:]
    for part, tables in zip(parts, (1, 2), strict=True):
        folded = re.findall(r'<details class="folded">.*?</details>', part, re.S)
        assert len(folded) == 1
        assert part.count("<table") == folded[0].count("<table") == tables
        assert part.count('<p class="note">alt text</p>') == 1
    assert "<summary>Numbers: 2 tables</summary>" in parts[1]


def test_every_part_is_reached_from_the_contents():
    html = page()
    links = re.findall(r'<a href="#([^"]*)">', html)
    assert links == ["claims", "first", "second", "third"]
    for target in [*links, "content"]:
        assert html.count(f'id="{target}"') == 1
    assert re.findall(r'<section id="[^"]*" aria-labelledby="([^"]*)"', html) == [
        f"{link}-title" for link in links
    ]


def test_claims_have_their_verdict_and_what_decides_it():
    html = page()
    verdicts = re.findall(r'<p class="verdict ([a-z-]+)">([^<]*)</p>', html)
    assert verdicts == [
        ("holds", "Holds"),
        ("does-not-hold", "Does not hold"),
        ("undecided", "Undecided"),
        ("not-tested-here", "Not tested here"),
    ]
    for kind, _ in verdicts:
        assert f".verdict.{kind}" in html  # each has its color
    assert "Of 4 claims, 1 holds, 1 does not, 1 is undecided and 1 is not tested here." in html
    assert "Of 2 claims, 2 hold." in page(claims=[CLAIMS[0]] * 2)
    opened = re.findall(r"<summary>([^<]*)</summary>", html)
    assert opened[:3] == ["2 statistics", "1 statistic", "1 statistic"]
    rows = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", html, re.S)]
    shown = [re.sub(r"[|\s]+", " ", row).strip() for row in rows]
    assert "a rate 0.350 0.300 to 0.400 above 0.200" in shown
    assert "open above 0.200" in shown  # without a value and an interval
    assert "only for photos" in html
    assert "of two" in html


def test_a_page_without_claims_has_no_table_of_them():
    html = page(claims=[])
    assert 'id="claims"' not in html
    assert 'href="#claims"' not in html


@pytest.mark.parametrize("text", ["plain", EVIL])
def test_the_same_content_gives_the_same_page(text):
    assert page(text) == page(text)
