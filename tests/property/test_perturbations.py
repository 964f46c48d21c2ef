from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy as np
import torch
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from easiness.inputs.image.preparation import global_contrast_normalization
from easiness.perturb import Case, Color, Order, Radial, Shuffle

shapes = st.tuples(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9))


def of_shape(shape: tuple[int, ...]) -> st.SearchStrategy[torch.Tensor]:
    values = st.floats(0, 1, allow_subnormal=False)
    return hnp.arrays(np.float64, shape, elements=values).map(torch.from_numpy)


images = shapes.flatmap(of_shape)
shares = st.floats(0, 1)
tiles = st.one_of(st.floats(0.01, 1), st.integers(1, 12).map(lambda n: 1 / n))
radii = st.one_of(st.floats(0, 8), st.integers(0, 50).map(math.sqrt))
seeds = st.integers(0, 2**40)
ids = st.one_of(
    st.lists(st.integers(-(2**63), 2**64), min_size=4, max_size=4, unique=True),
    st.lists(st.text(max_size=5), min_size=4, max_size=4, unique=True),
)
texts = st.one_of(
    st.text(max_size=60), st.lists(st.text("aBc'-., é1", max_size=6), max_size=12).map(" ".join)
)
windows = st.integers(0, 12)
example_ids: st.SearchStrategy[Any] = st.one_of(st.integers(-(2**63), 2**64), st.text(max_size=5))
checked = settings(deadline=None, max_examples=60)


def energy(batch: torch.Tensor) -> torch.Tensor:
    return batch.square().sum((2, 3))


def radial_as_printed(batch: torch.Tensor, radius: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The whole spectrum, shifted, masked and shifted back: image [b, c, h, w] and energy kept [b, c]."""
    height, width = batch.shape[2:]
    shifted = np.fft.fftshift(np.fft.fft2(batch.numpy()), axes=(2, 3))
    i, j = np.arange(height)[:, None], np.arange(width)
    shifted = shifted * (np.hypot(i - height // 2, j - width // 2) <= radius + 1e-9)
    out = np.fft.ifft2(np.fft.ifftshift(shifted, axes=(2, 3)))
    kept = (np.abs(shifted) ** 2).sum((2, 3)) / (height * width)  # Parseval
    assert np.abs(out.imag).max() < 1e-12
    return torch.from_numpy(out.real), torch.from_numpy(kept)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@given(images, st.data())
@checked
def test_neutral_levels_change_no_bit(batch: torch.Tensor, data: st.DataObject) -> None:
    batch = batch.to(data.draw(st.sampled_from([torch.float32, torch.float64])))
    largest = math.hypot(batch.shape[2] // 2, batch.shape[3] // 2)
    for neutral in (Color(1), Shuffle(1), Radial(largest), Radial(largest + 1)):
        out = neutral(batch, ids=range(len(batch)))
        assert out.dtype == batch.dtype
        assert torch.equal(out, batch)


@given(images, shares, tiles, radii, ids, seeds)
@checked
def test_images_do_not_depend_on_their_batch_and_are_left_alone(
    batch: torch.Tensor, alpha: float, tile: float, radius: float, names: list[int] | list[str], seed: int
) -> None:
    before, names = batch.clone(), names[: len(batch)]
    for transform in (Color(alpha), Shuffle(tile, seed), Radial(radius)):
        together = transform(batch, ids=names)
        assert together.shape == batch.shape
        backwards = transform(batch.flip(0), ids=names[::-1]).flip(0)
        close(backwards, together)
        for i in range(len(batch)):
            close(transform(batch[i : i + 1], ids=names[i : i + 1])[0], together[i])
        assert torch.equal(batch, before)


@given(images, shares, shares)
@checked
def test_color_moves_in_a_line_to_grey_and_keeps_the_mean(batch: torch.Tensor, a: float, b: float) -> None:
    close(Color(a)(batch).mean(1), batch.mean(1))
    grey = Color(0)(batch)
    assert (grey == grey[:, :1]).all()
    close(grey, batch.sum(1, keepdim=True).expand_as(batch) / batch.shape[1])
    close(Color((a + b) / 2)(batch), (Color(a)(batch) + Color(b)(batch)) / 2)
    close(Color(a)(Color(b)(batch)), Color(a * b)(batch))
    assert Color(a)(batch).min() >= -1e-15
    assert Color(a)(batch).max() <= 1 + 1e-15


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), ids, seeds)
@checked
def test_shuffle_permutes_whole_tiles_and_keeps_the_border(
    height: int, width: int, n: int, names: list[int] | list[str], seed: int
) -> None:
    assume(n <= min(height, width))
    image = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)
    out = Shuffle(1 / n, seed)(image, ids=names[:1])[0, 0].long()
    image = image[0, 0].long()
    tall, wide = height // n, width // n
    assert torch.equal(out[n * tall :], image[n * tall :])
    assert torch.equal(out[:, n * wide :], image[:, n * wide :])
    sources = set()
    for y in range(0, n * tall, tall):
        for x in range(0, n * wide, wide):
            top, left = divmod(int(out[y, x]), width)
            assert top % tall == left % wide == 0
            sources.add((top, left))
            moved = image[top : top + tall, left : left + wide]
            assert torch.equal(out[y : y + tall, x : x + wide], moved)
    assert len(sources) == n * n


@given(ids, seeds)
@checked
def test_shuffle_differs_between_ids_and_between_seeds(names: list[int] | list[str], seed: int) -> None:
    image = torch.arange(64, dtype=torch.float32).view(1, 1, 8, 8).repeat(4, 1, 1, 1)
    one, other = (Shuffle(0.125, s)(image, ids=names) for s in (seed, seed + 1))
    assert len(torch.unique(torch.cat([one, other]).flatten(1), dim=0)) == 8  # of 64! orders
    assert torch.equal(one, Shuffle(0.125, seed)(image, ids=names))


@given(images, radii)
@checked
def test_radial_is_the_masked_spectrum_and_keeps_its_energy(batch: torch.Tensor, radius: float) -> None:
    low = Radial(radius)(batch)
    expected, kept = radial_as_printed(batch, radius)
    close(low, expected)
    torch.testing.assert_close(energy(low), kept, rtol=1e-9, atol=1e-9)
    assert (energy(low) <= energy(batch) + 1e-9).all()
    close(low.mean((2, 3)), batch.mean((2, 3)))
    assert low.dtype == batch.dtype


@given(images, radii, st.integers(-3, 3), st.integers(-3, 3))
@checked
def test_radial_knows_no_side_and_no_place(batch: torch.Tensor, radius: float, down: int, right: int) -> None:
    """Odd and even sizes alike: the distance is the same at opposite frequencies, the fastest included."""
    low = Radial(radius)(batch)
    for axis in (2, 3):
        close(Radial(radius)(batch.flip(axis)), low.flip(axis))
    close(Radial(radius)(batch.transpose(2, 3)), low.transpose(2, 3))
    close(Radial(radius)(batch.roll((down, right), (2, 3))), low.roll((down, right), (2, 3)))


WORD = r"\w+(?:(?:['’.-]|(?<=\d),(?=\d))\w+)*"


def words(text: str) -> list[str]:
    return re.findall(WORD, text)


def woven(between: list[str], some: list[str]) -> str:
    """A text of these words with what is between them, before the first and behind the last."""
    return between[0] + "".join(word + after for word, after in zip(some, between[1:], strict=True))


@given(texts, windows, seeds, example_ids)
@checked
def test_order_keeps_every_word_and_all_between(text: str, window: int, seed: int, example: Any) -> None:
    """The order is that of as many names: digits on both sides of a lone comma would read as one word."""
    between, kept = re.split(WORD, text), words(text)
    names = [f"w{at}w" for at in range(len(kept))]
    (made,), (named,) = (Order(window, seed)([woven(between, some)], ids=[example]) for some in (kept, names))
    places = [names.index(name) for name in words(named)]
    assert sorted(places) == list(range(len(kept)))
    assert made == woven(between, [kept[at] for at in places])
    for at in range(0, len(kept), window or 1000):
        part = slice(at, at + (window or 1000))
        assert Counter(places[part]) == Counter(range(len(kept))[part])
    assert re.split(WORD, named) == between


@given(texts, seeds, example_ids)
@checked
def test_neutral_levels_change_nothing(text: str, seed: int, example: Any) -> None:
    assert Order(1, seed)([text], ids=[example]) == [text]
    assert Case(0, seed)([text], ids=[example]) == [text]


@given(texts, shares, seeds, example_ids)
@checked
def test_case_keeps_the_letters(text: str, share: float, seed: int, example: Any) -> None:
    (made,) = Case(share, seed)([text], ids=[example])
    assert made.casefold() == text.casefold()


@given(st.lists(texts, min_size=2, max_size=5), windows, shares, seeds)
@checked
def test_an_example_does_not_depend_on_the_others(
    some: list[str], window: int, share: float, seed: int
) -> None:
    names = list(range(len(some)))
    for transform in (Order(window, seed), Case(share, seed)):
        made = transform(some, ids=names)
        assert transform(some[::-1], ids=names[::-1]) == made[::-1]
        assert transform(some[1:], ids=names[1:]) == made[1:]


stored_shapes = st.tuples(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(1, 7), st.integers(1, 7))
stored = stored_shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape))


@given(stored, st.floats(0.1, 10), st.floats(-1, 1))
@settings(deadline=None, max_examples=60)
def test_normalized_images_have_mean_0_deviation_1_and_forget_contrast(images, gain, offset):
    values = torch.from_numpy(images).double() / 255
    seen = global_contrast_normalization(values, 1e-12)
    flat = seen.view(len(images), -1)
    np.testing.assert_allclose(flat.mean(1), 0, atol=1e-6)
    constant = values.view(len(images), -1).std(1, correction=0) < 1e-9
    np.testing.assert_allclose(flat.std(1, correction=0), torch.where(constant, 0.0, 1.0), atol=1e-6)
    changed = global_contrast_normalization(gain * values + offset, 1e-12)
    np.testing.assert_allclose(changed, seen, atol=1e-6)
