"""Networks given as objects of Python: what tells them apart, and how they are called."""

from __future__ import annotations

import functools
import itertools
import linecache
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from easiness.errors import BadInput
from easiness.models import build_model, check_model_name, is_given, model_name

numbers = itertools.count()


class Net(nn.Sequential):
    def __init__(self, input_shape: tuple[int, int, int] = (1, 4, 4), num_classes: int = 3) -> None:
        super().__init__(nn.Flatten(), nn.Linear(input_shape[1] * input_shape[2], num_classes))


def build(model: Any) -> nn.Module:
    return build_model(model_name(model), (1, 4, 4), 3)


@pytest.fixture
def cell() -> Callable[[str, str], Any]:
    """Runs source text as a notebook runs a cell, whose lines only `linecache` has; gives what is named."""

    def run(source: str, name: str = "net") -> Any:
        file = f"<cell-{next(numbers)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        around: dict[str, Any] = {"__name__": "__main__", "nn": nn, "functools": functools, "torch": torch}
        exec(compile(source, file, "exec"), around)
        return around[name]

    return run


def test_what_a_module_has_under_its_name_is_the_name_of_the_command():
    assert model_name(Net) == f"{__name__}:Net"
    assert model_name("mlp_3") == "mlp_3"
    assert not is_given(model_name(Net))
    assert isinstance(build(Net), Net)


def test_functions_of_libraries_are_their_names():
    """They take other arguments than ours, and the command knows how to build them."""
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
    for use in (check_model_name, lambda name: build_model(name, (1, 4, 4), 3)):
        with pytest.raises(BadInput, match="'net#0123456789ab': was an object"):
            use("net#0123456789ab")


CLASS = """
class net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.out = nn.Linear(16, num_classes)
    def forward(self, x):
        return self.out(x.flatten(1))
"""


def test_a_class_of_a_notebook_is_told_by_its_code(cell):
    name = model_name(cell(CLASS))
    assert name.startswith("net#")
    assert is_given(name)
    assert build(cell(CLASS))(torch.zeros(1, 1, 4, 4)).shape == (1, 3)
    assert model_name(cell(f"# moved down\n\n{CLASS}\nx = 3")) == name  # where it stands does not matter
    assert model_name(cell(CLASS.replace("__()", "__()  # a comment"))) == name
    assert model_name(cell(CLASS.replace("out(x", "out(2 * x"))) != name
    assert model_name(cell(CLASS.replace("def forward", "size = 3\n    def forward"))) != name


def test_what_it_uses_counts_and_nothing_else(cell):
    source = f"{CLASS.replace('net', 'Net')}\nwidth = 16\nother = 1\ndef net(num_classes):\n"
    source += "    other = width\n    return Net(num_classes)\n"
    name = model_name(cell(source))
    assert model_name(cell(source)) == name
    assert model_name(cell(source.replace("width = 16", "width = 17"))) != name
    assert model_name(cell(source.replace("\nother = 1", "\nother = 2"))) == name  # its own is another


def test_a_lambda_is_told_apart_from_what_stands_beside_it(cell):
    measure = "def measure(model, trials): return model\nNet = nn.Flatten\n"
    name = model_name(cell(f"{measure}net = measure(model=lambda: Net(), trials=3)"))
    assert name.startswith("lambda#")
    assert model_name(cell(f"{measure}net = measure(\n  trials=10,\n  model=lambda: Net(),\n)")) == name
    assert model_name(cell(f"{measure}net = measure(model=lambda: Net(1), trials=3)")) != name
    two = f"{measure}a, net = lambda: Net(1), lambda: Net()"
    assert model_name(cell(two)) == name
    assert model_name(cell(two, "a")) == model_name(cell(f"{measure}net = lambda: Net(1)"))


def test_a_partial_is_told_by_what_it_sets(cell):
    source = f"{CLASS}\npart = functools.partial(net, num_classes=3)"
    name = model_name(cell(source, "part"))
    assert name.startswith("net#")
    assert model_name(cell(source, "part")) == name
    assert model_name(cell(source.replace("classes=3", "classes=4"), "part")) != name
    a, b = (functools.partial(Net, **given) for given in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))  # type: ignore[arg-type]
    assert model_name(a) == model_name(b)


def test_values_around_a_function_count():
    def factory(width: Any) -> Callable[[], nn.Module]:
        return lambda: nn.Sequential(nn.Flatten(), nn.Linear(width, 3))

    assert model_name(factory(16)) == model_name(factory(16))
    assert model_name(factory(16)) != model_name(factory(17))
    assert model_name(factory([1, (2, {"a": None})])) != model_name(factory([1, (2, {"a": True})]))
    assert model_name(factory(torch.zeros)) == model_name(factory(torch.zeros))
    assert model_name(factory(torch.zeros(1))) == model_name(factory(torch.zeros(2)))  # by its type


def test_without_source_text_the_bytecode_tells():
    def define(source: str) -> Any:
        around: dict[str, Any] = {"__name__": "__main__", "nn": nn, "width": 16}
        exec(source, around)
        return around["net"]

    name = model_name(define(CLASS))
    assert model_name(define(f"{CLASS}\n# a comment")) == name
    assert model_name(define(CLASS.replace("out(x", "out(2 * x"))) != name
    function = "def net(num_classes): return nn.Sequential(nn.Flatten(), nn.Linear(width, num_classes))"
    assert build(define(function))(torch.zeros(1, 1, 4, 4)).shape == (1, 3)
    other = define(function)
    other.__globals__["width"] = 17
    assert model_name(define(function)) == model_name(define(function)) != model_name(other)
