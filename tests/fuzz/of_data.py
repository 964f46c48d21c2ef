"""What users bring, altered: sources of every kind, pictures, labels, ids, recipes, caches of photos."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets  # noqa: F401
import numpy as np
import pyarrow.parquet as pq
import torchvision  # noqa: F401
from herd import Asked
from json_mutations import altered_value
from mutations import NUMBERS, altered
from tables import altered_parquet
from whole_data import CLASSES, FORMATS, LABELS, PIXELS

import loaded  # noqa: F401
from easiness import Dataset, load_dataset, measure
from easiness.spec import Recipe, make_recipe, recipe_settings
from easiness.studies.training_sets.pruning import named_positions

PHOTOS = Recipe(crop=8)
TORCHVISION = ("mnist", "usps", "gtsrb", "oxfordiiitpet")
_SHARE_TRAINED = 0.2  # of the recipes that can be read
_CELLS = (
    "",
    " ",
    "=1+1",
    "-1",
    "2.0",
    "9" * 400,
    "x" * 200_000,
    "a\nb",
    '"',
    "\0",
    "../x",
    "/dev/zero",
    "\u202e",
)
_TOML = (
    "inf",
    "nan",
    "-0.0",
    "9223372036854775808",
    "0x" + "f" * 4000,
    "[" * 500,
    '"\\u0000"',
    "{}",
    "1979-05-27",
)


def read_all(data: Dataset) -> None:
    """Identify every picture, and decode it."""
    _ = data.fingerprint
    for split in data.splits.values():
        for _ in split.stored.map(np.shape):
            pass


def _copied(whole: Path, folder: Path, name: str) -> Path:
    """A part of what is whole, in the folder of a case; what is found out of it is remembered nowhere."""
    os.environ["EASINESS_CACHE"] = "/dev/null/none"
    return Path(shutil.copytree(whole / name, folder / name))


def _alter(rng: np.random.Generator, files: Sequence[Path]) -> str:
    """Other bytes in one of the files; says in which, and how."""
    file = sorted(files)[rng.integers(len(files))]
    content, how = altered(rng, file.read_bytes())
    file.write_bytes(content)
    return f"{file.name}: {how}"


def pictures(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A picture in a folder, of any format, now and then with another format's name."""
    root = _copied(whole, folder, "pets")
    for file in list(root.rglob("*.*")):  # few are left, so that many cases take little time
        if rng.random() < 0.6 and file.name != "a.png":
            file.unlink()
    was = _alter(rng, list(root.rglob("*.*")))
    if rng.random() < 0.1:
        (root / "cat" / "a.png").rename(root / "cat" / str(rng.choice(list(FORMATS))))
    skip = bool(rng.random() < 0.3)
    return Asked(was, "a folder", lambda: read_all(load_dataset(root, skip_unreadable=skip)))


def sounds(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A sound in a folder, of any format."""
    root = _copied(whole, folder, "voices")
    was = _alter(rng, list(root.rglob("*.*")))
    skip = bool(rng.random() < 0.3)
    return Asked(was, "a folder of sounds", lambda: read_all(load_dataset(root, skip_unreadable=skip)))


def manifest(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A CSV file of paths, with other bytes or other cells."""
    file = _copied(whole, folder, "csv") / "list.csv"
    was = _alter_table(rng, file)
    outside = bool(rng.random() < 0.2)
    return Asked(was, "a manifest", lambda: read_all(load_dataset(file, allow_outside=outside)))


def npz(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """An ``.npz`` file with other bytes, or one whose members are altered and packed again."""
    root = _copied(whole, folder, "npz")
    file = root / str(rng.choice(["a.npz", "b.npz"]))
    was = _alter(rng, [file]) if rng.random() < 0.3 else _alter_member(rng, file)
    return Asked(was, "npz", lambda: read_all(load_dataset(file)))


def _alter_member(rng: np.random.Generator, file: Path) -> str:
    with zipfile.ZipFile(file) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    name = str(rng.choice(list(members)))
    content = members[name]
    header = content[:128]
    if rng.random() < 0.7:  # where most can go wrong
        header, how = altered(rng, header)
        members[name] = header + content[128:]
    else:
        members[name], how = altered(rng, content)
    with zipfile.ZipFile(file, "w", int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as zipped:
        for one, bytes_ in members.items():
            zipped.writestr(one, bytes_)
    return f"{file.name}, {name}: {how}"


def parquet(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of Parquet with other bytes, or with another table."""
    root = _copied(whole, folder, "hub")
    file = root / str(rng.choice(["train-0.parquet", "train-0.parquet", "test-0.parquet"]))
    alter: Callable[[np.random.Generator, bytes], tuple[bytes, str]]
    alter = altered if rng.random() < 0.6 else altered_parquet
    content, how = alter(rng, file.read_bytes())
    file.write_bytes(content)
    return Asked(f"{file.name}: {how}", "Parquet", lambda: read_all(load_dataset(root)))


def described(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of Parquet that says something else of its columns and classes."""
    root = _copied(whole, folder, "hub")
    file = root / "train-0.parquet"
    table = pq.read_table(file)
    value, how = altered_value(rng, json.loads(table.schema.metadata[b"huggingface"]))
    text = "[" * 10**5 if rng.random() < 0.02 else json.dumps(value)
    pq.write_table(table.replace_schema_metadata({"huggingface": text}), file)
    return Asked(f"{file.name}: {how}", "Parquet", lambda: read_all(load_dataset(root)))


def saved(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of what the `datasets` library saved."""
    root = _copied(whole, folder, "saved")
    was = _alter(rng, [file for file in root.iterdir() if rng.random() < 0.5 or file.suffix == ".arrow"])
    return Asked(was, "datasets", lambda: read_all(load_dataset(f"hf:{root}")))


def idx(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of a set of torchvision's."""
    root = _copied(whole, folder, "idx")
    name = TORCHVISION[int(rng.integers(len(TORCHVISION)))]
    files = [
        file
        for file in root.rglob("*")
        if file.is_file() and name[:4] in str(file.relative_to(root)).lower().replace("-", "")
    ]
    lists = [file for file in files if file.suffix not in (".ppm", ".jpg")]
    was = _alter(rng, lists if rng.random() < 0.7 else files)
    return Asked(was, name, lambda: read_all(load_dataset(name, data_root=root)))


def _alter_table(rng: np.random.Generator, file: Path) -> str:
    """Other bytes in a CSV file, or something else in one of its cells."""
    if rng.random() < 0.5:
        return _alter(rng, [file])
    rows = [line.split(",") for line in file.read_text().splitlines()]
    row = rows[rng.integers(len(rows))]
    row[rng.integers(len(row))] = cell = _CELLS[rng.integers(len(_CELLS))]
    separator = str(rng.choice([",", ",", ";", "\t"]))
    file.write_bytes(
        "\n".join(map(separator.join, rows)).encode(str(rng.choice(["utf-8", "utf-8-sig", "utf-16"])))
    )
    return f"{file.name}: a cell is {cell[:20]!r}"


def labels(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A file of labels."""
    file = _copied(whole, folder, "texts") / "labels.csv"
    was = _alter_table(rng, file)
    return Asked(
        was, "labels", lambda: read_all(load_dataset((PIXELS, LABELS), classes=CLASSES, labels=file))
    )


def ids(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A list of ids."""
    file = _copied(whole, folder, "texts") / str(rng.choice(["ids.csv", "ids.txt"]))
    was = _alter_table(rng, file)
    return Asked(was, "ids", lambda: named_positions(file, np.arange(len(LABELS))))


def recipe(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A recipe, now and then trained by."""
    file = _copied(whole, folder, "texts") / "recipe.toml"
    if rng.random() < 0.4:
        was = _alter(rng, [file])
    else:
        field = str(rng.choice([*Recipe.model_fields, "base", "mlp", "mlp.alpha"]))
        value = str(rng.choice([*_TOML, *(one.decode() for one in NUMBERS)]))
        file.write_text(f"{field} = {value}\n" + ("" if rng.random() < 0.5 else file.read_text()))
        was = f"{field} = {value[:20]}"
    trained = bool(rng.random() < _SHARE_TRAINED)

    def read() -> None:
        settings = recipe_settings(file, model="mlp_2_w2")
        settings.pop("base")
        make_recipe({}, settings, origin=str(file))
        if trained:
            size = dict[str, Any](trials=1, epochs=1, executor="serial", precision="float32", cache=False)
            source = load_dataset((PIXELS, LABELS))
            measure(source, model="mlp_2_w2", recipe=file, **size, out=folder / "run", progress=False)

    return Asked(was, "a recipe, and a training" if trained else "a recipe", read)


def photo_cache(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A cache of photos, finished or half made."""
    root = _copied(whole, folder, "csv")
    data = load_dataset(root / "list.csv")
    cache = folder / "cache"
    data.packed(PHOTOS, cache)
    (file,) = cache.iterdir()
    if rng.random() < 0.5:
        content = file.read_bytes()
        table = 12 * len(data)
        file.unlink()
        Path(f"{file}.pixels").write_bytes(content[: -62 - table])
        Path(f"{file}.table").write_bytes(content[-62 - table : -62])
    was = _alter(rng, list(cache.iterdir()))
    return Asked(
        was,
        "a cache of photos",
        lambda: data.packed(PHOTOS, cache).take(np.arange(len(data))),
    )


KINDS = (
    *(pictures, pictures, pictures, sounds, npz, npz, parquet, parquet, described),
    *(saved, manifest, idx, labels, ids, recipe, photo_cache),
)


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    return KINDS[rng.integers(len(KINDS))](rng, whole, folder)
