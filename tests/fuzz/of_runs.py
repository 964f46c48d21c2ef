"""Runs with an altered file: any of them, any alteration, read by everything that reads runs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from herd import Asked, Call
from json_mutations import altered_value, text_of
from mutations import altered
from refitted import EXAMPLES, RUN, TRIAL, refit, sealed_run, sealed_trial
from tables import altered_parquet, altered_safetensors

import loaded  # noqa: F401
from easiness.spec import content_hash
from easiness.store import Run, last_events, open_run, run_folder, trial_document, verify

# what one may come across beside a run's files, and what it says when all is well
NOTES: dict[str, Any] = {
    "trials/failed-0002.json": {"trial": 2, "reason": "loss is not finite"},
    ".lock": {"format": 1, "process": 1, "began": 1e9, "trials": [1], "host": "elsewhere"},
    "events.jsonl": {"time": "2026-01-01T00:00:00.000Z", "kind": "run_started", "trials": 2},
}
run_folder.FEWEST = 1  # type: ignore[attr-defined]  # so that small runs, too, have an index and read it
Read = Callable[[Path], object]


def _in_all(read: Callable[[Run], object]) -> Read:
    return lambda path: read(open_run(path))


READERS: dict[str, Read] = {
    "verify": verify,
    "check": _in_all(lambda run: run.check()),
    "scores": _in_all(lambda run: run.scores()),
    "scores of held-out": _in_all(lambda run: run.scores(split="held_out")),
    "scores of epoch 1": _in_all(lambda run: run.scores(1)),
    "votes": _in_all(lambda run: run.votes()),
    "probabilities": _in_all(lambda run: run.probabilities()),
    "observations": _in_all(lambda run: [one.observations(len(run.classes)) for one in run.trials]),
    "weights": _in_all(lambda run: [one.weights() for one in run.trials]),
    "notes": lambda path: (last_events(path), open_run(path).failures()),
}
_SHARE_OF_COMMANDS = 0.06
COMMANDS = (
    ("status", "{run}"),
    ("status", "{run}"),
    ("status", "{run}/.."),
    ("status", "{run}", "--verify"),
    ("scores", "{run}"),
    ("scores", "{run}", "-o", "scores.csv"),
    ("compare", "{run}", "{whole}/run"),
    ("diff", "{whole}/run", "{run}"),
)
SLOW = (
    ("suspects", "{run}", "--no-pictures"),
    ("suspects", "{run}"),
    ("report", "{run}", "-o", "page.html"),
    ("export", "{run}", "--to", "csv", "-o", "rows.csv"),
    ("export", "{run}", "--to", "cleanlab", "-o", "rows.npz"),
    ("card", "{run}", "-o", "card"),
    ("measure", "digits", "--model", "mlp_2_w8", "--trials", "2", "--epochs", "2", "--out", "{run}"),
)


def _copy(whole: Path, folder: Path) -> Path:
    return Path(shutil.copytree(whole / "run", folder / "run"))


def _asked(rng: np.random.Generator, whole: Path, run: Path, was: str) -> Asked:
    """Something that reads it: mostly a function, now and then a whole command."""
    if rng.random() < _SHARE_OF_COMMANDS:
        return by_command(COMMANDS[rng.integers(len(COMMANDS))], whole, run, was)
    name = str(rng.choice(list(READERS)))
    call: Call = lambda: READERS[name](run)  # noqa: E731
    return Asked(was, name, call)


def by_command(arguments: tuple[str, ...], whole: Path, run: Path, was: str) -> Asked:
    """A command that reads it."""
    filled = [one.format(run=run, whole=whole) for one in arguments]
    return Asked(was, " ".join(arguments), filled)


def _files(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.is_file())


def flipped(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Any file of the run with other bytes: its digest no longer fits."""
    run = _copy(whole, folder)
    file = (found := _files(run))[rng.integers(len(found))]
    content, how = altered(rng, file.read_bytes())
    file.write_bytes(content)
    return _asked(rng, whole, run, f"{file.relative_to(run)}: {how}")


def refitted(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A table or weights with other content, and the digest of that."""
    run = _copy(whole, folder)
    file = (found := [one for one in _files(run) if one.suffix in KINDS])[rng.integers(len(found))]
    alter = altered if rng.random() < 0.4 else KINDS[file.suffix]
    content, how = alter(rng, file.read_bytes())
    file.write_bytes(content)
    refit(file)
    return _asked(rng, whole, run, f"{file.relative_to(run)}: {how}, its digest fits")


KINDS = {".parquet": altered_parquet, ".safetensors": altered_safetensors}


def described(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A document that says something else, mostly with the digest of that."""
    run = _copy(whole, folder)
    among = [run / RUN, *run.glob(f"trials/*/{TRIAL}"), *(run / name for name in NOTES)]
    file = among[rng.integers(len(among))]
    value = json.loads(file.read_bytes().splitlines()[0] if file.suffix == ".jsonl" else file.read_bytes())
    value = value["trial"] if file.name == TRIAL else value
    value, how = altered_value(rng, value)
    fits = file.name in (RUN, TRIAL) and rng.random() < 0.8
    if fits and file.name == TRIAL:
        value = sealed_trial(value)
    elif fits:
        value = sealed_run(value)
    file.write_bytes(text_of(rng, value))
    if fits and file.name == TRIAL:
        _rename(file)
    return _asked(rng, whole, run, f"{file.relative_to(run)}: {how}{', its digest fits' if fits else ''}")


def _rename(file: Path) -> None:
    """Give the folder of a trial the name that its document asks for, where it asks for one."""
    try:
        trial = json.loads(file.read_bytes())["trial"]
        name = f"{trial['index']:04d}-{trial['hash'][:12]}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    if "/" not in name and "\0" not in name and len(name) < 100 and name.isascii():
        file.parent.rename(file.parent.with_name(name))


def with_fitting_hash(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A trial whose document says other numbers, and of whose spec nothing is known that says otherwise."""
    run = _copy(whole, folder)
    file = (found := sorted(run.glob(f"trials/*/{TRIAL}")))[rng.integers(len(found))]
    trial = json.loads(file.read_bytes())["trial"]
    trial["spec"] = None
    trial, how = altered_value(rng, trial)
    file.write_bytes(text_of(rng, sealed_trial(trial)))
    _rename(file)
    return _asked(rng, whole, run, f"{file.relative_to(run)} without a spec: {how}, its digest fits")


def indexed(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """What a large run keeps of its trials says something else, with the digest of that."""
    run = _copy(whole, folder)
    trial_document.write_index(run, {one.path.name: one.known for one in open_run(run).trials})
    file = run / trial_document.INDEX
    value, how = altered_value(rng, json.loads(file.read_bytes().split(b"\n")[1]))
    content = text_of(rng, value).replace(b"\n", b" ")
    file.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    return _asked(rng, whole, run, f"{trial_document.INDEX}: {how}, its digest fits")


TARGETS = (flipped, refitted, refitted, refitted, described, described, with_fitting_hash, indexed)


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    return TARGETS[rng.integers(len(TARGETS))](rng, whole, folder)


def by_slow_commands(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these, read by a command that takes a second or more."""
    made = any_of_them(rng, whole, folder)
    return by_command(SLOW[rng.integers(len(SLOW))], whole, folder / "run", made.was)


def settle(run: Path) -> None:
    """Take out what differs from one measurement to the next, so that a seed gives the same input again."""
    for file in run.glob(f"trials/*/{TRIAL}"):
        trial = json.loads(file.read_bytes())["trial"]
        if trial["spec"] is not None:
            trial["ran"] = {"seconds": 1.5, "torch": trial["ran"]["torch"], "device": "cpu"}
        file.write_text(json.dumps({"trial": trial, "sha256": content_hash(trial)}, indent=1))
    for name, value in NOTES.items():
        (run / name).write_text(json.dumps(value) + "\n")
    assert (run / EXAMPLES).is_file()
