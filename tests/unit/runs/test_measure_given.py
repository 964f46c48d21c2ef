"""``measure`` of networks that are objects of Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import easiness as ez
from easiness.report.facts import measure_command
from easiness.runs.execution import allowed
from easiness.spec import Execution

ASKED: dict[str, Any] = {"epochs": 1, "limit": 60, "device": "cpu", "progress": False}


def net(input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), num_classes))


def test_a_run_of_a_lambda_goes_on(tmp_path: Path):
    def measure(trials: int, **given: Any) -> ez.Run:
        return ez.measure(
            "digits", model=lambda: net((1, 8, 8), 10), trials=trials, out=tmp_path / "run", **ASKED, **given
        )

    first = measure(1)
    assert first.model.startswith("lambda#")
    more = measure(2)
    assert [trial.index for trial in more.trials] == [0, 1]
    assert more.spec.measured is not None
    assert more.spec.measured.resolved.jobs == 1
    with pytest.raises(ez.BadInput, match=r"settings: model .*lambda#"):
        ez.measure(
            "digits",
            model=lambda: nn.Sequential(net((1, 8, 8), 10)),
            trials=2,
            out=tmp_path / "run",
            **ASKED,
        )


def test_a_function_of_a_module_is_that_of_the_command(tmp_path: Path):
    run = ez.measure("digits", model=net, trials=1, out=tmp_path / "run", jobs=1, **ASKED)
    assert run.model == f"{__name__}:net"
    same = ez.measure("digits", model=f"{__name__}:net", trials=1, out=tmp_path / "other", jobs=1, **ASKED)
    assert same.trials[0].document.hash == run.trials[0].document.hash
    np.testing.assert_array_equal(same.votes().p_label, run.votes().p_label)


def test_nothing_is_written_where_a_model_is_refused(tmp_path: Path):
    for model, text in (
        (nn.Flatten(), "a Flatten that is built already"),
        (lambda width: net((1, 8, 8), width), "needs width"),
        (lambda: 3, "returned int"),
    ):
        with pytest.raises(ez.BadInput, match=text):
            ez.measure("digits", model=model, trials=1, out=tmp_path / "run", **ASKED)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "named"), [({"jobs": 2}, "processes"), ({"executor": "processes"}, "processes")]
)
def test_other_processes_are_refused(tmp_path: Path, given, named):
    text = f"'lambda#[0-9a-f]+': is an object of this process.*jobs=1 without executor='{named}'.*a module"
    with pytest.raises(ez.BadInput, match=text):
        ez.measure(
            "digits", model=lambda: net((1, 8, 8), 10), trials=2, out=tmp_path / "run", **given, **ASKED
        )
    assert not (tmp_path / "run").exists()


def test_several_jobs_become_one():
    assert allowed(Execution(), photos=False, models=["mlp_3", "net#1"]).jobs == 1
    assert allowed(Execution(), photos=False, models=["mlp_3"]).jobs == "auto"
    assert allowed(Execution(executor="serial"), photos=False, models=["net#1"]).executor == "serial"


def test_what_asks_the_networks_again_finds_them(tmp_path: Path):
    asked = {**ASKED, "limit": 300, "epochs": 4}
    run = ez.measure("digits", model=lambda: net((1, 8, 8), 10), trials=2, out=tmp_path / "run", **asked)
    curve = ez.perturbation_curve(run, "radial", [1.0], device="cpu", progress=False)
    assert curve.model == run.model
    assert measure_command(run, None) is None  # no command could
    assert f'<td style="text-align: left">{run.model}</td>' in run._repr_html_()


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[3] / "docs/data.md").read_text()
    (example,) = (one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "class Net" in one)
    exec(compile(example, "data.md", "exec"), {"__name__": "__main__"})
    models = [ez.open_run(f"runs/{name}").model for name in ("net", "narrow")]
    assert [model.partition("#")[0] for model in models] == ["Net", "lambda"]
