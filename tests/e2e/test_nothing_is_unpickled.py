"""An audit hook over the commands that read what others send: nothing is unpickled, and nothing else runs."""

from __future__ import annotations

import io
import marshal
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from audited import audited
from PIL import Image

from easiness import card, open_run

NUM = 12
QUICK = "--model mlp_2_w8 --trials 2 --epochs 1 --jobs 1 --precision float32"


class Hostile:
    """Unpickled, it creates a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """The file that anything hostile would create."""
    return tmp_path / "proof"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (NUM, 8, 8, 3)).astype(np.uint8)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def _data(folder: Path) -> None:
    """A small data set of each kind of file."""
    folder.mkdir()
    pixels, labels = _pictures(), np.arange(NUM) % 2
    np.savez(folder / "arrays.npz", x=pixels, y=labels)
    images = pa.array([{"bytes": _png(one), "path": None} for one in pixels])
    pq.write_table(pa.table({"image": images, "label": labels}), folder / "rows.parquet")
    for number, (one, label) in enumerate(zip(pixels, labels, strict=True)):
        place = folder / "photos" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(_png(one))
    names = [f"photos/class {label}/{number}.png" for number, label in enumerate(labels)]
    pd.DataFrame({"path": names, "label": labels}).to_csv(folder / "list.csv", index=False)


@pytest.fixture
def sent(measured: Path, tmp_path: Path) -> None:
    """What somebody has sent: runs, a card, data of every kind, and files of labels and of ids."""
    card(open_run(measured), tmp_path / "card")
    for name in ("run", "other"):
        shutil.copytree(measured, tmp_path / name)
    _data(tmp_path / "data")
    table = open_run(measured).scores()[["id", "label"]]
    table.assign(action="keep").to_csv(tmp_path / "labels.csv", index=False)
    table[:1].to_csv(tmp_path / "dropped.csv", index=False)


READING = [
    "scores run -o scores.csv",
    "card --apply card digits -o applied.csv",
    f"measure data/arrays.npz {QUICK} --out of_arrays",
    f"measure data/rows.parquet {QUICK} --out of_rows",
]
READING_TOO = [
    "status run --verify",
    "suspects run -o suspects.parquet",
    "report run -o page.html",
    "compare run other -o compare.svg",
    "clean run -o cleaned.csv",
    "prune run --ids dropped.csv -o kept.csv",
    "perturb run --kind radial --levels 2 -o perturb.md",
    "card run -o new_card",
    "export run --to parquet -o exported.parquet",
    f"measure data/photos {QUICK} --out of_photos",
    f"measure data/list.csv {QUICK} --out of_list",
    f"measure digits --labels labels.csv --limit 100 {QUICK} --out labelled",
]


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    "line", [*READING, *(pytest.param(line, marks=pytest.mark.long) for line in READING_TOO)]
)
def test_reading_and_training_unpickle_nothing(line: str, command: Callable[..., Any]) -> None:
    with audited() as seen:
        finished = command(*line.split())
    assert finished.code == 0, finished.err
    assert seen == []


def _object_npz(path: Path, proof: Path) -> None:
    np.savez(path, x=np.array([Hostile(proof)] * 4, object), y=np.arange(4))


def _disguised_npz(path: Path, proof: Path) -> None:
    """A member that is a pickle and no array."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", pickle.dumps(Hostile(proof)))
        archive.writestr("y.npy", pickle.dumps([0, 1]))


def _pickled_pictures(path: Path, proof: Path) -> None:
    hostile = [pickle.dumps(Hostile(proof))] * 4
    pq.write_table(pa.table({"image": pa.array(hostile), "label": [0, 1, 0, 1]}), path)


def _schema_of_python(path: Path, proof: Path) -> None:
    """What old versions of pyarrow unpickled: an extension type of Python's."""
    said = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Hostile(proof)),
    }
    field = pa.field("image", pa.binary(), metadata=said)
    schema = pa.schema([field, pa.field("label", pa.int64())])
    pq.write_table(pa.table([pa.array([b"x"] * 4), pa.array([0, 1, 0, 1])], schema=schema), path)


DATA = {
    "objects.npz": _object_npz,
    "disguised.npz": _disguised_npz,
    "pictures.parquet": _pickled_pictures,
    "extension.parquet": _schema_of_python,
}


@pytest.mark.parametrize("name", DATA)
def test_hostile_data_are_refused_and_run_nothing(
    name: str, tmp_path: Path, proof: Path, refused: Callable[..., str]
) -> None:
    DATA[name](tmp_path / name, proof)
    with audited() as seen:
        line = refused("measure", name, *QUICK.split(), "--out", "run")
    assert name in line
    assert seen == []
    assert not proof.exists()


def _all(pattern: str) -> Callable[[bytes], None]:
    def write(payload: bytes) -> None:
        files = [path for path in Path().glob(pattern) if path.is_file()]
        assert files
        for path in files:
            path.write_bytes(payload)

    return write


FILES: dict[str, tuple[Callable[[bytes], None], str]] = {
    "weights": (_all("run/trials/*/weights.safetensors"), "perturb run --kind radial"),
    "observations": (_all("run/trials/*/train.parquet"), "scores run"),
    "trials": (_all("run/trials/*/trial.json"), "scores run"),
    "examples": (_all("run/examples.parquet"), "scores run"),
    "run": (_all("run/run.json"), "scores run"),
    "card": (_all("card/*"), "card --apply card digits -o applied.csv"),
    "labels": (_all("labels.csv"), f"measure digits --labels labels.csv {QUICK} --out labelled"),
    "ids": (_all("dropped.csv"), "prune run --ids dropped.csv"),
    "recipe": (  # type: ignore[dict-item]
        lambda payload: Path("recipe.toml").write_bytes(payload) and None,
        f"measure digits --recipe recipe.toml {QUICK} --out by_recipe",
    ),
}


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("name", FILES)
def test_a_pickle_in_the_place_of_a_file_is_refused_and_runs_nothing(
    name: str, proof: Path, command: Callable[..., Any]
) -> None:
    payload = pickle.dumps(Hostile(proof))
    write, line = FILES[name]
    write(payload)
    (Path("run") / ".index").write_bytes(payload)  # what is only a help is made anew
    with audited() as seen:
        finished = command(*line.split())
    assert finished.code == 2, finished.err
    assert [one.startswith("easiness: error: ") for one in finished.err.splitlines()][-1:] == [True]
    assert "Traceback" not in finished.err
    assert seen == []
    assert not proof.exists()


def test_the_hook_sees_what_is_unpickled_and_started(tmp_path: Path, proof: Path) -> None:
    _object_npz(tmp_path / "objects.npz", proof)
    with audited() as seen:
        np.load("objects.npz", allow_pickle=True)["x"]
        os.system("true")
        marshal.loads(marshal.dumps(1))
    assert proof.exists()
    names = {one.partition("(")[0] for one in seen}
    assert {"pickle.find_class", "os.system", "marshal.loads"} <= names
