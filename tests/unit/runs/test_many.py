from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.runs.carrying_out import carry_out, carry_out_all, missing_by_run, plan_costs
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.spec import Execution, Resolved
from easiness.training import resolve_device
from plans import planned

CPU = resolve_device("cpu")


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 4, 4), dtype=np.uint8), np.arange(40) % 2


def plan_of(data: Any, model: str = "mlp_2_w8", **options: Any) -> Plan:
    return planned(data, model=model, **{"trials": 2, "epochs": 2, **options})


class Noted(Progress):
    """What was announced and what was trained."""

    def __init__(self) -> None:
        self.announced: list[tuple[str, int]] = []
        self.trained: list[tuple[str, int]] = []
        self._name = ""

    def study(self, text: str, num_images: int, work: float | None = None) -> None:
        assert work is not None
        self.announced.append((text, num_images))

    def begin(self, _spec: Any, _missing: Any, path: Path, _cost: Any) -> None:
        self._name = path.name

    def finish(self, index: int) -> None:
        self.trained.append((self._name, index))


def test_telling_the_cost_leaves_nothing_behind(data, tmp_path, snapshot):
    plans = {"one": plan_of(data), "wider": plan_of(data, "mlp_2_w16")}
    assert list(plan_costs(plans, tmp_path / "new", CPU, Execution())) == ["one", "wider"]
    assert not (tmp_path / "new").exists()
    carry_out_all({"one": plans["one"]}, tmp_path / "begun", Execution())
    before = snapshot(tmp_path / "begun")
    assert list(plan_costs(plans, tmp_path / "begun", CPU, Execution())) == ["wider"]
    assert snapshot(tmp_path / "begun") == before


def test_what_is_there_is_not_trained_again(data, tmp_path, contents, trial_folder):
    plans = {"one": plan_of(data, precision="float32"), "other": plan_of(data, seed=1, precision="float32")}
    folder = tmp_path / "study"
    progress = Noted()
    carry_out_all(plans, folder, Execution(), progress=progress)
    assert progress.trained == [("one", 0), ("one", 1), ("other", 0), ("other", 1)]
    whole = contents(folder / "other")
    # two runs of two trials of two epochs, which see 40 images to train on and 40 to observe
    assert progress.announced[0][0].startswith("2 runs with 4 trials, 0 of them finished; the other 4 take")
    assert progress.announced[0][1] == 4 * 2 * 80

    progress = Noted()
    shutil.rmtree(trial_folder(folder / "other", 1))
    assert missing_by_run(plans, folder) == {"one": 0, "other": 1}
    assert {name: cost.num_trials for name, cost in plan_costs(plans, folder, CPU, Execution()).items()} == {
        "other": 1
    }
    carry_out_all(plans, folder, Execution(), progress=progress)
    assert progress.trained == [("other", 1)]
    assert progress.announced[0][1] == 160
    assert contents(folder / "other") == whole

    progress = Noted()
    carry_out_all(plans, folder, Execution(), progress=progress)
    assert progress.trained == []
    assert progress.announced == [("2 runs with 4 trials, 4 of them finished", 0)]
    assert plan_costs(plans, folder, CPU, Execution()) == {}


def test_nothing_is_announced_unless_asked(data, tmp_path):
    progress = Noted()
    carry_out_all({"one": plan_of(data, trials=1)}, tmp_path, Execution(), announce=False, progress=progress)
    assert progress.announced == []
    assert progress.trained == [("one", 0)]


def test_alike_runs_are_trained_alike_as_one_that_exists(data, tmp_path):
    ours = Resolved(precision="float32", channels_last=False, threads=1, reason="chosen elsewhere")
    carry_out(plan_of(data), tmp_path / "old", Execution(), resolved=ours)
    plans = {"new": plan_of(data, seed=1), "wider": plan_of(data, "mlp_2_w16"), "old": plan_of(data)}
    runs = carry_out_all(plans, tmp_path, Execution())
    settings = {name: run.spec.measured and run.spec.measured.resolved for name, run in runs.items()}
    assert {name for name, resolved in settings.items() if resolved == ours} == {"new", "old"}


def test_other_settings_are_refused_before_anything_is_trained(data, tmp_path):
    folder = tmp_path / "study"
    carry_out_all({"old": plan_of(data)}, folder, Execution())
    plans = {"new": plan_of(data), "old": plan_of(data, seed=1)}
    with pytest.raises(BadInput, match=r"old: .* seed is 0 .* 1 here"):
        carry_out_all(plans, folder, Execution())
    assert [path.name for path in folder.iterdir()] == ["old"]


def test_a_folder_that_holds_something_else_is_refused_before_anything_is_trained(data, tmp_path):
    folder = tmp_path / "study"
    (folder / "last").mkdir(parents=True)
    (folder / "last/notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"last: .*notes\.txt"):
        carry_out_all({"first": plan_of(data), "last": plan_of(data)}, folder, Execution())
    assert [path.name for path in folder.iterdir()] == ["last"]
