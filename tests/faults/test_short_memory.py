"""Memory that does not last: smaller evaluation batches first; else that trial fails, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from easiness import open_run
from easiness.errors import is_out_of_memory
from easiness.store import Run
from easiness.training.device import seen_in_parts


def allocator_error() -> RuntimeError:
    """What torch says itself: no machine has so much."""
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**46)
    return raised.value


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), "torch's"])
def test_halves_until_they_fit(error):
    asked = []

    def look(images: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        if len(images) > 3:
            raise allocator_error() if error == "torch's" else error
        return -images

    images = torch.arange(20.0).view(10, 2)
    assert torch.equal(seen_in_parts(look, images), -images)
    assert asked == [10, 5, 2, 3, 5, 2, 3]


def test_one_image_that_does_not_fit_and_other_errors():
    def look(images: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        raise error

    for error, expected in ((MemoryError("all"), [4, 2, 1]), (RuntimeError("shapes differ"), [4])):
        asked: list[int] = []
        with pytest.raises(type(error), match=str(error)):
            seen_in_parts(look, torch.zeros(4, 1))
        assert asked == expected


def test_what_is_an_error_of_memory():
    assert all(map(is_out_of_memory, [MemoryError(), torch.OutOfMemoryError(), allocator_error()]))
    assert not any(map(is_out_of_memory, [None, ValueError(), RuntimeError("mat1 and mat2 shapes")]))


GREEDY = """
import torch
from easiness import spec

class Greedy(torch.nn.Sequential):
    def __init__(self, input_shape, num_classes):
        size = input_shape[0] * input_shape[1] * input_shape[2]
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(size, num_classes))
        self.greedy = torch.initial_seed() == spec.trial_seeds(0, 1).initialization

    def forward(self, images):
        if CONDITION:
            torch.empty(2**46)
        return super().forward(images)

class Modest(Greedy):
    def forward(self, images):
        return torch.nn.Sequential.forward(self, images)
"""


def arguments(model: str, out: object) -> list[object]:
    size = ["--limit", 100, "--trials", 3, "--epochs", 2, "--precision", "float32"]
    return ["measure", "digits", "--model", model, *size, "--executor", "serial", "--out", out]


def test_smaller_evaluation_batches(command, tmp_path, monkeypatch, measured):
    monkeypatch.chdir(tmp_path)
    condition = "not self.training and len(images) > 30"
    (tmp_path / "greedy_when_looking.py").write_text(GREEDY.replace("CONDITION", condition))
    assert command(*arguments("greedy_when_looking:Modest", "modest")).code == 0
    finished = command(*arguments("greedy_when_looking:Greedy", "run"))
    assert finished.code == 0, finished.err
    seen, expected = (open_run(name).scores() for name in ("run", "modest"))
    assert len(seen) == len(open_run(measured).ids)
    assert seen["easiness"].equals(expected["easiness"])


def test_a_trial_fails_alone(command, tmp_path, monkeypatch, contents):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "greedy_in_one.py").write_text(GREEDY.replace("CONDITION", "self.greedy and self.training"))
    finished = command(*arguments("greedy_in_one:Greedy", "run"))
    assert finished.code == 1
    line = finished.err.splitlines()[-1]
    assert line.startswith(
        "easiness: error: run: 1 of 3 trials failed (trial 1: out of memory; free some and run it again, use "
        "fewer --jobs, or for a new run choose a smaller --batch-size ("
    )
    assert line.endswith("2 finished ones are kept")
    assert list(contents(tmp_path / "run")) == [0, 2]
    assert "failed: trial 1: out of memory" in command("status", "run").out


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits what Linux counts")
def test_pythons_own_error_under_a_limit(start, tmp_path, contents, one_line):
    """A process that may have a gigabyte more than it has by now."""
    condition = "self.greedy and self.training and bytearray(2**32)"
    (tmp_path / "greedy_under_a_limit.py").write_text(GREEDY.replace("CONDITION", condition))
    before = (
        "import resource\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))"
    )
    process = start(*arguments("greedy_under_a_limit:Greedy", "run"), before=before)
    assert process.wait() == 1
    assert "1 of 3 trials failed (trial 1: out of memory; " in one_line(process.err)
    assert list(contents(tmp_path / "run")) == [0, 2]


@pytest.mark.parametrize("error", [MemoryError(), "torch's"])
def test_outside_of_trials_it_is_one_line(command, measured, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise allocator_error() if error == "torch's" else error

    monkeypatch.setattr(Run, "scores", fail)
    finished = command("scores", measured)
    assert finished.code == 1
    assert finished.err == (
        "easiness: error: out of memory; everything finished so far is kept; free some and run it again\n"
    )
