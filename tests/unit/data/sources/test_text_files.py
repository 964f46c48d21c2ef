"""Class folders of texts in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput

FILES = {"ham/b.txt": "See you\nat ten\n", "ham/a.TXT": " Ünïcode", "spam/sub/c.txt": "WIN"}


def written(root: Path, files: dict[str, str] = FILES, encoding: str = "utf-8") -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))
    return root


def test_texts_are_as_they_are_in_their_files(tmp_path):
    data = load_dataset(written(tmp_path / "mail"))
    assert data.kind.name == "text"
    assert data.ids.tolist() == ["ham/a.TXT", "ham/b.txt", "spam/sub/c.txt"]
    assert data.stored.texts() == [" Ünïcode", "See you\nat ten\n", "WIN"]
    assert data.classes == ("ham", "spam")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.stored.name(2).endswith("/mail/spam/sub/c.txt")
    assert load_dataset(data.source, **data.ref().load_options().model_dump()).ref() == data.ref()


def test_splits_and_other_files(tmp_path):
    written(tmp_path / "mail" / "train", {**FILES, "ham/notes.md": "# no text"})
    written(tmp_path / "mail" / "test", {"ham/z.txt": "late"})
    data = load_dataset(tmp_path / "mail")
    assert data.ids.tolist()[0] == "train/ham/a.TXT"
    assert data.held_out is not None
    assert data.held_out.ids.tolist() == ["test/ham/z.txt"]
    assert data.other_files == ("train/ham/notes.md",)
    assert data.notes == (
        "1 file left out, since by name it is no text that can be read: train/ham/notes.md",
    )


def test_a_picture_among_them_makes_it_a_folder_of_pictures(tmp_path, picture):
    root = written(tmp_path / "mail")
    picture(3).save(root / "ham" / "a.png")
    with pytest.raises(BadInput, match="class 'spam' has no image"):
        load_dataset(root)


def test_other_encodings(tmp_path):
    root = written(tmp_path / "mail", encoding="utf-16")
    with pytest.raises(BadInput, match=r"ham/a\.TXT: line 1 is not in UTF-8 \(--encoding names its own"):
        load_dataset(root)
    data = load_dataset(root, encoding="utf-16")
    assert data.stored.texts()[0] == " Ünïcode"
    assert data.ref().encoding == "utf-16"
    with pytest.raises(BadInput, match=r"ham/a\.TXT: line 1 is not in ascii, and 2 more cannot be read: "):
        load_dataset(root, encoding="ascii")


def test_what_cannot_be_read_is_named_or_left_out(tmp_path):
    root = written(tmp_path / "mail", {**FILES, "ham/d.txt": " \n", "spam/e.txt": "ok"})
    (root / "spam" / "e.txt").write_bytes(b"one\ntwo \xff")
    more = r"ham/d\.txt: the text is empty, and 1 more cannot be read: spam/e\.txt; mend them, or use --skip"
    with pytest.raises(BadInput, match=more):
        load_dataset(root)
    (root / "ham" / "d.txt").write_text("full")
    with pytest.raises(BadInput, match=r"spam/e\.txt: line 2 is not in UTF-8"):
        load_dataset(root)
    data = load_dataset(root, skip_unreadable=True)
    assert data.unreadable == ("spam/e.txt",)
    assert data.labels.tolist() == [0, 0, 0, 1]
    assert data.stored.name(3).endswith("/mail/spam/sub/c.txt")


def test_an_encoding_is_for_texts(folder):
    with pytest.raises(BadInput, match="holds images, which have no encoding; leave out --encoding"):
        load_dataset(folder, encoding="latin-1")


def test_nothing_that_can_be_read(tmp_path):
    root = written(tmp_path / "mail", {"ham/a.txt": "", "spam/b.txt": ""})
    with pytest.raises(BadInput, match="no text in it can be read"):
        load_dataset(root, skip_unreadable=True)
