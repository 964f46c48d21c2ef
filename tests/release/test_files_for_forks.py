"""The files by which others run, cite and report: they parse, and name what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (pip install '.[test]')")
ROOT = Path(__file__).parents[2]
FORKS = ROOT / ".github"
if not FORKS.is_dir():
    pytest.skip("not a checkout of the repository", allow_module_level=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def parsed(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def test_the_workflow_calls_what_is_there_on_every_python_and_may_only_read():
    workflow = parsed(FORKS / "workflows" / "ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    weekly = jobs["weekly"]["strategy"]["matrix"]["include"]
    called = {step["run"] for step in steps if "run" in step} - {"${{ matrix.run }}"}
    called |= {one["run"] for one in weekly}
    targets = set(re.findall("^([a-z ]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    made = {f"make {target}" for line in targets for target in line.split()}
    assert {"make lint", "make tests", "make docs", "make wheel"} <= called
    assert all(one in made or (ROOT / one).is_file() for one in called), called - made
    pythons = [one.rsplit(" ", 1)[1] for one in PROJECT["classifiers"] if "Python ::" in one]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == pythons
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    actions = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in actions)


def test_the_citation_is_of_this_version_and_of_the_paper():
    """Valid by `cffconvert --validate`; here what may go wrong later."""
    citation = parsed(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert {"title", "message", "authors"} <= citation.keys()
    paper = citation["preferred-citation"]
    assert [one["family-names"] for one in paper["authors"]] == ["Kishida", "Nakayama"]
    assert PROJECT["urls"]["Paper"].endswith(paper["identifiers"][0]["value"].removeprefix("arXiv:"))
