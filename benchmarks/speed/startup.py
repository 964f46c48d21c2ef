"""How long the command takes to start: `easiness --help`, `easiness scores` on a small run, and a new run.

Each is a new process, from start to end, with its files in the machine's cache, as in a second use. A Python
that does nothing is timed beside them. A run of about half a minute is timed until it is announced.

    python benchmarks/speed/startup.py [--rounds 9] [--json FILE]
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin
from kit.rounds import medians, of_process

PROGRAM = "-m", "easiness"
MEASURE = (*PROGRAM, "measure", "digits")
SMALL = ("--model", "mlp_2_w16", "--trials", "3", "--epochs", "3", "--precision", "float32")
HALF_A_MINUTE = ("--model", "wrn_10_1", "--trials", "10", "--epochs", "6", "--device", "cpu")
# by key: what is timed, what more the goal says of it, how it is within its seconds
GOALS = {
    "help": ("`easiness --help`", "", "under", 0.3),
    "scores": ("`easiness scores`", " on a small run", "under", 1.5),
    "announced": ("announcing a fresh run", ", for a run of about 30 s", "within", 3.0),
}


def announced(out):
    """Seconds from the start of a command until it tells of its run, which is then given up."""
    began = time.perf_counter()
    words = [sys.executable, *MEASURE, *HALF_A_MINUTE, "--out", out]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "examples; " in line:
                passed = time.perf_counter() - began
                process.send_signal(signal.SIGINT)
                process.stderr.read()
                shutil.rmtree(out, ignore_errors=True)
                return passed
    sys.exit(f"easiness measure ended with {process.returncode} before it had announced a run")


def one_round(folder, run):
    return {
        "nothing": of_process("-c", "pass")[0],
        "help": of_process(*PROGRAM, "--help")[0],
        "scores": of_process(*PROGRAM, "scores", run, "-o", folder / "scores.parquet")[0],
        "announced": announced(folder / "given-up"),
    }


def main():
    options, report = begin(__doc__, "Start-up", rounds=9)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        of_process(*MEASURE, *SMALL, "--out", run)
        # the first reads the files
        _, *rounds = (one_round(Path(folder), run) for _ in range(1 + options.rounds))
    spent = {key: [one[key] for one in rounds] for key in rounds[0]}
    typical = medians(spent)
    names = {"nothing": "`python -c pass`", **{key: name for key, (name, *_) in GOALS.items()}}
    numbers = {key: (typical[key], min(values), max(values)) for key, values in spent.items()}
    rows = [(names[key], *(f"{one:.3f}" for one in three)) for key, three in numbers.items()]
    report.whole("startup", ("command", "seconds", "fastest", "slowest"), rows)
    for key, (name, more, within, most) in GOALS.items():
        said = f"{typical[key]:.2f} s"
        report.goal(f"startup-{key}", name + more, f"{within} {most} s", said, typical[key] <= most)
    report.write(options.json)


if __name__ == "__main__":
    main()
