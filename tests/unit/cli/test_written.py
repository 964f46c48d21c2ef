"""What was written to ``-o`` is said in one way, on standard error, by every command that has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import easiness as ez
from easiness.cli.main import _COMMANDS

OPTIONS: dict[str, tuple[str, ...]] = {
    "scores": ("RUN", "-o", "OUT.csv"),
    "suspects": ("RUN", "--no-pictures", "-o", "OUT.md"),
    "clean": ("RUN", "-o", "OUT.csv"),
    "decisions": ("RUN", "LABELS", "-o", "OUT.csv"),
    "audit": ("RUN", "-o", "OUT.csv"),
    "compare": ("RUN", "-o", "OUT.json"),
    "diff": ("OTHER", "RUN", "-o", "OUT.csv"),
    "prune": ("RUN", "--drop", "0.3", "--policy", "hard", "-o", "OUT.txt"),
    "curriculum": ("RUN", "--num-steps", "9", "-o", "OUT.csv"),
    "perturb": ("RUN", "--kind", "radial", "--levels", "2", "-o", "OUT.csv"),
    "report": ("RUN", "-o", "OUT.html"),
    "export": ("RUN", "--to", "csv", "-o", "OUT.csv"),
    "card": ("RUN", "-o", "OUT"),
}
OF_THEIR_OWN = {"ablate", "corrupt", "validate", "verify", "worth", "patterns"}
"""Commands that train first, or need features: their own tests look at the line."""


@pytest.mark.parametrize("name", OPTIONS)
def test_the_file_is_named_once_on_standard_error(
    name: str, command: Callable[..., Any], run_copy: Path, measured: Path, tmp_path: Path
) -> None:
    words = [word.replace("OUT", str(tmp_path / "my file")) for word in OPTIONS[name]]
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label,action\n20,0,drop\n")
    runs = {"RUN": run_copy, "OTHER": measured, "LABELS": labels}
    finished = command(name, *[runs.get(word, word) for word in words])
    assert finished.code == 0, finished.err
    assert Path(words[-1]).exists()
    assert finished.err.splitlines().count(f"wrote {words[-1]}") == 1
    assert "wrote" not in finished.out


def test_so_are_pictures_beside_the_result(command: Callable[..., Any], run_copy: Path) -> None:
    panel, patterns = run_copy / "panel.png", run_copy / "patterns.png"
    asked = ("perturb", run_copy, "--kind", "radial", "--levels", "2", "--panel", panel)
    said = command(*asked, "--patterns", patterns).err.splitlines()
    assert said[-2:] == [f"wrote {panel}", f"wrote {patterns}"]


def test_scores_of_a_card_that_was_applied(
    command: Callable[..., Any], measured: Path, tmp_path: Path
) -> None:
    card, file = tmp_path / "card", tmp_path / "scores.csv"
    command("card", measured, "-o", card)
    assert f"wrote {file}" in command("card", "--apply", card, "digits", "-o", file).err.splitlines()


def test_no_command_with_an_output_is_left_out() -> None:
    having = {one.__name__ for one in _COMMANDS if "output" in inspect.signature(one).parameters}
    assert having == {*OPTIONS, *OF_THEIR_OWN}


OF_DECISIONS = {"clean", "decisions", "audit"}
"""Commands that write decisions, the last without ``--decided`` alone."""


@pytest.mark.parametrize("name", [*sorted(OPTIONS.keys() - OF_DECISIONS - {"card"}), "audit --decided FILE"])
def test_no_other_result_is_written_over_decisions(
    name: str, refused: Callable[..., str], run_copy: Path, measured: Path, tmp_path: Path
) -> None:
    name, *more = name.split()
    *words, out = OPTIONS[name]
    file = (tmp_path / "labels").with_suffix(Path(out).suffix)
    held = "id;label; action ;by\n20;0;drop;J\u00fcrgen\n".encode("latin-1")
    file.write_bytes(held)
    given = {"RUN": run_copy, "OTHER": measured, "FILE": file}
    line = refused(name, *[given.get(word, word) for word in (*words, "FILE", *more)])
    assert line == f"easiness: error: {file}: holds decisions of people; give another name for -o\n"
    assert file.read_bytes() == held


def test_nor_does_a_page_or_an_export_made_in_python(measured: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,label,action,by\n")
    run = ez.open_run(measured)
    with pytest.raises(ez.BadInput, match="holds decisions of people"):
        ez.write_report([run], file)
    with pytest.raises(ez.BadInput, match="holds decisions of people"):
        ez.export(run, "csv", file)
    file.write_text("id,label,action\n")  # of a rule: nobody signs
    ez.export(run, "csv", file)
