"""What is planted, estimates of it, and a tiny experiment that goes on where it stopped."""

from __future__ import annotations

import json
import math
import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import easiness
from easiness.errors import BadInput
from easiness.inputs import Pack
from easiness.paper import planted
from easiness.paper.options import HypothesisOptions
from easiness.paper.planted import Experiment, Hypothesis, design, of_the_whole
from easiness.paper.planted.estimates import PlantedEstimate, drop, mean, slope
from easiness.records import TrialRecord
from easiness.runs import Progress
from easiness.spec import Recipe, Resolved
from easiness.store import open_run
from easiness.training import Keeper
from easiness.trial import run_trial
from plans import Memory

CPU = torch.device("cpu")
TINY = replace(
    design.SMOKE, supports={2: 1, 128: 1}, classes=2, epochs=2, trials=2, control_trials=1, fresh=2
)


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(planted.PRESETS, "smoke", TINY)
        yield


def planned(folder: Path, seed: int = 0) -> Experiment:
    return planted.plan(HypothesisOptions(folder, "smoke", seed))


def carried_out(folder: Path, **options: Any) -> Hypothesis:
    where: dict[str, Any] = {"device": "cpu", "executor": "serial", "progress": False, **options}
    found = easiness.paper.hypothesis(out=folder, preset="smoke", **where)
    assert isinstance(found, Hypothesis)
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Hypothesis]:
    """An experiment that was killed after its first trial, and went on."""

    class Killed(Progress):
        def finish(self, index: int) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    out = tmp_path_factory.mktemp("hypothesis") / "out"
    with pytest.raises(KeyboardInterrupt):
        carried_out(out, progress=Killed())
    return out, carried_out(out)


def trained(folder: Path, keeper: Keeper | None = None, name: str = "natural-wrn_10_1") -> TrialRecord:
    plan = planned(folder).runs[name]
    resolved = Resolved(precision="float32", channels_last=True, threads=1, folded=True)
    spec = plan.spec(resolved, plan.trials, plan.epochs).trial(0)
    return run_trial(spec, plan.data, CPU, keeper=keeper)


def test_a_trial_has_the_same_bits_wherever_it_runs_and_where_it_goes_on(done):
    out, _ = done
    keeper = Memory()
    whole, again = trained(out, keeper), trained(out, Memory(keeper.kept[-1]))
    (stored, *_) = open_run(out / "natural-wrn_10_1").trials
    for probe in ("train", "held_out"):
        seen = stored.columns(TINY.epochs, ["prediction", "loss"], probe)
        for record in (whole, again):
            np.testing.assert_array_equal(record.probes[probe].prediction[-1], seen["prediction"])
            np.testing.assert_array_equal(record.probes[probe].loss[-1], seen["loss"])


@pytest.mark.long
def test_in_other_processes_the_numbers_are_the_same(done, tmp_path):
    other = carried_out(tmp_path / "out", executor="processes", jobs=2)
    assert other.document() == done[1].document()


def test_other_settings_are_refused(done, command, tmp_path):
    with pytest.raises(BadInput, match="natural-wrn_10_1: this run cannot be continued with other settings"):
        carried_out(done[0], seed=1)
    with pytest.raises(BadInput, match="--seed -1"):
        planned(done[0], seed=-1)
    with pytest.raises(BadInput, match=r"preset 'smok': unknown .did you mean smoke"):
        planted.plan(HypothesisOptions(tmp_path, "smok"))  # type: ignore[arg-type]
    said = command("paper", "hypothesis", "--preset", "smoke", "--out", tmp_path / "new", "--dry-run").out
    assert said.startswith("5 runs with 7 trials, 0 of them finished; ")
    assert "; preset smoke: so few trials decide nothing" in said
    assert not (tmp_path / "new").exists()


def test_the_command_shows_the_claims_and_so_few_trials_decide_nothing(command, done, tmp_path):
    page, rows = tmp_path / "page.html", tmp_path / "rows.json"
    asked = ("paper", "hypothesis", "--preset", "smoke", "--out", done[0], "--device", "cpu")
    said = command(*asked, "-o", page, "-o", rows)
    assert said.out.endswith("8 undecided; the hypothesis is undecided\n")
    assert "note: so few trials decide nothing" in said.err
    claims = json.loads(rows.read_text())["claims"]
    assert [claim["id"] for claim in claims] == ["1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b"]
    assert {claim["verdict"] for claim in claims} == {"undecided"}
    assert all(claim.holds_when in page.read_text("utf-8") for claim in done[1].claims)
    assert page.read_text("utf-8").count("<svg") == 5


def test_trials_have_seeds_of_their_own(done):
    natural = done[1].arms["natural", "wrn_10_1"]
    assert natural.held_out.shape == (2, 8)
    assert not np.array_equal(natural.held_out[0], natural.held_out[1])
    plans = planned(done[0]).runs.values()
    assert len({plan.request.seed for plan in plans}) == 5
    assert len({plan.request.data.train.fingerprint for plan in plans}) == 5
    # any seed has a figure of patterns: the page comes after an hour of trainings
    figure, *_ = replace(done[1], seed=2**64 + 1).figures().values()
    assert figure.axes[0].get_title() == "patch"


def test_values_are_of_the_own_label_in_the_runs(done):
    out, found = done
    examples = design.examples_of("natural", found.patterns, TINY, 0)
    run = open_run(out / "natural-wrn_10_1")
    right = [
        trial.columns(TINY.epochs, ["prediction"])["prediction"] == examples.label for trial in run.trials
    ]
    one = found.arms["natural", "wrn_10_1"]
    for at, pattern in np.ndindex(one.easiness.shape):
        carriers = examples.pattern == pattern
        assert one.easiness[at, pattern] == right[at][carriers & examples.own].mean()
        others = right[at][carriers & ~examples.own]
        assert np.array_equal(one.other_carriers[at, pattern], others.mean() if len(others) else np.nan, True)
    loss = open_run(out / "half-wrn_10_1").trials[0].columns(TINY.epochs, ["loss"], "held_out")["loss"]
    expected = np.exp(-loss.astype(float)).reshape(-1, TINY.fresh).mean(axis=1)
    np.testing.assert_allclose(found.arms["half", "wrn_10_1"].held_out[0], expected, atol=1e-11)


def test_the_benchmark_has_the_tables_and_the_figure_of_an_experiment(done, tmp_path, monkeypatch):
    out, found = done
    benchmark = Path(__file__).parents[4] / "benchmarks" / "science" / "hypothesis.py"
    monkeypatch.setitem(planted.PRESETS, "full", replace(TINY, name="full"))
    tables = runpy.run_path(str(benchmark))["of_study"](out, tmp_path / "page.md")
    assert [row[0] for row in tables["claims"][1]] == [
        number for claim in found.claims for number in (claim.id, *[""] * (len(claim.statistics) - 1))
    ]
    assert {"claims", "slopes", "drops", "means"} == set(tables)
    assert [len(row) for row in tables["means"][1]] == [5] * 4
    assert (tmp_path / "page.svg").read_bytes().startswith(b"<?xml")


def test_every_class_has_the_same_patterns_and_f_goes_from_8_to_512():
    patterns = design.patterns_of(design.FULL, 0)
    assert len(patterns) == 112
    assert (patterns.frequency.min(), round(patterns.frequency.max())) == (8, 512)
    cells = [
        sorted(zip(patterns.support[own].tolist(), patterns.contradiction[own].tolist(), strict=True))
        for own in (patterns.label == label for label in range(design.FULL.classes))
    ]
    assert all(one == cells[0] for one in cells)
    np.testing.assert_allclose((patterns.patch**2).mean(axis=(1, 2)), 1, rtol=1e-6)


def test_the_natural_arm_matches_support_and_the_balanced_one_shows_all_equally_often():
    patterns = design.patterns_of(design.FULL, 0)
    examples, balanced, permuted = (
        design.examples_of(arm, patterns, design.FULL, 0) for arm in ("natural", "balanced", "permuted")
    )
    own = np.bincount(examples.pattern[examples.own], minlength=len(patterns))
    other = np.bincount(examples.pattern[~examples.own], minlength=len(patterns))
    np.testing.assert_array_equal(own, patterns.support)
    assert (np.abs(own + other - patterns.frequency) <= 0.5).all()
    labels = patterns.label[examples.pattern]
    np.testing.assert_array_equal(examples.label == labels, examples.own)
    assert np.ptp(np.bincount(examples.label)) / len(examples.pattern) < 0.005
    steep = np.flatnonzero((patterns.support == 307) & (patterns.contradiction == 0.4))[0]
    others = examples.label[(examples.pattern == steep) & ~examples.own]
    counts = np.bincount(others, minlength=design.FULL.classes)
    assert counts[patterns.label[steep]] == 0
    assert np.ptp(np.delete(counts, patterns.label[steep])) <= 1
    counts = np.bincount(balanced.pattern)
    assert np.ptp(counts) == 0
    assert abs(len(balanced.pattern) - len(examples.pattern)) <= len(patterns) / 2
    other = np.bincount(balanced.pattern[~balanced.own], minlength=len(patterns))
    assert (np.abs(other - counts * patterns.contradiction) <= 0.5).all()
    np.testing.assert_array_equal(np.sort(examples.label), np.sort(permuted.label))
    assert 0.6 < (examples.label != permuted.label).mean() < 0.9


def test_a_bank_makes_other_pictures_for_every_pass_and_evaluates_the_last():
    def bank(augment: bool, seed: int = 0) -> Any:
        packed = Pack.of_array(design.patterns_of(design.SMOKE, 0).patch)
        return design.PatternKind().bank(packed, Recipe(), CPU, augment=augment, sharers=1, seed=seed)

    one, same, other = (bank(False, seed).clean(slice(0, 9)) for seed in (1, 1, 2))
    assert torch.equal(one, same)  # of what is held out the seed makes the pictures
    assert not torch.equal(one, other)
    pictures, generator = bank(True), torch.Generator().manual_seed(5)
    order, every = torch.randperm(len(pictures)), slice(0, len(pictures))
    first = pictures.augmented(order[:7], pictures.draw(order, generator)[:7])
    assert first.shape == (7, 1, 16, 16)
    torch.testing.assert_close(first, pictures.clean(every)[order[:7]])
    pictures.draw(order, generator)
    assert not torch.equal(first, pictures.clean(every)[order[:7]])


def test_noise_falls_as_one_over_the_frequency_and_has_variance_one():
    side = 16
    white = torch.randn(4000, side * side, generator=torch.Generator().manual_seed(1))
    noise = (white @ design.noise_filter(side)).view(-1, side, side)
    assert abs(float(noise.var()) - 1) < 0.05
    power = torch.fft.fft2(noise).abs().square().mean(dim=0)
    assert float(power[0, 0]) < 1e-6 * float(power[0, 1])
    assert abs(float(power[0, 1] / power[0, 4]) - 16) < 3


@pytest.mark.parametrize(("arm", "low", "high"), [("natural", 2.8, 4), ("half", 1.3, 2.3), ("sham", 0, 1.2)])
def test_arms_differ_in_patches_alone(arm, low, high, tmp_path):
    data = planned(tmp_path).runs[f"{arm}-wrn_10_1"].data
    patch = torch.from_numpy(data.values(np.array([0]))[0])
    assert isinstance(data.kind, design.PatternKind)
    pictures = data.kind.draw(patch.expand(3000, -1, -1), torch.Generator().manual_seed(2))
    found = torch.nn.functional.conv2d(pictures, patch[None, None]).amax(dim=(1, 2, 3)) / 25
    # the patch answers itself with its amplitude; noise and new patches answer by chance
    assert low < found.mean() < high


CELLS = np.array([(doubling, group) for doubling in (3, 5, 7, 8) for group in (0, 1) for _ in range(8)])
DOUBLINGS, GROUPS = CELLS[:, 0].astype(float), CELLS[:, 1]


def test_a_slope_without_noise_is_found_and_shares_of_0_and_1_are_none_that_stop_it():
    shares = 1 / (1 + np.exp(-(0.5 * (DOUBLINGS - 5) + GROUPS)))
    assert slope(shares[None], DOUBLINGS, GROUPS).value == pytest.approx(0.5)
    extreme = np.where(DOUBLINGS > 5, 1.0, 0.0)[None] * np.ones((4, 1))
    found = slope(extreme, DOUBLINGS, GROUPS)
    assert found.value > 1
    assert np.isfinite(found.interval).all()


def test_a_drop_is_of_equal_supports_and_a_mean_has_the_usual_interval_where_trials_agree():
    high = np.array([True, False, True, False])
    found = drop(np.array([[0.9, 0.5, 0.8, 0.3]]), ~high, high, np.array([128, 128, 307, 307]))
    assert found.value == pytest.approx((0.9 - 0.5 + 0.8 - 0.3) / 2)
    assert found.freedom == 1
    found = mean(np.tile([0.2, 0.4, 0.9], (2, 1)))
    assert found.value == pytest.approx(0.5)
    # jackknife: deviations over 1 - 1 / 3, which is what n / (n - 1) makes of the variance of a mean
    by_hand = np.array([-0.3, -0.1, 0.4]) / (2 / 3) / 3
    assert found.interval[1] - 0.5 == pytest.approx(4.302653 * math.sqrt((by_hand**2).sum()))


def test_less_is_of_the_same_patterns_and_other_trials():
    ones = np.array([[0.1, -0.2], [0.3, 0.0]])
    one, other = PlantedEstimate(0.6, ones, 0.08, 9, 1), PlantedEstimate(0.4, 2 * ones, 0.32, 7, 1)
    found = one.less(other, 0.25)
    assert found.value == pytest.approx(0.5)
    assert found.parts.shape == (4, 2)
    assert found.parts.sum(axis=0) == pytest.approx(0.5 * ones.sum(axis=0))
    assert found.freedom == 7
    assert found.common == pytest.approx(0.08 + 0.32 / 16)


def test_an_arm_of_few_trials_has_the_freedom_of_those():
    """Where it varies as much as the other, both count; where it is all there is, its trials alone."""
    spread = np.array([[1.0, 1.0], [-1.0, -1.0]])
    few, many = PlantedEstimate(0.0, spread, 0.0, 9, 4), PlantedEstimate(0.0, spread, 0.0, 9, 19)
    assert few.less(many).of_trials == pytest.approx((8 + 8) ** 2 / (8**2 / 4 + 8**2 / 19))
    assert few.less(PlantedEstimate(0.0, 0 * spread, 0.0, 9, 19)).of_trials == pytest.approx(4)
    nothing = PlantedEstimate(0.0, 0 * spread, 0.0, 9, 4)
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

    def drawn(num: int) -> Iterator[PlantedEstimate]:
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
