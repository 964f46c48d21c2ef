"""Runs and cards in which something else stands where a file should: what waits for ever, or never ends."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
from herd import Asked
from of_runs import COMMANDS, NOTES, READERS, by_command

from easiness import apply_card, load_dataset


def _socket(file: Path) -> None:
    os.chdir(file.parent)  # addresses of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)


KINDS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a device without end": lambda file: file.symlink_to("/dev/zero"),
    "a device without content": lambda file: file.symlink_to("/dev/null"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "a link to nothing": lambda file: file.symlink_to("nowhere"),
    "a terabyte of nothing": lambda file: _sparse(file),
}
FILES = (
    *("run.json", "examples.parquet", "trials", ".index", "events-earlier.jsonl", *NOTES),
    *(f"trials/0000-*/{name}.parquet" for name in ("train", "train_logits", "held_out")),
    *("trials/0000-*", "trials/0000-*/trial.json", "trials/0000-*/weights.safetensors"),
)
OTHERS = (
    ("measure", "digits", "--model", "mlp_2_w8", "--trials", "2", "--epochs", "2", "--out", "{run}"),
    ("suspects", "{run}", "--no-pictures"),
)
ALL = [(kind, name) for name in FILES for kind in KINDS]


def _sparse(file: Path) -> None:
    with file.open("wb") as content:
        content.truncate(1 << 40)


def _stand_in(file: Path, kind: str) -> None:
    if file.is_dir():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)
    KINDS[kind](file)


def in_runs(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Something else in place of a file of a run."""
    run = Path(shutil.copytree(whole / "run", folder / "run"))
    kind, name = ALL[rng.integers(len(ALL))]
    file = next(run.glob(name), run / name)
    _stand_in(file, kind)
    was, commands = f"{name}: {kind}", (*COMMANDS, *OTHERS)
    at = int(rng.integers(len(commands) + len(READERS)))
    if at < len(commands):
        return by_command(commands[at], whole, run, was)
    reader = list(READERS)[at - len(commands)]
    return Asked(was, reader, lambda: READERS[reader](run))


def in_cards(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Something else in place of a file of a card."""
    card = Path(shutil.copytree(whole / "card", folder / "card"))
    name, kind = rng.choice(["card.json", "scores.parquet", "easiness.svg"]), rng.choice(list(KINDS))
    _stand_in(card / name, kind)
    return Asked(f"{name}: {kind}", "apply_card", lambda: apply_card(card, load_dataset(whole / "data.npz")))
