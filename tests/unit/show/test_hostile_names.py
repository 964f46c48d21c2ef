from __future__ import annotations

import numpy as np

from easiness.show import Section, sections_text
from recording import recorded


def test_no_name_breaks_a_table():
    rows = [["id", "class"], ["a\nb", "cat\x1b[2J"], ["c", "dog"]]
    shown = sections_text([Section("of a\rb", "How it\nis read.", rows, ("Mind\x1bit.",))])
    assert shown.splitlines() == [
        r"of a\rb",
        r"Note: Mind\x1bit.",
        "",
        "How it is read.",
        "",
        "id         class",
        r"a\nb  cat\x1b[2J",
        "c            dog",
    ]


def test_status_says_each_thing_on_a_line_and_one_in_the_singular(command, tmp_path):
    run = recorded(tmp_path / "run", [2 * np.eye(2)[[0, 1, 1, 0]]], [0, 1, 1, 0], model="my\nnet").path
    first, _, *others = command("status", run).out.splitlines()
    assert first == rf"{run}: my\nnet, 1 trial finished"
    assert "trial 0: 1 epoch, accuracy train 1.000" in others
