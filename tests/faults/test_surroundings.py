"""Odd places: no home, folders that are read-only or set traps, odd names, silent servers, dead locks."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from easiness import load_dataset, open_run
from easiness.data.sources import torch_dataset
from easiness.errors import RunFailed
from easiness.store import RunWriter, at_work
from lengths import long_but
from pixels import write_noise

NOWHERE = {
    "a file in its place": "open('file', 'w').close(); os.environ['EASINESS_CACHE'] = 'file'",
    "no folder may be made": "os.environ['EASINESS_CACHE'] = '/proc/none/cache'",
    # as in a container that runs under a number that has no name
    "no home": (
        "import pwd\n"
        "def unknown(*_): raise KeyError('no such user')\n"
        "pwd.getpwuid = pwd.getpwnam = unknown\n"
        "for name in ('HOME', 'EASINESS_CACHE', 'XDG_CACHE_HOME', 'MPLCONFIGDIR', 'USER'):\n"
        "    os.environ.pop(name, None)\n"
    ),
}

RESULTS = {"scores": "scores.csv", "report": "report.html"}


@pytest.mark.parametrize("name", long_but(NOWHERE, ()))
def test_a_cache_that_cannot_be_is_done_without(start, digits, tmp_path, measured, pictures, contents, name):
    there = set(tmp_path.iterdir())
    arguments = digits(tmp_path / "run", "--executor", "serial")
    if name == "no home":  # of which a process that has loaded torch already would show less
        code = f"import os, sys\n{NOWHERE[name]}\nfrom easiness.cli.main import run\nrun()"
        line = [sys.executable, "-c", code, *map(str, arguments)]
        ended = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert ended.returncode == 0, ended.stderr
    else:
        process = start(*arguments, before=NOWHERE[name])
        assert process.wait() == 0, process.err
    assert contents(tmp_path / "run") == contents(measured)
    size = ["--model", "mlp_3", "--trials", 1, "--epochs", 1]
    commands: list[list[object]] = [["measure", pictures, *size, "--out", "pets-run"]]
    if name == "no home":  # else the others know of no cache
        commands.extend([verb, measured, "-o", file] for verb, file in RESULTS.items())
    for arguments in commands:
        process = start(*arguments, before=NOWHERE[name])
        assert process.wait() == 0, (arguments[0], process.err)
        assert "Traceback" not in process.err
    made = {path.name for path in set(tmp_path.iterdir()) - there if not path.name.startswith("streams-")}
    results = RESULTS.values() if name == "no home" else ()
    assert made - {"file"} == {"run", "pets-run", *results}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("into", "code", "said"),
    [
        (">&-", 0, ""),
        pytest.param(">&- 2>&-", 0, "", marks=pytest.mark.long),
        pytest.param("<&- >/dev/null", 0, "", marks=pytest.mark.long),
        (">/dev/full", 1, "easiness: error: input or output: No space left on device\n"),
        (">/dev/null 2>/dev/full", 0, ""),
        ("no-such-option 2>/dev/full", 2, ""),
    ],
)
def test_streams_that_are_closed_or_full(measured, into, code, said):
    command = f'"$0" -m easiness status "$1" {into}'
    shell = ["sh", "-c", command, sys.executable, str(measured)]
    ended = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr, ended.stdout) == (code, said, "")


FULL = "os.dup2(os.open('/dev/full', os.O_WRONLY), {})"
STREAMS = {  # the last three as under a supervisor that gives a process none
    "err is full": FULL.format(2),
    "out is full": FULL.format(1),
    "nobody reads err": "read, write = os.pipe(); os.close(read); os.dup2(write, 2)",
    "out is closed": "import sys; os.close(1); sys.stdout = None",
    "err is closed": "import sys; os.close(2); sys.stderr = None",
    "both are closed": "import sys; os.close(1); os.close(2); sys.stdout = sys.stderr = None",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("name", long_but(STREAMS, ["err is full", "both are closed"]))
def test_measuring_with_streams_that_are_none(start, digits, tmp_path, measured, contents, name):
    """What is said is lost. What is asked for on standard output is an error, after all is trained."""
    process = start(*digits(tmp_path / "run", "--executor", "serial"), before=STREAMS[name])
    assert process.wait() == (1 if name == "out is full" else 0), process.err
    assert "Traceback" not in process.err
    assert contents(tmp_path / "run") == contents(measured)
    assert len(open_run(tmp_path / "run").trials) == 3


SAME: list[object] = ["--model", "mlp_3", "--precision", "float32", "--limit", 100, "--epochs", 2]

READING: dict[str, Callable[[Path], list[object]]] = {
    "status": lambda run: ["status", run],
    "scores": lambda run: ["scores", run],
    "suspects": lambda run: ["suspects", run],
    "report": lambda run: ["report", run, "-o", f"{run}-page.html"],
    "card": lambda run: ["card", run, "-o", f"{run}-card"],
    "export": lambda run: ["export", run, "--to", "csv", "-o", f"{run}-exported.csv"],
    "measuring what is there": lambda run: ["measure", "digits", *SAME, "--trials", 3, "--out", run],
    "asking what more would cost": lambda run: [
        *["measure", "digits", *SAME, "--trials", 5, "--dry-run", "--out", run]
    ],
}


@pytest.mark.parametrize("name", long_but(READING, ("status", "scores", "measuring what is there")))
def test_what_reads_works(command, run_copy, read_only, name):
    place = read_only(run_copy)
    there, here = command(*READING[name](place)), command(*READING[name](run_copy))
    assert there.code == here.code, there
    said = [one.out.replace(str(place), "RUN").replace(str(run_copy), "RUN") for one in (there, here)]
    assert said[0] == said[1]


def test_after_a_killed_writer(command, run_copy, read_only):
    """What it left cannot be swept, and is no part of the run."""
    (run_copy / "trials" / ".aside-1").mkdir()
    (run_copy / ".aside-2").write_bytes(b"images")
    place = read_only(run_copy)
    assert command(*READING["measuring what is there"](place)).code == 0
    assert command("scores", place).code == 0


@pytest.mark.parametrize("more", [["--trials", 4], ["--trials", 3, "--retrain-damaged"]])
def test_what_would_write_is_refused(refused, run_copy, read_only, snapshot, more):
    before, place = snapshot(run_copy), read_only(run_copy)
    line = refused("measure", "digits", *SAME, *more, "--out", place)
    assert f"{place}: cannot be written to (Read-only" in line
    assert line.endswith("choose another output\n")
    assert snapshot(run_copy) == before


ODD = 'a b\nc\'s "d" $HOME `e` %s {0} <i>&amp; Ünïcödé 例え 🙂 -o'


@pytest.fixture
def odd_pictures(tmp_path) -> Path:
    names = {f"cat {ODD}": 120, "犬\t=1+1": 256}
    form = "{:02d} " + ODD.replace("{0}", "{{0}}") + ".png"
    return write_noise(tmp_path / f"source {ODD}", names, [(8, 8, 3)] * 12, form)


@pytest.mark.long
def test_everything_has_an_odd_name(command, odd_pictures, tmp_path, contents):
    place = tmp_path / f"place {ODD}"
    place.mkdir()
    run = place / f"run {ODD}"
    size = ["--trials", 2, "--epochs", 1, "--precision", "float32"]
    finished = command(
        "measure", odd_pictures, "--model", "mlp_3", *size, "--executor", "serial", "--out", run
    )
    assert finished.code == 0, finished.err
    assert len(contents(run)) == 2
    again = command("measure", odd_pictures, "--model", "mlp_3", *size, "--executor", "serial", "--out", run)
    assert (again.code, again.err) == (0, "")
    for arguments in (
        ["status", run],
        ["status", place],
        ["scores", run],
        ["scores", run, "-o", place / f"scores {ODD}.csv"],
        ["scores", run, "-o", place / f"scores {ODD}.parquet"],
        ["compare", run, "-o", place / f"compare {ODD}.json"],
        ["suspects", run, "-o", place / f"suspects {ODD}.csv"],
        ["report", run, "-o", place / f"report {ODD}.html"],
        ["export", run, "--to", "csv", "-o", place / f"export {ODD}.csv"],
        ["export", run, "--to", "torch", "-o", place / f"torch {ODD}.npz"],
        ["card", run, "-o", place / f"card {ODD}"],
    ):
        finished = command(*arguments)
        assert finished.code == 0, (arguments[0], finished.err)
        assert "Traceback" not in finished.err
    table = pd.read_csv(place / f"scores {ODD}.csv")
    assert set(table["class"]) == {f"cat {ODD}", "犬\t=1+1"}
    assert sorted(table["id"])[0] == f"cat {ODD}/00 {ODD}.png"
    page = (place / f"report {ODD}.html").read_text()
    assert "<i>&amp;" not in page
    assert "&lt;i&gt;&amp;amp;" in page or "例え" in page


@pytest.mark.parametrize("what", ["source", "out", "result"])
def test_an_error_about_an_odd_name_is_one_line(refused, measured, tmp_path, what):
    odd = tmp_path / ODD / ODD
    arguments = {
        "source": ["measure", odd, "--out", tmp_path / "run"],
        "out": ["measure", "digits", "--limit", 100, "--trials", 0, "--out", odd],
        "result": ["scores", measured, "-o", odd / "scores.csv"],
    }[what]
    refused(*arguments)
    assert not (tmp_path / ODD).exists()


TRAP = (
    "import sys\nopen({log!r}, 'a').write(f'{{__name__}} {{sys.orig_argv}}\\n')\nraise ImportError('trap')\n"
)
NETWORK = """
import colorsys  # which nothing else imports

from torch import nn

def small(input_shape, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))
"""
ON_RAY = "from easiness.executors import make_executor; print(*make_executor('ray', 1).run(abs, [-1]))"
LOADED = "import sys; print(*sys.modules)"


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A folder with a trap for each module of Python's own but those that ``python -m`` itself loads."""
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "loaded.py").write_text(LOADED)
    loaded = run_in(tmp_path / "nothing", "-m", "loaded").stdout.split()
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, "colorama", "orjson"} - {*loaded}:
        (folder / f"{name}.py").write_text(TRAP.format(log=str(tmp_path / "sprung")))
    (folder / "nets.py").write_text(NETWORK)
    return folder


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.long
def test_workers_of_the_command_import_no_trap_and_find_the_network_there(traps):
    settings = ["--limit", "20", "--trials", "2", "--epochs", "1", "--model", "nets:small"]
    execution = ["--executor", "processes", "--jobs", "1", "--out", "r"]
    done = run_in(traps, "-m", "easiness", "measure", "digits", *settings, *execution)
    assert not (traps.parent / "sprung").exists(), (traps.parent / "sprung").read_text()
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.usefixtures("quiet_ray")
def test_workers_of_ray_import_no_trap(traps):
    (traps.parent / "on_ray.py").write_text(ON_RAY)
    done = run_in(traps, str(traps.parent / "on_ray.py"))
    assert not (traps.parent / "sprung").exists(), (traps.parent / "sprung").read_text()
    assert "value=1" in done.stdout, done.stderr


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of one that the system lets connect, and that reads nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_torchvision(silent_server, tmp_path, monkeypatch):
    datasets = pytest.importorskip("torchvision").datasets
    url = f"{silent_server}/usps.bz2"
    monkeypatch.setattr(datasets.USPS, "split_list", {"train": [url, "usps.bz2", "0" * 32]})
    monkeypatch.setattr(torch_dataset, "SECONDS_TO_WAIT", 0.2)
    before = socket.getdefaulttimeout()
    with pytest.raises(RunFailed, match=rf"usps: .*{tmp_path} \(.*timed out\)"):
        load_dataset("usps", data_root=tmp_path, download=True)
    assert socket.getdefaulttimeout() == before


ELSEWHERE = json.dumps(
    {"format": 1, "process": 4711, "began": 1.0, "trials": [3], "host": "another-machine.example"}
)


@pytest.mark.parametrize("left", ["", ELSEWHERE, "\0\xff{[", "4711\nanother-machine\n", "[" * 5000])
def test_a_stale_lock_holds_nobody_up(command, digits, run_copy, contents, tmp_path, left):
    """A lock goes with its process, on whichever machine; what its file says then is nothing."""
    (run_copy / ".lock").write_text(left)
    assert at_work(run_copy) is None
    assert "at work" not in command("status", run_copy).out
    assert command(*digits(run_copy, "--trials", 4, "--executor", "serial")).code == 0
    assert command(*digits(tmp_path / "lone", "--trials", 4, "--executor", "serial")).code == 0
    assert contents(run_copy) == contents(tmp_path / "lone")


def test_a_lock_that_a_process_of_another_machine_holds(refused, command, digits, run_copy, snapshot):
    with RunWriter(run_copy):
        (run_copy / ".lock").write_text(ELSEWHERE)
        before = snapshot(run_copy)
        line = refused(*digits(run_copy, "--trials", 4))
        assert "another process is writing" in line
        assert "at work: process 4711" in command("status", run_copy).out
        assert command("scores", run_copy).code == 0
        assert snapshot(run_copy) == before


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
@pytest.mark.parametrize("exists", [False, True])
def test_a_file_system_without_locks(
    refused, command, digits, run_copy, tmp_path, monkeypatch, snapshot, number, exists
):
    """Two processes could write to the same run there: it is refused, and reading goes on."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    out = run_copy if exists else tmp_path / "new"
    before = snapshot(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    line = refused(*digits(out, "--trials", 4))
    assert f"{out}: " in line
    assert "locks" in line
    assert "on another disk" in line
    for name in ("status", "scores"):
        assert command(name, run_copy).code == 0
    assert {name: value for name, value in snapshot(tmp_path).items() if name != "run"} == {
        name: value for name, value in before.items() if name != "run"
    }


@pytest.mark.parametrize("moment", [0, 4_000_000_000])
def test_clocks_that_disagree(command, digits, run_copy, contents, tmp_path, monkeypatch, moment):
    """A clock that runs backwards, and files from before there were any or from years ahead."""
    for path in [*run_copy.rglob("*"), run_copy]:
        os.utime(path, (moment, moment))
    backwards = itertools.count(time.time(), -3600)
    monkeypatch.setattr(time, "time", lambda: next(backwards))
    assert command("status", run_copy).code == 0
    assert command(*digits(run_copy, "--trials", 4, "--executor", "serial")).code == 0
    assert command(*digits(tmp_path / "lone", "--trials", 4, "--executor", "serial")).code == 0
    assert contents(run_copy) == contents(tmp_path / "lone")
