from __future__ import annotations

import subprocess
import sys

import pytest

from easiness.errors import BadInput
from easiness.models import build_model, check_model_name, model_names
from easiness.models.registry import OWN, Numbered


def read_model_name(name: str) -> tuple[Numbered, dict[str, int]] | None:
    for family in OWN:
        if (numbers := family.read(name)) is not None:
            return family, numbers
    return None


@pytest.mark.parametrize(
    ("name", "family", "numbers"),
    [
        ("mlp_3", "mlp", {"depth": 3}),
        ("mlp_3_w256", "mlp", {"depth": 3, "width": 256}),
        ("wrn_16_4", "wrn", {"depth": 16, "width": 4}),
        ("densenet_bc_100_12", "densenet_bc", {"depth": 100, "growth": 12}),
        ("resnext_29_4x64d", "resnext", {"depth": 29, "cardinality": 4, "width": 64}),
        ("resnext_11_2x8d_b16", "resnext", {"depth": 11, "cardinality": 2, "width": 8, "base": 16}),
    ],
)
def test_names_are_read(name: str, family: str, numbers: dict[str, int]) -> None:
    known = read_model_name(name)
    assert known is not None
    assert (known[0].name, known[1]) == (family, numbers)


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "resnext50_32x4d", "vit_b_16"])
def test_names_of_torchvision_are_known_and_not_ours(name: str) -> None:
    check_model_name(name)
    assert read_model_name(name) is None


REFUSED = {
    **{
        name: f"did you mean {hint}"
        for name, hint in {
            "WRN-16-4": "wrn_16_4",
            "wrn_164": "wrn_16_4",
            "densenet_100_12": "densenet_bc_100_12",
            "resnet-18": "resnet18",
            "vgg11bn": "vgg11_bn",
            "resnet18\n": "resnet18",
            "timm:resnet1": "timm:resnet1",
            "timm:vit_tiny": r"timm:vit_tiny_\w+, timm:vit_tiny_",
        }.items()
    },
    **dict.fromkeys(
        ("", "wrn", "wrn_16_", "wrn_-16_4", "wrn_016_4", "wrn_16_4\n", "wrn_16_٤", "mlp_" + "9" * 5000),
        r"is not known.*mlp_DEPTH.*package\.module:callable",
    ),
    "wrn_15_4": "depth 15 .* 6n.4 from 10 to 400, so 10 or 16 is",
    "wrn_4_4": "depth 4 .* from 10 to 400$",
    "wrn_100000_4": "depth 100000 ",
    "wrn_16_0": "width 0 does not work; it must be from 1 to 32$",
    "densenet_bc_99_12": "so 94 or 100 is",
    "densenet_bc_100_0": "growth 0 ",
    "resnext_28_4x64d": "9n.2 from 11 to 398, so 20 or 29 is",
    "resnext_29_0x64d": "cardinality 0 ",
    "resnext_29_4x0d": "width 0 ",
    "mlp_0": "depth 0 ",
    "mlp_3_w0": "width 0 ",
    "mlp_3_w999999": "width 999999 ",
    **dict.fromkeys(
        ("nets/mine.py:make", ":make", "mine:", "a:b:c", "a..b:c", "a.b:c.d", "a b:c"),
        r"write package\.module:callable",
    ),
    "timm:": "timm does not know it",
    "timm:resnet18.a1_in2k": r"no weights 'a1_in2k'.*did you mean timm:resnet18\.a1_in1k.*timm:resnet18 is",
    **dict.fromkeys(
        (
            *("timm:hf-hub:timm/resnet18.a1_in1k", "timm:hf_hub:timm/resnet18.a1_in1k"),
            *("timm:local-dir:nets/mine", "timm:timm/resnet18.a1_in1k"),
        ),
        "the hub or a folder are not loaded",
    ),
}


@pytest.mark.parametrize(("name", "text"), REFUSED.items())
def test_another_name_is_refused_on_one_line(name: str, text: str) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    for use in (check_model_name, lambda name: build_model(name, (3, 32, 32), 10)):
        with pytest.raises(BadInput, match=text) as caught:
            use(name)
        assert str(caught.value).startswith(f"model {name[:40]!r}"[:-1])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a:b", "pack_age.mod1:make", "timm.models:resnet18"])
def test_a_callable_is_not_imported_when_its_name_is_checked(name: str) -> None:
    before = set(sys.modules)
    check_model_name(name)
    assert set(sys.modules) == before


def test_the_known_names_are_one_line_naming_every_family() -> None:
    text = model_names()
    assert "\n" not in text
    for part in (
        "mlp_DEPTH",
        "wrn_DEPTH_WIDTH",
        "densenet_bc_DEPTH_GROWTH",
        "resnext_DEPTH_CARDINALITYxWIDTHd",
        "resnext_DEPTH_CARDINALITYxWIDTHd_bBASE",
        "torchvision",
        "timm:NAME",
        "package.module:callable",
    ):
        assert part in text


def test_without_torchvision_an_unknown_name_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    check_model_name("wrn_16_4")
    for name in ("resnet18", "wrn_164"):
        with pytest.raises(BadInput, match=r"not known.*pip install torchvision"):
            check_model_name(name)


def test_checking_a_name_does_not_load_torch() -> None:
    code = (
        "import sys; from easiness.models import build_model, check_model_name; check_model_name('wrn_16_4');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
