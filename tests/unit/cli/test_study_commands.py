from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.spec import Drawing, options_of
from recording import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("perturb") / "run"
    return small_run(out, limit=200, holdout=0.25, trials=4, epochs=4, recipe={"batch_size": 16}).path


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
