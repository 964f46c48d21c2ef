"""How long the command takes to start: `easiness --help`, and `easiness scores` on a small run.

Each is a new process, from start to end, with its files in the machine's cache, as in a second use. A Python
that does nothing is timed beside them.

    python benchmarks/startup.py [--rounds 9] [--json FILE]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import Report, parser

HELP, SCORES = 0.3, 1.5  # seconds

EASINESS = Path(sys.executable).with_name("easiness")
MEASURE = ("--model", "mlp_2_w16", "--trials", "3", "--epochs", "3", "--precision", "float32")


def seconds(command):
    """How long a new process takes; an error ends the benchmark."""
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    passed = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr[-300:]}")
    return passed


def main():
    made = parser(__doc__)
    made.add_argument("--rounds", type=int, default=9)
    options = made.parse_args()
    report = Report("Start-up", "python benchmarks/startup.py")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        seconds([EASINESS, "measure", "digits", *MEASURE, "--out", run])
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "easiness --help": [EASINESS, "--help"],
            "easiness scores": [EASINESS, "scores", run, "-o", Path(folder) / "scores.parquet"],
        }
        spent = {name: [] for name in commands}
        for number in range(options.rounds + 1):
            for name, command in commands.items():
                passed = seconds(command)
                if number:  # the first reads the files
                    spent[name].append(passed)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    report.say(
        f"Medians of {options.rounds} new processes each, interleaved, after one that is not counted. "
        "The run has 1,797 examples, 3 trials and 3 epochs."
    )
    report.say()
    report.table(
        ("command", "seconds", "fastest", "slowest"),
        [
            (f"`{name}`", f"{medians[name]:.3f}", f"{min(values):.3f}", f"{max(values):.3f}")
            for name, values in spent.items()
        ],
    )
    for key, name, most in (
        ("startup-help", "easiness --help", HELP),
        ("startup-scores", "easiness scores", SCORES),
    ):
        what = f"`{name}`" + (" on a small run" if name.endswith("scores") else "")
        report.goal(key, what, f"under {most} s", f"{medians[name]:.2f} s", medians[name] < most)
    report.write(options.json)


if __name__ == "__main__":
    main()
