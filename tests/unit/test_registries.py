"""What is registered is found by its name, and adding to it takes the files that CONTRIBUTING.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest
from typer.testing import CliRunner

import easiness
from easiness.cli.main import app
from easiness.commands import COMMANDS, PAPER
from easiness.data.load import SOURCES, find_source
from easiness.data.sources.source import SourceRequest
from easiness.errors import BadInput
from easiness.executors import EXECUTORS, Executor, Needs, executor_names, find_executor, make_executor
from easiness.exports import FORMATS, find_format
from easiness.features import KINDS as FEATURES
from easiness.inputs import Signature
from easiness.inputs.text import VOCABULARY
from easiness.models import FAMILIES, build_model, find_family
from easiness.models.registry import OWN
from easiness.perturb import KINDS, find_kind, kinds
from easiness.scoring import SCORES, find_score
from easiness.spec import LoadOptions

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def help_of(command: str) -> str:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    return shown.output


def names_of_models() -> list[str]:
    return [name for family in FAMILIES for name in family.names() or ()]


@pytest.mark.parametrize(
    "names",
    [
        [score.name for score in SCORES],
        [f"{kind.name} of {fitting}" for kind in KINDS for fitting in kind.kinds],
        [kind.name for kind in EXECUTORS],
        [family.form for family in FAMILIES],
        names_of_models(),
        [source.form for source in SOURCES],
        [name for source in SOURCES for name in source.names],
        [kind.form for kind in FEATURES],
        [form.name for form in FORMATS],
        [one.name for one in (*COMMANDS, *PAPER)],
    ],
)
def test_names_are_there_once(names: list[str]) -> None:
    assert names
    assert len(names) == len(set(names))


def test_every_entry_is_found_by_its_name() -> None:
    for score in SCORES:
        assert find_score(score.name) is score
    for kind in KINDS:
        assert all(find_kind(kind.name, fitting) is kind for fitting in kind.kinds)
    for executor in EXECUTORS:
        assert find_executor(executor.name) is executor
    for form in FORMATS:
        assert find_format(form.name) is form
    for family in FAMILIES:
        for name in family.names() or ():
            assert find_family(name) is family
    assert [find_family(name).form for name in ("timm:resnet18", "a.b:c")] == [
        "timm:NAME",
        "package.module:callable",
    ]


def test_every_source_is_found_by_its_names_or_files(tmp_path: Path) -> None:
    def found(text: str) -> str:
        return find_source(SourceRequest(text, LoadOptions(), None, download=False)).form

    for source in SOURCES:
        for name in source.names:
            assert found(name) == source.form
    (tmp_path / "shards").mkdir()
    files = {}
    for name in ("a.parquet", "a.CSV", "a.npz", "shards/train.parquet"):
        (tmp_path / name).touch()
        files[name] = found(str(tmp_path / name))
    table = "a CSV or Parquet file, or a folder of train* and test* of them"
    assert list(files.values()) == [table, table, "an .npz file", table]
    assert found(str(tmp_path / "shards")) == table
    (tmp_path / "classes").mkdir()
    assert found(str(tmp_path / "classes")) == "a folder of class folders"


def test_every_family_of_ours_builds_its_examples() -> None:
    inputs = (Signature((3, 8, 8)), Signature((9,), "int64", VOCABULARY))
    for family in OWN:
        taken = [one for one in inputs if family.takes.suits(one)]
        assert len(taken) == 1
        assert build_model(family.examples[0], taken[0], 2) is not None


def test_executors_are_in_the_help_and_carry_what_they_are() -> None:
    assert f"--executor {'|'.join((*executor_names(), 'package.module:name'))}" in help_of("measure")
    for kind in EXECUTORS:
        with_one = kind.make(1, Needs(), None)
        assert isinstance(with_one, Executor)
        assert with_one.shares_memory == kind.shares_memory
        assert with_one.jobs == 1


def test_formats_are_in_the_help() -> None:
    assert all(re.search(rf"\b{form.name}\b", help_of("export")) for form in FORMATS)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    monkeypatch.chdir(tmp_path)

    def write(name: str, source: str) -> str:
        Path(f"{name}.py").write_text(dedent(source))
        return name

    return write


def test_the_map_says_how_many_lines_each_addition_takes() -> None:
    text = CONTRIBUTING.read_text()
    told = re.findall(r"\| ([a-z ]+): a file, `[A-Z]+` of `\S+` \| (\d+) \|", text)
    blocks = re.findall(r"\*\*An? [^*]+\*\*[^`]*`.*?```python\n(.*?)```", text, re.DOTALL)
    assert len(told) == len(blocks) == 10
    assert sorted(int(lines) for _, lines in told) == sorted(block.count("\n") for block in blocks)


def test_an_executor_of_the_users_own(module: Callable[[str, str], str]) -> None:
    name = module(
        "own_executor",
        """
        from easiness.executors import SerialExecutor

        class Mine(SerialExecutor):
            def __init__(self, jobs):
                if jobs == 9:
                    raise KeyError("nine")
                self.jobs = jobs

        def other(jobs):
            return jobs
        """,
    )
    executor = make_executor(f"{name}:Mine", 2)
    assert executor.jobs == 2
    assert [outcome.value for outcome in executor.run(abs, [-1, 2])] == [1, 2]
    assert find_executor(f"{name}:Mine").shares_memory
    for wrong, told in [
        (f"{name}:mine", rf"module {name} has no 'mine' \(did you mean Mine"),
        (f"{name}:other", "gives int; give an easiness.executors.Executor"),
        ("nowhere.at:all", "there is no module nowhere"),
        ("own.py/x:y", r"write package\.module:name"),
    ]:
        with pytest.raises(BadInput, match=told):
            make_executor(wrong)
    with pytest.raises(BadInput, match=r"Mine\(9\) raised KeyError: 'nine'"):
        make_executor(f"{name}:Mine", 9)


@pytest.fixture
def contributors_copy(tmp_path: Path) -> Path:
    """The package, to be changed."""
    here = Path(easiness.__file__).parent
    return shutil.copytree(here, tmp_path / "easiness", ignore=shutil.ignore_patterns("__pycache__"))


def add_line(registry: Path, name: str, entry: str, declared: str = "") -> None:
    """Put ``entry`` first in the tuple ``name``, and the import of what is ``declared`` above it."""
    text, changed = re.subn(rf"^({name}: .* = \()", rf"\1{entry}, ", registry.read_text(), flags=re.MULTILINE)
    assert changed == 1
    registry.write_text(
        text.replace("import annotations\n", f"import annotations\n{declared}\n", 1) if declared else text
    )


def given(start: str) -> str:
    """The line that CONTRIBUTING.md has between backticks."""
    text = re.sub(r"```.*?```", "", CONTRIBUTING.read_text(), flags=re.DOTALL)
    (line,) = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text) if code.startswith(start)]
    return line


def add_file(path: Path, source: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(dedent(source))


def outcome(package: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        cwd=package.parent,
        env={"PYTHONPATH": str(package.parent), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_adding_one_of_each_kind(contributors_copy: Path) -> None:
    root = contributors_copy
    for path, source in re.findall(r"```python\n# (\S+)\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL):
        add_file(root / path, source)
    add_line(
        root / "scoring/table.py",
        "SCORES",
        "SURPRISE",
        "from easiness.scoring.surprise import SURPRISE",
    )
    add_line(
        root / "data/load.py",
        "SOURCES",
        "STRIPES",
        "from easiness.data.sources.stripes import STRIPES",
    )
    add_line(
        root / "data/tables/splits.py",
        "READERS",
        "FEATHER",
        "from easiness.data.tables.feather import FEATHER",
    )
    pd.DataFrame({"text": ["a b", "c d"], "label": ["x", "y"]}).to_feather(root.parent / "t.feather")
    add_line(root / "inputs/registry.py", "KINDS", "FLAGS", "from easiness.inputs.flags import FLAGS")
    add_line(root / "exports/writing.py", "FORMATS", "NAMES", "from easiness.exports.names import NAMES")
    add_line(root / "models/registry.py", "OWN", given("NumberedFamily("))
    add_line(root / "perturb/registry.py", "KINDS", "DARKEN", "from easiness.perturb.darken import DARKEN")
    add_line(
        root / "executors/registry.py",
        "EXECUTORS",
        given("ExecutorKind("),
        "from easiness.executors.again import AgainExecutor",
    )
    add_line(root / "commands.py", "COMMANDS", given("CommandEntry("))
    add_line(root / "features/registry.py", "KINDS", "SIZES", "from easiness.features.sizes import SIZES")
    code = """
        import sys, torch, easiness as ez
        from easiness.executors import check_executor, make_executor
        from easiness.models import build_model, model_names
        from easiness.perturb import find_kind
        from easiness.scoring import find_score
        from easiness.scoring.table import SCORES
        from easiness.engine import find_command

        print(len(ez.load_dataset("stripes")), ez.load_dataset("t.feather").classes)
        print(find_score("surprise") is SCORES[0])
        print(build_model("flat_4", (3, 8, 8), 2)[1].out_features, "flat_WIDTH" in model_names())
        darken = find_kind("darken")
        print(darken.at(0.5, 0, "darken")(torch.ones(1, 1, 1, 1)).item(), darken.levels((1, 1, 1)))
        print(type(make_executor("again")).__name__)
        from easiness.exports import find_format
        print(find_format("names").then)
        flags = ez.load_dataset(([[True, False, True], [False, True, True]] * 8, [0, 1] * 8))
        run = ez.measure(flags, model="linear", trials=1, epochs=1, out="flags")
        print(find_command("count").name, ez.count(run).trials)
        print(flags.kind.nouns, flags.ref().kind, len(run.ids))
        from easiness.features import find_features
        stripes = ez.load_dataset("stripes")
        print(*find_features("sizes", stripes).vectors(stripes, torch.arange(2).numpy()).ravel())
        for wrong in (lambda: ez.load_dataset("strips"), lambda: build_model("flat_9", (3, 8, 8), 2),
                      lambda: find_score("surprize"), lambda: check_executor("agian", 1)):
            try:
                wrong()
            except ez.BadInput as error:
                print(error)
    """
    lines = outcome(root, code).splitlines()
    assert lines[:9] == [
        "4 ('x', 'y')",
        "True",
        "4 True",
        "0.5 (1.0, 0.5)",
        "AgainExecutor",
        "open({out!r}).readlines()",
        "count 1",
        "rows of flags flags 16",
        "8.0 8.0 8.0 8.0",
    ]
    told = ["did you mean stripes", "width 9 does not work", "did you mean surprise", "did you mean again"]
    assert all(text in line for text, line in zip(told, lines[9:], strict=True))


def test_kinds_of_perturbation_are_listed_in_order() -> None:
    ours = tuple(dict.fromkeys(kind.name for kind in KINDS))
    assert kinds()[: len(ours)] == ours
