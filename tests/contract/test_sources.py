"""The same tiny data set in every kind of source: each must give the same examples.

Where examples are no pictures, they are made of the pixels: a text has them in words, a vector as its values,
a sound as its samples.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder

from easiness.data import Dataset, load_dataset
from easiness.data.sources import folders
from easiness.errors import BadInput
from pixels import images_of, png
from sounds import encoded


def random_pixels(num: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (num, 5, 6, 3), dtype=np.uint8)


def said(pixels: np.ndarray) -> str:
    """The pixels in words; a text like any other."""
    return " ".join(f"p{value}" for value in pixels.ravel())


def txt(pixels: np.ndarray) -> bytes:
    return said(pixels).encode()


def values(pixels: np.ndarray) -> np.ndarray:
    return pixels.ravel().astype(np.float32)


def samples(pixels: np.ndarray) -> np.ndarray:
    """What 16 bits hold exactly."""
    return values(pixels) / 256


def wav(pixels: np.ndarray) -> bytes:
    return encoded(samples(pixels))


@dataclass(frozen=True)
class Tiny:
    """Examples ordered by class, as class folders are; 4 of bee, 3 of cat, 2 of dog."""

    classes: tuple[str, ...] = ("bee", "cat", "dog")
    x: np.ndarray = field(default_factory=lambda: random_pixels(9, 0))
    y: Sequence[int] = (0, 0, 0, 0, 1, 1, 1, 2, 2)
    x_test: np.ndarray = field(default_factory=lambda: random_pixels(4, 1))
    y_test: Sequence[int] = (0, 1, 1, 2)
    broken: int | None = None
    instead: bytes = b"no picture"
    column: str = "image"

    @property
    def file(self) -> Callable[[np.ndarray], bytes]:
        return {"image": png, "text": txt}.get(self.column, wav)

    @property
    def suffix(self) -> str:
        return f".{self.file.__name__}"

    @property
    def train(self) -> list[tuple[bytes, int]]:
        """(file, label) of each example; in place of the one that is ``broken`` there is another."""
        instead = b"\xff" if self.column == "text" else self.instead
        files = [instead if i == self.broken else self.file(pixels) for i, pixels in enumerate(self.x)]
        return list(zip(files, self.y, strict=True))

    @property
    def test(self) -> list[tuple[bytes, int]]:
        return [(self.file(pixels), label) for pixels, label in zip(self.x_test, self.y_test, strict=True)]


class Given(NamedTuple):
    """What `load_dataset` is called with."""

    source: Any
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to


Pairs = list[tuple[bytes, int]]


def write_classes(root: Path, classes: Sequence[str], pairs: Pairs, suffix: str = ".png") -> None:
    for i, (content, label) in enumerate(pairs):
        folder = root / classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:02}{suffix}").write_bytes(content)


def texts(tiny: Tiny, split: str = "train") -> pd.DataFrame:
    """A table of texts and the names of their classes."""
    x, y = (tiny.x, tiny.y) if split == "train" else (tiny.x_test, tiny.y_test)
    return pd.DataFrame({"text": [said(one) for one in x], "label": [tiny.classes[label] for label in y]})


def numbers(tiny: Tiny, split: str = "train") -> pd.DataFrame:
    """A table of numbers, a column for each pixel, and the names of the classes."""
    x = tiny.x if split == "train" else tiny.x_test
    table = pd.DataFrame(np.stack([values(one) for one in x])).add_prefix("pixel ")
    return table.assign(label=texts(tiny, split)["label"])


def write_rows(path: Path, tiny: Tiny, pairs: Pairs) -> None:
    info = {"info": {"features": {"label": {"names": list(tiny.classes), "_type": "ClassLabel"}}}}
    rows = [{"bytes": content, "path": f"{i}{tiny.suffix}"} for i, (content, _) in enumerate(pairs)]
    table = pa.table({tiny.column: rows, "label": [label for _, label in pairs]})
    if tiny.column == "voice":  # which is named, and goes before
        table = table.append_column("image", [[b""] * len(pairs)])
    described = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(described, path, row_group_size=2)


def hub_table(tiny: Tiny, pairs: Pairs) -> datasets.Dataset:
    stored = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    features = datasets.Features({"file": stored, "label": datasets.ClassLabel(names=list(tiny.classes))})
    rows = [{"bytes": content, "path": None} for content, _ in pairs]
    table = datasets.Dataset.from_dict({"file": rows, "label": [label for _, label in pairs]}, features)
    kind = datasets.Image() if tiny.column == "image" else datasets.Audio()
    return table.rename_column("file", tiny.column).cast_column(tiny.column, kind)


def folder(root: Path, tiny: Tiny) -> Given:
    write_classes(root / "tiny", tiny.classes, tiny.train, tiny.suffix)
    return Given(root / "tiny")


def folder_with_splits(root: Path, tiny: Tiny) -> Given:
    write_classes(root / "tiny/train", tiny.classes, tiny.train, tiny.suffix)
    write_classes(root / "tiny/val", tiny.classes, tiny.test, tiny.suffix)
    return Given(root / "tiny")


def mini_imagenet_folder(root: Path, tiny: Tiny) -> Given:
    synsets = [f"n0{label}" for label in range(len(tiny.classes))]
    folders.SYNSETS.update(zip(synsets, tiny.classes, strict=True))
    write_classes(root / "tiny/train", synsets, tiny.train)
    write_classes(root / "tiny/val", synsets, tiny.test)
    write_classes(root / "tiny/train", ["n9"], [(png(tiny.x[0]), 0)])  # another class, passed over
    return Given(f"mini-imagenet:{root / 'tiny'}")


def one_parquet_file(root: Path, tiny: Tiny) -> Given:
    write_rows(root / "tiny.parquet", tiny, tiny.train)
    return Given(root / "tiny.parquet")


def parquet_shards(root: Path, tiny: Tiny) -> Given:
    write_rows(root / "tiny/train-00001-of-00002.parquet", tiny, tiny.train[5:])
    write_rows(root / "tiny/train-00000-of-00002.parquet", tiny, tiny.train[:5])
    write_rows(root / "tiny/test-00000-of-00001.parquet", tiny, tiny.test)
    return Given(root / "tiny")


def manifest(root: Path, tiny: Tiny) -> Given:
    lines = ["label,path"]
    (root / "pictures").mkdir(parents=True, exist_ok=True)
    for i, (content, label) in enumerate(tiny.train):
        (root / f"pictures/{i}.png").write_bytes(content)
        lines.append(f"{tiny.classes[label]},pictures/{i}.png")
    (root / "tiny.csv").write_text("\n".join(lines))
    return Given(root / "tiny.csv")


def manifest_with_splits(root: Path, tiny: Tiny) -> Given:
    lines = [f"{tiny.column if tiny.column == 'spoken' else 'path'},label,split"]
    for split, pairs in (("test", tiny.test), ("train", tiny.train)):
        for i, (content, label) in enumerate(pairs):
            (root / f"{split}{i}{tiny.suffix}").write_bytes(content)
            lines.append(f"{split}{i}{tiny.suffix},{label},{split}")
    (root / "tiny.csv").write_text("\n".join(lines))
    return Given(root / "tiny.csv", {"classes": tiny.classes})


def npz(root: Path, tiny: Tiny) -> Given:
    test: dict[str, Any] = {"x_test": tiny.x_test, "y_test": tiny.y_test}
    np.savez(root / "tiny.npz", x=tiny.x, y=tiny.y, classes=tiny.classes, **test)
    return Given(root / "tiny.npz")


def arrays_channels_last(_: Path, tiny: Tiny) -> Given:
    return Given((np.array(tiny.x), np.array(tiny.y)), {"classes": tiny.classes})


def arrays_channels_first(_: Path, tiny: Tiny) -> Given:
    x = torch.from_numpy(np.array(tiny.x)).permute(0, 3, 1, 2)
    return Given((x, torch.tensor(tiny.y)), {"classes": tiny.classes})


def arrays_of_floats(_: Path, tiny: Tiny) -> Given:
    train, test = (
        ((np.array(x) / 255).astype(np.float32), np.array(y, np.int32))
        for x, y in ((tiny.x, tiny.y), (tiny.x_test, tiny.y_test))
    )
    return Given(train, {"classes": tiny.classes, "held_out": test})


class Pictures:
    """A map-style Dataset that knows nothing of torch and decodes its pictures when asked for them."""

    def __init__(self, classes: tuple[str, ...], pairs: Pairs) -> None:
        self.classes = list(classes)
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, position: int) -> tuple[Image.Image, np.int32]:
        content, label = self.pairs[position]
        return Image.open(io.BytesIO(content)), np.int32(label)


def map_style_pictures(_: Path, tiny: Tiny) -> Given:
    train, test = (Pictures(tiny.classes, pairs) for pairs in (tiny.train, tiny.test))
    return Given(train, {"held_out": test})


def map_style_parts(_: Path, tiny: Tiny) -> Given:
    """A joined Dataset has neither class names nor targets."""
    parts = [Pictures(tiny.classes, tiny.train[:4]), Pictures(tiny.classes, tiny.train[4:])]
    return Given(ConcatDataset(parts), {"classes": tiny.classes})  # type: ignore[arg-type]


def map_style_tensors(_: Path, tiny: Tiny) -> Given:
    x = torch.from_numpy(np.array(tiny.x)).permute(0, 3, 1, 2) / 255
    return Given(TensorDataset(x, torch.tensor(tiny.y)), {"classes": tiny.classes})


def image_folder(root: Path, tiny: Tiny) -> Given:
    write_classes(root / "tiny", tiny.classes, tiny.train)
    return Given(ImageFolder(root / "tiny"))


def image_folder_subset(root: Path, tiny: Tiny) -> Given:
    extra = [(png(tiny.x[0]), 0), *tiny.train]
    write_classes(root / "train", tiny.classes, extra)
    write_classes(root / "test", tiny.classes, tiny.test)
    train = Subset(Subset(ImageFolder(root / "train"), range(len(extra))), np.arange(1, len(extra)))  # type: ignore[arg-type]
    return Given(train, {"held_out": ImageFolder(root / "test")})


def torchvision_imagenet(root: Path, tiny: Tiny) -> Given:
    synsets = [f"n0{label}" for label in range(len(tiny.classes))]
    write_classes(root / "train", synsets, tiny.train)
    write_classes(root / "val", synsets, tiny.test)
    words = {synset: (name,) for synset, name in zip(synsets, tiny.classes, strict=True)}
    torch.save((words, []), root / "meta.bin")
    return Given("imagenet", {"data_root": root})


def hub_saved(root: Path, tiny: Tiny) -> Given:
    hub_table(tiny, tiny.train).save_to_disk(root / "tiny")
    return Given(f"hf:{root / 'tiny'}")


def hub_saved_splits(root: Path, tiny: Tiny) -> Given:
    tables = {"train": hub_table(tiny, tiny.train), "test": hub_table(tiny, tiny.test)}
    datasets.DatasetDict(tables).save_to_disk(root / "tiny")
    return Given(f"hf:{root / 'tiny'}")


def hub_folder(root: Path, tiny: Tiny) -> Given:
    write_classes(root / "tiny/train", tiny.classes, tiny.train)
    write_classes(root / "tiny/test", tiny.classes, tiny.test)
    return Given(f"hf:{root / 'tiny'}")


def hub_parquet(root: Path, tiny: Tiny) -> Given:
    for split, pairs in (("train", tiny.train), ("test", tiny.test)):
        hub_table(tiny, pairs).to_parquet(root / f"tiny/{split}.parquet")
    return Given(f"hf:{root / 'tiny'}")


def hub_object(_: Path, tiny: Tiny) -> Given:
    return Given(hub_table(tiny, tiny.train), {"held_out": hub_table(tiny, tiny.test)})


def csv_of_texts(root: Path, tiny: Tiny) -> Given:
    texts(tiny).rename(columns={"text": "words"}).to_csv(root / "tiny.csv", index=False)
    return Given(root / "tiny.csv", {"text": "words"})


def csv_of_texts_and_splits(root: Path, tiny: Tiny) -> Given:
    parts = [texts(tiny, split).assign(split=split) for split in ("test", "train")]
    pd.concat(parts).to_csv(root / "tiny.csv", index=False, sep=";", encoding="utf-16")
    return Given(root / "tiny.csv", {"encoding": "utf-16"})


def csv_files_of_texts(root: Path, tiny: Tiny) -> Given:
    for split in ("train", "test"):
        texts(tiny, split).to_csv(root / "tiny" / f"{split}.csv", index=False)
    return Given(root / "tiny")


def parquet_of_texts(root: Path, tiny: Tiny) -> Given:
    texts(tiny).to_parquet(root / "tiny.parquet", row_group_size=2)
    return Given(root / "tiny.parquet")


def parquet_shards_of_texts(root: Path, tiny: Tiny) -> Given:
    (root / "tiny/data").mkdir(parents=True, exist_ok=True)
    whole = texts(tiny)
    for name, part in (("train-0", whole[:5]), ("train-1", whole[5:]), ("test-0", texts(tiny, "test"))):
        part.to_parquet(root / f"tiny/data/{name}.parquet")
    return Given(root / "tiny")


def list_of_texts(_: Path, tiny: Tiny) -> Given:
    return Given(([said(one) for one in tiny.x], np.array(tiny.y)), {"classes": tiny.classes})


def hub_of_texts(_: Path, tiny: Tiny) -> Given:
    train, test = (datasets.Dataset.from_pandas(texts(tiny, split)) for split in ("train", "test"))
    return Given(train, {"held_out": test})


def hub_of_texts_saved(root: Path, tiny: Tiny) -> Given:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(tiny.classes))}
    )
    rows = {"text": texts(tiny)["text"].tolist(), "label": list(tiny.y)}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(root / "tiny")
    return Given(f"hf:{root / 'tiny'}")


def csv_of_numbers(root: Path, tiny: Tiny) -> Given:
    numbers(tiny).rename(columns={"label": "species"}).to_csv(root / "tiny.csv")
    return Given(root / "tiny.csv", {"label": "species"})


def csv_files_of_numbers(root: Path, tiny: Tiny) -> Given:
    for split in ("train", "test"):
        numbers(tiny, split).to_csv(root / "tiny" / f"{split}.csv", index=False)
    return Given(root / "tiny")


def parquet_of_numbers(root: Path, tiny: Tiny) -> Given:
    numbers(tiny).to_parquet(root / "tiny.parquet")
    return Given(root / "tiny.parquet")


def parquet_of_lists(root: Path, tiny: Tiny) -> Given:
    for split, x in (("train", tiny.x), ("test", tiny.x_test)):
        table = texts(tiny, split).drop(columns="text").assign(hidden=pd.Series([values(one) for one in x]))
        table.to_parquet(root / "tiny" / f"{split}.parquet")
    return Given(root / "tiny", {"inputs": ["hidden"]})


def npz_of_vectors(root: Path, tiny: Tiny) -> Given:
    x, x_test = (np.stack([values(one) for one in part]) for part in (tiny.x, tiny.x_test))
    test: dict[str, Any] = {"x_test": x_test, "y_test": tiny.y_test}
    np.savez(root / "tiny.npz", x=x, y=tiny.y, classes=tiny.classes, **test)
    return Given(root / "tiny.npz")


def arrays_of_sounds(_: Path, tiny: Tiny) -> Given:
    train, test = (
        ([samples(one) for one in x], y) for x, y in ((tiny.x, tiny.y), (tiny.x_test, tiny.y_test))
    )
    return Given(train, {"held_out": test, "rate": 8000, "classes": tiny.classes})


Write = Callable[[Path, Tiny], Given]


def of_files(write: Write, column: str, **options: Any) -> Write:
    """The same source with other files in place of pictures, in this column."""

    def written(root: Path, tiny: Tiny) -> Given:
        given = write(root, replace(tiny, column=column))
        return Given(given.source, {**given.options, **options})

    written.__name__ = f"{write.__name__}_of_{column}"
    return written


text_files, text_files_with_splits = of_files(folder, "text"), of_files(folder_with_splits, "text")
TEXT_FILES = [text_files, text_files_with_splits]
folder_of_sounds = of_files(folder_with_splits, "audio")
manifest_of_sounds = of_files(manifest_with_splits, "audio")
named_sounds = of_files(manifest_with_splits, "spoken", sound="spoken")
hub_sounds, hub_voices = of_files(hub_object, "audio"), of_files(hub_object, "voice", sound="voice")
SOUND_FILES: list[Write] = [
    *(folder_of_sounds, manifest_of_sounds, named_sounds, hub_sounds, hub_voices),
    *(of_files(parquet_shards, "audio"), of_files(parquet_shards, "voice", sound="voice")),
    of_files(hub_saved_splits, "audio"),
]
ONLY_ARRAYS = [
    *(arrays_channels_last, arrays_channels_first, arrays_of_floats, npz),
    *(map_style_tensors, arrays_of_sounds),
]
MANIFESTS = [manifest_with_splits, manifest_of_sounds, named_sounds]  # with classes that are given by hand
READ_ITEM_BY_ITEM = [map_style_pictures, map_style_parts]
OBJECTS = [
    *(list_of_texts, hub_of_texts),
    *(arrays_channels_last, arrays_channels_first, arrays_of_floats, map_style_tensors),
    *(map_style_pictures, map_style_parts, image_folder, image_folder_subset, hub_object),
    *(arrays_of_sounds, hub_sounds, hub_voices),
]
WITH_PATHS = {
    folder: "bee/00.png",
    folder_with_splits: "train/bee/00.png",
    mini_imagenet_folder: "train/n00/00.png",
    manifest: "pictures/0.png",
    manifest_with_splits: "train0.png",
    text_files: "bee/00.txt",
    text_files_with_splits: "train/bee/00.txt",
    folder_of_sounds: "train/bee/00.wav",
    manifest_of_sounds: "train0.wav",
    named_sounds: "train0.wav",
}
WITHOUT_SPLITS: list[Write] = [
    *(folder, one_parquet_file, manifest, arrays_channels_last, arrays_channels_first),
    *(map_style_parts, map_style_tensors, image_folder, hub_saved),
    *(csv_of_texts, parquet_of_texts, text_files, list_of_texts, hub_of_texts_saved),
    *(csv_of_numbers, parquet_of_numbers),
]
WITH_SPLITS: list[Write] = [
    *(folder_with_splits, mini_imagenet_folder, parquet_shards, manifest_with_splits, npz, arrays_of_floats),
    *(map_style_pictures, image_folder_subset, torchvision_imagenet),
    *(hub_saved_splits, hub_folder, hub_parquet, hub_object),
    *(csv_of_texts_and_splits, csv_files_of_texts, parquet_shards_of_texts, text_files_with_splits),
    *(hub_of_texts, csv_files_of_numbers, parquet_of_lists, npz_of_vectors),
    *(*SOUND_FILES, arrays_of_sounds),
]
HELD_OUT_IS_VAL = [
    *(folder_with_splits, mini_imagenet_folder, torchvision_imagenet),
    *(text_files_with_splits, folder_of_sounds),
]
NAMES = {
    "text": r"text",
    "vector": r"numbers|lists|vectors",
    "sound": r"sounds|audio|voice|spoken",
}


def kind_of(write: Write) -> str:
    """The kind of the examples, as the name of the source says."""
    return next((kind for kind, names in NAMES.items() if re.search(names, write.__name__)), "image")


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASINESS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("hub"))
    monkeypatch.setattr(folders, "SYNSETS", {})


@pytest.fixture(params=WITHOUT_SPLITS + WITH_SPLITS, ids=lambda write: write.__name__)
def write(request: pytest.FixtureRequest) -> Write:
    return request.param


def load(root: Path, write: Write, tiny: Tiny, **options: Any) -> Dataset:
    (root / "tiny").mkdir(parents=True, exist_ok=True)
    given = write(root, tiny)
    return load_dataset(given.source, **given.options, **options)


def expected(write: Write, x: np.ndarray) -> list[np.ndarray]:
    """The decoded examples that a source has to give."""
    made: dict[str, Callable[[np.ndarray], np.ndarray]] = {"vector": values, "sound": samples}
    made["text"] = lambda one: np.frombuffer(txt(one), np.uint8)
    return [made.get(kind_of(write), np.array)(one) for one in x]


def assert_same(data: Dataset, found: Sequence[np.ndarray]) -> None:
    """Are these the examples of a data set, in its order?"""
    given = list(data.stored.map(lambda value: value))
    assert len(given) == len(found)
    for one, other in zip(given, found, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def test_the_same_examples(tmp_path, write):
    tiny = Tiny()
    data = load(tmp_path, write, tiny)
    assert len(data) == 9
    assert data.classes == tiny.classes
    assert data.num_classes == 3
    assert data.split == "train"
    assert data.labels.tolist() == list(tiny.y)
    assert data.true_labels.tolist() == list(tiny.y)
    assert data.labels.dtype == np.int64
    assert_same(data, expected(write, tiny.x))
    assert data.num_unreadable == 0
    assert data.kind.name == kind_of(write)
    assert data.kind.name != "sound" or data.traits.rate == 8000
    if data.kind.name == "image":
        assert data.traits.shape == (3, 5, 6)
        assert images_of(data).dtype == torch.uint8
        assert images_of(data).is_contiguous()
        assert (images_of(data).numpy() == tiny.x.transpose(0, 3, 1, 2)).all()


def test_ids(tmp_path, write):
    data = load(tmp_path, write, Tiny())
    if write in WITH_PATHS:
        assert data.ids.dtype == object
        assert data.ids[0] == WITH_PATHS[write]
        assert len(set(data.ids)) == 9
    else:
        assert data.ids.dtype == np.int64
        assert data.ids.tolist() == list(range(9))


def test_held_out(tmp_path, write):
    tiny = Tiny()
    held_out = load(tmp_path, write, tiny).held_out
    if write in WITHOUT_SPLITS:
        assert held_out is None
        return
    assert held_out is not None
    assert held_out.split == ("val" if write in HELD_OUT_IS_VAL else "test")
    assert held_out.labels.tolist() == list(tiny.y_test)
    assert held_out.classes == tiny.classes
    assert held_out.held_out is None
    assert_same(held_out, expected(write, tiny.x_test))


def test_limit(tmp_path, write):
    tiny = Tiny()
    whole = load(tmp_path / "a", write, tiny)
    part = load(tmp_path / "b", write, tiny, limit=5, seed=3)
    assert sorted(np.bincount(part.labels).tolist()) == [1, 2, 2]
    kept = [whole.ids.tolist().index(i) for i in part.ids]
    assert kept == sorted(kept)
    assert part.labels.tolist() == whole.labels[kept].tolist()
    assert_same(part, [expected(write, tiny.x)[at] for at in kept])
    assert set(load(tmp_path / "c", write, tiny, limit=3, seed=3).ids) < set(part.ids)
    assert part.fingerprint != whole.fingerprint


def test_the_subset_depends_on_labels_and_seed_alone(tmp_path, write):
    tiny = Tiny()
    expected = load_dataset((tiny.x, list(tiny.y)), limit=4, seed=7).ids.tolist()
    whole = load(tmp_path / "a", write, tiny).ids.tolist()
    assert [whole.index(i) for i in load(tmp_path / "b", write, tiny, limit=4, seed=7).ids] == expected


def test_examples_in_any_order(tmp_path, write):
    tiny = Tiny()
    data = load(tmp_path, write, tiny)
    found = data.values(np.array([8, 0, 8, 3]))
    for value, position in zip(found, (8, 0, 8, 3), strict=True):
        assert np.array_equal(value, expected(write, tiny.x)[position])


def test_fingerprint_is_stable_over_loads_and_places(tmp_path, write):
    first = load(tmp_path / "a", write, Tiny())
    moved = load(tmp_path / "b", write, Tiny())
    _ = moved.values(np.arange(9))
    assert first.fingerprint == moved.fingerprint
    assert len(first.fingerprint) == 64
    if first.held_out is not None:
        assert moved.held_out is not None
        assert first.held_out.fingerprint == moved.held_out.fingerprint


def changed_pixel(tiny: Tiny) -> Tiny:
    x = np.array(tiny.x)
    x[4, 2, 3, 1] ^= 1
    return replace(tiny, x=x)


def changed_label(tiny: Tiny) -> Tiny:
    return replace(tiny, y=(0, 0, 0, 1, 1, 1, 1, 2, 2))


def changed_class_name(tiny: Tiny) -> Tiny:
    return replace(tiny, classes=("bee", "cat", "dogs"))


@pytest.mark.parametrize("change", [changed_pixel, changed_label, changed_class_name])
def test_fingerprint_changes_with_what_it_covers(tmp_path, write, change):
    before = load(tmp_path / "a", write, Tiny())
    after = load(tmp_path / "b", write, change(Tiny()))
    assert after.fingerprint != before.fingerprint


def test_nothing_is_decoded_for_a_fingerprint(tmp_path, write, monkeypatch):
    if write in READ_ITEM_BY_ITEM:
        pytest.skip("what is not stored as bytes has to be read")
    (tmp_path / "tiny").mkdir()
    given = write(tmp_path, Tiny())
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a picture was opened"))
    data = load_dataset(given.source, **given.options, limit=5)
    assert len(data.ids) == len(data.labels) == 5
    assert data.fingerprint


def test_a_reference_finds_the_data_again(tmp_path, write):
    data = load(tmp_path / "a", write, Tiny(), limit=5)
    ref = data.ref()
    assert ref.limit == 5
    assert ref.train.num_examples == 5
    assert ref.kind == data.kind.name
    if ref.kind == "image":
        assert ref.image_shape == (3, 5, 6)
    if ref.source is None:
        assert write in [*OBJECTS, *MANIFESTS]
    else:
        assert Path(ref.source.split(":")[-1]).is_absolute() or ref.data_root
        assert load_dataset(ref.source, limit=ref.limit, **ref.load_options().model_dump()).ref() == ref
    assert data.limit(4).ref().source is None  # a subset of a subset cannot be named
    assert load(tmp_path / "b", write, Tiny(), limit=5, seed=2).ref().source is None


def test_images_of_different_sizes(tmp_path, write):
    if write in ONLY_ARRAYS or kind_of(write) != "image":
        pytest.skip("an array has one size, and other examples have none")
    tiny = Tiny()
    x = [*tiny.x[:8], np.full((7, 4, 3), 9, np.uint8)]
    data = load(tmp_path, write, replace(tiny, x=x))  # type: ignore[arg-type]
    assert data.traits.shape is None
    assert data.recipe_defaults["crop"] == 5
    assert data.stored.sizes().tolist() == [[5, 6]] * 8 + [[7, 4]]
    assert [picture.shape for picture in data.values(np.array([8, 7]))] == [(7, 4, 3), (5, 6, 3)]
    assert data.limit(3).recipe_defaults == data.recipe_defaults
    with pytest.raises(BadInput, match="images differ in size"):
        _ = images_of(data)


@pytest.mark.parametrize("instead", [b"no picture", b"", wav(np.zeros(0))], ids=["junk", "", "no samples"])
def test_an_unreadable_example_is_named_or_left_out(tmp_path, write, instead):
    if instead != b"no picture" and write not in SOUND_FILES:
        pytest.skip("only a sound can be empty")
    if write in ONLY_ARRAYS or (kind_of(write) in ("text", "vector") and write not in TEXT_FILES):
        pytest.skip("an array holds no encoded images, and a table is read whole")
    tiny = Tiny(broken=4, instead=instead)
    with pytest.raises(BadInput, match=r"0?[45]\.(png|txt|wav)|(item|row) 4\b") as caught:
        _ = load(tmp_path / "a", write, tiny).values(np.arange(9))
    assert "--skip-unreadable" in str(caught.value)
    assert "\n" not in str(caught.value)
    data = load(tmp_path / "b", write, tiny, skip_unreadable=True)
    assert data.num_unreadable == 1
    assert data.labels.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert data.ids.tolist() == [i for p, i in enumerate(load(tmp_path / "c", write, Tiny()).ids) if p != 4]
    assert_same(data, expected(write, np.delete(tiny.x, 4, axis=0)))
    assert data.ref().skip_unreadable
    (name,) = data.ref().unreadable
    assert re.search(r"0?[45]\.(png|txt|wav)|(item|row) 4\b", name)
    assert data.held_out is None or data.held_out.unreadable == ()
    assert data.limit(4).unreadable == data.unreadable


@pytest.mark.parametrize(
    ("limit", "message"), [(10, "limit 10: exceeds the 9 examples"), (2, "limit 2: below the 3 classes")]
)
def test_limits_that_cannot_be(tmp_path, write, limit, message):
    with pytest.raises(BadInput, match=message):
        load(tmp_path, write, Tiny(), limit=limit)


def test_one_class_is_not_enough(tmp_path, write):
    alone = replace(Tiny(), classes=("bee",), y=(0,) * 9, y_test=(0,) * 4)
    message = r"only one class \('bee'\); at least two are needed"
    if write is hub_folder:  # the library gives no labels to a folder of one class
        message = "no column label"
    with pytest.raises(BadInput, match=message):
        load(tmp_path, write, alone)


def test_a_manifest_of_pictures_and_sounds_is_of_pictures(tmp_path):
    file = manifest_of_sounds(tmp_path, Tiny()).source
    (tmp_path / "a.png").write_bytes(b"no picture")
    file.write_text(file.read_text() + "\na.png,1,train")
    with pytest.raises(BadInput, match=r"train0.wav: not an image"):
        load_dataset(file).values(np.arange(1))


@pytest.mark.parametrize("write", [of_files(parquet_shards, "audio"), hub_sounds])
def test_a_column_without_sounds(tmp_path, write):
    with pytest.raises(BadInput, match="--sound label: holds the labels"):
        load(tmp_path, write, Tiny(), sound="label")
