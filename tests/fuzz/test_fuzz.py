"""Whatever is read, altered: each of thousands of inputs ends in a result or in one clear line.

``FUZZ_CASES=10000 pytest tests/fuzz -k sample`` reads so many.
"""

from __future__ import annotations

import collections
import io
import json
import os
import re
import shutil
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from refitted import CARD, EXAMPLES, ODD, RUN, TRIAL, read_run, refit, rewrite, sealed_run, set_column

import easiness as ez
from easiness import BadInput, Recorder, export, load_dataset, open_run
from easiness.spec import LONGEST_NAME
from easiness.store import verify
from lengths import long_but

HERE = Path(__file__).parent
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SAMPLE = int(os.environ.get("FUZZ_CASES", "100"))
GOOD = {"result", "refused", "failed"}
_MOST_SHOWN = 5


def check(start, whole: Path, num: int, first: int = 0, *, changed: bool = True) -> collections.Counter[str]:
    """How many of ``num`` cases ended how: each has to end in a result or in one clear line.

    They run in a process forked from one that has loaded everything.
    """
    given = [str(whole), SEED, first, num, int(changed)]
    herd = f"import sys; sys.path[:0] = {[str(HERE), str(HERE.parent)]}; import herd; herd.main(*{given})"
    done = start(before=f"{herd}; sys.exit(0)")
    assert done.wait(1200 + num) == 0, done.err
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [one["case"] for one in found] == list(range(first, first + num))
    bad = [one for one in found if one["how"] not in GOOD]
    shown = [
        f"{one['how']}: {one.get('was')}; read by {one.get('reads')}\n{one['said']}\nonce more: "
        f"PYTHONPATH={HERE.parent} python {HERE / 'herd.py'} {whole} {SEED} {one['case']} 1 1"
        for one in bad[:_MOST_SHOWN]
    ]
    counts = collections.Counter(one["how"] for one in found)
    assert not bad, f"{len(bad)} of {num} ended badly: {dict(counts)}\n" + "\n\n".join(shown)
    return counts


@pytest.mark.long
@pytest.mark.parametrize(("first", "num"), [(0, SAMPLE), (SAMPLE, 3000)], ids=["sample", "all"])
def test_altered_inputs(start, whole, first, num):
    counts = check(start, whole, num, first)
    assert min(counts["refused"], counts["result"]) > num // 10


@pytest.mark.long
def test_what_is_not_altered_is_read(start, whole):
    assert set(check(start, whole, 60, changed=False)) == {"result"}


PATIENCE = 30  # seconds, after which a command hangs


def _hangs(*_: object) -> None:
    pytest.fail("it hangs")


MEASURE = ("--model", "mlp_2_w2", "--trials", "1", "--epochs", "1", "--out", "run")
# the file that is not one, and the command that reads it
PLACES: dict[str, tuple[str, ...]] = {
    "a.npz": ("measure", "a.npz", *MEASURE),
    "a.csv": ("measure", "a.csv", *MEASURE),
    "a.parquet": ("measure", "a.parquet", *MEASURE),
    "pets/cat/0.png": ("measure", "pets", *MEASURE),
    "labels.csv": ("measure", "digits", "--limit", "20", "--labels", "labels.csv", *MEASURE),
    "recipe.toml": ("measure", "digits", "--limit", "20", "--recipe", "recipe.toml", *MEASURE),
    "ids.txt": ("keep", "{run}", "--ids", "ids.txt"),
    "ids.csv": ("keep", "{run}", "--ids", "ids.csv"),
}


@pytest.fixture
def in_a_folder_that_cannot_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures to stand beside; what hangs is ended by a signal, which fails the test; stdin is a pipe."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "pets" / name / "1.png")
    from_, into = os.pipe()
    before = os.dup(0)
    os.dup2(from_, 0)
    handler = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)
    os.dup2(before, 0)
    for number in (from_, into, before):
        os.close(number)


CASES = [(name, kind) for name in PLACES for kind in ODD if (name, kind) != ("pets/cat/0.png", "a folder")]


# each time a pipe for every place, and everything for the labels; a folder for a picture is one of its class
@pytest.mark.usefixtures("in_a_folder_that_cannot_hang")
@pytest.mark.parametrize(
    ("name", "kind"), long_but(CASES, [one for one in CASES if "a pipe" in one or "labels.csv" in one])
)
def test_what_is_no_file_is_refused_at_once(refused, measured, tmp_path, name, kind):
    ODD[kind](tmp_path / name)
    line = refused(*(one.format(run=measured) for one in PLACES[name]))
    assert Path(name).name in line
    assert not (tmp_path / "run").exists()


LONG = "x" * 2**23


def shared(num: int, length: int = 2**23) -> pa.Array:
    """A text of so many letters in each of the rows; the first has another letter at the end."""
    texts = pa.array([LONG[1:length] + "y", LONG[:length]])
    return pa.DictionaryArray.from_arrays(pa.array([0] + [1] * (num - 1), pa.int32()), texts)


def write(file: Path, table: pa.Table) -> Path:
    pq.write_table(table, file, compression="zstd", store_schema=False, row_group_size=10**9)
    assert file.stat().st_size < 50_000
    return file


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**28)


def zeros(num: int, kind: pa.DataType) -> pa.Array:
    return pa.array(np.zeros(num, kind.to_pandas_dtype()))


LABELS = pa.array([0, 1] * 60)
DATA: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "labels": (
        lambda: pa.table({"text": [f"a {i}" for i in range(120)], "label": shared(120, 2**13)}),
        "at most 4096",
    ),
    "rows": (
        lambda: pa.table({"a": zeros(2**21, pa.float32()), "label": zeros(2**21, pa.int64())}),
        "GiB",
    ),
    "vectors": (
        lambda: pa.table(
            {"v": pa.FixedSizeListArray.from_arrays(zeros(2**25, pa.int32()), 2**20), "label": [0, 1] * 16}
        ),
        "GiB",
    ),
}


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", DATA)
def test_data_that_take_all_memory(tmp_path, name):
    make, why = DATA[name]
    file = write(tmp_path / "a.parquet", make())
    with pytest.raises(BadInput, match=rf"a\.parquet: .*{why}"):
        load_dataset(file).fingerprint  # noqa: B018


@pytest.mark.usefixtures("little_memory")
def test_ids_of_a_run_that_are_as_long_as_books(small, tmp_path):
    run = Path(shutil.copytree(small / "run", tmp_path / "run"))
    table = pq.read_table(run / "examples.parquet")
    file = write(run / "examples.parquet", table.set_column(0, "id", shared(len(table))))
    refit(file)
    with pytest.raises(BadInput, match=r"examples\.parquet: column id: .*at most 4096"):
        open_run(run).ids  # noqa: B018


def test_ids_of_arrays_that_are_as_long_as_books(tmp_path):
    ids = np.array([LONG[:9000], "a"])
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((2, 4), np.float32), y=[0, 1], ids=ids)
    with pytest.raises(BadInput, match=r"a\.npz: ids: .*at most 4096"):
        load_dataset(tmp_path / "a.npz")


def test_letters_count_by_the_bytes_that_a_run_keeps_them_in(tmp_path):
    """An id of as many letters as are allowed, of two bytes each, could be recorded and not be read."""
    most = "ü" * (LONGEST_NAME // 2)
    Recorder(tmp_path / "most", ids=[most, "b"], labels=[0, 1])
    with pytest.raises(BadInput, match=rf"ids: one of {LONGEST_NAME + 2} bytes; .*at most {LONGEST_NAME}"):
        Recorder(tmp_path / "run", ids=[most + "ü", "b"], labels=[0, 1])
    assert not (tmp_path / "run").exists()


Alter = Callable[[Path], object]
FIRST = "trials/0000-*/"


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
TRAIN, LOGITS = (f"{FIRST}{name}.parquet" for name in ("train", "train_logits"))
HELD_OUT_LOGITS, WEIGHTS = f"{FIRST}held_out_logits.parquet", f"{FIRST}weights.safetensors"
OF_RUNS: dict[str, tuple[str, Alter]] = {
    "a column is missing": (TRAIN, table(lambda t: t.drop_columns(["loss"]))),
    "a column is there twice": (TRAIN, table(lambda t: t.append_column("loss", t.column("loss")))),
    "groups of one row": (TRAIN, table(lambda t: t, 1)),
    "no rows": (TRAIN, table(lambda t: t.slice(0, 0))),
    "labels as text": (TRAIN, column("label", lambda v: [str(one) for one in v])),
    "labels of no class": (TRAIN, column("label", lambda v: [99] * len(v), pa.int32())),
    "predictions below 0": (TRAIN, column("prediction", lambda v: [-1] * len(v), pa.int32())),
    "nulls": (TRAIN, column("trained_on", lambda v: [None] * len(v), pa.bool_())),
    "a loss that is no number": (TRAIN, column("loss", lambda v: [np.nan, *v[1:]], pa.float32())),
    "lists": (TRAIN, column("loss", lambda v: [[one] for one in v])),
    "logits without a class": (
        LOGITS,
        column("logits", lambda v: [one[:-1] for one in v], pa.list_(pa.float32(), 9)),
    ),
    "logits without end": (
        LOGITS,
        column("logits", lambda v: [[np.inf] * 10] * len(v), pa.list_(pa.float32(), 10)),
    ),
    "examples without labels": (EXAMPLES, table(lambda t: t.drop_columns(["label"]))),
    "examples of no class": (EXAMPLES, column("label", lambda v: [10] * len(v), pa.int64())),
    "examples of one id": (EXAMPLES, column("id", lambda v: [v[0]] * len(v))),
    **{
        f"{file} until {end}": (file, content(lambda whole, end=end: whole[:end]))  # type: ignore[misc]
        for file in (TRAIN, HELD_OUT_LOGITS, WEIGHTS)
        for end in (0, 100, -1)
    },
    **{
        f"a header of {name}, {length} long": (WEIGHTS, header(text, length))
        for name, text in HEADERS.items()
        for length in (0, 2**62)
    },
    "giant epochs": (FIRST + TRIAL, document("trial", epochs=2**40)),
    "a hash of another spec": (FIRST + TRIAL, document("trial", "spec", seed=6)),
    "a spec of no probes": (FIRST + TRIAL, document("trial", "spec", probes=[])),
    "no accuracies": (FIRST + TRIAL, document("trial", "accuracy", train=[])),
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
        read_run(run)


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
    read_run(run)


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
    "ids twice": (SCORES, table(lambda t: t.append_column("id", t.column("id")))),
    "digests that are numbers": (SCORES, column("digest", lambda v: list(range(len(v))))),
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
    with pytest.raises(BadInput, match=rf"{re.escape(file)}: .*damaged"):
        ez.card(small / "data.npz", apply=card)
