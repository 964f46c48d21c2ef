"""A current folder with files named as Python's modules: nothing that starts imports one of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
