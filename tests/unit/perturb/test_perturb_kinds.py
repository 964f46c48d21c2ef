from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from easiness.errors import BadInput
from easiness.perturb import (
    Case,
    Color,
    Order,
    Perturbation,
    Radial,
    Shuffle,
    Transform,
    default_levels,
    find_kind,
    kinds,
    perturbation,
    register,
)
from easiness.perturb.registry import _registered

numbers = itertools.count()
IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _own_register() -> Iterator[None]:
    known = list(_registered)
    yield
    _registered.clear()
    _registered.extend(known)


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
    ("kind", "shape", "levels", "stronger"),
    [
        ("color", (3, 32, 32), (1, 0.75, 0.5, 0.25, 0), "low"),
        ("shuffle", (3, 32, 32), (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32), "low"),
        ("shuffle", (1, 8, 8), (1, 1 / 2, 1 / 4, 1 / 8), "low"),
        ("shuffle", (3, 28, 28), (1, 1 / 2, 1 / 4, 1 / 8), "low"),  # 16 of 28 pixels would be less than 3/4
        ("radial", (3, 32, 32), (23, 16, 8, 4, 2, 1), "low"),
        ("radial", (1, 7, 9), (5, 3.5, 1.75), "low"),
    ],
)
def test_default_levels_by_hand(
    kind: str, shape: tuple[int, int, int], levels: tuple[float, ...], stronger: str
) -> None:
    assert default_levels(kind, shape) == levels
    assert find_kind(kind).stronger(shape) == stronger


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 5), (3, 5, 7), (3, 224, 224), (3, 250, 200)])
@pytest.mark.parametrize("kind", ["color", "shuffle", "radial"])
def test_the_first_level_changes_nothing_and_the_last_something(
    kind: str, shape: tuple[int, int, int]
) -> None:
    image = torch.rand(1, *shape)
    levels = default_levels(kind, shape)
    assert torch.equal(perturbation(kind, levels[0])(image, ids=[0]), image)
    if min(shape) >= 3:
        assert not torch.equal(perturbation(kind, levels[-1])(image, ids=[0]), image)


def test_axes_and_pictures_are_described() -> None:
    described = [(find_kind(kind).label, find_kind(kind).clamped) for kind in kinds()]
    assert described == [
        ("alpha", False),
        ("radius (frequencies)", True),
        ("tile (share of the side)", False),
        ("window (words; 0: all)", False),
        ("share of words", False),
    ]


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
    assert default_levels("shuffle", (1, 40, 99), "sound") == (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
    assert default_levels("order", ()) == (1, 2, 4, 8, 0)
    assert default_levels("case", ()) == (0, 0.25, 0.5, 1)
    assert [find_kind(name).stronger(()) for name in ("order", "case")] == ["high", "high"]
    assert find_kind("order").ordered([0, 3], ()) == (1, 3, 0)


@pytest.mark.parametrize(
    ("name", "of", "fitting"),
    [
        ("color", "sound", "give one of radial, shuffle"),
        ("color", "text", "give one of order, case"),
        ("order", "image", "give one of color, radial, shuffle"),
        ("case", "sound", "give one of radial, shuffle"),
        ("order", "vector", "none does"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name: str, of: str, fitting: str) -> None:
    with pytest.raises(BadInput, match=f"'{name}': does not fit examples of kind {of}; {fitting}"):
        perturbation(name, 1, of=of)


def add(level: float) -> Callable[..., torch.Tensor]:
    return lambda images, ids=None: images + level  # noqa: ARG005


def test_a_users_own_in_a_few_lines() -> None:
    @register("brighten", levels=(0.5, 0.2), neutral=0)
    def brighten(level: float) -> Callable[..., torch.Tensor]:
        return add(level)

    assert kinds()[-1] == "brighten"
    assert default_levels("brighten", (3, 8, 8)) == (0, 0.2, 0.5)
    kind = find_kind("brighten")
    assert (kind.stronger((3, 8, 8)), kind.label, kind.clamped) == ("high", "brighten", True)
    assert torch.equal(perturbation("brighten", 0.2)(IMAGES, ids=[0, 1]), IMAGES + 0.2)
    assert brighten(1)(IMAGES).equal(IMAGES + 1)


def test_a_users_own_of_texts() -> None:
    @register("shorten", levels=(4, 2), neutral=99, kinds=("text",))
    def shorten(level: float) -> Callable[..., list[str]]:
        return lambda texts, ids=None: [text[: int(level)] for text in texts]  # noqa: ARG005

    assert kinds("text")[-1] == "shorten" not in kinds("image")
    assert default_levels("shorten", ()) == (99, 4, 2)
    assert perturbation("shorten", 2)(["abc", "d"], ids=[0, 1]) == ["ab", "d"]
    assert shorten(1)(["xy"]) == ["x"]


@pytest.mark.parametrize("returned", [["one"], "two", [b"b", "c"]])
def test_what_is_returned_for_texts_is_checked(returned: object) -> None:
    register("odd", levels=(1,), neutral=0, kinds=("text",))(lambda level: lambda texts, ids=None: returned)  # noqa: ARG005
    with pytest.raises(BadInput, match=r"'odd' at level 1: returned .*; return a list of 2 texts"):
        perturbation("odd", 1)(["a", "b"], ids=[0, 1])


def test_levels_on_both_sides_ascend() -> None:
    register("shift", levels=(-2, 2), neutral=0)(add)
    assert default_levels("shift", (3, 8, 8)) == (-2, 0, 2)
    assert find_kind("shift").stronger((3, 8, 8)) == "both"


def test_a_seeded_one_gets_its_seed() -> None:
    register("noise", levels=(1,), neutral=0, seeded=True)(lambda level, seed: add(level + seed))
    assert torch.equal(perturbation("noise", 1, seed=2)(IMAGES), IMAGES + 3)


def test_registering_again_replaces_ones_own_alone() -> None:
    for level in (1, 2):
        register("again", levels=(level,), neutral=0)(add)
    assert default_levels("again", (1, 1, 1)) == (0, 2)
    with pytest.raises(BadInput, match="'color': exists already"):
        register("color", levels=(1,), neutral=0)(add)


def test_bad_registrations() -> None:
    with pytest.raises(BadInput, match=r"perturbation name 'My:Blur'"):
        register("My:Blur", levels=(1,), neutral=0)
    for fits in (("picture",), ()):
        with pytest.raises(BadInput, match=r"'blur': .*give some of image, sound, text"):
            register("blur", levels=(1,), neutral=0, kinds=fits)
    for levels, neutral in [((1, float("nan")), 0), ((1,), float("inf"))]:
        with pytest.raises(BadInput, match=r"'blur': level (nan|inf)"):
            register("blur", levels=levels, neutral=neutral)


def test_unknown_kinds_are_told_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"'colour': .*mean color\?.* color, r"):
        perturbation("colour", 0.5)
    with pytest.raises(BadInput, match="level nan is"):
        perturbation("color", float("nan"))


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
    with pytest.raises(BadInput, match=rf"'{name}:miror': .*mean mirror"):
        perturbation(f"{name}:miror", 1)


def test_modules_that_cannot_be_imported(module: Callable[[str], str]) -> None:
    with pytest.raises(BadInput, match="no module nowhere"):
        perturbation("nowhere.at:all", 1)
    with pytest.raises(BadInput, match=r"write package\.module:name"):
        perturbation("kinds.py/x:all", 1)
    broken = module("1 / 0")
    with pytest.raises(BadInput, match=f"importing {broken} raised ZeroDivisionError"):
        perturbation(f"{broken}:x", 1)
