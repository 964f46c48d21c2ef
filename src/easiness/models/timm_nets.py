"""timm's networks as ``timm:NAME``. timm is imported when one is asked for; nothing is downloaded."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.errors import BadInput, caught, nearest
from easiness.models.family import Shape
from easiness.models.published import SUFFIX, Published, converted_file, converting, quoted, read_weights
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import Tensor, nn

_PREFIX = "timm:"


def check_timm_name(name: str) -> None:
    """Raise `BadInput` unless timm is installed and knows ``name``, with or without a tag of weights."""
    known = name.removeprefix(_PREFIX)
    if any(mark in known for mark in ":/@\\"):
        raise BadInput(
            f"model {name!r}: models from the hub or a folder are not loaded, they could change; give "
            "timm:NAME with a name from timm.list_models()"
        )
    timm = _timm(name)
    names = timm.list_models()
    architecture, _, tag = known.partition(".")
    if architecture not in names:
        raise BadInput(f"model {name!r}: timm does not know it{_timm_hint(known, names)}")
    tagged = timm.list_models(f"{architecture}.*", pretrained=True)
    if tag and known not in tagged:
        raise BadInput(
            f"model {name!r}: timm has no weights {tag!r} of it{_timm_hint(known, tagged)}; "
            f"timm:{architecture} is the same network"
        )


def timm_net(name: str, input_shape: Shape, num_classes: int, **options: Any) -> nn.Module:
    """The network ``name`` for images of ``input_shape`` (c, h, w), built by timm with ``options``.

    Gives logits [b, num_classes]. One with a fixed image size, such as a vision transformer, is built
    for that of the images. Initialized as timm does, from torch's global generator.
    """
    channels, height, width = input_shape
    if _config(name).fixed_input_size:
        options["img_size"] = (height, width)
    net: nn.Module = _timm(name).create_model(
        name.removeprefix(_PREFIX), in_chans=channels, num_classes=num_classes, **options
    )
    return net


def timm_weights_file(name: str) -> Path:
    """The file of the weights of ``name`` as safetensors, in the Hugging Face cache or torch's hub folder."""
    from huggingface_hub import try_to_load_from_cache

    config = _config(name)
    repository, _, revision = (config.hf_hub_id or "").partition("@")
    url = "" if (config.url or "").endswith(".npz") else config.url or ""
    if not repository and not url:
        raise BadInput(f"model {name!r}: there are no weights of it; leave out --pretrained")
    file = config.hf_hub_filename or "model.safetensors"
    on_hub = bool(repository) and file.endswith(SUFFIX)
    found = try_to_load_from_cache(repository, file, revision=revision or None) if on_hub else None
    if isinstance(found, str):
        return Path(found)
    path = converted_file(url or f"{repository.replace('/', '--')}.bin")
    if path.is_file():
        return path
    call = f"timm.create_model({quoted(name.removeprefix(_PREFIX))}, pretrained=True)"
    if on_hub:
        raise BadInput(
            f"model {name!r}: its weights {repository}/{file} in the Hugging Face cache are not there; call "
            f"{call} once in Python, which downloads them"
        )
    raise BadInput(
        f"model {name!r}: its weights {path} are not there; timm downloads and converts them: "
        f"{converting('import timm', f'{call}.state_dict()', path)}"
    )


def fetch_timm_weights(name: str) -> None:
    """Fetch the weights of ``name`` into the Hugging Face cache, where they are there as safetensors."""
    from huggingface_hub import hf_hub_download

    config = _config(name)
    repository, _, revision = (config.hf_hub_id or "").partition("@")
    file = config.hf_hub_filename or "model.safetensors"
    if repository and file.endswith(SUFFIX):
        hf_hub_download(repository, file, revision=revision or None)


def timm_weights(name: str, path: Path, net: nn.Module, input_shape: Shape) -> dict[str, Tensor]:
    """The state in a file of weights for a ``net`` by `timm_net` with ``input_shape`` (3, h, w).

    timm brings names and positional embeddings into line. The classifier is as wide as in the file, or that
    of ``net`` where the file has none.
    """
    import torch

    config = _config(name)
    weights = read_weights(path)
    misfit = f"{path}: these weights do not fit model {name!r}"
    with caught(lambda error: BadInput(f"{misfit}: {describe(error)}")):
        num_classes = _num_classes(config, weights)
        overlay = {"state_dict": weights, "custom_load": False, "num_classes": num_classes}
        with torch.random.fork_rng(devices=[]):
            filled = timm_net(name, input_shape, num_classes, pretrained=True, pretrained_cfg_overlay=overlay)
    # timm has seen that the file is whole; what it lacks is a classifier that was never there
    return {**net.state_dict(), **filled.state_dict()}


def _num_classes(config: Any, weights: Mapping[str, Tensor]) -> int:
    """Outputs of the classifier in a file, less a class for the background; timm's word where it has none."""
    layers = [config.classifier] if isinstance(config.classifier, str) else config.classifier or []
    for layer in layers:
        if f"{layer}.weight" in weights:
            return len(weights[f"{layer}.weight"]) - (config.label_offset or 0)
    num_classes: int = config.num_classes
    return num_classes


def _timm_hint(name: str, known: list[str]) -> str:
    """The nearest names, those that only go on where there are any."""
    known = [other for other in known if other.startswith(name)] or known
    return nearest(_PREFIX + name, [_PREFIX + other for other in known])


def _timm(name: str) -> Any:
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError:
        raise BadInput(f"model {name!r}: needs timm; run pip install 'easiness[timm]'") from None


def _config(name: str) -> Any:
    return _timm(name).models.get_pretrained_cfg(name.removeprefix(_PREFIX))


TIMM = Published(
    form=f"{_PREFIX}NAME",
    reads=lambda name: name.startswith(_PREFIX),
    known=tuple,  # timm is imported for a name of its own alone
    check=check_timm_name,
    net=timm_net,
    weights_file=timm_weights_file,
    fetch=fetch_timm_weights,
    weights=timm_weights,
    any_channels=True,
)
