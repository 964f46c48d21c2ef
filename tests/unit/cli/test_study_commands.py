from __future__ import annotations

import json

import pandas as pd
import pytest

from easiness import measure
from easiness.errors import BadInput
from easiness.spec import Drawing, options_of
from recording import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturb") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=4, recipe={"batch_size": 16}).path


def test_tables_figures_and_pictures(command, run, tmp_path):
    table, panel, patterns = tmp_path / "a.csv", tmp_path / "panel.png", tmp_path / "patterns.svg"
    done = command(
        "paper", "perturb", run, "--kind", "radial", "--levels", "2,1", "-o", table, "--panel", panel,
        "--patterns", patterns,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "noise ceiling" in done.out.replace("\n", " ")
    assert "examples that all 4 networks get right" in done.out
    assert "4 trials look at" in done.err
    assert done.err.splitlines()[-3:] == [f"wrote {one}" for one in (table, panel, patterns)]
    rows = pd.read_csv(table)
    assert len(rows) == 2 * 2 * 3
    assert set(rows.level) == {6, 2, 1}
    assert panel.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in patterns.read_bytes()


@pytest.mark.long
def test_the_same_again_looks_at_nothing_and_writes_the_same(command, run, tmp_path):
    arguments = [
        "paper",
        "perturb",
        run,
        "--kind",
        "shuffle",
        "--levels",
        "0.5",
        "--side",
        "hard",
        "--ties",
        "refine",
    ]
    first = command(*arguments, "-o", tmp_path / "a.json")
    again = command(*arguments, "-o", tmp_path / "b.json")
    assert first.out == again.out
    assert again.err == f"wrote {tmp_path / 'b.json'}\n"
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [(row["level"], row["side"], row["ties"]) for row in rows] == [
        (1.0, "hard", "refine"), (0.5, "hard", "refine"),
    ]  # fmt: skip


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
    assert text in refused("paper", "perturb", run, *options)


def test_runs_that_cannot_be_looked_at(refused, digits, command, tmp_path):
    assert "no such run" in refused("paper", "perturb", tmp_path / "none", "--kind", "color")
    bare = tmp_path / "bare"
    assert command(*digits(bare, "--trials", 1, "--no-weights")).code == 0
    assert "without --no-weights" in refused("paper", "perturb", bare, "--kind", "color")


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
    done = command("paper", "perturb", texts, *options)
    assert (done.code, done.out) == (2, "")
    assert text in done.err.replace("\n", " ")


STUDY = ["--model", "mlp_2_w16", "--rates", "0,0.3", "--policies", "easy,beta:1,3", "--repetitions", 1]
STUDY += ["--epochs", 1, "--precision", "float32", "--holdout", 0.2]


def read(name):
    return options_of(Drawing)[name][1].read


def test_lists_in_options():
    parse_rates, split_policies = read("rates"), read("policies")
    assert parse_rates("0, 0.3,.9") == (0, 0.3, 0.9)
    with pytest.raises(BadInput, match="--rates '0;1': give numbers"):
        parse_rates("0;1")
    assert split_policies("easy, beta:1,3,random") == ("easy", "beta:1,3", "random")
    assert split_policies("beta:0.5,2,beta:2,0.5") == ("beta:0.5,2", "beta:2,0.5")


@pytest.mark.parametrize(("name", "effect"), [("ablate", "drop"), ("corrupt", "relabel")])
def test_a_study(command, measured, tmp_path, name, effect):
    out = tmp_path / "out"
    finished = command(
        "paper", name, "digits", "--scores", measured, *STUDY, "--out", out, "-o", tmp_path / "a.csv"
    )
    assert finished.code == 0, finished.err
    assert "Accuracy of mlp_2_w16 on 20 held-out examples after epoch 1" in finished.out
    assert "3 runs with 3 trials, 0 of them finished" in finished.err
    assert f"wrote {tmp_path / 'a.csv'}" in finished.err.splitlines()
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["policy"].tolist() == ["easy", "easy", "hard", "hard"]  # Beta(1, 3) has a name
    assert table["rate"].tolist() == [0, 0.3, 0, 0.3]
    assert set(table["effect"]) == {effect}
    assert (out / f"{effect}-hard-0.30").is_dir()
    again = command(
        "paper",
        name,
        "digits",
        "--scores",
        measured,
        *STUDY,
        "--every-epoch",
        "--out",
        out,
        "-o",
        tmp_path / "a.json",
    )
    assert again.out == finished.out
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["accuracy"] for row in rows] == table["accuracy"].tolist()
    assert rows[0]["accuracy_sd"] is None


@pytest.mark.parametrize("name", ["ablate", "corrupt"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rates", "-0.1"], "rate -0.1: not in [0, 1)"),
        (["--rates", "many"], "--rates 'many'"),
        (["--policies", "beta:1"], "policy 'beta:1'"),
        (["--score", "entropy", "--keep", "top"], "policy 'easy': high entropy means unsure"),
        (["--score", "entropy", "--keep", "left"], "--keep"),
        (["--holdout", "0"], "hold a part out (--holdout 0.2)"),
        (["--limit", "50"], "leave --limit out"),
        (["--policies", "worst"], "'worst': unknown"),
        (["--scores", "none"], "none: no such run"),
        (["-o", "a.txt"], "end the name in .csv or .md or .json"),
    ],
)
def test_bad_input(refused, measured, tmp_path, name, options, said):
    line = refused("paper", name, "digits", "--scores", measured, *STUDY, "--out", tmp_path / "out", *options)
    assert said in line
    assert not (tmp_path / "out").exists()
