from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.runs import carrying_out as module
from easiness.runs.carrying_out import carry_out_all, missing_by_run, plan_costs
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.spec import Execution, Resolved, RunSpec
from easiness.store.files import ASIDE
from easiness.training import resolve_device
from plans import planned

CPU = resolve_device("cpu")
FAST = Resolved(precision="float32", channels_last=False, threads=1, reason="measured")


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 4, 4), dtype=np.uint8), np.arange(40) % 2


def plan_of(data: Any, model: str = "mlp_2_w8", **options: Any) -> Plan:
    return planned(data, model=model, **{"trials": 2, "epochs": 2, **options})


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Networks for which ``auto`` was measured."""
    found: list[str] = []

    def note(plan: Plan, **_where: Any) -> Resolved:
        found.append(plan.model)
        return FAST.model_copy(update={"reason": f"measurement {len(found)}"})

    monkeypatch.setattr(module, "resolve_plan", note)
    return found


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

    def stored(self, index: int) -> None:
        self.trained.append((self._name, index))


def reason(path: Path) -> str:
    spec = module.read_document(path).spec  # type: ignore[attr-defined]
    assert isinstance(spec, RunSpec)
    return spec.resolved.reason


def test_runs_of_one_network_share_what_is_measured(data, resolved, tmp_path):
    plans = {
        "one": plan_of(data),
        "other": plan_of(data, seed=1),
        "wider": plan_of(data, "mlp_2_w16"),
        "smaller batches": plan_of(data, batch_size=10),
        "exact": plan_of(data, precision="float32"),
    }
    runs = carry_out_all(plans, tmp_path, Execution())
    assert list(runs) == list(plans)
    assert [len(run.trials) for run in runs.values()] == [2] * 5
    assert resolved == ["mlp_2_w8", "mlp_2_w16", "mlp_2_w8", "mlp_2_w8"]
    assert reason(tmp_path / "one") == reason(tmp_path / "other") == "measurement 1"
    assert reason(tmp_path / "wider") == "measurement 2"


def test_a_later_run_takes_what_an_earlier_one_was_trained_with(data, resolved, tmp_path):
    first = {"one": plan_of(data)}
    carry_out_all(first, tmp_path, Execution())
    carry_out_all({"new": plan_of(data, seed=1), **first}, tmp_path, Execution())
    assert resolved == ["mlp_2_w8"]
    assert reason(tmp_path / "new") == "measurement 1"


def test_a_study_that_was_killed_before_its_runs_does_not_choose_anew(data, resolved, tmp_path, monkeypatch):
    plans = {"one": plan_of(data), "wider": plan_of(data, "mlp_2_w16"), "other": plan_of(data, seed=1)}

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "carry_out", killed)
        with pytest.raises(KeyboardInterrupt):
            carry_out_all(plans, tmp_path, Execution())
    assert [path.name for path in tmp_path.iterdir()] == ["resolved.json"]
    (tmp_path / f"{ASIDE}1").write_text("half")
    carry_out_all(plans, tmp_path, Execution())
    assert resolved == ["mlp_2_w8", "mlp_2_w16"]
    assert reason(tmp_path / "wider") == "measurement 2"
    assert {path.name for path in tmp_path.iterdir()} == {*plans, "resolved.json"}


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"a": {"precision": "float16"}}', '{"a": 1}'])
def test_a_damaged_file_of_choices_is_measured_anew(data, resolved, tmp_path, content):
    (tmp_path / "resolved.json").write_text(content)
    carry_out_all({"one": plan_of(data, trials=1, epochs=1)}, tmp_path, Execution())
    assert resolved == ["mlp_2_w8"]
    carry_out_all({"other": plan_of(data, trials=1, epochs=1, seed=1)}, tmp_path, Execution())
    assert resolved == ["mlp_2_w8"]


@pytest.mark.usefixtures("resolved")
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


def test_other_settings_are_refused_before_anything_is_trained(data, tmp_path):
    folder = tmp_path / "study"
    carry_out_all({"old": plan_of(data)}, folder, Execution())
    plans = {"new": plan_of(data), "old": plan_of(data, seed=1)}
    with pytest.raises(BadInput, match=r"old: .* seed is 0 .* 1 here"):
        carry_out_all(plans, folder, Execution())
    assert {path.name for path in folder.iterdir()} == {"old", "resolved.json"}


def test_a_folder_that_holds_something_else_is_refused_before_anything_is_trained(data, tmp_path):
    folder = tmp_path / "study"
    (folder / "last").mkdir(parents=True)
    (folder / "last/notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"last: .*notes\.txt"):
        carry_out_all({"first": plan_of(data), "last": plan_of(data)}, folder, Execution())
    assert [path.name for path in folder.iterdir()] == ["last"]
