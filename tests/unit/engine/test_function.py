from __future__ import annotations

import importlib.util
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest

import easiness as ez
from easiness import show
from easiness.engine import ONE_RUN, At, OneFolder, Out, Source, Study, function_of
from easiness.errors import BadInput
from easiness.runs import given_data, make_plan
from easiness.spec import Execution, Fields, Loading, Option, Training, Trials
from recording import believing


@dataclass(frozen=True, eq=False)
class Seen(show.Result):
    """What a study was asked."""

    asked: Any

    def table(self) -> pd.DataFrame:
        return pd.DataFrame()

    def figure(self) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class OfRuns:
    run: Annotated[Any, Option("", "The run.", **ONE_RUN)]
    others: Annotated[tuple[Any, ...], Option("--others", "More of them.", opens=True, several=True)] = ()
    at: At = None
    file: Annotated[Path | None, Option("--file", "A file.")] = None
    quiet: Annotated[bool, Option("--quiet", "Of commands alone.", python=False)] = False


@dataclass(frozen=True)
class OfTrainings:
    data: Source
    out: Out
    trials: Trials = field(default_factory=Trials)
    training: Annotated[Training, Fields(("model", "epochs", "recipe", "batch_size", "pretrained"))] = (
        Training()
    )
    loading: Loading = Loading()
    execution: OneFolder = Execution()


def seen(asked: Any) -> Seen:
    """The study's result."""
    return Seen(asked)


ask = function_of(Study("ask", "Look", "Ask.", OfRuns, seen))


def test_one_run_stands_for_several_and_a_path_for_none(record):
    run = record(believing([0, 1], 2, 1), [0, 1])
    found = ask(run, others=run, at=0.5, file="~/a").asked
    assert (found.run, found.others, found.at) == (run, (run,), 0.5)
    assert found.file == Path("~/a").expanduser()
    assert ask(run, others=[run, run]).asked.others == (run, run)
    with pytest.raises(BadInput, match="is a path; open the run first"):
        ask("runs/a")


def test_the_signature_and_the_help_are_those_of_what_is_asked():
    parameters = inspect.signature(ask).parameters
    assert [*parameters] == ["run", "others", "at", "file", "progress"]
    assert parameters["run"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters["at"].kind is inspect.Parameter.KEYWORD_ONLY
    assert inspect.signature(ask).return_annotation is Seen
    assert (ask.__name__, ask.__module__) == ("ask", "easiness")
    assert str(ask.__doc__).startswith("Ask.\n\nArgs:\n    run: The run.\n    others: More of them.\n")


@pytest.mark.parametrize("given", [{"runs": 1}, {"quiet": True}, {"at": 1, "ats": 2}])
def test_unknown_arguments_are_refused_as_python_does(given):
    with pytest.raises(TypeError, match=r"ask\(\): "):
        ask(None, **given)


def test_settings_of_the_recipe_and_of_auto_go_with_them(tmp_path):
    got = []

    def plan(asked: OfTrainings) -> Any:
        got.append(asked)
        raise BadInput("enough")

    train = function_of(Study("train", "Look", "Train.", OfTrainings, seen, plan))
    for given in (
        {"recipe": {"batch_size": 8, "pretrained": True, "flip": 0.0}},
        {"recipe": {"batch_size": 8}},
        {"recipe": "paper", "trials": {"reliability": 0.9}},
        {"trials": 3},
    ):
        with pytest.raises(BadInput, match="enough"):
            train("digits", out=tmp_path, progress=False, **given)
    first, second, third, fourth = got
    assert (first.training.batch_size, first.training.pretrained) == (8, True)
    assert first.training.recipe == {"flip": 0.0}
    assert (second.training.batch_size, second.training.recipe) == (8, None)
    assert (third.trials.trials, third.trials.reliability, third.training.recipe) == ("auto", 0.9, "paper")
    assert fourth.trials == Trials(3)
    assert "text" not in inspect.signature(train).parameters  # load_dataset's


def test_a_study_that_trains_goes_on_where_it_stopped(tmp_path):
    """Two trials are there, one is trained; a third time nothing is."""

    @dataclass(frozen=True)
    class Planned:
        runs: Any
        note: str = "and no more"

    def plan(asked: OfTrainings) -> Planned:
        data = given_data(asked.data, asked.loading)
        return Planned({"one": make_plan(data, asked.training, int(asked.trials.trials))})

    def find(asked: OfTrainings, planned: Planned, runs: Any) -> Seen:
        assert planned.note == "and no more"
        return Seen([trial.index for trial in runs["one"].first(int(asked.trials.trials)).trials])

    train = function_of(Study("train", "Look", "Train.", OfTrainings, find, plan))
    data = ez.load_dataset("digits", limit=40)
    where: dict[str, Any] = {"out": tmp_path, "model": "mlp_1_w8", "epochs": 1, "progress": False}
    assert train(data, trials=2, **where).asked == [0, 1]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("trial.json")}
    assert train(data, trials=3, **where).asked == [0, 1, 2]
    assert train(data, trials=2, **where).asked == [0, 1]
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.long
def test_the_stubs_are_those_that_the_script_writes():
    script = Path(__file__).parents[3] / "tools/stubs.py"
    spec = importlib.util.spec_from_file_location("stubs", script)
    assert spec is not None
    assert spec.loader is not None
    stubs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stubs)
    for path, text in stubs.stubs().items():
        assert path.read_text() == text, "run python tools/stubs.py"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"others": []}, "others: is empty"),
        ({"at": "3"}, "at '3': is no number"),
        ({"at": True}, "at True: is no number"),
        ({"at": 10**400}, "at inf: is neither an epoch"),
    ],
)
def test_values_of_other_types_are_refused(record, arguments, said):
    run = record(believing([0, 1] * 5, 2, 2), [0, 1] * 5)
    with pytest.raises(BadInput, match=said):
        run.resolve_at(ask(run, **arguments).asked.at)
