"""Score cards with an altered file, applied to the data that they are of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from herd import Asked
from json_mutations import altered_value, text_of
from mutations import altered
from refitted import digest_of
from tables import altered_parquet

import loaded  # noqa: F401
from easiness import apply_card, load_dataset
from pixels import images_of

CARD, SCORES = "card.json", "scores.parquet"
_SHARE_OF_COMMANDS = 0.05


def flipped(rng: np.random.Generator, card: Path) -> str:
    """Any file of the card with other bytes."""
    file = sorted(card.iterdir())[rng.integers(len(list(card.iterdir())))]
    content, how = altered(rng, file.read_bytes())
    file.write_bytes(content)
    return f"{file.name}: {how}"


def refitted(rng: np.random.Generator, card: Path) -> str:
    """Other scores, and the digest of those."""
    alter = altered if rng.random() < 0.4 else altered_parquet
    content, how = alter(rng, (card / SCORES).read_bytes())
    (card / SCORES).write_bytes(content)
    document = json.loads((card / CARD).read_bytes())
    document["files"][SCORES] = digest_of(card / SCORES)
    if rng.random() < 0.5:  # so that another number of rows is no reason to refuse it
        document["num_examples"] = _num_rows(card / SCORES, document["num_examples"])
    (card / CARD).write_text(json.dumps(document))
    return f"{SCORES}: {how}, its digest fits"


def _num_rows(file: Path, otherwise: int) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException):
        return otherwise


def described(rng: np.random.Generator, card: Path) -> str:
    """Another description."""
    value, how = altered_value(rng, json.loads((card / CARD).read_bytes()))
    (card / CARD).write_bytes(text_of(rng, value))
    return f"{CARD}: {how}"


ALTERATIONS = (flipped, refitted, refitted, described)


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    card = Path(shutil.copytree(whole / "card", folder / "card"))
    was = ALTERATIONS[rng.integers(len(ALTERATIONS))](rng, card)
    if rng.random() < _SHARE_OF_COMMANDS:
        source, out = str(whole / "data.npz"), str(rng.choice(["scores.csv", "scores.parquet"]))
        return Asked(was, "card --apply", ["card", "--apply", "card", source, "-o", out])
    return Asked(was, "apply_card", lambda: apply_card(card, load_dataset(whole / "data.npz")).text)


def make_run(whole: Path) -> None:
    """``whole/run``: two trials on few digits."""
    from easiness import measure

    size: dict[str, Any] = {"limit": 40, "holdout": 0.2, "trials": 2, "epochs": 2, "precision": "float32"}
    given: dict[str, Any] = {"executor": "serial", "keep_logits": True, "progress": False}
    measure("digits", model="mlp_2_w8", **size, **given, out=whole / "run")


def make_card(whole: Path) -> None:
    """``whole/card`` and the data that it is of."""
    from easiness import card, open_run

    data = load_dataset("digits", limit=40, holdout=0.2)
    np.savez(whole / "data.npz", x=images_of(data).numpy()[:, 0], y=data.labels)
    card(open_run(whole / "run"), whole / "card", source="digits")
