"""torchvision's classifiers under their own names. torchvision is imported when one is asked for."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.errors import BadInput
from easiness.models.family import Shape
from easiness.models.published import Published, converted_file, converting, quoted, read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

_WITH_SIDE_OUTPUTS = ("googlenet", "inception_v3")
_SIDE_OUTPUT = re.compile(r"(AuxLogits|aux1|aux2)\.")
# DenseNet's files are older than the rule that a module's name has no dot: norm.1 is now norm1.
_DENSENET_DOT = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.(\d\..*)")


def torchvision_names() -> list[str] | None:
    """The names of torchvision's classifiers; ``None`` where torchvision is not installed."""
    models = _models()
    if models is None:
        return None
    names: list[str] = models.list_models(module=models)
    return names


def torchvision_net(name: str, input_shape: Shape, num_classes: int) -> nn.Module:
    """The network ``name`` with random weights, for images of ``input_shape`` (3, h, w).

    Gives logits [b, num_classes] also in training mode: ``googlenet`` and ``inception_v3`` have no
    auxiliary outputs. Initialized as torchvision does, from torch's global generator.
    """
    _, height, width = input_shape
    options: dict[str, Any] = {}
    if name in _WITH_SIDE_OUTPUTS:
        options = {"aux_logits": False, "init_weights": True}
    elif name.startswith(("vit_", "maxvit")):
        if height != width:
            raise BadInput(
                f"model {name!r}: takes square images only and these are {height} x {width}; set `crop` in "
                "the recipe, or choose another model"
            )
        options = {"image_size": height} if name.startswith("vit_") else {"input_size": (height, width)}
    net: nn.Module = _models().get_model(name, weights=None, num_classes=num_classes, **options)
    return net


def smallest_side(name: str) -> int:
    """The smallest height and width in pixels that torchvision states for the network ``name``."""
    return int(max(_weights(name).meta["min_size"]))


def torchvision_weights_file(name: str) -> Path:
    """The file of the best weights of ``name`` as safetensors: ``checkpoints`` in torch's hub folder.

    The folder follows ``TORCH_HOME``. Nothing is downloaded, and torchvision's own file, which is pickled,
    is not read.
    """
    path = converted_file(_weights(name).url)
    if not path.is_file():
        state = (
            f"get_model_weights({quoted(name)}).DEFAULT.get_state_dict(check_hash=True, weights_only=True)"
        )
        command = converting("from torchvision.models import get_model_weights", state, path)
        raise BadInput(
            f"model {name!r}: its weights {path} are not there; torchvision downloads and converts them: "
            f"{command}"
        )
    return path


def fetch_torchvision_weights(name: str) -> None:
    """Fetch the best weights of ``name`` and convert them, so that `torchvision_weights_file` finds them."""
    from safetensors.torch import save_file

    best = _weights(name)
    path = converted_file(best.url)
    state = best.get_state_dict(progress=False, check_hash=True, weights_only=True)
    aside = path.with_suffix(".part")
    save_file({key: value.contiguous() for key, value in state.items()}, aside)
    aside.replace(path)


def torchvision_weights(name: str, path: Path, *_: object) -> dict[str, Tensor]:
    """The state in a file of weights for `torchvision_net`: no auxiliary outputs, names of today."""
    weights = read_weights(path)
    for key in list(weights):
        if name in _WITH_SIDE_OUTPUTS and _SIDE_OUTPUT.match(key):
            del weights[key]
        elif match := _DENSENET_DOT.fullmatch(key):
            weights["".join(match.groups())] = weights.pop(key)
    return weights


def _models() -> Any:
    """``torchvision.models``, or ``None`` where torchvision is not installed."""
    try:
        return importlib.import_module("torchvision.models")
    except ModuleNotFoundError:
        return None


def _weights(name: str) -> Any:
    return _models().get_model_weights(name).DEFAULT


TORCHVISION = Published(
    form="a name of torchvision's (such as resnet18, vgg11_bn)",
    reads=lambda name: ":" not in name and name in (torchvision_names() or ()),
    known=torchvision_names,
    check=lambda _: None,  # one of the list is right
    net=torchvision_net,
    weights_file=torchvision_weights_file,
    fetch=fetch_torchvision_weights,
    weights=torchvision_weights,
    smallest_side=smallest_side,
)
