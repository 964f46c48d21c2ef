from __future__ import annotations

import inspect

import pytest

import easiness as ez
from easiness.spec import renamed


@renamed(colour="color")
def paint(wall: str, *, color: str = "white") -> tuple[str, str]:
    """Paint a wall."""
    return wall, color


def test_the_new_name_says_nothing():
    assert paint("north", color="red") == ("north", "red")
    assert paint("north") == ("north", "white")
    assert [*inspect.signature(paint).parameters] == ["wall", "color"]


def test_the_old_name_goes_on_with_a_warning_that_points_to_the_caller():
    with pytest.warns(DeprecationWarning, match=r"^paint\(\): colour= .*color=$") as warned:
        assert paint("north", colour="red") == ("north", "red")  # type: ignore[call-arg]
    assert warned[0].filename == __file__


def test_both_names_are_refused():
    with pytest.raises(TypeError, match=r"color= .*old name, colour="):
        paint("north", color="red", colour="blue")  # type: ignore[call-arg]


def test_measure_takes_compiling_for_compile(tmp_path):
    with (
        pytest.warns(DeprecationWarning, match=r"compiling= .*called compile="),
        pytest.raises(ez.BadInput, match="compile 'maybe': unknown"),
    ):
        ez.measure("digits", model="mlp_2_w8", compiling="maybe", out=tmp_path / "run")  # type: ignore[call-arg]
    assert not (tmp_path / "run").exists()
