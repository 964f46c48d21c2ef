"""Easy first: which examples each step is on."""

import numpy as np
import pandas as pd
import pytest
from torch.utils.data import DataLoader

import easiness as ez
from easiness.errors import BadInput
from recording import believing

NUM, CLASSES = 60, 3
LABELS = np.arange(NUM) % CLASSES


@pytest.fixture
def run(record) -> ez.Run:
    return record(believing(LABELS, 4, 1), LABELS)


def test_the_easiest_of_every_class_are_first_and_all_have_their_turn(run):
    found = ez.curriculum(run, num_steps=40, batch_size=6, start=0.2, whole_after=0.5)
    easiness = run.scores()["easiness"].to_numpy()
    first = found.order[:12]
    assert np.bincount(LABELS[first]).tolist() == [4, 4, 4]
    for label in range(CLASSES):
        own = label == LABELS
        assert sorted(easiness[first[LABELS[first] == label]]) == sorted(np.sort(easiness[own])[-4:])
    batches = list(found)
    assert len(batches) == len(found) == 40
    assert {len(set(batch)) for batch in batches} == {6}
    assert set(batches[0]) <= set(first.tolist())
    for step in range(20):
        assert set(batches[step]) <= set(found.order[: int(NUM * (0.2 + 0.04 * step))].tolist())
    assert sorted(np.concatenate(batches[20:30])) == list(range(NUM))  # a pass over all
    assert [found.pool(step) for step in (0, 10, 20, 39)] == [12, 36, 60, 60]


def test_all_may_have_their_turn_from_the_second_step_on(run):
    found = ez.curriculum(run, num_steps=3, batch_size=6, whole_after=5e-324)
    assert [found.pool(step) for step in range(3)] == [12, NUM, NUM]
    assert len(list(found)) == 3


def test_few_examples_are_a_step_unless_another_size_is_asked_for(run):
    assert {len(one) for one in ez.curriculum(run, num_steps=3)} == {NUM}


def test_it_is_the_same_whenever_it_is_gone_through(run):
    found = ez.curriculum(run, num_steps=10, batch_size=6)
    assert list(found) == list(found) == list(ez.curriculum(run, num_steps=10, batch_size=6))
    assert list(found) != list(ez.curriculum(run, num_steps=10, batch_size=6, seed=1))


def test_a_loader_of_torch_takes_it(run):
    found = ez.curriculum(run, num_steps=10, batch_size=6)
    seen = [batch.tolist() for batch in DataLoader(range(NUM), batch_sampler=found)]  # type: ignore[arg-type]
    assert seen == list(found)


def test_of_equal_easiness_those_of_lower_loss_are_first(run):
    table = run.scores()
    found = ez.curriculum(run, num_steps=10, batch_size=6).order
    own = [at for at in found if LABELS[at] == 0]
    told = list(zip(-table["easiness"][own], table["loss"][own], strict=True))
    assert told == sorted(told)
    assert len({ease for ease, _ in told}) < len(own)


@pytest.mark.parametrize("batch", [20, NUM])
def test_a_step_of_more_than_the_first_part_is_on_as_many_as_it_takes(run, batch):
    found = ez.curriculum(run, num_steps=4, batch_size=batch)
    batches = list(found)
    assert [len(set(one)) for one in batches] == [batch] * 4
    assert set(batches[0]) == set(found.order[:batch].tolist())
    assert found.pool(0) == batch
    assert f"The first steps are on {batch} examples, as many as they take." in found.sections()[0].note
    assert "The first steps" not in ez.curriculum(run, num_steps=4, batch_size=12).sections()[0].note


def test_the_file_names_the_examples_of_each_step(command, run, tmp_path):
    size = ("--num-steps", 8, "--batch-size", 6, "--seed", 3)
    said = command("curriculum", run.path, *size, "-o", tmp_path / "a.csv").out
    assert "8 steps of 6 examples" in said
    found = ez.curriculum(run, num_steps=8, batch_size=6, seed=3)
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["step"].tolist() == np.repeat(np.arange(1, 9), 6).tolist()
    assert table["id"].tolist() == run.ids[np.concatenate(list(found))].tolist()


@pytest.mark.parametrize("name", ["steps", "steps.txt", "0.5,0.5"])
def test_a_file_of_no_known_ending_is_refused_before_anything_is_said(command, run, tmp_path, name):
    ended = command("curriculum", run.path, "--num-steps", 8, "--batch-size", 6, "-o", tmp_path / name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"easiness: error: {tmp_path / name}: ")
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_steps": 0}, "--num-steps 0: must be at least 1"),
        ({"num_steps": 10**20}, "--num-steps 100000000000000000000: must be"),
        ({"batch_size": 10**20}, "--batch-size 100000000000000000000: must be"),
        ({"batch_size": 0}, "--batch-size 0: must be at least 1"),
        ({"batch_size": NUM + 1}, "--batch-size 61: the run has 60 examples; give fewer"),
        ({"start": 0}, r"--start 0: not in \(0, 1\]; give a share"),
        ({"whole_after": 1.5}, r"--whole-after 1.5: not in \(0, 1\]; give a share"),
        ({"start": float("nan")}, r"--start nan: not in"),
        ({"seed": -1}, "--seed -1: must be at least 0"),
        ({"score": "lose"}, "score 'lose': unknown"),
        ({"score": "variability"}, "neither easy nor hard; give another, such as easiness or difficulty"),
    ],
)
def test_what_is_refused(run, options, message):
    with pytest.raises(BadInput, match=message):
        ez.curriculum(run, **{"num_steps": 10, "batch_size": 6, **options})


def test_a_file_of_too_many_rows_is_refused_before_they_are_drawn(run):
    found = ez.curriculum(run, num_steps=10**9, batch_size=6)
    assert len(found) == 10**9
    with pytest.raises(BadInput, match="more than 50,000,000 rows of a file"):
        found.table()
