"""A run whose files were altered and given fitting digests, as by somebody who knows how they are made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

EXAMPLES, RUN, TRIAL = "examples.parquet", "run.json", "trial.json"
OF_RUN = (EXAMPLES, "data.parquet")


def canonical_digest(value: Any) -> str:
    """SHA-256 of JSON as the runs have it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(file: Path) -> dict[str, Any]:
    """As a document names a file beside it."""
    content = file.read_bytes()
    return {"num_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def sealed_run(document: Any) -> Any:
    """The content of a ``run.json`` with its own digest."""
    if not isinstance(document, dict):
        return document
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return {**rest, "sha256": canonical_digest(rest)}


def sealed_trial(trial: Any) -> Any:
    """The content of a ``trial.json``."""
    return {"trial": trial, "sha256": canonical_digest(trial)}


def refit(file: Path) -> None:
    """Give the document that vouches for a file of a run the digest of what the file now is."""
    name = RUN if file.name in OF_RUN else TRIAL
    document = file.with_name(name)
    if not document.is_file():  # nothing vouches for what can be made again
        return
    content = json.loads(document.read_bytes())
    inner = content if name == RUN else content["trial"]
    inner["files"][file.name] = digest_of(file)
    seal = sealed_run if name == RUN else sealed_trial
    document.write_text(json.dumps(seal(inner), indent=1))
