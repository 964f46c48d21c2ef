"""What is planted, estimates of it, and a tiny experiment that goes on where it stopped."""

from __future__ import annotations

import json
import math
import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from easiness.errors import BadInput
from easiness.runs import Progress
from easiness.spec import Execution
from easiness.paper.planted import Hypothesis, carry_out_hypothesis, plan_hypothesis, study
from easiness.paper.planted.claims import of_the_whole
from easiness.paper.planted.design import FULL, SMOKE, examples_of, find_preset, patterns_of
from easiness.paper.planted.estimates import Estimate, drop, mean, slope
from easiness.paper.planted.pictures import FreshBank, Pictures, noise_filter
from easiness.paper.planted.result import planted_figure
from easiness.paper.planted.study import HypothesisPlan, read_hypothesis
from easiness.paper.planted.trial import Seen, run_task
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
    monkeypatch.setattr("easiness.paper.planted.study.write_whole", killed)
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
    assert "ray address auto: the processes executor" in line


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
    monkeypatch.setattr("easiness.paper.planted.find_preset", {"full": TINY}.get)
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


def test_every_class_has_the_same_patterns_and_f_goes_from_8_to_512():
    patterns = patterns_of(FULL, 0)
    assert len(patterns) == 112
    assert (patterns.frequency.min(), round(patterns.frequency.max())) == (8, 512)
    cells = [
        sorted(zip(patterns.support[own].tolist(), patterns.contradiction[own].tolist(), strict=True))
        for own in (patterns.label == label for label in range(FULL.classes))
    ]
    assert all(one == cells[0] for one in cells)
    np.testing.assert_allclose((patterns.patch**2).mean(axis=(1, 2)), 1, rtol=1e-6)


def test_the_natural_arm_matches_support_and_spreads_contradiction_evenly():
    patterns = patterns_of(FULL, 0)
    examples = examples_of("natural", patterns, FULL, 0)
    own = np.bincount(examples.pattern[examples.own], minlength=len(patterns))
    other = np.bincount(examples.pattern[~examples.own], minlength=len(patterns))
    np.testing.assert_array_equal(own, patterns.support)
    assert (np.abs(own + other - patterns.frequency) <= 0.5).all()
    labels = patterns.label[examples.pattern]
    np.testing.assert_array_equal(examples.label == labels, examples.own)
    assert np.ptp(np.bincount(examples.label)) / len(examples) < 0.005
    steep = np.flatnonzero((patterns.support == 307) & (patterns.contradiction == 0.4))[0]
    others = examples.label[(examples.pattern == steep) & ~examples.own]
    counts = np.bincount(others, minlength=FULL.classes)
    assert counts[patterns.label[steep]] == 0
    assert np.ptp(np.delete(counts, patterns.label[steep])) <= 1


def test_the_balanced_arm_has_the_same_patterns_equally_often():
    patterns = patterns_of(FULL, 0)
    natural, balanced = (examples_of(arm, patterns, FULL, 0) for arm in ("natural", "balanced"))
    counts = np.bincount(balanced.pattern)
    assert np.ptp(counts) == 0
    assert abs(len(balanced) - len(natural)) <= len(patterns) / 2
    other = np.bincount(balanced.pattern[~balanced.own], minlength=len(patterns))
    assert (np.abs(other - counts * patterns.contradiction) <= 0.5).all()


def test_permuted_labels_are_the_same_in_number():
    patterns = patterns_of(SMOKE, 3)
    natural, permuted = (examples_of(arm, patterns, SMOKE, 3) for arm in ("natural", "permuted"))
    np.testing.assert_array_equal(np.sort(natural.label), np.sort(permuted.label))
    assert 0.6 < (natural.label != permuted.label).mean() < 0.9


def test_noise_falls_as_one_over_the_frequency_and_has_variance_one():
    side = 16
    white = torch.randn(4000, side * side, generator=torch.Generator().manual_seed(1))
    noise = (white @ noise_filter(side)).view(-1, side, side)
    assert abs(float(noise.var()) - 1) < 0.05
    power = torch.fft.fft2(noise).abs().square().mean(dim=0)
    assert float(power[0, 0]) < 1e-6 * float(power[0, 1])
    assert abs(float(power[0, 1] / power[0, 4]) - 16) < 3


def test_a_bank_makes_other_pictures_for_every_pass_and_has_the_last():
    patterns = patterns_of(SMOKE, 0)
    examples = examples_of("natural", patterns, SMOKE, 0)
    bank = FreshBank(Pictures(patterns, SMOKE, "natural"), examples, torch.device("cpu"))
    order, generator = torch.randperm(len(bank)), torch.Generator().manual_seed(5)
    drawn = bank.draw(order, generator)
    first = bank.finish(*bank.fetch(order[:7], drawn[:7])).clone()
    assert first.shape == (7, 1, 16, 16)
    torch.testing.assert_close(first, bank.last[order[:7]])
    bank.draw(order, generator)
    assert not torch.equal(first, bank.last[order[:7]])


@pytest.mark.parametrize(("arm", "low", "high"), [("natural", 2.8, 4), ("half", 1.3, 2.3), ("sham", 0, 1.2)])
def test_arms_differ_in_patches_alone(arm, low, high):
    patterns = patterns_of(SMOKE, 0)
    same = torch.full((3000,), 4)
    pictures = Pictures(patterns, SMOKE, arm).make(same, torch.Generator().manual_seed(2))[:, 0]
    patch = torch.from_numpy(patterns.patch[4])
    found = torch.nn.functional.conv2d(pictures[:, None], patch[None, None]).amax(dim=(1, 2, 3)) / 25
    # the patch answers itself with its amplitude; noise and new patches answer by chance
    assert low < found.mean() < high


def test_an_unknown_preset_is_named():
    with pytest.raises(BadInput, match=r"preset 'smok': unknown .did you mean smoke"):
        find_preset("smok")


CELLS = np.array([(doubling, group) for doubling in (3, 5, 7, 8) for group in (0, 1) for _ in range(8)])
DOUBLINGS, GROUPS = CELLS[:, 0].astype(float), CELLS[:, 1]


def test_a_drop_is_of_equal_supports():
    values = np.array([[0.9, 0.5, 0.8, 0.3]])
    high = np.array([True, False, True, False])
    low = ~high
    found = drop(values, low, high, np.array([128, 128, 307, 307]))
    assert found.value == pytest.approx((0.9 - 0.5 + 0.8 - 0.3) / 2)
    assert found.freedom == 1


def test_a_mean_has_the_usual_interval_where_trials_agree():
    values = np.tile([0.2, 0.4, 0.9], (2, 1))
    found = mean(values)
    assert found.value == pytest.approx(0.5)
    # jackknife: deviations over 1 - 1 / 3, which is what n / (n - 1) makes of the variance of a mean
    by_hand = np.array([-0.3, -0.1, 0.4]) / (2 / 3) / 3
    assert math.sqrt(found.variance) == pytest.approx(math.sqrt((by_hand**2).sum()))


def test_a_slope_without_noise_is_found_and_shares_of_0_and_1_are_none_that_stop_it():
    shares = 1 / (1 + np.exp(-(0.5 * (DOUBLINGS - 5) + GROUPS)))
    assert slope(shares[None], DOUBLINGS, GROUPS).value == pytest.approx(0.5)
    extreme = np.where(DOUBLINGS > 5, 1.0, 0.0)[None] * np.ones((4, 1))
    found = slope(extreme, DOUBLINGS, GROUPS)
    assert found.value > 1
    assert math.isfinite(found.variance)


def test_less_is_of_the_same_patterns_and_other_trials():
    ones = np.array([[0.1, -0.2], [0.3, 0.0]])
    one, other = Estimate(0.6, ones, 0.08, 9, 1), Estimate(0.4, 2 * ones, 0.32, 7, 1)
    found = one.less(other, 0.25)
    assert found.value == pytest.approx(0.5)
    assert found.parts.shape == (4, 2)
    assert found.parts.sum(axis=0) == pytest.approx(0.5 * ones.sum(axis=0))
    assert found.freedom == 7
    assert found.shared == pytest.approx(0.08 + 0.32 / 16)


def test_an_arm_of_few_trials_has_the_freedom_of_those():
    """Where it varies as much as the other, both count; where it is all there is, its trials alone."""
    spread = np.array([[1.0, 1.0], [-1.0, -1.0]])
    few, many = Estimate(0.0, spread, 0.0, 9, 4), Estimate(0.0, spread, 0.0, 9, 19)
    assert few.less(many).of_trials == pytest.approx((8 + 8) ** 2 / (8**2 / 4 + 8**2 / 19))
    assert few.less(Estimate(0.0, 0 * spread, 0.0, 9, 19)).of_trials == pytest.approx(4)
    nothing = Estimate(0.0, 0 * spread, 0.0, 9, 4)
    assert nothing.less(nothing).of_trials == 8


def _simulated(random: np.random.Generator, trials: int, slope_: float) -> np.ndarray:
    """Right or not, with an effect of each pattern and of each trial, and one of a trial on the slope."""
    patterns = random.standard_t(4, len(DOUBLINGS)) * 0.5
    logits = (slope_ + 0.05 * random.standard_normal((trials, 1))) * (DOUBLINGS - 5) + GROUPS + patterns
    logits = logits + 0.2 * random.standard_normal((trials, 1))
    return random.binomial(16, 1 / (1 + np.exp(-logits))) / 16


def test_intervals_cover_the_truth():
    random = np.random.default_rng(4)
    many = np.concatenate([_simulated(random, 1, 0.5) for _ in range(4000)])
    truth = slope(many.mean(axis=0, keepdims=True), DOUBLINGS, GROUPS).value  # over patterns: below 0.5
    found = [slope(_simulated(random, 8, 0.5), DOUBLINGS, GROUPS) for _ in range(200)]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.03)
    covered = np.mean([one.interval[0] <= truth <= one.interval[1] for one in found])
    assert 0.9 <= covered <= 1


@pytest.mark.parametrize("two_groups", [False, True])
def test_intervals_of_a_change_of_means_cover_the_truth(two_groups):
    """Of the same patterns, which are fainter in one arm, and of other trials; claim 3b is such a change."""
    random = np.random.default_rng(5)

    def drawn(num: int) -> Iterator[Estimate]:
        for _ in range(num):
            pattern = random.choice([-1.5, 1.5], 64) if two_groups else random.standard_t(3, 64)
            trial, both = 0.4 * random.standard_normal((10, 1)), 0.5 * random.standard_normal((10, 64))
            logits = pattern + np.repeat([[0.0], [-0.6]], 5, axis=0) * (1 + 0.3 * pattern) + trial + both
            shares = random.binomial(16, 1 / (1 + np.exp(-logits))) / 16
            yield mean(shares[5:]).less(mean(shares[:5]))

    truth = np.mean([one.value for one in drawn(1500)])
    assert -0.2 < truth < -0.05
    found = list(drawn(250))
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.01)
    assert 0.92 <= np.mean([one.interval[0] <= truth <= one.interval[1] for one in found]) <= 1


def test_the_benchmark_says_how_often_intervals_hold():
    script = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "science" / "hypothesis.py"))
    rows = list(script["simulation"](3, {"plain": script["World"]()}, (2,), 50))
    assert [name for name, *_ in rows] == ["plain"]
    assert set(script["STATISTICS"]) == set(rows[0][2])
    (cells,) = script["in_cells"](rows)
    assert cells[:2] == ("plain", "2")
    assert len(cells) == len(script["TRUTHS"])
    assert script["told_truth"]([cells]).startswith("with 2 trials in ")


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["holds", "holds", "holds"], "the hypothesis holds: 1a, 1b and 1c do"),
        (["holds", "undecided", "holds"], "the hypothesis is undecided"),
        (["undecided", "holds", "does not hold"], "the hypothesis is refuted by 1c"),
        (["does not hold", "holds", "does not hold"], "the hypothesis is refuted by 1a and 1c"),
    ],
)
def test_any_part_refutes_the_hypothesis(verdicts, said):
    others = {"2a": "does not hold", "3b": "undecided"}
    assert of_the_whole({**dict(zip(("1a", "1b", "1c"), verdicts, strict=True)), **others}) == said
