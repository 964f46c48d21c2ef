from __future__ import annotations

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput


@pytest.fixture
def manifest(folder):
    """Writes lines beside the class folders cat and dog, and gives the path of the file."""

    def write(*lines: str, encoding: str = "utf-8"):
        path = folder / "pets.csv"
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return write


GOOD = ("path,label", "cat/0.png,cat", "dog/0.png,dog")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_quotes_blank_lines_and_the_byte_order_mark(manifest, folder, picture, encoding):
    picture(7).save(folder / "cat/a, b.png")
    data = load_dataset(
        manifest('"path","label"', '"cat/a, b.png","tom ""é"""', "", "dog/0.png,rex", encoding=encoding)
    )
    assert data.ids.tolist() == ["cat/a, b.png", "dog/0.png"]
    assert data.classes == ("rex", 'tom "é"')


def test_the_first_held_out_split_is_used_and_others_are_not(manifest):
    data = load_dataset(
        manifest(
            "path,label,split",
            "cat/0.png,cat,train",
            "dog/0.png,dog,train",
            "dog/1.png,dog,validation",
            "dog/2.png,dog,val",
            "cat/1.png,cat,val",
        )
    )
    assert data.ids.tolist() == ["cat/0.png", "dog/0.png"]
    assert data.held_out is not None
    assert data.held_out.split == "val"
    assert data.held_out.ids.tolist() == ["dog/2.png", "cat/1.png"]
    assert data.held_out.labels.tolist() == [1, 0]


def test_paths_are_normalized_and_two_may_become_the_same(manifest):
    data = load_dataset(manifest("path,label", "dog/../cat/./0.png,cat", "dog//0.png,dog"))
    assert data.ids.tolist() == ["cat/0.png", "dog/0.png"]
    with pytest.raises(BadInput, match=r"pets\.csv: line 4: cat/0\.png .*in line 2 already"):
        load_dataset(manifest(*GOOD, "dog/../cat/0.png,cat"))


def test_links_in_a_circle(manifest, folder):
    (folder / "cat/a.png").symlink_to(folder / "cat/b.png")
    (folder / "cat/b.png").symlink_to(folder / "cat/a.png")
    with pytest.raises(BadInput, match=r"line 4: cat/a\.png .*\(Too many levels"):
        load_dataset(manifest(*GOOD, "cat/a.png,cat"))


@pytest.mark.parametrize("kind", ["relative", "absolute"])
def test_paths_out_of_the_folder(manifest, folder, picture, kind):
    outside = folder.parent / "outside.png"
    picture(9).save(outside)
    given = "dog/../../outside.png" if kind == "relative" else str(outside)
    path = manifest(*GOOD, f"{given},dog")
    with pytest.raises(BadInput, match=r"pets\.csv: line 4: .*outside\.png leads out .*--allow-outside"):
        load_dataset(path)
    data = load_dataset(path, allow_outside=True)
    assert data.ids[2] == "../outside.png"
    assert (data.values(np.array([2]))[0] == np.asarray(picture(9))).all()
    ref = data.ref()
    assert ref.allow_outside
    assert load_dataset(ref.source, **ref.load_options().model_dump()).ref() == ref


def test_ids_do_not_tell_the_name_of_the_home_folder(manifest, folder, picture, monkeypatch):
    home = folder.parent / "zaphod"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    picture(9).save(home / "own.png")
    data = load_dataset(manifest(*GOOD, f"{home}/own.png,dog"), allow_outside=True)
    assert data.ids[2] == "~/own.png"
    assert (data.values(np.array([2]))[0] == np.asarray(picture(9))).all()
    with pytest.raises(BadInput, match=r"line 4: .*leads out"):
        load_dataset(manifest(*GOOD, "~/own.png,dog"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("",), "no header; name the columns"),
        (("path,label",), "no rows; give one"),
        ((*GOOD, "  ,cat"), "line 4: the path is empty"),
        ((*GOOD, f"{'x' * 300}.png,cat"), r"line 4: x{80} cannot be looked at \(File name too long\)"),
        ((*GOOD, "cat/0.png/1.png,cat"), r"line 4: no file cat/0\.png/1\.png"),
        ((*GOOD, "cat/1.png"), "line 4: 1 values for 2 columns"),
        (("path;label", "cat/0.png;a;b"), "line 2: 3 values for 2 columns; quote values"),
        (("id,label,class", "3,0,cat", "07,1,dog"), r"a list of ids and labels, .* --labels \S+\.csv"),
        ((*GOOD, "cat/9.png,cat", "cat/1.png,cat", "cat/8.png,cat"), r"line 4: no file"),
        ((*GOOD, "cat,cat"), "line 4: cat is a folder"),
        ((*GOOD, "cat/\0.png,cat"), "line 4: no file|line 4: the table is not CSV"),
        (("path,label,split", "cat/0.png,cat,train", "cat/0.png,cat,test"), "line 3: cat/0.png is in line 2"),
    ],
)
def test_wrong_manifests(manifest, lines, message):
    with pytest.raises(BadInput, match=message) as caught:
        load_dataset(manifest(*lines))
    assert "pets.csv: " in str(caught.value)


def test_other_encodings(manifest):
    with pytest.raises(BadInput, match=r"pets\.csv: line 1: .*is not UTF-8"):
        load_dataset(manifest(*GOOD, encoding="utf-16"))
    assert load_dataset(manifest(*GOOD, encoding="utf-16"), encoding="utf-16").classes == ("cat", "dog")
    path = manifest(*GOOD, "cat/1.png,é", encoding="latin-1")
    with pytest.raises(BadInput, match=r"pets\.csv: line 4: .*not UTF-8; .*--encoding"):
        load_dataset(path)
    assert "é" in load_dataset(path, encoding="latin-1").classes


def test_the_label_is_not_named_by_both_options(manifest):
    path = manifest("path,breed", "cat/0.png,tom", "dog/0.png,rex")
    with pytest.raises(BadInput, match="--label breed: --columns label=x says another"):
        load_dataset(path, label="breed", columns={"label": "x"})


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_other_columns(manifest, separator):
    lines = (
        ("note", "label", "path", "note"),
        ('"a, b; c"', "cat", "cat/0.png", ""),
        ("", "dog", "dog/0.png", "é"),
    )
    data = load_dataset(manifest(*(separator.join(cells) for cells in lines)))
    assert data.ids.tolist() == ["cat/0.png", "dog/0.png"]
    assert data.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("header", "used"),
    [
        ("filename,label,id", 0),
        ("id,label,path", 2),
        ("image,label,filename", 2),
    ],
)
def test_what_stands_for_a_path(manifest, header, used):
    row = "{0}/0.png,{0},x" if used == 0 else "x,{0},{0}/0.png"
    lines = [row.format(name) for name in ("cat", "dog")]
    assert load_dataset(manifest(header, *lines)).ids.tolist() == ["cat/0.png", "dog/0.png"]


def test_columns_are_mapped_and_kept(manifest):
    columns = {"path": "photo", "label": "breed", "split": "fold"}
    lines = ("path;breed;fold;photo;label", "x;cat;train;cat/0.png;y", "x;dog;train;dog/0.png;y")
    data = load_dataset(manifest(*lines, "x;dog;val;dog/1.png;y"), columns=columns, limit=2)
    assert data.ids.tolist() == ["cat/0.png", "dog/0.png"]
    assert data.held_out is not None
    assert data.held_out.ids.tolist() == ["dog/1.png"]
    ref = data.ref()
    assert ref.columns == columns
    assert load_dataset(ref.source, limit=2, **ref.load_options().model_dump()).ref() == ref


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": "photos"}, r"pets\.csv: no column photos \(did you mean photo\?\).*--columns path=NAME"),
        ({"paht": "photo"}, r"--columns paht=photo: a manifest has no 'paht' \(did you mean path"),
        ({"path": 3}, "columns: give names by names"),
        (["path"], "columns: give names by names"),
    ],
)
def test_wrong_columns(manifest, columns, message):
    with pytest.raises(BadInput, match=message):
        load_dataset(manifest("photo,label", "cat/0.png,cat", "dog/0.png,dog"), columns=columns)
