"""Importing the package, and every command that only reads, loads none of the heavy libraries."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from easiness.commands import OLD_HOMES
from lengths import long_but

HEAVY = ("torch", "torchvision", "ray", "matplotlib", "plotly")

PROBE = """
import sys
try:
    {code}
except SystemExit as ended:
    assert ended.code == 0, ended.code
print(*sorted(set({heavy}) & set(sys.modules)), file=sys.stderr)
"""

COMMAND = "import sys; sys.argv[1:] = {arguments}; from easiness.cli.main import run; run()"


def stderr_of(code: str) -> list[str]:
    """The lines that a new process has on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def heavy_after(code: str, heavy: tuple[str, ...] = HEAVY) -> list[str]:
    return stderr_of(PROBE.format(code=code, heavy=heavy))[-1].split()  # after what the command had to say


@pytest.mark.parametrize(
    "code",
    [
        "import easiness",
        "import easiness.spec, easiness.records, easiness.scoring, easiness.analysis, easiness.store",
        "from easiness import select, open_run, Recorder, BadInput, Recipe",
        "import easiness.data, easiness.executors, easiness.models as m; m.find_family('wrn_16_4')",
        COMMAND.format(arguments=["--help"]),
        COMMAND.format(arguments=["measure", "--help"]),
        COMMAND.format(arguments=["compare", "--help"]),
        COMMAND.format(arguments=["report", "--help"]),
        COMMAND.format(arguments=["verify", "--help"]),
        COMMAND.format(arguments=["paper", "hypothesis", "--help"]),
    ],
)
def test_starting_is_light(code):
    assert heavy_after(code) == []


def test_the_help_loads_no_library_for_numbers_or_documents():
    libraries = ("numpy", "pandas", "pydantic", "pyarrow", *HEAVY)
    assert heavy_after(COMMAND.format(arguments=["--help"]), libraries) == []


@pytest.mark.parametrize("command", long_but(["scores", "status", "compare"], ["compare"]))
def test_reading_a_run_is_light(measured: Path, command: str):
    assert heavy_after(COMMAND.format(arguments=[command, str(measured)])) == []


FUNCTIONS = """
import importlib, pkgutil, types
import easiness as ez
from easiness.commands import COMMANDS, PAPER
for module in pkgutil.walk_packages(ez.__path__, "easiness."):
    if not module.name.endswith("__main__") and ".integrations." not in module.name:
        importlib.import_module(module.name)
for one in (*COMMANDS, *PAPER):
    found = ez
    for name in one.name.split():
        found = getattr(found, name)
    assert isinstance(found, types.FunctionType), one.name
"""


def test_no_module_hides_a_function_of_the_front_door():
    stderr_of(FUNCTIONS)


WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *more):
        gone = name.split(".")[0] in ("loky", "torch", "torchvision")
        return None if gone else super().find_spec(name, *more)
sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from easiness.cli.main import run
for arguments in {commands}:
    sys.argv[1:] = arguments
    try:
        run()
    except SystemExit as ended:
        print("ended:", arguments[0], ended.code, file=sys.stderr)
import easiness as ez
try:
    ez.measure("digits", out="new")
except ez.BadInput as error:
    print(error, file=sys.stderr)
"""


@pytest.mark.long
def test_runs_are_read_without_torch_and_what_takes_it_says_so(run_copy: Path, tmp_path: Path):
    """Every command that a reader of runs has, then two that train, in one process."""
    run = str(run_copy)
    commands = [
        ["scores", run],
        ["compare", run],
        ["suspects", run, "-o", str(tmp_path / "suspects.md")],
        ["report", run, "-o", str(tmp_path / "report.html")],
        ["export", run, "--to", "csv", "-o", str(tmp_path / "exported.csv")],
        ["keep", run, "--drop", "0.2", "--policy", "easy", "-o", str(tmp_path / "kept.txt")],
        ["keep", run, "--steps", "9", "-o", str(tmp_path / "steps.csv")],
        ["measure", "digits", "--trials", "2", "--out", str(tmp_path / "new")],
        ["measure", "digits", "--features", f"run:{run}", "--out", str(tmp_path / "new")],
    ]
    lines = stderr_of(WITHOUT.format(commands=commands))
    said = [line for line in lines if line.startswith("ended:") or "torch" in line]
    needs = "measure: needs torch, which is not installed; pip install 'easiness[train]'"
    assert said == [
        *(f"ended: {command} 0" for command, *_ in commands[:-2]),
        *[f"easiness: error: {needs}", "ended: measure 2"] * 2,
        needs,
    ]
    assert "torch is not installed" in (tmp_path / "suspects.md").read_text("utf-8")


@pytest.mark.long
def test_recording_from_numpy_is_light(tmp_path: Path):
    code = f"""
    import numpy as np, easiness as ez
    recorder = ez.Recorder({str(tmp_path / "mine")!r}, ids=[1, 2], labels=[0, 1])
    with recorder.trial(seed=0) as trial:
        trial.update([1, 2], np.eye(2)); trial.end_epoch()
    recorder.run.scores(); ez.open_run({str(tmp_path / "mine")!r}).votes()
    ez.matching_rate(recorder.run, recorder.run, side="easy", fraction=0.5)"""
    assert heavy_after(code.strip()) == []


@pytest.mark.long
def test_the_probe_sees_a_heavy_library():
    assert heavy_after("import torch") == ["torch"]


@pytest.mark.parametrize(("old", "now"), OLD_HOMES.items())
def test_what_has_moved_says_where_it_is(old, now):
    import easiness

    with pytest.raises(AttributeError, match=f"easiness.{old} is easiness.{now} now"):
        getattr(easiness, old)
    pkgutil.resolve_name(f"easiness.{now}")


def test_the_package_shows_its_interface_and_nothing_else():
    """Whatever was imported of it by then."""
    import importlib.metadata

    import easiness
    import easiness.cli.main
    import easiness.pages

    assert all(getattr(easiness, name) is not None for name in dir(easiness))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(easiness, "nothing")  # noqa: B009
    assert easiness.__version__ == importlib.metadata.version("easiness")
    assert set(dir(easiness)) == {
        "__version__",
        *("BadInput", "Dataset", "EasinessError", "Recipe", "Recorder", "Run", "RunFailed", "audit", "card"),
        *("compare", "diff", "draw_by_rank", "explain", "export", "keep", "labels", "load_dataset"),
        *("matching_rate", "measure", "next", "open_run", "paper", "record", "report", "scores", "select"),
        *("status", "suspects", "verify"),
    }  # fmt: skip
