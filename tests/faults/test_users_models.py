"""Networks of users' own that misbehave: their trial fails with a line, and no other is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from easiness import open_run

# what a network does is in its name; trial 1 is the one where something happens
ODD = """
import os, random, sys
import numpy as np
import torch
from easiness import spec

class Quiet(torch.nn.Sequential):
    def __init__(self, input_shape, num_classes):
        size = input_shape[0] * input_shape[1] * input_shape[2]
        self_is_odd = torch.initial_seed() == spec.trial_seeds(0, 1).initialization
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(size, num_classes), torch.nn.Dropout(0.1))
        self.odd = self_is_odd

    def forward(self, images):
        if self.odd and self.training:
            self.happen()
        return super().forward(images)

    def happen(self):
        pass

class Raises(Quiet):
    def happen(self):
        raise KeyError("one\\ntwo")

class Asserts(Quiet):
    def happen(self):
        assert False

class Leaves(Quiet):
    def happen(self):
        sys.exit(0)

class Exits(Quiet):
    def happen(self):
        os._exit(7)

class NotFinite(Quiet):
    def forward(self, images):
        return super().forward(images) * (float("nan") if self.odd else 1)

class Prints(Quiet):
    def happen(self):
        print("a network speaks")
        print("a network complains", file=sys.stderr)

class Reseeds(Quiet):
    def forward(self, images):
        torch.manual_seed(7)
        random.seed(7)
        np.random.seed(7)
        return super().forward(images)

# these misbehave in any step, and so before the first trial, where the operations of one are counted

class Early(Quiet):
    steps = 0

    def forward(self, images):
        self.steps += self.training
        if self.steps == 1:
            self.happen()
        return torch.nn.Sequential.forward(self, images)

    def happen(self):
        raise RuntimeError("one\\ntwo")

class EarlyOutOfMemory(Early):
    def happen(self):
        raise MemoryError

class EarlyLeaves(Early):
    happen = Leaves.happen

class EarlyExits(Early):
    happen = Exits.happen

class LeavesAtOnce(Quiet):
    def forward(self, images):
        sys.exit("enough")

class LeavesInstead(Quiet):
    def __init__(self, input_shape, num_classes):
        sys.exit(0)
"""


@pytest.fixture(autouse=True)
def odd_module(tmp_path, monkeypatch):
    (tmp_path / "odd_networks.py").write_text(ODD)
    monkeypatch.chdir(tmp_path)


def arguments(name: str, out: str, *options: object) -> list[object]:
    size = ["--limit", 60, "--trials", 3, "--epochs", 2, "--precision", "float32", "--executor", "serial"]
    return ["measure", "digits", "--model", f"odd_networks:{name}", *size, *options, "--out", out]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Raises", "KeyError: 'one\\ntwo'"),
        ("Asserts", "AssertionError"),
        ("Leaves", "it called sys.exit(0)"),
        ("NotFinite", "the loss stopped being finite at epoch 1, step 1 of 1"),
    ],
)
def test_what_raises_costs_its_trial(command, contents, name, reason):
    finished = command(*arguments(name, "run"))
    assert finished.code == 1, finished
    assert finished.err.splitlines()[-1] == (
        f"easiness: error: run: 1 of 3 trials failed (trial 1: {reason}); the 2 finished ones are kept"
    )
    assert "Traceback" not in finished.err
    assert list(contents(Path("run"))) == [0, 2]
    assert f"failed: trial 1: {reason}" in command("status", "run").out
    assert command("scores", "run").code == 0


STEP = "cannot take a training step on a batch of 60 ({}); mend the model or change the batch size"


# nothing was finished, and nothing is said of that; the exit code is ours, whatever a network asked for
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Early", STEP.format("RuntimeError: one two")),
        ("EarlyLeaves", STEP.format("it called sys.exit(0)")),
        (
            "EarlyOutOfMemory",
            "a training step on a batch of 60 does not fit into the memory of the device; use a smaller "
            "batch size, or --precision bfloat16",
        ),
        ("LeavesAtOnce", "cannot take one example (1, 1, 8, 8): it called sys.exit('enough')"),
        ("LeavesInstead", "LeavesInstead(input_shape=(1, 8, 8), num_classes=10) raised sys.exit(0)"),
    ],
)
def test_what_fails_before_a_trial_is_refused(refused, name, reason):
    said = refused(*arguments(name, "run"))
    assert said.startswith("easiness: error: model ")
    assert f"odd_networks:{name}" in said
    assert said.endswith(f" {reason}\n")


def test_what_depends_on_nothing_else_is_the_same_bit_for_bit(command, contents):
    """Also where a run was interrupted, so that the trials begin in another state of the process."""
    assert command(*arguments("Reseeds", "whole")).code == 0
    assert command(*arguments("Reseeds", "parts", "--trials", 1)).code == 0
    assert command(*arguments("Quiet", "other", "--seed", 5)).code == 0
    assert command(*arguments("Reseeds", "parts")).code == 0
    assert contents(Path("parts")) == contents(Path("whole"))


def test_what_prints_changes_nothing(command, contents):
    quiet, loud = command(*arguments("Quiet", "quiet")), command(*arguments("Prints", "loud"))
    assert loud.code == quiet.code == 0
    assert "a network speaks" in loud.out
    files = [{i: t["files"] for i, t in contents(Path(name)).items()} for name in ("quiet", "loud")]
    assert files[0] == files[1]


@pytest.mark.long
def test_what_ends_its_worker_costs_its_trial(command, contents):
    jobs = ("--executor", "processes", "--jobs", 2, "--trials", 5)
    finished = command(*arguments("Exits", "run", *jobs))
    assert finished.code == 1
    line = finished.err.splitlines()[-1]
    assert line.startswith(
        "easiness: error: run: 1 of 5 trials failed (trial 1: its worker process ended unexpectedly"
    )
    assert line.endswith("4 finished ones are kept")
    assert list(contents(Path("run"))) == [0, 2, 3, 4]


def test_what_ends_the_process_itself_leaves_what_was_finished(start, tmp_path, contents, command):
    process = start(*arguments("Exits", str(tmp_path / "run")))
    assert process.wait() == 7
    assert list(contents(tmp_path / "run")) == [0]
    assert "no process is at work" in command("status", tmp_path / "run").out
    assert open_run(tmp_path / "run").spec.measured is not None


@pytest.mark.long
def test_what_ends_the_process_before_a_trial_ends_the_command(start, tmp_path):
    """With any executor: a first step is taken in the process of the command. Nothing is left in the way."""
    workers = ("--executor", "processes", "--jobs", 2)
    process = start(*arguments("EarlyExits", str(tmp_path / "run"), *workers))
    assert process.wait() == 7
    process = start(*arguments("Quiet", str(tmp_path / "run")))
    assert process.wait() == 0, process.err
    assert len(open_run(tmp_path / "run").trials) == 3
