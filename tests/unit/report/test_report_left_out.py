from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, card, open_run, prune, write_report
from easiness.report.page import render_report
from easiness.report.run_part import left_out
from easiness.store import Run
from recording import believing, recorded

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
    assert (found.num_examples, found.num_right) == (6, 5)
    assert found.since == [("epoch 2", 4), ("epoch 1", 1)]
    earlier = left_out(run, 1)
    assert earlier is not None
    assert (earlier.num_right, earlier.since) == (2, [])  # 0 and 3


def test_what_would_be_dropped_is_what_prune_drops(record: Record) -> None:
    labels = np.arange(100) % 2
    run = record(believing(labels, 4, 2), labels)
    found = left_out(run, 2)
    assert found is not None
    assert [(one.share, one.num) for one in found.dropped] == [(0.1, 10), (0.3, 30), (0.5, 50)]
    votes = run.votes(2)
    for one in found.dropped:
        kept = prune(run, drop=one.share, policy="easy", epoch=2).kept
        assert one.num_right == int(votes.correct[:, ~kept].all(axis=0).sum())
        p_label = votes.p_label.mean(axis=0)
        assert one.confidence == pytest.approx((p_label[~kept].mean(), p_label[kept].mean()))
        assert one.confidence[0] > one.confidence[1]  # mainly easy ones go


def test_nothing_is_said_by_one_trial_or_where_none_is_right(record: Record) -> None:
    labels = np.arange(20) % 2
    one = record(_right(np.ones((1, 1, 20)), labels), labels, name="one")
    disagreeing = record(_right([np.ones((1, 20)), np.zeros((1, 20))], labels), labels, name="two")
    for run in (one, disagreeing):
        assert left_out(run, 1) is None
        assert "What can be left out" not in render_report([run])


@pytest.mark.long
def test_of_two_examples_one_is_called_easiest(record: Record, tmp_path: Path) -> None:
    run = record(_right(np.ones((4, 1, 2)), np.array([0, 1])), np.array([0, 1]))
    assert "easiest 25" in render_report([run])
    assert card(run, tmp_path / "card").path.is_dir()


def test_a_share_that_takes_a_whole_class_is_left_out(record: Record) -> None:
    labels = np.array([0] * 19 + [1])
    logits = _right(np.ones((2, 1, 20)), labels)
    found = left_out(record(logits, labels), 1)
    assert found is not None
    for one in found.dropped:  # the others are refused
        assert 19 in np.flatnonzero(prune(record(logits, labels, name=f"{one.share}"), drop=one.share).kept)


def test_the_commands_are_ones_that_can_be_typed(
    measured: Path, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = left_out(open_run(measured), 1)
    assert found is not None
    assert found.ablate is not None
    words = shlex.split(found.prune)
    monkeypatch.chdir(tmp_path)
    assert words[0] == "easiness"
    assert command(*words[1:]).code == 0
    assert (tmp_path / "kept.csv").read_text().count("\n") == 1 + 70
    words = shlex.split(found.ablate)
    assert words[:3] == ["easiness", "ablate", "digits"]
    assert words[words.index("--epoch") :][:2] == ["--epoch", "1"]
    assert words[words.index("--holdout") :][:2] == ["--holdout", "0.2"]
    page = render_report([open_run(measured)], epoch=1)
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert found.prune in text
    assert found.ablate in text


@pytest.mark.long
def test_a_run_recorded_in_python_has_no_data_to_train_on_again(record: Record) -> None:
    labels = np.arange(20) % 2
    run = record(_right(np.ones((2, 1, 20)), labels), labels)
    found = left_out(run, 1)
    assert found is not None
    assert found.ablate is None
    page = render_report([run])
    assert "easiness ablate</code> trains without some" in page


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
