from __future__ import annotations

import itertools

import pytest

from easiness.inputs.image.scan import ImageHeader, ImageTraits, scan


def headers(*sizes: tuple[int, int], grey: bool = False) -> list[ImageHeader]:
    return [ImageHeader(*size, grey) for size in sizes]


def test_one_size():
    assert scan(headers((4, 6), (4, 6))) == ImageTraits(3, (4, 6), 4)
    assert scan(headers((4, 6), grey=True)) == ImageTraits(1, (4, 6), 4)
    assert scan([]) is None


def test_sizes_that_differ_and_the_usual_short_side():
    # short sides 5, 4, 3, 9: the lower of the two in the middle
    assert scan(headers((5, 6), (6, 4), (3, 3), (9, 10))) == ImageTraits(3, None, 4)
    # the same sizes upright and across differ
    assert scan(headers((4, 6), (6, 4))).size is None  # type: ignore[union-attr]


def test_grey_only_if_all_are():
    assert scan([ImageHeader(4, 4, True), ImageHeader(4, 4, False), ImageHeader(4, 4, True)]).channels == 3  # type: ignore[union-attr]
    assert scan(itertools.repeat(ImageHeader(4, 4, True), 300)).channels == 1  # type: ignore[union-attr]


def test_one_odd_picture_at_the_end_is_seen():
    same = [ImageHeader(4, 4, True)] * 1000
    assert scan([*same, ImageHeader(4, 5, True)]) == ImageTraits(1, None, 4)
    assert scan([*same, ImageHeader(4, 4, False)]) == ImageTraits(3, (4, 4), 4)


def test_it_stops_when_nothing_more_can_be_learned():
    taken = []

    def stream():
        for i in itertools.count():
            taken.append(i)
            yield ImageHeader(4, 4 + i % 2, False)

    assert scan(stream()) == ImageTraits(3, None, 4)
    assert len(taken) == 257


@pytest.mark.parametrize(
    ("found", "recipe"),
    [
        (ImageTraits(3, (32, 32), 32), {}),
        (ImageTraits(1, (127, 500), 127), {}),
        (ImageTraits(3, (128, 128), 128), {"crop": 224, "translation": 0.0, "batch_size": 64}),
        (ImageTraits(3, None, 300), {"crop": 224, "translation": 0.0, "batch_size": 64}),
        (ImageTraits(3, None, 40), {"crop": 40, "translation": 0.0}),
    ],
)
def test_settings_for_photos(found, recipe):
    assert found.recipe() == recipe


def test_two_splits():
    train, same, other = ImageTraits(3, (4, 4), 4), ImageTraits(3, (4, 4), 4), ImageTraits(3, (9, 9), 9)
    assert train.joined(same, "x", ("train", "test")) == train
    assert train.joined(other, "x", ("train", "test")) == ImageTraits(3, None, 4)
