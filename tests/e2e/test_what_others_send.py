"""What somebody sent: no module is imported without the user's word, and nothing is unpickled."""

from __future__ import annotations

import functools
import json
import marshal
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness import BadInput, card, load_dataset, measure, open_run, paper
from easiness.studies.similarity import similarity
from pixels import png
from recording import Hostile

MODULE = """
from pathlib import Path
from torch import nn

with Path("imported").open("a") as file:
    file.write("once\\n")

def tiny(input_shape, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, num_classes))
"""
ASKED = ("digits", "--model", "own_net:tiny", "--limit", "100", "--trials", "3", "--epochs", "2")
QUICK = ("--precision", "float32", "--jobs", "1", "--device", "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The current folder, with a module that leaves a trace when it is imported."""
    (tmp_path / "own_net.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("own_net", None)


SETTINGS: dict[str, Any] = {"data": load_dataset("digits", limit=100), "epochs": 2, "precision": "float32"}


@pytest.fixture
def run(folder: Path, made_once: Callable[..., Path]) -> Path:
    """A run of that network, as somebody has sent it: nothing of it is imported yet."""

    def make(out: Path) -> None:
        measure(model="own_net:tiny", trials=3, jobs=1, out=out, **SETTINGS)

    made = made_once("own_net", make)
    sys.modules.pop("own_net", None)
    (folder / "imported").unlink(missing_ok=True)
    return Path(shutil.copytree(made, folder / "run"))


@pytest.mark.usefixtures("run")
def test_networks_look_only_where_the_run_is_trusted(folder, refused, command):
    asked = ("paper", "perturb", "run", "--kind", "radial", "--levels", "2", "--device", "cpu")
    line = refused(*asked)
    assert "'own_net:tiny' is code" in line
    assert "--trust" in line
    assert not (folder / "imported").exists()
    assert command(*asked, "--trust").code == 0
    assert (folder / "imported").exists()


@pytest.mark.usefixtures("run")
def test_suspects_go_without_the_networks_of_a_run_that_is_not_trusted(folder, command):
    without = command("suspects", "run")
    assert without.code == 0
    assert not (folder / "imported").exists()
    said = " ".join(without.out.split())
    assert "'own_net:tiny' is code" in said
    trusted = command("suspects", "run", "--trust")
    assert trusted.code == 0
    assert (folder / "imported").exists()
    assert "code of the module" not in " ".join(trusted.out.split())


@pytest.mark.usefixtures("run")
def test_who_measures_names_the_network_and_goes_on_with_the_same_command(command):
    finished = command("measure", *ASKED[:-3], "4", *ASKED[-2:], *QUICK, "--out", "run")
    assert finished.code == 0, finished.err
    assert len(open_run("run").trials) == 4
    assert "next: easiness measure digits --model own_net:tiny --epochs 4 " in finished.out


def test_another_module_in_the_run_is_refused_when_it_goes_on(run, folder, refused):
    _renamed(run, "other_net:tiny")
    (folder / "own_net.py").rename(folder / "other_net.py")
    line = refused("measure", *ASKED[:1], "--model", "mlp_3", *ASKED[3:], *QUICK, "--out", "run")
    assert "other_net:tiny" in line
    assert not (folder / "imported").exists()


def test_in_python_the_word_is_given_where_the_run_is_opened(run: Path, folder: Path) -> None:
    opened = open_run(run)
    asking: list[Callable[[], object]] = [
        lambda: similarity(opened, fraction=0.5, device="cpu"),
        lambda: paper.perturb(opened, kind="radial", levels=[2.0]),
    ]
    for ask in asking:
        with pytest.raises(BadInput, match=r"trust=True") as caught:
            ask()
        assert str(caught.value).startswith(f"{run}: ")
    assert not (folder / "imported").exists()
    assert opened.is_trusted is opened.first(2).is_trusted is False
    trusted = open_run(run, trust=True)
    assert trusted.first(2).is_trusted
    paper.perturb(trusted, kind="radial", levels=[2.0], device="cpu", progress=False)
    assert (folder / "imported").exists()


def _renamed(run: Path, model: str) -> None:
    document = json.loads((run / "run.json").read_text())
    document["spec"]["model"] = model
    document["sha256"] = None  # as runs of before have it: whoever forges a run could seal it, too
    (run / "run.json").write_text(json.dumps(document))


READING = [
    ("status", "RUN"),
    ("status", "RUN", "--verify"),
    ("scores", "RUN"),
    ("suspects", "RUN"),
    ("labels", "RUN"),
    ("keep", "RUN", "--drop", "0.2", "--policy", "random"),
    ("report", "RUN", "-o", "page.html"),
    ("compare", "RUN", "OTHER"),
    ("diff", "RUN", "OTHER"),
    ("export", "RUN", "--to", "csv", "-o", "rows.csv"),
    ("card", "RUN", "-o", "card"),
    ("paper", "perturb", "RUN", "--kind", "radial"),
]


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: "-".join(arguments[:3]))
def test_no_command_that_reads_imports_what_a_run_names(arguments, run_copy, folder, command):
    _renamed(run_copy, "own_net:tiny")
    shutil.copytree(run_copy, folder / "other")
    runs = {"RUN": run_copy, "OTHER": folder / "other"}
    with audited() as seen:
        finished = command(*[runs.get(word, word) for word in arguments])
    assert finished.code == (2 if arguments[0] == "paper" else 0), finished.err
    assert seen == []
    assert not (folder / "imported").exists()


NUM = 12
SIZE = "--model mlp_2_w8 --trials 2 --epochs 1 --jobs 1 --precision float32"


EVENTS = (
    *("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"),
    *("subprocess.Popen", "socket.connect", "marshal.loads"),
)
"""What unpickling, the shell, other processes and other machines are announced by."""

_listening: list[list[str]] = []


@contextmanager
def audited() -> Iterator[list[str]]:
    """The `EVENTS` within the block, each with what it is about."""
    _install()
    seen: list[str] = []
    _listening.append(seen)
    try:
        yield seen
    finally:
        _listening.remove(seen)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event in EVENTS and not (event == "marshal.loads" and _is_an_import()):
        for seen in _listening:
            seen.append(f"{event}{arguments[:2]!r}"[:200])


def _is_an_import() -> bool:
    """Modules that are compiled are read by marshal."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """The file that anything hostile would create."""
    return tmp_path / "proof"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (NUM, 8, 8, 3)).astype(np.uint8)


def _data(folder: Path) -> None:
    """A small data set of each kind of file."""
    folder.mkdir()
    pixels, labels = _pictures(), np.arange(NUM) % 2
    np.savez(folder / "arrays.npz", x=pixels, y=labels)
    images = pa.array([{"bytes": png(one), "path": None} for one in pixels])
    pq.write_table(pa.table({"image": images, "label": labels}), folder / "rows.parquet")
    for number, (one, label) in enumerate(zip(pixels, labels, strict=True)):
        place = folder / "photos" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(png(one))
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
    (tmp_path / "recipe.toml").touch()


SENT = [
    "scores run -o scores.csv",
    "card --apply card digits -o applied.csv",
    f"measure data/arrays.npz {SIZE} --out of_arrays",
    f"measure data/rows.parquet {SIZE} --out of_rows",
]


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("line", SENT)
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
def test_hostile_data_are_refused_and_run_nothing(name, tmp_path, proof, refused):
    DATA[name](tmp_path / name, proof)
    with audited() as seen:
        line = refused("measure", name, *SIZE.split(), "--out", "run")
    assert name in line
    assert seen == []
    assert not proof.exists()


FILES = {
    "weights": ("run/trials/*/weights.safetensors", "paper perturb run --kind radial"),
    "observations": ("run/trials/*/train.parquet", "scores run"),
    "trials": ("run/trials/*/trial.json", "scores run"),
    "examples": ("run/examples.parquet", "scores run"),
    "run": ("run/run.json", "scores run"),
    "card": ("card/*", "card --apply card digits -o applied.csv"),
    "labels": ("labels.csv", f"measure digits --labels labels.csv {SIZE} --out labelled"),
    "ids": ("dropped.csv", "keep run --ids dropped.csv"),
    "recipe": ("recipe.toml", f"measure digits --recipe recipe.toml {SIZE} --out by_recipe"),
}


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("name", FILES)
def test_a_pickle_in_the_place_of_a_file_is_refused_and_runs_nothing(name, proof, command):
    payload = pickle.dumps(Hostile(proof))
    pattern, line = FILES[name]
    files = [path for path in Path().glob(pattern) if path.is_file()]
    assert files
    for path in (*files, Path("run") / ".index"):  # what is only a help is made anew
        path.write_bytes(payload)
    with audited() as seen:
        finished = command(*line.split())
    assert finished.code == 2, finished.err
    assert [one.startswith("easiness: error: ") for one in finished.err.splitlines()][-1:] == [True]
    assert f": {pattern.partition('*')[0]}" in finished.err
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
