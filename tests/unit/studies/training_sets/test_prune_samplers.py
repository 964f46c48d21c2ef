from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import easiness as ez
from easiness.analysis import draw_by_beta, draw_for_coverage
from easiness.errors import BadInput


@pytest.fixture(scope="module")
def run(measured: Path) -> ez.Run:
    """100 digits, ten of each class."""
    return ez.open_run(measured)


def dropped(pruned) -> list[int]:
    return np.flatnonzero(~pruned.kept).tolist()


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("aum", None, 1), ("el2n", None, -1), ("variability", "top", -1), ("variability", "bottom", 1)],
)
@pytest.mark.parametrize(("policy", "cut"), [("ccs", 0.0), ("ccs:0.1", 0.1)])
def test_coverage_by_any_score(run, score, keep, sign, policy, cut):
    pruned = ez.prune(run, drop=0.4, policy=policy, score=score, keep=keep, seed=3)
    scores = run.scores()
    values = sign * scores[score].to_numpy()
    expected = draw_for_coverage(
        values, 0.4, refine_by=scores["loss"].to_numpy(), ids=run.ids, cut=cut, seed=3
    )
    assert dropped(pruned) == expected.tolist()
    assert pruned.policy == f"ccs:{cut:g}"
    note = pruned.sections()[0].note
    first = "10% as the hardest, then " if cut else ""
    assert f"those that CCS leaves out ({first}all but the same number of each stratum), by " in note
    assert f"by {score}" in note


@pytest.mark.parametrize(
    ("score", "keep", "sign"),
    [("aum", None, -1), ("el2n", None, 1), ("variability", "top", 1), ("variability", "bottom", -1)],
)
@pytest.mark.parametrize(("policy", "exponent"), [("dual", 4), ("dual:5.5", 5.5)])
def test_beta_sampling_by_any_score(run, score, keep, sign, policy, exponent):
    pruned = ez.prune(run, drop=0.3, policy=policy, score=score, keep=keep, seed=3)
    scores = run.scores()
    expected = draw_by_beta(
        sign * scores[score].to_numpy(),
        scores["confidence"].to_numpy(),
        0.3,
        ids=run.ids,
        exponent=exponent,
        seed=3,
    )
    assert dropped(pruned) == expected.tolist()
    assert pruned.policy == f"dual:{exponent:g}"
    assert f"Beta sampling as in DUAL leaves out (c_D = {exponent:g})" in pruned.sections()[0].note


@pytest.mark.parametrize("policy", ["ccs", "dual"])
def test_balanced_over_classes(run, policy):
    pruned = ez.prune(run, drop=0.7, policy=policy, balanced=True)
    assert (pruned.by_class()["kept"] == 3).all()
    assert not np.array_equal(pruned.kept, ez.prune(run, drop=0.7, policy=policy, balanced=True, seed=1).kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"policy": "ccs:x"},
            "policy 'ccs:x': give a share of the examples to cut away first, such as ccs:0.1",
        ),
        ({"policy": "ccs:-1"}, "policy 'ccs:-1': give a share"),
        ({"policy": "ccs:nan"}, "policy 'ccs:nan': give a share"),
        (
            {"policy": "ccs:0.4"},
            r"policy 'ccs:0\.4': cuts more away than is to be dropped \(0\.3\); give at most",
        ),
        ({"policy": "dual:0"}, "policy 'dual:0': give a positive exponent, such as dual:4"),
        ({"policy": "dual:inf"}, "policy 'dual:inf': give a positive exponent"),
        ({"policy": "dual", "score": "dual"}, "say which end of it to keep"),
        ({"policy": "ccs", "keep": "top"}, "keep top: high difficulty means hard"),
        ({"policy": "cs"}, "policy 'cs': unknown.*; or worst or best, .*; or ccs or dual"),
    ],
)
def test_what_cannot_be_used(run, options, message):
    with pytest.raises(BadInput, match=message):
        ez.prune(run, drop=0.3, **options)


def test_how_much_is_cut_by_the_share_to_drop(run):
    assert ez.prune(run, drop=0.7, policy="ccs", balanced=True).policy == "ccs:0.1"


def test_beta_sampling_needs_every_epoch(tmp_path):
    last = ez.measure(
        "digits", model="mlp_3", trials=1, epochs=2, observe="last", out=tmp_path / "run", limit=30, jobs=1
    )
    with pytest.raises(BadInput, match="'dual' needs the confidence"):
        ez.prune(last, policy="dual", score="el2n")
