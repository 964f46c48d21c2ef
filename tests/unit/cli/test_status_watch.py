from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from easiness.cli import status_watch
from easiness.cli.status_watch import Watched, rate
from easiness.store import RunWriter

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


def event(kind: str, minutes: float) -> dict[str, str]:
    return {"kind": kind, "time": (NOON + timedelta(minutes=minutes)).isoformat()}


def test_the_rate_is_that_of_the_last_trials_since_the_run_was_started():
    assert rate([], NOON) is None
    assert rate([event("trial_finished", 0)], NOON) is None
    finished = [event("trial_finished", minute) for minute in (0, 1, 3, 6)]
    assert rate(finished, NOON + timedelta(minutes=7)) == pytest.approx(60 * 3 / 6)
    # started again a day later: the night between does not count
    again = [event("run_started", 1440), event("trial_finished", 1450), event("trial_finished", 1452)]
    assert rate([*finished, *again], NOON + timedelta(minutes=1453)) == pytest.approx(30)
    # the oldest of many do not count, and a clock that went back gives no negative gap
    slow = [event("trial_finished", 100 * n) for n in range(10)]
    fast = [event("trial_finished", 1000 + n) for n in range(20)]
    assert rate(slow + fast, NOON + timedelta(minutes=1020)) == pytest.approx(60)
    assert rate([event("trial_finished", 5), event("trial_finished", 0)], NOON) > 0


def test_a_run_that_hangs_slows_down():
    finished = [event("trial_finished", minute) for minute in (0, 1, 2)]
    assert rate(finished, NOON + timedelta(minutes=3)) == pytest.approx(60)
    assert rate(finished, NOON + timedelta(minutes=60)) == pytest.approx(60 * 3 / 60)
    assert rate(finished, None) == pytest.approx(60)  # nobody is at work: it does not hang


def test_the_rate_of_a_finished_run_is_no_matter_of_its_age(run_copy):
    ends = [event("trial_finished", minute) for minute in (0, 1, 2)]  # years ago by the clock of any test
    (run_copy / "events.jsonl").write_text("".join(json.dumps(end) + "\n" for end in ends))
    look = status_watch.Look(run_copy, "run")
    assert look.now().hourly == pytest.approx(60)
    with RunWriter(run_copy):  # somebody is at work and gets nowhere
        assert look.now().hourly < 60


def test_what_is_said():
    seen = Watched("runs/a", 1200, 5000, 2, True, {3: "the\nloss", 4: "x" * 500, 7: "y", 9: "z"}, 400.0)
    first, *errors = seen.lines()
    assert first.startswith(
        "runs/a: 1,200 of 5,000 done, 2 running, 4 failed, 3,800 left, 400 trials an hour, about 9"
    )
    assert seen.seconds_left() == pytest.approx(9.5 * 3600)
    assert [line[:16] for line in errors] == ["  trial 4 failed", "  trial 7 failed", "  trial 9 failed"]
    assert max(map(len, errors)) < 200
    over = Watched("a", 3, 3, 0, False, {}, None)
    assert over.lines() == ["a: 3 of 3 done, 0 running, 0 failed, 0 left, finished"]
    idle = Watched("a", 1, 3, 0, False, {}, 60.0)
    assert idle.lines() == [
        "a: 1 of 3 done, 0 running, 0 failed, 2 left, 60 trials an hour, no process is at work"
    ]


def test_a_finished_run_is_said_once(measured, command):
    finished = command("status", measured, "--watch", "--every", "0.1")
    assert finished.code == 0
    assert finished.out.count("3 of 3 done, 0 running, 0 failed, 0 left") == 1
    assert "finished" in finished.out.splitlines()[-1]


def test_a_folder_of_runs(run_copy, command):
    finished = command("status", run_copy.parent, "--watch", "--every", "0.1")
    assert (finished.code, finished.out.split(":")[0]) == (0, "run")


def test_a_run_is_watched_until_its_process_is_done(run_copy: Path, capsys):
    with RunWriter(run_copy) as writer:
        writer.note_work([1])
        one = list((run_copy / "trials").glob("0001-*"))
        aside = run_copy.parent / one[0].name
        one[0].rename(aside)
        watching = threading.Thread(
            target=status_watch.watch, args=(run_copy, lambda: [run_copy], 0.05), daemon=True
        )
        watching.start()
        until(lambda: "2 of 3 done, 1 running" in text(capsys))
        aside.rename(one[0])
        until(lambda: "3 of 3 done, 0 running" in text(capsys))
        assert watching.is_alive()
    watching.join(30)
    assert not watching.is_alive()
    assert text(capsys).splitlines()[-1].endswith("finished")


SAID: list[str] = []


def text(capsys) -> str:
    SAID.append(capsys.readouterr().out)
    return "".join(SAID)


def until(true) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(text)


def test_an_interrupt_ends_with_a_line(measured, command, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(status_watch, "watch", interrupted)
    finished = command("status", measured, "--watch")
    assert finished.code == 130
    assert len(finished.err.splitlines()) == 1


def test_verify_names_files_and_trials(run_copy, command):
    (run_copy / "events.jsonl").write_text("cut o")  # a log without a digest: nothing depends on it
    assert command("status", run_copy, "--verify").out == (
        f"{run_copy}: records, weights and descriptions of 1 run are as they were written (the log, "
        "events.jsonl, is not checked)\n"
    )
    (file,) = (run_copy / "trials").glob("0001-*/train.parquet")
    content = bytearray(file.read_bytes())
    content[99] ^= 4
    file.write_bytes(content)
    (run_copy / "examples.parquet").unlink()
    finished = command("status", run_copy, "--verify")
    assert finished.code == 1
    assert finished.out.splitlines() == [
        f"{run_copy}/examples.parquet: is missing",
        f"{file}: trial 1: has other bytes than were written",
    ]
    assert finished.err == (
        f"easiness: error: {run_copy}: 2 damaged files in 1 of 1 run, of 1 trial; restore "
        "examples.parquet from a copy, or measure into another folder; then for the files of trials run the "
        "same `easiness measure` with --retrain-damaged, or restore them from a copy\n"
    )
    assert command("status", run_copy.parent, "--verify").code == 1
    assert command("status", run_copy.parent / "none", "--verify").code == 2
