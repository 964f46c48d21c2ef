from __future__ import annotations

import socket
import sys
from typing import Any, NoReturn

import pytest

from easiness.errors import BadInput
from easiness.models import build_model, check_model_name

pytest.importorskip("timm")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_transformer_is_built_for_the_size_of_the_images() -> None:
    net = build_model("timm:vit_tiny_patch16_224.augreg_in21k", (3, 32, 64), 4)
    assert net.pos_embed.shape == (1, 2 * 4 + 1, 192)


def test_without_timm_the_pip_command_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BadInput, match=r"'timm:resnet18': .*'easiness\[timm\]'"):
        check_model_name("timm:resnet18")
