from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import images_of

X, Y = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5), np.array([0, 1, 0, 1])


def member(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An array as it lies in the file, with a header as somebody may write it."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def whole(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def make(x: bytes, how: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "a.npz"
        with zipfile.ZipFile(path, "w", how) as zipped:
            zipped.writestr("x.npy", x)
            zipped.writestr("y.npy", whole(Y))
        return path

    return make


def described(shape: str, dtype: str = "'|u1'") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            member(described("(1152921504606846976,)"), bytes(99)),
            "x: no array that can be read .an array of shape .115292150",
        ),
        (
            member(described("(2048, 1048576, 1048576)"), bytes(99)),
            "x: no array that can be read .an array of shape .2048",
        ),
        (member(described(f"({10**30}, 0)")), "x: no array that can be read"),
        (member(described("(4611686018427387904,)", "'<U0'")), "x: no array that can be read"),
        (member(described("(-4, 6, 5)"), bytes(120)), "x: no array that can be read .an array of shape .-4"),
        (member("{'descr': open('x'), }"), "x: no array that can"),
        (member("[" * 900), "x: no array that can"),
        (member("{" * 60000), "x: no array that can"),
        (member("1 +"), "x: no array that can"),
        (member("\0\0\0"), "x: no array that can"),
        (member(described("(4, 6, 5)", "'|O'"), b"\x80\x04]."), "x is an array of objects"),
        (member(described("(4, 6, 5)", "[('a', '|O')]")), "x is an array of objects"),
        (
            member(described("(4, 6, 5)"), bytes(120), b"\x03\x00"),
            "x: no array that can be read .format 3.0",
        ),
        (
            member(described("(4, 6, 5)"), bytes(119)),
            "x: no array that can be read .an array of shape .4, 6",
        ),
        (b"", "x: no array that can"),
        (b"hello", "x: no array that can"),
    ],
)
def test_a_header_that_lies_is_refused(file, content: bytes, message: str):
    with pytest.raises(BadInput, match=rf"a\.npz: {message}") as refused:
        load_dataset(file(content))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_members_may_be_packed(file, how):
    np.testing.assert_array_equal(images_of(load_dataset(file(whole(X), how))).numpy()[:, 0], X)


def test_a_header_of_python_2_is_read_without_a_word(file):
    np.testing.assert_array_equal(
        load_dataset(file(member(described("(4L, 6L, 5L)"), X.tobytes()))).array[..., 0], X
    )


def test_what_needs_more_than_there_is_is_refused_before_it_is_unpacked(
    file, monkeypatch: pytest.MonkeyPatch
):
    """A bomb: two million zeros in two thousand bytes."""
    path = file(whole(np.zeros((2000, 32, 32), np.uint8)), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**22)  # twice as much
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(BadInput, match=r"a\.npz: its arrays: "):
        load_dataset(path)


def test_a_member_that_says_it_is_larger_than_what_it_unpacks_to(file):
    path = file(member(described("(1000, 6, 5)"), bytes(120)), zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"PK\x01\x02"))  # of x in the directory
    content[at + 24 : at + 28] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.npz: x: is damaged"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("at", "changed"), [(6, b"\x63"), (9, b"\x08")], ids=["a later version", "a name in another encoding"]
)
def test_a_list_of_contents_that_no_parser_takes_is_refused(file, at: int, changed: bytes):
    """In the entry of x.npy: the version needed, and a flag for names in UTF-8, which this is not."""
    path = file(whole(X))
    content = path.read_bytes()
    entry = content.index(b"PK\x01\x02")
    content = content[: entry + at] + changed + content[entry + at + 1 :]
    path.write_bytes(content[: entry + 46] + b"\xff" + content[entry + 47 :])
    with pytest.raises(BadInput, match=r"a\.npz: not an \.npz file that can be read .*; save it with"):
        load_dataset(path)


def test_ids_that_are_too_large_are_refused(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez(path, x=X, y=Y, ids=np.array([0, 1, 2, 2**64 - 1], np.uint64))
    with pytest.raises(BadInput, match=r"a\.npz: ids: 18446744073709551615 is above 9223372036854775807"):
        load_dataset(path)
