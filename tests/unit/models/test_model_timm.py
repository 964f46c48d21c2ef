from __future__ import annotations

import socket
import sys
from typing import Any, NoReturn

import pytest
import torch

from easiness.errors import BadInput
from easiness.models import build_model, check_model_name

pytest.importorskip("timm")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("name", ["timm:test_resnet", "timm:test_resnet.r160_in1k", "timm:test_vit"])
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 48, 32), (5, 32, 48)])
def test_channels_size_and_classes_follow_the_data(name: str, shape: tuple[int, int, int]) -> None:
    net = build_model(name, input_shape=shape, num_classes=7)
    assert net.training
    assert net(torch.rand(2, *shape)).shape == (2, 7)


def test_known_parameter_count() -> None:
    net = build_model("timm:resnet18", (3, 32, 32), 1000)
    assert sum(parameter.numel() for parameter in net.parameters()) == 11_689_512


def test_a_transformer_is_built_for_the_size_of_the_images() -> None:
    net = build_model("timm:vit_tiny_patch16_224.augreg_in21k", (3, 32, 64), 4)
    assert net.pos_embed.shape == (1, 2 * 4 + 1, 192)


def test_the_same_generator_state_gives_the_same_network() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build_model("timm:test_vit", (3, 32, 32), 10).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timm:resnet1", r"timm does not know it \(did you mean timm:resnet1"),
        ("timm:vit_tiny", r"\(did you mean timm:vit_tiny_\w+, timm:vit_tiny_"),
        ("timm:", "timm does not know it"),
        (
            "timm:resnet18.a1_in2k",
            r"no weights 'a1_in2k'.*did you mean timm:resnet18\.a1_in1k.*timm:resnet18 is",
        ),
        ("timm:hf-hub:timm/resnet18.a1_in1k", "the hub or a folder are not loaded"),
        ("timm:hf_hub:timm/resnet18.a1_in1k", "the hub or a folder are not loaded"),
        ("timm:local-dir:nets/mine", "the hub or a folder are not loaded"),
        ("timm:timm/resnet18.a1_in1k", "the hub or a folder are not loaded"),
    ],
)
def test_other_names_are_bad_input_on_one_line(name: str, text: str) -> None:
    for use in (check_model_name, lambda name: build_model(name, (3, 32, 32), 10)):
        with pytest.raises(BadInput, match=text) as caught:
            use(name)
        assert str(caught.value).startswith(f"model {name!r}")
        assert "\n" not in str(caught.value)


def test_images_that_do_not_suit_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"'timm:test_vit': .* 8 x 8 .*`crop`"):
        build_model("timm:test_vit", (3, 8, 8), 10)


def test_without_timm_the_pip_command_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BadInput, match=r"'timm:resnet18': .*'easiness\[timm\]'"):
        check_model_name("timm:resnet18")
