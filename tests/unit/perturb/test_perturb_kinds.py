from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from easiness.errors import BadInput
from easiness.perturb import (
    Case,
    Color,
    Order,
    Perturbation,
    Radial,
    Shuffle,
    Transform,
    find_kind,
    kinds,
    perturbation,
    register,
)
from easiness.perturb.registry import _own_kinds

numbers = itertools.count()
IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _own_register() -> Iterator[None]:
    known = list(_own_kinds)
    yield
    _own_kinds.clear()
    _own_kinds.extend(known)


def test_ours_are_known_and_built_by_name() -> None:
    assert kinds() == ("color", "radial", "shuffle", "order", "case")
    made: list[tuple[Perturbation, Transform]] = [
        (perturbation("color", 0.5), Color(0.5)),
        (perturbation("shuffle", 0.5, seed=3), Shuffle(0.5, seed=3)),
        (perturbation("radial", 2), Radial(2)),
    ]
    for built, ours in made:
        assert built.transform == ours
        assert torch.equal(built(IMAGES, ids=[0, 1]), ours(IMAGES, ids=[0, 1]))
    assert perturbation("color", 0.5) == perturbation("color", 0.5) != perturbation("color", 0.6)
    with pytest.raises(BadInput, match=r"color alpha 2: not in \[0, 1\]"):
        perturbation("color", 2)


@pytest.mark.parametrize(
    ("kind", "shape", "levels"),
    [
        ("color", (3, 32, 32), (1, 0.75, 0.5, 0.25, 0)),
        ("shuffle", (3, 32, 32), (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)),
        ("shuffle", (1, 8, 8), (1, 1 / 2, 1 / 4, 1 / 8)),
        ("shuffle", (3, 28, 28), (1, 1 / 2, 1 / 4, 1 / 8)),  # 16 of 28 pixels would be less than 3/4
        ("radial", (3, 32, 32), (23, 16, 8, 4, 2, 1)),
        ("radial", (1, 7, 9), (5, 3.5, 1.75)),
    ],
)
def test_default_levels_by_hand(kind: str, shape: tuple[int, int, int], levels: tuple[float, ...]) -> None:
    assert find_kind(kind).levels(shape) == levels


def test_each_kind_of_examples_has_its_own() -> None:
    assert kinds("image") == ("color", "radial", "shuffle")
    assert kinds("sound") == ("radial", "shuffle")
    assert kinds("text") == ("order", "case")
    assert kinds("vector") == ()
    assert perturbation("shuffle", 0.5, of="sound").transform == Shuffle(0.5, in_time=True)
    assert perturbation("shuffle", 0.5, of="image").transform == Shuffle(0.5)
    assert perturbation("order", 2, seed=1).transform == Order(2, seed=1)
    assert perturbation("case", 0.5).transform == Case(0.5)
    assert find_kind("shuffle", "sound").label == "tile (share of the time)"
    # of a sound of 40 bands and 99 frames, the frames alone decide
    assert find_kind("shuffle", "sound").levels((1, 40, 99)) == (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
    assert find_kind("order").levels(()) == (1, 2, 4, 8, 0)
    assert find_kind("case").levels(()) == (0, 0.25, 0.5, 1)
    assert find_kind("order").in_order([0, 3], ()) == (1, 3, 0)
    with pytest.raises(BadInput, match="'color': does not fit examples of kind sound; give one of radial"):
        perturbation("color", 1, of="sound")
    with pytest.raises(BadInput, match="'order': does not fit examples of kind vector; none does"):
        perturbation("order", 1, of="vector")


def add(level: float) -> Callable[..., torch.Tensor]:
    return lambda images, ids=None: images + level  # noqa: ARG005


def test_a_users_own_in_a_few_lines() -> None:
    register("brighten", levels=(0.5, 0.2), neutral=0)(add)
    assert kinds()[-1] == "brighten"
    assert find_kind("brighten").levels((3, 8, 8)) == (0, 0.2, 0.5)
    assert find_kind("brighten").label == "brighten"
    assert torch.equal(perturbation("brighten", 0.2)(IMAGES, ids=[0, 1]), IMAGES + 0.2)
    register("shift", levels=(-2, 2), neutral=0)(add)  # levels on both sides ascend
    assert find_kind("shift").levels((3, 8, 8)) == (-2, 0, 2)
    register("noise", levels=(1,), neutral=0, seeded=True)(lambda level, seed: add(level + seed))
    assert torch.equal(perturbation("noise", 1, seed=2)(IMAGES), IMAGES + 3)


def test_a_users_own_of_texts() -> None:
    @register("shorten", levels=(4, 2), neutral=99, kinds=("text",))
    def shorten(level: float) -> Callable[..., list[str]]:
        return lambda texts, ids=None: [text[: int(level)] for text in texts]  # noqa: ARG005

    assert kinds("text")[-1] == "shorten" not in kinds("image")
    assert find_kind("shorten").levels(()) == (99, 4, 2)
    assert perturbation("shorten", 2)(["abc", "d"], ids=[0, 1]) == ["ab", "d"]
    assert shorten(1)(["xy"]) == ["x"]


@pytest.mark.parametrize("returned", [["one"], "two", [b"b", "c"]])
def test_what_is_returned_for_texts_is_checked(returned: object) -> None:
    register("odd", levels=(1,), neutral=0, kinds=("text",))(lambda level: lambda texts, ids=None: returned)  # noqa: ARG005
    with pytest.raises(BadInput, match=r"'odd' at level 1: returned .*; return a list of 2 texts"):
        perturbation("odd", 1)(["a", "b"], ids=[0, 1])


def test_unknown_kinds_and_bad_registrations() -> None:
    for level in (1, 2):  # one's own alone are replaced
        register("again", levels=(level,), neutral=0)(add)
    assert find_kind("again").levels((1, 1, 1)) == (0, 2)
    with pytest.raises(BadInput, match="'color': exists already"):
        register("color", levels=(1,), neutral=0)(add)
    with pytest.raises(BadInput, match=r"'colour': .*mean color"):
        perturbation("colour", 0.5)
    with pytest.raises(BadInput, match="level nan"):
        perturbation("color", float("nan"))
    with pytest.raises(BadInput, match=r"perturbation name 'My:Blur'"):
        register("My:Blur", levels=(1,), neutral=0)
    for fits in (("picture",), ()):
        with pytest.raises(BadInput, match=r"'blur': .*give some of image, sound, text"):
            register("blur", levels=(1,), neutral=0, kinds=fits)
    for levels, neutral in [((1, float("nan")), 0), ((1,), float("inf"))]:
        with pytest.raises(BadInput, match=r"'blur': level (nan|inf)"):
            register("blur", levels=levels, neutral=neutral)


def fails(level: float) -> Callable[..., torch.Tensor]:
    if level == 9:
        raise KeyError("nine")

    def transform(images: torch.Tensor, ids: object = None) -> object:  # noqa: ARG001
        return [1 / (1 - level), images[:, :1], images.int()][int(level) - 1]

    return transform  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (1, "raised ZeroDivisionError"),
        (2, r"returned torch.float32 \[2, 1, 8, 8\]; return floats \[2, 3, 8, 8\]"),
        (3, r"returned torch.int32 \[2, 3, 8, 8\]"),
        (9, "raised KeyError: 'nine'"),
    ],
)
def test_what_a_users_own_does_wrong_is_told_in_a_line(level: float, told: str) -> None:
    register("fails", levels=(1,), neutral=0)(fails)
    with pytest.raises(BadInput, match=f"perturbation 'fails' at level {level}: {told}"):
        perturbation("fails", level)(IMAGES)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> str:
        name = f"mykinds{next(numbers)}"
        Path(f"{name}.py").write_text(source)
        return name

    return write


def test_a_module_of_the_current_folder_registers_its_own(module: Callable[[str], str]) -> None:
    name = module(
        "from easiness.perturb import register\n"
        "@register('mirror', levels=(1,), neutral=0)\n"
        "def mirror(level):\n"
        "    return lambda images, ids=None: images.flip(3) if level else images\n"
    )
    built = perturbation(f"{name}:mirror", 1)
    assert built.kind == f"{name}:mirror"
    assert torch.equal(built(IMAGES), IMAGES.flip(3))
    assert find_kind("mirror") is find_kind(f"{name}:mirror")
    for wrong, said in ((f"{name}:miror", "mean mirror"), ("nowhere.at:all", "no module nowhere")):
        with pytest.raises(BadInput, match=said):
            perturbation(wrong, 1)


TEXT = "Who, in 1984, wrote “It's a long-lived lie” ?"
QUESTION = 'Who wrote "IBM\'s 360" in New York ?'


def test_words_in_the_other_case() -> None:
    assert Case(1)([QUESTION], ids=[0]) == ['who WROTE "ibm\'s 360" IN new york ?']
    assert Case(1)(["kapı straße"], ids=[0]) == ["kapı STRASSE"]  # a word that would not be the same stays
    mixed = "a b c d 1 2 3 4 中 文"  # the share is of words that have cases
    for share, num in ((0, 0), (0.25, 1), (0.5, 2), (1, 4)):
        assert sum(letter.isupper() for letter in Case(share)([mixed], ids=["x"])[0]) == num
    text = " ".join("abcdefghijklmnop")
    chosen = [set(filter(str.isupper, Case(share, 2)([text], ids=["x"])[0])) for share in (0.1, 0.3, 0.8)]
    assert chosen[0] < chosen[1] < chosen[2]
    made = [*Case(0.5)([text] * 2, ids=[1, 2]), *Case(0.5)([text], ids=["1"]), *Case(0.5, 1)([text], ids=[1])]
    assert len(set(made)) == 4


PIXEL = torch.tensor([0.9, 0.3, 0.0], dtype=torch.float64).view(1, 3, 1, 1)  # its grey is 0.4


def test_half_way_to_grey_by_hand_and_half_precision_is_widened() -> None:
    torch.testing.assert_close(Color(0.5)(PIXEL).flatten().tolist(), [0.65, 0.35, 0.2])
    image = torch.rand(1, 3, 2, 2)
    for dtype in (torch.float16, torch.bfloat16):
        same = Color(1)(image.to(dtype))
        assert same.dtype == torch.float32
        assert torch.equal(same, image.to(dtype).float())
    for dtype in (torch.float32, torch.float64):
        assert Color(0.5)(image.to(dtype)).dtype == dtype


def counting(height: int, width: int, num: int = 1) -> torch.Tensor:
    """Images [num, 1, height, width] whose pixels are 0, 1, 2, ..."""
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width).repeat(num, 1, 1, 1)


def test_tiles_have_the_same_order_in_every_process() -> None:
    corners = counting(4, 4, 3)
    out = Shuffle(0.5)(corners, ids=["a/ü.png", "3", "a\udce9"])
    assert out[:, 0, ::2, ::2].reshape(3, 4).tolist() == [[10, 2, 0, 8], [2, 0, 8, 10], [8, 2, 0, 10]]
    out = Shuffle(0.5, seed=7)(corners, ids=[3, -1, 2**63])
    assert out[:, 0, ::2, ::2].reshape(3, 4).tolist() == [[0, 8, 2, 10], [2, 10, 0, 8], [2, 10, 0, 8]]
    for ids in (np.array([3], np.int32), torch.tensor([3]), (np.int64(3),)):
        assert torch.equal(Shuffle(0.5, seed=7)(corners[:1], ids=ids), out[:1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tile", "side", "number", "length"),
    [
        (1 / 3, 9, 3, 3),
        (0.3, 10, 3, 3),  # a border of one pixel
        (0.4, 7, 2, 2),
        (0.1, 3, 3, 1),  # no more tiles than pixels
        (1 / 49, 98, 49, 2),  # 1 / 49 * 98 is 1.9999999999999998, two pixels are meant
    ],
)
def test_number_and_length_of_tiles(tile: float, side: int, number: int, length: int) -> None:
    assert Shuffle(tile)._tiles(side) == (number, length)


def test_all_orders_are_equally_likely() -> None:
    num = 4800
    out = Shuffle(0.5)(counting(2, 2, num), ids=np.arange(num))
    _, counts = np.unique(out.flatten(1).numpy(), axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.01


def test_in_time_columns_move_whole_and_together() -> None:
    out = Shuffle(0.25, in_time=True)(counting(3, 8, 5), ids=range(5))
    starts = out[:, 0, 0, ::2].long()
    assert (starts.sort(1).values == torch.tensor([0, 2, 4, 6])).all()
    assert len(starts.unique(dim=0)) > 1
    for image, order in zip(out[:, 0], starts, strict=True):
        columns = torch.stack([order, order + 1], 1).flatten()
        assert torch.equal(image, counting(3, 8)[0, 0][:, columns])


@pytest.mark.parametrize(
    ("act", "said"),
    [
        *((lambda x=x: Color(x), f"color alpha {x}: not in") for x in (-0.1, 1.1, math.nan, math.inf)),
        *((lambda x=x: Radial(x), f"radial radius {x}: negative") for x in (-0.1, math.nan, math.inf)),
        *((lambda x=x: Shuffle(x), "shuffle tile .*: not in") for x in (0, -0.5, 1.01, math.nan, math.inf)),
        (lambda: Shuffle(0.5, seed=-1), "seed -1: negative"),
        (lambda: Shuffle(0.5)(counting(4, 4)), "shuffle: needs ids"),
        (lambda: Shuffle(0.5)(counting(4, 4), ids=[0.5]), r"id 0\.5: neither"),  # type: ignore[arg-type]
        (lambda: Color(0.5)(PIXEL, ids=[1, 2]), "2 ids for 1 images"),
        (lambda: Color(0.5)(torch.zeros(3, 4, 4)), r"images: are torch.float32 \[3, 4, 4\]"),
        (lambda: Color(0.5)(PIXEL.byte()), r"images: are torch.uint8 \[1, 3, 1, 1\]"),
        (lambda: Color(0.5)([[0.5]]), "images: are list"),  # type: ignore[arg-type]
        *((lambda x=x: Order(x), "order window .*: no whole number") for x in (-1, 1.5, math.nan, math.inf)),
        *((lambda x=x: Case(x), r"case share .*: not in \[0, 1\]") for x in (-0.1, 1.1, math.nan)),
        (lambda: Order(2, seed=-1), "order seed -1: negative"),
        (lambda: Case(0.5, seed=-1), "case seed -1"),
        (lambda: Order(2)([TEXT]), "order: needs ids, one per text"),
        (lambda: Case(0.5)([TEXT]), "case: needs ids"),
        (lambda: Order(2)([TEXT], ids=[0, 1]), "2 ids for 1 texts"),
        (lambda: Order(2)([TEXT], ids=[1.5]), r"id 1\.5: neither"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(act: Callable[[], Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        act()
