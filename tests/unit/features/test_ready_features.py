"""The file of features: made once, gone on with, made anew where it is damaged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from easiness.data import Dataset, hold_out, load_dataset
from easiness.errors import BadInput, RunFailed
from easiness.features import FeatureSource, find_features, kept_features, ready_features
from easiness.features.vector_files import whole
from easiness.spec import content_hash

NUM, WIDTH = 300, 5


def random_vectors(num: int = NUM, scale: float = 1) -> np.ndarray:
    return scale * np.random.default_rng(3).standard_normal((num, WIDTH)).astype(np.float32)


def counting(values: np.ndarray, held_out: np.ndarray | None = None, batch: int = 10):
    """A source of these rows and the list of the positions that it was asked for."""
    asked: list[int] = []

    def read(split: Dataset, positions: np.ndarray) -> Iterator[np.ndarray]:
        rows = values if split.standard is None else held_out
        assert rows is not None
        for start in range(0, len(positions), batch):
            some = positions[start : start + batch]
            asked.extend(some.tolist())
            yield rows[some]

    return FeatureSource("rows", "0" * 64, "", read), asked


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=NUM)


Make = Callable[..., tuple[np.ndarray, list[int]]]


@pytest.fixture
def make(data: Dataset, tmp_path: Path) -> Make:
    """Makes training vectors, or finds them: they, and the positions that the source was asked for."""

    def call(values: np.ndarray | None = None, data: Dataset = data, tell: Any = None, **options: Any):
        source, asked = counting(random_vectors() if values is None else values, **options)
        return ready_features(source, data, tmp_path, tell or (lambda *_: None))["train"], asked

    return call


class Stop(Exception):
    pass


def stop_after(done: int):
    def tell(_what: str, now: int, _num: int) -> None:
        if now >= done:
            raise Stop

    return tell


def test_it_is_made_once(make: Make, tmp_path: Path, data: Dataset) -> None:
    told: list[tuple[str, int, int]] = []
    first, asked = make(tell=lambda *what: told.append(what))
    np.testing.assert_array_equal(first, random_vectors().astype(np.float16))
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    assert told[0] == ("making features rows", 0, NUM)
    assert told[-1] == ("making features rows", NUM, NUM)
    assert asked == list(range(NUM))
    other = replace(data, labels=(data.labels + 1) % 10)
    assert other.fingerprint != data.fingerprint
    for given_data in (data, other):  # labels do not matter
        again, asked = make(data=given_data)
        np.testing.assert_array_equal(again, first)
        assert asked == []
    (file,) = tmp_path.glob("*.npy")
    np.testing.assert_array_equal(np.load(file, allow_pickle=False), first)


@settings(max_examples=40)
@given(stops=st.lists(st.integers(0, NUM), max_size=3), damage=st.integers(-40, 40), batch=st.integers(1, 90))
def test_stopped_anywhere_it_ends_with_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, data: Dataset, stops: list[int], damage: int, batch: int
) -> None:
    folder, other = tmp_path_factory.mktemp("stopped"), tmp_path_factory.mktemp("other")
    values = random_vectors()
    values[250] *= 1e6  # too large to the scale of the first
    source, _ = counting(values, batch=batch)
    for at in stops:
        with pytest.raises(Stop):
            ready_features(source, data, folder, stop_after(at))
        harm(folder, damage)
    made = ready_features(source, data, folder)["train"]
    ready_features(counting(values)[0], data, other)
    for name in (next(folder.glob("*.npy")).name, next(folder.glob("*.json")).name):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    assert np.isfinite(made).all()


def harm(folder: Path, damage: int) -> None:
    """Cut the end off what is being built or off its note, or alter a byte of that."""
    for file in folder.glob("*.part" if damage > 20 else "*.json"):
        content = bytearray(file.read_bytes())
        if damage < 0 and content:
            content[damage % len(content)] ^= 1
        elif damage:
            del content[-damage:]
        file.write_bytes(content)


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), end=st.sampled_from(["npy", "json"]))
def test_any_change_of_a_file_is_seen(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int, end: str, data: Dataset
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    ready_features(counting(random_vectors())[0], data, folder)
    (file,), (changed,) = folder.glob("*.npy"), folder.glob(f"*.{end}")
    content = bytearray(changed.read_bytes())
    content[at % len(content)] ^= 1 << bit
    assert whole(file, NUM) is not None
    changed.write_bytes(content)
    assert whole(file, NUM) is None
    made = ready_features(counting(random_vectors())[0], data, folder)["train"]
    np.testing.assert_array_equal(made, random_vectors().astype(np.float16))


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1, 1e3, 1e8, 1e30])
def test_one_power_of_two_keeps_all_finite(scale: float, tmp_path: Path) -> None:
    data = load_dataset("digits", limit=NUM, holdout=0.2)
    source, _ = counting(random_vectors(scale=scale), random_vectors(scale=scale * 2))
    made = ready_features(source, data, tmp_path)
    ratio = made["train"].astype(np.float64)[0, 0] / source.vectors(data, np.arange(1))[0, 0]
    power = 2.0 ** round(np.log2(ratio))
    for split, rows in made.items():
        one = data.splits[split]  # type: ignore[index]
        vectors = source.vectors(one, np.arange(len(one))).astype(np.float64)
        assert np.isfinite(rows).all()
        np.testing.assert_allclose(rows, vectors * power, rtol=2e-3, atol=1e-6)


LOSSY = "in column 2 differ by less than half precision keeps"


def with_one(value: float) -> np.ndarray:
    values = random_vectors()
    values[200, 3] = value
    return values


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (with_one(np.nan), "example {id}.* has nan in column 3; give finite"),
        (with_one(np.inf), "example {id}.* has inf in column 3; give finite"),
        (np.ones((NUM, WIDTH), np.float32), "'rows': the vectors of all 300 examples are equal"),
        (random_vectors() + np.array([0, 0, 1e4, 0, 0], np.float32), LOSSY),
        (random_vectors() + np.array([0, 0, 1e5, 0, 0], np.float32), LOSSY),
        (random_vectors() + 100, None),
        (random_vectors().clip(1) - 1, None),
    ],
)
def test_vectors_that_cannot_be_kept_are_refused(
    data: Dataset, tmp_path: Path, values: np.ndarray, words: str | None, slow: bool
) -> None:
    source = replace(counting(values)[0], slow=slow)
    if words is None:
        assert ready_features(source, data, tmp_path)["train"].shape == (NUM, WIDTH)
        return
    with pytest.raises(BadInput, match=words.format(id=data.ids[200])):
        ready_features(source, data, tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} <= {".lock"}


def test_of_two_at_once_one_makes_it(data: Dataset, tmp_path: Path) -> None:
    source, asked = counting(random_vectors())
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: ready_features(source, data, tmp_path)["train"], range(2)))
    np.testing.assert_array_equal(made[0], made[1])
    assert sorted(asked) == list(range(NUM))
    assert {file.suffix for file in tmp_path.iterdir()} == {".npy", ".json", ".examples"}


KILLED = """
import os, sys
from functools import partial
from pathlib import Path
import numpy as np
from easiness.data import load_dataset
from easiness.features import arrays, find_features, ready_features, vector_files

def tell(what, done, num):
    if done >= 128:
        os.kill(os.getpid(), 9)

vector_files.MOST_IN_MEMORY, vector_files._SECONDS = 0, 0
arrays.in_parts = partial(arrays.in_parts, size=64)
rows = np.random.default_rng(3).standard_normal((300, 5)).astype(np.float32)
data = load_dataset("digits", limit=300)
ready_features(find_features(rows, data), data, Path(sys.argv[1]), tell)
"""


def test_a_build_that_was_killed_goes_on(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    monkeypatch.setattr("easiness.features.vector_files.MOST_IN_MEMORY", 0)
    told: list[int] = []
    source = find_features(random_vectors(), data)
    made = ready_features(source, data, tmp_path, lambda _what, now, _num: told.append(now))["train"]
    assert told[0] == 128
    np.testing.assert_array_equal(made, random_vectors().astype(np.float16))


def test_a_file_that_cannot_be_written_is_told(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunFailed, match=r"file of features cannot be written \(.*; run it again"):
        ready_features(counting(random_vectors())[0], data, tmp_path / "taken")


def test_arrays_need_no_file_unless_they_are_large(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find_features(random_vectors(), data)
    there = ready_features(source, data, tmp_path)["train"]
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("easiness.features.vector_files.MOST_IN_MEMORY", 100)
    np.testing.assert_array_equal(ready_features(source, data, tmp_path)["train"], there)
    assert len(list(tmp_path.glob("*.npy"))) == 1


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([np.ones((NUM, 2, 2))], "300 x 2 x 2 of float64 and no vector"),
        ([np.ones(NUM)], "300 of float64 and no vector"),
        ([np.ones((NUM, 2)), np.ones((NUM, 3))], "vectors of 2 and of 3 values"),
        ([np.ones((NUM - 1, 2))], "299 vectors for 300 examples"),
        ([["a"]], "and no vector for each example"),
    ],
)
def test_a_source_that_makes_no_vectors_is_refused(data: Dataset, parts: list[Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        FeatureSource("odd", "1" * 64, "", lambda *_: iter(parts)).vectors(data, np.arange(NUM))


@pytest.fixture
def begun(make: Make, tmp_path: Path) -> Path:
    """A file that grows, of whose vectors 140 are there."""
    with pytest.raises(Stop):
        make(tell=stop_after(130))
    (part,) = tmp_path.glob("*.part")
    return part


@pytest.mark.parametrize("note", [None, "5", "[" * 5000, '{"done": 70}', {"done": -1}, {"exponent": False}])
def test_what_was_begun_goes_on_where_its_note_is_one(begun: Path, make: Make, note: Any) -> None:
    if note is None:
        assert make()[1] == list(range(140, NUM))
        return
    if isinstance(note, dict):
        value = {"exponent": 0, "done": 70, "whole": None} | note
        note = json.dumps({"features": value, "sha256": content_hash(value)})
    begun.with_suffix(".json").write_text(note)
    assert make()[1] == list(range(NUM))


def test_an_example_is_seen_once_however_the_data_are_split(tmp_path: Path) -> None:
    seen: list[int] = []

    def network(split: Dataset, positions: np.ndarray) -> Iterator[np.ndarray]:
        seen.append(len(positions))
        yield np.stack([one.ravel()[::9] / 255 for one in split.values(positions)])

    source = FeatureSource("network", "2" * 64, "", network)
    whole_data = load_dataset("digits", limit=NUM)
    folder = tmp_path / "easiness-features"

    def ready(data: Dataset, folder: Path = folder) -> dict[str, np.ndarray]:
        return {**ready_features(source, data, folder)}

    of_part = ready(load_dataset("digits", limit=200))["train"]
    assert sum(seen) == 200
    everything = ready(whole_data)["train"]
    assert sum(seen) == NUM
    row = dict(zip(whole_data.ids.tolist(), everything, strict=True))
    others = [
        load_dataset("digits", limit=100),
        hold_out(whole_data, 0.2),
        hold_out(whole_data, 0.6),
        whole_data.part(np.arange(7, 90)),
    ]
    for data in others:
        for name, vectors in ready(data).items():
            for one, vector in zip(data.splits[name].ids.tolist(), vectors, strict=True):  # type: ignore[index]
                np.testing.assert_array_equal(vector, row[one])
    np.testing.assert_array_equal(of_part[0], row[load_dataset("digits", limit=200).ids[0]])
    ready(hold_out(whole_data, 0.3), tmp_path / "study" / folder.name)  # the runs of a study lie deeper
    assert sum(seen) == NUM
    for listed in folder.glob("*.examples"):  # a list that is not as it was written is not believed
        listed.write_bytes(listed.read_bytes()[16:])
    ready(hold_out(whole_data, 0.4))
    assert sum(seen) == 2 * NUM


def test_vectors_that_were_cut_are_made_again(data: Dataset, tmp_path: Path) -> None:
    values = random_vectors()
    values[-60:] *= 1e6

    def read(split: Dataset, positions: np.ndarray) -> Iterator[np.ndarray]:
        yield values[np.searchsorted(data.ids, split.ids[positions])]

    source, last = FeatureSource("rows", "0" * 64, "", read), np.arange(240, NUM)
    held_out = replace(data.part(last), standard=None)
    small = replace(data.part(np.arange(240)), held_out=held_out, standard=None)
    assert np.abs(ready_features(source, small, tmp_path)["held_out"]).max() == 65504
    made = kept_features(source, held_out, tmp_path)["train"]
    np.testing.assert_allclose(np.ldexp(made.rows.astype(float), -made.exponent), values[last], rtol=1e-3)
