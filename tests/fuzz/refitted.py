"""Files that were altered and given fitting digests, as by somebody who knows how they are made."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easiness import card, load_dataset, measure, open_run
from pixels import images_of

EXAMPLES, RUN, TRIAL, CARD = "examples.parquet", "run.json", "trial.json", "card.json"
_INNER = {RUN: "", TRIAL: "trial", "checkpoint.json": "checkpoint", CARD: ""}
"""The documents that vouch for the files beside them, and where in them they do."""


def canonical_digest(value: Any) -> str:
    """SHA-256 of JSON as the runs have it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(file: Path) -> dict[str, Any]:
    """As a document names a file beside it."""
    content = file.read_bytes()
    return {"num_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def sealed_run(document: dict[str, Any]) -> dict[str, Any]:
    """The content of a ``run.json`` with its own digest."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return {**rest, "sha256": canonical_digest(rest)}


def sealed_trial(inner: Any, key: str = "trial") -> dict[str, Any]:
    """The content of a ``trial.json``, or of another document whose digest stands beside its content."""
    return {key: inner, "sha256": canonical_digest(inner)}


def refit(file: Path) -> bool:
    """Give the document that vouches for a file the digest of what it now is. Is there one that does?

    A document itself is given its own digest, and the folder of a trial the name that its document asks for.
    """
    for name, key in _INNER.items():
        document = file.with_name(name)
        if not (file.is_file() and document.is_file()):  # a pipe would be waited for
            continue
        try:
            content = json.loads(document.read_bytes())
            inner = content[key] if key else content
            if file.name != name:
                if file.name not in inner["files"]:
                    continue
                inner["files"][file.name] = digest_of(file)
            if name != CARD:  # of which nothing is said but of the files beside it
                content = sealed_trial(inner, key) if key else sealed_run(inner)
            document.write_bytes(json.dumps(content, indent=1).encode(errors="surrogatepass"))
            if name == TRIAL:
                folder = document.parent.with_name(f"{inner['index']:04d}-{inner['hash'][:12]}")
                document.parent.rename(folder if "/" not in inner["hash"] else document.parent)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            continue
        return True
    return False


def set_column(name: str, values: Callable[[Any], Any], kind: pa.DataType = None) -> Callable[..., pa.Table]:
    """Change a table: a column made of what it was."""

    def change(table: pa.Table) -> pa.Table:
        at = table.column_names.index(name)
        return table.set_column(at, name, pa.array(values(table.column(name).to_pylist()), kind))

    return change


def rewrite(file: Path, change: Callable[[pa.Table], pa.Table], rows: int | None = None) -> None:
    """Write another table, of as many rows in a group as before, and the digest that fits."""
    with pq.ParquetFile(file) as content:
        table, group = content.read(), content.metadata.row_group(0).num_rows
    written = io.BytesIO()
    pq.write_table(change(table), written, row_group_size=rows or group)
    file.write_bytes(written.getvalue())
    refit(file)


def run_and_card(whole: Path) -> None:
    """A run of two trials on few digits, a card of it, and its data."""
    size = dict[str, Any](model="mlp_2_w8", trials=2, epochs=2, precision="float32", executor="serial")
    data = load_dataset("digits", limit=40, holdout=0.2)
    measure(data, **size, keep_logits=True, progress=False, out=whole / "run")
    np.savez(whole / "data.npz", x=images_of(data).numpy()[:, 0], y=data.labels)
    card(open_run(whole / "run"), whole / "card", data="digits")


def read_run(folder: Path) -> None:
    """All that a run has."""
    run = open_run(folder)
    run.scores()
    if run.spec.data.held_out is not None:
        run.scores(split="held_out")
    run.votes()
    run.probabilities()
    for trial in run.trials:
        trial.observations(len(run.classes))
        trial.weights()
    run.check()


def _socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(file))


ODD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "standard input": lambda file: file.symlink_to("/dev/stdin"),
    "a device without end": lambda file: file.symlink_to("/dev/zero"),
    "a device without content": lambda file: file.symlink_to("/dev/null"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "a link to nothing": lambda file: file.symlink_to("nowhere"),
    "a terabyte of nothing": lambda file: os.truncate(os.open(file, os.O_CREAT | os.O_WRONLY), 1 << 40),
}
"""What waits for ever, or never ends."""
