"""The section on what changed since another version of the data."""

from __future__ import annotations

import re

import numpy as np
import pytest

from easiness import BadInput, Recorder, write_report

NUM = 40
CLASSES = ("<b>ant</b>", "bee")


def recorded(path, harder=()):
    """Runs of confident trials with some noise, but for the examples that are ``harder``."""
    labels = np.arange(NUM) % 2
    recorder = Recorder(path, ids=np.arange(NUM), labels=labels, classes=CLASSES, model="mine")
    for seed in range(4):
        given = np.zeros((NUM, 2))
        given[np.arange(NUM), labels] = 1.5 + np.random.default_rng(seed).normal(0, 0.2, NUM)
        given[list(harder), labels[list(harder)]] -= 3
        with recorder.trial(seed=seed) as trial:
            for _ in range(2):
                trial.update(np.arange(NUM), given)
                trial.end_epoch()
    return recorder.run


def test_the_page_says_what_changed_since(tmp_path):
    old, new = recorded(tmp_path / "old"), recorded(tmp_path / "new", harder=(0, 3))
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
    (before, after) = re.search(r"<span>(0\.\d+) → (0\.\d+)</span>", section).groups()
    assert float(before) > 0.7 > 0.3 > float(after)


def test_without_another_version_there_is_no_such_section(tmp_path):
    write_report([recorded(tmp_path / "run")], tmp_path / "page.html")
    assert "What changed" not in (tmp_path / "page.html").read_text()


def test_it_is_of_one_run(tmp_path):
    old, new = recorded(tmp_path / "old"), recorded(tmp_path / "new", harder=(0,))
    with pytest.raises(BadInput, match="is compared with one run, and 2 were given"):
        write_report([new, new], tmp_path / "page.html", since=old)
