"""Any bit of any file of a run: it is found, with file and trial, and what reads the file refuses it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from easiness import load_dataset, measure
from easiness.store import LaterVersion, verify
from lengths import long_but

# nothing is vouched for in what is no part of the results
NOTES = (".lock", "events.jsonl")


@pytest.fixture(scope="module")
def whole(made_once) -> Path:
    """Two trials with all that a run can have: logits, weights, a held-out split."""

    def make(out: Path) -> None:
        size = dict[str, Any](trials=2, epochs=2, precision="float32", executor="serial")
        data = load_dataset("digits", holdout=0.2, limit=60)
        measure(data, model="mlp_2_w8", keep_logits=True, **size, out=out, progress=False)

    return made_once("small_and_whole", make)


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def files(run: Path) -> list[Path]:
    return sorted(p for p in run.rglob("*") if p.is_file() and p.stat().st_size and p.name not in NOTES)


def same_value(file: Path, before: bytes) -> bool:
    """Does a document say the same as before, as where 1e-3 has become 1E-3?"""
    try:
        return bool(file.suffix == ".json" and json.loads(file.read_bytes()) == json.loads(before))
    except ValueError:
        return False


PLACE = st.tuples(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True), st.integers(0, 7))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACE)
@example(place=(0, 0.0, 0))
@example(place=(1, 0.007, 1))
def test_a_flipped_bit_is_found(copy, place):
    which, where, bit = place
    file = files(copy)[which % len(files(copy))]
    before = file.read_bytes()
    content = bytearray(before)
    content[int(where * len(content))] ^= 1 << bit
    file.write_bytes(content)
    try:
        try:
            found = verify(copy)
        except LaterVersion:  # the bit is one of the number of the format
            assert file.name in ("run.json", "trial.json")
            return
        if same_value(file, before):
            return
        name = file.parent.name
        trial = int(name.split("-")[0]) if name[0].isdigit() else None
        assert (file, trial) in [(one.file, one.trial) for one in found]
        assert {one.trial for one in found} == {trial}
        assert all("\n" not in str(one) for one in found)
    finally:
        file.write_bytes(before)
    assert verify(copy) == []


EVERYTHING = ("status", "scores", "compare", "suspects")
NEED = {
    "run.json": EVERYTHING,
    "trial.json": EVERYTHING,
    "examples.parquet": EVERYTHING,
    "train.parquet": EVERYTHING,
    "held_out.parquet": (),
    "weights.safetensors": ("suspects",),
}


@pytest.mark.parametrize("name", long_but(NEED, ("run.json", "train.parquet")))
def test_what_needs_the_file_refuses_it_and_the_rest_works(command, copy, name):
    (file, *_) = copy.rglob(name)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x80
    file.write_bytes(content)
    for verb in EVERYTHING:
        finished = command(verb, copy)
        needed = verb in NEED[name]
        assert finished.code == ((1 if verb == "status" else 2) if needed else 0), (verb, finished)
        if needed:
            assert str(file) in (finished.out if verb == "status" else finished.err)
            assert len(finished.err.splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", b"[1]", b'{"trial": "x", "reason": 3}', b"[" * 10_000]
)
def test_a_note_of_a_failure_that_is_damaged_says_nothing(command, copy, content):
    (copy / "trials" / "failed-0001.json").write_bytes(content)
    for verb in ("status", "scores"):
        assert command(verb, copy).code == 0
    assert command("status", copy.parent).code == 0
