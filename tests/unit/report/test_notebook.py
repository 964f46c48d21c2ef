"""What a notebook shows of a run."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

import easiness as ez
from easiness.store import Run

HOSTILE = "<script>$x$|"


def _facts(shown: str) -> dict[str, str]:
    rows = ET.fromstring(re.sub(r"<svg.*</svg>", "", shown, flags=re.DOTALL)).iter("tr")
    return {row[0].text: row[1].text for row in rows}  # type: ignore[misc]


def test_a_table_of_facts_and_a_figure(measured: Path):
    run = ez.open_run(measured)
    shown = run._repr_html_()
    facts = _facts(shown)
    assert facts["network"] == "mlp_3"
    assert facts["trials"] == "3"
    assert facts["folder"] == str(measured)
    assert facts["examples"].startswith("100 examples of 10 classes")
    assert re.fullmatch(r"0\.\d{3} ± 0\.\d{3}", facts["train accuracy after epoch 2"])
    assert shown.count("<svg") == 1
    assert "number of trials, of 3, that are right" in shown
    assert not re.search(r"(src|href)=\"(?!#)", shown)  # nothing is loaded
    ET.fromstring(shown)
    assert repr(run) == f"Run({str(measured)!r}, model='mlp_3', trials=3, epochs=2)"


def test_no_name_becomes_markup(record):
    run = record(np.zeros((1, 1, 2, 2)), [0, 1], name=HOSTILE, classes=(HOSTILE, "b"))
    shown = run._repr_html_()
    assert "<script" not in shown
    assert html.escape(HOSTILE) in shown
    assert "mathjax_ignore" in shown


def test_without_easiness_there_is_the_table_alone(record, tmp_path):
    wrong = np.array([[[[0.0, 1.0], [1.0, 0.0]]]])
    assert "<svg" not in record(wrong, [0, 1], name="wrong")._repr_html_()
    empty = ez.Recorder(tmp_path / "empty", ids=[1, 2], labels=[0, 1]).run
    assert _facts(empty._repr_html_())["trials"] == "none finished"


def test_a_run_writes_its_report(measured: Path, tmp_path: Path):
    run: Run = ez.open_run(measured)
    run.report(tmp_path / "a.html", epoch=1)
    ez.write_report([run], tmp_path / "b.html", epoch=1)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
