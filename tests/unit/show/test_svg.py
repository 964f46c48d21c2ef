from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from easiness.show.svg import EASY, EASY_WASH, INK, ON_WASH, new_axes, picture_bytes, to_svg


def _figure(key: str) -> str:
    figure, axes = new_axes(3, 2)
    axes.plot([0, 1], [0, 1], color=EASY, label="a <b> & c")
    axes.set(xlabel="plain words", xlim=(0.2, 0.8))
    axes.legend(labelcolor=INK)
    return to_svg(figure, key=key, label='says "this" & that')


def test_it_is_one_element_with_its_label() -> None:
    root = ElementTree.fromstring(_figure("one"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'says "this" & that'
    assert root.get("width") is None
    assert re.fullmatch(r"--width:\d+px;--least:\d+px", root.get("style") or "")
    assert not list(root.iter("{http://www.w3.org/2000/svg}style"))


def test_no_name_breaks_a_figure_or_is_warned_of() -> None:
    names = ["\x1b[2J\x00\x9f", "\uffff\u754c", "a\nb\x85", "$\\frac{$"]
    figure, axes = new_axes(3, 2)
    axes.bar(names, range(4))
    axes.set_title("".join(names))
    ElementTree.fromstring(to_svg(figure, key="one", label="".join(names)))
    ElementTree.fromstring(picture_bytes(figure, ".svg"))
    for suffix in (".png", ".pdf"):
        picture_bytes(figure, suffix)


def test_text_stays_text_and_is_escaped() -> None:
    svg = _figure("one")
    assert "plain words</text>" in svg
    assert "a &lt;b&gt; &amp; c</text>" in svg


def test_colors_follow_the_page() -> None:
    svg = _figure("one")
    assert f"var(--easy, {EASY})" in svg
    assert f"var(--plot-ink, {INK})" in svg
    assert re.search(rf"(?<!, ){EASY}", svg) is None


def test_two_figures_share_no_id_and_references_hold() -> None:
    one, two = _figure("one"), _figure("two")
    ids = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])
    for svg, known in zip((one, two), ids, strict=True):
        used = re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", svg)
        assert used
        assert {a or b for a, b in used} <= known


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert _figure("one") == _figure("one")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_has_the_same_bytes_whenever_it_is_written(suffix, monkeypatch):
    def drawn():
        figure, axes = new_axes(3, 2)
        axes.plot([0, 1], [1, 0], color=EASY, label="one")
        return picture_bytes(figure, suffix)

    before = drawn()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # what matplotlib takes for the time
    assert drawn() == before


def test_shades_keep_their_color_and_the_words_on_them_follow_the_page() -> None:
    figure, axes = new_axes(3, 2)
    axes.bar([0], [1], color=(EASY_WASH, 0.5))
    axes.text(0, 0.5, "on it", color=ON_WASH)
    svg = to_svg(figure, key="one", label="a bar")
    assert f"fill: {EASY_WASH}; fill-opacity: 0.5" in svg
    assert f"fill: var(--plot-on-wash, {ON_WASH})" in svg
