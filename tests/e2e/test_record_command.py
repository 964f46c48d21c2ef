"""`record`, from files as they come to runs: the same rows again, more of them, and faults."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import easiness as ez

COUNTS = "item,model,count,correct\n1,../a b,10,3\n2,../a b,0,0\n3,../a b,5,5\n1,<b>,1000,3\n3,<b>,2,2\n"


def written(file: Path, table: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(table)
    return file


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rates(run: ez.Run) -> dict[Any, tuple[int, float]]:
    scores = run.scores()
    return dict(zip(scores["id"], zip(scores["trials"], scores["rate"], strict=True), strict=True))


def test_a_run_a_model_and_the_same_rows_again(command, tmp_path):
    table = written(tmp_path / "counts.csv", COUNTS.rstrip())
    first = command("record", table, "--out", tmp_path / "runs")
    assert first.code == 0
    assert "_a_b: 2 items, 15 rollouts, 65.0\xa0% right on average" in first.out
    assert first.err == "note: items left out, without a trial that did not error: 1\n"
    assert rates(ez.open_run(tmp_path / "runs" / "_b_")) == {1: (1000, 0.003), 3: (2, 1.0)}
    before = contents(tmp_path / "runs")
    again = command("record", table, "--out", tmp_path / "runs").out
    assert again == first.out.replace(" rollouts,", " rollouts (nothing new),")
    assert contents(tmp_path / "runs") == before
    assert re.search(r"\.\./a b .*\n.*<b> ", command("status", tmp_path / "runs").out)


def test_rows_that_join(command, refused, tmp_path):
    runs = tmp_path / "runs"
    assert command("record", written(tmp_path / "a.csv", "item,right\n007,1\n8,0"), "--out", runs).code == 0
    more = written(tmp_path / "b.csv", "item,right\n8,1")  # an id that is a number alone, and 1 item
    before = contents(runs)
    assert "join them with --add" in refused("record", more, "--out", runs)
    assert contents(runs) == before
    assert "2 items, 3 rollouts (1 new), 75.0" in command("record", more, "--out", runs, "--add").out
    assert rates(ez.open_run(runs / "model")) == {"007": (1, 1.0), "8": (2, 0.5)}
    assert "1 item, beside which nothing is hard" in refused("record", more, "--out", tmp_path / "new")


def test_rows_without_a_model_join_the_only_one(command, refused, tmp_path):
    runs, table = tmp_path / "runs", written(tmp_path / "a.csv", "item,model,right\n1,org/m,1\n2,org/m,0")
    new = written(tmp_path / "new.csv", "id,right\n1,1\n1,0")
    assert command("record", table, "--out", runs).code == 0
    assert command("record", new, "--out", runs, "--add").code == 0
    assert rates(ez.open_run(runs / "org_m")) == {1: (3, 2 / 3), 2: (1, 0.0)}
    other = written(tmp_path / "b.csv", "item,model,right\n1,other,1\n2,other,0")
    assert command("record", other, "--out", runs).code == 0
    assert "no column model; its columns are id, right; there are several" in refused(
        "record", new, "--out", runs, "--add"
    )


def test_what_errored_is_said(command, tmp_path):
    table = written(tmp_path / "a.csv", "item,right,error\n1,1,\n2,,\n3,0,timeout\n4,0,")
    done = command("record", table, "--out", tmp_path / "runs")
    assert done.err.startswith("note: trials that errored and are left out: 2 (--errors wrong counts them)\n")
    assert rates(ez.open_run(tmp_path / "runs" / "model")) == {1: (1, 1.0), 4: (1, 0.0)}
    assert command("record", table, "--out", tmp_path / "wrong", "--errors", "wrong").code == 0
    assert rates(ez.open_run(tmp_path / "wrong" / "model"))[2] == (1, 0.0)


def test_runs_may_lie_below_the_folder_of_their_tables(command, tmp_path):
    for model in "ab":
        written(tmp_path / "out" / f"{model}.csv", "item,right\n1,1\n2,0")
    for _ in range(2):
        assert command("record", tmp_path / "out", "--out", tmp_path / "out" / "runs").code == 0
    assert rates(ez.open_run(tmp_path / "out" / "runs" / "b")) == {1: (1, 1.0), 2: (1, 0.0)}


def test_faults_leave_nothing_behind(refused, tmp_path):
    good = written(tmp_path / "good.csv", "item,model,trial,right\n1,m,1,1\n2,m,1,0")
    bad = written(tmp_path / "bad.csv", "item,right,note\n1,1,\n2,2,")
    cases: list[tuple[list[Any], str]] = [
        ([bad], "bad.csv: row 3: the right is '2'; write 0 or 1"),
        ([good, "--columns", "item"], "or item=problem"),
        ([good, "--columns", "item=item,item=model"], "names one of ours twice"),
        ([good, "--errors", "maybe"], "'maybe' is not one of"),
        ([good, "--labels", good], "--labels: are for --probabilities"),
        ([], "has nothing to record; give a table of outcomes, or --probabilities"),
    ]
    for arguments, says in cases:
        assert says in refused("record", *arguments, "--out", tmp_path / "runs")
        assert not (tmp_path / "runs").exists()
    assert "name the folder for the runs, such as --out runs" in refused("record", good)


def test_a_data_frame_in_python(command, tmp_path):
    frame = pd.DataFrame({"item": [1, 2] * 4, "model": [*"aaaabbbb"], "right": [1, 0, 1, 1, 0, 0, 1, 0]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert command("record", tmp_path / "a.parquet", "--out", tmp_path / "runs").code == 0
    runs = ez.record(frame)
    assert [rates(run) for run in runs] == [rates(ez.open_run(tmp_path / "runs" / name)) for name in "ab"]
    polars = pytest.importorskip("polars")
    models = ez.record(polars.from_pandas(frame), trials_are="models")
    assert rates(models) == {1: (2, 0.75), 2: (2, 0.25)}
    with pytest.raises(ez.BadInput, match="--trials-are 'people': unknown; give rollouts or models"):
        ez.record(frame, trials_are="people")  # type: ignore[arg-type]


def test_models_are_no_rollouts(command, refused, tmp_path):
    runs, table = tmp_path / "runs", written(tmp_path / "a.csv", "item,model,right\n1,a,1\n2,a,0\n1,b,1")
    done = command("record", table, "--out", runs, "--trials-are", "models")
    assert f"{runs / 'models'}: 2 items, 2 models, 50.0\xa0% right" in done.out
    assert "one trial" not in done.err
    before = contents(runs)
    line = refused("record", table, "--out", runs)
    assert f"{runs}: has runs whose trials are models, and these are rollouts; choose another --out" in line
    assert contents(runs) == before
    more = written(tmp_path / "b.csv", "item,model,right\n1,c,1")
    done = command("record", more, "--out", runs, "--trials-are", "models")
    assert "2 items, 3 models (1 new answer), 50.0" in done.out
    assert "  3 models  " in command("status", runs).out
    step = command("next", runs, "--rollouts", "3", "-o", tmp_path / "next.csv")
    assert f"--add --out {runs} --trials-are models" in step.err
    note = "note: one trial of each model: --trials-are models says how hard items are for models like these"
    assert note in command("record", table, "--out", tmp_path / "rollouts").err
    twice = written(tmp_path / "c.csv", "item,model,right\n1,a,1\n2,a,0\n1,b,1\n1,b,0")
    assert note not in command("record", twice, "--out", tmp_path / "twice").err


@pytest.mark.long
@pytest.mark.shared_data
def test_cruxeval_has_the_rates_of_its_rows(command, tmp_path):
    beside = Path(__file__).parents[3] / "shared" / "data"
    file = Path(os.environ.get("EASINESS_DATA", beside)) / "outcomes" / "cruxeval-output.csv.gz"
    if not file.exists():
        pytest.skip(f"{file} is absent; set EASINESS_DATA to the folder that holds it")
    assert command("record", file, "--out", tmp_path).code == 0
    expected = pd.read_csv(file).groupby(["model", "item"])["right"].agg(["size", "mean"])
    assert len(list(tmp_path.iterdir())) == expected.index.get_level_values(0).nunique() == 31
    run = ez.open_run(tmp_path / "codellama-7b")
    assert rates(run) == {item: tuple(row) for item, row in expected.loc["codellama-7b"].iterrows()}
