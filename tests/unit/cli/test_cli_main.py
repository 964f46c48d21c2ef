from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import pytest

import easiness as ez
from easiness.cli.main import _command, sections_of
from easiness.commands import COMMANDS, OLD_NAMES, OLD_OPTIONS, PAPER, Group
from easiness.engine import find_study
from easiness.spec import OptionGroup


def test_help(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    finished = command("--help")
    assert (finished.code, finished.err) == (0, "")
    _, options, *groups = finished.out.rstrip().split("\n\n")[1:]
    for option in ("--version", "--debug"):
        assert option in options
    listed, columns = {}, set()
    for heading, *lines in (group.splitlines() for group in groups):
        listed[heading.removesuffix(":")] = [line.split()[0] for line in lines]
        for line in lines:  # fits a terminal whole
            assert len(line) <= 80
            assert line.endswith(".")
            assert not line.endswith("...")
            columns.add(line.index(line.split(maxsplit=1)[1]))
    assert len(columns) == 1
    # so each has a group, and each group commands
    assert tuple(listed) == get_args(Group)
    assert [name for names in listed.values() for name in names] == [*(one.name for one in COMMANDS), "paper"]
    of_the_paper = command("paper", "--help").out.split("Paper:\n")[1].splitlines()
    assert [f"paper {line.split()[0]}" for line in of_the_paper] == [one.name for one in PAPER]


@pytest.mark.parametrize("one", [*COMMANDS, *PAPER], ids=lambda one: one.name)
def test_the_list_of_commands_says_what_each_says_of_itself(one):
    study = find_study(one)
    assert (study.name, study.group, study.summary) == (one.name, one.group, one.summary)


@pytest.mark.parametrize("old", [one for one in OLD_NAMES if one != "perturb"])
def test_old_names_end_with_the_new_one(refused, old):
    assert refused(old, "x") == f"easiness: error: {old}: is `easiness {OLD_NAMES[old]}` now; type that\n"
    with pytest.raises(AttributeError, match=f"is easiness.{OLD_NAMES[old].replace(' ', '.')} now"):
        getattr(ez, old)


def test_paper_of_before_ends_with_paper_all(refused):
    assert "`easiness paper all digits`" in refused("paper", "digits", "--preset", "smoke")


@pytest.mark.parametrize(
    ("command_name", "old"), [("scores", "--epoch"), ("report", "--source"), ("diff", "--share")]
)
def test_old_options_end_with_the_new_one(refused, command_name, old):
    assert f"{old}: is {OLD_OPTIONS[old]} now; see `easiness {command_name} --help`" in refused(
        command_name, "x", old, "1"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"limit": 20}, "limit= is what load_dataset takes"),
        ({"batch_size": 8}, "batch_size= is the recipe's now"),
        ({"reliability": 0.9}, "reliability= goes with trials"),
    ],
)
def test_old_arguments_end_with_the_new_one(tmp_path, arguments, said):
    with pytest.raises(ez.BadInput, match=said):
        ez.measure("digits", out=tmp_path / "run", **arguments)


def test_no_function_has_more_than_24_parameters():
    functions = [getattr(ez, one.name) for one in COMMANDS]
    functions += [getattr(ez.paper, one.name.removeprefix("paper ")) for one in PAPER]
    for function in (*functions, ez.load_dataset, ez.open_run):
        assert len(inspect.signature(function).parameters) <= 24, function


@pytest.mark.parametrize("one", [*COMMANDS, *PAPER], ids=lambda one: one.name)
def test_the_help_of_a_command_is_in_groups_with_every_option(one):
    command = _command(one.name)
    context = command.make_context(one.name, [], resilient_parsing=True)
    sections = sections_of(command, context)
    told = [line for section in sections.values() for line in section]
    assert set(told) == {one.get_help_record(context) for one in command.get_params(context)}
    assert all(text in (*get_args(OptionGroup), "Arguments", "Options") for text in sections)
    if one.name == "measure":
        flags = [typed.split()[0] for typed, _ in sections["Options"]]
        most = ["--out", "--model", "--epochs", "--features", "--trials", "--limit", "--label"]
        assert flags == [*most, "--tags", "--dry-run", "--help"]
        assert tuple(sections) == ("Arguments", "Options", "Data", "Training", "Recording", "Machine")
        assert len(sections["Data"]) > 10


def test_version(command):
    finished = command("--version")
    assert (finished.code, finished.out) == (0, version("easiness") + "\n")


def test_no_argument_shows_the_help(command):
    assert command() == command("--help")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["mesure"], "'mesure'"),
        (["--verbose"], "--verbose"),
        (["measure"], "SOURCE"),
        (["measure", "digits"], "--out"),
        (["measure", "digits", "--out"], "--out"),
        (["measure", "digits", "more", "--out", "RUN"], "more"),
        (["measure", "digits", "--out", "RUN", "--trails", "3"], "--trails"),
        (["measure", "digits", "--out", "RUN", "--trials", "x"], "--trials"),
        (["measure", "digits", "--out", "RUN", "--train-share", "half"], "--train-share"),
        (["measure", "digits", "--out", "RUN", "--precision", "float16"], "'float16'"),
        (["measure", "digits", "--out", "RUN", "--executor", "pool"], "'pool'"),
        (["scores"], "RUN"),
        (["scores", "RUN", "--at", "last"], "--at"),
        (["scores", "RUN", "--top", "x"], "No such option: --top"),
        (["paper", "all"], "--out"),
        (["paper", "all", "--out", "RUN", "--preset", "tiny"], "'tiny'"),
    ],
)
def test_usage_errors_are_one_line(refused, tmp_path, arguments, named):
    out = tmp_path / "run"
    line = refused(*[out if argument == "RUN" else argument for argument in arguments])
    assert named in line
    words = arguments[: 2 if arguments[0] == "paper" else 1]
    asked = " ".join(["easiness", *(one for one in words if one not in ("mesure", "--verbose"))])
    assert line.endswith(f"; see `{asked} --help`\n")
    assert "Value error" not in line
    assert ".; see" not in line
    assert not out.exists()


def test_a_line_is_short_and_moves_no_cursor(refused, tmp_path):
    (tmp_path / "a.csv").write_text("image,label\n1,cat\n")
    line = refused(
        "measure", tmp_path / "a.csv", "--columns", "path=\x1b[2J\u202e" + "y" * 9999, "--out", "run"
    )
    assert "\\x1b[2J\\u202e" in line
    assert not any(mark in line for mark in "\x1b\u202e")
    assert len(line) < 3100


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback_too(tmp_path, command, place):
    arguments = ["scores", str(tmp_path / "none")]
    plain = command(*arguments)
    arguments.insert(place, "--debug")
    finished = command(*arguments)
    assert finished.code == 2
    assert finished.err.startswith("Traceback (most recent call last)")
    assert finished.err.endswith(plain.err)


def test_a_disk_error_anywhere_else_is_one_line(command, measured, monkeypatch):
    def unreadable(*_, **__):
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr("easiness.store.run.Run.scores", unreadable)
    finished = command("scores", measured)
    assert finished.code == 1
    assert finished.err == "easiness: error: somewhere: Permission denied\n"


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_an_interrupt_names_the_command_that_goes_on(command, measured, monkeypatch):
    monkeypatch.setattr("easiness.store.run.Run.scores", interrupted)
    finished = command("scores", measured, "-o", "my scores.csv")
    assert finished.code == 130
    assert finished.err.endswith(f"To go on: easiness scores {measured} -o 'my scores.csv'\n")


def test_a_reader_that_has_gone(measured):
    """As in ``easiness scores RUN | head -1``."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "easiness", "scores", str(measured)]
    finished = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (finished.returncode, finished.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["scores.txt", "scores", "none/scores.csv"])
def test_an_output_file_that_cannot_be(refused, measured, name, tmp_path):
    assert str(tmp_path / name) in refused("scores", measured, "-o", tmp_path / name)


def test_what_is_no_run(refused, tmp_path):
    for name in ("status", "scores", "compare"):
        assert f"{tmp_path / 'none'}: no such run" in refused(name, tmp_path / "none")
        assert f"{tmp_path}: not a run" in refused(name, tmp_path)


def test_a_run_without_a_trial(refused, command, digits, tmp_path, monkeypatch):
    monkeypatch.setattr("easiness.runs.trainer.run_trial", interrupted)
    assert command(*digits(tmp_path / "run")).code == 130
    assert "run: no trial is" in refused("scores", tmp_path / "run")
    assert command("status", tmp_path / "run").out.splitlines()[0].endswith("0 of 3 trials finished")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("paper", "hypothesis", "--out", ""), "--out '': is empty; give a value"),
        (("scores", "x", "--at", ""), "--at '': is empty; give a value, or leave it out"),
        (("report", "--blind", ""), "RUNS '': is empty; give a value"),
    ],
)
def test_what_is_empty_is_not_this_folder(refused, tmp_path, monkeypatch, given, said):
    monkeypatch.chdir(tmp_path)
    assert refused(*given) == f"easiness: error: {said}\n"
    assert not any(tmp_path.iterdir())


def test_what_only_looks_like_an_empty_option_is_read(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "-runs=: no such run" in refused("status", "--", "-runs=")


OPTIONS: dict[str, tuple[str, ...]] = {
    "scores": ("RUN", "-o", "OUT.csv"),
    "suspects": ("RUN", "--no-pictures", "-o", "OUT.md"),
    "labels": ("RUN", "-o", "OUT.csv"),
    "labels LABELS": ("RUN", "LABELS", "-o", "OUT.csv"),
    "audit": ("RUN", "-o", "OUT.csv"),
    "compare": ("RUN", "-o", "OUT.json"),
    "diff": ("OTHER", "RUN", "-o", "OUT.csv"),
    "keep": ("RUN", "--drop", "0.3", "--policy", "hard", "-o", "OUT.txt"),
    "keep STEPS": ("RUN", "--steps", "9", "-o", "OUT.csv"),
    "paper perturb": ("RUN", "--kind", "radial", "--levels", "2", "-o", "OUT.csv"),
    "report": ("RUN", "-o", "OUT.html"),
    "export": ("RUN", "--to", "csv", "-o", "OUT.csv"),
    "card": ("RUN", "-o", "OUT"),
}
OF_THEIR_OWN = {"verify", "next", "explain", *(one.name for one in PAPER if one.name != "paper all")}
"""Commands that train first, or need features: their own tests look at the line."""


def called(name: str) -> list[str]:
    """The words of a command; those in capitals only tell cases apart."""
    return [word for word in name.split() if word.islower()]


@pytest.mark.parametrize("name", OPTIONS)
def test_the_file_is_named_once_on_standard_error(
    name: str, command: Callable[..., Any], run_copy: Path, measured: Path, tmp_path: Path
) -> None:
    words = [word.replace("OUT", str(tmp_path / "my file")) for word in OPTIONS[name]]
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label,action\n20,0,drop\n")
    runs = {"RUN": run_copy, "OTHER": measured, "LABELS": labels}
    finished = command(*called(name), *[runs.get(word, word) for word in words])
    assert finished.code == 0, finished.err
    assert Path(words[-1]).exists()
    assert finished.err.splitlines().count(f"wrote {words[-1]}") == 1
    assert "wrote" not in finished.out


def test_no_command_with_an_output_is_left_out() -> None:
    having = {
        one.name
        for one in (*COMMANDS, *PAPER)
        if "output" in {param.name for param in _command(one.name).params}
    }
    assert having == {" ".join(called(name)) for name in OPTIONS} | OF_THEIR_OWN


OF_DECISIONS = {"labels", "labels LABELS", "audit"}
"""Commands that write decisions, the last without ``--decided`` alone."""


@pytest.mark.parametrize("name", [*sorted(OPTIONS.keys() - OF_DECISIONS - {"card"}), "audit --decided FILE"])
def test_no_other_result_is_written_over_decisions(
    name: str, refused: Callable[..., str], run_copy: Path, measured: Path, tmp_path: Path
) -> None:
    more = ["--decided", "FILE"] if "--decided" in name else []
    name = name.partition(" --")[0]
    *words, out = OPTIONS[name]
    file = (tmp_path / "labels").with_suffix(Path(out).suffix)
    held = "id;label; action ;by\n20;0;drop;J\u00fcrgen\n".encode("latin-1")
    file.write_bytes(held)
    given = {"RUN": run_copy, "OTHER": measured, "FILE": file}
    line = refused(*called(name), *[given.get(word, word) for word in (*words, "FILE", *more)])
    assert line == f"easiness: error: {file}: holds decisions of people; give another name for -o\n"
    assert file.read_bytes() == held


def test_a_list_of_a_rule_that_nobody_signed_is_written_over(measured: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,label,action\n")
    ez.export(ez.open_run(measured), "csv", file)
    assert "easiness" in file.read_text()
