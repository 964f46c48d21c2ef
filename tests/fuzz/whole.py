"""All that is read, before it is altered: data of every kind, runs of every kind, and what goes with them."""

from __future__ import annotations

import bz2
import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import transformers
from doors import CLASSES, DATA, HUB, LABELS, NUM, OURS, PIXELS, ROWS, ask, prepare
from PIL import Image
from refitted import TRIAL, refit, run_and_card

from easiness import audit, load_dataset, measure, open_run
from easiness.inputs.image.kind import suffixes
from easiness.runs import Progress
from easiness.store import CHECKPOINTS, CheckpointDocument, write_checkpoint
from recording import recorded
from sounds import encoded, tone

_PICTURES: dict[str, dict[str, Any]] = {
    **{"a.png": {}, "b.jpg": {}, "c.jpg": {"progressive": True}, "d.gif": {}, "e.bmp": {}, "f.webp": {}},
    **{"g.ppm": {}, "h.tif": {"compression": "tiff_lzw"}, "i.tif": {"compression": "tiff_adobe_deflate"}},
    **{"j.tif": {"compression": "jpeg"}, "k.tif": {}, "l.heic": {}, "m.avif": {}},
}
"""In every format that is read, and how they are packed."""
_SOUNDS = {
    **{"a.wav": "PCM_16", "b.wav": "PCM_24", "c.wav": "FLOAT", "d.flac": None, "e.ogg": None, "f.mp3": None},
    "g.aiff": None,
}
"""In every format that is read, and how samples are written."""
_TEXTS = ("What is a fuzz test?", "Wer  fragt\n das?", "=1+1", "ﬁne", "a b c", "x" * 300)
_RECIPE = """\
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
# what one may come across beside a run's files, and what it says when all is well
_NOTES: dict[str, Any] = {
    "trials/failed-0002.json": {"trial": 2, "reason": "loss is not finite"},
    ".lock": {"format": 1, "process": 1, "began": 1e9, "trials": [1], "host": "elsewhere"},
    "events.jsonl": {"time": "2026-01-01T00:00:00.000Z", "kind": "run_started", "trials": 2},
    "events-earlier.jsonl": {"time": "2025-01-01T00:00:00.000Z", "kind": "run_started", "trials": 1},
}


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _lines(file: Path, *rows: str) -> None:
    _folder(file.parent)
    file.write_text("\n".join([*rows, ""]))


def _png(at: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(PIXELS[at]).save(content, "PNG")
    return content.getvalue()


def _class_folders(whole: Path) -> None:
    for label, name in enumerate(CLASSES):
        pets, voices = _folder(whole / "pets" / name), _folder(whole / "voices" / name)
        for at, (file, options) in enumerate(_PICTURES.items()):
            if Path(file).suffix in suffixes():
                Image.fromarray(PIXELS[(at + label) % NUM]).save(pets / file, **options)
        for at, (file, subtype) in enumerate(_SOUNDS.items()):
            wave = tone(300 + 90 * at + 45 * label, 0.1)
            (voices / file).write_bytes(encoded(wave, 8000, Path(file).suffix[1:], subtype))


def _arrays(whole: Path) -> None:
    names = [f"picture {at}" for at in range(NUM)]
    held_out: dict[str, Any] = {"x_test": PIXELS[:4], "y_test": LABELS[:4]}
    np.savez(whole / "a.npz", x=PIXELS, y=LABELS, ids=names, classes=CLASSES, **held_out)
    np.savez_compressed(whole / "b.npz", x=PIXELS / 255, y=LABELS.astype(np.int8))
    np.save(whole / "rows.npy", ROWS)
    np.savez(whole / "rows.npz", x=ROWS, ids=np.arange(NUM))


def _lists(whole: Path) -> None:
    """A manifest and its pictures, labels, ids, a recipe, and decisions in both forms."""
    rows = [f"{at}.png,{CLASSES[at % 2]},{'test' if at > 8 else 'train'}" for at in range(NUM)]
    _lines(whole / "csv" / "list.csv", "path,label,split", *rows)
    for at in range(NUM):
        (whole / "csv" / f"{at}.png").write_bytes(_png(at))
    rows = [f"{at},{1 - label},{CLASSES[1 - label]},{label},relabel" for at, label in enumerate(LABELS)]
    _lines(whole / "labels.csv", "id,label,class,was,action", *rows)
    _lines(whole / "ids.csv", "id,class", *(f"{at},cat" for at in range(6)))
    _lines(whole / "ids.txt", *map(str, range(6)))
    (whole / "recipe.toml").write_text(_RECIPE)
    rows = [
        f"{at},{at % 3},{at % 3},{action},{'ab'[at % 2]},2026-11-28T10:00:00Z,train,{DATA}"
        for at, action in enumerate(("keep", "drop", "unsure", "", "keep", "relabel"))
    ]
    _lines(whole / "decisions.csv", "id,label,was,action,by,time,split,data", *rows)
    tasks = [
        {
            "id": at,
            "data": {"example": "a text", "id": str(at), "was": at % 3, "split": "train", "of": DATA},
            "annotations": [
                {
                    "completed_by": person,
                    "was_cancelled": False,
                    "created_at": f"2026-11-28T10:00:0{at}Z",
                    "result": [{"from_name": "decision", "type": "choices", "value": {"choices": [choice]}}],
                }
                for person in (1, {"id": 2, "email": "b@example.org"})
            ],
        }
        for at, choice in enumerate(("class 0", "class 2", "drop", "unsure"))
    ]
    (whole / "answers.json").write_text(json.dumps(tasks))


def _hub(whole: Path) -> None:
    """Parquet as on the hub, what `datasets` saved, and a table with a column of vectors."""
    about = {"label": {"names": CLASSES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    text = json.dumps({"info": {"features": about}})
    _folder(whole / "hub")
    for name, num in (("train", NUM), ("test", 4)):
        images: list[Any] = [{"bytes": _png(at), "path": f"{at}.png"} for at in range(num)]
        table = pa.table({"image": images, "label": LABELS[:num]}).replace_schema_metadata(
            {"huggingface": text}
        )
        pq.write_table(table, whole / "hub" / f"{name}-0.parquet", row_group_size=5)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    images = [{"bytes": _png(at), "path": None} for at in range(NUM)]
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict({"image": images, "label": LABELS.tolist()}, features).save_to_disk(
        whole / "saved"
    )
    datasets.enable_progress_bars()
    images = [{"bytes": b"", "path": None}] * NUM
    table = pa.table({"image": images, "label": LABELS, "v": ROWS.tolist()})
    pq.write_table(table, whole / "column.parquet", row_group_size=5)


def _torchvision(whole: Path) -> None:
    """Sets of which torchvision knows no checksum once they are there: arrays, packed texts, lists."""
    for split in ("train", "t10k"):
        pixels, labels = PIXELS[..., 0], (np.arange(NUM) % 10).astype(np.uint8)
        for name, array in (("images-idx3-ubyte", pixels), ("labels-idx1-ubyte", labels)):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            file = _folder(whole / "mnist" / "MNIST" / "raw") / f"{split}-{name}"
            file.write_bytes(header + array.tobytes())
    rows = [f"{label + 1} " + " ".join(f"{at}:{at % 3 - 1}" for at in range(1, 257)) for label in LABELS]
    for name in ("usps.bz2", "usps.t.bz2"):
        (_folder(whole / "usps") / name).write_bytes(bz2.compress("\n".join(rows).encode()))
    signs, pets = whole / "gtsrb" / "gtsrb", whole / "oxfordiiitpet" / "oxford-iiit-pet"
    held_out, images = (_folder(one) for one in (signs / "GTSRB" / "Final_Test" / "Images", pets / "images"))
    for at, label in enumerate(LABELS):
        picture = Image.fromarray(PIXELS[at])
        picture.save(_folder(signs / "GTSRB" / "Training" / f"0000{label}") / f"{at}.ppm")
        picture.save(held_out / f"{at}.ppm")
        picture.save(images / f"{CLASSES[label]}_{at}.jpg")
    tests = [f"{at}.ppm;{label}" for at, label in enumerate(LABELS)]
    _lines(signs / "GT-final_test.csv", "Filename;ClassId", *tests)
    for name in ("trainval.txt", "test.txt"):
        listed = [f"{CLASSES[label]}_{at} {label + 1} 1 1" for at, label in enumerate(LABELS)]
        _lines(pets / "annotations" / name, *listed)


def _tables(whole: Path) -> None:
    """A table of texts and one of numbers, each as CSV and as Parquet, and a folder of texts."""
    rng, num = np.random.default_rng(0), 24
    columns = {
        "x": rng.normal(size=num).round(3),
        "count": rng.integers(0, 9, num),
        "kind": rng.choice(["red", "green", "blue"], num),
        "label": rng.permutation(CLASSES * (num // 2)),
        "split": ["train"] * 18 + ["test"] * 6,
    }
    numbers = pd.DataFrame(columns)
    numbers.loc[3, "x"] = np.nan
    texts = numbers[["kind", "label"]].assign(text=[f"what is {value}?" for value in numbers["x"]])
    numbers.to_csv(whole / "numbers.csv", index=False)
    numbers.to_csv(whole / "numbers.csv.gz", index=False)
    numbers.to_json(whole / "numbers.jsonl", orient="records", lines=True)
    numbers.to_json(whole / "numbers.json", orient="records")
    texts.to_csv(whole / "texts.csv", index=False)
    hidden = numbers.drop(columns="split").assign(hidden=pd.Series(list(rng.normal(size=(num, 4)))))
    hidden.to_parquet(whole / "numbers.parquet", row_group_size=10)
    texts.astype({"kind": "category"}).to_parquet(whole / "texts.parquet")
    for row, (label, text) in enumerate(zip(texts["label"][:8], texts["text"][:8], strict=True)):
        _lines(whole / "mail" / label / f"{row}.txt", text)


def _network(whole: Path) -> None:
    sizes = dict.fromkeys(("num_hidden_layers", "num_attention_heads"), 1)
    config = transformers.ViTConfig(image_size=8, patch_size=4, hidden_size=4, intermediate_size=4, **sizes)
    transformers.ViTModel(config).save_pretrained(whole / "vit")
    processor = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (whole / "vit" / HUB[-1]).write_text(json.dumps(processor))


class _Interrupt(Progress):
    """Ends a run after a few epochs, as Ctrl-C does."""

    def __init__(self) -> None:
        self.left = 6

    def epoch(self, report: object) -> None:  # noqa: ARG002
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def _runs(whole: Path) -> None:
    """Also some that keep texts or sounds, one of heads, one that was asked, one that was ended; an audit."""
    run_and_card(whole)
    _settle(whole / "run")
    ids, labels = np.arange(24) * 3, np.arange(24) % 2
    texts = [f"{_TEXTS[at % len(_TEXTS)]} {at}" for at in range(len(ids))]
    tones = [tone(300 + at, 0.02) for at in range(len(ids))]
    given: dict[str, dict[str, Any]] = {"texts": {"texts": texts}, "sounds": {"sounds": tones, "rate": 8000}}
    for name, options in given.items():
        logits = np.random.default_rng(0).normal(size=(1, len(ids), 2))
        recorded(whole / "recorded" / name, logits, labels, ids=ids, **options)
    heads = _folder(whole / "on_features")
    shutil.copy(whole / "data.npz", heads)
    images = np.load(heads / "data.npz")["x"]
    np.save(heads / "rows.npy", images.reshape(len(images), -1)[:, 10:40].astype(np.float32) + 0.5)
    with contextlib.chdir(heads):
        many = dict[str, Any](trials=5, executor="serial", progress=False)
        measure("data.npz", features=["rows.npy"], model="ridge", **many, out="run")
    _settle(heads / "run")
    ask(shutil.copytree(whole / "run", whole / "asked"))
    size = dict[str, Any](model="mlp_2_w8", trials=2, epochs=4, cache=False)
    with contextlib.suppress(KeyboardInterrupt):
        kept = dict[str, Any](executor="serial", precision="float32", checkpoint_every=1e-9)
        data = load_dataset("digits", limit=40, holdout=0.2)
        measure(data, **size, **kept, out=whole / "begun", progress=_Interrupt())
    document = CheckpointDocument(**OURS, epoch=1, images=40, seconds=1.0)  # type: ignore[arg-type]
    tensors = {"network/bias": torch.zeros(10), "losses": torch.ones(1, 1, dtype=torch.float64)}
    write_checkpoint(_folder(whole / CHECKPOINTS), 0, document, tensors)
    audit(open_run(whole / "run"), looks=12).table().to_csv(whole / "audit.csv", index=False)


def _settle(run: Path) -> None:
    """Take out what differs from one measurement to the next, so that a seed gives the same input again."""
    for file in run.glob(f"trials/*/{TRIAL}"):
        document = json.loads(file.read_bytes())
        torch = document["trial"]["ran"]["torch"]
        document["trial"]["ran"] = {"seconds": 1.5, "torch": torch, "device": "cpu"}
        file.write_text(json.dumps(document))
        assert refit(file)
    for name, value in _NOTES.items():
        (run / name).write_text(json.dumps(value) + "\n")


_ALL: tuple[Callable[[Path], None], ...] = (
    *(_class_folders, _arrays, _lists, _hub, _torchvision, _tables, _network, _runs),
)


def make(whole: Path) -> None:
    """All of them, in the folder ``whole``."""
    prepare()
    _folder(whole)
    for part in _ALL:
        part(whole)
