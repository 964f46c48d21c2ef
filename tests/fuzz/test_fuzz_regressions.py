"""What once ended in a traceback, or waited for ever: each is refused, and the file is named."""

from __future__ import annotations

import io
import json
import os
import re
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
from refitted import CARD, EXAMPLES, RUN, TRIAL, refit, rewrite, sealed_run, set_column

from easiness import BadInput, apply_card, export, load_dataset, open_run
from easiness.store import verify

Alter = Callable[[Path], object]
FIRST = "trials/0000-*/"


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


def table(change: Callable[[pa.Table], pa.Table], rows: int | None = None) -> Alter:
    return lambda file: rewrite(file, change, rows)


def column(name: str, values: Callable[[Any], Any], kind: pa.DataType = None) -> Alter:
    return table(set_column(name, values, kind))


def content(change: Callable[[bytes], bytes]) -> Alter:
    return lambda file: file.write_bytes(change(file.read_bytes()))


def document(*place: str, **to: Any) -> Alter:
    """Other values at a place in a document."""

    def alter(file: Path) -> None:
        inner = value = json.loads(file.read_bytes())
        for key in place:
            inner = inner[key]
        inner.update(to)
        file.write_text(json.dumps(value))

    return alter


def another_file(name: str) -> Alter:
    def alter(file: Path) -> None:
        files = json.loads(file.read_bytes())["trial"]["files"]
        document("trial", "files", **{name: files["train.parquet"]})(file)

    return alter


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def nowhere(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def header(text: bytes, length: int = 0) -> Alter:
    return content(lambda _: struct.pack("<Q", length or len(text)) + text + bytes(4))


TENSOR = b'{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [%s, 4]}}'
HEADERS = {
    "lists": b"[" * 1000,
    "a giant": TENSOR % (b"%d" % 2**62, b"0"),
    "a path": TENSOR % (b"1", b'"/dev/zero"'),
    "a type": TENSOR.replace(b"F32", b"X9") % (b"1", b"0"),
}
NESTED = ("[" * 100_000, '{"a":' * 100_000, '{"trial": ' + "[" * 2000)
TRAIN, HELD_OUT, LOGITS = (f"{FIRST}{name}.parquet" for name in ("train", "held_out", "train_logits"))
HELD_OUT_LOGITS, WEIGHTS = f"{FIRST}held_out_logits.parquet", f"{FIRST}weights.safetensors"
OF_RUNS: dict[str, tuple[str, Alter]] = {
    "a column is missing": (TRAIN, table(lambda t: t.drop_columns(["loss"]))),
    "a column is there twice": (TRAIN, table(lambda t: t.append_column("loss", t.column("loss")))),
    "groups of one row": (TRAIN, table(lambda t: t, 1)),
    "one group": (TRAIN, table(lambda t: t, 1000)),
    "no rows": (TRAIN, table(lambda t: t.slice(0, 0))),
    "fewer rows": (HELD_OUT, table(lambda t: t.slice(0, len(t) - 2))),
    "labels as text": (TRAIN, column("label", lambda v: [str(one) for one in v])),
    "labels of no class": (TRAIN, column("label", lambda v: [99] * len(v), pa.int32())),
    "predictions below 0": (TRAIN, column("prediction", lambda v: [-1] * len(v), pa.int32())),
    "rivals of no class": (TRAIN, column("rival", lambda v: [10] * len(v), pa.int32())),
    "rivals far below 0": (TRAIN, column("rival", lambda v: [-2] * len(v), pa.int32())),
    "rivals as text": (TRAIN, column("rival", lambda v: [str(one) for one in v])),
    "a rival there twice": (TRAIN, table(lambda t: t.append_column("rival", t.column("rival")))),
    "nulls": (TRAIN, column("trained_on", lambda v: [None] * len(v), pa.bool_())),
    "a loss that is no number": (TRAIN, column("loss", lambda v: [np.nan, *v[1:]], pa.float32())),
    "a loss far below 0": (TRAIN, column("loss", lambda v: [-1e38] * len(v), pa.float32())),
    "lists": (TRAIN, column("loss", lambda v: [[one] for one in v])),
    "logits by another name": (LOGITS, table(lambda t: t.rename_columns(["epoch", "id", "x"]))),
    "logits without a class": (
        LOGITS,
        column("logits", lambda v: [one[:-1] for one in v], pa.list_(pa.float32(), 9)),
    ),
    "logits that are numbers": (HELD_OUT_LOGITS, column("logits", lambda v: [1.0] * len(v))),
    "logits without end": (
        LOGITS,
        column("logits", lambda v: [[np.inf] * 10] * len(v), pa.list_(pa.float32(), 10)),
    ),
    "examples without labels": (EXAMPLES, table(lambda t: t.drop_columns(["label"]))),
    "an example less": (EXAMPLES, table(lambda t: t.slice(1))),
    "examples of no class": (EXAMPLES, column("label", lambda v: [10] * len(v), pa.int64())),
    "examples of half a class": (EXAMPLES, column("label", lambda v: [0.5] * len(v))),
    "an example without id": (EXAMPLES, column("id", lambda v: [None, *v[1:]], pa.int64())),
    "examples of one id": (EXAMPLES, column("id", lambda v: [v[0]] * len(v))),
    **{
        f"{file} until {end}": (file, content(lambda whole, end=end: whole[:end]))  # type: ignore[misc]
        for file in (TRAIN, HELD_OUT_LOGITS, WEIGHTS)
        for end in (0, 4, 100, -8, -1)
    },
    **{
        f"a header of {name}, {length} long": (WEIGHTS, header(text, length))
        for name, text in HEADERS.items()
        for length in (0, 2**62)
    },
    "giant epochs": (FIRST + TRIAL, document("trial", epochs=2**40)),
    "a spec of giant epochs": (FIRST + TRIAL, document("trial", "spec", epochs=2**40)),
    "a spec of no probes": (FIRST + TRIAL, document("trial", "spec", probes=[])),
    "no accuracies": (FIRST + TRIAL, document("trial", "accuracy", train=[])),
    "too few accuracies": (FIRST + TRIAL, document("trial", "accuracy", train=[0.5])),
    "no accuracy": (FIRST + TRIAL, document("trial", accuracy={})),
    "no spec and more epochs": (FIRST + TRIAL, document("trial", spec=None, epochs=3)),
    "a file above": (FIRST + TRIAL, another_file("../../examples.parquet")),
    "a device": (FIRST + TRIAL, another_file("/dev/zero")),
    "a link to nothing": ("trials/0000-*", nowhere),
    **{
        f"{name} nested by {at}": (name, content(lambda _, text=text: text.encode()))  # type: ignore[misc]
        for name in (RUN, FIRST + TRIAL)
        for at, text in enumerate(NESTED)
    },
    **{f"a pipe for {name}": (name, pipe) for name in (RUN, EXAMPLES, FIRST + TRIAL, TRAIN)},
}
DESCRIPTIONS: dict[str, Alter] = {
    "no files": document(files={}),
    "a seed below 0": document("spec", seed=-1),
    "no examples": document("spec", "data", "train", num_examples=0),
    "no probes": document("spec", probes=[]),
    "giant trials": document("spec", trials=2**40),
    "giant threads": document("spec", "resolved", threads=2**31),
    "half a letter": document("spec", "data", source="\ud800"),
    "another format": document(format=0),
    "many classes": document("spec", "data", classes=[str(i) for i in range(2 * 10**5)]),
    "a long class": document("spec", "data", classes=["a", "b" * 5000]),
}


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_file_of_a_run_that_cannot_be(run, name):
    place, alter = OF_RUNS[name]
    file = next(run.glob(place))
    alter(file)
    refit(file)
    if alter is not pipe and file.suffix in (".parquet", ".safetensors"):
        assert verify(run) == []  # its digest fits
    called = TRIAL if file.is_symlink() else file.name
    with pytest.raises(BadInput, match=rf"{called}: .*damaged|it has no {called}|trial file is damaged"):
        everything(run)


@pytest.mark.parametrize("seals", [True, False])
@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_that_cannot_be(run, name, seals):
    DESCRIPTIONS[name](run / RUN)
    if seals:
        (run / RUN).write_text(json.dumps(sealed_run(json.loads((run / RUN).read_bytes()))))
    with pytest.raises(BadInput, match=r"run\.json: .*damaged"):
        open_run(run)


def test_a_pipe_for_a_lock_is_not_waited_for(run):
    pipe(run / ".lock")
    everything(run)


def test_an_example_that_the_source_lacks_has_no_position_there(run, tmp_path):
    column("id", lambda v: [10**6, *v[1:]])(run / EXAMPLES)
    with pytest.raises(BadInput, match="id 1000000"):
        export(open_run(run), "torch", tmp_path / "a.npz")


def test_a_description_that_says_something_else_is_refused_by_whoever_reads_it(run, refused, command):
    file = run / RUN
    file.write_text(file.read_text().replace('"model": "mlp_2_w8"', '"model": "mlp_2_w9"'))
    assert f"damaged: {file}: " in command("status", run).out
    for verb in ("scores", "suspects"):
        assert f"{file}: the description" in refused(verb, run)


def test_names_of_classes_nested_without_end(tmp_path):
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    rows = pa.table({"image": [picture.getvalue()] * 2, "label": [0, 1]})
    pq.write_table(rows.replace_schema_metadata({"huggingface": "[" * 100_000}), tmp_path / "a.parquet")
    assert load_dataset(tmp_path / "a.parquet").classes == ("0", "1")


SCORES = "scores.parquet"
OF_CARDS: dict[str, tuple[str, Alter]] = {
    "no classes": (SCORES, table(lambda t: t.drop_columns(["class"]))),
    "a row less": (SCORES, table(lambda t: t.slice(1))),
    "ids twice": (SCORES, table(lambda t: t.append_column("id", t.column("id")))),
    "digests that are numbers": (SCORES, column("digest", lambda v: list(range(len(v))))),
    "lists": (SCORES, column("easiness", lambda v: [[one] for one in v])),
    "classes without name": (SCORES, column("class", lambda v: [None] * len(v), pa.string())),
    "ids in bytes": (SCORES, column("id", lambda v: [b"a"] * len(v))),
    "ids that are no text": (
        SCORES,
        table(lambda t: t.set_column(0, "id", pa.array([b"\xff"] * len(t)).view(pa.string()))),
    ),
    "a pipe": (CARD, pipe),
}


@pytest.mark.parametrize("name", OF_CARDS)
def test_a_file_of_a_card_that_cannot_be(small, card, name):
    file, alter = OF_CARDS[name]
    alter(card / file)
    with pytest.raises(BadInput, match=rf"{re.escape(file)}: .*{'a pipe' if alter is pipe else 'damaged'}"):
        apply_card(card, small / "data.npz")
