"""What one run found out about the machine serves the next, in whatever folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from easiness import measure, open_run
from easiness.runs.auto import looks

pytestmark = pytest.mark.usefixtures("empty_cache")

SETTINGS: dict[str, Any] = {"model": "mlp_2_w16", "limit": 100, "trials": 2, "epochs": 2}
OPTIONS = [f"--{name}={value}" for name, value in SETTINGS.items()]


@pytest.fixture
def measured_again(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Ways that were looked at since this was asked for."""
    done: list[Any] = []
    really = looks.look_at  # type: ignore[attr-defined]

    def note(workload: Any, ways: Any, *how: Any) -> Any:
        done.extend(ways)
        return really(workload, ways, *how)

    monkeypatch.setattr(looks, "look_at", note)
    return done


def resolved(path: Path) -> Any:
    spec = open_run(path).spec
    return spec.resolved  # type: ignore[union-attr]


def test_a_dry_run_keeps_nothing_and_one_run_measures_for_the_next(
    command, tmp_path, empty_cache, measured_again
):
    assert command("measure", "digits", *OPTIONS, "--out", tmp_path / "a", "--dry-run").code == 0
    assert not (empty_cache / "speeds").exists()  # a glance is too rough to be kept
    measured_again.clear()
    assert command("measure", "digits", *OPTIONS, "--out", tmp_path / "a").code == 0
    assert len(list((empty_cache / "speeds").iterdir())) == 1
    assert measured_again
    measured_again.clear()
    assert command("measure", "digits", *OPTIONS, "--out", tmp_path / "b").code == 0
    assert measured_again == []
    assert resolved(tmp_path / "a") == resolved(tmp_path / "b")


def test_measured_again_where_that_is_asked(command, tmp_path, measured_again):
    command("measure", "digits", *OPTIONS, "--out", tmp_path / "a")
    measured_again.clear()
    assert command("measure", "digits", *OPTIONS, "--out", tmp_path / "b", "--choose-again").code == 0
    assert measured_again
    measured_again.clear()
    measure("digits", **SETTINGS, out=tmp_path / "c")
    assert measured_again == []
    measure("digits", **SETTINGS, out=tmp_path / "d", choose_again=True)
    assert measured_again


def test_a_run_that_exists_stays_as_it_was_chosen(command, tmp_path):
    command("measure", "digits", *OPTIONS, "--out", tmp_path / "a")
    before = resolved(tmp_path / "a")
    options = [*OPTIONS, "--trials=3", "--out", tmp_path / "a", "--choose-again"]
    assert command("measure", "digits", *options).code == 0
    assert resolved(tmp_path / "a") == before
