"""The section on what changed since another version of the data."""

from __future__ import annotations

import re

import numpy as np
import pytest

from easiness import BadInput, open_run, write_report
from recording import recorded

NUM = 40
CLASSES = ("<b>ant</b>", "bee")
LABELS = np.arange(NUM) % 2


def made(path, harder=(), labels=LABELS, classes=CLASSES):
    """Runs of confident trials with some noise, but for the examples that are ``harder``."""
    favor = [1.5 + np.random.default_rng(seed).normal(0, 0.2, NUM) for seed in range(4)]
    favor = np.array(favor) - 3 * np.isin(np.arange(NUM), harder)
    logits = favor[:, None, :, None] * np.eye(2)[labels]
    return recorded(path, logits.repeat(2, axis=1), labels, classes=classes, model="mine")


def test_the_page_says_what_changed_since(tmp_path):
    old, new = made(tmp_path / "old"), made(tmp_path / "new", harder=(0, 3))
    write_report([new], tmp_path / "page.html", since=old)
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
    sources = ["--source", f"{new}.npz", "--old-source", f"{old}.npz"]
    ended = command("report", new, "--since", old, "--by", "pixels", *sources, "-o", page)
    assert ended.code == 0, ended.err
    section = page.read_text().partition('<section id="changes"')[2].partition("</section>")[0]
    section = section.replace("\xa0", " ")
    assert "2 of 40 examples became harder and 0 easier" in section
    assert "examples matched by their values" in section
    assert "have another class" not in section
    assert section.count("data:image/png") == 2
    open_run(new).report(
        tmp_path / "same.html", since=open_run(old), by="pixels", source=f"{new}.npz", old_source=f"{old}.npz"
    )
    assert (tmp_path / "same.html").read_bytes() == page.read_bytes()

    command("report", new, "--since", old, "-o", page)
    assert "40 of the examples in both have another class" in page.read_text().replace("\xa0", " ")


def test_what_cannot_be_matched_is_said_in_a_line(renumbered, refused, tmp_path):
    new, old, page = renumbered / "new", renumbered / "old", ["-o", tmp_path / "page.html"]
    by_pixels = ["--since", old, "--by", "pixels", *page]
    assert "new: its data are" in refused("report", new, *by_pixels)
    assert "old: its data are" in refused("report", new, *by_pixels, "--source", f"{new}.npz")
    assert "--by pixels: is how" in refused("report", new, "--by", "pixels", *page)
    assert "it with --since" in refused("report", new, "--old-source", f"{old}.npz", *page)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    assert "is a study" in refused("report", tmp_path / "study", "--since", old, *page)
    assert not page[1].exists()


@pytest.mark.long
def test_without_another_version_there_is_no_such_section(tmp_path):
    write_report([made(tmp_path / "run")], tmp_path / "page.html")
    assert "What changed" not in (tmp_path / "page.html").read_text()


def test_it_is_of_one_run(tmp_path):
    old, new = made(tmp_path / "old"), made(tmp_path / "new", harder=(0,))
    with pytest.raises(BadInput, match="one run; give one instead of 2"):
        write_report([new, new], tmp_path / "page.html", since=old)
