from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from easiness.cli.status import _hourly as hourly
from easiness.regular_file import read_regular
from easiness.store import RunWriter
from recording import counted, flip

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


def event(kind: str, minutes: float, zero: datetime = NOON) -> dict[str, str]:
    return {"kind": kind, "time": (zero + timedelta(minutes=minutes)).isoformat()}


def test_the_rate_is_that_of_the_last_trials_since_the_run_was_started():
    assert hourly([], NOON) is None
    assert hourly([event("trial_finished", 0)], NOON) is None
    finished = [event("trial_finished", minute) for minute in (0, 1, 3, 6)]
    assert hourly(finished, NOON + timedelta(minutes=7)) == pytest.approx(60 * 3 / 6)
    # started again a day later: the night between does not count
    again = [event("run_started", 1440), event("trial_finished", 1450), event("trial_finished", 1452)]
    assert hourly([*finished, *again], NOON + timedelta(minutes=1453)) == pytest.approx(30)
    # the oldest of many do not count, and a clock that went back gives no negative gap
    slow = [event("trial_finished", 100 * n) for n in range(10)]
    fast = [event("trial_finished", 1000 + n) for n in range(20)]
    assert hourly(slow + fast, NOON + timedelta(minutes=1020)) == pytest.approx(60)
    assert hourly([event("trial_finished", 5), event("trial_finished", 0)], NOON) > 0  # type: ignore[operator]
    # a run that hangs slows down
    assert hourly(finished[:2], NOON + timedelta(minutes=60)) == pytest.approx(60 * 2 / 60)


def test_a_run_at_work_says_how_fast_and_until_when(run_copy, command):
    (trial,) = (run_copy / "trials").glob("0001-*")
    trial.rename(run_copy.parent / trial.name)
    ends = [event("trial_finished", minute, datetime.now(UTC)) for minute in (-20, -10, 0)]
    (run_copy / "events.jsonl").write_text("".join(json.dumps(end) + "\n" for end in ends))
    idle = command("status", run_copy).out
    assert "missing: trial 1; no process is at work" in idle
    assert "an hour" not in idle
    with RunWriter(run_copy) as writer:
        writer.note_work([1])
        said = command("status", run_copy).out
        table = command("status", run_copy.parent).out
    (rate,) = (line for line in said.splitlines() if line.startswith("rate: "))
    assert rate.startswith("rate: 6.0 trials an hour; about 10 min left, until ")
    (until,) = re.findall(r"at work, 1 to go, until \w+ (\d\d:\d\d)", table)
    apart = datetime.strptime(until, "%H:%M") - datetime.strptime(rate[-5:], "%H:%M")
    assert apart.seconds in (0, 60)  # a minute may pass between the two


def test_verify_names_files_and_trials(run_copy, command):
    (run_copy / "events.jsonl").write_text("cut o")  # a log without a digest: nothing depends on it
    assert "1 run are as they were written" in command("status", run_copy, "--verify").out
    (file,) = (run_copy / "trials").glob("0001-*/train.parquet")
    flip(file)
    (run_copy / "examples.parquet").unlink()
    finished = command("status", run_copy, "--verify")
    assert finished.code == 1
    assert finished.out.splitlines() == [
        f"{run_copy}/examples.parquet: is missing",
        f"{file}: trial 1: has other bytes than were written",
    ]
    assert "2 damaged files in 1 of 1 run, of 1 trial; restore examples.parquet" in finished.err
    assert command("status", run_copy.parent, "--verify").code == 1
    assert command("status", run_copy.parent / "none", "--verify").code == 2


def test_a_folder_of_runs_reads_each_description_once(tmp_path, run_copy, command, monkeypatch):
    for name in ("one", "two"):
        shutil.copytree(run_copy, tmp_path / "runs" / name)
    read: list[str] = []

    def noted(file, most):
        read.append(str(file))
        return read_regular(file, most)

    monkeypatch.setattr("easiness.store.files.read_regular", noted)
    assert command("status", tmp_path / "runs").out.startswith(f"{tmp_path / 'runs'}: 2 runs\n")
    described = [file for file in read if file.endswith(("run.json", "trial.json"))]
    assert len(described) == len(set(described)) == 2 * (1 + len(list((run_copy / "trials").iterdir())))


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "harm"), [("train.parquet", flip), ("weights.safetensors", cut), ("trial.json", cut)]
)
def test_of_a_run(command, run_copy, trial_folder, name, harm):
    file = trial_folder(run_copy, 1) / name
    harm(file)
    finished, verified = command("status", run_copy), command("status", run_copy, "--verify")
    lines = finished.out.splitlines()
    assert lines[0].startswith(f"damaged: {file}: trial 1: ")
    assert not any("its sets hold" in line for line in lines)
    assert (finished.code, finished.err) == (verified.code, verified.err)
    assert finished.code == 1
    assert "--retrain-damaged" in finished.err


@pytest.mark.parametrize("name", ["run.json", "examples.parquet"])
def test_no_training_mends_what_describes_a_run(command, run_copy, name):
    flip(run_copy / name)
    before = (run_copy / name).read_bytes()
    advice = f"1 damaged file in 1 of 1 run; restore {name} from a copy, or measure into another folder\n"
    for more in ([], ["--verify"]):
        finished = command("status", run_copy, *more)
        assert (finished.code, finished.err) == (1, f"easiness: error: {run_copy}: {advice}")
    size = ["--limit", 100, "--trials", 3, "--epochs", 2, "--precision", "float32"]
    again = command("measure", "digits", "--model", "mlp_3", *size, "--out", run_copy, "--retrain-damaged")
    assert again.code == 2  # which is why it is not advised
    assert f"{name}: the " in again.err
    assert (run_copy / name).read_bytes() == before


def test_of_a_folder_of_runs(command, run_copy, trial_folder):
    file = trial_folder(run_copy, 2) / "train.parquet"
    assert command("status", run_copy.parent).code == 0
    file.unlink()
    finished = command("status", run_copy.parent)
    assert finished.code == 1
    assert any(
        line.startswith("run ") and line.endswith("damaged, finished") for line in finished.out.splitlines()
    )
    assert f"damaged: {file}: trial 2: is missing" in finished.out.splitlines()


@pytest.mark.parametrize("content", ["{", "[]", '{"preset": 3}'])
def test_of_a_study(command, run_copy, content):
    file = run_copy.parent / "study.json"
    file.write_text('{"preset": {"name": "smoke"}}')
    assert command("status", run_copy.parent).code == 0
    file.write_text(content)
    for more in ([], ["--verify"]):
        finished = command("status", run_copy.parent, *more)
        assert finished.code == 1
        assert f"{file}: is damaged" in finished.out
        assert "restore study.json" in finished.err


def test_outcomes_and_their_damage(tmp_path, command):
    counted(tmp_path / "runs", ids=["a", "b"], num=[4, 8], **{"m 1": [4, 2]})
    counted(tmp_path / "runs", ids=["a", "b"], num=1, **{"m 2": [0, 0]})
    first, second = tmp_path / "runs" / "m_1", tmp_path / "runs" / "m_2"
    assert command("status", first).out.splitlines() == [
        f"{first}: m 1, 2 items, 4 to 8 rollouts each",
        "trials are rollouts of m 1: how hard items are for it, and for no other",
        "rate: 0.625 on average; 50.0\xa0% are right in all rollouts, 0.0\xa0% in none",
        "known of items: 0 different answers",
    ]
    listed = command("status", tmp_path / "runs")
    assert listed.code == 0
    rows = [re.split("  +", line) for line in listed.out.splitlines()[-2:]]
    assert rows == [
        ["m_1", "m 1", "outcomes", "2", "12 rollouts", "0.625", "recorded"],
        ["m_2", "m 2", "outcomes", "2", "2 rollouts", "0.000", "recorded"],
    ]
    assert "2 runs are as they were written" in command("status", tmp_path / "runs", "--verify").out
    (file,) = second.glob("outcomes-*.parquet")
    flip(file)
    for folder, words in ((second, ()), (tmp_path / "runs", ()), (tmp_path / "runs", ("--verify",))):
        ended = command("status", folder, *words)
        assert ended.code == 1
        assert f"{file}: has other bytes than were written" in ended.out
        assert f"restore {file.name} from a copy, or record into another folder" in ended.err
    file.unlink()
    assert f"damaged: {file}: is missing" in command("status", second).out
