from __future__ import annotations

import json

import pandas as pd
import pytest

from easiness import measure
from recording import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturb") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=4, recipe={"batch_size": 16}).path


def test_tables_figures_and_pictures(command, run, tmp_path):
    table, panel, patterns = tmp_path / "a.csv", tmp_path / "panel.png", tmp_path / "patterns.svg"
    done = command(
        "perturb", run, "--kind", "radial", "--levels", "2,1", "-o", table, "--panel", panel,
        "--patterns", patterns,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "noise ceiling" in done.out.replace("\n", " ")
    assert "examples that all 4 networks get right" in done.out
    assert "4 trials look at" in done.err
    rows = pd.read_csv(table)
    assert len(rows) == 2 * 2 * 3
    assert set(rows.level) == {6, 2, 1}
    assert panel.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in patterns.read_bytes()


@pytest.mark.long
def test_the_same_again_looks_at_nothing_and_writes_the_same(command, run, tmp_path):
    arguments = ["perturb", run, "--kind", "shuffle", "--levels", "0.5", "--side", "hard", "--ties", "refine"]
    first = command(*arguments, "-o", tmp_path / "a.json")
    again = command(*arguments, "-o", tmp_path / "b.json")
    assert first.out == again.out
    assert again.err == f"wrote {tmp_path / 'b.json'}\n"
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [(row["level"], row["side"], row["ties"]) for row in rows] == [
        (1.0, "hard", "refine"), (0.5, "hard", "refine"),
    ]  # fmt: skip
    for suffix in ("svg", "png", "md"):
        files = [tmp_path / f"{name}.{suffix}" for name in "ab"]
        for file in files:
            assert command(*arguments, "-o", file).code == 0
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--kind", "color", "--levels", "0,1.5"], "color alpha 1.5: not in [0, 1]"),
        (["--kind", "shuffle", "--levels", "0"], "shuffle tile 0.0: not in (0, 1]"),
        (["--kind", "radial", "--levels", "-1"], "radial radius -1.0: negative"),
        (["--kind", "radial", "--levels", "2;1"], "--levels '2;1': give numbers with commas"),
        (["--kind", "radial", "--pattern-level", "nan"], "level nan is not finite"),
        (["--kind", "blur"], "perturbation 'blur': unknown"),
        (["--kind", "no.module:blur"], "there is no module"),
        (["--kind", "color", "--fraction", "0"], "fraction 0.0: not in (0, 1]"),
        (["--kind", "color", "--seed", "-1"], "seed -1: negative"),
        (["--kind", "color"], "--kind color: changes none of the 400 pictures at 0.75, 0.5, 0.25, 0;"),
        (["--kind", "color", "-o", "a.txt"], "cannot tell the format"),
        (["--kind", "color", "--panel", "a.csv"], "cannot tell the format"),
    ],
)
def test_what_cannot_be_done_is_one_line(refused, run, options, text):
    assert text in refused("perturb", run, *options)


def test_runs_that_cannot_be_looked_at(refused, digits, command, tmp_path):
    assert "no such run" in refused("perturb", tmp_path / "none", "--kind", "color")
    bare = tmp_path / "bare"
    assert command(*digits(bare, "--trials", 1, "--no-weights")).code == 0
    assert "without --no-weights" in refused("perturb", bare, "--kind", "color")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("perturb_texts")
    rows = [f'"{("red" if at % 2 else "blue")} fish number {at}, or is it?",{at % 2}' for at in range(40)]
    (folder / "fish.csv").write_text("\n".join(["text,label", *rows]))
    source = folder / "fish.csv"
    return measure(source, model="bag", trials=2, epochs=2, out=folder / "run", progress=False).path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--kind", "color"], "'color': does not fit examples of kind text; give one of order, case"),
        (["--kind", "order", "--levels", "1,2.5"], "order window 2.5: no whole number of words"),
        (["--kind", "order", "--levels", "all"], "--levels 'all': give numbers with commas"),
        (["--kind", "case", "--levels", "2"], "case share 2.0: not in [0, 1]"),
    ],
)
def test_what_is_refused_of_texts(command, texts, options, text):
    done = command("perturb", texts, *options)
    assert (done.code, done.out) == (2, "")
    assert text in done.err.replace("\n", " ")


def test_perturbations_of_texts_are_refused_of_pictures(command, run):
    done = command("perturb", run, "--kind", "order")
    assert done.code == 2
    assert "'order': does not fit examples of kind image; give one of color, radial, shuffle" in done.err
