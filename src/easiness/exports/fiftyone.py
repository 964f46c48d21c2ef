"""A dataset of FiftyOne: its JSON beside the pictures, or made in FiftyOne itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from easiness.exports.examples import Examples, Format
from easiness.regular_file import in_words

_PICTURES = "data"
_PREDICTED = ("predicted", "predicted_share", "suggested", "suggested_class", "suggested_share")
_NO_NUMBERS = ("id", "label", "class", *_PREDICTED)


def _write(examples: Examples, folder: Path) -> str | None:
    paths = _paths(examples, folder)
    fields = zip(paths, _samples(examples), strict=True)
    tags = [] if examples.split == "train" else ["test"]
    samples = [{"filepath": path, "tags": tags, **sample} for path, sample in fields]
    run = examples.run
    at = run.row(examples.epoch).asked
    media = None if examples.exported is None else examples.exported.media
    info = {"model": run.model, "trials": len(run.trials), **at, "classes": run.classes}
    (folder / "metadata.json").write_text(json.dumps({"media_type": media, "info": info}))
    (folder / "samples.json").write_text(json.dumps({"samples": samples}, allow_nan=False))
    return None


def _paths(examples: Examples, folder: Path) -> Iterator[str]:
    """The ways to the own files of pictures, where all can be told (`in_words`), or to written ones."""
    ways = [in_words(file) if file else "" for file in map(examples.file, range(len(examples.table)))]
    if all(way and (folder / way).is_file() for way in ways):
        yield from ways
        return
    (folder / _PICTURES).mkdir()
    position = 0
    for pictures in examples.cells():
        for content in pictures:
            assert isinstance(content, bytes)
            name = f"{_PICTURES}/{position:07d}.png"
            (folder / name).write_bytes(content)
            yield name
            position += 1


def _samples(examples: Examples) -> Iterator[dict[str, Any]]:
    """The fields of each example: labels as classifications, and every number that it has."""
    table, classes = examples.table, examples.run.classes
    numbers = [name for name in table if name not in _NO_NUMBERS]
    for row in table.to_dict("records"):
        sample: dict[str, Any] = {
            "example_id": str(row["id"]),
            "ground_truth": _classification(row["class"]),
            "predicted": _classification(classes[int(row["predicted"])], row["predicted_share"]),
        }
        if row.get("suggested_class"):
            sample["suggested"] = _classification(row["suggested_class"], row["suggested_share"])
        values = {str(name): row[name] for name in numbers}
        yield sample | {
            name: bool(value) if isinstance(value, bool) else float(value)
            for name, value in values.items()
            if not math.isnan(value)
        }


def _classification(label: str, share: float | None = None) -> dict[str, Any]:
    """A label as FiftyOne has it; the share of the trials that name it is its confidence."""
    confidence = {} if share is None or math.isnan(share) else {"confidence": float(share)}
    return {"_cls": "Classification", "label": label, **confidence}


FIFTYONE = Format(
    "fiftyone",
    "a folder that FiftyOne imports, scores as fields",
    _write,
    "fiftyone.Dataset.from_dir({out!r}, dataset_type=fiftyone.types.FiftyOneDataset)",
    shows=lambda exported: exported.media is not None,
)
