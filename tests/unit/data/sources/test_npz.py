"""Arrays, in memory and in .npz."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from easiness.data import load_dataset
from easiness.errors import BadInput
from pixels import images_of


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


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
        (member(described("(1152921504606846976,)"), bytes(99)), "x: .*shape .1152"),
        (member(described("(2048, 1048576, 1048576)"), bytes(99)), "x: .*shape .2048"),
        (member(described(f"({10**30}, 0)")), "x: no array that can be read"),
        (member(described("(4611686018427387904,)", "'<U0'")), "x: no array that can be read"),
        (member(described("(-4, 6, 5)"), bytes(120)), "x: no array that can be read .an array of shape .-4"),
        *((member(text), "x: no array that can") for text in ("{'descr': open('x'), }", "[" * 900, "\0\0\0")),
        (member(described("(4, 6, 5)", "'|O'"), b"\x80\x04]."), "x is an array of objects"),
        (member(described("(4, 6, 5)", "[('a', '|O')]")), "x is an array of objects"),
        (member(described("(4, 6, 5)"), bytes(120), b"\x03\x00"), "x: .*format 3.0"),
        (member(described("(4, 6, 5)"), bytes(119)), "x: .*shape .4, 6"),
        (b"", "x: no array that can"),
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
    path = file(whole(np.zeros((2000, 32, 32), np.uint8)), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**22)  # twice as much
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(BadInput, match=r"a\.npz: its arrays: "):
        load_dataset(path)


def test_npz_with_ids(tmp_path):
    path = tmp_path / "tiny.npz"
    np.savez(path, x=X, y=Y, ids=["d", "c", "b", "a"])
    data = load_dataset(path)
    assert data.name == "tiny"
    assert data.source == str(path)
    assert data.ids.tolist() == ["d", "c", "b", "a"]
    assert data.ids.dtype == object


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": None}, r"a\.npz: no array named x \(found y\)"),
        ({"x_test": pixels(2, 6, 5)}, "no array named y_test"),
        ({"ids": [1, 2, 2, 3]}, "id 2 occurs more than once"),
        ({"ids": [1, 2, 3]}, "4 examples but 3 ids"),
        ({"ids": np.array([0, 1, 2, 2**64 - 1], np.uint64)}, "ids: 18446744073709551615 is above 922337203"),
        ({"ids": [1.0, 2.0, 3.0, 4.0]}, "ids: are not a list of integers or strings"),
        ({"classes": [1, 2]}, "classes are not a list of strings"),
        ({"classes": ["a", "b", "c"]}, r"class 'c' \(label 2\) has no example"),
        ({"x_test": pixels(2, 6, 5), "y_test": [0, 2]}, r"y_test: row 1: label 2 is out of range"),
        ({"x": np.array([{}, {}, {}, {}])}, r"a\.npz: x is an array of objects, which would have to be unp"),
    ],
)
def test_wrong_npz(tmp_path, changes, message):
    content = {"x": X, "y": Y, **changes}
    np.savez(tmp_path / "a.npz", **{key: value for key, value in content.items() if value is not None})
    with pytest.raises(BadInput, match=message):
        load_dataset(tmp_path / "a.npz")


def test_not_a_zip_and_a_damaged_one(tmp_path):
    path = tmp_path / "a.npz"
    np.save(tmp_path / "a.npy", Y)
    (tmp_path / "a.npy").rename(path)
    with pytest.raises(BadInput, match=r"a\.npz: not an \.npz file"):
        load_dataset(path)
    np.savez_compressed(path, x=pixels(40, 60, 50), y=Y)
    content = bytearray(path.read_bytes())
    content[500:600] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.npz: .*damaged"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 3, 6, 3), "4x3x6x3 could have its channels first or last"),
        ((4, 1, 6, 3), "could have its channels first or last"),
        ((4, 6, 5, 4), "4x6x5x4 has no axis of 1 or 3 channels"),
        ((4, 6), "shape 4x6 of uint8; give"),
        ((4, 2, 6, 5, 3), "shape 4x2x6x5x3 of uint8; give"),
        ((0, 6, 5, 3), "holds no pixels"),
        ((4, 0, 5), "holds no pixels"),
    ],
)
def test_shapes_that_would_be_a_guess(shape, message):
    with pytest.raises(BadInput, match=message):
        load_dataset((pixels(*shape), Y))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_rounded_to_255ths(dtype):
    x = np.array([[[0, 1], [0.5, 0.25]], [[0.2, 0.9999], [0, 0]]], dtype)
    # 0.5 * 255 = 127.5 goes to the even 128, 0.25 * 255 = 63.75 to 64, 0.2 * 255 = 51
    expected = [[[[0, 255], [128, 64]]], [[[51, 255], [0, 0]]]]
    assert images_of(load_dataset((x, [0, 1]))).tolist() == expected


def test_more_examples_than_are_converted_at_a_time():
    x = np.linspace(0, 1, 3000).reshape(3000, 1, 1).repeat(2, axis=1)
    x[2500, 1, 0] = 1.5
    with pytest.raises(BadInput, match=r"example 2500: .* 1\.5"):
        load_dataset((x, np.arange(3000) % 2))
    x[2500, 1, 0] = 0
    images = images_of(load_dataset((x, np.arange(3000) % 2)))
    assert images[2999, 0, 0, 0] == 255
    assert images[1500, 0, 0, 0] == round(1500 / 2999 * 255)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "example 2: has a pixel that is not finite"),
        (np.inf, "example 2: has a pixel that is not finite"),
        (-0.01, r"example 2: has a pixel of -0\.01; floats must be in \[0, 1\]"),
        (255.0, r"example 2: has a pixel of 255; floats must be in \[0, 1\] \(divide by 255"),
    ],
)
def test_pixels_out_of_range(value, message):
    x = np.full((4, 6, 5), 0.5, np.float32)
    x[2, 3, 3] = value
    with pytest.raises(BadInput, match=message):
        load_dataset((x, Y))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.bool_, np.uint16, np.complex64])
def test_other_pixel_types(dtype):
    with pytest.raises(BadInput, match=f"pixels of dtype {np.dtype(dtype)}"):
        load_dataset((np.ones((4, 6, 5), dtype), Y))


def test_torch_arrays_and_a_copy_of_either_kind():
    x = torch.from_numpy(pixels(4, 3, 6, 5))
    data = load_dataset((x, torch.tensor(Y)))
    copy = x.clone()
    x.zero_()
    assert torch.equal(images_of(data), copy)
    assert data.labels.tolist() == Y.tolist()
    array = copy.numpy()
    data = load_dataset((array, Y))
    array[:] = 0
    assert images_of(data).any()
    half = load_dataset((torch.full((4, 3, 6, 5), 0.5, dtype=torch.bfloat16), Y))
    assert images_of(half).unique().tolist() == [128]


def test_held_out_of_another_shape(tmp_path):
    np.savez(tmp_path / "a.npz", x=pixels(4, 6, 5), y=Y, x_test=pixels(2, 8, 5), y_test=[0, 1])
    data = load_dataset(tmp_path / "a.npz")
    assert data.traits.shape is None
    assert data.held_out is not None
    assert data.held_out.stored.traits.shape == (1, 8, 5)
    np.savez(tmp_path / "b.npz", x=pixels(4, 6, 5), y=Y, x_test=pixels(2, 6, 5, 3), y_test=[0, 1])
    with pytest.raises(BadInput, match=r"train and of test have 1 and 3 channels"):
        _ = load_dataset(tmp_path / "b.npz").traits


def test_held_out_pairs_that_do_not_fit():
    with pytest.raises(BadInput, match="held_out y: row 1: label 2"):
        load_dataset((pixels(4, 6, 5), Y), held_out=(pixels(2, 6, 5), [1, 2]))
    with pytest.raises(BadInput, match=r"held_out x: .*int64"):
        load_dataset((pixels(4, 6, 5), Y), held_out=(pixels(2, 6, 5).astype(int), [1, 1]))
    with pytest.raises(BadInput, match=r"held_out: .*pair of arrays"):
        load_dataset((pixels(4, 6, 5), Y), held_out=pixels(2, 6, 5))
