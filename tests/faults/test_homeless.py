"""No home, caches that cannot be written, and streams that nobody reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from easiness import open_run
from lengths import long_but

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

RESULTS = {"scores": "scores.csv", "compare": "compare.png", "report": "report.html"}


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
