"""How far a pass over pictures has come: for whoever waits, and nothing where it is quick."""

from __future__ import annotations

import time

import pytest

from easiness.inputs import counted, reading, tell
from easiness.runs import screens as shown


class FakeScreen:
    def __init__(self) -> None:
        self.happened: list[object] = []

    def open(self) -> None:
        self.happened.append("open")

    def close(self) -> None:
        self.happened.append("close")

    def say(self, text: str) -> None:
        self.happened.append(text)

    def show(self, state: object) -> None:
        self.happened.append((state.texts, state.done))  # type: ignore[attr-defined]


def test_a_screen_is_opened_once_it_takes_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = FakeScreen()
    now = [0.0]
    monkeypatch.setattr(shown, "find_screen", lambda: screen)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with shown.passes_shown(True):
        tell("looking", 1, 4)
        assert screen.happened == []
        now[0] = 1.5
        tell("looking", 2, 4)
        assert list(counted(range(3), "counting", 3)) == [0, 1, 2]
    assert screen.happened == ["open", (["looking"], 0.5), (["counting"], 1.0), "close"]
    with shown.passes_shown(True):
        tell("quick", 1, 1)
    assert len(screen.happened) == 4


def test_without_a_screen_lines_come_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(shown, "find_screen", lambda: None)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with shown.passes_shown(True):
        tell("looking", 1, 4000)
        now[0] = 6.0
        tell("looking", 2000, 4000)
    assert capsys.readouterr().err == "looking: 2,000 of 4,000\n"


def test_who_shows_it_already_goes_on_to(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[str, int, int]] = []
    with reading(lambda *how_far: heard.append(how_far)), shown.passes_shown(False):
        tell("looking", 1, 2)
    assert heard == [("looking", 1, 2)]
    tell("to nobody", 1, 2)
    assert capsys.readouterr().err == ""
