"""Options of studies that a command reads by itself, and what it refuses; their results are on the pages."""

from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.spec import Drawing, options_of


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--kind", "radial", "--levels", "2;1"], "--levels '2;1': give numbers with commas"),
        (["--kind", "radial", "--pattern-level", "nan"], "level nan is not finite"),
        (["--kind", "color"], "--kind color: changes none of the 100 pictures at 0.75, 0.5, 0.25, 0;"),
        (["--kind", "radial", "-o", "a.txt"], "cannot tell the format"),
        (["--kind", "radial", "--panel", "a.csv"], "cannot tell the format"),
    ],
)
def test_perturbations_that_cannot_be_are_one_line(refused, run_copy, options, text):
    assert text in refused("paper", "perturb", run_copy, *options)


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
        (["--rates", "many"], "--rates 'many'"),
        (["--score", "entropy", "--keep", "left"], "--keep"),
        (["--scores", "none"], "none: no such run"),
        (["-o", "a.txt"], "end the name in .csv or .md or .json"),
    ],
)
def test_bad_input(refused, measured, tmp_path, name, options, said):
    line = refused("paper", name, "digits", "--scores", measured, *STUDY, "--out", tmp_path / "out", *options)
    assert said in line
    assert not (tmp_path / "out").exists()
