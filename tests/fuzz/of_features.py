"""Vectors that users bring, altered, and files of features, whole or half made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import transformers
from herd import Asked
from json_mutations import altered_value
from mutations import altered
from whole_data import LABELS, NUM, PIXELS

import loaded  # noqa: F401
from easiness import load_dataset
from easiness.features import find_features, kept, ready_features

ROWS = np.random.default_rng(0).standard_normal((NUM, 4)).astype(np.float32)
_HUB = "model.safetensors", "config.json", "preprocessor_config.json"


def make(out: Path) -> None:
    """All of them, and the table that has a column of vectors."""
    out.mkdir()
    np.save(out / "rows.npy", ROWS)
    np.savez(out / "rows.npz", x=ROWS, ids=np.arange(NUM))
    images = [{"bytes": b"", "path": None}] * NUM
    table = pa.table({"image": images, "label": LABELS, "v": ROWS.tolist()})
    pq.write_table(table, out / "table.parquet", row_group_size=5)
    config = transformers.ViTConfig(
        image_size=8,
        patch_size=4,
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
    )
    transformers.ViTModel(config).save_pretrained(out / "vit")
    processor = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (out / "vit" / "preprocessor_config.json").write_text(json.dumps(processor))


def given(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of NumPy's, most often in its header."""
    name = str(rng.choice(["rows.npy", "rows.npy", "rows.npz"]))
    content = (whole / name).read_bytes()
    header, how = altered(rng, content[:128])
    file = folder / name
    file.write_bytes(header + content[128:])
    data = load_dataset((PIXELS, LABELS))
    return Asked(f"{name}: {how}", name, lambda: ready_features(find_features(file, data), data, folder))


def column(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """The table of a column."""
    file = folder / "table.parquet"
    content, how = altered(rng, (whole / "table.parquet").read_bytes())
    file.write_bytes(content)

    def read() -> None:
        data = load_dataset(file)
        find_features("column:v", data).vectors(data, np.arange(len(data)))

    return Asked(how, "a column", read)


def file_of_features(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:  # noqa: ARG001
    """A file of features, or one that grows and its note: made again, it holds what it has to."""
    data = load_dataset((PIXELS, LABELS))
    source = find_features(ROWS, data)
    kept.MOST_IN_MEMORY, kept.BLOCK = 0, 4
    ready_features(source, data, folder)
    (file,) = folder.glob("*.npy")
    if rng.random() < 0.5:
        file.rename(file.with_suffix(".part"))  # as it is before it takes its name
    changed = sorted(folder.iterdir())
    chosen = changed[rng.integers(len(changed))]
    content, how = altered(rng, chosen.read_bytes())
    chosen.write_bytes(content)

    def read() -> None:
        made = ready_features(source, data, folder)["train"]
        assert np.array_equal(made, ROWS.astype(np.float16))

    return Asked(f"{chosen.suffix}: {how}", "a file of features", read)


def network(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A folder of `transformers`."""
    for name in _HUB:
        (folder / name).write_bytes((whole / "vit" / name).read_bytes())
    file = folder / str(rng.choice(_HUB))
    if file.suffix == ".json" and rng.random() < 0.7:
        value, how = altered_value(rng, json.loads(file.read_text()))
        file.write_text(json.dumps(value))
    else:
        content, how = altered(rng, file.read_bytes())
        file.write_bytes(content)
    data = load_dataset((PIXELS, LABELS))
    return Asked(
        f"{file.name}: {how}",
        "a folder of transformers",
        lambda: find_features(f"hf:{folder}", data).vectors(data, np.arange(2)),
    )


KINDS = (given, given, column, file_of_features, file_of_features, network)


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    return KINDS[rng.integers(len(KINDS))](rng, whole, folder)
