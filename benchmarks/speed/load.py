"""A run of a hundred thousand tiny trials: what it takes to open, look at, grow and check it.

``python benchmarks/speed/load.py [NUM]`` makes it in a temporary folder: one trial is trained, the others
are its observations under another name (hard links) with a document of their own. Each command is a process
of its own; seconds and the most memory that it held are printed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = ["--model", "mlp_1_w4", "--limit", "20", "--epochs", "1", "--precision", "float32", "--no-weights"]

_LINKS = 30_000  # of one file; file systems have a limit


def multiply(path: Path, num: int) -> None:
    """Make the run of one trial one of ``num``."""
    from easiness import open_run
    from easiness.spec import content_hash
    from easiness.store import RunWriter

    run = open_run(path)
    (first,) = run.trials
    sealed = json.loads((first.path / "trial.json").read_bytes())
    spec = run.spec.measured
    assert spec is not None
    with RunWriter(path) as writer:
        writer.describe(spec.model_copy(update={"trials": num}))
    source = first.path
    for index in range(1, num):
        trial = spec.trial(index)
        value = {**sealed["trial"], "index": index, "hash": trial.hash, "spec": trial.model_dump(mode="json")}
        folder = path / "trials" / f"{index:04d}-{trial.hash[:12]}"
        folder.mkdir()
        for name in value["files"]:
            if index % _LINKS:
                os.link(source / name, folder / name)
            else:
                shutil.copy(source / name, folder / name)
        source = source if index % _LINKS else folder
        text = json.dumps({"trial": value, "sha256": content_hash(value)})
        (folder / "trial.json").write_text(text)


def timed(*arguments: str) -> None:
    """Run a command of easiness, and say what it took."""
    began = time.perf_counter()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "easiness", *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    print(
        f"{seconds:7.1f} s, {used.ru_utime + used.ru_stime:7.1f} s of processor, "
        f"{used.ru_maxrss / 1024:6.0f} MiB, exit {os.waitstatus_to_exitcode(status)}: "
        f"easiness {' '.join(arguments[:1])} {' '.join(one for one in arguments if one.startswith('--v'))}",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["multiply"]:
        multiply(Path(sys.argv[2]), int(sys.argv[3]))
        return
    num = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        more = ["measure", "digits", *SETTINGS, "--jobs", "1", "--out", str(path)]
        timed(*more, "--trials", "1")
        began = time.perf_counter()
        # in a process of its own: the most memory of those that are started counts what this one has held
        subprocess.run([sys.executable, __file__, "multiply", str(path), str(num)], check=True)
        print(f"{num:,} trials made in {time.perf_counter() - began:.0f} s", flush=True)
        print("without an index: read whole", flush=True)
        timed("status", str(path))
        timed(*more, "--trials", str(num + 2))
        print("with an index", flush=True)
        timed("status", str(path))
        timed(*more, "--trials", str(num + 4))
        timed("status", str(path), "--verify")


if __name__ == "__main__":
    main()
