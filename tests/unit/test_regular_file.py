from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from easiness import regular_file
from easiness.regular_file import at_home, open_growing, open_regular, read_regular, text_lines


def test_a_file_is_read_whole_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "a", 3) == read_regular(tmp_path / "link", 3) == b"abc"
    with open_regular(tmp_path / "a") as file:
        assert file.read(2) == b"ab"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Of a terabyte, which takes no room."""
    with (tmp_path / "a").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="larger than 4 KiB"):
        read_regular(tmp_path / "a", 4096)


def test_what_is_no_file_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    for name, reason in {
        "pipe": "it is a pipe and no file",
        "/dev/zero": "it is a device and no file",
        "socket": "No such device or address",
        ".": "Is a directory",
        "none": "No such file",
        "a\0b": "no file has such a name",
        "\ud800": "no file has such a name",
    }.items():
        with pytest.raises(OSError, match=reason):
            open_regular(Path(name))


def test_lines_keep_their_ends_and_lose_the_mark_of_the_byte_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffä\r\nb\n\nc".encode())
    assert list(text_lines(tmp_path / "a")) == ["ä\r\n", "b\n", "\n", "c"]
    (tmp_path / "b").write_bytes(b"\xff\n")
    with pytest.raises(UnicodeDecodeError):
        list(text_lines(tmp_path / "b"))
    assert list(text_lines(tmp_path / "b", errors="surrogateescape")) == ["\udcff\n"]


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "MOST_IN_A_LINE", 6)
    (tmp_path / "a").write_text("abcd\nabcde")
    assert list(text_lines(tmp_path / "a")) == ["abcd\n", "abcde"]
    (tmp_path / "a").write_text("abcd\nabcdef")
    with pytest.raises(OSError, match="line 2 is longer"):
        list(text_lines(tmp_path / "a"))


def test_home_folders_that_nobody_has_are_names_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert at_home("~/photos") == Path("/home/me/photos")
    assert at_home("~nobody-has-this-name/photos") == Path("~nobody-has-this-name/photos")


def test_what_grows_in_place_is_no_link_and_no_pipe(tmp_path: Path) -> None:
    for text in (b"first", b"again"):
        with open_growing(tmp_path / "new") as file:
            assert file.read() == (b"" if text == b"first" else b"first")
            file.seek(0)
            file.write(text)
    assert (tmp_path / "new").read_bytes() == b"again"
    (tmp_path / "link").symlink_to(tmp_path / "new")
    (tmp_path / "to-nothing").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name, why in {"link": "a link", "to-nothing": "a link", "pipe": "a pipe"}.items():
        with pytest.raises(OSError, match=f"it is {why}"):
            open_growing(tmp_path / name)
    assert not (tmp_path / "elsewhere").exists()
