from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.inputs.image.stored import to_pixels
from pixels import images_of

Y = np.array([0, 1, 1, 0])


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_layouts():
    grey = pixels(4, 6, 5)
    assert (to_pixels(grey, "x") == grey[:, None]).all()
    last = pixels(4, 6, 5, 3)
    assert (to_pixels(last, "x") == last.transpose(0, 3, 1, 2)).all()
    first = pixels(4, 3, 6, 5)
    assert (to_pixels(first, "x") == first).all()
    assert to_pixels(pixels(4, 6, 5, 1), "x").shape == (4, 1, 6, 5)
    assert to_pixels(pixels(4, 1, 6, 5), "x").shape == (4, 1, 6, 5)


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


def test_object_arrays():
    x = np.empty(4, object)
    with pytest.raises(BadInput, match=r"x: .*array of objects"):
        load_dataset((x, Y))
    with pytest.raises(BadInput, match="labels have dtype object"):
        load_dataset((pixels(4, 6, 5), Y.astype(object)))
    with pytest.raises(BadInput, match="x: cannot be made"):
        load_dataset(([[1, 2], [3]], Y))


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
    with pytest.raises(BadInput, match=r"train have 1 channel .*test 3"):
        _ = load_dataset(tmp_path / "b.npz").traits


def test_held_out_pairs_that_do_not_fit():
    with pytest.raises(BadInput, match="held_out y: row 1: label 2"):
        load_dataset((pixels(4, 6, 5), Y), held_out=(pixels(2, 6, 5), [1, 2]))
    with pytest.raises(BadInput, match=r"held_out x: .*int64"):
        load_dataset((pixels(4, 6, 5), Y), held_out=(pixels(2, 6, 5).astype(int), [1, 1]))
    with pytest.raises(BadInput, match=r"held_out: .*pair of arrays"):
        load_dataset((pixels(4, 6, 5), Y), held_out=pixels(2, 6, 5))


def test_the_same_bytes_in_another_shape_are_other_images():
    wide, tall = pixels(4, 6, 5), pixels(4, 6, 5).reshape(4, 5, 6)
    assert load_dataset((wide, Y)).fingerprint != load_dataset((tall, Y)).fingerprint
