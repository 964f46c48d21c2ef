"""A tiny experiment: it goes on where it stopped, to the same bits, and refuses what is not its own."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.runs import Progress
from easiness.spec import Execution
from easiness.studies.hypothesis import Hypothesis, carry_out_hypothesis, plan_hypothesis, study
from easiness.studies.hypothesis.design import SMOKE
from easiness.studies.hypothesis.figure import planted_figure
from easiness.studies.hypothesis.study import HypothesisPlan, read_hypothesis
from easiness.studies.hypothesis.trial import Seen, run_task
from easiness.training import EpochReport

TINY = replace(SMOKE, supports={2: 1, 128: 1}, classes=2, epochs=1, trials=2, control_trials=1, fresh=2)
SERIAL = Execution(device="cpu", executor="serial")


def plan_in(folder: Path, seed: int = 0) -> HypothesisPlan:
    return plan_hypothesis(TINY, folder, seed)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[HypothesisPlan, Hypothesis]:
    """An experiment that was killed after its first trial, and went on."""
    import easiness  # noqa: F401 - which says where pages are written

    heard = set()

    class Killed(Progress):
        def epoch(self, report: EpochReport) -> None:
            heard.add(report.of)

        def stored(self, index: int) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    plan = plan_in(tmp_path_factory.mktemp("hypothesis") / "out")
    with pytest.raises(KeyboardInterrupt):
        carry_out_hypothesis(plan, SERIAL, Killed())
    assert heard == {"wrn_10_1 natural"}
    assert len(plan.missing) == len(plan.tasks) - 1
    (plan.out / "trials" / ".aside-1").write_bytes(b"half")
    return plan, carry_out_hypothesis(plan, SERIAL)


@pytest.mark.long
def test_trials_of_a_killed_experiment_have_the_same_bits(done):
    plan, _ = done
    assert sorted(path.name for path in (plan.out / "trials").iterdir()) == sorted(
        task.file for task in plan.tasks
    )
    for task in (plan.tasks[0], plan.tasks[-1]):
        again = run_task(task, lambda _: None, device="cpu")
        assert plan.path_of(task).read_bytes() == again.to_bytes()


def test_one_that_is_killed_as_it_begins_is_no_other_experiment(tmp_path, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    plan = plan_in(tmp_path / "new")
    monkeypatch.setattr("easiness.studies.hypothesis.study.write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        carry_out_hypothesis(plan, SERIAL)
    assert plan_in(plan.out).missing == plan.tasks


@pytest.mark.long
def test_nothing_is_trained_again_and_other_settings_are_refused(done, monkeypatch):
    plan, found = done
    assert plan.missing == []
    assert "7 trials, 7 of them finished; 0 pictures" in plan.describe()
    written = []
    monkeypatch.setattr(study, "offered", lambda name: lambda again, out: written.append((name, again, out)))
    again = carry_out_hypothesis(plan, SERIAL)
    assert again.document() == found.document()
    assert written == [("write_hypothesis", again, plan.out)]
    with pytest.raises(BadInput, match="other settings: --seed is 0 there, 1 here"):
        plan_in(plan.out, seed=1)
    with pytest.raises(BadInput, match="--seed -1: must be at least 0"):
        plan_in(plan.out, seed=-1)
    with pytest.raises(BadInput, match="neither empty nor such an experiment"):
        plan_in(plan.out / "trials")


def test_a_cluster_needs_an_executor_that_goes_there(refused, tmp_path):
    line = refused("hypothesis", "--out", tmp_path / "new", "--ray-address", "auto")
    assert (
        "ray address auto: the processes executor stays on this machine; use it with --executor ray" in line
    )


def test_trials_that_lead_elsewhere_are_not_written(tmp_path):
    plan = plan_in(tmp_path / "out")
    plan.out.mkdir()
    (plan.out / "trials").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="neither empty nor such an experiment"):
        plan_in(plan.out)
    with pytest.raises(BadInput, match="trials: is a link, through which writing would leave its folder"):
        carry_out_hypothesis(plan, SERIAL)


def test_the_command_says_what_there_is_to_do(command, tmp_path):
    said = command("hypothesis", "--preset", "smoke", "--out", tmp_path / "new", "--dry-run").out
    assert said.startswith(f"{tmp_path / 'new'}: preset smoke, 12 trials, 0 of them finished; ")
    assert said.endswith("nothing was trained and nothing written\n")
    assert not (tmp_path / "new").exists()


@pytest.mark.long
def test_the_smoke_experiment_is_told_whole(command, tmp_path):
    said = command("hypothesis", "--preset", "smoke", "--out", tmp_path / "new").out
    assert "the hypothesis is" in said
    assert "so few trials decide nothing" in said
    assert (tmp_path / "new" / "report.html").exists()
    again = command("hypothesis", "--preset", "smoke", "--out", tmp_path / "new").out
    assert again == said


def test_trials_have_seeds_of_their_own(done):
    found = done[1]
    natural = found.arms["natural", "wrn_10_1"]
    assert natural.held_out.shape == (2, 8)
    assert not np.array_equal(natural.held_out[0], natural.held_out[1])
    assert len({task.file for task in done[0].tasks}) == 7


def test_any_seed_has_a_figure_of_patterns(done):
    """The page comes after an hour of trainings."""
    figure = planted_figure(replace(done[1], seed=2**64 + 1))
    assert figure.axes[0].get_title() == "patch"


def test_easiness_is_of_carriers_of_the_own_label(done):
    _, found = done
    one = found.arms["natural", "wrn_10_1"]
    assert ((one.easiness >= 0) & (one.easiness <= 1)).all()
    no_others = found.patterns.contradiction == 0
    assert np.isnan(one.contradicted[:, no_others]).all()
    assert not np.isnan(one.contradicted[:, ~no_others & (found.patterns.support > 2)]).any()


def test_the_page_has_the_claims_and_so_few_trials_decide_nothing(done):
    plan, found = done
    page = (plan.out / "report.html").read_text("utf-8")
    claims = json.loads((plan.out / "claims.json").read_text())["claims"]
    assert [claim["id"] for claim in claims] == ["1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b"]
    assert {claim["verdict"] for claim in claims} == {"undecided"}
    assert found.text == "8 undecided; the hypothesis is undecided"
    assert all(claim.text in page for claim in found.claims)
    assert page.count("<svg") == 5


def test_the_benchmark_has_the_tables_and_the_figure_of_an_experiment(done, tmp_path, monkeypatch):
    plan, found = done
    benchmark = Path(__file__).parents[4] / "benchmarks" / "science" / "hypothesis.py"
    monkeypatch.setattr("easiness.studies.hypothesis.find_preset", {"full": TINY}.get)
    tables = runpy.run_path(str(benchmark))["of_study"](plan.out, tmp_path / "page.md")
    assert [row[0] for row in tables["claims"][1]] == [
        number for claim in found.claims for number in (claim.id, *[""] * (len(claim.statistics) - 1))
    ]
    assert {"claims", "slopes", "drops", "means"} == set(tables)
    assert (tmp_path / "page.svg").read_bytes().startswith(b"<?xml")


OTHER = Seen(np.zeros(3, np.bool_), np.zeros(3, np.float32), np.zeros(1, np.float32)).to_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100, OTHER], ids=["none", "json", "no", "other"])
def test_a_damaged_trial_is_named(done, content):
    plan = done[0]
    path = plan.path_of(plan.tasks[0])
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(BadInput, match="cannot be read as a trial; remove it"):
            read_hypothesis(plan)
    finally:
        path.write_bytes(whole)
