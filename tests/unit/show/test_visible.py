from __future__ import annotations

import numpy as np
import pytest

from easiness import Recorder
from easiness.show import Section, sections_text, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\tb", r"a\r\tb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x85\x7f", r"\x85\x7f"),
        ("\u2028\u202e", r"\u2028\u202e"),
        ("12\N{NO-BREAK SPACE}% ä \\ \N{OWL}", "12\N{NO-BREAK SPACE}% ä \\ \N{OWL}"),
    ],
)
def test_what_is_no_letter_is_shown(text, shown):
    assert visible(text) == shown


def test_no_name_breaks_a_table():
    rows = [["id", "class"], ["a\nb", "cat\x1b[2J"], ["c", "dog"]]
    shown = sections_text([Section("of a\nb", "How it\nis read.", rows)])
    assert shown.splitlines() == [
        r"of a\nb",
        "How it is read.",
        "",
        "id         class",
        r"a\nb  cat\x1b[2J",
        "c            dog",
    ]


def test_status_says_each_thing_on_a_line_and_one_in_the_singular(command, tmp_path):
    recorder = Recorder(tmp_path / "run", ids=range(4), labels=[0, 1, 1, 0], model="my\nnet")
    with recorder.trial(seed=0) as trial:
        trial.update(range(4), np.array([[2.0, 0], [0, 2], [0, 2], [2, 0]]))
        trial.end_epoch()
    first, _, *others = command("status", recorder.path).out.splitlines()
    assert first == rf"{recorder.path}: my\nnet, 1 trial finished"
    assert "trial 0: 1 epoch, accuracy train 1.000" in others
