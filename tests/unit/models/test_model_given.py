"""Networks of the user's own, and how they are called."""

from __future__ import annotations

import functools
import itertools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.models import build_model, find_family, is_given, model_name

numbers = itertools.count()


class Net(nn.Sequential):
    def __init__(self, input_shape: tuple[int, int, int] = (1, 4, 4), num_classes: int = 3) -> None:
        super().__init__(nn.Flatten(), nn.Linear(input_shape[1] * input_shape[2], num_classes))


def build(model: Any) -> nn.Module:
    return build_model(model_name(model), (1, 4, 4), 3)


def test_what_a_module_has_under_its_name_is_the_name_of_the_command():
    assert model_name(Net) == f"{__name__}:Net"
    assert model_name("mlp_3") == "mlp_3"
    assert not is_given(model_name(Net))
    assert isinstance(build(Net), Net)


def test_functions_of_libraries_are_their_names():
    torchvision = pytest.importorskip("torchvision")
    timm = pytest.importorskip("timm")
    assert model_name(torchvision.models.resnet18) == "resnet18"
    assert model_name(torchvision.models.ResNet) == "torchvision.models.resnet:ResNet"
    assert model_name(timm.models.resnet.resnet18) == "timm:resnet18"


@pytest.mark.parametrize(
    "model",
    [
        lambda: Net(),
        lambda num_classes: Net((1, 4, 4), num_classes),
        lambda *, input_shape: Net(input_shape),
        lambda **given: Net(**given),
        functools.partial(Net, num_classes=3),
        functools.partial(lambda side, num_classes: Net((1, side, 4), num_classes), 4),
        Net().__class__,
    ],
)
def test_a_callable_gets_of_shape_and_classes_what_it_takes(model):
    net = build(model)
    assert net(torch.zeros(2, 1, 4, 4)).shape == (2, 3)
    assert build(model) is not net


def test_a_network_that_is_built_already_is_refused():
    with pytest.raises(BadInput, match="Net that is built"):
        model_name(Net())
    with pytest.raises(BadInput, match=r"model 3: give .*network"):
        model_name(3)  # type: ignore[arg-type]
    one = Net()
    build(lambda: one)
    with pytest.raises(BadInput, match="the same network"):
        build(lambda: one)


def test_what_was_not_given_here_cannot_be_built():
    for use in (find_family, lambda name: build_model(name, (1, 4, 4), 3)):
        with pytest.raises(BadInput, match="'net#0123456789ab': was an object"):
            use("net#0123456789ab")


def test_an_object_of_python_has_a_name_in_this_process_alone():
    one, other = (functools.partial(Net, num_classes=3) for _ in range(2))
    name = model_name(one)
    assert is_given(name)
    assert name.startswith("Net#")
    assert model_name(one) == name != model_name(other)


Build = Callable[[str], nn.Module]

GOOD = """
    class Net(nn.Module):
        def __init__(self, input_shape, num_classes):
            super().__init__()
            c, h, w = input_shape
            self.norm = nn.BatchNorm2d(c).eval()
            self.out = nn.Linear(c * h * w, num_classes)
        def forward(self, x):
            return self.out(self.norm(x + 0 * torch.rand_like(x)).flatten(1))
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Build from source that defines ``Net``, in a module of the current folder."""
    monkeypatch.chdir(tmp_path)

    def build_from(source: str) -> nn.Module:
        module = f"mynet{next(numbers)}"
        lines = ["import torch", "from torch import nn", *(line[4:] for line in source.splitlines())]
        Path(f"{module}.py").write_text("\n".join(lines))
        return build_model(f"{module}:Net", (3, 5, 4), 6)

    return build_from


def test_modes_statistics_and_random_numbers_are_left_alone(built: Build) -> None:
    torch.manual_seed(3)
    nn.Linear(60, 6)
    expected = torch.rand(1)
    torch.manual_seed(3)
    net = built(GOOD)
    assert type(net).__name__ == "Net"
    assert torch.equal(torch.rand(1), expected)
    assert net.training
    assert not net.norm.training  # type: ignore[union-attr]
    assert net.norm.num_batches_tracked == 0  # type: ignore[union-attr]


def test_the_current_folder_is_importable_for_the_building_alone(built: Build) -> None:
    Path("sibling_net.py").write_text(
        "from torch import nn\nnet = nn.Sequential(nn.Flatten(), nn.Linear(60, 6))"
    )
    before = list(sys.path)
    net = built("""
    def Net(input_shape, num_classes):
        from sibling_net import net
        return net
    """)
    assert isinstance(net, nn.Sequential)
    assert sys.path == before


def test_lazy_layers_are_settled_when_the_network_is_returned(built: Build) -> None:
    net = built("""
    def Net(input_shape, num_classes):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
    """)
    assert [tuple(p.shape) for p in net.parameters()] == [(6, 60), (6,)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("    raise RuntimeError('no\\nluck')", "importing mynet[0-9]+ raised RuntimeError: no luck"),
        ("    raise SystemExit(3)", "importing mynet[0-9]+ raised SystemExit: 3"),
        ("    import not_there_at_all", "importing mynet[0-9]+ raised ModuleNotFoundError: No module named"),
        ("    def Not(input_shape, num_classes): ...", r"has no 'Net' \(did you mean Not"),
        ("    Net = 3", "raised TypeError: 'int' object is not callable"),
        (
            "    def Net(shape): ...",
            r"Net needs shape, but it is given input_shape=\(c, h, w\) and",
        ),
        ("    def Net(*, a, b, **c): ...", "Net needs a, b, but .* set it by functools.partial"),
        (
            "    def Net(input_shape, num_classes): raise KeyError",
            re.escape("Net(input_shape=(3, 5, 4), num_classes=6) raised KeyError"),
        ),
        (
            "    def Net(input_shape, num_classes): return None",
            "returned NoneType; it must return a torch.nn",
        ),
        ("    def Net(input_shape, num_classes): return nn.Linear", "returned type; it must return"),
        ("    def Net(input_shape, num_classes): return nn.Linear(3, 6)", "cannot take one .*RuntimeError"),
        ("    def Net(input_shape, num_classes): return nn.Flatten()", r"\(1, 60\) .* logits \(1, 6\)"),
        (
            "    def Net(input_shape, num_classes):\n"
            "        return nn.Sequential(nn.Flatten(), nn.Linear(60, 6), nn.Flatten(0))",
            r"float32 \(6,\) .* logits \(1, 6\)",
        ),
        (
            "    class Net(nn.Module):\n"
            "        def __init__(self, input_shape, num_classes): super().__init__()\n"
            "        def forward(self, x): return x, x",
            "gives tuple for an example",
        ),
        (
            "    class Net(nn.Module):\n"
            "        def __init__(self, input_shape, num_classes): super().__init__()\n"
            "        def forward(self, x): return torch.zeros(1, 6, dtype=torch.int64)",
            "gives torch.int64",
        ),
        (
            "    def Net(input_shape, num_classes):\n"
            "        return nn.Sequential(nn.Flatten(), nn.Linear(60, 6)).requires_grad_(False)",
            "no parameter that can be trained",
        ),
    ],
)
def test_what_fails_is_bad_input_on_one_line(built: Build, source: str, text: str) -> None:
    with pytest.raises(BadInput, match=text) as caught:
        built(source)
    assert "\n" not in str(caught.value)
    assert re.match("model 'mynet[0-9]+:Net'", str(caught.value))


def test_a_module_that_does_not_exist() -> None:
    with pytest.raises(BadInput, match=r"'torch.nowhere2:f': .*no module torch.nowhere2"):
        build_model("torch.nowhere2:f", (1, 8, 8), 10)
