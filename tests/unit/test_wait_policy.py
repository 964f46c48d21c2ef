"""Threads that wait sleep, in the command, in workers and in Python: as torch's OpenMP tells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import easiness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the words are those of GNU's OpenMP")

# how often a thread looks before it sleeps, as GNU's OpenMP prints it when it is loaded
PASSIVE, ACTIVE, UNSET = "0", "30000000000", "300000"

BEGIN_RUN = """
import sys, warnings
from pathlib import Path
{first}
import easiness as ez
from easiness.spec import Execution, Loading, Resolved, Training
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan

def train(trials, threads, **options):
    training = Training(model="mlp_2_w8", epochs=1, precision="float32")
    plan = make_plan("digits", training, trials, loading=Loading(limit=20))
    settings = Resolved(precision="float32", channels_last=False, threads=threads)
    execution = Execution(device="cpu", **options)
    return carry_out(plan, Path(sys.argv[1], str(threads)), execution, resolved=settings)

warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as caught:
    {then}
for warning in caught:
    print(warning.category.__name__, warning.message)
"""


def started(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in a process whose environment says nothing else of how threads wait."""
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**inherited, "OMP_DISPLAY_ENV": "verbose", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def spins(text: str) -> list[str]:
    """Of each OpenMP that was loaded; scikit-learn has one of its own."""
    return re.findall(r"GOMP_SPINCOUNT = '(\d+)'", text)


@pytest.mark.long
def test_the_words_are_those_of_the_openmp_that_torch_loads():
    assert spins(started("-c", "import torch").stderr) == [UNSET]
    assert spins(started("-c", "import torch", OMP_WAIT_POLICY="passive").stderr) == [PASSIVE]


@pytest.mark.long
@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param({}, PASSIVE, id="unset"),
        pytest.param({"OMP_WAIT_POLICY": "active"}, ACTIVE, id="policy"),
        pytest.param({"GOMP_SPINCOUNT": "7"}, "7", id="count"),
    ],
)
def test_the_command_and_its_workers_sleep_unless_the_user_wants_otherwise(tmp_path, setting, expected):
    command = ["-m", "easiness", "measure", "digits", "--model", "mlp_2_w8", "--limit", 20, "--trials", 1]
    options = ["--epochs", 1, "--precision", "float32", "--no-weights", "--out", tmp_path / "run"]
    found = spins(started(*command, *options, "--executor", "processes", "--jobs", 1, **setting).stderr)
    assert set(found) == {expected}
    assert len(found) >= 2  # this process and a worker


@pytest.mark.long
def test_measure_sets_it_where_easiness_comes_first():
    code = "from easiness import measure\nimport os, torch; print(os.environ['OMP_WAIT_POLICY'])"
    done = started("-c", code)
    assert done.stdout.split() == ["passive"]
    assert PASSIVE in spins(done.stderr)
    assert UNSET not in spins(done.stderr)


# takes each name in a process of its own, which ends where it would load torch
EACH_NAME = """
import os, sys, easiness
assert "OMP_WAIT_POLICY" not in os.environ

class Torch:
    def find_spec(name, *_):
        if name == "torch":
            os._exit(3 if os.environ.get("OMP_WAIT_POLICY") == "passive" else 4)

sys.meta_path.insert(0, Torch)
for name in dir(easiness):
    if not os.fork():
        getattr(easiness, name)
        os._exit(0)
    print(name, os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.long
def test_what_loads_torch_sets_it_before_and_the_package_alone_does_not():
    ended = dict(line.split() for line in started("-c", EACH_NAME).stdout.splitlines())
    assert ended.keys() == set(dir(easiness))
    assert set(ended.values()) == {"0", "3"}


def warnings_of(tmp_path: Path, then: str, first: str = "import torch", **environment: str) -> list[str]:
    code = BEGIN_RUN.format(first=first, then=then)
    return started("-c", code, tmp_path / "run", **environment).stdout.splitlines()


@pytest.mark.long
def test_in_python_measure_says_once_that_torch_came_first(tmp_path):
    data = 'ez.load_dataset("digits", limit=20)'
    again = f'ez.measure({data}, model="mlp_2_w8", trials=2, epochs=1, precision="float32"'
    # read when torch is loaded and then taken away, so that nothing spins while the test waits
    first = "import os, torch; del os.environ['GOMP_SPINCOUNT']"
    then = f"train(1, threads=2); {again}, out=sys.argv[1] + '/2')"
    (said,) = warnings_of(tmp_path, then, first, GOMP_SPINCOUNT="0")
    assert said.startswith("UserWarning torch was")
    assert "OMP_WAIT_POLICY=passive before torch" in said


@pytest.mark.long
@pytest.mark.parametrize(
    ("first", "then", "setting"),
    [
        ("import torch", 'train(1, threads=1); train(1, threads=2, executor="processes", jobs=1)', {}),
        ("import torch", "train(1, threads=2)", {"OMP_WAIT_POLICY": "active"}),
        ("import torch", "train(1, threads=2)", {"GOMP_SPINCOUNT": "7"}),
        ("from easiness import measure", "train(1, threads=2)", {}),
    ],
    ids=["one-thread-and-worker", "policy", "count", "easiness-first"],
)
def test_it_says_nothing_where_nothing_spins_or_the_user_has_chosen(tmp_path, first, then, setting):
    assert warnings_of(tmp_path, then, first, **setting) == []
