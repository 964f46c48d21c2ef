"""The wheel and the source distribution that would be uploaded, used by somebody who downloaded them."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from easiness.paper.reproduction.presets import Preset

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
BUILD = "import sys, setuptools.build_meta as backend; getattr(backend, 'build_' + sys.argv[1])(sys.argv[2])"


def call(*command: str | Path, cwd: Path) -> str:
    """What the command printed; it sees nothing of this project but what is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def major_version(name: str) -> int:
    """Of a package that is installed, which importing would change this process by; 0 of one that is not."""
    try:
        return int(importlib.metadata.version(name).partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built from, without what earlier builds left in it."""
    if major_version("setuptools") < 77:
        pytest.skip("setuptools, which builds, is not installed, or too old")
    folder = tmp_path_factory.mktemp("tree") / "easiness"
    left = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=left)
    for file in (path for path in ROOT.iterdir() if path.is_file()):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def built(tree: Path) -> Path:
    """A folder with the wheel and the source distribution of the tree."""
    for kind in ("sdist", "wheel"):
        call(sys.executable, "-c", BUILD, kind, tree / "dist", cwd=tree)
    return tree / "dist"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the one wheel in a folder."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_wheel_has_the_whole_package_and_nothing_else(tree: Path, built: Path) -> None:
    own = {path.relative_to(tree / "src").as_posix() for path in (tree / "src").rglob("*") if path.is_file()}
    own = {name for name in own if not name.startswith("easiness.egg-info/")}
    found = set(contents(built))
    about = {name for name in found if ".dist-info/" in name}
    assert found - about == own
    assert any(name.endswith("licenses/LICENSE") for name in about)


def test_the_source_distribution_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as opened:
        opened.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    assert (folder / "CHANGELOG.md").is_file()
    assert not (folder / "docs").exists()
    call(sys.executable, "-c", BUILD, "wheel", tmp_path / "dist", cwd=folder)
    assert contents(tmp_path / "dist") == contents(built)


def test_an_index_would_take_both(built: Path) -> None:
    if not major_version("twine"):
        pytest.skip("twine is not installed (pip install '.[release]')")
    call(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), cwd=built)


def test_the_installed_wheel_measures_and_reports_in_another_folder(
    built: Path, tiny_preset: Preset, tmp_path: Path
) -> None:
    """The commands of `make demo` and `make paper`, in small; packages are taken from where they lie here."""
    if major_version("pip") < 23:
        pytest.skip("pip, which installs, is not here, or too old")
    call(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    (wheel,) = built.glob("*.whl")
    call(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=tmp_path)
    paths = "import json, sysconfig; print(json.dumps(sysconfig.get_paths()))"
    own = Path(json.loads(call(python, "-c", paths, cwd=tmp_path))["purelib"])
    # it comes after its own packages; the .pth file that would lead to the tree is not read there
    (own / "needed.pth").write_text(sysconfig.get_paths()["purelib"])
    where = call(python, "-c", "import easiness; print(easiness.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(own)
    easiness = programs / "easiness"
    page = tmp_path / "digits.html"
    trained = ("--model", "mlp_3", "--trials", "5", "--epochs", "2", "--out", "run")
    call(easiness, "measure", "digits", "--limit", "300", *trained, cwd=tmp_path)
    call(easiness, "suspects", "run", "-o", "suspects.csv", cwd=tmp_path)
    call(easiness, "report", "run", "-o", page, cwd=tmp_path)
    # which trains the other networks that `make demo` does
    tiny = f"from easiness.paper.reproduction.presets import *; PRESETS['smoke'] = {tiny_preset!r}"
    begin = f"{tiny}; from easiness.cli.main import run; run()"
    paper = ("paper", "all", "--preset", "smoke", "--limit", "150", "--out", "paper")
    call(python, "-c", begin, *paper, cwd=tmp_path)
    assert page.stat().st_size > 100_000
    assert (tmp_path / "paper" / "report.html").stat().st_size > 100_000
