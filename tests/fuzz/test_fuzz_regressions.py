"""What once ended in a traceback, or waited for ever: each is refused, and the file is named."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from refitted import digest_of, refit, sealed_run, sealed_trial

from easiness import BadInput, apply_card, export, load_dataset, open_run
from easiness.store import verify

Table = Callable[[pa.Table], pa.Table]


@pytest.fixture
def run(small, tmp_path) -> Path:
    return Path(shutil.copytree(small / "run", tmp_path / "run"))


def of_first(run: Path, name: str) -> Path:
    """A file of the first trial."""
    return next(run.glob(f"trials/0000-*/{name}"))


def everything(run: Path) -> None:
    """Read all of a run."""
    opened = open_run(run)
    opened.scores()
    opened.scores(split="held_out")
    opened.votes()
    opened.probabilities()
    for trial in opened.trials:
        trial.observations(len(opened.classes))
        trial.weights()


def set_column(name: str, values: Callable[[Any], Any], kind: pa.DataType | None = None) -> Table:
    """A column made of what it was."""

    def change(table: pa.Table) -> pa.Table:
        at = table.column_names.index(name)
        return table.set_column(at, name, pa.array(values(table.column(name).to_pylist()), kind))

    return change


def rewrite(file: Path, change: Table, rows: int | None = None) -> None:
    with pq.ParquetFile(file) as content:
        table, group = content.read(), content.metadata.row_group(0).num_rows
    written = io.BytesIO()
    pq.write_table(change(table), written, row_group_size=rows or group)
    file.write_bytes(written.getvalue())
    refit(file)


TABLES: dict[str, tuple[str, Table, int | None]] = {
    "a column is missing": ("train", lambda t: t.drop_columns(["loss"]), None),
    "a column is there twice": ("train", lambda t: t.append_column("loss", t.column("loss")), None),
    "groups of one row": ("train", lambda t: t, 1),
    "one group": ("train", lambda t: t, 1000),
    "no rows": ("train", lambda t: t.slice(0, 0), None),
    "fewer rows": ("held_out", lambda t: t.slice(0, len(t) - 2), len),  # type: ignore[dict-item]
    "labels as text": ("train", set_column("label", lambda v: [str(one) for one in v]), None),
    "labels of no class": ("train", set_column("label", lambda v: [99] * len(v), pa.int32()), None),
    "predictions below 0": ("train", set_column("prediction", lambda v: [-1] * len(v), pa.int32()), None),
    "rivals of no class": ("train", set_column("rival", lambda v: [10] * len(v), pa.int32()), None),
    "rivals far below 0": ("train", set_column("rival", lambda v: [-2] * len(v), pa.int32()), None),
    "rivals as text": ("train", set_column("rival", lambda v: [str(one) for one in v]), None),
    "a rival there twice": ("train", lambda t: t.append_column("rival", t.column("rival")), None),
    "nulls": ("train", set_column("trained_on", lambda v: [None] * len(v), pa.bool_()), None),
    "a loss that is no number": ("train", set_column("loss", lambda v: [np.nan, *v[1:]], pa.float32()), None),
    "a loss far below 0": ("train", set_column("loss", lambda v: [-1e38] * len(v), pa.float32()), None),
    "lists": ("train", set_column("loss", lambda v: [[one] for one in v]), None),
    "logits by another name": ("train_logits", lambda t: t.rename_columns(["epoch", "id", "x"]), None),
    "logits without a class": (
        "train_logits",
        set_column("logits", lambda v: [one[:-1] for one in v], pa.list_(pa.float32(), 9)),
        None,
    ),
    "logits that are numbers": ("held_out_logits", set_column("logits", lambda v: [1.0] * len(v)), None),
    "logits without end": (
        "train_logits",
        set_column("logits", lambda v: [[np.inf] * 10] * len(v), pa.list_(pa.float32(), 10)),
        None,
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_something_else(run, name):
    which, change, rows = TABLES[name]
    file = of_first(run, f"{which}.parquet")
    rewrite(file, change, None if callable(rows) else rows)
    assert verify(run) == []  # its digest fits
    with pytest.raises(BadInput, match=rf"{file.name}: .*damaged"):
        everything(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop_columns(["label"]),
        lambda t: t.slice(1),
        set_column("label", lambda v: [10] * len(v), pa.int64()),
        set_column("label", lambda v: [0.5] * len(v)),
        set_column("id", lambda v: [None, *v[1:]], pa.int64()),
        set_column("id", lambda v: [v[0]] * len(v)),
    ],
)
def test_examples_of_something_else(run, change):
    rewrite(run / "examples.parquet", change)
    with pytest.raises(BadInput, match=r"examples\.parquet: .*damaged"):
        everything(run)


def test_an_example_that_the_source_lacks_has_no_position_there(run, tmp_path):
    rewrite(run / "examples.parquet", set_column("id", lambda v: [10**6, *v[1:]]))
    with pytest.raises(BadInput, match="no example with the id 1000000"):
        export(open_run(run), "torch", tmp_path / "a.npz")


@pytest.mark.parametrize("cut", [0, 4, 100, -8, -1])
@pytest.mark.parametrize("name", ["train.parquet", "held_out_logits.parquet", "weights.safetensors"])
def test_a_file_that_ends_early(run, name, cut):
    file = of_first(run, name)
    file.write_bytes(file.read_bytes()[:cut])
    refit(file)
    with pytest.raises(BadInput, match=rf"{name}: .*damaged"):
        everything(run)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 1000,
        b'{"a": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": ["/dev/zero", 4]}}',
        b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}',
    ],
)
@pytest.mark.parametrize("length", [None, 2**62])
def test_a_header_of_weights_that_claims_too_much(run, header, length):
    file = of_first(run, "weights.safetensors")
    file.write_bytes(struct.pack("<Q", length or len(header)) + header + bytes(4))
    refit(file)
    with pytest.raises(BadInput, match=r"weights\.safetensors: .*damaged"):
        everything(run)


def _files(value: dict[str, Any]) -> dict[str, Any]:
    files: dict[str, Any] = value["files"]
    return files


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(epochs=2**40),
        lambda value: value["spec"].update(epochs=2**40),
        lambda value: value["spec"].update(probes=[]),
        lambda value: value["accuracy"].update(train=[]),
        lambda value: value["accuracy"].update(train=[0.5]),
        lambda value: value.update(accuracy={}),
        lambda value: value.update(spec=None, epochs=3),
        lambda value: _files(value).update({"../../examples.parquet": _files(value)["train.parquet"]}),
        lambda value: _files(value).update({"/dev/zero": _files(value)["train.parquet"]}),
    ],
)
def test_a_document_of_a_trial_that_cannot_be(run, change):
    file = of_first(run, "trial.json")
    value = json.loads(file.read_bytes())["trial"]
    change(value)
    file.write_text(json.dumps(sealed_trial(value)))
    with pytest.raises(BadInput, match="trial file is damaged"):
        everything(run)


@pytest.mark.parametrize("seal", [sealed_run, lambda value: value])
@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(files={}),
        lambda value: value["spec"].update(seed=-1),
        lambda value: value["spec"]["data"]["train"].update(num_examples=0),
        lambda value: value["spec"].update(probes=[]),
        lambda value: value["spec"].update(trials=2**40),
        lambda value: value["spec"]["resolved"].update(threads=2**31),
        lambda value: value["spec"]["data"].update(source="\ud800"),
        lambda value: value.update(format=0),
        lambda value: value["spec"]["data"].update(classes=[str(i) for i in range(2 * 10**5)]),
        lambda value: value["spec"]["data"].update(classes=["a", "b" * 5000]),
    ],
)
def test_a_description_that_cannot_be(run, change, seal):
    value = json.loads((run / "run.json").read_bytes())
    change(value)
    (run / "run.json").write_text(json.dumps(seal(value)))
    with pytest.raises(BadInput, match=r"run\.json: .*damaged"):
        open_run(run)


def test_a_description_that_says_something_else_is_refused_by_whoever_reads_it(run, refused, command):
    file = run / "run.json"
    file.write_text(file.read_text().replace('"model": "mlp_2_w8"', '"model": "mlp_2_w9"'))
    assert f"damaged: {file}: " in command("status", run).out
    for verb in ("scores", "suspects"):
        assert f"{file}: the description" in refused(verb, run)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"trial": ' + "[" * 2000])
@pytest.mark.parametrize("name", ["run.json", "trials/*/trial.json"])
def test_documents_nested_without_end(run, name, text):
    file = sorted(run.glob(name))[0]
    file.write_text(text)
    with pytest.raises(BadInput, match=file.name):
        everything(run)


def test_names_of_classes_nested_without_end(tmp_path):
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    table = pa.table({"image": [picture.getvalue()] * 2, "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": "[" * 100_000}), tmp_path / "a.parquet")
    assert load_dataset(tmp_path / "a.parquet").classes == ("0", "1")


def test_a_pipe_is_not_waited_for(run, small, tmp_path):
    names = (
        "run.json",
        "examples.parquet",
        ".lock",
        "trials/0000-*/trial.json",
        "trials/0000-*/train.parquet",
    )
    for name in names:
        file = next(run.glob(name))
        before = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        if name == ".lock":
            everything(run)
        else:
            with pytest.raises(BadInput, match=f"{file.name}: .* damaged|it has no run.json"):
                everything(run)
        file.unlink()
        file.write_bytes(before)
    card = Path(shutil.copytree(small / "card", tmp_path / "card"))
    (card / "card.json").unlink()
    os.mkfifo(card / "card.json")
    with pytest.raises(BadInput, match=r"card\.json: .*a pipe"):
        apply_card(card, small / "data.npz")


def test_a_link_to_nothing_in_place_of_a_trial(run):
    folder = next(run.glob("trials/0000-*"))
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")
    with pytest.raises(BadInput, match=r"trial\.json: .*damaged"):
        open_run(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop_columns(["class"]),
        lambda t: t.slice(1),
        lambda t: t.append_column("id", t.column("id")),
        set_column("digest", lambda v: list(range(len(v)))),
        set_column("easiness", lambda v: [[one] for one in v]),
        set_column("class", lambda v: [None] * len(v), pa.string()),
        set_column("id", lambda v: [b"a"] * len(v)),
        lambda t: t.set_column(0, "id", pa.array([b"\xff"] * len(t)).view(pa.string())),
    ],
)
def test_a_card_with_scores_of_something_else(small, tmp_path, change):
    card = Path(shutil.copytree(small / "card", tmp_path / "card"))
    file = card / "scores.parquet"
    pq.write_table(change(pq.read_table(file)), file)
    document = json.loads((card / "card.json").read_bytes())
    document["files"]["scores.parquet"] = digest_of(file)
    (card / "card.json").write_text(json.dumps(document))
    with pytest.raises(BadInput, match=r"scores\.parquet: is damaged"):
        apply_card(card, small / "data.npz")
