"""Small sources of every kind, and the files that go with them, as they are before they are altered."""

from __future__ import annotations

import bz2
import csv
import io
import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from easiness.inputs.image.formats import suffixes
from sounds import encoded, tone

NUM = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (NUM, 16, 12, 3), dtype=np.uint8)
LABELS = np.arange(NUM) % 2
CLASSES = ["cat", "dog"]
FORMATS: dict[str, dict[str, Any]] = {
    "a.png": {},
    "b.jpg": {},
    "c.jpg": {"progressive": True},
    "d.gif": {},
    "e.bmp": {},
    "f.webp": {},
    "g.ppm": {},
    "h.tif": {"compression": "tiff_lzw"},
    "i.tif": {"compression": "tiff_adobe_deflate"},
    "j.tif": {"compression": "jpeg"},
    "k.tif": {},
    "l.heic": {},
    "m.avif": {},
}
"""Pictures in every format that is read, and how they are packed."""

SOUND_FORMATS = {
    "a.wav": "PCM_16",
    "b.wav": "PCM_24",
    "c.wav": "FLOAT",
    "d.flac": None,
    "e.ogg": None,
    "f.mp3": None,
    "g.aiff": None,
}
"""Sounds in every format that is read, and how samples are written."""

RECIPE = """\
# as a user would write it
base = "short"
alpha = 0.002
crop = 0
flip = 0.25
batch_size = 4
[mlp]
period = 300.0
w_norm = 0.05
gcn = true
["timm:vit"]
label_smoothing = 0.1
"""


def make(out: Path) -> None:
    """All of them, in folders of their own."""
    for name in ("npz", "csv", "hub", "texts"):
        (out / name).mkdir(parents=True)
    held_out = {"x_test": PIXELS[:4], "y_test": LABELS[:4]}
    names = [f"picture {i}" for i in range(NUM)]
    arrays = {"x": PIXELS, "y": LABELS, "ids": names, "classes": CLASSES, **held_out}
    np.savez(out / "npz" / "a.npz", **arrays)  # type: ignore[arg-type]
    np.savez_compressed(out / "npz" / "b.npz", x=PIXELS / 255, y=LABELS.astype(np.int8))
    _folders(out / "pets")
    _sounds(out / "voices")
    _manifest(out / "csv")
    _parquet(out / "hub")
    _saved(out / "saved")
    _idx(out / "idx" / "MNIST" / "raw")
    _of_torchvision(out / "idx")
    _texts(out / "texts")


def _folders(root: Path) -> None:
    for at, (name, options) in enumerate(FORMATS.items()):
        if Path(name).suffix not in suffixes():
            continue
        for label, folder in enumerate(CLASSES):
            (root / folder).mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(PIXELS[(at + label) % NUM])
            picture.save(root / folder / name, **options)


def _sounds(root: Path) -> None:
    for at, (name, subtype) in enumerate(SOUND_FORMATS.items()):
        for label, folder in enumerate(CLASSES):
            (root / folder).mkdir(parents=True, exist_ok=True)
            content = encoded(tone(300 + 90 * at + 45 * label, 0.1), 8000, Path(name).suffix[1:], subtype)
            (root / folder / name).write_bytes(content)


def _png(at: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(PIXELS[at]).save(content, "PNG")
    return content.getvalue()


def _manifest(folder: Path) -> None:
    rows = [["path", "label", "split"]]
    for at in range(NUM):
        (folder / f"{at}.png").write_bytes(_png(at))
        rows.append([f"{at}.png", CLASSES[at % 2], "test" if at > 8 else "train"])
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def _parquet(folder: Path) -> None:
    features = {"label": {"names": CLASSES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    for name, num in (("train", NUM), ("test", 4)):
        images = [{"bytes": _png(at), "path": f"{at}.png"} for at in range(num)]
        table = pa.table({"image": images, "label": pa.array(LABELS[:num])}).replace_schema_metadata(about)
        pq.write_table(table, folder / f"{name}-0.parquet", row_group_size=5)


def _saved(folder: Path) -> None:
    """As `save_to_disk` of the `datasets` library writes it: the bytes of arrays as they lie in memory."""
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    images = [{"bytes": _png(at), "path": None} for at in range(NUM)]
    table = datasets.Dataset.from_dict({"image": images, "label": LABELS.tolist()}, features)
    datasets.disable_progress_bars()
    table.save_to_disk(folder)
    datasets.enable_progress_bars()


def _idx(folder: Path) -> None:
    """Files of MNIST, of which torchvision knows no checksum once they are unpacked."""
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        pixels, labels = PIXELS[..., 0], (np.arange(NUM) % 10).astype(np.uint8)
        for name, array in (("images-idx3-ubyte", pixels), ("labels-idx1-ubyte", labels)):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (folder / f"{split}-{name}").write_bytes(header + array.tobytes())


def _of_torchvision(root: Path) -> None:
    """Sets of which torchvision knows no checksum once they are there: a compressed text, lists, folders."""
    rows = [f"{label + 1} " + " ".join(f"{at}:{at % 3 - 1}" for at in range(1, 257)) for label in LABELS]
    for name in ("usps.bz2", "usps.t.bz2"):
        (root / name).write_bytes(bz2.compress("\n".join(rows).encode()))
    signs, pets = root / "gtsrb", root / "oxford-iiit-pet"
    held_out, images, lists = signs / "GTSRB" / "Final_Test" / "Images", pets / "images", pets / "annotations"
    for folder in (held_out, images, lists, *(signs / "GTSRB" / "Training" / f"0000{c}" for c in (0, 1))):
        folder.mkdir(parents=True)
    for at, label in enumerate(LABELS):
        picture = Image.fromarray(PIXELS[at])
        picture.save(signs / "GTSRB" / "Training" / f"0000{label}" / f"{at}.ppm")
        picture.save(held_out / f"{at}.ppm")
        picture.save(images / f"{CLASSES[label]}_{at}.jpg")
    tests = [f"{at}.ppm;{label}" for at, label in enumerate(LABELS)]
    (signs / "GT-final_test.csv").write_text("\n".join(["Filename;ClassId", *tests, ""]))
    for name in ("trainval.txt", "test.txt"):
        listed = [f"{CLASSES[label]}_{at} {label + 1} 1 1\n" for at, label in enumerate(LABELS)]
        (lists / name).write_text("".join(listed))


def _texts(folder: Path) -> None:
    rows = [f"{at},{1 - label},{CLASSES[1 - label]},{label},relabel" for at, label in enumerate(LABELS)]
    (folder / "labels.csv").write_text("\n".join(["id,label,class,was,action", *rows]) + "\n")
    (folder / "ids.csv").write_text("\n".join(["id,class", *(f"{at},cat" for at in range(6))]) + "\n")
    (folder / "ids.txt").write_text("".join(f"{at}\n" for at in range(6)))
    (folder / "recipe.toml").write_text(RECIPE)
