from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from easiness.report.study_page import Illustration, Part, StudyPage, render_study
from easiness.show.section import Section
from easiness.studies.paper.claims import Claim, Statistic

EVIL = "<script>alert('cats & dogs')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;cats &amp; dogs&#39;)&lt;/script&gt;"
PNG = b"\x89PNG, or so"


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
        Part("first", text, text, [Illustration(text, text, png=PNG)], [section]),
        Part("second", "Second", "", [Illustration(text, text, svg="<svg id='drawn'></svg>")]),
        Part("third", "Third"),
    ]
    return render_study(StudyPage(text, text, parts, claims))


class Balance(HTMLParser):
    """Finds elements that are closed in another order than they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, _attrs):
        if tag not in {"meta", "img"}:
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
    # title, heading, subtitle, list of contents; the first part's title, lead, picture, caption, section
    # with its label, note and three cells; the second's caption; of each claim id, text, condition and
    # note or reason, and the name of a statistic
    assert html.count(ESCAPED) == 4 + 10 + 1 + 9
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
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}" alt="alt text">' in html
    assert "<svg id='drawn'></svg>" in html
    assert html.count("<figcaption>alt text</figcaption>") == 2


def test_every_part_is_reached_from_the_contents():
    html = page()
    links = re.findall(r'<a href="#([^"]*)">', html)
    assert links == ["claims", "first", "second", "third"]
    for target in [*links, "content"]:
        assert html.count(f'id="{target}"') == 1
    assert re.findall(r'aria-labelledby="([^"]*)"', html) == [f"{link}-title" for link in links]


def test_claims_have_their_verdict_and_what_decides_it():
    html = page()
    verdicts = re.findall(r'<td class="verdict ([a-z-]+)">([^<]*)</td>', html)
    assert verdicts == [
        ("holds", "holds"),
        ("does-not-hold", "does not hold"),
        ("undecided", "undecided"),
        ("not-tested-here", "not tested here"),
    ]
    for kind, _ in verdicts:
        assert f".verdict.{kind}" in html  # each has its color
    assert "1 holds, 1 does not hold, 1 undecided, 1 not tested here." in html
    assert re.findall(r"<summary>([^<]*)</summary>", html) == ["2 statistics", "1 statistic", "1 statistic"]
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
