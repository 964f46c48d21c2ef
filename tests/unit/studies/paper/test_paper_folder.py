from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from easiness.errors import BadInput, RunFailed
from easiness.spec import Loading
from easiness.store.files import ASIDE
from easiness.store.later import own_version
from easiness.studies.paper.folder import (
    DOCUMENT,
    check_folder,
    describe_folder,
    is_study,
    study_page,
    study_runs,
)
from easiness.studies.paper.presets import Preset
from easiness.studies.paper.study import PaperPlan, plan_paper


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


@pytest.mark.parametrize(
    ("preset", "options", "difference"),
    [
        ({"name": "laptop"}, {}, "preset name is smoke there, laptop here"),
        ({"trials": 6}, {}, "preset trials is 4 there, 6 here"),
        ({"mlps": ("mlp_2_w16",)}, {}, "preset mlps is ['mlp_2_w8'] there, ['mlp_2_w16'] here"),
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
    with pytest.raises(BadInput) as refused:
        check_folder(other, folder)
    assert str(refused.value) == (
        f"{folder}: this study cannot be continued with other settings: {difference}; choose another --out"
    )


def test_a_study_of_a_later_version_is_refused_by_name(folder, tiny_preset, tmp_path):
    plan = plan_paper(tiny_preset, loading=Loading(limit=100))
    folder = shutil.copytree(folder, tmp_path / "later")
    settings = json.loads((folder / DOCUMENT).read_text())
    assert settings["version"] == own_version()
    for more, number in (({"format": 2}, 2), ({"new": 1}, 1)):
        (folder / DOCUMENT).write_text(json.dumps({**settings, "version": "9.1.0", **more}))
        with pytest.raises(
            BadInput, match=rf"study\.json: was written by easiness 9\.1\.0, format {number}; "
        ):
            check_folder(plan, folder)
    (folder / DOCUMENT).write_text(json.dumps({**settings, "version": "9.1.0"}))
    check_folder(plan, folder)


def test_other_words_about_a_preset_are_not_another_study(folder, tiny_preset):
    before = (folder / DOCUMENT).read_bytes()
    other = plan_paper(replace(tiny_preset, description="tiny"), loading=Loading(limit=100))
    check_folder(other, folder)
    describe_folder(other, folder)
    assert (folder / DOCUMENT).read_bytes() == before


def test_a_study_from_before_a_setting_existed_has_the_usual_one(plan, folder, tiny_preset):
    settings = json.loads((folder / DOCUMENT).read_text())
    for name in ("learned", "observe", "perturbed"):
        del settings["preset"][name]
    (folder / DOCUMENT).write_text(json.dumps(settings))
    check_folder(plan, folder)
    other = plan_paper(replace(tiny_preset, observe="last"), loading=Loading(limit=100))
    with pytest.raises(BadInput, match="preset observe is all there, last here"):
        check_folder(other, folder)


def test_another_share_held_out_is_refused(folder, tiny_preset):
    other = plan_paper(tiny_preset, loading=Loading(limit=100, holdout=0.3))
    with pytest.raises(BadInput, match=r"fingerprint is \w+ there, \w+ here"):
        check_folder(other, folder)


def test_folders_of_others_are_refused(plan, tmp_path, run_copy):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    (mine / "trials").mkdir()
    with pytest.raises(BadInput) as refused:
        check_folder(plan, mine)
    assert str(refused.value) == (
        f"{mine}: neither empty nor a study (it holds 'thesis.tex'); choose another --out"
    )
    with pytest.raises(BadInput, match="is a run"):
        check_folder(plan, run_copy)
    with pytest.raises(BadInput, match=r"is a file; .*\(--out\)"):
        check_folder(plan, mine / "thesis.tex")


@pytest.mark.parametrize("name", ["figures", "tables", "trials"])
def test_a_folder_that_leads_elsewhere_is_not_written_to(plan, folder, tmp_path, name):
    (folder / name).symlink_to(tmp_path)
    check_folder(plan, folder)
    with pytest.raises(BadInput, match=rf"{name}: is a link, through which writing would leave its folder"):
        describe_folder(plan, folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"preset": "smoke"', b"[" * 100_000])
def test_a_damaged_description_is_named(plan, folder, content):
    (folder / DOCUMENT).write_bytes(content)
    with pytest.raises(BadInput) as refused:
        check_folder(plan, folder)
    assert str(refused.value) == f"{folder / DOCUMENT}: is damaged; choose another --out"


@pytest.mark.parametrize("content", [[], 3, None, {"preset": ["smoke"]}, {}])
def test_a_description_of_something_else_is_refused(plan, folder, content):
    (folder / DOCUMENT).write_text(json.dumps(content))
    with pytest.raises(BadInput, match=r"preset name is None .*smoke"):
        check_folder(plan, folder)


def test_what_a_kill_left_behind_is_no_obstacle_and_goes(plan, tmp_path):
    out = tmp_path / "study"
    (out / "figures").mkdir(parents=True)
    places = [out / f"{ASIDE}1", out / "figures" / f"{ASIDE}2"]
    for place in places:
        place.write_text("half")
    with pytest.raises(BadInput, match="it holds 'figures'"):  # no study was described here
        check_folder(plan, out)
    (out / "figures").rename(tmp_path / "figures")
    check_folder(plan, out)
    assert places[0].exists()
    describe_folder(plan, out)
    (tmp_path / "figures").rename(out / "figures")
    check_folder(plan, out)
    describe_folder(plan, out)
    assert not any(place.exists() for place in places)


def test_a_folder_that_cannot_be_written_to(plan, tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("easiness.studies.paper.folder.write_whole", full)
    with pytest.raises(RunFailed) as failed:
        describe_folder(plan, tmp_path / "study")
    assert str(failed.value) == (
        f"{tmp_path / 'study'}: cannot be written to (No space left on device); choose another --out"
    )


def test_a_study_is_read_as_far_as_it_is(folder, studied, tmp_path):
    assert is_study(folder)
    assert not is_study(tmp_path)
    assert study_runs(folder) == []
    with pytest.raises(BadInput) as refused:
        study_page(folder)
    assert str(refused.value) == (
        f"{folder}: the study has no report.html yet; run the same `easiness paper` again to finish it"
    )
    (folder / "report.html").write_bytes(b"\xff")
    with pytest.raises(BadInput, match=r"report\.html: cannot be read \(it is no UTF-8\)"):
        study_page(folder)
    (folder / "report.html").unlink()
    os.mkfifo(folder / "report.html")
    with pytest.raises(BadInput, match=r"report\.html: cannot be read \(it is a pipe and no file\)"):
        study_page(folder)
    runs = study_runs(studied)
    assert [run.path.name for run in runs] == sorted(path.parent.name for path in studied.rglob("run.json"))
    assert len(runs) == 18
    assert study_page(studied) == (studied / "report.html").read_text("utf-8")
