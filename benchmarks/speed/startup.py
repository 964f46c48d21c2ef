"""How long the command takes to start: `easiness --help`, `easiness scores` on a small run, and a new run.

Each is a new process, from start to end, with its files in the machine's cache, as in a second use. A Python
that does nothing is timed beside them. A run of about half a minute is timed until it is announced, where
nothing is known of its network yet and where an earlier run has timed a step; and so is choosing by itself.

    python benchmarks/speed/startup.py [--rounds 9] [--json FILE]
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, parser

HELP, SCORES, ANNOUNCED, CHOOSING = 0.3, 1.5, 3.0, 1.5  # seconds

KNOWN = (
    "announcing a fresh run",
    "announcing one of a network timed before",
    "choosing and timing a step",
    "choosing, timed before",
)
EASINESS = Path(sys.executable).with_name("easiness")
ABOUT_HALF_A_MINUTE = {"model": "wrn_10_1", "trials": 10, "epochs": 6}
MEASURE = ("--model", "mlp_2_w16", "--trials", "3", "--epochs", "3", "--precision", "float32")


def seconds(command):
    """How long a new process takes; an error ends the benchmark."""
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    passed = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr[-300:]}")
    return passed


CHOOSE = f"""
import time
from easiness.runs import resolve_plan
from easiness.runs.execution import estimate_cost
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Training
from easiness.training import resolve_device
asked = {ABOUT_HALF_A_MINUTE}
trials = asked.pop("trials")
plan, device = make_plan("digits", Training(**asked), trials), resolve_device("cpu")
began = time.perf_counter()
resolved = resolve_plan(plan, device, Execution())
estimate_cost(plan.spec(resolved, plan.trials, plan.epochs), plan.data, plan.trials, device, None)
print(time.perf_counter() - began)
"""


def choosing(cache):
    """Seconds of choosing and of the estimate of time, in a new process that knows what is in the cache."""
    done = subprocess.run(
        [sys.executable, "-c", CHOOSE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "EASINESS_CACHE": str(cache)},
    )
    return float(done.stdout)


def announced(cache, out):
    """Seconds from the start of a command until it tells of its run, which is then given up."""
    options = [f"--{name}={value}" for name, value in ABOUT_HALF_A_MINUTE.items()]
    began = time.perf_counter()
    with subprocess.Popen(
        [EASINESS, "measure", "digits", *options, "--out", out, "--device", "cpu"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "EASINESS_CACHE": str(cache)},
    ) as process:
        for line in process.stderr:
            if "examples; " in line:
                passed = time.perf_counter() - began
                process.send_signal(signal.SIGINT)
                process.stderr.read()
                return passed
    sys.exit(f"easiness measure ended with {process.returncode} before it had announced a run")


def main():
    made = parser(__doc__)
    made.add_argument("--rounds", type=int, default=9)
    options = made.parse_args()
    report = Report("Start-up", "python benchmarks/speed/startup.py")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        seconds([EASINESS, "measure", "digits", *MEASURE, "--out", run])
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "easiness --help": [EASINESS, "--help"],
            "easiness scores": [EASINESS, "scores", run, "-o", Path(folder) / "scores.parquet"],
        }
        spent = {name: [] for name in (*commands, *KNOWN)}
        for number in range(options.rounds + 1):
            found = {name: seconds(command) for name, command in commands.items()}
            cache, out = Path(folder) / f"cache{number}", Path(folder) / f"run{number}"
            for name in KNOWN[:2]:
                found[name] = announced(cache, out)
                shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(cache, ignore_errors=True)
            for name in KNOWN[2:]:
                found[name] = choosing(cache)
            if number:  # the first reads the files
                for name, passed in found.items():
                    spent[name].append(passed)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    report.whole(
        "startup",
        ("command", "seconds", "fastest", "slowest"),
        [
            (
                name if name in KNOWN else f"`{name}`",
                f"{medians[name]:.3f}",
                f"{min(values):.3f}",
                f"{max(values):.3f}",
            )
            for name, values in spent.items()
        ],
    )
    for key, name, most in (
        ("startup-help", "easiness --help", HELP),
        ("startup-scores", "easiness scores", SCORES),
    ):
        what = f"`{name}`" + (" on a small run" if name.endswith("scores") else "")
        report.goal(key, what, f"under {most} s", f"{medians[name]:.2f} s", medians[name] < most)
    for key, name, most in zip(
        ("announced", "announced-again", "choosing", "choosing-again"),
        KNOWN,
        (ANNOUNCED, ANNOUNCED, CHOOSING, CHOOSING),
        strict=True,
    ):
        report.goal(
            f"startup-{key}",
            f"{name}, for a run of about 30 s",
            f"within {most} s",
            f"{medians[name]:.2f} s",
            medians[name] <= most,
        )
    report.write(options.json)


if __name__ == "__main__":
    main()
