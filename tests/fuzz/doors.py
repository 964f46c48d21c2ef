"""The doors by which files come in: what is sound, and what reads it once a file of it was altered."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from mutations import altered, one_of
from PIL import Image
from refitted import ODD, read_run, refit, run_and_card

import loaded  # noqa: F401
from easiness import Dataset, Recorder, audit, card, load_dataset, open_run, store
from easiness.cli.main import run as command
from easiness.data import (
    LabelledExamples,
    decisions_by_person,
    load_unlabelled,
    read_annotations,
    read_outcomes,
)
from easiness.errors import BadInput
from easiness.features import find_features, ready_features, vector_files
from easiness.inputs import suffixes
from easiness.runs import find_data
from easiness.show import file_bytes
from easiness.spec import Recipe, make_recipe, recipe_settings
from easiness.studies.audit import read_certificate
from easiness.studies.explain.columns import metadata_columns
from recording import answered, harness, instance
from sounds import encoded, tone

NUM = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (NUM, 16, 12, 3), dtype=np.uint8)
LABELS, CLASSES = np.arange(NUM) % 2, ["cat", "dog"]
ROWS = np.random.default_rng(0).standard_normal((NUM, 4)).astype(np.float32)
TEXTS = ("What is a fuzz test?", "Wer  fragt\n das?", "=1+1", "ﬁne", "a b c", "x" * 300)
DATA = "pets@0123456789ab"
OURS = {"identity": "a", "easiness": "b", "torch": "c"}
SHARE_OF_SEALED, SHARE_OF_ODD = 0.85, 0.05
RECIPE = 'base = "short"\nalpha = 0.002\n[mlp]\nperiod = 300.0\n["timm:vit"]\nlabel_smoothing = 0.1\n'
PICTURES: dict[str, dict[str, Any]] = {
    **{"a.png": {}, "b.jpg": {}, "c.jpg": {"progressive": True}, "d.gif": {}, "e.bmp": {}, "f.webp": {}},
    **{"g.ppm": {}, "h.tif": {"compression": "tiff_lzw"}, "k.tif": {}, "l.heic": {}, "m.avif": {}},
}
"""In every format that is read, and how they are packed."""
SOUNDS = {"a.wav": "PCM_16", "c.wav": "FLOAT", "d.flac": None, "e.ogg": None, "f.mp3": None, "g.aiff": None}
"""In every format that is read, and how samples are written."""


def prepare() -> None:
    """Let little be as much: features have a file, and what is found out of files is remembered nowhere."""
    os.environ["EASINESS_CACHE"] = "/dev/null/none"
    vector_files.MOST_IN_MEMORY, vector_files._BLOCK = 0, 4


# what is sound


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


def _files(whole: Path) -> None:
    """Class folders of pictures, sounds and texts, a list of paths, and arrays."""
    for label, name in enumerate(CLASSES):
        pets, voices = _folder(whole / "pets" / name), _folder(whole / "voices" / name)
        for at, (file, options) in enumerate(PICTURES.items()):
            if Path(file).suffix in suffixes():
                Image.fromarray(PIXELS[(at + label) % NUM]).save(pets / file, **options)
        for at, (file, subtype) in enumerate(SOUNDS.items()):
            wave = tone(300 + 90 * at + 45 * label, 0.1)
            (voices / file).write_bytes(encoded(wave, 8000, Path(file).suffix[1:], subtype))
        for at, text in enumerate(TEXTS):
            _lines(whole / "mail" / name / f"{at}.txt", text)
    rows = [f"{at}.png,{CLASSES[at % 2]},{'test' if at > 8 else 'train'}" for at in range(NUM)]
    _lines(whole / "csv" / "list.csv", "path,label,split", *rows)
    for at in range(NUM):
        (whole / "csv" / f"{at}.png").write_bytes(_png(at))
    names = [f"picture {at}" for at in range(NUM)]
    test: dict[str, Any] = {"x_test": PIXELS[:4], "y_test": LABELS[:4]}
    np.savez(whole / "a.npz", x=PIXELS, y=LABELS, ids=names, classes=CLASSES, **test)
    tags = np.array([[1, 0], [0, -1], [0, 1]] * 4)
    np.savez(whole / "t.npz", x=PIXELS, y=tags, tags=CLASSES, x_test=PIXELS[:3], y_test=tags[:3])
    np.savez_compressed(whole / "b.npz", x=PIXELS / 255, y=LABELS.astype(np.int8))
    np.save(whole / "rows.npy", ROWS)
    p = np.full((len(LABELS), len(CLASSES)), 1 / len(CLASSES))
    np.savez(whole / "p.npz", pred_probs=p, other=PIXELS)
    np.save(whole / "p.npy", p)
    pd.DataFrame({"id": np.arange(len(p)), "label": LABELS}).to_csv(whole / "p_labels.csv", index=False)


def _tables(whole: Path) -> None:
    """Numbers in every form of table, texts, pictures as on the hub, and what the library saved."""
    rng, num = np.random.default_rng(0), 24
    numbers = pd.DataFrame(
        {
            "x": rng.normal(size=num).round(3),
            "kind": rng.choice(["red", "green", "blue"], num),
            "text": [f"what is {at}?" for at in range(num)],
            "label": rng.permutation(CLASSES * (num // 2)),
            **{name: rng.integers(0, 2, num) for name in CLASSES},
            "split": ["train"] * 18 + ["test"] * 6,
        }
    )
    numbers.loc[3, "x"] = np.nan
    tags = pd.DataFrame({"text": numbers["text"], "label": ["dog;cat", "cat", ""] * (num // 3)})
    tags.to_csv(whole / "tags.csv", index=False)
    tags["label"] = tags["label"].str.split(";")
    tags.to_parquet(whole / "tags.parquet", row_group_size=10)
    tags.to_json(whole / "tags.jsonl", orient="records", lines=True)
    for end in ("csv", "csv.gz"):
        numbers.to_csv(whole / f"numbers.{end}", index=False)
    numbers.to_json(whole / "numbers.jsonl", orient="records", lines=True)
    numbers.to_json(whole / "numbers.json", orient="records")
    hidden = numbers.drop(columns="split").assign(hidden=pd.Series(list(rng.normal(size=(num, 4)))))
    hidden.astype({"kind": "category"}).to_parquet(whole / "numbers.parquet", row_group_size=10)
    about = {"label": {"names": CLASSES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    text = json.dumps({"info": {"features": about}})
    for name, some in (("train", NUM), ("test", 4)):
        images: list[Any] = [{"bytes": _png(at), "path": f"{at}.png"} for at in range(some)]
        table = pa.table({"image": images, "label": LABELS[:some]})
        table = table.replace_schema_metadata({"huggingface": text})
        pq.write_table(table, _folder(whole / "hub") / f"{name}-0.parquet", row_group_size=5)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    images = [{"bytes": _png(at), "path": None} for at in range(NUM)]
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_dict({"image": images, "label": LABELS.tolist()}, features)
    saved.save_to_disk(whole / "saved")


def _decisions(whole: Path) -> None:
    rows = [f"{at},{1 - label},{CLASSES[1 - label]},{label},relabel" for at, label in enumerate(LABELS)]
    _lines(whole / "labels.csv", "id,label,class,was,action", *rows)
    (whole / "recipe.toml").write_text(RECIPE)
    rows = [
        f"{at},{at % 3},{at % 3},{action},{'ab'[at % 2]},2026-11-28T10:00:00Z,train,{DATA}"
        for at, action in enumerate(("keep", "drop", "unsure", "", "keep", "relabel"))
    ]
    _lines(whole / "decisions.csv", "id,label,was,action,by,time,split,data", *rows)
    rows = [f"{at % 8},{'abc'[at // 8]},{('cat', 'dog;2', 'unsure', '')[at % 4]}" for at in range(24)]
    _lines(whole / "votes.csv", "item,by,label", *rows)
    tasks = [
        {
            "data": {"example": "a text", "id": str(at), "was": at % 3, "split": "train", "of": DATA},
            "annotations": [
                {
                    "completed_by": person,
                    "created_at": f"2026-11-28T10:00:0{at}Z",
                    "result": [{"from_name": "decision", "value": {"choices": [choice]}}],
                }
                for person in (1, {"id": 2, "email": "b@example.org"})
            ],
        }
        for at, choice in enumerate(("class 0", "class 2", "drop", "unsure"))
    ]
    (whole / "answers.json").write_text(json.dumps(tasks))


def _outcomes(whole: Path) -> None:
    """Tables of outcomes in every form: right, counts, answers, and samples of evaluations."""
    folder, num = _folder(whole / "outcomes"), 12
    rows = [f"{at % 4},m{at // 4},{at % 2},{'abc'[at % 3]},b,{TEXTS[at % 4]!r}" for at in range(num)]
    _lines(folder / "right.csv", "item,model,right,answer,key,text", *rows)
    counts = pd.DataFrame({"example_id": range(num), "count": 9, "correct": range(-3, 9), "model": "m"})
    counts = counts.assign(correct=counts["correct"].clip(0))
    counts.to_parquet(folder / "counts.parquet")
    counts.to_csv(folder / "counts.csv.gz", index=False)
    choices = {"metrics": ["acc"], "filtered_resps": [["-1.5", "False"], ["-2", "True"]]}
    rows = [json.dumps(harness(at, filter="none", target="1", acc=at % 2) | choices) for at in range(num)]
    _lines(folder / "samples_a_2026-11-30T10-11-12.1.jsonl", *rows)
    _lines(folder / "u_samples.jsonl", *(json.dumps(instance(str(at), 1.0)) for at in range(num)))


def _runs(whole: Path) -> None:
    """A run and its card, one that keeps texts, an audit, and a checkpoint."""
    run_and_card(whole)
    ids = np.arange(24) * 3
    texts = [f"{TEXTS[at % len(TEXTS)]} {at}" for at in range(24)]
    made = Recorder(whole / "recorded", ids=ids, labels=np.arange(24) % 2, texts=texts)
    with made.trial(seed=0) as trial:
        trial.update(ids, np.random.default_rng(0).normal(size=(24, 2)))
        trial.end_epoch()
    answers = {"m": [*zip("ABBA", "BBBA", strict=True)], "n": [*zip("ACCA", "BCDA", strict=True)]}
    answered(whole / "asked", answers, "ABCA", text=TEXTS[:4], level=range(4))
    drawn = audit([open_run(whole / "asked" / name) for name in "mn"])
    drawn.table().assign(action="keep").to_csv(whole / "asked" / "audit.csv", index=False)
    document = store.CheckpointDocument(**OURS, epoch=1, images=40, seconds=1.0)  # type: ignore[arg-type]
    tensors = {"network/bias": torch.zeros(10), "losses": torch.ones(1, 1, dtype=torch.float64)}
    store.write_checkpoint(_folder(whole / store.CHECKPOINTS), 0, document, tensors)
    shutil.copytree(whole / "run", whole / "audited" / "run")
    drawn, decided = audit(open_run(whole / "run"), looks=12).table(), whole / "audited" / "audit.csv"
    drawn.assign(action="keep").to_csv(decided, index=False)
    certificate = audit(open_run(whole / "run"), decided=decided, certificate=True)
    decided.with_name("certificate.json").write_bytes(file_bytes(certificate, ".json"))


def make(whole: Path) -> None:
    """All of them, in the folder ``whole``."""
    prepare()
    for part in (_files, _tables, _decisions, _outcomes, _runs):
        part(_folder(whole))


# what reads it


def read_all(data: Dataset) -> None:
    """Identify every example, and decode it."""
    _ = data.fingerprint
    for split in data.splits.values():
        for _ in split.stored.map(np.shape):
            pass


def _load(form: str = "{}", **options: Any) -> Callable[[Path], object]:
    return lambda at: read_all(load_dataset(form.format(at), **options))


def _arrays() -> Dataset:
    return load_dataset((PIXELS, LABELS), classes=CLASSES)


PETS = LabelledExamples("pets", np.arange(8), np.arange(8) % 3, ("cat", "dog", "2"))


def _decided(at: Path) -> None:
    """The decisions of each person, and the table of them."""
    for found in decisions_by_person(at, PETS, "train", DATA).values():
        found.table()


def _voted(at: Path) -> None:
    read_annotations(at, PETS)


def _probabilities(at: Path) -> object:
    return store.record_probabilities(at, LABELS, at.parent / "run")


def _labels_of_probabilities(at: Path) -> object:
    p = np.full((len(LABELS), len(CLASSES)), 1 / len(CLASSES))
    return store.record_probabilities(p, at, at.parent / "run")


def _vectors(at: Path) -> object:
    return ready_features(find_features(at, _arrays()), _arrays(), at.parent)


def _recipe(file: Path) -> Any:
    settings = recipe_settings(file, model="mlp_2_w2")
    settings.pop("base")
    return make_recipe({}, settings, origin=str(file))


def _cached_photos(at: Path) -> None:
    rows = load_dataset(at / "list.csv")
    rows.packed(Recipe(crop=8), at / "cache").take(np.arange(len(rows)))


def _made_again(at: Path) -> None:
    """Whatever became of a file of features, the vectors are what they have to be."""
    made = ready_features(find_features(ROWS, _arrays()), _arrays(), at)["train"]
    assert np.array_equal(made, ROWS.astype(np.float16))


def _read_checkpoint(folder: Path) -> None:
    """As a training does, which goes on without one that it cannot use."""
    for path in store.checkpoints_of(folder, 0):
        _, tensors = store.read_checkpoint(path, **OURS)
        if not all(value.isfinite().all() for value in tensors.values() if value.is_floating_point()):
            raise BadInput("not finite")


def _kept_examples(at: Path) -> None:
    data, _ = find_data(open_run(at), None)
    if data is not None:
        read_all(data)


def _command(words: str) -> Callable[[Path], object]:
    def call(at: Path) -> None:
        sys.argv = ["easiness", *words.format(at=at).split()]
        command()

    return call


OF_TABLES: tuple[dict[str, Any], ...] = (
    *({}, {"text": "text"}, {"inputs": ["x", "kind"]}, {"inputs": "hidden"}, {"encoding": "utf-16"}),
    *({"encoding": "unicode_escape"}, {"label": "kind"}, {"group": "kind"}, {"columns": {"split": "kind"}}),
    *({"holdout": 0.25}, {"id": "kind"}, {"id": "x"}, {"without": "kind,x"}),
    *({"tags": True, "label": name} for name in ("dog,cat", "text", "hidden", "x")),
)


def _certificate(at: Path) -> None:
    read_certificate(at / "certificate.json", open_run(at / "run"))


def _metadata(at: Path) -> None:
    run: Any = SimpleNamespace(path=at, ids=PETS.ids, is_outcomes=True, tags_of=lambda _: None)
    metadata_columns(run, at, "train")


class Door(NamedTuple):
    """What is ``whole`` is copied, a file of it (of ``globs``) is altered, and one of ``reads`` reads it."""

    share: float
    whole: str
    reads: Mapping[str, Callable[[Path], object]]
    globs: Sequence[str] = ("**/*",)


_SKIP = {"load": _load(), "load what is readable": _load(skip_unreadable=True)}
_TAGS = {"tags": _load(tags=True), "readable tags": _load(tags=True, skip_unreadable=True)}
_RUN = {
    "read": read_run,
    "verify": store.verify,
    "notes": lambda path: (store.last_events(path), open_run(path).failures()),
    **{
        words: _command(words)
        for words in ("status {at} --verify", "scores {at} -o out.csv", "suspects {at}")
    },
}
DOORS = (
    Door(12, "run", _RUN),
    Door(
        8,
        "asked",
        {
            "read": lambda at: [open_run(at / name).scores(between=(0.2, 0.8)) for name in "mn"],
            "audit": _command("audit {at} --decided {at}/audit.csv"),
            **{
                words: _command(words)
                for words in (
                    *("status {at} --verify", "suspects {at}", "scores {at}/m", "report {at} -o page.html"),
                    "next {at}/m --rollouts 9 -o next.csv",
                )
            },
        },
    ),
    Door(4, "recorded", {**_RUN, "read": _kept_examples}),
    Door(2, store.CHECKPOINTS, {"checkpoint": _read_checkpoint}),
    Door(4, "card", {"card": lambda at: card(load_dataset("digits", limit=40), apply=at).text}),
    *(Door(4, name, {**_SKIP, **_TAGS}, ("*/*",)) for name in ("pets", "voices", "mail")),
    *(Door(2, f"{name}.npz", _SKIP) for name in "ab"),
    *(Door(2, name, _TAGS) for name in ("t.npz", "tags.csv", "tags.parquet", "tags.jsonl")),
    Door(4, "hub", _SKIP),
    Door(2, "saved", {"hf": _load("hf:{}")}),
    Door(3, "csv", {"list": _load("{}/list.csv"), "outside": _load("{}/list.csv", allow_outside=True)}),
    *(
        Door(3, f"numbers.{end}", {str(options): _load(**options) for options in OF_TABLES})
        for end in ("csv", "csv.gz", "jsonl", "json", "parquet")
    ),
    Door(2, "labels.csv", {"labels": lambda at: load_dataset((PIXELS, LABELS), classes=CLASSES, labels=at)}),
    Door(2, "recipe.toml", {"recipe": _recipe}),
    Door(2, "csv_cached", {"a cache of photos": _cached_photos}, ("cache/*",)),
    Door(2, "rows.npy", {"vectors": _vectors}),
    *(Door(1, f"p.{end}", {"probabilities": _probabilities}) for end in ("npy", "npz")),
    Door(1, "p_labels.csv", {"labels of probabilities": _labels_of_probabilities}),
    Door(1, "rows.npy", {"a pool": lambda at: load_unlabelled(at, _arrays(), vectors=True)}),
    Door(2, "features", {"a file of features": _made_again}),
    Door(2, "decisions.csv", {"decisions": _decided, "votes": _voted, "votes alone": read_annotations}),
    Door(2, "decisions.csv", {"metadata": _metadata}),
    Door(3, "answers.json", {"decisions": _decided, "votes": _voted, "votes alone": read_annotations}),
    Door(2, "votes.csv", {"votes": read_annotations, "votes on a run": _voted}),
    *(
        Door(2, f"outcomes/{name}", {"outcomes": lambda at: read_outcomes(at, columns={}, errors="wrong")})
        for name in (
            *("right.csv", "counts.csv.gz", "counts.parquet", "u_samples.jsonl"),
            "samples_a_2026-11-30T10-11-12.1.jsonl",
        )
    ),
    Door(2, "audited", {"audit": _command("audit {at}/run --decided {at}/audit.csv")}, ("audit.csv",)),
    Door(1, "audited", {"certificate": _certificate}, ("certificate.json",)),
)


def copied(door: Door, whole: Path, folder: Path) -> Path:
    """A copy of what is whole; caches are made anew."""
    name = door.whole.removesuffix("_cached")
    at, source = folder / Path(name).name, whole / name
    if door.whole == "features":
        ready_features(find_features(ROWS, _arrays()), _arrays(), at)
    elif source.is_dir():
        shutil.copytree(source, at)
    else:
        shutil.copy(source, at)
    if door.whole == "csv_cached":
        _cached_photos(at)
    return at


def alter(rng: np.random.Generator, at: Path, door: Door) -> str:
    """Alter one of the files, mostly with the digest that then fits, or put something else in its place."""
    file = one_of(
        rng, sorted({file for glob in door.globs for file in at.glob(glob) if file.is_file()}) or [at]
    )
    if rng.random() < SHARE_OF_ODD:
        kind = str(rng.choice(list(ODD)))
        file.unlink()
        ODD[kind](file)
        return f"{file.name}: {kind}"
    content, how = altered(rng, file.read_bytes(), file.name)
    file.write_bytes(content)
    fits = rng.random() < SHARE_OF_SEALED and refit(file)
    return f"{file.name}: {how}{', its digest fits' * fits}"


def drawn(
    rng: np.random.Generator, whole: Path, folder: Path, *, changed: bool
) -> tuple[str, str, partial[object]]:
    """A case: what was altered (nothing unless ``changed``), what reads it, and the reading."""
    shares = np.array([door.share for door in DOORS])
    door = DOORS[int(rng.choice(len(DOORS), p=shares / shares.sum()))]
    at = copied(door, whole, folder)
    by = one_of(rng, list(door.reads)) if changed else next(iter(door.reads))
    was = alter(rng, at, door) if changed else ""
    return f"{door.whole}: {was}", by, partial(door.reads[by], at)
