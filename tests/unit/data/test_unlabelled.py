import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness.data import load_dataset, load_unlabelled
from easiness.errors import BadInput
from pixels import png, write_pictures

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), np.uint8)


def _files(root, names):
    return write_pictures(root, zip(names, PIXELS, strict=False))


@pytest.fixture
def pictures():
    return load_dataset((PIXELS, np.array([0, 1, 0, 1])), classes=["cat", "dog"])


def _same(found, num=4):
    assert [one.tolist() for one in found.values(np.arange(num))] == PIXELS[:num].tolist()
    assert found.classes == ("cat", "dog")


def test_a_folder_of_pictures_with_folders_or_without(tmp_path, pictures):
    root = _files(tmp_path / "pool", ["a.png", "b.png", "dog/c.png", "dog/more/d.png"])
    (root / "notes.txt").write_text("no picture")
    found = load_unlabelled(root, pictures)
    assert found.ids.tolist() == ["a.png", "b.png", "dog/c.png", "dog/more/d.png"]
    _same(found)


def test_a_csv_of_paths_and_parquet_of_bytes(tmp_path, pictures):
    _files(tmp_path, ["b.png", "a.png"])
    (tmp_path / "pool.csv").write_text("path\nb.png\na.png\n")
    found = load_unlabelled(tmp_path / "pool.csv", pictures)
    assert found.ids.tolist() == ["b.png", "a.png"]
    _same(found, 2)
    rows = [{"bytes": png(one), "path": None} for one in PIXELS]
    pq.write_table(pa.table({"image": rows}), tmp_path / "pool.parquet")
    _same(load_unlabelled(tmp_path / "pool.parquet", pictures))


def test_arrays_alone(tmp_path, pictures):
    np.savez(tmp_path / "pool.npz", x=PIXELS, ids=np.array([7, 5, 6, 4]))
    found = load_unlabelled(tmp_path / "pool.npz", pictures)
    assert found.ids.tolist() == [7, 5, 6, 4]
    _same(found)
    _same(load_unlabelled(PIXELS, pictures))
    np.save(tmp_path / "pool.npy", np.eye(3))
    found = load_unlabelled(tmp_path / "pool.npy", pictures, vectors=True)
    assert np.stack(found.values(np.arange(3))).tolist() == np.eye(3).tolist()


def test_texts_of_a_table_and_of_files(tmp_path):
    texts = load_dataset((["one", "two"], [0, 1]))
    (tmp_path / "pool.csv").write_text('text,length\n"a b",3\nc,1\n')
    found = load_unlabelled(tmp_path / "pool.csv", texts)
    assert len(found) == 2
    assert found.kind.name == "text"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a b")
    assert load_unlabelled(tmp_path / "texts", texts).ids.tolist() == ["a.txt"]


def test_numbers_and_categories_become_what_they_are_in_the_table_of_the_run(tmp_path):
    own = pd.DataFrame({"size": [1.0, 2, 3, 4], "color": ["red", "blue"] * 2, "label": ["x", "x", "y", "y"]})
    own.to_csv(tmp_path / "own.csv", index=False)
    like = load_dataset(tmp_path / "own.csv")
    pd.DataFrame({"color": ["blue", "green"], "size": [9.0, None]}).to_csv(tmp_path / "pool.csv", index=False)
    found = load_unlabelled(tmp_path / "pool.csv", like)
    # of the size, whose median is 2.5, then blue and red; nobody was green
    assert np.stack(found.values(np.arange(2))).tolist() == [[9, 1, 0], [2.5, 0, 0]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pool.csv", b"path\n../a.png\n", "../a.png leads out"),
        ("pool.csv", b"name\na.png\n", "no column path or image"),
        ("pool.txt", b"a", "not a kind of file that can be read; give a folder"),
        ("pool.npy", b"junk", "no array of numbers that can be read"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, pictures, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        load_unlabelled(tmp_path / name, pictures)


def test_other_kinds_and_empty_folders_are_refused(tmp_path, pictures):
    (tmp_path / "pool").mkdir()
    with pytest.raises(BadInput, match="no picture in it"):
        load_unlabelled(tmp_path / "pool", pictures)
    np.save(tmp_path / "pool.npy", np.eye(3))
    with pytest.raises(BadInput, match="holds vectors, and the run is on pictures"):
        load_unlabelled(tmp_path / "pool.npy", pictures)
