from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput, RunFailed
from easiness.models import find_family
from easiness.paper.claims import Claim, Statistic, count_verdicts
from easiness.paper.reproduction.presets import (
    DOCUMENT,
    LAPTOP,
    OVERNIGHT,
    PAPER,
    PAPER_PHOTOS,
    PRESETS,
    SMOKE,
    Preset,
    check_folder,
    describe_folder,
    find_preset,
    is_study,
    study_page,
)
from easiness.paper.reproduction.study import PaperPlan, plan_paper
from easiness.spec import Loading
from easiness.store import own_version
from easiness.store.files import ASIDE


@pytest.fixture(scope="module")
def plan(tiny_preset: Preset) -> PaperPlan:
    return plan_paper(tiny_preset, loading=Loading(limit=100))


@pytest.fixture
def folder(plan: PaperPlan, tmp_path: Path) -> Path:
    """A study that has just begun."""
    describe_folder(plan, tmp_path / "study")
    return tmp_path / "study"


def test_a_folder_that_is_new_empty_or_this_study_is_taken(plan, folder, tmp_path):
    check_folder(plan, tmp_path / "new" / "deep")
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    check_folder(plan, tmp_path / "empty")
    check_folder(plan, folder)
    before = (folder / DOCUMENT).read_bytes()
    describe_folder(plan, folder)
    assert (folder / DOCUMENT).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [DOCUMENT]
    check_folder(replace(plan, preset=replace(plan.preset, description="other words")), folder)


@pytest.mark.parametrize(
    ("preset", "options", "difference"),
    [
        ({"trials": 6}, {}, "preset trials is 4 there, 6 here"),
        ({}, {"seed": 1}, "seed is 0 there, 1 here"),
        ({}, {"limit": 110}, "examples is 100 there, 110 here"),
        ({"name": "laptop"}, {"seed": 1, "limit": 110}, "preset name is smoke there, laptop here"),
    ],
)
def test_other_settings_are_refused_by_the_first_difference(
    folder, tiny_preset, preset, options, difference
):  # fmt: skip
    loading = Loading(limit=options.get("limit", 100))
    other = plan_paper(replace(tiny_preset, **preset), loading=loading, seed=options.get("seed", 0))
    with pytest.raises(BadInput, match=f"settings: {re.escape(difference)}; choose another --out"):
        check_folder(other, folder)


def test_a_study_of_a_later_version_is_refused_by_name(folder, tiny_preset, tmp_path):
    plan = plan_paper(tiny_preset, loading=Loading(limit=100))
    folder = shutil.copytree(folder, tmp_path / "later")
    settings = json.loads((folder / DOCUMENT).read_text())
    assert settings["version"] == own_version()
    for more, number in (({"format": 2}, 2), ({"new": 1}, 1)):
        (folder / DOCUMENT).write_text(json.dumps({**settings, "version": "9.1.0", **more}))
        with pytest.raises(BadInput, match=rf"study\.json: .* easiness 9\.1\.0, format {number}; "):
            check_folder(plan, folder)
    (folder / DOCUMENT).write_text(json.dumps({**settings, "version": "9.1.0"}))
    check_folder(plan, folder)


def test_folders_of_others_are_refused(plan, tmp_path, run_copy):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    (mine / "trials").mkdir()
    with pytest.raises(BadInput, match=r"mine: .* \(it holds 'thesis.tex'\)"):
        check_folder(plan, mine)
    with pytest.raises(BadInput, match="is a run"):
        check_folder(plan, run_copy)
    with pytest.raises(BadInput, match=r"is a file; .*\(--out\)"):
        check_folder(plan, mine / "thesis.tex")


def test_a_folder_that_leads_elsewhere_is_not_written_to(plan, folder, tmp_path):
    (folder / "tables").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="tables: is a link"):
        describe_folder(plan, folder)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'{"preset": ["smoke"]}']
)
def test_a_damaged_description_is_named(plan, folder, content):
    (folder / DOCUMENT).write_bytes(content)
    with pytest.raises(BadInput, match=r"study\.json: is damaged|preset name is None .*smoke"):
        check_folder(plan, folder)


def test_what_a_kill_left_behind_is_no_obstacle_and_goes(plan, tmp_path):
    out = tmp_path / "study"
    out.mkdir()
    (out / f"{ASIDE}1").write_text("half")
    check_folder(plan, out)
    describe_folder(plan, out)
    (out / "figures").mkdir()
    (out / "figures" / f"{ASIDE}2").write_text("half")
    describe_folder(plan, out)
    assert not [*out.rglob(f"{ASIDE}*")]


def test_a_folder_that_cannot_be_written_to(plan, tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("easiness.paper.reproduction.presets.write_whole", full)
    with pytest.raises(RunFailed, match=r"study: cannot be written to \(No space left on device\)"):
        describe_folder(plan, tmp_path / "study")


def test_a_study_is_read_as_far_as_it_is(folder, studied, tmp_path):
    assert is_study(folder)
    assert not is_study(tmp_path)
    with pytest.raises(BadInput, match=r"study: .* no report\.html yet"):
        study_page(folder)
    (folder / "report.html").write_bytes(b"\xff")
    with pytest.raises(BadInput, match=r"report\.html: cannot be read \(it is no UTF-8\)"):
        study_page(folder)
    (folder / "report.html").unlink()
    os.mkfifo(folder / "report.html")
    with pytest.raises(BadInput, match=r"report\.html: cannot be read \(it is a pipe and no file\)"):
        study_page(folder)
    assert study_page(studied) == (studied / "report.html").read_text("utf-8")


def statistic(low: float, high: float, **changes: Any) -> Statistic:
    plain: dict[str, Any] = {"interval": (low, high), "side": "above", "margin": 0.2}
    return Statistic("a rate", (low + high) / 2, **plain | changes)


def claim(*statistics: Statistic, **changes: Any) -> Claim:
    return Claim("1", "sets match", "every pair above 0.2", statistics, **changes)


@pytest.mark.parametrize(
    ("low", "high", "side", "verdict"),
    [
        (0.21, 0.3, "above", "holds"),
        (0.2, 0.3, "above", "undecided"),
        (0.1, 0.19, "above", "does not hold"),
        (0.1, 0.3, "above", "undecided"),
        (0.1, 0.19, "below", "holds"),
        (0.21, 0.3, "below", "does not hold"),
        (float("nan"), float("nan"), "above", "undecided"),
    ],
)
def test_only_an_interval_on_one_side_decides(low, high, side, verdict):
    assert statistic(low, high, side=side).verdict == verdict


def test_a_claim_needs_all_and_falls_with_one():
    good, open_, bad = statistic(0.5, 0.6), statistic(0.1, 0.3), statistic(0.0, 0.1)
    few = statistic(0.5, 0.6, obstacle="3 trials a group are too few")
    assert claim(good, good).verdict == "holds"
    assert claim(good, open_).verdict == "undecided"
    assert claim(good, open_, bad).verdict == "does not hold"
    assert claim().verdict == claim(few).verdict == "undecided"
    assert claim(statistic(0.5, 0.6, interval=None)).verdict == "undecided"
    assert claim(good, not_tested="only for photos").verdict == "not tested here"
    assert claim(few).reason == "3 trials a group are too few"
    assert "a rate" in claim(good, bad).reason
    assert count_verdicts([claim(good), claim(bad), claim()]) == {
        "holds": 1,
        "does not hold": 1,
        "undecided": 1,
        "not tested here": 0,
    }


@pytest.mark.parametrize("preset", [SMOKE, LAPTOP, OVERNIGHT, PAPER, PAPER_PHOTOS])
def test_networks_can_be_had_and_claims_decided(preset):
    for name in {*preset.models, *preset.merged_models, *preset.final_models, preset.ablation_model}:
        find_family(name)
    assert len(set(preset.models)) == len(preset.models)
    assert set(preset.batch_norm) <= set(preset.cnns)
    assert preset.trials // 2 >= MIN_GROUP  # groups are halves
    assert min(preset.merged_trials, preset.final_trials, preset.repetitions) >= MIN_GROUP
    if preset is not OVERNIGHT:  # which leaves claims about several networks to the others
        assert len(preset.cnns) >= 2
        assert preset.mlps
    # breakpoints of the claims lie between other rates
    for rates, needed in ((preset.drop_rates, {0, 0.6}), (preset.corrupt_rates, {0, 0.3, 0.9})):
        assert list(rates) == sorted(set(rates))
        assert needed <= set(rates)
        assert 0.6 < rates[-1] < 1


def test_the_paper_as_it_is_read():
    assert [find_preset(name) for name in PRESETS] == [SMOKE, LAPTOP, OVERNIGHT, PAPER]
    assert find_preset("laptop", "mini-imagenet:photos") is LAPTOP
    assert find_preset("paper", "mini-imagenet:photos") is PAPER_PHOTOS
    with pytest.raises(BadInput, match=r"preset 'lapto': .*mean laptop"):
        find_preset("lapto")
    assert PAPER.models == ("mlp_3", "wrn_16_4", "densenet_bc_100_12", "resnext_29_4x64d")
    assert (PAPER.final_models, PAPER.final_trials, PAPER.final_epochs) == (
        ("wrn_16_4", "resnext_29_4x64d"),
        15,
        300,
    )
    assert set(PAPER_PHOTOS.cnns) == {"alexnet", "vgg11", "vgg11_bn", "resnet18", "densenet121"}
    assert set(PAPER_PHOTOS.batch_norm) == set(PAPER_PHOTOS.cnns) - {"alexnet", "vgg11"}
    assert (set(PAPER_PHOTOS.final_models), PAPER_PHOTOS.final_trials) == ({"resnet18", "densenet121"}, 10)
    for preset in (PAPER, PAPER_PHOTOS):
        assert (preset.limit, preset.repetitions, preset.ablation_epochs) == (None, 5, 300)
        assert preset.recipe == {}
